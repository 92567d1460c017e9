// SPDX-License-Identifier: Apache-2.0
#include "age.hpp"
#include <fmt/format.h>
#include <algorithm>
#include <charconv>
#include <cstdint>
#include "primitives.hpp"

namespace chaos::age {

namespace {

constexpr std::string_view intro = "age-encryption.org/v1\n";
constexpr std::string_view armor_begin = "-----BEGIN AGE ENCRYPTED FILE-----";
constexpr std::string_view armor_end = "-----END AGE ENCRYPTED FILE-----";
constexpr std::string_view x25519_label = "age-encryption.org/v1/X25519";
constexpr std::string_view ssh_label = "age-encryption.org/v1/ssh-ed25519";
constexpr std::string_view scrypt_label = "age-encryption.org/v1/scrypt";
constexpr std::size_t file_key_size = 16, chunk = 64 * 1024, tag = 16, columns = 64;
constexpr std::size_t most_stanzas = 1000, longest_body = 4096;
constexpr int most_work = 22;

/// What one recipient can make the file's key of.
struct Stanza {
    std::vector<std::string> words;
    std::string body;
};

struct Header {
    std::vector<Stanza> stanzas;
    std::string_view signed_part, mac;
    std::string_view payload;
};

Error broken(const std::string& why) {
    return Error("this age file is damaged: " + why);
}

std::string dearmored(std::string_view file) {
    while (!file.empty() &&
           (file.front() == ' ' || file.front() == '\n' || file.front() == '\r' || file.front() == '\t'))
        file.remove_prefix(1);
    file.remove_prefix(armor_begin.size());
    const auto end = file.find(armor_end);
    if (end == std::string_view::npos) throw broken("its last line is missing");
    if (file.substr(end + armor_end.size()).find_first_not_of(" \t\r\n") != std::string_view::npos)
        throw broken("something stands behind its end");
    std::string text;
    for (const char c : file.substr(0, end))
        if (c != '\n' && c != '\r') text += c;
    auto bytes = crypto::from_base64(text);
    if (!bytes) throw broken("it has characters that do not belong there");
    return std::move(*bytes);
}

std::string armored(std::string_view bytes) {
    const std::string text = crypto::base64(bytes);
    std::string out(armor_begin);
    for (std::size_t at = 0; at < text.size(); at += columns) out += '\n' + text.substr(at, columns);
    return out + '\n' + std::string(armor_end) + '\n';
}

std::string_view line_of(std::string_view& rest) {
    const auto end = rest.find('\n');
    if (end == std::string_view::npos) throw broken("its header is cut");
    const auto line = rest.substr(0, end);
    rest.remove_prefix(end + 1);
    return line;
}

Stanza stanza_of(std::string_view words, std::string_view& rest) {
    Stanza stanza;
    while (true) {
        const auto space = words.find(' ');
        const auto word = words.substr(0, space);
        if (word.empty() || std::any_of(word.begin(), word.end(), [](char c) { return c < '!' || c > '~'; }))
            throw broken("a line of its header is not as it should be");
        stanza.words.emplace_back(word);
        if (space == std::string_view::npos) break;
        words.remove_prefix(space + 1);
    }
    for (bool more = true; more;) {
        const auto line = line_of(rest);
        const auto bytes = crypto::from_base64(line, false);
        if (!bytes || line.size() > columns || stanza.body.size() > longest_body)
            throw broken("a line of its header is not as it should be");
        stanza.body += *bytes;
        more = line.size() == columns;
    }
    return stanza;
}

Header header_of(std::string_view file) {
    if (!file.starts_with(intro)) throw Error("this is no age file of version 1");
    Header header;
    std::string_view rest = file.substr(intro.size());
    while (true) {
        const auto line = line_of(rest);
        if (line.starts_with("--- ")) {
            header.signed_part = file.substr(0, static_cast<std::size_t>(line.data() - file.data()) + 3);
            header.mac = line.substr(4);
            break;
        }
        if (!line.starts_with("-> ") || header.stanzas.size() == most_stanzas)
            throw broken("a line of its header is not as it should be");
        header.stanzas.push_back(stanza_of(line.substr(3), rest));
    }
    header.payload = rest;
    const auto is_scrypt = [](const Stanza& s) { return s.words[0] == "scrypt"; };
    if (header.stanzas.empty()) throw broken("it is for nobody");
    if (header.stanzas.size() > 1 && std::any_of(header.stanzas.begin(), header.stanzas.end(), is_scrypt))
        throw broken("it has a passphrase beside something else");
    return header;
}

const std::string zero_nonce(12, '\0');

std::string bytes_of(const std::string& word, std::size_t size) {
    auto bytes = crypto::from_base64(word, false);
    if (!bytes || bytes->size() != size) throw broken("a line of its header is not as it should be");
    return std::move(*bytes);
}

std::string ssh_mark(const Recipient& recipient) {
    return crypto::base64(crypto::sha256(recipient.ssh).substr(0, 4), false);
}

/// The key that wraps the file's key, for who has `secret` and for who made `share` alike.
std::string wrapping_key(const std::string& shared, const std::string& share, const Recipient& recipient) {
    return crypto::hkdf_sha256(shared, share + recipient.point, recipient.ssh.empty() ? x25519_label : ssh_label);
}

/// An SSH key is multiplied with what follows from it once more, so that it gives nothing away when it is used for
/// both.
std::optional<std::string> tweaked(const std::optional<std::string>& shared, const Recipient& recipient) {
    if (!shared || recipient.ssh.empty()) return shared;
    return crypto::x25519(crypto::hkdf_sha256("", recipient.ssh, ssh_label), *shared);
}

std::optional<std::string> unwrap(const Stanza& stanza, const Identity& identity) {
    const bool ssh = !identity.recipient.ssh.empty();
    if (stanza.words[0] != (ssh ? "ssh-ed25519" : "X25519")) return std::nullopt;
    if (stanza.words.size() != (ssh ? 3U : 2U)) throw broken("a line of its header is not as it should be");
    if (ssh && stanza.words[1] != ssh_mark(identity.recipient)) return std::nullopt;
    const std::string share = bytes_of(stanza.words.back(), 32);
    if (stanza.body.size() != file_key_size + tag) throw broken("a key in its header has another length");
    const auto shared = tweaked(crypto::x25519(identity.secret, share), identity.recipient);
    if (!shared) throw broken("a key in its header is none");
    return crypto::chacha_open(wrapping_key(*shared, share, identity.recipient), zero_nonce, stanza.body);
}

std::string by_passphrase(const Stanza& stanza, const Keys& keys) {
    if (!keys.passphrase) throw NoKey("this file is closed with a passphrase");
    if (stanza.words.size() != 3) throw broken("a line of its header is not as it should be");
    const std::string salt = bytes_of(stanza.words[1], 16);
    int work = 0;
    const std::string& text = stanza.words[2];
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), work);
    if (error != std::errc() || end != text.data() + text.size() || text[0] == '0' || work < 1)
        throw broken("a line of its header is not as it should be");
    if (work > most_work)
        throw Error(fmt::format("this age file wants 2^{} rounds of scrypt, and 2^{} is the most", work, most_work));
    if (stanza.body.size() != file_key_size + tag) throw broken("a key in its header has another length");
    const auto key = crypto::scrypt(*keys.passphrase, std::string(scrypt_label) + salt, work);
    auto opened = crypto::chacha_open(key, zero_nonce, stanza.body);
    if (!opened) throw NoKey("this is not the passphrase of this file");
    return std::move(*opened);
}

