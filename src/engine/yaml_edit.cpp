// SPDX-License-Identifier: Apache-2.0
#include "yaml_edit.hpp"
#include <algorithm>
#include "expression.hpp"
#include "yaml_hints.hpp"

namespace chaos::yaml_edit {

namespace {

constexpr auto npos = std::string_view::npos;

std::size_t indent_at(std::string_view text, std::size_t at) {
    const auto line = text.rfind('\n', at ? at - 1 : 0);
    const auto start = at == 0 || line == npos ? 0 : line + 1;
    return std::min(text.find_first_not_of(' ', start), text.size()) - start;
}

std::size_t end_of_block(std::string_view text, std::size_t at) {
    const std::size_t outside = indent_at(text, at);
    auto end = std::min(text.find('\n', at), text.size());
    for (auto line = end + 1; line < text.size();) {
        const auto next = std::min(text.find('\n', line), text.size());
        const auto first = text.find_first_not_of(' ', line);
        if (first < next && first - line <= outside) break;
        if (first < next) end = next;  // blank lines at the end are not its own
        line = next + 1;
    }
    return end;
}

std::size_t end_of_scalar(std::string_view text, std::size_t at, bool in_one_line) {
    const char first = at < text.size() ? text[at] : '\n';
    if (first == '"' || first == '\'') {
        const auto end = end_of_quotes(text, at);
        return std::min(end, text.size());
    }
    if (first == '|' || first == '>') return end_of_block(text, at);
    auto end = at;
    for (; end < text.size() && text[end] != '\n'; ++end) {
        if (text[end] == '#' && end > at && (text[end - 1] == ' ' || text[end - 1] == '\t')) break;
        if (in_one_line && (text[end] == ',' || text[end] == ']' || text[end] == '}')) break;
    }
    while (end > at && (text[end - 1] == ' ' || text[end - 1] == '\t' || text[end - 1] == '\r')) --end;
    return end;
}

bool is_bare(std::string_view text) {
    if (text.empty() || text.size() > 200) return false;
    constexpr std::string_view safe = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./+=@-";
    if (text.find_first_not_of(safe) != npos || text.find_first_of("-=@.+") == 0) return false;
    const Value read{std::string(text)};
    std::string word(text);
    for (char& c : word) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
    for (const std::string_view special : {"null", "true", "false", "yes", "no", "on", "off", "y", "n"})
        if (word == special) return false;
    return type_of(read) == Type::text && (text[0] < '0' || text[0] > '9');
}

/// Lines that a block can have as they are.
bool fits_block(std::string_view text) {
    if (text.find('\n') == npos || text[0] == ' ' || text[0] == '\n' || text.ends_with("\n\n")) return false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto c = static_cast<unsigned char>(text[i]);
        if ((c < 0x20 && c != '\n') || c == 0x7F) return false;
        if (c == ' ' && (i + 1 == text.size() || text[i + 1] == '\n')) return false;
    }
    return true;
}

}  // namespace

Lines::Lines(std::string_view text) : text_(text), starts_{0} {
    for (auto end = text.find('\n'); end != npos; end = text.find('\n', end + 1)) starts_.push_back(end + 1);
}

std::size_t Lines::start(std::uint32_t line) const {
    return line == 0 || line > starts_.size() ? text_.size() : starts_[line - 1];
}

std::size_t Lines::at(Place where) const {
    std::size_t at = start(where.line);
    for (std::uint16_t column = 1; column < where.column && at < text_.size(); ++column) do
            ++at;
        while (at < text_.size() && (static_cast<unsigned char>(text_[at]) & 0xC0) == 0x80);
    return at;
}

std::string scalar(const Value& value) {
    if (value.is_null()) return "null";
    if (!value.quoted && type_of(value) != Type::text) return value.text();
    return is_bare(value.text()) ? value.text() : to_json(Value(value.text()));
}

