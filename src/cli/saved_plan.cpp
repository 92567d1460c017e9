// SPDX-License-Identifier: Apache-2.0
#include "saved_plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>

#include "portable_value.hpp"
#include "problems.hpp"

namespace chaos::cli {

namespace {

constexpr std::string_view mark = "chaos plan ", form = "chaos plan 1 ";

Value text(std::string_view it) {
    return Value(std::string(it));
}

template <class Number>
Value number(Number it) {
    return Value(std::to_string(it));
}

Value::Map fields(std::initializer_list<std::pair<std::string_view, Value>> all) {
    Value::Map map;
    for (const auto& [name, value] : all) map.push_back({text(name), value});
    return map;
}

template <class Item, class Make>
Value list(const std::vector<Item>& items, Make make) {
    Value::List all;
    for (const Item& item : items) all.push_back(make(item));
    return Value(std::move(all));
}

/// What watches confirm a guess of what is watched.
Value closed(Digest it, const SealKey& key) {
    Value value(hex(it));
    value.secret = true;
    return to_portable(value, &key);
}

Value value_of(const Schema& schema, const State& state, const SealKey& key) {
    return state ? to_portable(encode(schema, state), &key) : Value();
}

struct Flag {
    std::string_view name;
    bool Resource::*is;
};
constexpr Flag flags[] = {{"absent", &Resource::absent},       {"keep", &Resource::keep},
                          {"protect", &Resource::protect},     {"audit", &Resource::audit},
                          {"exclusive", &Resource::exclusive}, {"leaving", &Resource::leaving},
                          {"companion", &Resource::companion}};

Value maybe(const std::optional<std::int64_t>& it) {
    return it ? number(*it) : Value();
}

Value value_of(const Check& check, const Sources& sources, const SealKey& key) {
    const auto word = [&](const std::string& it) {
        Value value(it);
        value.secret = check.secret;
        return to_portable(value, &key);
    };
    return Value(fields({{"kind", number(static_cast<int>(check.kind))},
                         {"subject", word(check.subject)},
                         {"argv", list(check.argv, word)},
                         {"user", word(check.user)},
                         {"expect", list(check.expect, number<int>)},
                         {"contains", word(check.contains)},
                         {"within", number(check.within_s)},
                         {"timeout", number(check.timeout_s)},
                         {"doc", word(check.doc)},
                         {"secret", number(static_cast<int>(check.secret))},
                         {"where", text(place_of(check.where, sources))}}));
}

Value resource_value(const SavedPlan& plan, std::size_t i, const Sources& sources, const SealKey& key) {
    const Resource& resource = plan.planned.site.catalog[i];
    const Schema& schema = resource.type->schema();
    Value::List said;
    for (const Flag& flag : flags)
        if (resource.*flag.is) said.push_back(text(flag.name));
    const auto names = [](const Field* field) { return text(field->name); };
    return Value(
        fields({{"type", text(schema.name)},
                {"key", to_portable(text(resource.id.key), &key)},
                {"flags", Value(std::move(said))},
                {"wanted", value_of(schema, resource.wanted, key)},
                {"recorded", value_of(schema, resource.recorded, key)},
                {"goal", value_of(schema, plan.planned.goal[i], key)},
                {"seen", text(hex(plan.digests[i]))},
                {"inputs", Value(Value::List{closed(plan.inputs[i].first, key), closed(plan.inputs[i].second, key)})},
                {"because", number(resource.because)},
                {"confirm", maybe(resource.confirm)},
                {"where", text(place_of(resource.where, sources))},
                {"doc", to_portable(text(resource.doc), &key)},
                {"exact", list(resource.exact, names)},
                {"once", list(resource.once, names)},
                {"retry", Value(Value::List{number(resource.retry.times), number(resource.retry.wait_s)})},
                {"called", to_portable(text(resource.called), &key)},
                {"watches", list(resource.watches, number<std::uint32_t>)},
                {"passed_over", list(resource.passed_over, [&](const ResourceId& id) {
                     return Value(Value::List{text(id.type), to_portable(text(id.key), &key)});
                 })}}));
}

const Value& in(const Value& record, std::string_view name) {
    const Value* found = record.find(name);
    if (!found) throw Error(fmt::format("expected '{}' in a saved plan, found none", name));
    return *found;
}

std::uint32_t number_from(const Value& value, std::size_t below) {
    std::uint32_t it = 0;
    const std::string& word = value.text();
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), it);
    if (error != std::errc() || end != word.data() + word.size() || it >= below)
        throw Error(fmt::format("expected a number in a saved plan, found '{}'", word));
    return it;
}

