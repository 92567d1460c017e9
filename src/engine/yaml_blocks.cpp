// SPDX-License-Identifier: Apache-2.0
#include "yaml_blocks.hpp"

#include <algorithm>

namespace chaos {

namespace {

constexpr auto npos = std::string_view::npos;
constexpr std::uint16_t last_column = 65535;  // that one, or one behind it

bool is_block(const Value& value, const TextLines& lines) {
    if (value.is_map() && !value.map().empty() && value.map()[0].key.where == value.where) {
        const auto at = lines.at(value.where, " -");
        return at != npos && std::string_view("{[!&*?").find(lines.text[at]) == npos;
    }
    if (!value.is_list()) return false;
    const auto at = lines.at(value.where, " -");
    return at != npos && lines.dash(at);
}

/// True where a line begins with this entry of a block.
bool begins_line(const YamlEntry& step, const TextLines& lines) {
    const Place where = step.where();
    if (step.container->is_map()) {
        const auto at = lines.at(where, " ");
        return at != npos && where.column == step.container->where.column &&
               std::string_view("!&*?").find(lines.text[at]) == npos;
    }
    const Place list = step.container->where;
    const auto at = lines.at({where.line, list.column, list.source}, " ");
    return at != npos && lines.dash(at) && where.column > list.column && !step.value().is_null();
}

}  // namespace

YamlPath last_entry(Value& root, const TextLines& lines, std::uint32_t line) {
    YamlPath path;
    for (Value* value = &root; is_block(*value, lines); value = &path.back().value()) {
        const std::size_t size = value->is_map() ? value->map().size() : value->list().size();
        std::size_t from = 0, to = size;  // the first that begins behind the line
        while (from < to) {
            const std::size_t middle = (from + to) / 2;
            if (YamlEntry{value, middle}.where().line > line)
                to = middle;
            else
                from = middle + 1;
        }
        if (from == 0) break;
        path.push_back({value, from - 1});
    }
    while (!path.empty() && !begins_line(path.back(), lines)) path.pop_back();
    return path;
}

TextLines::TextLines(std::string_view of) : text(of) {
    for (std::size_t at = 0; at < text.size();) {
        starts.push_back(at);
        at = std::min(text.find('\n', at), text.size()) + 1;
    }
}

std::size_t TextLines::at(Place where, const char* before) const {
    if (where.line == 0 || where.line > starts.size() || where.column == 0 || where.column == last_column) return npos;
    const std::size_t start = starts[where.line - 1], at = start + where.column - 1;
    const auto blanks = text.substr(start, where.column - 1U);
    return at < text.size() && blanks.find_first_not_of(before) == npos ? at : npos;
}

bool TextLines::dash(std::size_t at) const {
    return text[at] == '-' && at + 1 < text.size() && (text[at + 1] == ' ' || text[at + 1] == '\n');
}

}  // namespace chaos
