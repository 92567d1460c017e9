// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <algorithm>
#include <cctype>
#include <chaos/url.hpp>
#include <utility>
#include "persons.hpp"
#include "provenance.hpp"
#include "scope.hpp"
#include "utf8.hpp"

namespace chaos {

namespace {

constexpr int deepest_list = 8;              // of lists that expressions put into lists
constexpr std::size_t most_turns = 500'000;  // of all that is written with `each`: a host has no use for more

bool is_list_field(const Field* field) {
    return field && (field->merge == Merge::members || field->json.find("array") != std::string_view::npos);
}

/// What exists is shown in every plan, and tells what it was decided by.
[[noreturn]] void refuse_deciding(Place where) {
    throw Error(where, "a secret can not decide what exists")
        .help("decide it by a variable or a fact, which may be seen");
}

[[noreturn]] void refuse_as_key(Place where) {
    throw Error(where, "a secret can not be a key").help("keys are shown: keep what is secret in the entry's content");
}

bool has_word(std::string_view text, std::string_view word) {
    const auto is_letter = [&](std::size_t at) {
        return at < text.size() && (text[at] == '_' || std::isalnum(static_cast<unsigned char>(text[at])));
    };
    for (auto at = text.find(word); at != std::string_view::npos; at = text.find(word, at + 1))
        if ((at == 0 || !is_letter(at - 1)) && !is_letter(at + word.size())) return true;
    return false;
}

std::string one_line(const Value& value) {
    if (value.is_text()) return value.text();
    if (value.is_null()) return "";
    std::string out;
    if (value.is_list()) {
        for (const Value& item : value.list()) out += (out.empty() ? "" : ", ") + one_line(item);
        return "[" + out + "]";
    }
    for (const auto& entry : value.map())
        out += (out.empty() ? "" : ", ") + entry.key.text() + ": " + one_line(entry.value);
    return "{" + out + "}";
}

/// What an expression made stands where that stands.
void place(Value& made, Place where) {
    if (!made.where) made.where = where;
    if (made.is_list())
        for (Value& item : std::get<Value::List>(made.data)) place(item, where);
    if (made.is_map())
        for (auto& entry : std::get<Value::Map>(made.data)) place(entry.key, where), place(entry.value, where);
}

}  // namespace

void Sections::read(const ResourceType& type, Value section, bool absent, const Value::Map* shared) {
    ++part_;
    const Schema& schema = type.schema();
    if (!schema.key()) {
        if (section.is_null())
            throw Error(section.where, fmt::format("'{}' has no value", schema.section))
                .help("remove the line, or give it one");
        Value key;
        key.where = section.where;
        return one(type, std::move(key), std::move(section), absent, shared);
    }
    if (has_expression(section)) {
        scope_.deciding = true;
        substitute(section, scope_);
        scope_.deciding = false;
        place(section, section.where);
        if (section.secret) refuse_deciding(section.where);
        if (!section.is_list() && !section.is_map())
            throw Error(section.where, fmt::format("'{}' takes a list or a mapping, and this gives {}", schema.section,
                                                   kind_of(section)))
                .help(fmt::format("an expression here gives a list of keys, or a mapping: {}: \"{{{{ vars.list }}}}\"",
                                  schema.section));
    }
    if (section.is_list()) return read_list(type, std::move(section), absent, shared);
    if (section.is_map()) return read_map(type, std::move(section), absent, shared);
    if (section.is_null())
        throw Error(section.where, fmt::format("the section '{}' is empty", schema.section))
            .help(fmt::format("remove it, or write {}: []", schema.section));
    throw Error(section.where,
                fmt::format("'{}' takes a list or a mapping, found '{}'", schema.section, section.text()))
        .help(fmt::format("write {}: [{}]", schema.section, section.text()));
}

void Sections::read_list(const ResourceType& type, Value list, bool absent, const Value::Map* shared, int depth) {
    for (Value& entry : std::get<Value::List>(list.data)) {
        if (too_many(problems_)) return;
        try {
            item(type, std::move(entry), absent, shared, depth);
        } catch (Error& error) {
            if (!error.where) error.where = list.where;
            problems_.add(std::move(error));
        }
    }
}

void Sections::item(const ResourceType& type, Value item, bool absent, const Value::Map* shared, int depth) {
    const Schema& schema = type.schema();
    const Field& key_field = *schema.key();
    if (item.is_text()) {
        if (!has_expression(item)) return one(type, std::move(item), Value(), absent, shared);
        scope_.deciding = true;
        substitute(item, scope_);
        scope_.deciding = false;
        place(item, item.where);
        if (item.is_text()) {
            if (item.secret) refuse_as_key(item.where);
            return one(type, std::move(item), Value(), absent, shared);
        }
        if (item.secret) refuse_deciding(item.where);
        if (!item.is_list() || depth > deepest_list)
            throw Error(item.where,
                        fmt::format("expected a key or a list of entries, and this gives {}", kind_of(item)))
                .help(fmt::format("for a mapping, the whole section is the expression: {}: \"{{{{ vars.map }}}}\"",
                                  schema.section));
        return read_list(type, std::move(item), absent, shared, depth + 1);
    }
    if (!item.is_map())
        throw Error(item.where, fmt::format("expected a {} or a mapping, found {}", key_field.name, kind_of(item)))
            .help(fmt::format("write it as in {}: [KEY], or {{{}: KEY, ATTRIBUTE: VALUE}}", schema.section,
                              key_field.name));
    if (item.secret) refuse_as_key(item.where);
    auto& body = std::get<Value::Map>(item.data);
    const auto key = std::find_if(body.begin(), body.end(), [&](const Value::Entry& e) {
        return schema.find(e.key.text()) == &key_field || e.key.text() == "name" || e.key.text() == "path";
    });
    // `name` may be an attribute of its own where the key is a path.
    const bool found =
        key != body.end() && (schema.find(key->key.text()) == &key_field || !schema.find(key->key.text()));
    if (!found) {
        Error error(item.where, fmt::format("this {} does not say its {}", schema.name, key_field.name));
        if (body.size() == 1 && !holds_secret(item) && (body[0].value.is_map() || body[0].value.is_null())) {
            const std::string inside = body[0].value.is_map() ? one_line(body[0].value) : "";
            throw std::move(error).help(fmt::format("write {{{}: {}{}", key_field.name, body[0].key.text(),
                                                    inside.size() > 2 ? ", " + inside.substr(1) : "}"));
        }
        throw std::move(error).help(fmt::format("add {}: KEY", key_field.name));
    }
    Value name = std::move(key->value);
    if (!name.is_text())
        throw Error(key->key.where, fmt::format("'{}' is a text, found {}", key_field.name, kind_of(name)))
            .help(fmt::format("write {}: KEY, and an entry for each", key_field.name));
    body.erase(key);
    one(type, std::move(name), std::move(item), absent, shared);
}

void Sections::read_map(const ResourceType& type, Value map, bool absent, const Value::Map* shared) {
    const Field& key_field = *type.schema().key();
    for (auto& [key, body] : std::get<Value::Map>(map.data)) {
        if (too_many(problems_)) return;
        try {
            if (body.is_map())
                for (const auto& entry : body.map())
                    if (type.schema().find(entry.key.text()) == &key_field)
                        throw Error(entry.key.where, fmt::format("'{}' is the {} already", key.text(), key_field.name))
                            .help("remove the line; an entry of a list names its key so");
            one(type, std::move(key), std::move(body), absent, shared);
        } catch (Error& error) {
            if (!error.where) error.where = map.where;
            problems_.add(std::move(error));
        }
    }
}

Value::Map Sections::attributes(const ResourceType& type, const Value& key, Value body) const {
    const Schema& schema = type.schema();
    const Field* main = schema.main.empty() ? nullptr : schema.find(schema.main);
    if (body.is_null()) return {};
    if (body.is_map() && body.secret) refuse_as_key(body.where);  // all of it, also the names of attributes
    if (body.is_map() && !(main && main->merge == Merge::keys && !schema.key()))
        return std::move(std::get<Value::Map>(body.data));
    if (!main)
        throw Error(body.where,
                    fmt::format("{} has no main attribute that {} could be", schema.name,
                                body.is_text() ? fmt::format("'{}'", body.text()) : std::string(kind_of(body))))
            .help(fmt::format("write {}: {{ATTRIBUTE: VALUE}}", key.is_text() ? key.text() : schema.section));
    if (body.is_list() && !is_list_field(main))
        throw Error(body.where, fmt::format("'{}' of {} is one value, found a list", main->name, schema.name))
            .help(fmt::format("write {}: {{{}: VALUE}}", key.is_text() ? key.text() : schema.section, main->name));
    Value name(std::string(main->name), body.where);
    Value::Map map;
    map.push_back({std::move(name), std::move(body)});
    return map;
}

namespace {

constexpr std::string_view adding_up[] = {"when", "tags", "needs", "before", "watch", "notify"};

/// What a block says holds for an entry beside what that says itself: all of `when` must hold, the block's first, ids
/// and tags are united; all else an entry may say otherwise.
void share(Value::Map& body, const Value::Map& shared) {
    for (const auto& entry : shared) {
        const std::string& word = entry.key.text();
        const auto own = std::find_if(body.begin(), body.end(), [&](const auto& e) { return e.key.text() == word; });
        if (own == body.end()) {
            body.push_back(entry);
        } else if (std::find(std::begin(adding_up), std::end(adding_up), word) != std::end(adding_up) &&
                   !own->value.is_null()) {
            const auto all = items_in(own->value), more = items_in(entry.value);
            Value::List both(more.begin(), more.end());
            both.insert(word == "when" ? both.end() : both.begin(), all.begin(), all.end());
            own->value = Value(std::move(both), own->value.where);
        }
    }
}

}  // namespace

std::string name_of_item(const Value& as) {
    constexpr std::string_view taken[] = {"vars",    "facts", "host",  "manifest", "loop", "params", "module",
                                          "modules", "true",  "false", "none",     "True", "False",  "None",
                                          "and",     "or",    "not",   "is",       "in",   "if",     "else"};
    const std::string& name = as.text();
    const auto plain = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    };
    const bool is_name =
        !name.empty() && !(name[0] >= '0' && name[0] <= '9') && std::all_of(name.begin(), name.end(), plain);
    if (!is_name)
        throw Error(as.where, fmt::format("'{}' can be no name in an expression", printable(name)))
            .help("a name is one word of letters, digits and _: as: one");
    if (std::find(std::begin(taken), std::end(taken), name) != std::end(taken))
        throw Error(as.where, fmt::format("'{}' means something else in expressions", name))
            .help("call the item by another name: as: one");
    return name;
}