std::string file_key_of(const Header& header, const Keys& keys) {
    if (header.stanzas[0].words[0] == "scrypt") return by_passphrase(header.stanzas[0], keys);
    for (const Stanza& stanza : header.stanzas)
        for (const Identity& identity : keys.identities)
            if (auto key = unwrap(stanza, identity)) return std::move(*key);
    if (keys.identities.empty()) throw NoKey("there is no key to open this file with");
    throw NoKey(keys.identities.size() == 1
                    ? "it is not for the key at hand"
                    : fmt::format("it is for none of the {} keys at hand", keys.identities.size()));
}

std::string chunk_nonce(std::uint64_t number, bool last) {
    std::string nonce(12, '\0');
    for (std::size_t i = 0; i < 8; ++i) nonce[10 - i] = static_cast<char>(number >> (8 * i) & 255);
    nonce[11] = last ? 1 : 0;
    return nonce;
}

std::string header_mac(std::string_view file_key, std::string_view header) {
    return crypto::hmac_sha256(crypto::hkdf_sha256(file_key, "", "header"), header);
}

std::string sealed(std::string_view text, std::string_view file_key, const std::string& stanzas) {
    std::string out = std::string(intro) + stanzas + "---";
    out += ' ' + crypto::base64(header_mac(file_key, out), false) + '\n';
    const std::string nonce = crypto::random_bytes(16);
    const std::string key = crypto::hkdf_sha256(file_key, nonce, "payload");
    out += nonce;
    for (std::uint64_t number = 0;; ++number) {
        const auto piece = text.substr(0, chunk);
        text.remove_prefix(piece.size());
        out += crypto::chacha_seal(key, chunk_nonce(number, text.empty()), piece);
        if (text.empty()) return out;
    }
}