/// site.yml:12:3 as a place in a source that has a name and no text: what is shown of it is where it was.
class Places {
public:
    explicit Places(Sources& sources) : sources_(sources) {}
    Place at(const std::string& written) {
        const auto last = written.rfind(':'),
                   middle = last == written.npos || last == 0 ? last : written.rfind(':', last - 1);
        if (middle == written.npos || last == 0) return {};
        const auto [known, first] = numbers_.try_emplace(written.substr(0, middle), std::uint16_t(0));
        if (first) known->second = sources_.add(known->first, "", "");
        Place place;
        place.line = number_from(Value(written.substr(middle + 1, last - middle - 1)), UINT32_MAX);
        place.column = static_cast<std::uint16_t>(number_from(Value(written.substr(last + 1)), UINT16_MAX));
        place.source = known->second;
        return place;
    }

private:
    Sources& sources_;
    std::map<std::string, std::uint16_t> numbers_;
};

class Reading {
public:
    Reading(const Registry& registry, Sources& sources, const SealKey& key, std::size_t size)
        : registry_(registry), places_(sources), key_(key), size_(size) {}

    void resource(const Value& it, SavedPlan& plan) {
        Resource resource;
        resource.type = registry_.type(in(it, "type").text());
        if (!resource.type) throw Error(fmt::format("this program knows no kind '{}'", in(it, "type").text()));
        const Schema& schema = resource.type->schema();
        resource.id = {schema.name, open(in(it, "key"))};
        for (const Value& said : in(it, "flags").list())
            for (const Flag& flag : flags)
                if (flag.name == said.text()) resource.*flag.is = true;
        resource.wanted = state(schema, in(it, "wanted"));
        resource.recorded = state(schema, in(it, "recorded"));
        plan.planned.goal.push_back(state(schema, in(it, "goal")));
        plan.digests.push_back(digest_from_hex(in(it, "seen").text()));
        const auto& inputs = in(it, "inputs").list();
        plan.inputs.emplace_back(digest_from_hex(open(inputs.at(0))), digest_from_hex(open(inputs.at(1))));
        resource.because = number_from(in(it, "because"), size_);
        resource.where = places_.at(in(it, "where").text());
        resource.confirm = maybe(in(it, "confirm"));
        resource.doc = open(in(it, "doc")), resource.called = open(in(it, "called"));
        for (auto [name, into] : {std::pair{"exact", &resource.exact}, {"once", &resource.once}})
            for (const Value& field : in(it, name).list())
                if (const Field* known = schema.find(field.text())) into->push_back(known);
        resource.retry.times = static_cast<int>(number_from(in(it, "retry").list().at(0), INT32_MAX));
        resource.retry.wait_s = static_cast<int>(number_from(in(it, "retry").list().at(1), INT32_MAX));
        for (const Value& watched : in(it, "watches").list()) resource.watches.push_back(number_from(watched, size_));
        for (const Value& id : in(it, "passed_over").list())
            if (const ResourceType* type = registry_.type(id.list().at(0).text()))
                resource.passed_over.push_back({type->schema().name, open(id.list().at(1))});
        plan.planned.site.catalog.push_back(std::move(resource));
    }

    Check check(const Value& it) {
        Check check;
        check.kind =
            static_cast<Check::Kind>(number_from(in(it, "kind"), static_cast<std::size_t>(Check::Kind::file) + 1));
        check.subject = open(in(it, "subject")), check.user = open(in(it, "user"));
        for (const Value& word : in(it, "argv").list()) check.argv.push_back(open(word));
        for (const Value& status : in(it, "expect").list())
            check.expect.push_back(static_cast<int>(number_from(status, INT32_MAX)));
        check.contains = open(in(it, "contains")), check.doc = open(in(it, "doc"));
        check.within_s = number_from(in(it, "within"), UINT32_MAX);
        check.timeout_s = number_from(in(it, "timeout"), UINT32_MAX);
        check.secret = in(it, "secret").text() == "1";
        check.where = places_.at(in(it, "where").text());
        return check;
    }

    static std::optional<std::int64_t> maybe(const Value& it) {
        if (it.is_null()) return std::nullopt;
        return number_from(it, UINT32_MAX);
    }

    std::string open(const Value& it) const { return from_portable(it, &key_).text(); }

private:
    State state(const Schema& schema, const Value& it) const {
        if (it.is_null()) return {};
        Diagnostics problems;
        State state = decode(schema, from_portable(it, &key_), problems);
        if (!problems.ok()) throw problems.errors().front();
        return state;
    }

    const Registry& registry_;
    Places places_;
    const SealKey& key_;
    std::size_t size_;
};

std::string head_of(const std::string& machine) {
    return fmt::format("{}{} {} ", form, CHAOS_VERSION, machine.empty() ? "-" : machine);
}

}  // namespace

