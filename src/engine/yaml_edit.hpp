// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/value.hpp>
#include <optional>

/// Changes in a YAML text that leave the rest of it as it is, comments and order included. Whoever calls reads the
/// result again: where a text is written in a way that is not foreseen here, it comes out as something else.
namespace chaos::yaml_edit {

/// Where the lines of a text begin.
class Lines {
public:
    explicit Lines(std::string_view text);
    std::string_view text() const { return text_; }
    std::size_t start(std::uint32_t line) const;
    std::size_t at(Place) const;  ///< Columns count characters.

private:
    std::string_view text_;
    std::vector<std::size_t> starts_;
};

struct Replacement {
    Place where;               ///< Where the scalar begins.
    std::string text;          ///< As it is to be written.
    bool in_one_line = false;  ///< Between [ ] or { }.
};
std::string replace(const Lines&, const std::vector<Replacement>&);

/// A scalar as YAML has it: bare where that is the same text again, else quoted.
std::string scalar(const Value&);

/// The same for a place in a text: several lines as a block.
std::string scalar_at(const Value&, const Lines&, Place);

/// Without the entry `name` of the top level.
std::string without_entry(const Lines&, const Value& root, std::string_view name);

/// With a text at a path: replaced where there is one, else written in front of its neighbours; nothing where that has
/// to go into a mapping in one line.
std::optional<std::string> with_value(const Lines&, const Value& root, const std::vector<std::string>& path,
                                      const std::string& value);

}  // namespace chaos::yaml_edit