std::string scalar_at(const Value& value, const Lines& lines, Place where) {
    if (!value.is_text() || !fits_block(value.text())) return scalar(value);
    const std::string margin(indent_at(lines.text(), lines.at(where)) + 4, ' ');
    std::string_view rest = value.text();
    std::string out = rest.ends_with('\n') ? "|" : "|-";
    while (!rest.empty()) {
        const auto line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(line.size() + 1, rest.size()));
        out += '\n';
        if (!line.empty()) out += margin + std::string(line);
    }
    return out;
}

std::string replace(const Lines& lines, const std::vector<Replacement>& all) {
    std::vector<std::pair<std::size_t, const Replacement*>> sorted;
    for (const Replacement& one : all) sorted.emplace_back(lines.at(one.where), &one);
    std::sort(sorted.begin(), sorted.end());
    const auto text = lines.text();
    std::string out;
    std::size_t at = 0;
    for (const auto& [from, one] : sorted) {
        if (from < at) continue;  // an alias: the reader will find that it is another value
        out.append(text, at, from - at).append(one->text);
        at = end_of_scalar(text, from, one->in_one_line);
    }
    return out.append(text, at);
}

std::string without_entry(const Lines& lines, const Value& root, std::string_view name) {
    const auto text = lines.text();
    for (const auto& [key, value] : root.map()) {
        if (key.text() != name) continue;
        const auto from = lines.start(key.where.line);
        auto to = std::min(text.find('\n', from), text.size());
        while (to < text.size()) {
            const auto line = to + 1;
            if (line >= text.size()) break;
            const char first = text[line];
            // a list of an entry may begin as far to the left as its key
            if (first != ' ' && first != '\n' && first != '\t' && first != '\r' && !text.substr(line).starts_with("- "))
                break;
            to = std::min(text.find('\n', line), text.size());
        }
        std::string out(text.substr(0, from));
        if (to < text.size()) out.append(text, to + 1);
        return out;
    }
    return std::string(text);
}

std::optional<std::string> with_value(const Lines& all, const Value& root, const std::vector<std::string>& path,
                                      const std::string& value) {
    const auto text = all.text();
    Value quoted(value);
    quoted.quoted = true;
    const Value* at = &root;
    std::size_t depth = 0;
    for (; depth < path.size(); ++depth) {
        const Value* next = at->is_map() ? at->find(path[depth]) : nullptr;
        if (!next) break;
        at = next;
    }
    if (depth == path.size()) {
        if (!at->is_text()) return std::nullopt;
        return replace(all, {{at->where, scalar_at(quoted, all, at->where)}});
    }
    if (!at->is_map()) return std::nullopt;
    const bool empty = at->map().empty();
    if (empty && at != &root) return std::nullopt;
    const std::size_t margin = empty ? 0 : at->map().front().key.where.column - 1U;
    std::string lines;
    for (std::size_t i = depth; i < path.size(); ++i) {
        Value key(path[i]);
        key.quoted = true;
        lines += std::string(margin + 4 * (i - depth), ' ') + scalar(key) + ':';
        if (i + 1 < path.size()) lines += '\n';
    }
    const std::string last = lines.substr(lines.rfind('\n') + 1);
    lines += ' ' + scalar_at(quoted, Lines(last), {1, 1, 0}) + '\n';
    std::string out(text);
    if (at == &root) {
        if (empty && text.find_first_not_of(" \t\r\n{}") != npos && text.find('#') == npos) return std::nullopt;
        if (empty && text.find('{') != npos) out.clear();
        if (!out.empty() && !out.ends_with('\n')) out += '\n';
        return out + lines;
    }
    const auto first = at->map().front().key.where;
    const auto start = all.start(first.line);
    if (text.substr(start, margin).find_first_not_of(' ') != npos) return std::nullopt;  // {a: b}, or - a: b
    return out.insert(start, lines);
}

}  // namespace chaos::yaml_edit
