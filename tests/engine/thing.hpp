// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/plan.hpp>
#include <map>

namespace chaos::test {

/// A kind of the tests' own: what there is of it is in a map that the test fills.
struct Thing {
    std::string name;
    std::optional<std::string> colour;
    std::optional<std::vector<std::string>> tags;
    std::optional<TextMap> labels;
    std::optional<std::string> how;
    std::optional<std::string> needs, gives;
};

inline constexpr Field thing_fields[] = {
    schema::key<&Thing::name>("name", "Which.").example("a"),
    schema::property<&Thing::colour>("colour", "What it looks like.").example("red"),
    schema::property<&Thing::tags>("members", "Who is in it.").example("[x]"),
    schema::property<&Thing::labels>("labels", "What is said of it.").example("{k: v}"),
    schema::option<&Thing::how>("how", "How it is made.").example("fast"),
    schema::option<&Thing::needs>("claim_needs", "A claim.").example("t:x"),
    schema::option<&Thing::gives>("claim_gives", "A claim.").example("t:x"),
};
inline constexpr Schema thing_schema =
    schema::of<Thing>("thing", "things", Order::setting, "A thing.", thing_fields).body("colour");
inline constexpr Schema late_schema =
    schema::of<Thing>("late", "lates", Order::service, "A thing that comes late.", thing_fields);

class ThingType final : public TypedResource<Thing> {
public:
    explicit constexpr ThingType(const Schema& schema, bool together = false)
        : TypedResource(schema), together_(together) {}
    std::optional<Thing> observe(const View&, const Thing&, bool) const override { return std::nullopt; }
    void apply(WritableHost&, const Thing*, const Thing*, bool) const override {}
    bool batches() const override { return together_; }
    void claims(const State& state, std::vector<Claim>& claims) const override {
        const auto* thing = state.as<Thing>();
        if (thing->needs) claims.push_back({Claim::Role::needs, *thing->needs});
        if (thing->gives) claims.push_back({Claim::Role::provides, *thing->gives});
    }

private:
    bool together_;
};

inline constexpr ThingType thing_type{thing_schema}, late_type{late_schema}, batch_type{thing_schema, true};

inline State thing(std::string name, std::string colour = "red") {
    return State::of(Thing{std::move(name), std::move(colour), {}, {}, {}, {}, {}});
}

inline Resource resource(State wanted, const ResourceType& type = thing_type) {
    Resource made;
    made.id = {type.schema().name, wanted.as<Thing>()->name};
    made.type = &type;
    made.wanted = std::move(wanted);
    return made;
}

/// As golden plans have it: a line a step, with what it waits for.
inline std::string to_text(const Plan& plan) {
    std::string text;
    for (std::size_t i = 0; i < plan.size(); ++i) {
        text += std::to_string(i);
        for (const Change& change : plan[i].changes)
            text += std::string(change.after ? change.before ? " ~" : " +" : " -") + change.id.key;
        for (const auto earlier : plan[i].waits_for) text += " <" + std::to_string(earlier);
        text += plan[i].waits_for_all ? " <all\n" : "\n";
    }
    return text;
}

}  // namespace chaos::test
