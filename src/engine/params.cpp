// SPDX-License-Identifier: Apache-2.0
// What a module is given: each value checked against the type that its `params` declare.
#include <fmt/format.h>
#include <algorithm>
#include <charconv>
#include "modules.hpp"
#include "utf8.hpp"

namespace chaos {

namespace {

[[noreturn]] void unexpected(const Value& value, std::string_view expected, std::string_view example) {
    throw Error(value.where, value.is_text() ? fmt::format("expected {}, found '{}'", expected, value.text())
                                             : fmt::format("expected {}, found {}", expected, kind_of(value)))
        .help(fmt::format("write it as in {}", example));
}

/// As text that stays text, or as what it looks like: what an expression then sees.
Value plain(Value value, bool quoted) {
    value.text(), value.quoted = quoted;
    return value;
}

Value text(Value value, Diagnostics&) {
    return plain(std::move(value), true);
}
Value secret(Value value, Diagnostics&) {
    value.text(), value.secret = true;
    return plain(std::move(value), true);
}
Value whole(Value value, Diagnostics&) {
    Codec<std::int64_t>::decode(value);
    return plain(std::move(value), false);
}
Value number(Value value, Diagnostics&) {
    double read = 0;
    const std::string digits = value.is_text() ? value.text() : std::string();
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), read);
    const bool finite = !digits.empty() && (digits.back() >= '0' && digits.back() <= '9');
    if (error != std::errc() || end != digits.data() + digits.size() || !finite)
        unexpected(value, "a number", "12 or 1.5");
    return plain(std::move(value), false);
}
Value truth(Value value, Diagnostics&) {
    value.data = std::string(Codec<bool>::decode(value) ? "true" : "false");
    return plain(std::move(value), false);
}
Value path(Value value, Diagnostics&) {
    value.data = Codec<Path>::decode(value).text;
    return plain(std::move(value), true);
}
Value port(Value value, Diagnostics&) {
    Codec<Port>::decode(value);
    return plain(std::move(value), false);
}
Value mode(Value value, Diagnostics&) {
    Codec<Mode>::decode(value);
    return plain(std::move(value), true);
}
Value size(Value value, Diagnostics&) {
    Codec<Size>::decode(value);
    return plain(std::move(value), true);
}
Value address(Value value, Diagnostics&) {
    value.data = Codec<Address>::decode(value).text;
    return plain(std::move(value), true);
}
Value network(Value value, Diagnostics&) {
    value.data = Codec<Cidr>::decode(value).text;
    return plain(std::move(value), true);
}
Value duration(Value value, Diagnostics&) {
    Codec<Seconds>::decode(value);
    return plain(std::move(value), true);
}
Value any(Value value, Diagnostics& problems) {
    check_untyped(value, problems);
    return value;
}

struct ParamType {
    std::string_view name;
    Value (*read)(Value, Diagnostics&);
};
constexpr ParamType types[] = {{"text", text},    {"int", whole}, {"number", number},   {"bool", truth},
                               {"path", path},    {"port", port}, {"address", address}, {"network", network},
                               {"mode", mode},    {"size", size}, {"any", any},         {"duration", duration},
                               {"secret", secret}};

const ParamType& type_named(const Value& said) {
    const std::string& name = said.text();
    const auto found = std::find_if(std::begin(types), std::end(types), [&](const auto& t) { return t.name == name; });
    if (found != std::end(types)) return *found;
    std::vector<std::string_view> known;
    std::string list;
    for (const ParamType& one : types)
        known.push_back(one.name), list += (list.empty() ? "" : ", ") + std::string(one.name);
    const auto near = nearest(name, known);
    throw Error(said.where, fmt::format("there is no type '{}'", printable(name)))
        .help(near.empty() ? fmt::format("types are {}, a list of one of them, as in [text], or a mapping", list)
                           : fmt::format("did you mean '{}'?", near));
}

