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
    State with_inputs(Digest inputs) const { return State(*this).listening(inputs); }

    /// Attributes that hold a secret, a bit for each field of the schema in its order (those past the 63rd share one):
    /// a mark beside the values, for no Spec has room for it. What makes a new State of an older one hands it on.
    std::uint64_t hidden() const { return hidden_; }
    State hiding(std::uint64_t fields) const {
        State state = *this;
        if (state) state.hidden_ |= fields;
        return state;
    }

    friend bool operator==(const State& a,
                           const State& b) = default;  ///< The same object; see same() for the same meaning.

private:
    State&& listening(Digest inputs) && { return inputs_ = inputs, std::move(*this); }

    std::shared_ptr<const void> spec_;
    Digest inputs_;
    std::uint64_t hidden_ = 0;
};

/// The bit of State::hidden() that stands for a field of this schema.
std::uint64_t hiding_bit(const Schema&, const Field&);

/// Reads what a manifest wrote (or a store kept). Every mistake goes to `problems`; the answer is then not to be used.
/// What is secret is hidden() in the answer; where the kind has an option `secret`, it is set.
State decode(const Schema&, const Value& written, Diagnostics& problems);

/// The attributes that are given, by name, in the schema's order and canonical text. A secret one keeps its bytes and
/// is marked, and so is what is hidden(); with the option `secret`, so is every text that is a content.
Value encode(const Schema&, const State&);

/// The same, attribute by attribute, without putting them together.
class Attributes {
public:
    Attributes(const Schema&, const State&);  ///< Both must outlive it; the state is not absent.
    Value of(const Field&) const;             ///< Of one that is given.

private:
    const Schema& schema_;
    const State& state_;
    bool hides_ = false;
};

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
