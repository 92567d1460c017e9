// SPDX-License-Identifier: Apache-2.0
// Filters that order lists and mappings, and put them together.
#include <fmt/format.h>
#include <algorithm>
#include "filters.hpp"

namespace chaos::language {

namespace {

Datum tuple_of(Datum a, Datum b) {
    return Datum::of(List{std::move(a), std::move(b)}, Datum::Form::tuple);
}

/// What items are compared by: an attribute (`a.b`), or several with commas; texts in lower case where asked for.
class Key {
public:
    Key(Call& call, const std::optional<Datum>& attribute, bool case_sensitive, bool several,
        const Datum* otherwise = nullptr)
        : call_(call), case_sensitive_(case_sensitive), otherwise_(otherwise) {
        if (!attribute || attribute->is(Datum::Kind::none)) return;
        std::string_view rest = names_ = call.evaluator.text(*attribute);
        while (several && rest.find(',') != std::string_view::npos) {
            paths_.push_back(rest.substr(0, rest.find(',')));
            rest.remove_prefix(rest.find(',') + 1);
        }
        paths_.push_back(rest);
    }
    Key(const Key&) = delete;

    Datum of(const Datum& item) const {
        if (paths_.size() < 2) return one(item, paths_.empty() ? "" : paths_[0]);
        List all;
        for (const auto path : paths_) all.push_back(one(item, path));
        return Datum::of(std::move(all));
    }

    /// As it was written, whatever its case.
    Datum plain(const Datum& item) const {
        if (paths_.empty()) return item;
        Datum found = call_.evaluator.path(item, paths_[0]);
        if (found.is_undefined() && otherwise_) return *otherwise_;
        return found;
    }

private:
    Datum one(const Datum& item, std::string_view path) const {
        Datum found = path.empty() && paths_.empty() ? item : call_.evaluator.path(item, path);
        if (found.is_undefined() && otherwise_) found = *otherwise_;
        require(found);
        return found.is_text() && !case_sensitive_ ? Datum::of(lower(found.text())) : found;
    }

