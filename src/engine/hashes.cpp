// SPDX-License-Identifier: Apache-2.0
// SHA-1 and MD5 (FIPS 180-4, RFC 1321): libsodium leaves them out, and people still have to write them into files.
#include <fmt/format.h>
#include <array>
#include <bit>
#include <chaos/hashes.hpp>
#include <cmath>
#include <cstdint>

namespace chaos::language {

namespace {

/// The text, a one bit, zeros, and its length in bits: whole blocks of 64 bytes.
std::string padded(std::string_view text, bool big_endian) {
    std::string out(text);
    out += '\x80';
    while (out.size() % 64 != 56) out += '\0';
    const std::uint64_t bits = static_cast<std::uint64_t>(text.size()) * 8;
    for (int i = 0; i < 8; ++i) out += static_cast<char>(bits >> (8 * (big_endian ? 7 - i : i)) & 0xFF);
    return out;
}

std::uint32_t word_at(const std::string& text, std::size_t at, bool big_endian) {
    std::uint32_t word = 0;
    for (std::size_t i = 0; i < 4; ++i)
        word |= static_cast<std::uint32_t>(static_cast<unsigned char>(text[at + i])) << (8 * (big_endian ? 3 - i : i));
    return word;
}

template <std::size_t n>
std::string bytes_of(const std::array<std::uint32_t, n>& words, bool big_endian) {
    std::string out;
    for (const auto word : words)
        for (int i = 0; i < 4; ++i) out += static_cast<char>(word >> (8 * (big_endian ? 3 - i : i)) & 0xFF);
    return out;
}

}  // namespace

std::string sha1(std::string_view text) {
    std::array<std::uint32_t, 5> state{0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0};
    const std::string all = padded(text, true);
    for (std::size_t block = 0; block < all.size(); block += 64) {
        std::uint32_t w[80];
        for (std::size_t i = 0; i < 80; ++i)
            w[i] =
                i < 16 ? word_at(all, block + 4 * i, true) : std::rotl(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
        auto [a, b, c, d, e] = state;
        for (std::size_t i = 0; i < 80; ++i) {
            const std::uint32_t f = i < 20   ? ((b & c) | (~b & d)) + 0x5A827999
                                    : i < 40 ? (b ^ c ^ d) + 0x6ED9EBA1
                                    : i < 60 ? ((b & c) | (b & d) | (c & d)) + 0x8F1BBCDC
                                             : (b ^ c ^ d) + 0xCA62C1D6;
            const std::uint32_t next = std::rotl(a, 5) + f + e + w[i];
            e = d, d = c, c = std::rotl(b, 30), b = a, a = next;
        }
        state[0] += a, state[1] += b, state[2] += c, state[3] += d, state[4] += e;
    }
    return bytes_of(state, true);
}

std::string md5(std::string_view text) {
    static constexpr int turns[4][4] = {{7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};
    std::array<std::uint32_t, 4> state{0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476};
    const std::string all = padded(text, false);
    for (std::size_t block = 0; block < all.size(); block += 64) {
        auto [a, b, c, d] = state;
        for (std::size_t i = 0; i < 64; ++i) {
            const std::size_t round = i / 16;
            const std::uint32_t f = round == 0   ? (b & c) | (~b & d)
                                    : round == 1 ? (d & b) | (~d & c)
                                    : round == 2 ? b ^ c ^ d
                                                 : c ^ (b | ~d);
            const std::size_t number = round == 0 ? i : round == 1 ? 5 * i + 1 : round == 2 ? 3 * i + 5 : 7 * i;
            const auto sine =
                static_cast<std::uint32_t>(std::floor(std::fabs(std::sin(static_cast<double>(i + 1))) * 4294967296.0));
            const std::uint32_t sum = a + f + sine + word_at(all, block + 4 * (number % 16), false);
            a = d, d = c, c = b, b += std::rotl(sum, turns[round][i % 4]);
        }
        state[0] += a, state[1] += b, state[2] += c, state[3] += d;
    }
    return bytes_of(state, false);
}

std::optional<std::string> hash(std::string_view name, std::string_view text) {
    constexpr std::pair<std::string_view, std::string (*)(std::string_view)> known[] = {
        {"sha1", sha1}, {"sha256", sha256}, {"sha512", sha512}, {"md5", md5}, {"blake2b", blake2b}};
    for (const auto& [word, digest] : known) {
        if (word != name) continue;
        std::string out;
        for (const char byte : digest(text)) out += fmt::format("{:02x}", static_cast<unsigned char>(byte));
        return out;
    }
    return std::nullopt;
}

}  // namespace chaos::language
