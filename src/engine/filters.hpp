// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include "evaluator.hpp"

namespace chaos::language {

/// What a filter, test or function is given, its arguments in the order of its signature.
struct Call {
    Evaluator& evaluator;
    std::string_view name;
    const Datum& subject;
    std::vector<std::optional<Datum>> given;  ///< Nothing where it was left out.
    Arguments rest{};                         ///< Where the signature has `*` and `**`.

    Budget& budget() const { return evaluator.budget(); }
    bool has(std::size_t i) const { return given[i].has_value() && !given[i]->is(Datum::Kind::none); }
    const Datum& at(std::size_t i) const { return *given[i]; }
    std::string text(std::size_t i, std::string_view otherwise = "") const;
    std::int64_t integer(std::size_t i, std::int64_t otherwise = 0) const;
    double real(std::size_t i, double otherwise) const;
    bool flag(std::size_t i, bool otherwise) const;
    std::string own_text() const { return evaluator.text(subject); }  ///< The subject, as it prints.
    List items() const { return items_of(subject, budget()); }
};

/// `x | name(arguments)`. One row of a table: the reference is made from it.
struct Filter {
    std::string_view name;
    std::string_view signature;  ///< As in `width=79, *rest`: what has no = is required.
    std::string_view doc;
    Datum (*run)(Call&);
    bool addition = false;   ///< Jinja2 has it not.
    bool undefined = false;  ///< May be asked of what is not defined.
    bool keeps = false;      ///< Hands on items as they are: secret is what was secret, and no more.
};

/// `x is name(arguments)`.
struct Test {
    std::string_view name, signature, doc;
    bool (*run)(Call&);
    bool addition = false, undefined = false;
};

/// `name(arguments)`.
struct Function {
    std::string_view name, signature, doc;
    Datum (*run)(Call&);
    bool addition = false;
};

/// What Jinja2 or Ansible has and chaos has not, and why.
struct Refused {
    std::string_view name, reason;
};

using Filters = std::span<const Filter>;
Filters text_filters();      // filters_text.cpp
Filters layout_filters();    // filters_layout.cpp
Filters html_filters();      // filters_html.cpp
Filters list_filters();      // filters_list.cpp
Filters choosing_filters();  // filters_choose.cpp
Filters number_filters();    // filters_number.cpp
Filters data_filters();      // filters_data.cpp
Filters path_filters();      // filters_path.cpp
Filters regex_filters();     // filters_regex.cpp
Filters address_filters();   // filters_address.cpp
std::span<const Filters> all_filters();
std::span<const std::span<const Test>> all_tests();
std::span<const Test> plain_tests();   // tests_of_values.cpp
std::span<const Test> sought_tests();  // filters_regex.cpp
std::span<const Function> all_functions();
std::span<const Refused> refused();

const Filter* find_filter(std::string_view name);
const Test* find_test(std::string_view name);
const Function* find_function(std::string_view name);
std::shared_ptr<Object> function_object(const Function&);

/// What to write instead, for a name that is none.
std::string filter_hint(std::string_view name);
std::string test_hint(std::string_view name);
std::string method_hint(const Datum& self, std::string_view name);
std::string function_hint(std::string_view name);

/// Orders the arguments of a call by a signature. Throws Error where they do not fit.
Call bind(Evaluator&, std::string_view what, std::string_view name, std::string_view signature, const Datum& subject,
          Arguments&);

/// `one in all`.
bool holds(const Datum& all, const Datum& one, Budget&);

/// Text as HTML: & < > ' " as entities.
std::string escaped(std::string_view);

std::size_t first_beyond_ascii(std::string_view);  ///< npos where there is none.

/// Upper and lower case of letters of Latin, Greek, Cyrillic and Armenian; others stay as they are.
std::string upper(std::string_view);
std::string lower(std::string_view);
std::string swapped_case(std::string_view);
std::string capitalized(std::string_view);
std::string titled(std::string_view);  ///< Python's str.title.
enum class Letter : char { none, upper, lower, other };
Letter letter_of(std::uint32_t code);
std::uint32_t decode_utf8(std::string_view text, std::size_t& at);  ///< Moves `at` past it.
std::vector<std::string_view> characters_of(std::string_view);

/// Python's str.strip of blanks, or of these characters.
std::string_view stripped(std::string_view, std::string_view which = "", bool left = true, bool right = true);
bool is_space(std::uint32_t code);

/// JSON and YAML, written.
struct JsonStyle {
    int indent = -1;  ///< -1: in one line.
    bool sorted = false, ascii = true;
    std::string_view comma = ", ", colon = ": ";
};
std::string json_of(const Datum&, const JsonStyle&, Budget&);
std::string yaml_of(const Datum&, int indent, bool flow_leaves, bool sorted, Budget&);

}  // namespace chaos::language
