// SPDX-License-Identifier: Apache-2.0
// Templates and expressions outside of a manifest: what `chaos render` and `chaos eval` show.
#include <fmt/format.h>
#include <chaos/template.hpp>
#include "beside.hpp"
#include "filters.hpp"
#include "scope.hpp"
#include "template.hpp"

namespace chaos {

namespace {

/// The names that a file of variables gives, known to the scope.
void give(Scope& scope, Value vars) {
    if (vars.is_null()) vars.data = Value::Map{};
    if (!vars.is_map())
        throw Error(vars.where, fmt::format("variables are a mapping, found {}", kind_of(vars)))
            .help("write it as in port: 80");
    Diagnostics problems;
    check_untyped(vars, problems);
    if (!problems.ok()) throw Error(problems.errors().front());
    scope.variables(std::move(std::get<Value::Map>(vars.data)));
}

}  // namespace

Value render_template(Sources& sources, const std::string& path, Value vars, const ReadContext& context,
                      TemplateBlanks blanks) {
    const auto slash = path.rfind('/');
    const std::string directory = beside::real_path(slash == std::string::npos ? "." : path.substr(0, slash + 1));
    Scope scope(sources, context);
    const auto source = sources.add(path, directory, "");
    scope.stand_in({1, 1, source});
    give(scope, std::move(vars));
    const Value with = *scope.root("vars");
    Templates templates(sources);
    const language::Blanks how{blanks.trim_blocks, blanks.lstrip_blocks};
    const Scope::Contained contained(scope, directory);
    return render(templates, templates.open(path, directory, how), how, scope, with);
}

Value evaluate_expression(Sources& sources, const std::string& text, Value vars, const ReadContext& context) {
    const auto source = sources.add("the expression", beside::real_path("."), text);
    Scope scope(sources, context);
    scope.stand_in({1, 1, source});
    give(scope, std::move(vars));
    const Value all = *scope.root("vars");
    for (const auto& entry : all.map()) scope.bind(entry.key.text(), entry.value);
    return bare_value(Value(text, {1, 1, source}), scope);
}

std::string_view untyped_name(const Value& value) {
    return name_of(type_of(value));
}

std::string to_yaml(const Value& value) {
    language::Budget budget;
    return language::yaml_of(language::Datum::borrow(value), 2, false, false, budget);
}

}  // namespace chaos
