// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/source.hpp>
#include <chaos/value.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace chaos {

/// A module that comes with chaos: a file of modules/ in the source. It is a section of its name as well, whose body
/// gives its parameters: one use; or, where the file says `x-entries: PARAM`, one use for each entry, which that
/// parameter names.
struct ShippedModule {
    std::string_view name, text;
};

std::span<const ShippedModule> shipped_modules();
const ShippedModule* find_shipped(std::string_view name);  ///< Null where there is none.

/// What the source of one is called, and whether it is one: what stands there can be mended by no one who uses it.
std::string source_name(const ShippedModule&);
bool is_shipped(const Source&);

/// What is said of a place in one, below the place of who uses it.
constexpr std::string_view in_shipped = "in this module, which comes with chaos";

/// What the file of one says. Whoever changes it is this program's author: it has no mistakes.
Value read_shipped(const ShippedModule&);

/// The parameter that names an entry; empty where the section is one use.
std::string entry_param(const Value& manifest);

/// A parameter as it is shown: in explain, in the reference, in the editors' schema.
struct ShownParam {
    std::string name, type, doc, fallback;
    bool required = false;
};
std::vector<ShownParam> params_of(const Value& manifest);

}  // namespace chaos
