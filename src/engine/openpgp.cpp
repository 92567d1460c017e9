// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <chaos/error.hpp>
#include <chaos/hashes.hpp>
#include <chaos/lines.hpp>
#include <chaos/openpgp.hpp>

namespace chaos::openpgp {

namespace {

constexpr std::string_view begins = "-----BEGIN PGP PUBLIC KEY BLOCK-----";
constexpr std::string_view ends = "-----END PGP PUBLIC KEY BLOCK-----";

Error no_key(std::string_view why) {
    return std::move(Error(fmt::format("this is no public key of OpenPGP: {}", why)).help("gpg --export --armor KEY"));
}

/// Bytes that are read from the front.
class Reader {
public:
    explicit Reader(std::string_view bytes) : rest_(bytes) {}
    bool done() const { return rest_.empty(); }
    std::size_t number(std::size_t bytes) {
        std::size_t value = 0;
        for (const char c : take(bytes)) value = value << 8 | static_cast<unsigned char>(c);
        return value;
    }
    std::string_view take(std::size_t bytes) {
        if (bytes > rest_.size()) throw no_key("it is cut");
        const auto taken = rest_.substr(0, bytes);
        rest_.remove_prefix(bytes);
        return taken;
    }

private:
    std::string_view rest_;
};

struct Packet {
    std::size_t tag;
    std::string_view body;
};

/// RFC 9580, section 4.2: both formats of a packet's header.
Packet next(Reader& reader) {
    const auto head = reader.number(1);
    if (!(head & 0x80U)) throw no_key("it does not begin with a packet");
    if (!(head & 0x40U)) {
        const std::size_t tag = head >> 2 & 0x0FU, kind = head & 3U;
        if (kind == 3) throw no_key("a packet of it has no length");
        return {tag, reader.take(reader.number(std::size_t{1} << kind))};
    }
    const auto first = reader.number(1);
    const std::size_t length = first < 192    ? first
                               : first < 224  ? ((first - 192) << 8) + reader.number(1) + 192
                               : first == 255 ? reader.number(4)
                                              : throw no_key("a packet of it has no length");
    return {head & 0x3FU, reader.take(length)};
}

}  // namespace

bool is_armored(std::string_view bytes) {
    return bytes.find(begins) != std::string_view::npos;
}

std::string dearmored(std::string_view text) {
    std::string packets, base64;
    enum class In : char { nothing, headers, body } in = In::nothing;
    for (const auto line : lines_of(text)) {
        const auto word = trimmed(line);
        if (word == begins) {
            in = In::headers, base64.clear();
        } else if (word == ends && in != In::nothing) {
            const auto bytes = language::from_base64(base64);
            if (!bytes || bytes->empty()) throw no_key("a block of it is no base64");
            packets += *bytes, in = In::nothing;
        } else if (in == In::headers && word.empty()) {
            in = In::body;
        } else if (in == In::body && !word.starts_with('=')) {
            base64 += word;
        }
    }
    if (in != In::nothing) throw no_key("it is cut");
    if (packets.empty()) throw no_key("no block of one is in it");
    return packets;
}

std::vector<std::string> fingerprints(std::string_view bytes) {
    constexpr std::size_t secret_key = 5, public_key = 6, secret_subkey = 7;
    if (bytes.find("PRIVATE KEY BLOCK-----") != bytes.npos) throw no_key("it is a secret one");
    const std::string held = is_armored(bytes) ? dearmored(bytes) : std::string(bytes);
    std::vector<std::string> found;
    for (Reader reader(held); !reader.done();) {
        const auto [tag, body] = next(reader);
        if (tag == secret_key || tag == secret_subkey) throw no_key("it is a secret one");
        if (tag != public_key) continue;
        if (body.empty() || body.front() != 4) throw no_key("it is not of version 4");
        std::string hashed = "\x99";
        hashed += static_cast<char>(body.size() >> 8), hashed += static_cast<char>(body.size() & 0xFF);
        std::string digits;
        for (const char byte : language::sha1(hashed.append(body)))
            digits += fmt::format("{:02X}", static_cast<unsigned char>(byte));
        found.push_back(std::move(digits));
    }
    if (found.empty()) throw no_key("no key is in it");
    return found;
}

std::string clean_fingerprint(std::string_view written) {
    std::string digits;
    if (written.starts_with("0x") || written.starts_with("0X")) written.remove_prefix(2);
    for (const char c : written) {
        if (c == ' ' || c == ':') continue;
        const bool digit = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F') || (c >= 'a' && c <= 'f');
        if (!digit) return {};
        digits += c >= 'a' ? static_cast<char>(c - 'a' + 'A') : c;
    }
    return digits.size() == 40 ? digits : std::string();
}

}  // namespace chaos::openpgp