/// Told once; what is left is let be.
bool Sections::takes_turns(std::size_t count, Place where) {
    std::size_t& turns = scope_.effort.turns;
    const bool told = turns > most_turns;
    turns = std::min(turns + count, most_turns + 1);
    if (turns > most_turns && !told)
        problems_.add(
            Error(where, fmt::format("all that is written with 'each' makes more than {} entries", most_turns))
                .help("a directory with source: takes many files as one, and an exec many steps"));
    return turns <= most_turns;
}

/// Shared meta attributes of a block, then the loop, then each of its turns.
void Sections::one(const ResourceType& type, Value key, Value body, bool absent, const Value::Map* shared) {
    Value::Map map = attributes(type, key, std::move(body));
    clean_names(type, map);
    if (shared) share(map, *shared);
    const auto take = [&](std::string_view name) {
        Value value;
        const auto found = std::find_if(map.begin(), map.end(), [&](const auto& e) { return e.key.text() == name; });
        if (found != map.end()) value = std::move(found->value), map.erase(found);
        return value;
    };
    const auto stands = std::find_if(map.begin(), map.end(), [](const auto& e) { return e.key.text() == "each"; });
    if (stands == map.end()) {
        if (const Value as = take("as"); !as.is_null())
            throw Error(as.where, "'as' names the item of an 'each', and there is none")
                .help("remove it, or add each: LIST");
        if (turns_left_ && !takes_turns(1, key.where)) return;
        return unrolled(type, std::move(key), std::move(map), absent);
    }
    const Value each = take("each"), as = take("as");
    const std::string name = as.is_null() ? "item" : name_of_item(as);
    const Standing turn(turn_, each.where);
    scope_.stand_in(each.where), scope_.deciding = true;
    const Value items = items_of(each, scope_);
    if (items.secret) refuse_deciding(each.where);
    scope_.deciding = false;
    const std::size_t size = items.is_list() ? items.list().size() : items.map().size();
    // As many in each turn of the block, where nothing of the block's item is in it: told before any is made.
    const bool same = turns_left_ && (!each.is_text() || !has_word(each.text(), block_item_));
    const bool fits = !same || size == 0 || turns_left_ <= most_turns / size;
    if (!takes_turns(fits ? size : most_turns + 1, each.where)) return;
    if (size > 1 && type.schema().key() && !has_expression(key))
        throw Error(key.where, "every turn of 'each' makes the same key")
            .help(fmt::format("put the item into it, as in \"{} {{{{ {} }}}}\"", key.text(), name));
    for (std::size_t i = 0; i < size && !too_many(problems_); ++i) {
        if (items.is_list()) {
            scope_.bind(name, items.list()[i]);
        } else {
            const auto& entry = items.map()[i];
            scope_.bind(name, Value(Value::Map{{std::string("key"), entry.key}, {std::string("value"), entry.value}}));
        }
        const auto flag = [](bool is) { return Value(std::string(is ? "true" : "false")); };
        scope_.bind("loop", Value(Value::Map{{std::string("index"), std::to_string(i + 1)},
                                             {std::string("first"), flag(i == 0)},
                                             {std::string("last"), flag(i + 1 == size)}}));
        try {
            unrolled(type, key, map, absent);
        } catch (Error& error) {
            problems_.add(std::move(error));
        }
    }
    scope_.unbind(name), scope_.unbind("loop");
}

