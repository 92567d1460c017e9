// SPDX-License-Identifier: Apache-2.0
// Keys of age as people write them: Bech32 (BIP 173, without its limit of length), and OpenSSH's formats.
#include <fmt/format.h>
#include <algorithm>
#include <cstdint>
#include "age.hpp"
#include "primitives.hpp"

namespace chaos::age {

namespace {

constexpr std::string_view letters = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
constexpr std::string_view public_word = "age", secret_word = "age-secret-key-";
constexpr std::string_view ssh_word = "ssh-ed25519";

std::uint32_t checksum(std::string_view word, std::string_view fives) {
    static constexpr std::uint32_t turns[] = {0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3};
    std::uint32_t sum = 1;
    const auto take = [&](std::uint32_t five) {
        const std::uint32_t top = sum >> 25;
        sum = (sum & 0x1ffffff) << 5 ^ five;
        for (unsigned i = 0; i < 5; ++i)
            if (top >> i & 1) sum ^= turns[i];
    };
    for (const char c : word) take(static_cast<unsigned char>(c) >> 5);
    take(0);
    for (const char c : word) take(static_cast<unsigned char>(c) & 31);
    for (const char c : fives) take(static_cast<unsigned char>(c));
    return sum;
}

std::string bech32(std::string_view word, std::string_view bytes) {
    std::string fives;
    std::uint32_t held = 0, bits = 0;
    for (const char c : bytes) {
        held = held << 8 | static_cast<unsigned char>(c), bits += 8;
        while (bits >= 5) fives += static_cast<char>(held >> (bits -= 5) & 31);
    }
    if (bits) fives += static_cast<char>(held << (5 - bits) & 31);
    const std::uint32_t sum = checksum(word, fives + std::string(6, '\0')) ^ 1;
    for (unsigned i = 0; i < 6; ++i) fives += static_cast<char>(sum >> (5 * (5 - i)) & 31);
    std::string out = std::string(word) + '1';
    for (const char c : fives) out += letters[static_cast<unsigned char>(c)];
    return out;
}

std::string lower(std::string_view text) {
    std::string out(text);
    for (char& c : out) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
    return out;
}
std::string upper(std::string_view text) {
    std::string out(text);
    for (char& c : out) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 32 : c);
    return out;
}

/// The 32 bytes of a key; nothing where the text is no such key.
std::optional<std::string> from_bech32(std::string_view word, std::string_view written) {
    const std::string text = lower(written);
    if (written != text && written != upper(text)) return std::nullopt;  // of both cases
    if (!text.starts_with(word) || text.size() <= word.size() + 7 || text[word.size()] != '1') return std::nullopt;
    std::string fives, bytes;
    for (const char c : std::string_view(text).substr(word.size() + 1)) {
        const auto five = letters.find(c);
        if (five == std::string_view::npos) return std::nullopt;
        fives += static_cast<char>(five);
    }
    if (checksum(word, fives) != 1) return std::nullopt;
    fives.resize(fives.size() - 6);
    std::uint32_t held = 0, bits = 0;
    for (const char c : fives) {
        held = held << 5 | static_cast<unsigned char>(c), bits += 5;
        if (bits >= 8) bytes += static_cast<char>(held >> (bits -= 8) & 255);
    }
    if (bytes.size() != 32 || bits > 4 || (held & ((1U << bits) - 1)) != 0) return std::nullopt;
    return bytes;
}

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r')) text.remove_suffix(1);
    return text;
}

