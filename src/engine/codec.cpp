// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <algorithm>
#include <chaos/located.hpp>
#include <charconv>

namespace chaos {

namespace {

std::string lower(std::string_view text) {
    std::string out(text);
    for (char& c : out)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return out;
}

Error unexpected(const Value& value, std::string_view expected) {
    return Error(value.where, value.is_text() ? fmt::format("expected {}, found '{}'", expected, value.text())
                                              : fmt::format("expected {}, found {}", expected, kind_of(value)));
}

bool whole_number(std::string_view text, std::int64_t& number, int base = 10) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
    return error == std::errc() && end == text.data() + text.size() && !text.empty();
}

// `u=rw,go=r`: all three of u, g and o must be set, since a mode is absolute.
std::optional<std::uint32_t> symbolic_mode(std::string_view text) {
    std::uint32_t bits = 0, seen = 0;
    while (true) {
        const auto comma = text.find(',');
        const auto clause = text.substr(0, comma);
        const auto equals = clause.find('=');
        if (equals == std::string_view::npos || equals == 0) return std::nullopt;
        std::uint32_t who = 0;
        for (const char c : clause.substr(0, equals)) {
            if (c == 'u')
                who |= 4;
            else if (c == 'g')
                who |= 2;
            else if (c == 'o')
                who |= 1;
            else if (c == 'a')
                who |= 7;
            else
                return std::nullopt;
        }
        std::uint32_t rights = 0;
        for (const char c : clause.substr(equals + 1)) {
            if (c == 'r')
                rights |= 4;
            else if (c == 'w')
                rights |= 2;
            else if (c == 'x')
                rights |= 1;
            else if (c == 's')
                bits |= (who & 4 ? 04000U : 0) | (who & 2 ? 02000U : 0);
            else if (c == 't')
                bits |= 01000;
            else
                return std::nullopt;
        }
        if (who & 4) bits |= rights << 6;
        if (who & 2) bits |= rights << 3;
        if (who & 1) bits |= rights;
        seen |= who;
        if (comma == std::string_view::npos) break;
        text.remove_prefix(comma + 1);
    }
    return seen == 7 ? std::optional(bits) : std::nullopt;
}

}  // namespace

bool Codec<bool>::decode(const Value& value) {
    const std::string word = value.is_text() ? lower(value.text()) : std::string();
    if (word == "true" || word == "yes" || word == "on") return true;
    if (word == "false" || word == "no" || word == "off") return false;
    throw unexpected(value, "true or false").help("yes, no, on and off are understood as well");
}

std::int64_t Codec<std::int64_t>::decode(const Value& value) {
    std::int64_t number = 0;
    if (!value.is_text() || !whole_number(value.text(), number))
        throw unexpected(value, "a whole number").help("write digits alone, as in 1000");
    return number;
}

// A content too big for memory is kept by reference: only a store writes that form, never a manifest (whose values have
// a place).
Value Codec<Content>::encode(const Content& content) {
    if (content.held()) return content.bytes();
    return Value::Map{{std::string("path"), content.path()},
                      {std::string("size"), std::to_string(content.size())},
                      {std::string("digest"), hex(content.digest())}};
}

Content Codec<Content>::decode(const Value& value) {
    if (!value.is_map() || value.where) return Content(value.text());
    const Value *path = value.find("path"), *size = value.find("size"), *sum = value.find("digest");
    if (!path || !size || !sum) throw Error("a content kept by reference lacks its path, size or digest");
    return Content(path->text(), static_cast<std::uint64_t>(Codec<std::int64_t>::decode(*size)),
                   digest_from_hex(sum->text()));
}

Value Codec<Located>::encode(const Located& file) {
    Value::Map all{{std::string("path"), file.path},
                   {std::string("size"), std::to_string(file.size)},
                   {std::string("digest"), hex(file.digest)}};
    if (!file.note.empty()) all.push_back({std::string("note"), file.note});
    return all;
}

