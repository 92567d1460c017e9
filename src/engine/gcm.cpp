// SPDX-License-Identifier: Apache-2.0
#include "gcm.hpp"
#include <nettle/gcm.h>
#include <chaos/error.hpp>
#include "primitives.hpp"

namespace chaos::gcm {

namespace {

const std::uint8_t* in(std::string_view bytes) {
    return reinterpret_cast<const std::uint8_t*>(bytes.data());
}
std::uint8_t* out(std::string& bytes) {
    return reinterpret_cast<std::uint8_t*>(bytes.data());
}

void begin(gcm_aes256_ctx& context, std::string_view key, std::string_view nonce, std::string_view beside) {
    if (key.size() != AES256_KEY_SIZE || nonce.empty()) throw Error("a key or nonce of the wrong length");
    gcm_aes256_set_key(&context, in(key));
    gcm_aes256_set_iv(&context, nonce.size(), in(nonce));
    gcm_aes256_update(&context, beside.size(), in(beside));
}

std::string tag_of(gcm_aes256_ctx& context) {
    std::string tag(GCM_DIGEST_SIZE, '\0');
    gcm_aes256_digest(&context, tag.size(), out(tag));
    return tag;
}

}  // namespace

Sealed seal(std::string_view key, std::string_view nonce, std::string_view text, std::string_view beside) {
    gcm_aes256_ctx context;
    begin(context, key, nonce, beside);
    Sealed sealed{std::string(text.size(), '\0'), {}};
    gcm_aes256_encrypt(&context, text.size(), out(sealed.text), in(text));
    sealed.tag = tag_of(context);
    return sealed;
}

std::optional<std::string> open(std::string_view key, std::string_view nonce, const Sealed& sealed,
                                std::string_view beside) {
    gcm_aes256_ctx context;
    begin(context, key, nonce, beside);
    std::string text(sealed.text.size(), '\0');
    gcm_aes256_decrypt(&context, text.size(), out(text), in(sealed.text));
    if (!crypto::same_bytes(tag_of(context), sealed.tag)) return std::nullopt;
    return text;
}

}  // namespace chaos::gcm
