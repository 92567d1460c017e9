// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/history.hpp>
#include <chaos/provenance.hpp>
#include <set>

#include "json.hpp"
#include "text.hpp"

namespace chaos::cli {

/// One link of the chain: who says it, what, and over whom it lies by which rule.
struct SayingView {
    std::string where, line, value, rule;
};

struct AttributeOrigin {
    std::string name;
    std::string value;  ///< What holds; secrets are gone from it.
    std::string where;  ///< Who has the last word; empty where nobody says it.
    std::string rule;   ///< Where nobody says it: what holds then.
};

/// What one waits for, or who waits for it.
struct NeedView {
    std::string id, word, where;  ///< needs, before, watch, notify; else what it follows from.
};

/// What was asked about, ready to be shown. Parts that say nothing are empty.
struct ExplainedView {
    std::string topic, what, site;  ///< what: variable, resource, attribute, module.
    std::optional<std::string> value;
    std::vector<SayingView> chain;
    std::vector<AttributeOrigin> attributes;
    std::vector<NeedView> needs, waiting;
    std::vector<std::string> resources;  ///< Of a module: what it declares.
    std::vector<AttributeOrigin> params, exports;
    std::string owned;                ///< By whom, and since which run.
    std::optional<bool> reacts;       ///< Whether it would restart, reload or run now,
    std::string why;                  ///< and why or why not.
    std::vector<std::string> differ;  ///< What differs from what it took note of.
};

Json to_json(const ExplainedView&);
std::string render(const ExplainedView&, Style, bool verbose);

/// Makes views out of a site and what was noted while it was read.
class Explainer {
public:
    Explainer(const Site&, const Provenance&, const Sources&, const Registry&);

    /// `port`, `ssh.port`, `web/port`. Throws Error with "did you mean".
    ExplainedView variable(std::string_view name) const;
    ExplainedView module(std::string_view path) const;
    ExplainedView resource(std::uint32_t number) const;
    ExplainedView attribute(std::uint32_t number, std::string_view name) const;

    /// The number in the catalog; nothing where none has this id.
    std::optional<std::uint32_t> find(const ResourceId&) const;

    /// Why a resource that is written somewhere is not there; nothing where it is written nowhere.
    std::optional<ExplainedView> gone(const ResourceId&) const;

private:
    SayingView view_of(const Saying&, const Schema*, bool hides) const;
    std::string rule_of(const Saying&) const;
    std::string layer_of(Place) const;
    std::string line_at(Place) const;
    void note_secrets();
    std::vector<Saying> about(std::uint32_t number, std::string_view attribute) const;

    const Site& site_;
    const Provenance& provenance_;
    const Sources& sources_;
    const Registry& registry_;
    std::set<std::pair<std::uint16_t, std::uint32_t>> secret_lines_;  // a line with a secret in clear is not shown
};

}  // namespace chaos::cli
