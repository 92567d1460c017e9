// SPDX-License-Identifier: Apache-2.0
// Filters of paths: of their words alone, nothing is looked up.
#include <fmt/format.h>
#include "filters.hpp"

namespace chaos::language {

namespace {

constexpr auto npos = std::string::npos;

std::string base_name(const std::string& path) {
    return path.substr(path.rfind('/') + 1);
}

std::string directory_name(const std::string& path) {
    std::string head = path.substr(0, path.rfind('/') + 1);
    if (head.find_first_not_of('/') != npos)
        while (head.ends_with('/')) head.pop_back();
    return head;
}

Datum split_extension(Call& call) {
    const std::string path = call.own_text();
    const auto name = path.rfind('/') + 1;
    const auto first = path.find_first_not_of('.', name), dot = path.rfind('.');
    const auto at = dot == npos || dot < name || first == npos || dot < first ? path.size() : dot;
    return Datum::of(List{Datum::of(path.substr(0, at)), Datum::of(path.substr(at))}, Datum::Form::tuple);
}

Datum joined(Call& call) {
    std::string out;
    for (const Datum& part : call.items()) {
        const std::string text = call.evaluator.text(part);
        if (text.starts_with('/'))
            out = text;
        else
            out += (out.empty() || out.ends_with('/') ? "" : "/") + text;
        call.budget().fits(out.size());
    }
    return Datum::of(std::move(out));
}

constexpr Filter filters[] = {
    {"basename", "", "The last part of a path.", [](Call& c) { return Datum::of(base_name(c.own_text())); }, true},
    {"dirname", "", "A path without its last part.", [](Call& c) { return Datum::of(directory_name(c.own_text())); },
     true},
    {"path_join", "", "The parts of a list as one path.", joined, true},
    {"splitext", "", "A path and its extension, a pair.", split_extension, true},
};

}  // namespace

Filters path_filters() {
    return filters;
}

}  // namespace chaos::language