/// The home that `~` is in an entry; empty where it has none.
std::string Sections::home_for(Value::Map& body) {
    const auto user = std::find_if(body.begin(), body.end(), [](const auto& e) { return e.key.text() == "user"; });
    std::string name;
    if (user != body.end() && !user->value.is_null()) {
        substitute(user->value, scope_);
        if (user->value.secret)
            throw Error(user->value.where, "a secret can not name a person")
                .help("write the name, or keep it in vars:");
        name = user->value.text();
    }
    const auto [held, is_new] = homes_.try_emplace(name);
    if (is_new) held->second = name.empty() ? scope_.own_home() : person_on(scope_.looking(), name).home;
    return held->second;
}

/// `~eve/` before the key of what is a person's; empty for what is the host's, or has it written.
std::string Sections::prefix_of(const Schema& schema, std::string_view key, const Value::Map& body) {
    if (schema.personal == Personal::no || key.starts_with('~')) return {};
    const auto user = std::find_if(body.begin(), body.end(), [](const auto& e) { return e.key.text() == "user"; });
    if (user != body.end() && !user->value.is_null()) return "~" + user->value.text() + "/";
    if (schema.personal != Personal::always && !scope_.is_unprivileged()) return {};
    return "~" + scope_.own_name() + "/";
}