Located Codec<Located>::decode(const Value& value) {
    const Value* const path = value.is_map() ? value.find("path") : nullptr;
    const Value* const size = path ? value.find("size") : nullptr;
    const Value* const sum = path ? value.find("digest") : nullptr;
    if (!size || !sum) throw Error(value.where, "this follows from a file that is named, and is not written itself");
    const Value* const note = value.find("note");
    return {path->text(), static_cast<std::uint64_t>(Codec<std::int64_t>::decode(*size)), digest_from_hex(sum->text()),
            note ? note->text() : std::string()};
}

Mode Codec<Mode>::decode(const Value& value) {
    const std::string_view text = value.text();
    auto digits = text.starts_with("0o") ? text.substr(2) : text;
    if (digits.size() == 5 && digits[0] == '0') digits.remove_prefix(1);
    std::int64_t bits = 0;
    const bool octal = (digits.size() == 3 || digits.size() == 4) && digits[0] != '-' && whole_number(digits, bits, 8);
    if (octal) return {static_cast<std::uint32_t>(bits)};
    if (const auto symbolic = symbolic_mode(text)) return {*symbolic};
    if (text.find_first_of("+-") != std::string_view::npos)
        throw unexpected(value, "a mode").help("a mode is absolute: write all of it, as in 0644 or u=rw,go=r");
    throw unexpected(value, "a mode of three or four octal digits").help("write it as in 0644, 2755 or u=rw,go=r");
}

Value Codec<Mode>::encode(Mode mode) {
    std::string digits;
    for (std::uint32_t rest = mode.bits; rest != 0 || digits.size() < 4; rest >>= 3U)
        digits.insert(digits.begin(), static_cast<char>('0' + (rest & 7U)));
    return digits;
}

Seconds Codec<Seconds>::decode(const Value& value) {
    const std::string_view text = value.text();
    std::int64_t count = 0;
    if (text.size() > 1 && whole_number(text.substr(0, text.size() - 1), count) && count >= 0 &&
        count < 1'000'000'000) {
        switch (text.back()) {
            case 's': return {count};
            case 'm': return {count * 60};
            case 'h': return {count * 3600};
            case 'd': return {count * 86400};
            default: break;
        }
    }
    auto error = unexpected(value, "a duration with its unit");
    throw std::move(error).help(whole_number(text, count) ? fmt::format("write {0}s, {0}m, {0}h or {0}d", text)
                                                          : "write it as in 90s, 5m, 2h or 1d");
}

Value Codec<Seconds>::encode(Seconds seconds) {
    return fmt::format("{}s", seconds.count);
}

Path Codec<Path>::decode(const Value& value) {
    if (!value.is_text()) throw unexpected(value, "an absolute path");
    if (!value.where) return {value.text()};
    try {
        return {schema::clean_path(value.text())};
    } catch (Error& error) {
        error.where = value.where;
        throw;
    }
}