std::string stanza_text(std::string_view words, std::string_view body) {
    const std::string text = crypto::base64(body, false);
    std::string out = fmt::format("-> {}\n", words);
    for (std::size_t at = 0; at <= text.size(); at += columns) out += text.substr(at, columns) + '\n';
    return out;
}

}  // namespace

bool is_armored(std::string_view file) {
    const auto start = file.find_first_not_of(" \t\r\n");
    return start != std::string_view::npos && file.substr(start).starts_with(armor_begin);
}

bool is_age(std::string_view file) {
    return file.starts_with("age-encryption.org/") || is_armored(file);
}

bool wants_passphrase(std::string_view file) {
    const std::string plain = is_armored(file) ? dearmored(file) : std::string();
    return header_of(is_armored(file) ? plain : file).stanzas[0].words[0] == "scrypt";
}

std::string decrypt(std::string_view file, const Keys& keys) {
    const std::string plain = is_armored(file) ? dearmored(file) : std::string();
    const Header header = header_of(is_armored(file) ? plain : file);
    std::string file_key = file_key_of(header, keys);
    const auto mac = crypto::from_base64(header.mac, false);
    if (!mac || !crypto::same_bytes(*mac, header_mac(file_key, header.signed_part)))
        throw broken("its header was changed");
    if (header.payload.size() < 16 + tag) throw broken("it is cut");
    const std::string key = crypto::hkdf_sha256(file_key, header.payload.substr(0, 16), "payload");
    crypto::wipe(file_key);
    std::string_view rest = header.payload.substr(16);
    std::string text;
    for (std::uint64_t number = 0;; ++number) {
        const auto piece = rest.substr(0, chunk + tag);
        rest.remove_prefix(piece.size());
        const auto opened = crypto::chacha_open(key, chunk_nonce(number, rest.empty()), piece);
        if (!opened) throw broken("its content was changed, or is cut");
        if (opened->empty() && number) throw broken("its last piece is empty");
        text += *opened;
        if (rest.empty()) return text;
    }
}

std::string encrypt(std::string_view text, std::span<const Recipient> recipients, bool as_text) {
    if (recipients.empty()) throw Error("a file that is for nobody could never be opened");
    std::string file_key = crypto::random_bytes(file_key_size);
    std::string stanzas;
    for (const Recipient& recipient : recipients) {
        const std::string once = crypto::random_bytes(32), share = crypto::x25519_public(once);
        const auto shared = tweaked(crypto::x25519(once, recipient.point), recipient);
        if (!shared) throw Error(fmt::format("'{}' is nobody a file could be for", recipient.text));
        const std::string words =
            recipient.ssh.empty() ? "X25519 " + crypto::base64(share, false)
                                  : fmt::format("ssh-ed25519 {} {}", ssh_mark(recipient), crypto::base64(share, false));
        stanzas +=
            stanza_text(words, crypto::chacha_seal(wrapping_key(*shared, share, recipient), zero_nonce, file_key));
    }
    const std::string file = sealed(text, file_key, stanzas);
    crypto::wipe(file_key);
    return as_text ? armored(file) : file;
}

std::string encrypt_by_passphrase(std::string_view text, std::string_view passphrase, bool as_text, int work) {
    std::string file_key = crypto::random_bytes(file_key_size);
    const std::string salt = crypto::random_bytes(16);
    const auto key = crypto::scrypt(passphrase, std::string(scrypt_label) + salt, work);
    const std::string stanza = stanza_text(fmt::format("scrypt {} {}", crypto::base64(salt, false), work),
                                           crypto::chacha_seal(key, zero_nonce, file_key));
    const std::string file = sealed(text, file_key, stanza);
    crypto::wipe(file_key);
    return as_text ? armored(file) : file;
}

}  // namespace chaos::age
