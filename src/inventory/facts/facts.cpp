// SPDX-License-Identifier: Apache-2.0
#include "facts.hpp"

namespace chaos::facts {

void add(Value::Map& map, std::string_view key, Value value) {
    Value::Entry entry;
    entry.key = Value(std::string(key));
    entry.value = std::move(value);
    map.push_back(std::move(entry));
}

Value map_of(std::initializer_list<std::pair<std::string_view, std::string>> entries) {
    Value::Map map;
    for (const auto& [key, text] : entries) add(map, key, Value(text));
    return Value(std::move(map));
}

}  // namespace chaos::facts