namespace {

struct Unit {
    std::string_view name;
    std::uint64_t bytes;
};
/// Largest first: what is kept of a size has the first one that fits.
constexpr Unit units[] = {{"TiB", std::uint64_t{1} << 40},
                          {"TB", 1'000'000'000'000},
                          {"GiB", 1 << 30},
                          {"GB", 1'000'000'000},
                          {"MiB", 1 << 20},
                          {"MB", 1'000'000},
                          {"KiB", 1 << 10},
                          {"kB", 1000},
                          {"KB", 1000},
                          {"B", 1}};

}  // namespace

Size Codec<Size>::decode(const Value& value) {
    const std::string_view text = value.is_text() ? std::string_view(value.text()) : std::string_view();
    std::uint64_t count = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
    const auto word = text.substr(static_cast<std::size_t>(end - text.data()));
    const auto* unit = std::find_if(std::begin(units), std::end(units), [&](const Unit& u) { return u.name == word; });
    if (error == std::errc() && unit != std::end(units) && count <= UINT64_MAX / unit->bytes)
        return {count * unit->bytes};
    auto refused = unexpected(value, "a size with its unit");
    if (error != std::errc() || word.size() > 1) throw std::move(refused).help("write it as in 512MiB, 2GiB or 46GB");
    const char letter = word.empty() ? 'M' : word[0] == 'k' ? 'K' : word[0];
    if (std::string_view("KMGT").find(letter) == std::string_view::npos)
        throw std::move(refused).help("write it as in 512MiB, 2GiB or 46GB");
    throw std::move(refused).help(word.empty() ? fmt::format("write {0}MiB, {0}GiB or, of bytes, {0}B", count)
                                               : fmt::format("write {0}{1}iB, of 1024, or {0}{2}B, of 1000", count,
                                                             letter, letter == 'K' ? 'k' : letter));
}

Value Codec<Size>::encode(Size size) {
    const auto* unit =
        std::find_if(std::begin(units), std::end(units), [&](const Unit& u) { return size.bytes % u.bytes == 0; });
    if (size.bytes == 0) unit = std::end(units) - 1;
    return fmt::format("{}{}", size.bytes / unit->bytes, unit->name);
}

Port Codec<Port>::decode(const Value& value) {
    std::int64_t number = 0;
    if (!value.is_text() || !whole_number(value.text(), number) || number < 1 || number > 65535)
        throw unexpected(value, "a port from 1 to 65535").help("write it as in 8080");
    return {static_cast<std::uint16_t>(number)};
}

Words Codec<Words>::decode(const Value& value) {
    Words words;
    if (value.is_list()) {
        for (const Value& word : value.list()) words.list.push_back(word.text());
        if (words.list.empty()) throw unexpected(value, "a command of at least one word");
        return words;
    }
    std::string word;
    bool open = false;
    char quote = 0;
    const std::string& text = value.text();
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (quote) {
            if (c == quote)
                quote = 0;
            else if (quote == '"' && c == '\\' && i + 1 < text.size() && (text[i + 1] == '"' || text[i + 1] == '\\'))
                word += text[++i];
            else
                word += c;
        } else if (c == ' ' || c == '\t' || c == '\n') {
            if (open) words.list.push_back(std::move(word)), word.clear(), open = false;
        } else {
            open = true;
            if (c == '\'' || c == '"')
                quote = c;
            else if (c == '\\' && i + 1 < text.size())
                word += text[++i];
            else
                word += c;
        }
    }
    if (quote)
        throw Error(value.where, fmt::format("this command has a {} that is never closed", quote))
            .help(fmt::format("close it, or write \\{} for the character itself", quote));
    if (open) words.list.push_back(std::move(word));
    if (words.list.empty()) throw unexpected(value, "a command of at least one word");
    return words;
}

Value Codec<Words>::encode(const Words& words) {
    return Value(Value::List(words.list.begin(), words.list.end()));
}

std::vector<std::string> Codec<std::vector<std::string>>::decode(const Value& value) {
    std::vector<std::string> members;
    if (value.is_text())
        members.push_back(value.text());
    else
        for (const Value& member : value.list()) members.push_back(member.text());
    std::sort(members.begin(), members.end());
    members.erase(std::unique(members.begin(), members.end()), members.end());
    return members;
}

Value Codec<std::vector<std::string>>::encode(const std::vector<std::string>& members) {
    return Value(Value::List(members.begin(), members.end()));
}

TextMap Codec<TextMap>::decode(const Value& value) {
    TextMap map;
    for (const auto& entry : value.map()) map.emplace_back(entry.key.text(), entry.value.text());
    std::sort(map.begin(), map.end());
    return map;
}

Value Codec<TextMap>::encode(const TextMap& map) {
    Value::Map out;
    for (const auto& [name, text] : map) out.push_back({name, text});
    return Value(std::move(out));
}

}  // namespace chaos
