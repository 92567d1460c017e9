// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <chaos/manifest.hpp>

#include "../text.hpp"
#include "facts.hpp"

namespace chaos::facts {
namespace {

/// The places are of a source nobody will have: in an error they would name a line of some manifest.
void forget_places(Value& value) {
    value.where = {};
    if (auto* list = std::get_if<Value::List>(&value.data)) {
        for (Value& each : *list) forget_places(each);
    } else if (auto* map = std::get_if<Value::Map>(&value.data)) {
        for (Value::Entry& each : *map) {
            forget_places(each.key);
            forget_places(each.value);
        }
    }
}

}  // namespace

Value read_local(const View& view) {
    const std::string directory = "/etc/chaos/facts.d";
    Value::Map all;
    for (const std::string& name : view->list(directory)) {
        const std::size_t dot = name.rfind('.');
        const std::string_view suffix = dot == name.npos ? "" : std::string_view(name).substr(dot);
        if (name.front() == '.' || (suffix != ".yml" && suffix != ".yaml" && suffix != ".json")) continue;
        const std::string path = directory + "/" + name;
        auto text = read_text(view.host(), path);
        if (!text) throw Error(fmt::format("can not read the facts in {}", path)).help("ls -lL " + path);
        Sources sources;
        sources.add(path, directory, std::move(*text));
        try {
            Value value = parse_yaml(sources, 0);
            forget_places(value);
            add(all, name.substr(0, dot), std::move(value));
        } catch (const Error& error) {
            throw Error(fmt::format("{}:{}:{}: {}", path, error.where.line, error.where.column, error.what()));
        }
    }
    return Value(std::move(all));
}

}  // namespace chaos::facts
