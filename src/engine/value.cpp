// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <chaos/error.hpp>
#include <chaos/value.hpp>

namespace chaos {

namespace {

[[noreturn]] void wrong(const Value& value, std::string_view expected) {
    Error error(value.where, value.is_text() ? fmt::format("expected {}, found '{}'", expected, value.text())
                                             : fmt::format("expected {}, found {}", expected, kind_of(value)));
    error.hint = expected == "a text"   ? "write one value; in quotes, if it is a text that begins with a bracket"
                 : expected == "a list" ? "write it as in [A, B]"
                                        : "write it as in {NAME: VALUE}";
    throw error;
}

}  // namespace

const std::string& Value::text() const {
    if (const auto* held = std::get_if<std::string>(&data)) return *held;
    wrong(*this, "a text");
}

const Value::List& Value::list() const {
    if (const auto* held = std::get_if<List>(&data)) return *held;
    wrong(*this, "a list");
}

const Value::Map& Value::map() const {
    if (const auto* held = std::get_if<Map>(&data)) return *held;
    wrong(*this, "a mapping");
}

const Value* Value::find(std::string_view key) const {
    if (const auto* held = std::get_if<Map>(&data))
        for (const Entry& entry : *held)
            if (entry.key.is_text() && entry.key.text() == key) return &entry.value;
    return nullptr;
}

bool operator==(const Value& a, const Value& b) {
    return a.data == b.data;
}

bool operator==(const Value::Entry& a, const Value::Entry& b) {
    return a.key == b.key && a.value == b.value;
}

bool holds_secret(const Value& value) {
    if (value.secret) return true;
    if (value.is_list())
        for (const Value& item : value.list())
            if (holds_secret(item)) return true;
    if (value.is_map())
        for (const auto& entry : value.map())
            if (entry.key.secret || holds_secret(entry.value)) return true;
    return false;
}

std::string_view kind_of(const Value& value) {
    switch (value.data.index()) {
        case 0: return "nothing";
        case 1: return "a text";
        case 2: return "a list";
        default: return "a mapping";
    }
}

}  // namespace chaos
