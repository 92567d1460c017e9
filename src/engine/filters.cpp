// SPDX-License-Identifier: Apache-2.0
// Filters, tests and functions by name, and how their arguments are bound.
#include "filters.hpp"
#include <fmt/format.h>
#include <algorithm>
#include <charconv>
#include "utf8.hpp"

namespace chaos::language {

namespace {

constexpr std::string_view same_plan = "a plan must be the same every time: there is no clock and no randomness";

constexpr Refused no_such[] = {
    {"random", same_plan},
    {"shuffle", same_plan},
    {"lipsum", same_plan},
    {"now", same_plan},
    {"strftime", same_plan},
    {"to_datetime", same_plan},
    {"password_hash", "a random salt would differ every time; keep the hash itself as a secret"},
    {"lookup", "a text beside the manifest is file('PATH'), a secret is secret('NAME')"},
    {"query", "a text beside the manifest is file('PATH'), a secret is secret('NAME')"},
    {"q", "a text beside the manifest is file('PATH'), a secret is secret('NAME')"},
    {"env", "the environment of who runs chaos does not decide what a host is; use --var"},
    {"open", "a text beside the manifest is file('PATH')"},
    {"debug", "chaos eval shows what an expression gives"},
    {"to_nice_date", same_plan},
    {"mandatory", "what is not defined is an error already"},
    {"omit", "write none: an attribute that is none is not said"},
    {"hostvars", "a manifest speaks of one host"},
    {"groups", "host.groups are the groups of this host"},
    {"inventory_hostname", "host.name is the name of this host"},
    {"ansible_facts", "facts are named facts.NAME: chaos facts lists them"},
    {"fileglob", "include: takes a glob"},
    {"expandvars", "the environment of who runs chaos does not decide what a host is; use --var"},
    {"expanduser", "paths of a manifest begin with ~ by themselves"},
    {"realpath", "an expression does not look at the host"},
    {"exists", "an expression does not look at the host; what there is, facts tell"},
    {"file", "an expression does not look at the host; what there is, facts tell"},
    {"succeeded", "what changed is found by looking; a service says watch: [ID]"},
    {"changed", "what changed is found by looking; a service says watch: [ID]"},
    {"failed", "what fails ends the run, and the run is taken back"},
    {"skipped", "what changed is found by looking; a service says watch: [ID]"},
};

template <class Row>
const Row* row_of(std::span<const Row> rows, std::string_view name) {
    for (const Row& row : rows)
        if (row.name == name) return &row;
    return nullptr;
}

std::string reason_or_near(std::string_view name, const std::vector<std::string_view>& known, std::string_view list) {
    if (const auto* reason = row_of<Refused>(no_such, name)) return std::string(reason->reason);
    const auto near = nearest(name, known);
    return near.empty() ? std::string(list) : fmt::format("did you mean '{}'?", near);
}

}  // namespace

std::span<const Refused> refused() {
    return no_such;
}

std::span<const Filters> all_filters() {
    static const Filters all[] = {text_filters(),     layout_filters(), html_filters(), list_filters(),
                                  choosing_filters(), number_filters(), data_filters(), path_filters(),
                                  regex_filters(),    address_filters()};
    return all;
}

std::span<const std::span<const Test>> all_tests() {
    static const std::span<const Test> all[] = {plain_tests(), sought_tests()};
    return all;
}

const Filter* find_filter(std::string_view name) {
    for (const Filters& rows : all_filters())
        if (const Filter* row = row_of(rows, name)) return row;
    return nullptr;
}
const Test* find_test(std::string_view name) {
    for (const auto& rows : all_tests())
        if (const Test* row = row_of(rows, name)) return row;
    return nullptr;
}
const Function* find_function(std::string_view name) {
    return row_of(all_functions(), name);
}

std::string filter_hint(std::string_view name) {
    std::vector<std::string_view> known;
    for (const Filters& rows : all_filters())
        for (const Filter& row : rows) known.push_back(row.name);
    if (find_function(name)) return fmt::format("it is a function: {}(...)", name);
    return reason_or_near(name, known, "chaos explain filters lists them");
}
std::string test_hint(std::string_view name) {
    std::vector<std::string_view> known;
    for (const auto& rows : all_tests())
        for (const Test& row : rows) known.push_back(row.name);
    return reason_or_near(name, known, "chaos explain tests lists them");
}
std::string function_hint(std::string_view name) {
    std::vector<std::string_view> known{"secret", "file"};
    for (const Function& row : all_functions()) known.push_back(row.name);
    if (const auto* reason = row_of<Refused>(no_such, name)) return std::string(reason->reason);
    if (find_filter(name)) return fmt::format("it is a filter: x | {}", name);
    return reason_or_near(name, known, fmt::format("there are {}", fmt::join(known, ", ")));
}
std::string method_hint(const Datum& self, std::string_view name) {
    if (find_filter(name)) return fmt::format("it is a filter: x | {}", name);
    if (self.is_text()) return "methods of a text are Python's: split, strip, replace, startswith ...";
    if (self.is_map()) return "methods of a mapping are keys, values, items, get ...";
    return "";
}

namespace {

struct Slot {
    std::string_view name;
    bool required;
};

std::vector<Slot> slots_of(std::string_view signature, bool& more, bool& more_named) {
    std::vector<Slot> slots;
    while (!signature.empty()) {
        std::size_t end = 0;
        for (char quote = 0; end < signature.size() && (quote || signature[end] != ','); ++end)
            if (signature[end] == '\'') quote = quote ? '\0' : '\'';
        auto one = signature.substr(0, end);
        signature.remove_prefix(std::min(one.size() + 1, signature.size()));
        one = stripped(one);
        if (one.starts_with("**"))
            more_named = true;
        else if (one.starts_with('*'))
            more = true;
        else
            slots.push_back({stripped(one.substr(0, one.find('='))), one.find('=') == std::string_view::npos});
    }
    return slots;
}

}  // namespace

Call bind(Evaluator& evaluator, std::string_view what, std::string_view name, std::string_view signature,
          const Datum& subject, Arguments& arguments) {
    bool more = false, more_named = false;
    const auto slots = slots_of(signature, more, more_named);
    Call call{evaluator, name, subject, std::vector<std::optional<Datum>>(slots.size()), {}};
    const auto fail = [&](const std::string& why) {
        throw Error(fmt::format("{} '{}' {}", what, name, why))
            .help(fmt::format("it is written {}({})", name, signature));
    };
    for (std::size_t i = 0; i < arguments.positional.size(); ++i) {
        if (i < slots.size())
            call.given[i] = std::move(arguments.positional[i]);
        else if (more)
            call.rest.positional.push_back(std::move(arguments.positional[i]));
        else
            fail(slots.empty() ? "takes no argument"
                               : fmt::format("takes {} argument{}", slots.size(), slots.size() == 1 ? "" : "s"));
    }
    for (auto& [word, datum] : arguments.named) {
        const auto slot =
            std::find_if(slots.begin(), slots.end(), [&wanted = word](const Slot& s) { return s.name == wanted; });
        if (slot == slots.end()) {
            if (!more_named) fail(fmt::format("takes no '{}'", word));
            call.rest.named.emplace_back(word, std::move(datum));
            continue;
        }
        auto& held = call.given[static_cast<std::size_t>(slot - slots.begin())];
        if (held) fail(fmt::format("is given '{}' twice", word));
        held = std::move(datum);
    }
    for (std::size_t i = 0; i < slots.size(); ++i) {
        if (!call.given[i] && slots[i].required) fail(fmt::format("needs '{}'", slots[i].name));
        if (call.given[i] && call.given[i]->is_undefined() && name != "default" && name != "d") require(*call.given[i]);
    }
    return call;
}

std::string Call::text(std::size_t i, std::string_view otherwise) const {
    return given[i] && !given[i]->is(Datum::Kind::none) ? evaluator.text(*given[i]) : std::string(otherwise);
}

std::int64_t Call::integer(std::size_t i, std::int64_t otherwise) const {
    if (!given[i]) return otherwise;
    if (given[i]->is_integral()) return given[i]->integer();
    throw Error(fmt::format("'{}' takes a whole number here, found {}", name, name_of(*given[i])));
}

double Call::real(std::size_t i, double otherwise) const {
    if (!given[i]) return otherwise;
    if (given[i]->is_number()) return given[i]->real();
    throw Error(fmt::format("'{}' takes a number here, found {}", name, name_of(*given[i])));
}

bool Call::flag(std::size_t i, bool otherwise) const {
    return given[i] ? truth_of(*given[i]) : otherwise;
}

namespace {

/// What is not there is told by its name, so that a secret may not be the name of an attribute.
void refuse_secret_names(std::string_view filter, const Arguments& given) {
    const auto& at = given.positional;
    bool secret = filter == "attr" && !at.empty() && at[0].secret;
    secret |= filter == "map" && at.size() > 1 && at[0].is_text() && at[0].text() == "attr" && at[1].secret;
    for (const auto& [word, argument] : given.named)
        secret |= argument.secret && (word == "attribute" || (filter == "attr" && word == "name"));
    if (secret) throw Error("a secret can not be the name of an attribute");
}

}  // namespace

Datum Evaluator::filter(std::string_view name, const Datum& subject, Arguments& given) {
    const Filter* row = find_filter(name);
    if (!row) throw Error(fmt::format("there is no filter '{}'", name)).help(filter_hint(name));
    if (!row->undefined) require(subject);
    refuse_secret_names(name, given);
    bool secret = row->keeps ? subject.secret : !subject.is_undefined() && holds_secret(subject, budget_);
    for (const Datum& argument : given.positional) secret |= !row->keeps && holds_secret(argument, budget_);
    for (const auto& [word, argument] : given.named) secret |= !row->keeps && holds_secret(argument, budget_);
    Call call = bind(*this, "the filter", name, row->signature, subject, given);
    const bool hides = secret || (row->keeps && holds_secret(subject, budget_));
    Datum result = hiding(hides, fmt::format("the filter '{}'", name), [&] { return row->run(call); });
    if (result.is_text()) budget_.text(result.text().size());
    return std::move(result).taint(secret);
}

bool Evaluator::test(std::string_view name, const Datum& subject, Arguments& given) {
    const Test* row = find_test(name);
    if (!row) throw Error(fmt::format("there is no test '{}'", name)).help(test_hint(name));
    if (!row->undefined) require(subject);
    bool secret = !subject.is_undefined() && holds_secret(subject, budget_);
    for (const Datum& argument : given.positional) secret |= holds_secret(argument, budget_);
    Call call = bind(*this, "the test", name, row->signature, subject, given);
    return hiding(secret, fmt::format("the test '{}'", name), [&] { return row->run(call); });
}

namespace {

class FunctionObject final : public Object {
public:
    explicit FunctionObject(const Function& row) : row_(row) {}
    std::string_view called() const override { return "a function"; }
    bool callable() const override { return true; }
    Datum call(Evaluator& evaluator, Arguments& arguments) override {
        const Datum nothing = Datum::none();
        bool secret = false;
        for (const Datum& argument : arguments.positional) secret |= argument.secret;
        chaos::language::Call call = bind(evaluator, "the function", row_.name, row_.signature, nothing, arguments);
        return row_.run(call).taint(secret);
    }

private:
    const Function& row_;
};

}  // namespace

std::shared_ptr<Object> function_object(const Function& function) {
    return std::make_shared<FunctionObject>(function);
}

bool holds(const Datum& all, const Datum& one, Budget& budget) {
    require(one), require(all);
    if (all.is_map()) return all.find(one).has_value();
    if (all.is_text()) {
        if (!one.is_text()) throw Error(fmt::format("'in' looks for a text in a text, found {}", name_of(one)));
        budget.spend(all.text().size() / 16);
        return all.text().find(one.text()) != std::string::npos;
    }
    if (!all.is_list()) throw Error(fmt::format("'in' looks in a list, a mapping or a text, found {}", name_of(all)));
    budget.spend(all.size());
    for (std::size_t i = 0; i < all.size(); ++i)
        if (equal(all.at(i), one, budget)) return true;
    return false;
}

}  // namespace chaos::language
