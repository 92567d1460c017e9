// SPDX-License-Identifier: Apache-2.0
// `name(...)`: what Jinja2 has without a module, but for what would differ from run to run.
#include <fmt/format.h>
#include <algorithm>
#include "filters.hpp"

namespace chaos::language {

namespace {

class Namespace final : public Object {
public:
    explicit Namespace(Dict names) : names_(std::move(names)) {}
    std::string_view called() const override { return "a namespace"; }
    std::optional<Datum> member(std::string_view name) override {
        const Datum* held = names_.find(Datum::of(name));
        return held ? std::optional(*held) : std::nullopt;
    }
    bool assign(std::string_view name, Datum value) override {
        names_.set(Datum::of(name), std::move(value));
        return true;
    }
    void clear() override { names_ = Dict(); }

private:
    Dict names_;
};

/// cycler('a', 'b'): next(), current, reset().
class Cycler final : public Object {
public:
    explicit Cycler(List items) : items_(std::move(items)) {}
    std::string_view called() const override { return "a cycler"; }
    std::optional<Datum> member(std::string_view name) override {
        if (name == "current") return items_[at_];
        return std::nullopt;
    }
    Datum invoke(Evaluator& evaluator, std::string_view method, Arguments& given) override {
        if (method == "reset") return at_ = 0, Datum::none();
        if (method != "next") return Object::invoke(evaluator, method, given);
        Datum item = items_[at_];
        at_ = (at_ + 1) % items_.size();
        return item;
    }
    void clear() override { items_ = {Datum::none()}, at_ = 0; }

private:
    List items_;
    std::size_t at_ = 0;
};

/// joiner(', '): nothing at the first call, then the text.
class Joiner final : public Object {
public:
    explicit Joiner(Datum between) : between_(std::move(between)) {}
    std::string_view called() const override { return "a joiner"; }
    bool callable() const override { return true; }
    Datum call(Evaluator&, Arguments&) override { return std::exchange(used_, true) ? between_ : Datum::of(""); }

private:
    Datum between_;
    bool used_ = false;
};

Dict names_of(Call& call) {
    Dict names;
    for (const Datum& more : call.rest.positional) {
        if (more.is_map()) {
            const Dict copy = copy_of(more);
            for (const auto& [name, value] : copy.entries) names.set(name, value);
            continue;
        }
        for (const Datum& pair : items_of(more, call.budget())) {
            const List both = items_of(pair, call.budget());
            if (both.size() != 2) throw Error(fmt::format("{} takes a mapping, or pairs", call.name));
            names.set(both[0], both[1]);
        }
    }
    for (auto& [name, value] : call.rest.named) names.set(Datum::of(name), std::move(value));
    return names;
}

Datum range(Call& call) {
    const auto a = call.integer(0), step = call.integer(2, 1);
    const auto first = call.given[1] ? a : 0, last = call.given[1] ? call.integer(1) : a;
    if (step == 0) throw Error("a range can not go in steps of 0");
    const auto unsigned_of = [](std::int64_t number) { return static_cast<std::uint64_t>(number); };
    const bool any = step > 0 ? first < last : first > last;
    const std::uint64_t way =
        step > 0 ? unsigned_of(last) - unsigned_of(first) : unsigned_of(first) - unsigned_of(last);
    const std::uint64_t count = any ? (way - 1) / (step > 0 ? unsigned_of(step) : 0 - unsigned_of(step)) + 1 : 0;
    constexpr std::uint64_t each = 4;  // a number of its own takes more room than one that is looked at
    call.budget().spend(std::min(count, Budget::most_steps) * each);
    List out;
    out.reserve(count);
    for (auto at = first; step > 0 ? at < last : at > last;) {
        out.push_back(Datum::of(at));
        if (__builtin_add_overflow(at, step, &at)) break;
    }
    return Datum::of(std::move(out), Datum::Form::range);
}

Datum cycler(Call& call) {
    if (call.rest.positional.empty()) throw Error("a cycler needs at least one item");
    return call.evaluator.keep(std::make_shared<Cycler>(std::move(call.rest.positional)));
}

constexpr Function functions[] = {
    {"cycler", "*items", "One item after the other, round and round: `.next()`, `.current`, `.reset()`.", cycler},
    {"dict", "*mappings, **named", "A mapping of names and values.", [](Call& c) { return Datum::of(names_of(c)); }},
    {"joiner", "sep=', '", "Something to call: nothing the first time, then the separator.",
     [](Call& c) { return c.evaluator.keep(std::make_shared<Joiner>(Datum::of(c.text(0, ", ")))); }},
    {"namespace", "*mappings, **named", "Names that `set ns.x = ...` changes from within a loop.",
     [](Call& c) { return c.evaluator.keep(std::make_shared<Namespace>(names_of(c))); }},
    {"range", "start, stop=none, step=1", "Whole numbers up to, and without, the last.", range},
};

}  // namespace

std::span<const Function> all_functions() {
    return functions;
}

}  // namespace chaos::language
