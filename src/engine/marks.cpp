// SPDX-License-Identifier: Apache-2.0
#include <chaos/marks.hpp>

namespace chaos {

Value marked(std::string_view mark, Value inner) {
    Value::Map map;
    map.push_back({Value(std::string(mark)), std::move(inner)});
    return Value(std::move(map));
}

bool looks_marked(const Value& value) {
    return value.is_map() && value.map().size() == 1 && value.map()[0].key.is_text() &&
           value.map()[0].key.text().starts_with('$');
}

Value without_secrecy(const Value& value) {
    Value out = value;
    out.secret = false;
    if (auto* list = std::get_if<Value::List>(&out.data))
        for (Value& member : *list) member = without_secrecy(member);
    if (auto* map = std::get_if<Value::Map>(&out.data))
        for (auto& [key, member] : *map) key.secret = false, member = without_secrecy(member);
    return out;
}

}  // namespace chaos
