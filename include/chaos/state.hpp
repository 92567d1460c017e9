// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/schema.hpp>

namespace chaos {

/// What is, or shall be, true of one resource: its Spec, or nothing where it is absent.
///
/// Immutable and shared: a state that did not change is the same object, so comparing an unchanged host costs a pointer
/// each. Engine, store and plug-ins reach the attributes through the Schema; only the kind itself knows the Spec.
class State {
public:
    State() = default;
    explicit State(std::shared_ptr<const void> spec, Digest inputs = {}) : spec_(std::move(spec)), inputs_(inputs) {}
    template <class Spec>
    static State of(Spec spec) {
        return State(std::make_shared<const Spec>(std::move(spec)));
    }

    explicit operator bool() const { return spec_ != nullptr; }
    const void* spec() const { return spec_.get(); }
    template <class Spec>
    const Spec* as() const {
        return static_cast<const Spec*>(spec_.get());
    }

    /// What it listens to, as of when it last took note: a service whose inputs differ wants a restart. Zero: listens
    /// to nothing.
    Digest inputs() const { return inputs_; }
    State with_inputs(Digest inputs) const { return State(spec_, inputs); }

    friend bool operator==(const State& a,
                           const State& b) = default;  ///< The same object; see same() for the same meaning.

private:
    std::shared_ptr<const void> spec_;
    Digest inputs_;
};

/// Reads what a manifest wrote (or a store kept). Every mistake goes to `problems`; the answer is then not to be used.
/// Where a value is secret, and its attribute not always, the kind's option `secret` is set.
State decode(const Schema&, const Value& written, Diagnostics& problems);

/// The attributes that are given, by name, in the schema's order and canonical text. A secret one keeps its bytes and
/// is marked; with the option `secret`, so is every text that is a content.
Value encode(const Schema&, const State&);

/// True where both say the same in every property, inputs included; a property only one of them gives counts as
/// different.
bool same(const Schema&, const State& a, const State& b);

/// The properties in which two present states differ. A property that one of them leaves open is not one of them.
std::vector<const Field*> differences(const Schema&, const State& a, const State& b);

/// `wanted` with what it leaves open taken from `observed`; members and keys united; `observed` itself where nothing
/// would change.
State overlay(const Schema&, const State& observed, const State& wanted);

/// Copies key and options from one Spec to another of the same kind.
void take_options(const Schema&, void* to, const void* from);

/// Digest of the properties that are given: what a watcher sees of it. Absent has a digest of its own.
Digest digest(const Schema&, const State&);

}  // namespace chaos
