// SPDX-License-Identifier: Apache-2.0
#include "module_sections.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <set>

#include "modules.hpp"
#include "shipped.hpp"

namespace chaos {

namespace {

/// As names of modules can be: letters, digits, _ and -.
std::string name_of_entry(const std::string& section, const std::string& key) {
    std::string name = section + "-" + key.substr(key.find_last_of("/:") + 1);
    for (char& c : name)
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-')) c = '_';
    return name;
}

}  // namespace

Value::Map body_of_section(const Value& key, const Value& said) {
    const Value manifest = read_shipped(*find_shipped(key.text()));
    const std::string entry = entry_param(manifest);
    if (entry.empty()) {
        if (said.is_map()) return said.map();
        const auto params = params_of(manifest);  // a body that is no mapping is the first of them
        return Value::Map{{Value(params.front().name, said.where), said}};
    }
    if (said.is_map()) return said.map();
    Value::Map body;
    for (const Value& item : items_in(said)) {
        if (item.is_text()) {
            body.push_back({item, Value(Value::Map{}, item.where)});
            continue;
        }
        const Value* name = item.find(entry);
        if (!name) name = item.find("path");  // a directory instead
        if (!name)
            throw Error(item.where, fmt::format("this entry of {} does not say its {}", key.text(), entry))
                .help(fmt::format("add {}: VALUE", entry));
        body.push_back({*name, item});
    }
    return body;
}

Value::List uses_of_section(const Value& key, const Value& said) {
    const std::string entry = entry_param(read_shipped(*find_shipped(key.text())));
    const auto use = [&](Value module, Value::Map with, std::string as) {
        Value::Map item{{Value(std::string("module"), module.where), module}};
        if (!with.empty())
            item.push_back({Value(std::string("with"), module.where), Value(std::move(with), said.where)});
        if (!as.empty()) item.push_back({Value(std::string("as"), module.where), Value(std::move(as), module.where)});
        return Value(std::move(item), module.where);
    };
    Value::List uses;
    std::set<std::string> names;
    if (entry.empty()) {
        uses.push_back(use(key, body_of_section(key, said), ""));
        return uses;
    }
    for (const auto& [name, body] : body_of_section(key, said)) {
        Value::Map with;
        if (body.is_map())
            with = body.map();
        else if (!body.is_null())
            throw Error(body.where, fmt::format("an entry of {} is a mapping, found {}", key.text(), kind_of(body)))
                .help(
                    fmt::format("write {}: {{user: NAME}}; its parameters: chaos explain {}", name.text(), key.text()));
        std::erase_if(with, [&](const auto& one) { return one.key.text() == entry; });
        if (!body.find("path")) with.insert(with.begin(), {Value(entry, name.where), name});
        const std::string base = name_of_entry(key.text(), name.text());
        std::string as = base;
        for (int again = 2; !names.insert(as).second; ++again) as = fmt::format("{}-{}", base, again);
        uses.push_back(use(Value(key.text(), name.where), std::move(with), std::move(as)));
    }
    return uses;
}

}  // namespace chaos
