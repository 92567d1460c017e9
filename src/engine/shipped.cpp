// SPDX-License-Identifier: Apache-2.0
#include "shipped.hpp"
#include <fmt/format.h>
#include <algorithm>
#include <chaos/manifest.hpp>

namespace chaos {

namespace {

/// A value on one line, as a manifest has it.
std::string flow(const Value& value) {
    if (value.is_null()) return "null";
    if (value.is_text()) return value.text().empty() ? "\"\"" : value.text();
    std::string out;
    if (value.is_list()) {
        for (const Value& item : value.list()) out += (out.empty() ? "" : ", ") + flow(item);
        return "[" + out + "]";
    }
    for (const auto& entry : value.map())
        out += fmt::format("{}{}: {}", out.empty() ? "" : ", ", entry.key.text(), flow(entry.value));
    return "{" + out + "}";
}

}  // namespace

const ShippedModule* find_shipped(std::string_view name) {
    const auto all = shipped_modules();
    const auto found = std::find_if(all.begin(), all.end(), [&](const auto& one) { return one.name == name; });
    return found == all.end() ? nullptr : &*found;
}

std::string source_name(const ShippedModule& module) {
    return fmt::format("chaos:modules/{}.yml", module.name);
}

bool is_shipped(const Source& source) {
    return source.name.starts_with("chaos:modules/");
}

Value read_shipped(const ShippedModule& module) {
    Sources sources;
    return parse_yaml(sources, sources.add(std::string(module.name), "/", std::string(module.text)));
}

std::string entry_param(const Value& manifest) {
    const Value* said = manifest.find("x-entries");
    return said ? said->text() : std::string();
}

std::vector<ShownParam> params_of(const Value& manifest) {
    std::vector<ShownParam> all;
    const Value* params = manifest.find("params");
    if (!params) return all;
    for (const auto& [key, said] : params->map()) {
        const Value *type = said.find("type"), *doc = said.find("doc"), *fallback = said.find("default");
        all.push_back({key.text(), type ? flow(*type) : "any", doc ? doc->text() : "", fallback ? flow(*fallback) : "",
                       fallback == nullptr});
    }
    return all;
}

}  // namespace chaos
