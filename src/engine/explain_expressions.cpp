// SPDX-License-Identifier: Apache-2.0
// The reference of expressions, from the tables that the evaluator itself uses.
#include <fmt/format.h>
#include <algorithm>
#include <chaos/template.hpp>
#include "methods.hpp"

namespace chaos {

namespace {

using language::Filter;
using language::Function;
using language::Method;
using language::Refused;
using language::Test;

/// A cell of a table: no bar may end it.
std::string cell(std::string_view text) {
    std::string out;
    for (const char c : text) out += c == '|' ? "\\|" : std::string(1, c);
    return out;
}

template <class Row>
std::string table(std::vector<const Row*> rows, bool brackets) {
    std::sort(rows.begin(), rows.end(), [](const Row* a, const Row* b) { return a->name < b->name; });
    std::string text = "| | what it gives | |\n|---|---|---|\n";
    for (const Row* row : rows) {
        const bool bare = row->signature.empty() && !brackets;
        const std::string form = bare ? std::string(row->name) : fmt::format("{}({})", row->name, row->signature);
        text += fmt::format("| `{}` | {} | {} |\n", cell(form), cell(row->doc), row->addition ? "addition" : "");
    }
    return text;
}

std::string methods(std::string_view of, std::span<const Method> rows) {
    std::string text = fmt::format("- of a {}:", of);
    for (const Method& row : rows) text += fmt::format("{} `{}`", &row == &rows.front() ? "" : ",", row.name);
    return text + "\n";
}

std::string filters_page() {
    std::vector<const Filter*> rows;
    for (const auto& group : language::all_filters())
        for (const Filter& row : group) rows.push_back(&row);
    return "## Filters\n\n`value | name` or `value | name(arguments)`.\n\n" + table(rows, false);
}

std::string tests_page() {
    std::vector<const Test*> rows;
    for (const auto& group : language::all_tests())
        for (const Test& row : group) rows.push_back(&row);
    return "## Tests\n\n`value is name`, `value is not name(argument)`.\n\n" + table(rows, false);
}

std::string functions_page() {
    std::vector<const Function*> rows;
    for (const Function& row : language::all_functions()) rows.push_back(&row);
    return "## Functions\n\n" + table(rows, true) +
           "| `file(path)` | The text of a file beside the manifest, without its last newline; in a template, of one "
           "beneath it. | addition |\n"
           "| `home(user)` | Where that person lives: as the manifest or the host says, else `/home/USER`. | addition "
           "|\n"
           "| `secret(name)` | A secret by its name. | addition |\n";
}

std::string refused_page() {
    std::vector<const Refused*> rows;
    for (const Refused& row : language::refused()) rows.push_back(&row);
    std::sort(rows.begin(), rows.end(), [](const Refused* a, const Refused* b) { return a->name < b->name; });
    std::string text = "## What there is not\n\n| | why, and what to write |\n|---|---|\n";
    for (const Refused* row : rows) text += fmt::format("| `{}` | {} |\n", row->name, cell(row->reason));
    return text;
}

}  // namespace

std::string expression_reference() {
    std::string text =
        "# Expressions\n\nWhat may be written between `{{ }}`, in `when`, `each` and `that`, and in template files. "
        "All of it "
        "means what it means in Jinja2 3.1; what is marked as an addition Jinja2 has not. docs/templates.md tells the "
        "rest.\n\n";
    text += filters_page() + "\n" + tests_page() + "\n" + functions_page();
    text += "\n## Methods\n\nPython's, by their names there:\n\n" + methods("text", language::text_methods()) +
            methods("list", language::list_methods()) + methods("mapping", language::map_methods()) + "\n";
    return text + refused_page();
}

}  // namespace chaos
