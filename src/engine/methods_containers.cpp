// SPDX-License-Identifier: Apache-2.0
// The methods of lists and mappings. What the manifest holds is never changed: only what a template made itself.
#include <fmt/format.h>
#include <algorithm>
#include "methods.hpp"

namespace chaos::language {

namespace {

Datum tuple_of(Datum a, Datum b) {
    return Datum::of(List{std::move(a), std::move(b)}, Datum::Form::tuple);
}

List& own_list(Call& call) {
    if (List* list = call.subject.own_list(); list && call.subject.form() == Datum::Form::list) return *list;
    throw Error(call.subject.is_tuple() ? "a tuple can not be changed"
                                        : "a list of the manifest can not be changed here")
        .help("make a new one: x + [y]");
}

Dict& own_map(Call& call) {
    if (Dict* map = call.subject.own_map()) return *map;
    throw Error("a mapping of the manifest can not be changed here")
        .help("make a new one: x | combine({'key': value})");
}

/// Whether `what` is found somewhere in `in`: nothing may contain itself.
bool leads_to(const Datum& in, const void* what, Budget& budget) {
    if (!in.is_list() && !in.is_map()) return false;
    if (in.identity() == what) return true;
    if (in.origin()) return false;
    const Budget::Level level(budget);
    budget.spend(in.size());
    for (std::size_t i = 0; i < in.size(); ++i)
        if (leads_to(in.at(i), what, budget)) return true;
    return false;
}

const Datum& harmless(Call& call, const Datum& added) {
    if (leads_to(added, call.subject.identity(), call.budget()))
        throw Error("a list or mapping can not contain itself");
    return added;
}

std::int64_t place_of(const Call& call, const List& list, const Datum& wanted) {
    for (std::size_t i = 0; i < list.size(); ++i)
        if (equal(list[i], wanted, call.budget())) return static_cast<std::int64_t>(i);
    return -1;
}

Datum append(Call& call) {
    List& list = own_list(call);
    list.push_back(harmless(call, call.at(0)));
    call.budget().spend(1);
    return Datum::none();
}
Datum extend(Call& call) {
    List& list = own_list(call);
    for (Datum& item : items_of(call.at(0), call.budget())) list.push_back(harmless(call, item));
    return Datum::none();
}
Datum insert(Call& call) {
    List& list = own_list(call);
    const auto size = static_cast<std::int64_t>(list.size());
    call.budget().spend(list.size());
    const auto wanted = call.integer(0);
    const auto at = std::clamp<std::int64_t>(wanted < 0 ? std::max(wanted + size, std::int64_t{0}) : wanted, 0, size);
    list.insert(list.begin() + at, harmless(call, call.at(1)));
    return Datum::none();
}
Datum pop_item(Call& call) {
    List& list = own_list(call);
    call.budget().spend(list.size());
    const auto size = static_cast<std::int64_t>(list.size());
    auto at = call.integer(0, -1);
    if (at < 0) at += size;
    if (at < 0 || at >= size) throw Error(size ? "the list has no such item to pop" : "pop from an empty list");
    Datum item = list[static_cast<std::size_t>(at)];
    list.erase(list.begin() + at);
    return item;
}
Datum remove(Call& call) {
    List& list = own_list(call);
    const auto at = place_of(call, list, call.at(0));
    if (at < 0) throw Error("what is to be removed is not in the list");
    list.erase(list.begin() + at);
    return Datum::none();
}
Datum index(Call& call) {
    const auto at = place_of(call, call.items(), call.at(0));
    if (at < 0) throw Error("what is looked for is not in the list").help("ask first: x in list");
    return Datum::of(at);
}
Datum count(Call& call) {
    std::int64_t found = 0;
    for (const Datum& item : call.items()) found += equal(item, call.at(0), call.budget());
    return Datum::of(found);
}
Datum reverse(Call& call) {
    List& list = own_list(call);
    call.budget().spend(list.size());
    std::reverse(list.begin(), list.end());
    return Datum::none();
}
Datum sort(Call& call) {
    List& list = own_list(call);
    List sorted = list;
    const bool down = call.flag(0, false);
    std::stable_sort(sorted.begin(), sorted.end(), [&](const Datum& a, const Datum& b) {
        return compare(down ? b : a, down ? a : b, call.budget()) < 0;
    });
    list = std::move(sorted);
    return Datum::none();
}

Datum keys(Call& call) {
    return Datum::of(call.items(), Datum::Form::keys);
}
Datum values(Call& call) {
    List list;
    for (std::size_t i = 0; i < call.subject.size(); ++i) list.push_back(call.subject.at(i));
    call.budget().spend(list.size());
    return Datum::of(std::move(list), Datum::Form::values);
}
Datum items(Call& call) {
    List list;
    for (std::size_t i = 0; i < call.subject.size(); ++i)
        list.push_back(tuple_of(call.subject.key_at(i), call.subject.at(i)));
    call.budget().spend(list.size());
    return Datum::of(std::move(list), Datum::Form::items);
}
Datum get(Call& call) {
    if (auto held = call.subject.find(call.at(0))) return *std::move(held);
    return call.given[1] ? call.at(1) : Datum::none();
}
Datum pop_key(Call& call) {
    Dict& map = own_map(call);
    if (const auto held = call.subject.find(call.at(0))) {
        map.erase(call.at(0));
        return *held;
    }
    if (call.given[1]) return call.at(1);
    throw Error("the mapping has no such key to pop");
}
Datum pop_last(Call& call) {
    Dict& map = own_map(call);
    if (map.entries.empty()) throw Error("popitem from an empty mapping");
    const auto [key, value] = map.entries.back();
    map.erase(key);
    return tuple_of(key, value);
}
Datum set_default(Call& call) {
    Dict& map = own_map(call);
    if (auto held = call.subject.find(call.at(0))) return *std::move(held);
    const Datum value = call.given[1] ? harmless(call, call.at(1)) : Datum::none();
    map.set(call.at(0), value);
    return value;
}
Datum update(Call& call) {
    Dict& map = own_map(call);
    for (const Datum& more : call.rest.positional) {
        if (!more.is_map()) throw Error(fmt::format("update takes a mapping, found {}", name_of(more)));
        call.budget().spend(more.size());
        if (more.identity() != call.subject.identity())
            for (std::size_t i = 0; i < more.size(); ++i) map.set(more.key_at(i), harmless(call, more.at(i)));
    }
    for (const auto& [name, value] : call.rest.named) map.set(Datum::of(name), harmless(call, value));
    return Datum::none();
}

Datum copy(Call& call) {
    if (call.subject.is_list()) return Datum::of(call.items(), call.subject.form());
    call.budget().spend(call.subject.size());
    return Datum::of(copy_of(call.subject));
}
Datum clear(Call& call) {
    if (call.subject.is_list())
        own_list(call).clear();
    else
        own_map(call) = Dict();
    return Datum::none();
}

constexpr Method of_lists[] = {
    {"append", "value", append, true},
    {"clear", "", clear, true},
    {"copy", "", copy, true},
    {"count", "value", count},
    {"extend", "iterable", extend, true},
    {"index", "value", index},
    {"insert", "index, value", insert, true},
    {"pop", "index=-1", pop_item, true},
    {"remove", "value", remove},
    {"reverse", "", reverse, true},
    {"sort", "reverse=false", sort},
};

constexpr Method of_maps[] = {
    {"clear", "", clear, true},
    {"copy", "", copy, true},
    {"get", "key, default=none", get, true},
    {"items", "", items, true},
    {"keys", "", keys, true},
    {"pop", "key, default=none", pop_key, true},
    {"popitem", "", pop_last, true},
    {"setdefault", "key, default=none", set_default, true},
    {"update", "*others, **named", update, true},
    {"values", "", values, true},
};

}  // namespace

std::span<const Method> list_methods() {
    return of_lists;
}
std::span<const Method> map_methods() {
    return of_maps;
}

std::optional<Datum> call_method(Evaluator& evaluator, const Datum& self, std::string_view name, Arguments& given) {
    const auto rows = self.is_text()   ? text_methods()
                      : self.is_list() ? list_methods()
                      : self.is_map()  ? map_methods()
                                       : std::span<const Method>();
    for (const Method& row : rows) {
        if (row.name != name) continue;
        const bool tuple = self.is_list() && self.form() != Datum::Form::list;
        if (tuple && name != "index" && name != "count") return std::nullopt;
        bool secret = row.keeps ? self.secret : holds_secret(self, evaluator.budget());
        for (const Datum& argument : given.positional)
            secret |= !row.keeps && holds_secret(argument, evaluator.budget());
        for (const auto& [word, argument] : given.named)
            secret |= !row.keeps && holds_secret(argument, evaluator.budget());
        Call call = bind(evaluator, "the method", name, row.signature, self, given);
        Datum result = hiding(secret, fmt::format("the method '{}'", name), [&] { return row.run(call); });
        if (result.is_text()) evaluator.budget().text(result.text().size());
        return std::move(result).taint(secret);
    }
    return std::nullopt;
}

}  // namespace chaos::language
