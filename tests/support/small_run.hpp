// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/plan.hpp>
#include <chaos/registry.hpp>
#include <string>
#include <vector>

#include "support/fake_host.hpp"

namespace chaos::test {

/// One resource as a manifest would have it; throws Error where it is wrong.
Resource declare(std::string_view kind, Value::Map attributes, bool absent = false);
Resource declare(const ResourceType&, Value::Map attributes, bool absent = false);

/// An attribute as a test writes it: {"mode", "0600"}.
struct Said {
    Said(const char* attribute, const char* text) : name(attribute), value(std::string(text)) {}
    Said(const char* attribute, Value given) : name(attribute), value(std::move(given)) {}
    const char* name;
    Value value;
};
Value::Map attributes(std::initializer_list<Said> list);

/// What a run came to: enough to take it back.
struct SmallRun {
    Catalog catalog;
    Graph graph;
    States before, goal;
    Plan steps;
    Diagnostics problems;
};

/// Looks and decides, and changes nothing.
SmallRun plan_for(const FakeHost&, Catalog);

/// Applies a plan, step by step: no store, no recovery, only the order and the calls.
void carry_out(FakeHost&, const Plan&);

/// plan_for, carry_out, publish. Throws the first problem.
SmallRun apply(FakeHost&, Catalog);

/// Looks again and brings everything back to what it was before, in the order of the graph.
void take_back(FakeHost&, const SmallRun&);

}  // namespace chaos::test
