// SPDX-License-Identifier: Apache-2.0
// All that is libsodium's: digests (BLAKE2b as RFC 7693 has it), the primitives of age, and what closes the store.
#include <sodium.h>
#include <chaos/digest.hpp>
#include <chaos/error.hpp>
#include <chaos/hashes.hpp>
#include <chaos/seal.hpp>
#include <cstring>
#include "primitives.hpp"

namespace chaos {

static_assert(sizeof(crypto_generichash_state) <= 384);
static constexpr std::size_t digest_bytes = 16;

static Digest from_bytes(const unsigned char* bytes) {
    Digest digest;
    for (int i = 0; i < 8; ++i) digest.high = digest.high << 8 | bytes[i], digest.low = digest.low << 8 | bytes[8 + i];
    return digest;
}

static void be_ready() {
    static const int ready = sodium_init();  // picks the fastest code for this processor; safe to repeat
    if (ready < 0) throw Error("libsodium can not be initialised");
}

static const unsigned char* in(std::string_view bytes) {
    return reinterpret_cast<const unsigned char*>(bytes.data());
}
static unsigned char* out(std::string& bytes) {
    return reinterpret_cast<unsigned char*>(bytes.data());
}

Hasher::Hasher() {
    be_ready();
    crypto_generichash_init(reinterpret_cast<crypto_generichash_state*>(state_), nullptr, 0, digest_bytes);
}

Hasher& Hasher::add(std::string_view bytes) {
    crypto_generichash_update(reinterpret_cast<crypto_generichash_state*>(state_),
                              reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
    return *this;
}

Digest Hasher::finish() {
    unsigned char bytes[digest_bytes];
    crypto_generichash_final(reinterpret_cast<crypto_generichash_state*>(state_), bytes, sizeof bytes);
    return from_bytes(bytes);
}

Digest digest(std::string_view bytes) {
    return Hasher().add(bytes).finish();
}

std::string hex(Digest digest) {
    static constexpr char digits[] = "0123456789abcdef";
    std::string text(32, '0');
    for (int i = 0; i < 16; ++i) {
        text[static_cast<std::size_t>(15 - i)] = digits[digest.high >> (4 * i) & 15];
        text[static_cast<std::size_t>(31 - i)] = digits[digest.low >> (4 * i) & 15];
    }
    return text;
}

Digest digest_from_hex(std::string_view text) {
    Digest digest;
    if (text.size() != 32) throw Error("expected 32 hexadecimal digits, found '" + std::string(text) + "'");
    for (std::size_t i = 0; i < 32; ++i) {
        const char c = text[i];
        const int value = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
        if (value < 0) throw Error("expected 32 hexadecimal digits, found '" + std::string(text) + "'");
        auto& half = i < 16 ? digest.high : digest.low;
        half = half << 4 | static_cast<std::uint64_t>(value);
    }
    return digest;
}

namespace language {

std::string sha256(std::string_view text) {
    std::string bytes(crypto_hash_sha256_BYTES, '\0');
    crypto_hash_sha256(reinterpret_cast<unsigned char*>(bytes.data()),
                       reinterpret_cast<const unsigned char*>(text.data()), text.size());
    return bytes;
}

std::string hmac_sha256(std::string_view key, std::string_view text) {
    return crypto::hmac_sha256(key, text);
}

std::string sha512(std::string_view text) {
    std::string bytes(crypto_hash_sha512_BYTES, '\0');
    crypto_hash_sha512(reinterpret_cast<unsigned char*>(bytes.data()),
                       reinterpret_cast<const unsigned char*>(text.data()), text.size());
    return bytes;
}

std::string blake2b(std::string_view text) {
    std::string bytes(64, '\0');
    crypto_generichash(reinterpret_cast<unsigned char*>(bytes.data()), bytes.size(),
                       reinterpret_cast<const unsigned char*>(text.data()), text.size(), nullptr, 0);
    return bytes;
}

std::string to_base64(std::string_view text) {
    constexpr int way = sodium_base64_VARIANT_ORIGINAL;
    std::string out(sodium_base64_encoded_len(text.size(), way), '\0');
    sodium_bin2base64(out.data(), out.size(), reinterpret_cast<const unsigned char*>(text.data()), text.size(), way);
    out.pop_back();  // its zero
    return out;
}

std::optional<std::string> from_base64(std::string_view text) {
    std::string out(text.size(), '\0');
    std::size_t size = 0;
    const char* end = nullptr;
    if (sodium_base642bin(reinterpret_cast<unsigned char*>(out.data()), out.size(), text.data(), text.size(), "\r\n",
                          &size, &end, sodium_base64_VARIANT_ORIGINAL) != 0 ||
        end != text.data() + text.size())
        return std::nullopt;
    out.resize(size);
    return out;
}

}  // namespace language

namespace crypto {

std::string random_bytes(std::size_t count) {
    be_ready();
    std::string bytes(count, '\0');
    randombytes_buf(bytes.data(), count);
    return bytes;
}

void wipe(std::string& bytes) {
    sodium_memzero(bytes.data(), bytes.size());
    bytes.clear();
}

bool same_bytes(std::string_view a, std::string_view b) {
    return a.size() == b.size() && sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string sha256(std::string_view text) {
    return language::sha256(text);
}
std::string sha512(std::string_view text) {
    return language::sha512(text);
}

std::string hmac_sha256(std::string_view key, std::string_view text) {
    crypto_auth_hmacsha256_state state;
    crypto_auth_hmacsha256_init(&state, in(key), key.size());
    crypto_auth_hmacsha256_update(&state, in(text), text.size());
    std::string tag(crypto_auth_hmacsha256_BYTES, '\0');
    crypto_auth_hmacsha256_final(&state, out(tag));
    return tag;
}

std::string hkdf_sha256(std::string_view secret, std::string_view salt, std::string_view info) {
    const std::string zeros(crypto_auth_hmacsha256_BYTES, '\0');
    const std::string drawn = hmac_sha256(salt.empty() ? zeros : salt, secret);
    return hmac_sha256(drawn, std::string(info) + '\x01');
}

static void must_have(std::string_view bytes, std::size_t size) {
    if (bytes.size() != size) throw Error("a key of the wrong length");  // a mistake of this program
}

std::string chacha_seal(std::string_view key, std::string_view nonce, std::string_view text) {
    must_have(key, crypto_aead_chacha20poly1305_IETF_KEYBYTES);
    must_have(nonce, crypto_aead_chacha20poly1305_IETF_NPUBBYTES);
    std::string sealed(text.size() + crypto_aead_chacha20poly1305_IETF_ABYTES, '\0');
    crypto_aead_chacha20poly1305_ietf_encrypt(out(sealed), nullptr, in(text), text.size(), nullptr, 0, nullptr,
                                              in(nonce), in(key));
    return sealed;
}

std::optional<std::string> chacha_open(std::string_view key, std::string_view nonce, std::string_view sealed) {
    must_have(key, crypto_aead_chacha20poly1305_IETF_KEYBYTES);
    must_have(nonce, crypto_aead_chacha20poly1305_IETF_NPUBBYTES);
    if (sealed.size() < crypto_aead_chacha20poly1305_IETF_ABYTES) return std::nullopt;
    std::string text(sealed.size() - crypto_aead_chacha20poly1305_IETF_ABYTES, '\0');
    if (crypto_aead_chacha20poly1305_ietf_decrypt(out(text), nullptr, nullptr, in(sealed), sealed.size(), nullptr, 0,
                                                  in(nonce), in(key)) != 0)
        return std::nullopt;
    return text;
}

std::string x25519_public(std::string_view secret) {
    must_have(secret, crypto_scalarmult_SCALARBYTES);
    std::string point(crypto_scalarmult_BYTES, '\0');
    crypto_scalarmult_base(out(point), in(secret));
    return point;
}

std::optional<std::string> x25519(std::string_view secret, std::string_view point) {
    must_have(secret, crypto_scalarmult_SCALARBYTES), must_have(point, crypto_scalarmult_BYTES);
    std::string shared(crypto_scalarmult_BYTES, '\0');
    if (crypto_scalarmult(out(shared), in(secret), in(point)) != 0) return std::nullopt;
    return shared;
}

std::optional<std::string> curve_public(std::string_view ed25519_public) {
    must_have(ed25519_public, crypto_sign_ed25519_PUBLICKEYBYTES);
    std::string point(crypto_scalarmult_curve25519_BYTES, '\0');
    if (crypto_sign_ed25519_pk_to_curve25519(out(point), in(ed25519_public)) != 0) return std::nullopt;
    return point;
}

std::string curve_secret(std::string_view ed25519_seed) {
    must_have(ed25519_seed, crypto_sign_ed25519_SEEDBYTES);
    std::string scalar = sha512(ed25519_seed);
    scalar.resize(crypto_scalarmult_SCALARBYTES);  // multiplying clamps it
    return scalar;
}

std::string scrypt(std::string_view passphrase, std::string_view salt, int log_n) {
    std::string key(32, '\0');
    if (crypto_pwhash_scryptsalsa208sha256_ll(in(passphrase), passphrase.size(), in(salt), salt.size(),
                                              std::uint64_t{1} << log_n, 8, 1, out(key), key.size()) != 0)
        throw Error("there is not enough memory to try this passphrase");
    return key;
}

std::string base64(std::string_view bytes, bool padded) {
    const int way = padded ? sodium_base64_VARIANT_ORIGINAL : sodium_base64_VARIANT_ORIGINAL_NO_PADDING;
    std::string text(sodium_base64_encoded_len(bytes.size(), way), '\0');
    sodium_bin2base64(text.data(), text.size(), in(bytes), bytes.size(), way);
    text.pop_back();  // its zero
    return text;
}

std::optional<std::string> from_base64(std::string_view text, bool padded) {
    const int way = padded ? sodium_base64_VARIANT_ORIGINAL : sodium_base64_VARIANT_ORIGINAL_NO_PADDING;
    std::string bytes(text.size(), '\0');
    std::size_t size = 0;
    const char* end = nullptr;
    if (sodium_base642bin(out(bytes), bytes.size(), text.data(), text.size(), nullptr, &size, &end, way) != 0 ||
        end != text.data() + text.size())
        return std::nullopt;
    bytes.resize(size);
    return bytes;
}

}  // namespace crypto

SealKey SealKey::fresh() {
    return SealKey(crypto::random_bytes(size));
}

SealKey::SealKey(std::string bytes) : bytes_(std::move(bytes)) {
    static_assert(size == crypto_secretbox_KEYBYTES);
    if (bytes_.size() != size) throw Error("a key of the store has 32 bytes");
    be_ready();
    nonces_ = crypto::hmac_sha256(bytes_, "nonce"), digests_ = crypto::hmac_sha256(bytes_, "digest");
}

// The nonce is made from what is closed, by a key of its own: it does not repeat for other bytes, and the same bytes
// look the same.
std::string SealKey::seal(std::string_view open) const {
    std::string sealed(crypto_secretbox_NONCEBYTES + crypto_secretbox_MACBYTES + open.size(), '\0');
    crypto_generichash(out(sealed), crypto_secretbox_NONCEBYTES, in(open), open.size(), in(nonces_), nonces_.size());
    crypto_secretbox_easy(out(sealed) + crypto_secretbox_NONCEBYTES, in(open), open.size(), in(sealed), in(bytes_));
    return sealed;
}

std::optional<std::string> SealKey::open(std::string_view sealed) const {
    if (sealed.size() < crypto_secretbox_NONCEBYTES + crypto_secretbox_MACBYTES) return std::nullopt;
    std::string open(sealed.size() - crypto_secretbox_NONCEBYTES - crypto_secretbox_MACBYTES, '\0');
    if (crypto_secretbox_open_easy(out(open), in(sealed) + crypto_secretbox_NONCEBYTES,
                                   sealed.size() - crypto_secretbox_NONCEBYTES, in(sealed), in(bytes_)) != 0)
        return std::nullopt;
    return open;
}

std::string SealKey::seal_text(std::string_view open) const {
    return crypto::base64(seal(open));
}

std::optional<std::string> SealKey::open_text(std::string_view sealed) const {
    const auto bytes = crypto::from_base64(sealed);
    return bytes ? open(*bytes) : std::nullopt;
}

Digest SealKey::digest(std::string_view bytes) const {
    unsigned char tag[digest_bytes];
    crypto_generichash(tag, sizeof tag, in(bytes), bytes.size(), in(digests_), digests_.size());
    return from_bytes(tag);
}

}  // namespace chaos