void check_type(const Value& type) {
    if (type.is_text()) {
        type_named(type);
    } else if (type.is_map() && !type.map().empty()) {
        for (const auto& field : type.map()) check_type(field.value);
    } else if (type.is_list() && type.list().size() == 1) {
        check_type(type.list()[0]);
    } else {
        throw Error(type.where, fmt::format("expected a type, found {}", kind_of(type)))
            .help("write it as in type: port, type: [text], or type: {host: text, port: port}");
    }
}

/// The name of a field without the `?` that says it may be left out.
std::string_view name_of_field(const Value& key) {
    std::string_view name = key.text();
    if (name.size() > 1 && name.ends_with('?')) name.remove_suffix(1);
    return name;
}

/// A value of a type, for hints.
std::string example_of(const Value& type) {
    if (type.is_list()) return "[" + example_of(type.list()[0]) + "]";
    if (!type.is_map()) return "VALUE";
    std::string fields;
    for (const auto& field : type.map())
        fields +=
            fmt::format("{}{}: {}", fields.empty() ? "" : ", ", name_of_field(field.key), example_of(field.value));
    return "{" + fields + "}";
}

/// As deep as the text of the type, which the reader bounds.
Value typed(Value value, const Value& type, Diagnostics& problems) {
    if (type.is_text()) {
        const Place where = value.where;
        const bool secret = holds_secret(value);
        const ParamType& as = type_named(type);
        try {
            return as.read(std::move(value), problems);
        } catch (Error& error) {
            if (secret) throw Error(where, fmt::format("this secret value is no {}", as.name));  // not shown
            if (!error.where) error.where = where;
            throw;
        }
    }
    if (type.is_list()) {
        if (value.is_text()) {  // one scalar is a list of one
            const Place where = value.where;
            Value::List one;
            one.push_back(std::move(value));
            value = Value(std::move(one), where);
        }
        if (!value.is_list()) unexpected(value, "a list", example_of(type));
        for (Value& item : std::get<Value::List>(value.data)) item = typed(std::move(item), type.list()[0], problems);
        return value;
    }
    if (!value.is_map()) unexpected(value, "a mapping", example_of(type));
    std::vector<std::string_view> known;
    for (const auto& field : type.map()) known.push_back(name_of_field(field.key));
    for (auto& [key, held] : std::get<Value::Map>(value.data)) {
        const auto named = std::find(known.begin(), known.end(), key.text());
        if (named == known.end()) {
            if (value.secret)
                throw Error(value.where, "this secret value has a field too many")
                    .help(fmt::format("it has {}", fmt::join(known, ", ")));
            const auto near = nearest(key.text(), known);
            throw Error(key.where, fmt::format("there is no field '{}'", printable(key.text())))
                .help(near.empty() ? fmt::format("it has {}", fmt::join(known, ", "))
                                   : fmt::format("did you mean '{}'?", near));
        }
        const auto& field = type.map()[static_cast<std::size_t>(named - known.begin())];
        held = typed(std::move(held), field.value, problems);
    }
    for (std::size_t i = 0; i < known.size(); ++i)
        if (known[i] == type.map()[i].key.text() && !value.find(known[i]))
            throw Error(value.where, fmt::format("the field '{}' is missing", known[i]))
                .help(fmt::format("add {}: {}", known[i], example_of(type.map()[i].value)));
    return value;
}

struct Param {
    Value name, type;
    const Value *fallback = nullptr, *one_of = nullptr;
};

Param parse_param(const Value::Entry& declared) {
    Param param{declared.key, Value(std::string("any"), declared.key.where)};
    if (declared.value.is_null()) return param;
    if (!declared.value.is_map())
        throw Error(declared.value.where, fmt::format("a parameter is a mapping, found {}", kind_of(declared.value)))
            .help(fmt::format("write {}: {{type: TYPE, default: VALUE}}", declared.key.text()));
    for (const auto& [key, value] : declared.value.map()) {
        const std::string& word = key.text();
        if (word == "type")
            param.type = value;
        else if (word == "default")
            param.fallback = &value;
        else if (word == "one_of")
            value.list(), param.one_of = &value;
        else if (word == "doc")
            value.text();
        else
            throw Error(key.where, fmt::format("a parameter has no '{}'", printable(word)))
                .help("it has type, default, doc and one_of");
    }
    check_type(param.type);
    return param;
}