/// Fields of SSH's wire format: a length in four bytes, and as many bytes.
class Wire {
public:
    explicit Wire(std::string_view bytes) : rest_(bytes) {}
    std::string_view text() {
        const std::uint32_t size = number();
        if (size > rest_.size()) throw Error("expected a private key of OpenSSH, and it is cut");
        const auto field = rest_.substr(0, size);
        rest_.remove_prefix(size);
        return field;
    }
    std::uint32_t number() {
        if (rest_.size() < 4) throw Error("expected a private key of OpenSSH, and it is cut");
        std::uint32_t value = 0;
        for (std::size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<unsigned char>(rest_[i]);
        rest_.remove_prefix(4);
        return value;
    }
    void skip(std::string_view mark) {
        if (!rest_.starts_with(mark)) throw Error("expected a private key of OpenSSH");
        rest_.remove_prefix(mark.size());
    }

private:
    std::string_view rest_;
};

Recipient ssh_recipient(std::string_view wire) {
    Wire fields(wire);
    const auto kind = fields.text();
    const auto key = fields.text();
    if (kind != ssh_word || key.size() != 32)
        throw Error("expected a key of ssh-ed25519").help("ssh-keygen -t ed25519, or: chaos secrets keygen");
    const auto point = crypto::curve_public(key);
    if (!point) throw Error("this is no key of ssh-ed25519: its point is on no curve");
    return {fmt::format("{} {}", ssh_word, crypto::base64(wire)), *point, std::string(wire)};
}

Recipient age_recipient(const std::string& point) {
    return {bech32(public_word, point), point, ""};
}

/// As itself, and as the age key that others make of it.
void add_ssh_identity(std::string_view armored, std::vector<Identity>& to) {
    std::string joined;
    for (const char c : armored)
        if (c != '\n' && c != '\r' && c != ' ') joined += c;
    const auto bytes = crypto::from_base64(joined);
    if (!bytes) throw Error("expected a private key of OpenSSH, found something else between its lines");
    Wire file(*bytes);
    file.skip(std::string_view("openssh-key-v1\0", 15));
    if (file.text() != "none")
        throw Error("this SSH key is closed with a passphrase").help("age opens files with keys that have none");
    file.text(), file.text();
    if (file.number() != 1) throw Error("expected one SSH key in this file");
    const auto wire = file.text();
    Wire secret(file.text());
    if (secret.number() != secret.number()) throw Error("expected a private key of OpenSSH, and it is damaged");
    if (secret.text() != ssh_word)
        throw Error("expected a key of ssh-ed25519").help("ssh-keygen -t ed25519, or: chaos secrets keygen");
    secret.text();
    const auto pair = secret.text();
    if (pair.size() != 64) throw Error("expected a private key of OpenSSH, and it is damaged");
    Identity identity{crypto::curve_secret(pair.substr(0, 32)), ssh_recipient(wire)};
    to.push_back(identity);
    to.push_back({identity.secret, age_recipient(crypto::x25519_public(identity.secret))});
}

}  // namespace

Recipient parse_recipient(std::string_view written) {
    const auto text = trimmed(written);
    if (text.starts_with("ssh-")) {
        const auto space = text.find(' ');
        const auto rest = space == std::string_view::npos ? std::string_view() : trimmed(text.substr(space));
        const auto wire = crypto::from_base64(rest.substr(0, rest.find(' ')));
        if (text.substr(0, space) == ssh_word && wire) return ssh_recipient(*wire);
        throw Error(fmt::format("expected a key of ssh-ed25519, found one of {}", text.substr(0, space)))
            .help("ssh-keygen -t ed25519, or: chaos secrets keygen");
    }
    if (lower(text).starts_with(secret_word))
        throw Error("expected whom it is for (age1...), found a secret key")
            .help("its public half is in the line '# public key:' above it");
    const auto point = from_bech32(public_word, text);
    if (!point || text != lower(text))
        throw Error(fmt::format("'{}' is nobody a file could be for", text.substr(0, 80)))
            .help("age1..., as chaos secrets keygen prints it, or ssh-ed25519 AAAA...");
    return age_recipient(*point);
}

Identity generate() {
    std::string secret = crypto::random_bytes(32);
    const std::string point = crypto::x25519_public(secret);
    return {std::move(secret), age_recipient(point)};
}

std::string to_text(const Identity& identity) {
    return upper(bech32(secret_word, identity.secret));
}

std::vector<Identity> parse_identities(std::string_view text) {
    constexpr std::string_view begin = "-----BEGIN OPENSSH PRIVATE KEY-----", end = "-----END OPENSSH PRIVATE KEY-----";
    std::vector<Identity> found;
    if (const auto from = text.find(begin); from != std::string_view::npos) {
        const auto to = text.find(end, from);
        if (to == std::string_view::npos) throw Error("expected a private key of OpenSSH, and it is cut");
        add_ssh_identity(text.substr(from + begin.size(), to - from - begin.size()), found);
        return found;
    }
    std::size_t number = 0;
    while (!text.empty()) {
        auto line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(line.size() + 1, text.size()));
        line = trimmed(line), ++number;
        if (line.empty() || line.starts_with('#')) continue;
        const auto secret = from_bech32(secret_word, line);
        // What stands there may be a key with a slip in it: it is not shown.
        if (!secret)
            throw Error(fmt::format("expected AGE-SECRET-KEY-1... in line {}, found something else", number))
                .help("chaos secrets keygen FILE makes such a file");
        found.push_back({*secret, age_recipient(crypto::x25519_public(*secret))});
    }
    if (found.empty()) throw Error("expected AGE-SECRET-KEY-1..., found no key");
    return found;
}

}  // namespace chaos::age
