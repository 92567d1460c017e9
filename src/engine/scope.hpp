// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/manifest.hpp>
#include <map>
#include <memory>
#include "expression.hpp"
#include "secrets.hpp"

namespace chaos {

/// What names mean while a manifest is read: vars, facts, host, manifest, and the item of a loop.
class Scope final : public Names {
public:
    Scope(Sources&, const ReadContext&);

    /// The scope of a module: variables of its own, facts and host those of the site.
    Scope(Scope& site, const ReadContext& own);

    /// The variables of all layers, laid on each other; read at the first use, in any order. Before this is called,
    /// `vars` has what --var gave, and nothing else.
    void variables(Value::Map vars);

    /// Mistakes in variables that nothing used. What needs a secret is let be: not every host has every key.
    void check_variables(Diagnostics&);

    /// Expressions that follow stand in this source: what manifest.dir and file() go by.
    void stand_in(Place at) { here_ = at; }

    /// The host that the manifest is read for.
    const Host& looking() const { return context_.view.host(); }
    /// Homes of people that the manifest declares; of others the host tells.
    void know_homes(std::map<std::string, std::string, std::less<>> homes) { homes_ = std::move(homes); }

    /// The home of who runs chaos, or ran it when the facts were recorded.
    std::string own_home();
    /// Who that is; and whether it is not root.
    std::string own_name();
    bool is_unprivileged();
    /// What secret() opens; null: there is nothing to open. Of a site alone: a module is given its secrets.
    void open_secrets(Secrets* secrets) { secrets_ = secrets; }

    /// While it lives, file() does not lead out of a directory: a template may be written by somebody else.
    class Contained {
    public:
        Contained(Scope& scope, const std::string& directory) : scope_(scope) { scope.contained_ = directory; }
        ~Contained() { scope_.contained_.clear(); }
        Contained(const Contained&) = delete;

    private:
        Scope& scope_;
    };

    /// Substitutes, and says why what comes of it may not decide what exists; empty where it may.
    std::string substitute_judging(Value&);

    /// Stands for a value where something is decided, and is an error there that says this.
    static Value withheld(std::string why);

    /// While it is set, a fact that changes by itself is an error: it may not decide what exists.
    bool deciding = false;

    void bind(std::string_view name, Value value);  ///< `item`, `loop`, or what `as` calls it.
    void unbind(std::string_view name);
    Value::Map bound() const;  ///< All that is bound now.

    /// A name that stands for the same wherever this scope does: `params`, `module`, `modules`.
    void give(std::string_view name, Value value);
    /// The same, where a part of it may not decide what exists: what stands there while something is decided.
    void give(std::string_view name, Value value, Value deciding_value);

    const Value* root(std::string_view name) override;
    const Value* member(std::string_view root, std::string_view name) override;
    bool has(std::string_view root) const override;
    std::vector<std::string> members(std::string_view root) const override;
    Value call(std::string_view function, std::span<const Value> arguments) override;
    const Sources& sources() const override { return sources_; }

private:
    Value secret(std::span<const Value> arguments);
    const Value* seen(const Value*);  ///< Notes where it is of a secret that is not known.
    const Value* variable(std::string_view name);
    Value variables_that_decide();
    const Value* fact(std::string_view name);
    const Value* recorded_fact(std::string_view name) const;
    const Value* host(std::string_view name);
    void read_host();
    Value home_of(std::span<const Value> arguments);

    struct Variable {
        Value value;
        bool resolved = false, busy = false, failed = false;
        std::string passing{};  // why it may not decide what exists
    };
    Sources& sources_;
    const ReadContext& context_;
    Scope* site_ = nullptr;
    Secrets* secrets_ = nullptr;
    Place here_{};
    std::string contained_;         // what file() may not lead out of
    bool asked_secret_ = false;     // secret() was called
    bool touched_passing_ = false;  // what may not decide was looked at
    bool laid_ = false;             // the variables of all layers are known
    std::map<std::string, Variable, std::less<>> vars_;
    std::vector<std::string> order_, busy_;
    std::map<std::string, Value, std::less<>> facts_, bound_, given_, given_deciding_;
    std::map<std::string, std::string, std::less<>> homes_;
    std::optional<Value> host_, all_vars_, deciding_vars_;
    std::deque<Value> kept_;
};

/// The items of a list; anything else is a list of one.
inline std::span<const Value> items_in(const Value& value) {
    return value.is_list() ? std::span(value.list()) : std::span(&value, 1);
}

/// Refuses yes, no, on, off where nothing types them (vars): it would be a guess.
void check_untyped(const Value&, Diagnostics&);

/// Lays `above` on `below`: mappings key by key, lists and scalars replaced, `name+` adds, null takes away.
void lay_values(Value::Map& below, Value::Map above);

}  // namespace chaos
