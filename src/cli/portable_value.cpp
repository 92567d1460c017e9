// SPDX-License-Identifier: Apache-2.0
#include "portable_value.hpp"

#include <fmt/format.h>

#include <chaos/error.hpp>
#include <chaos/hashes.hpp>
#include <chaos/marks.hpp>

#include "diff.hpp"

namespace chaos::cli {

namespace {

constexpr std::string_view secret_mark = "$secret", base64_mark = "$base64", map_mark = "$map";

Value closed(const Value& value, const SealKey* key) {
    if (!key) return marked(secret_mark, Value(std::string()));
    return marked(secret_mark, Value(key->seal_text(to_json(to_portable(without_secrecy(value), nullptr)))));
}

Value opened(const Value& inner, const SealKey* key) {
    Value out{std::string()};
    if (key) {
        const auto text = key->open_text(inner.text());
        if (!text) throw Error("a secret was closed with another key than this host's");
        out = from_portable(from_json(*text), nullptr);
    }
    out.secret = true;
    return out;
}

Value read_back(const Value& value, const SealKey* key, bool verbatim) {
    if (value.is_text()) return Value(value.text());
    if (value.is_list()) {
        Value::List list;
        for (const Value& member : value.list()) list.push_back(read_back(member, key, false));
        return Value(std::move(list));
    }
    if (!value.is_map()) return {};
    if (!verbatim && looks_marked(value)) {
        const auto& [mark, inner] = value.map()[0];
        if (mark.text() == map_mark) return read_back(inner, key, true);
        if (mark.text() == secret_mark) return opened(inner, key);
        auto bytes = mark.text() == base64_mark ? language::from_base64(inner.text()) : std::nullopt;
        if (!bytes) throw Error(fmt::format("expected bytes as base64, found the mark '{}'", mark.text()));
        return Value(std::move(*bytes));
    }
    Value::Map map;
    for (const auto& [name, member] : value.map()) map.push_back({Value(name.text()), read_back(member, key, false)});
    return Value(std::move(map));
}

}  // namespace

// Recursion is as deep as a value is nested, which a manifest and from_json bound.
Value to_portable(const Value& value, const SealKey* key) {
    if (value.secret) return closed(value, key);
    if (value.is_text())
        return is_text(value.text()) ? Value(value.text())
                                     : marked(base64_mark, Value(language::to_base64(value.text())));
    if (value.is_list()) {
        Value::List list;
        for (const Value& member : value.list()) list.push_back(to_portable(member, key));
        return Value(std::move(list));
    }
    if (!value.is_map()) return {};
    // A name that is secret closes all that it names.
    for (const auto& [name, member] : value.map())
        if (name.secret) return closed(value, key);
    Value::Map map;
    for (const auto& [name, member] : value.map()) map.push_back({Value(name.text()), to_portable(member, key)});
    Value out(std::move(map));
    return looks_marked(value) ? marked(map_mark, std::move(out)) : out;
}

Value from_portable(const Value& value, const SealKey* key) {
    return read_back(value, key, false);
}

}  // namespace chaos::cli
