// SPDX-License-Identifier: Apache-2.0
#include "datum.hpp"
#include <fmt/format.h>
#include <algorithm>
#include <charconv>
#include "expression.hpp"
#include "utf8.hpp"

namespace chaos {

namespace {

constexpr std::uint64_t most_made = 256 << 20;

std::uint64_t bytes_of(const Value& value, std::uint64_t most) {
    std::uint64_t bytes = sizeof(Value);
    if (value.is_text()) return bytes + value.text().size();
    if (value.is_list())
        for (const Value& item : value.list())
            if (bytes <= most) bytes += bytes_of(item, most - bytes);
    if (value.is_map())
        for (const auto& entry : value.map())
            if (bytes <= most) bytes += bytes_of(entry.key, most) + bytes_of(entry.value, most - bytes);
    return bytes;
}

}  // namespace

void Effort::add(const Value& made_now) {
    made += bytes_of(made_now, most_made);
    if (made > most_made)
        throw Error(fmt::format("all that expressions make becomes longer than {} MiB", most_made >> 20))
            .help("does each variable hold the next one twice? big content goes beside the manifest, with source:");
}

}  // namespace chaos

namespace chaos::language {

void Budget::begin() {
    const std::uint64_t rest = Effort::most_steps - std::min(effort_->steps, Effort::most_steps);
    left_ = began_ = std::min(most_steps, rest);
}
void Budget::exhausted(const Budget& budget) {
    if (budget.began_ < most_steps)
        throw Error("all expressions and templates together take too many steps")
            .help("does each of many look at all of the many? look once, in vars:, and use what came out");
    throw Error("this takes too many steps").help("a template is for putting text together: give it less to do");
}
void Budget::too_long() {
    throw Error(fmt::format("this becomes longer than {} MiB", longest_text >> 20))
        .help("big content goes beside the manifest, with source:");
}
void Budget::too_deep(Budget& budget) {
    --*budget.depth_;  // the Level that throws is never made
    throw Error(fmt::format("this goes more than {} levels deep", deepest))
        .help("does something contain itself? what is long and not deep can be put together with join");
}

Object::~Object() = default;
Datum Object::call(Evaluator&, Arguments&) {
    throw Error(fmt::format("{} can not be called", called()));
}
std::string Object::text() const {
    return fmt::format("<{}>", called());
}
Datum Object::invoke(Evaluator& evaluator, std::string_view method, Arguments& arguments) {
    const auto held = member(method);
    if (!held) throw Error(fmt::format("{} has no '{}'", called(), method));
    if (!held->is(Datum::Kind::object)) throw Error(fmt::format("'{}' is {}, nothing to call", method, name_of(*held)));
    return held->object().call(evaluator, arguments);
}

namespace {

/// Lists in lists in lists: taken apart one by one, so that no depth is too much for the stack.
template <class Held>
struct Unravel {
    void operator()(Held* held) const {
        std::vector<Datum> rest;
        release(*held, rest);
        delete held;
        while (!rest.empty()) {
            Datum datum = std::move(rest.back());
            rest.pop_back();
            if (!datum.is_alone()) continue;
            if (List* list = datum.own_list()) release(*list, rest);
            if (Dict* dict = datum.own_map()) release(*dict, rest);
        }
    }
    static void release(List& list, std::vector<Datum>& rest) {
        for (Datum& item : list)
            if (item.is_list() || item.is_map()) rest.push_back(std::move(item));
        list.clear();
    }
    static void release(Dict& dict, std::vector<Datum>& rest) {
        for (auto& [key, value] : dict.entries)
            if (value.is_list() || value.is_map()) rest.push_back(std::move(value));
        dict.entries.clear();
    }
};

struct Missing {
    std::string message, hint;
};

}  // namespace

Datum Datum::undefined(std::string message, std::string hint) {
    Datum datum;
    datum.held_ = std::make_shared<const Missing>(Missing{std::move(message), std::move(hint)});
    return datum;
}
const std::string& Datum::missing() const {
    static const std::string nothing = "this is not defined";
    return held_ ? static_cast<const Missing*>(held_.get())->message : nothing;
}
const std::string& Datum::missing_hint() const {
    static const std::string nothing;
    return held_ ? static_cast<const Missing*>(held_.get())->hint : nothing;
}

Datum Datum::blank() {
    Datum datum = undefined("nothing is said for where this is false", "add else VALUE");
    datum.quoted_ = false;
    return datum;
}
Datum Datum::none() {
    Datum datum;
    datum.kind_ = Kind::none;
    return datum;
}
Datum Datum::of(bool flag) {
    Datum datum;
    datum.kind_ = Kind::boolean, datum.number_.integer = flag;
    return datum;
}
Datum Datum::of(std::int64_t number) {
    Datum datum;
    datum.kind_ = Kind::integer, datum.number_.integer = number;
    return datum;
}
Datum Datum::of(double number) {
    Datum datum;
    datum.kind_ = Kind::real, datum.number_.real = number;
    return datum;
}
Datum Datum::of(std::string text, bool markup) {
    Datum datum;
    datum.kind_ = Kind::text, datum.markup_ = markup;
    datum.held_ = std::make_shared<const std::string>(std::move(text));
    return datum;
}
Datum Datum::of(List list, Form form) {
    Datum datum;
    datum.kind_ = Kind::list, datum.form_ = form;
    datum.held_ = std::shared_ptr<List>(new List(std::move(list)), Unravel<List>());
    return datum;
}
Datum Datum::of(Dict dict) {
    Datum datum;
    datum.kind_ = Kind::map;
    datum.held_ = std::shared_ptr<Dict>(new Dict(std::move(dict)), Unravel<Dict>());
    return datum;
}
Datum Datum::of(std::shared_ptr<Object> object) {
    Datum datum;
    datum.kind_ = Kind::object, datum.held_ = std::move(object);
    return datum;
}

Datum Datum::of(std::shared_ptr<const Value> value) {
    if (value->is_text() && value->tag != Value::Tag::none)  // withheld where something is decided
    {
        const std::string& why = value->text();
        const auto end = why.find('\n');
        return undefined(why.substr(0, end), end == std::string::npos ? "" : why.substr(end + 1));
    }
    Datum datum;
    datum.secret = value->secret;
    const Type type = type_of(*value);
    if (type == Type::nothing) {
        datum.kind_ = Kind::none;
    } else if (type == Type::list || type == Type::map) {
        datum.kind_ = type == Type::list ? Kind::list : Kind::map;
        datum.borrowed_ = true, datum.held_ = std::move(value);
    } else {
        const std::string& text = value->text();
        datum.quoted_ = value->quoted;
        datum.held_ = std::shared_ptr<const std::string>(value, &text);
        if (type == Type::text) {
            datum.kind_ = Kind::text;
        } else if (type == Type::boolean) {
            datum.kind_ = Kind::boolean, datum.number_.integer = text == "true";
        } else {
            const auto* end = text.data() + text.size();
            datum.kind_ = Kind::integer;
            const auto [stop, error] = std::from_chars(text.data(), end, datum.number_.integer);
            if (stop != end || error != std::errc()) {
                datum.kind_ = Kind::real;
                std::from_chars(text.data(), end, datum.number_.real);
            }
        }
    }
    return datum;
}

Object& Datum::object() const {
    return *const_cast<Object*>(static_cast<const Object*>(held_.get()));
}
std::shared_ptr<Object> Datum::shared_object() const {
    return std::const_pointer_cast<Object>(std::static_pointer_cast<const Object>(held_));
}

const std::string* Datum::written() const {
    if (!held_ || (kind_ != Kind::boolean && kind_ != Kind::integer && kind_ != Kind::real)) return nullptr;
    return static_cast<const std::string*>(held_.get());
}

List* Datum::own_list() const {
    return kind_ == Kind::list && !borrowed_ ? const_cast<List*>(static_cast<const List*>(held_.get())) : nullptr;
}
Dict* Datum::own_map() const {
    return kind_ == Kind::map && !borrowed_ ? const_cast<Dict*>(static_cast<const Dict*>(held_.get())) : nullptr;
}

std::size_t Datum::size() const {
    if (const Value* value = origin()) return value->is_list() ? value->list().size() : value->map().size();
    if (const List* list = own_list()) return list->size();
    return own_map()->entries.size();
}

Datum Datum::at(std::size_t number) const {
    if (const Value* value = origin()) {
        const Value& item = value->is_list() ? value->list()[number] : value->map()[number].value;
        return of(std::shared_ptr<const Value>(held_, &item)).taint(secret);
    }
    if (const List* list = own_list()) return Datum((*list)[number]).taint(secret);
    return Datum(own_map()->entries[number].second).taint(secret);
}

Datum Datum::key_at(std::size_t number) const {
    if (const Value* value = origin()) {
        Datum key;
        key.kind_ = Kind::text;
        key.held_ = std::shared_ptr<const std::string>(held_, &value->map()[number].key.text());
        return std::move(key).taint(secret);
    }
    return Datum(own_map()->entries[number].first).taint(secret);
}

std::optional<Datum> Datum::find(std::string_view key) const {
    if (const Value* value = origin()) {
        const Value* held = value->find(key);
        if (!held) return std::nullopt;
        return of(std::shared_ptr<const Value>(held_, held)).taint(secret);
    }
    if (const Datum* held = own_map()->find(of(key))) return Datum(*held).taint(secret);
    return std::nullopt;
}

std::optional<Datum> Datum::find(const Datum& key) const {
    if (key.is_text()) return find(key.text());
    Budget budget;
    if (origin())  // the keys of a manifest are texts: 1 and '1' are one key there
        return key.is_number() ? find(text_of(key, budget)) : std::nullopt;
    key_of(key, budget);
    if (const Datum* held = own_map()->find(key)) return Datum(*held).taint(secret);
    return std::nullopt;
}

namespace {
constexpr std::size_t few = 12;  // entries that are looked through rather than indexed
}

std::size_t Dict::position(const std::string& hash) const {
    const auto held = index_.find(hash);
    return held == index_.end() ? entries.size() : held->second;
}

Datum* Dict::find(const Datum& key) {
    Budget budget;
    if (entries.size() <= few) {
        for (auto& [held, value] : entries)
            if (equal(held, key, budget)) return &value;
        return nullptr;
    }
    if (index_.size() != entries.size()) {
        index_.clear();
        for (std::size_t i = 0; i < entries.size(); ++i) index_.emplace(key_of(entries[i].first, budget), i);
    }
    const auto found = position(key_of(key, budget));
    return found < entries.size() ? &entries[found].second : nullptr;
}

void Dict::set(const Datum& key, Datum value) {
    if (key.secret)
        throw Error("a secret can not be a key").help("keys are shown: let the secret be the value, under a name");
    if (Datum* held = find(key)) {
        *held = std::move(value);
        return;
    }
    Budget budget;
    std::string hash = key_of(key, budget);
    if (!index_.empty()) index_.emplace(std::move(hash), entries.size());
    entries.emplace_back(key, std::move(value));
}

Dict copy_of(const Datum& map) {
    Dict out;
    for (std::size_t i = 0; i < map.size(); ++i) {
        Datum key = map.key_at(i);
        key.secret &= !map.secret;
        out.set(key, map.at(i));
    }
    return out;
}

bool Dict::erase(const Datum& key) {
    Budget budget;
    for (std::size_t i = 0; i < entries.size(); ++i)
        if (equal(entries[i].first, key, budget)) {
            entries.erase(entries.begin() + static_cast<std::ptrdiff_t>(i));
            index_.clear();
            return true;
        }
    return false;
}

std::string_view name_of(const Datum& datum) {
    switch (datum.kind()) {
        case Datum::Kind::undefined: return "not defined";
        case Datum::Kind::none: return "nothing";
        case Datum::Kind::boolean: return "true or false";
        case Datum::Kind::integer:
        case Datum::Kind::real: return "a number";
        case Datum::Kind::text: return "a text";
        case Datum::Kind::list: return datum.is_tuple() ? "a tuple" : "a list";
        case Datum::Kind::map: return "a mapping";
        case Datum::Kind::object: return datum.object().called();
    }
    return "something else";
}

void require(const Datum& datum) {
    if (datum.is_undefined() && !datum.is_blank()) throw Error(datum.missing()).help(datum.missing_hint());
}

bool truth_of(const Datum& datum) {
    switch (datum.kind()) {
        case Datum::Kind::undefined: require(datum); return false;
        case Datum::Kind::none: return false;
        case Datum::Kind::boolean:
        case Datum::Kind::integer: return datum.integer() != 0;
        case Datum::Kind::real: return datum.real() != 0;
        case Datum::Kind::text: return !datum.text().empty();
        case Datum::Kind::list:
        case Datum::Kind::map: return datum.size() > 0;
        case Datum::Kind::object: return true;
    }
    return false;
}

namespace {

bool value_holds_secret(const Value& value, Budget& budget) {
    budget.spend(1);
    if (value.secret) return true;
    if (value.is_list())
        for (const Value& item : value.list())
            if (value_holds_secret(item, budget)) return true;
    if (value.is_map())
        for (const auto& entry : value.map())
            if (entry.key.secret || value_holds_secret(entry.value, budget)) return true;
    return false;
}

}  // namespace

bool holds_secret(const Datum& datum, Budget& budget) {
    if (datum.secret) return true;
    if (const Value* value = datum.origin()) return value_holds_secret(*value, budget);
    if (!datum.is_list() && !datum.is_map()) return false;
    const Budget::Level level(budget);
    budget.spend(datum.size());
    for (std::size_t i = 0; i < datum.size(); ++i)
        if (holds_secret(datum.at(i), budget) || (datum.is_map() && datum.key_at(i).secret)) return true;
    return false;
}

Value value_of(const Datum& datum, Budget& budget) {
    budget.spend(1);
    const Budget::Level level(budget);
    Value value;
    if (const Value* origin = datum.origin()) {
        value = *origin;
    } else if (datum.is_text()) {
        value = Value(datum.text());
        value.quoted = datum.quoted();
    } else if (datum.is_number()) {
        value = Value(datum.written()                  ? *datum.written()
                      : datum.is(Datum::Kind::boolean) ? datum.boolean() ? "true" : "false"
                      : datum.is(Datum::Kind::integer) ? std::to_string(datum.integer())
                                                       : text_of(datum.real()));
        if (datum.is(Datum::Kind::real) && !looks_like_number(value.text())) {
            if (value.text().find_first_of("in") != std::string::npos) throw Error("this number is not finite");
            value.data = fmt::format("{:f}", datum.real());
        }
    } else if (datum.is_list()) {
        Value::List list;
        for (std::size_t i = 0; i < datum.size(); ++i) list.push_back(value_of(datum.at(i), budget));
        value = Value(std::move(list));
    } else if (datum.is_map()) {
        Value::Map map;
        for (std::size_t i = 0; i < datum.size(); ++i) {
            const Datum key = datum.key_at(i);
            Value name(text_of(key, budget));
            name.secret = key.secret;
            map.push_back({std::move(name), value_of(datum.at(i), budget)});
        }
        value = Value(std::move(map));
    } else if (datum.is_undefined()) {
        throw Error(datum.missing()).help(datum.missing_hint());
    } else if (datum.is(Datum::Kind::object)) {
        throw Error(fmt::format("{} can be no value of a manifest", datum.object().called()));
    }
    value.secret |= datum.secret;
    return value;
}

List items_of(const Datum& datum, Budget& budget) {
    List items;
    if (datum.is_text()) {
        const std::string& text = datum.text();
        budget.spend(text.size());
        for (std::size_t at = 0; at < text.size();) {
            const std::size_t from = at++;
            while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) ++at;
            items.push_back(Datum::of(text.substr(from, at - from)).taint(datum.secret));
        }
    } else if (datum.is_list() || datum.is_map()) {
        budget.spend(datum.size());
        items.reserve(datum.size());
        for (std::size_t i = 0; i < datum.size(); ++i) items.push_back(datum.is_map() ? datum.key_at(i) : datum.at(i));
    } else if (datum.is_undefined()) {
        require(datum);
    } else {
        throw Error(fmt::format("expected a list, a mapping or a text, found {}", name_of(datum)));
    }
    return items;
}

}  // namespace chaos::language
