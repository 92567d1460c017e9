// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/manifest.hpp>

namespace chaos {

/// How the blanks around the tags of a template are read: Jinja2's options of these names.
struct TemplateBlanks {
    bool trim_blocks = false, lstrip_blocks = false;
};

/// What a template gives outside of any manifest: a text, secret where something secret went into it. The names of
/// `vars` (a mapping, its expressions resolved) stand bare and as `vars.NAME`. Throws Error.
Value render_template(Sources&, const std::string& path, Value vars, const ReadContext&, TemplateBlanks = {});

/// What an expression gives outside of any manifest, by a manifest's rules. Throws Error at its place in it.
Value evaluate_expression(Sources&, const std::string& text, Value vars, const ReadContext&);

/// What a scalar is where no schema types it: "a text", "a number", "true or false", "nothing", "a list", "a mapping".
std::string_view untyped_name(const Value&);

/// A value as people read it: YAML, a line for each entry. Secrets are written as they are.
std::string to_yaml(const Value&);

/// The page of filters, tests, functions and methods, made from the tables that declare them. Markdown.
std::string expression_reference();

}  // namespace chaos