    Call& call_;
    std::string names_;
    std::vector<std::string_view> paths_;
    bool case_sensitive_;
    const Datum* otherwise_;
};

/// Stable, by what each item's key says.
List sorted_by(Call& call, List items, const std::vector<Datum>& keys, bool down) {
    std::vector<std::size_t> order(items.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        return compare(keys[down ? b : a], keys[down ? a : b], call.budget()) < 0;
    });
    List out;
    for (const auto i : order) out.push_back(items[i]);
    return out;
}

Datum sorted(Call& call) {
    const List items = call.items();
    const Key key(call, call.given[2], call.flag(1, false), true);
    std::vector<Datum> keys;
    for (const Datum& item : items) keys.push_back(key.of(item));
    return Datum::of(sorted_by(call, items, keys, call.flag(0, false)));
}

Datum sorted_map(Call& call) {
    if (!call.subject.is_map()) throw Error(fmt::format("dictsort takes a mapping, found {}", name_of(call.subject)));
    const std::string by = call.text(1, "key");
    if (by != "key" && by != "value") throw Error("dictsort goes by 'key' or 'value'");
    List items;
    std::vector<Datum> keys;
    for (std::size_t i = 0; i < call.subject.size(); ++i) {
        items.push_back(tuple_of(call.subject.key_at(i), call.subject.at(i)));
        const Datum key = by == "key" ? call.subject.key_at(i) : call.subject.at(i);
        keys.push_back(key.is_text() && !call.flag(0, false) ? Datum::of(lower(key.text())) : key);
    }
    return Datum::of(sorted_by(call, items, keys, call.flag(2, false)));
}

Datum unique(Call& call) {
    const Key key(call, call.given[1], call.flag(0, false), false);
    Dict seen;
    List out;
    for (const Datum& item : call.items()) {
        Datum mine = key.of(item);
        mine.secret = false;  // nobody sees what was seen
        key_of(mine, call.budget());
        if (seen.find(mine)) continue;
        seen.set(mine, Datum::none());
        out.push_back(item);
    }
    return Datum::of(std::move(out));
}

Datum extreme(Call& call, bool most) {
    const List items = call.items();
    if (items.empty()) return Datum::undefined("there is nothing to choose from");
    const Key key(call, call.given[1], call.flag(0, false), false);
    Datum best = items[0], best_key = key.of(items[0]);
    for (std::size_t i = 1; i < items.size(); ++i) {
        Datum mine = key.of(items[i]);
        const int order = compare(mine, best_key, call.budget(), most ? ">" : "<");
        if (most ? order > 0 : order < 0) best = items[i], best_key = std::move(mine);
    }
    return best;
}

Datum grouped(Call& call) {
    const Datum* otherwise = call.has(1) ? &call.at(1) : nullptr;
    const bool exact = call.flag(2, false);
    const List items = call.items();
    const Key key(call, call.given[0], exact, false, otherwise);
    std::vector<Datum> keys;
    for (const Datum& item : items) keys.push_back(key.of(item));
    std::vector<Datum> numbers;
    for (std::size_t i = 0; i < items.size(); ++i) numbers.push_back(Datum::of(static_cast<std::int64_t>(i)));
    List out, group;
    const List order = sorted_by(call, numbers, keys, false);
    for (std::size_t i = 0; i < order.size(); ++i) {
        const auto number = static_cast<std::size_t>(order[i].integer());
        group.push_back(items[number]);
        const bool last = i + 1 == order.size() ||
                          !equal(keys[number], keys[static_cast<std::size_t>(order[i + 1].integer())], call.budget());
        if (!last) continue;
        Datum name = key.plain(group[0]);
        out.push_back(Datum::of(List{std::move(name), Datum::of(std::exchange(group, {}))}, Datum::Form::group));
    }
    return Datum::of(std::move(out));
}

Datum batched(Call& call) {
    const auto size = call.integer(0);
    if (size <= 0) throw Error("a batch has at least one item");
    List out, row;
    for (const Datum& item : call.items()) {
        if (static_cast<std::int64_t>(row.size()) == size) out.push_back(Datum::of(std::exchange(row, {})));
        row.push_back(item);
    }
    if (!row.empty()) {
        if (call.has(1)) {
            call.budget().spend(static_cast<std::uint64_t>(size));
            while (static_cast<std::int64_t>(row.size()) < size) row.push_back(call.at(1));
        }
        out.push_back(Datum::of(std::move(row)));
    }
    return Datum::of(std::move(out));
}

Datum sliced(Call& call) {
    const auto slices = call.integer(0);
    if (slices == 0) throw Error("there is at least one slice");
    const List items = call.items();
    List out;
    const auto count = static_cast<std::size_t>(std::max<std::int64_t>(slices, 0));
    call.budget().spend(count);
    std::size_t at = 0;
    for (std::size_t i = 0; i < count; ++i) {
        const std::size_t size = items.size() / count + (i < items.size() % count ? 1 : 0);
        List part(items.begin() + static_cast<std::ptrdiff_t>(at),
                  items.begin() + static_cast<std::ptrdiff_t>(at + size));
        if (call.has(1) && i >= items.size() % count) part.push_back(call.at(1));
        at += size;
        out.push_back(Datum::of(std::move(part)));
    }
    return Datum::of(std::move(out));
}

Datum reversed(Call& call) {
    List items = call.items();
    std::reverse(items.begin(), items.end());
    if (!call.subject.is_text()) return Datum::of(std::move(items));
    std::string out;
    for (const Datum& item : items) out += item.text();
    return Datum::of(std::move(out));
}

Datum joined(Call& call) {
    std::string out;
    const bool escapes = call.evaluator.autoescape;
    const bool plain = escapes && !(call.given[0] && call.at(0).markup());
    const std::string between = plain ? escaped(call.text(0)) : call.text(0);
    bool first = true;
    for (Datum item : call.items()) {
        if (call.has(1)) item = call.evaluator.path(item, call.text(1));
        if (!std::exchange(first, false)) out += between;
        out += escapes && !item.markup() ? escaped(call.evaluator.text(item)) : call.evaluator.text(item);
        call.budget().fits(out.size());
    }
    return Datum::of(std::move(out), escapes);
}

Datum first(Call& call) {
    if (call.subject.is_list() || call.subject.is_map()) {
        if (call.subject.size() == 0) return Datum::undefined("there is no first item: it is empty");
        return call.subject.is_list() ? call.subject.at(0) : call.subject.key_at(0);
    }
    List items = call.items();
    return items.empty() ? Datum::undefined("there is no first character: it is empty") : items.front();
}

Datum last(Call& call) {
    if (call.subject.is_list() || call.subject.is_map()) {
        const auto size = call.subject.size();
        if (size == 0) return Datum::undefined("there is no last item: it is empty");
        return call.subject.is_list() ? call.subject.at(size - 1) : call.subject.key_at(size - 1);
    }
    List items = call.items();
    return items.empty() ? Datum::undefined("there is no last character: it is empty") : items.back();
}

Datum entries(Call& call) {
    List out;
    if (call.subject.is_undefined()) return Datum::of(std::move(out));
    if (!call.subject.is_map()) throw Error(fmt::format("items takes a mapping, found {}", name_of(call.subject)));
    for (std::size_t i = 0; i < call.subject.size(); ++i)
        out.push_back(tuple_of(call.subject.key_at(i), call.subject.at(i)));
    return Datum::of(std::move(out));
}

// ---- additions

void flatten_into(List& out, const Datum& list, std::int64_t levels, bool skip, Budget& budget) {
    const Budget::Level level(budget);
    for (const Datum& item : items_of(list, budget)) {
        if (skip && item.is(Datum::Kind::none)) continue;
        if (item.is_list() && levels != 0)
            flatten_into(out, item, levels - 1, skip, budget);
        else
            out.push_back(item);
    }
}

Datum flattened(Call& call) {
    List out;
    flatten_into(out, call.subject, call.has(0) ? call.integer(0) : -1, call.flag(1, true), call.budget());
    return Datum::of(std::move(out));
}

enum class Sets { both, either, left, one };

Datum of_sets(Call& call, Sets which) {
    const List a = call.items(), b = items_of(call.at(0), call.budget());
    const Datum right = Datum::of(b), left = Datum::of(a);
    List out;
    const auto add = [&](const Datum& item) {
        if (!holds(Datum::of(out), item, call.budget())) out.push_back(item);
    };
    for (const Datum& item : a) {
        const bool there = which != Sets::either && holds(right, item, call.budget());
        if (which == Sets::either || there == (which == Sets::both)) add(item);
    }
    if (which == Sets::either || which == Sets::one)
        for (const Datum& item : b)
            if (which == Sets::either || !holds(left, item, call.budget())) add(item);
    return Datum::of(std::move(out));
}

Datum product(Call& call) {
    std::vector<List> lists{call.items()};
    for (const Datum& more : call.rest.positional) lists.push_back(items_of(more, call.budget()));
    std::vector<List> rows{{}};
    for (const List& list : lists) {
        std::vector<List> longer;
        for (const List& row : rows)
            for (const Datum& item : list) {
                call.budget().spend(row.size() + 1);
                longer.push_back(row);
                longer.back().push_back(item);
            }
        rows = std::move(longer);
    }
    List out;
    for (List& row : rows) out.push_back(Datum::of(std::move(row), Datum::Form::tuple));
    return Datum::of(std::move(out));
}

Datum zipped(Call& call) {
    std::vector<List> lists{call.items()};
    for (const Datum& more : call.rest.positional) lists.push_back(items_of(more, call.budget()));
    std::size_t size = lists[0].size();
    for (const List& list : lists) size = std::min(size, list.size());
    List out;
    for (std::size_t i = 0; i < size; ++i) {
        List row;
        for (const List& list : lists) row.push_back(list[i]);
        out.push_back(Datum::of(std::move(row), Datum::Form::tuple));
    }
    return Datum::of(std::move(out));
}

Dict copied(const Datum& map, Budget& budget) {
    if (!map.is_map()) throw Error(fmt::format("combine takes mappings, found {}", name_of(map)));
    budget.spend(map.size());
    return copy_of(map);
}

Datum laid(const Datum& below, const Datum& above, bool deep, Budget& budget) {
    const Budget::Level level(budget);
    Dict out = copied(below, budget);
    const Dict over = copied(above, budget);
    for (const auto& [key, value] : over.entries) {
        const Datum* held = out.find(key);
        out.set(key, deep && held && held->is_map() && value.is_map() ? laid(*held, value, deep, budget) : value);
    }
    return Datum::of(std::move(out)).taint(below.secret || above.secret);
}

Datum combined(Call& call) {
    bool deep = false;
    for (const auto& [name, value] : call.rest.named) {
        if (name != "recursive")
            throw Error(fmt::format("combine takes no '{}'", name))
                .help("it is written combine(MAPPING, recursive=true)");
        deep = truth_of(value);
    }
    Datum out = call.subject;
    if (!out.is_map()) throw Error(fmt::format("combine takes mappings, found {}", name_of(out)));
    for (const Datum& more : call.rest.positional) out = laid(out, more, deep, call.budget());
    return out;
}

Datum to_items(Call& call) {
    if (!call.subject.is_map()) throw Error(fmt::format("dict2items takes a mapping, found {}", name_of(call.subject)));
    List out;
    for (std::size_t i = 0; i < call.subject.size(); ++i) {
        Dict entry;
        entry.set(Datum::of(call.text(0, "key")), call.subject.key_at(i));
        entry.set(Datum::of(call.text(1, "value")), call.subject.at(i));
        out.push_back(Datum::of(std::move(entry)));
    }
    return Datum::of(std::move(out));
}

Datum from_items(Call& call) {
    Dict out;
    for (const Datum& item : call.items()) {
        Datum key = call.evaluator.attribute(item, call.text(0, "key"), "item");
        key.secret &= !call.subject.secret;  // a secret as a whole becomes one
        const Datum value = call.evaluator.attribute(item, call.text(1, "value"), "item");
        require(key), require(value);
        out.set(key, value);
    }
    return Datum::of(std::move(out));
}

Datum extracted(Call& call) {
    Datum at = call.evaluator.item(call.at(0), call.subject);
    if (!call.has(1)) return at;
    if (!call.at(1).is_list()) return call.evaluator.item(at, call.at(1));
    for (const Datum& key : items_of(call.at(1), call.budget())) at = call.evaluator.item(at, key);
    return at;
}

constexpr Filter filters[] = {
    {"batch", "linecount, fill_with=none", "Lists of so many items each; the last one filled up.", batched, false,
     false, true},
    {"combine", "*others, **named", "Mappings laid over each other; `recursive=true`: key by key, however deep.",
     combined, true, false, true},
    {"dict2items", "key_name='key', value_name='value'", "A mapping as a list of {key, value}.", to_items, true, false,
     true},
    {"dictsort", "case_sensitive=false, by='key', reverse=false", "A mapping as pairs, sorted by key or value.",
     sorted_map},
    {"difference", "other", "What the other list has not, once each.", [](Call& c) { return of_sets(c, Sets::left); },
     true},
    {"extract", "container, morekeys=none",
     "The item of a container that this is the key of: `keys | map('extract', mapping)`.", extracted, true},
    {"first", "", "The first item.", first, false, false, true},
    {"flatten", "levels=none, skip_nulls=true", "Lists in the list taken apart, all of them or so many levels.",
     flattened, true, false, true},
    {"groupby", "attribute, default=none, case_sensitive=false",
     "Pairs of a value of the attribute (`grouper`) and the items that have it (`list`), sorted.", grouped},
    {"intersect", "other", "What both lists have, once each.", [](Call& c) { return of_sets(c, Sets::both); }, true},
    {"items", "", "A mapping as pairs.", entries, false, true, true},
    {"items2dict", "key_name='key', value_name='value'", "A list of {key, value} as a mapping.", from_items, true,
     false, true},
    {"join", "d='', attribute=none", "All items, or their attribute, as one text, with this between them.", joined},
    {"last", "", "The last item.", last, false, false, true},
    {"list", "", "As a list: characters of a text, keys of a mapping.", [](Call& c) { return Datum::of(c.items()); },
     false, false, true},
    {"max", "case_sensitive=false, attribute=none", "The greatest item.", [](Call& c) { return extreme(c, true); }},
    {"min", "case_sensitive=false, attribute=none", "The smallest item.", [](Call& c) { return extreme(c, false); }},
    {"product", "*others", "Every item with every item of the others.", product, true},
    {"reverse", "", "The other way round.", reversed, false, false, true},
    {"slice", "slices, fill_with=none", "So many lists of about the same size; shorter ones filled up.", sliced, false,
     false, true},
    {"sort", "reverse=false, case_sensitive=false, attribute=none", "Sorted, by one attribute or several with commas.",
     sorted},
    {"symmetric_difference", "other", "What only one of the lists has.", [](Call& c) { return of_sets(c, Sets::one); },
     true},
    {"union", "other", "What either list has, once each.", [](Call& c) { return of_sets(c, Sets::either); }, true},
    {"unique", "case_sensitive=false, attribute=none", "Each item once.", unique},
    {"zip", "*others", "The first items, the second items, ... as tuples, as long as the shortest is.", zipped, true,
     false, true},
};

}  // namespace

Filters list_filters() {
    return filters;
}

}  // namespace chaos::language
