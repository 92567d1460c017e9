// SPDX-License-Identifier: Apache-2.0
#include "support/small_run.hpp"

namespace chaos::test {

Resource declare(std::string_view kind, Value::Map attributes, bool absent) {
    const Registry registry{builtin_types(), {}};
    const ResourceType* type = registry.type(kind);
    if (!type) throw Error("there is no kind " + std::string(kind));
    return declare(*type, std::move(attributes), absent);
}

Resource declare(const ResourceType& type, Value::Map attributes, bool absent) {
    Resource resource;
    resource.type = &type;
    const Schema& schema = type.schema();
    Diagnostics problems;
    resource.wanted = decode(schema, Value(std::move(attributes)), problems);
    if (!problems.ok()) throw problems.errors().front();
    resource.id.type = schema.name;
    if (const Field* key = schema.key()) resource.id.key = key->get(resource.wanted.spec()).text();
    resource.absent = absent;
    resource.where = {1, 1, 0};
    return resource;
}

Value::Map attributes(std::initializer_list<Said> list) {
    Value::Map map;
    for (const auto& [name, value] : list) map.push_back({Value(std::string(name)), value});
    return map;
}

SmallRun plan_for(const FakeHost& host, Catalog catalog) {
    SmallRun run{.catalog = std::move(catalog), .graph = {}, .before = {}, .goal = {}, .steps = {}, .problems = {}};
    for (const Resource& resource : run.catalog) resource.type->review(resource, run.problems);
    const View view(host);
    run.before = observe(run.catalog, view, run.problems);
    run.goal = resolve(run.catalog, view, run.before, run.problems);
    run.graph = order(run.catalog, {}, run.problems);
    run.steps = plan(run.catalog, run.graph, run.before, run.goal);
    for (const Step& step : run.steps) step.type->check(view, step.changes, run.problems);
    return run;
}

void carry_out(FakeHost& host, const Plan& steps) {
    for (const Step& step : steps) step.type->apply_all(host, step.changes);
    host.publish();
}

SmallRun apply(FakeHost& host, Catalog catalog) {
    auto run = plan_for(host, std::move(catalog));
    if (!run.problems.ok()) throw run.problems.errors().front();
    carry_out(host, run.steps);
    return run;
}

void take_back(FakeHost& host, const SmallRun& run) {
    Diagnostics problems;
    States now;
    {
        const View view(host);
        now = observe(run.catalog, view, problems, 1, true);
    }
    if (!problems.ok()) throw problems.errors().front();
    States target = run.before;
    for (std::size_t i = 0; i < now.size(); ++i)
        if (same(run.catalog[i].type->schema(), now[i], target[i])) target[i] = now[i];
    for (const Step& step : plan(run.catalog, run.graph, now, target)) step.type->undo_all(host, step.changes);
    host.publish();
}

}  // namespace chaos::test