Value read_param(const Param& param, Value given, Diagnostics& problems) {
    Value value = typed(std::move(given), param.type, problems);
    if (!param.one_of) return value;
    std::string list;
    for (const Value& one : param.one_of->list()) {
        const Value allowed = typed(one, param.type, problems);
        if (allowed == value) return value;
        list += (list.empty() ? "" : ", ") + (allowed.is_text() ? allowed.text() : std::string(kind_of(allowed)));
    }
    throw Error(value.where, value.secret || !value.is_text()
                                 ? fmt::format("expected one of {}", list)
                                 : fmt::format("expected one of {}, found '{}'", list, value.text()))
        .help("write one of these; the module says no others");
}

/// A module that comes with chaos is a section as well, and mostly written so.
std::string called(const Use& use, const Scope& scope) {
    return fmt::format("{}'{}'", scope.lends_places ? "" : "the module ", use.module.text());
}

void refuse_unknown(const Value* declared, const Use& use, const Scope& scope, Diagnostics& problems) {
    std::vector<std::string_view> known;
    if (declared && declared->is_map())
        for (const auto& entry : declared->map()) known.push_back(entry.key.text());
    for (const auto& entry : use.with) {
        const std::string& name = entry.key.text();
        if (std::find(known.begin(), known.end(), name) != known.end()) continue;
        const auto near = nearest(name, known);
        problems.add(Error(entry.key.where, fmt::format("{} has no parameter '{}'", called(use, scope), name))
                         .help(!near.empty()   ? fmt::format("did you mean '{}'?", near)
                               : known.empty() ? "it takes none: its params: would declare them"
                                               : fmt::format("it has {}", fmt::join(known, ", "))));
    }
}

}  // namespace

bool take_params(const Value* declared, const Use& use, Scope& scope, Diagnostics& problems) {
    Value::Map params, deciding;
    bool some_may_not = false;
    const Value with(use.with);
    const auto mistakes = problems.errors().size();
    refuse_unknown(declared, use, scope, problems);
    scope.give("params", Value(Value::Map{}));
    if (!declared || declared->is_null()) return problems.errors().size() == mistakes;
    for (const auto& entry : declared->map()) {
        const std::string& name = entry.key.text();
        const Value* given = with.find(name);
        if (given && given->is_null()) given = nullptr;
        try {
            const Param param = parse_param(entry);
            if (!given && !param.fallback)
                throw Error(use.module.where, fmt::format("{} needs '{}'", called(use, scope), name))
                    .note(entry.key.where, "it is declared here, without a default")
                    .help(scope.lends_places
                              ? fmt::format("add {}: {}", name, example_of(param.type))
                              : fmt::format("write {{module: {}, with: {{{}: VALUE}}}}", use.module.text(), name));
            Value value = given ? *given : *param.fallback;
            std::string passing;
            if (!given) {
                scope.stand_in(entry.key.where);
                passing = scope.substitute_judging(value);
            } else if (const auto known = use.passing.find(name); known != use.passing.end()) {
                passing = known->second;
            }
            some_may_not |= !passing.empty();
            if (given || !value.is_null()) value = read_param(param, std::move(value), problems);
            deciding.push_back({name, passing.empty() ? value : Scope::withheld(passing)});
            params.push_back({name, std::move(value)});
        } catch (Error& error) {
            if (!error.where) error.where = given ? given->where : entry.key.where;
            if (given)
                problems.add(std::move(error).note(entry.key.where, fmt::format("'{}' is declared here", name)));
            else
                problems.add(std::move(error));
            params.push_back({name, Value()}), deciding.push_back({name, Value()});
        }
        if (some_may_not)
            scope.give("params", Value(params), Value(deciding));
        else
            scope.give("params", Value(params));
    }
    return problems.errors().size() == mistakes;
}

}  // namespace chaos
