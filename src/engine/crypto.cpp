// SPDX-License-Identifier: Apache-2.0
// Digests by libsodium: BLAKE2b as RFC 7693 has it.
#include <sodium.h>
#include <chaos/digest.hpp>
#include <chaos/error.hpp>
#include <cstring>
#include "hashes.hpp"

namespace chaos {

static_assert(sizeof(crypto_generichash_state) <= 384);
static constexpr std::size_t digest_bytes = 16;

static Digest from_bytes(const unsigned char* bytes) {
    Digest digest;
    for (int i = 0; i < 8; ++i) digest.high = digest.high << 8 | bytes[i], digest.low = digest.low << 8 | bytes[8 + i];
    return digest;
}

Hasher::Hasher() {
    static const int ready = sodium_init();  // picks the fastest code for this processor; safe to repeat
    if (ready < 0) throw Error("libsodium can not be initialised");
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

}  // namespace chaos
