// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <unordered_map>
#include "scope.hpp"

namespace chaos {

/// One use of a module: what it is called where it is used, and what the `use` says of all its resources.
struct Module {
    std::string name;      ///< `as`, else that of its file.
    std::string path;      ///< With the names of those that use it in front: `web/tls`.
    std::uint32_t of = 0;  ///< The module that uses it; 0: the site.
    std::unique_ptr<Scope> scope{};
    Value::Map links{};  ///< needs, before, watch, notify.
    Value doc{}, tags{};
    Place used{};          ///< Where the `use`, or the section that it is, stands.
    bool shipped = false;  ///< It came with chaos.
};

/// The modules of a site by number, from 1; 0 is the site itself. What an expression or an id means goes by the file
/// that it is written in, since each use reads its file anew.
class Modules {
public:
    explicit Modules(Scope& site) : site_(site) {}

    std::uint32_t add(Module);
    void read_by(std::uint32_t module, std::uint16_t source);
    void switched_off(std::string path) { off_.push_back(std::move(path)); }

    std::span<const Module> all() const { return modules_; }
    const Module& operator[](std::uint32_t number) const { return modules_[number - 1]; }
    const Module* find(std::string_view path) const;
    bool is_off(std::string_view path) const;

    std::uint32_t number_at(Place) const;
    std::string path_at(Place) const;  ///< Empty for the site, `web/` for what stands in the module web.
    Scope& scope_at(Place) const;
    std::vector<std::uint32_t> with_users(std::uint32_t number) const;  ///< It, who uses it, who uses that, ...

    /// The place that a person can do something about: what stands in a module of chaos, stands where that is used.
    Place mendable(Place) const;
    /// Moves an error there, and says below where it stood.
    Error mendable(Error) const;

private:
    Scope& site_;
    std::vector<Module> modules_;
    std::vector<std::string> off_;
    std::unordered_map<std::uint16_t, std::uint32_t> readers_;
};

/// An item of `use`, as it was written.
struct Use {
    Value module;  ///< Its name.
    Value::Map with{};
    std::string as{};
    std::vector<Value> when{};
    Value::Map links{};
    Value doc{}, tags{};
    std::map<std::string, std::string, std::less<>> passing{};  ///< Of `with`, what may not decide what exists: why.
    Value from{}, rev{};  ///< Where it comes from, and the whole hash of a commit; nothing where it is here.

    const std::string& name() const { return as.empty() ? module.text() : as; }
};

/// Throws Error. `shared` are the meta attributes of the block it stands in.
Use parse_use(const Value& item, const Value::Map& shared = {});

/// Where the module of this name is: in one of these directories; empty where it comes with chaos. Throws Error with
/// "did you mean".
std::string module_file(const Value& name, std::span<const std::string> directories);

/// What a module is given, as its `params` declare it: typed, with defaults, in their order; given to `scope` as
/// `params`. Mistakes go to `problems`: false.
bool take_params(const Value* declared, const Use&, Scope& scope, Diagnostics& problems);

}  // namespace chaos