/// `~` where an attribute is a path, and in the ids of others: `git:~/src/fzf`.
void Sections::expand_home(const Schema& schema, Value::Map& body) {
    constexpr std::string_view links[] = {"needs", "before", "watch", "notify"};
    const auto expand_id = [&](Value& id) {
        if (!id.is_text()) return;
        const auto colon = id.text().find(':');
        if (colon == std::string::npos) return;
        const ResourceType* type = registry_.section(std::string_view(id.text()).substr(0, colon));
        if (type && type->schema().personal != Personal::no && scope_.is_unprivileged()) {
            id.data = prefix_of(type->schema(), id.text().substr(colon + 1), {}) + id.text();
            return;
        }
        if (id.text().compare(colon + 1, 1, "~") != 0) return;
        id.data = id.text().substr(0, colon + 1) + below_home(id.text().substr(colon + 1), home_for(body));
    };
    for (auto& [name, value] : body) {
        const Field* field = schema.find(name.text());
        if (field && field->type == Codec<Path>::name && value.is_text() && value.text().starts_with('~'))
            value.data = below_home(value.text(), home_for(body));
        if (std::find(std::begin(links), std::end(links), name.text()) == std::end(links)) continue;
        if (!value.is_list())
            expand_id(value);
        else
            for (Value& id : std::get<Value::List>(value.data)) expand_id(id);
    }
}

