// SPDX-License-Identifier: Apache-2.0
#include "yaml_writer.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <utility>

namespace chaos {

namespace {

constexpr auto npos = std::string_view::npos;

/// True for what every reader of YAML takes for the text it is, in brackets, too.
bool is_plain(std::string_view words) {
    constexpr std::string_view inside = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_/.-@+%";
    if (words.empty() || words.find_first_not_of(inside) != npos) return false;
    if (words.front() == '-' || words.front() == '@' || words.front() == '%') return false;
    std::string low(words);
    for (char& c : low) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
    for (const std::string_view word : {"null", "yes", "no", "on", "off", "y", "n"})
        if (low == word) return false;
    return true;
}

/// In double quotes, with everything escaped that some reader takes for the end of a line or for nothing.
std::string quoted(std::string_view words) {
    std::string out = "\"";
    for (std::size_t i = 0; i < words.size(); ++i) {
        const auto rest = words.substr(i);
        const auto c = static_cast<unsigned char>(words[i]);
        if (c == '"' || c == '\\')
            out += '\\', out += words[i];
        else if (c == '\n')
            out += "\\n";
        else if (c == '\t')
            out += "\\t";
        else if (c < 0x20 || c == 0x7F)
            out += fmt::format("\\x{:02x}", static_cast<unsigned>(c));
        else if (c == 0xC2 && rest.size() > 1 && static_cast<unsigned char>(rest[1]) < 0xA0)
            out += fmt::format("\\x{:02x}", static_cast<unsigned>(static_cast<unsigned char>(words[++i])));
        else if (rest.starts_with("\xE2\x80\xA8") || rest.starts_with("\xE2\x80\xA9"))
            out += rest[2] == '\xA8' ? "\\u2028" : "\\u2029", i += 2;
        else if (rest.starts_with("\xEF\xBB\xBF"))
            out += "\\ufeff", i += 2;
        else
            out += words[i];
    }
    return out + '"';
}

/// Lines that may stand as a block: nothing in them needs an escape, and exactly one newline ends them.
bool is_block(std::string_view words) {
    if (words.size() < 2 || words.back() != '\n' || words[words.size() - 2] == '\n') return false;
    if (words.front() == ' ' || words.front() == '\n' || words.front() == '\t') return false;
    for (std::size_t at = 0; at < words.size();) {
        const auto line = words.substr(at, words.find('\n', at) - at);
        if (!line.empty() && line.find_first_not_of(' ') == npos) return false;
        if (line != "" &&
            quoted(line).size() != line.size() + 2 +
                                       static_cast<std::size_t>(std::count_if(
                                           line.begin(), line.end(), [](char c) { return c == '"' || c == '\\'; })))
            return false;
        at += line.size() + 1;
    }
    return true;
}

}  // namespace

std::string Yaml::scalar(const Value& value) {
    if (value.is_null()) return "null";
    if (value.tag == Value::Tag::secret) return "!secret " + quoted(value.text());
    return is_plain(value.text()) ? value.text() : quoted(value.text());
}

void Yaml::entry(const Value& key, const Value& value, std::size_t indent) {
    out_.append(indent, ' ').append(scalar(key)).append(":");
    if (value.is_map() && !value.map().empty()) {
        out_ += '\n';
        for (const auto& [name, held] : value.map()) entry(name, held, indent + 4 - indent % 4);
    } else if (value.is_text() && value.tag == Value::Tag::none && is_block(value.text())) {
        out_ += " |\n";
        block(value.text(), indent + 4);
    } else {
        out_ += ' ';
        flow(value), out_ += '\n';
    }
}

void Yaml::item(const Value& value) {
    out_ += "  - ";
    flow(value), out_ += '\n';
}

void Yaml::block(std::string_view words, std::size_t indent) {
    for (std::size_t at = 0; at < words.size();) {
        const auto line = words.substr(at, words.find('\n', at) - at);
        if (!line.empty()) out_.append(indent, ' ').append(line);
        out_ += '\n', at += line.size() + 1;
    }
}

void Yaml::flow(const Value& value) {
    if (!value.is_list() && !value.is_map()) return void(out_ += scalar(value));
    bool first = true;
    const auto comma = [&] { out_ += std::exchange(first, false) ? "" : ", "; };
    out_ += value.is_map() ? '{' : '[';
    if (value.is_list())
        for (const Value& item : value.list()) comma(), flow(item);
    else
        for (const auto& [key, held] : value.map()) comma(), out_ += scalar(key) + ": ", flow(held);
    out_ += value.is_map() ? '}' : ']';
}

}  // namespace chaos