Digest digest_of(const SealKey& key, const Schema& schema, const State& state, bool whole) {
    if (!state) return key.digest("absent");
    Value all = encode(schema, state);
    if (!whole) {
        Value::Map properties;
        for (const auto& [name, value] : all.map())
            if (const Field* field = schema.find(name.text()); !field || field->role == Field::Role::property)
                properties.push_back({name, value});
        all = Value(std::move(properties));
    }
    return key.digest(to_json(to_portable(all, &key)));
}

std::string to_text(const SavedPlan& plan, const Sources& sources, const SealKey& key, const std::string& machine) {
    const Site& site = plan.planned.site;
    Value::List resources, secrets, edges, checks;
    for (const Check& check : site.checks) checks.push_back(value_of(check, sources, key));
    for (std::size_t i = 0; i < site.catalog.size(); ++i) resources.push_back(resource_value(plan, i, sources, key));
    for (const std::string& secret : site.secrets) {
        Value value(secret);
        value.secret = true;
        secrets.push_back(to_portable(value, &key));
    }
    for (const Graph::Edge& edge : plan.planned.graph.edges())
        edges.push_back(Value(Value::List{number(edge.from), number(edge.to)}));
    const std::string body =
        to_json(Value(fields({{"site", text(site.name)},
                              {"origin", to_portable(text(site.origin), &key)},
                              {"whole", number(static_cast<int>(site.whole))},
                              {"moved", number(static_cast<int>(plan.moved))},
                              {"manifest", to_portable(text(plan.manifest), &key)},
                              {"revision", text(plan.revision)},
                              {"protect", list(site.protect, [](const std::string& it) { return text(it); })},
                              {"secrets", Value(std::move(secrets))},
                              {"checks", Value(std::move(checks))},
                              {"confirm", maybe(site.confirm)},
                              {"resources", Value(std::move(resources))},
                              {"edges", Value(std::move(edges))},
                              {"order", list(plan.order, number<std::uint32_t>)}}))) +
        "\n";
    const std::string head = head_of(machine);
    return head + hex(key.digest(head + body)) + '\n' + body;
}

bool is_saved_plan(std::string_view text) {
    return text.starts_with(mark);
}

SavedPlan saved_plan_from(std::string_view written, const Registry& registry, Sources& sources, const SealKey& key,
                          const std::string& machine) {
    const auto again = [](std::string why) { return Error(std::move(why)).help("make it again: chaos plan -o FILE"); };
    const auto line = written.substr(0, written.find('\n'));
    if (!line.starts_with(form)) throw again("the plan was saved by another chaos, in another form");
    const auto words = line.substr(form.size());
    const auto program = words.substr(0, words.find(' '));
    if (program != CHAOS_VERSION)
        throw again(fmt::format("the plan was saved by chaos {}, and this is chaos " CHAOS_VERSION, escape(program)));
    const std::string head = head_of(machine);
    if (!line.starts_with(head)) throw again("the plan was saved on another machine");
    const auto body = written.substr(std::min(line.size() + 1, written.size()));
    if (line.substr(head.size()) != hex(key.digest(head + std::string(body))))
        throw again("the plan is not as it was saved: it was changed, or it is of another host or another record");
    const Value all = from_json(body);
    SavedPlan plan;
    Site& site = plan.planned.site;
    const auto& resources = in(all, "resources").list();
    Reading reading(registry, sources, key, std::max<std::size_t>(resources.size(), 1));
    site.name = in(all, "site").text(), site.origin = reading.open(in(all, "origin"));
    site.whole = in(all, "whole").text() == "1", plan.moved = in(all, "moved").text() == "1";
    plan.manifest = reading.open(in(all, "manifest")), plan.revision = in(all, "revision").text();
    for (const Value& name : in(all, "protect").list()) site.protect.push_back(name.text());
    for (const Value& secret : in(all, "secrets").list()) site.secrets.push_back(reading.open(secret));
    for (const Value& check : in(all, "checks").list()) site.checks.push_back(reading.check(check));
    site.confirm = Reading::maybe(in(all, "confirm"));
    for (const Value& resource : resources) reading.resource(resource, plan);
    std::vector<Graph::Edge> edges;
    for (const Value& edge : in(all, "edges").list())
        edges.push_back(
            {number_from(edge.list().at(0), resources.size()), number_from(edge.list().at(1), resources.size())});
    std::sort(edges.begin(), edges.end());
    plan.planned.graph = Graph(resources.size(), edges);
    for (const Value& i : in(all, "order").list()) plan.order.push_back(number_from(i, resources.size()));
    return plan;
}

}  // namespace chaos::cli