/// Whether it stands in a block, or is one of many.
std::string Sections::note_on_place() const {
    std::string note;
    for (const auto& [what, at] : {std::pair("in the block at", block_), std::pair("a turn of the each at", turn_)})
        if (at)
            note += fmt::format("{}{} {}:{}:{}", note.empty() ? "" : ", ", what, scope_.sources()[at].name, at.line,
                                at.column);
    return note;
}

void Sections::unrolled(const ResourceType& type, Value key, Value::Map body, bool absent) {
    const Schema& schema = type.schema();
    scope_.stand_in(key.where);
    const auto find = [&](std::string_view name) {
        return std::find_if(body.begin(), body.end(), [&](const auto& e) { return e.key.text() == name; });
    };
    bool raw = false;
    if (const auto said = find("raw"); said != body.end()) raw = Codec<bool>::decode(said->value), body.erase(said);
    bool stands = true;
    Place off;
    scope_.deciding = true;
    if (const auto when = find("when"); when != body.end())
        stands = !all_off_ && decide(when->value, scope_), off = when->key.where, body.erase(when);
    stands &= !all_off_;
    if (!raw && has_expression(key)) {
        substitute(key, scope_);
        if (!key.is_text())
            throw Error(key.where, fmt::format("a key is a text, and this gives {}", kind_of(key)))
                .help("give it each: LIST, and \"{{ item }}\" as its key");
    }
    if (key.secret) refuse_as_key(key.where);
    if (const auto said = find("absent"); said != body.end()) {
        if (!raw) substitute(said->value, scope_);
        if (said->value.secret) refuse_deciding(said->value.where);
        absent = Codec<bool>::decode(said->value);
        body.erase(said);
    }
    scope_.deciding = false;

    Declaration entry{.type = &type, .where = key.where, .layer = layer_, .part = part_, .absent = absent};
    const bool asks = (key.is_text() && key.text().starts_with('~')) || find("user") != body.end();
    const std::string home = raw || !asks ? std::string() : home_for(body);
    if (!home.empty() && schema.clean == schema::clean_path) {
        const std::string path = below_home(key.text(), home);
        entry.at_home = path != key.text(), key.data = path;
    }
    if (module_) entry.by_site = false, entry.modules.push_back(module_);
    if (schema.key()) {
        try {
            if (key.text().empty())
                throw Error(key.where, fmt::format("'{}' can not be empty", schema.key()->name))
                    .help("write what it is called; where it is an expression, look at what that gives");
            const std::string written = prefix_of(schema, key.text(), body) + key.text();
            entry.key = schema.clean ? schema.clean(written) : written;
        } catch (Error& error) {
            if (!error.where) error.where = key.where;
            throw;
        }
    }
    if (!stands) return switch_off(entry, body, off);
    const Value::Map written = layers_.tells() ? body : Value::Map();
    for (const auto& attribute : body) {
        const Field* field = schema.find(attribute.key.text());
        if (field && field->role == Field::Role::names) check_untyped(attribute.value, problems_);
        if (!field || field->role != Field::Role::rendered) continue;
        entry.bound = scope_.bound();
        for (const auto& bound : entry.bound) scope_.effort.add(bound.value);
    }
    if (!raw)
        for (auto& attribute : body) {
            try {
                substitute(attribute.value, scope_);
            } catch (Error& error) {
                if (!error.where) error.where = attribute.value.where;
                problems_.add(std::move(error));
                attribute.value = Value();
            }
        }
    for (auto& attribute : body)  // what is said in such a url is shown nowhere
        if (attribute.key.text() == "url" && attribute.value.is_text())
            attribute.value.secret |= holds_password(attribute.value.text());
    if (!raw) expand_home(schema, body);
    entry.body = std::move(body);
    if (layers_.tells()) entry.said = sayings_of(entry, written, note_on_place());
    lay(std::move(entry));
}

}  // namespace chaos
