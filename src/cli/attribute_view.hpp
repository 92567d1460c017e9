// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/state.hpp>

#include "json.hpp"
#include "text.hpp"

namespace chaos::cli {

/// One attribute as it goes from one value to another, ready to be shown: secrets are gone from it already.
struct AttributeView {
    std::string name;
    std::optional<std::string> before, after;  ///< In one line; of a content, its size. Nothing where it is not given.
    std::vector<std::string> added, removed;   ///< Of a set or mapping.
    std::vector<std::string> diff;             ///< Of a text: lines of a unified diff.
    std::size_t left_out = 0;                  ///< Lines of the diff that are not shown.
    bool secret = false;
    bool several = false;  ///< It is a set or a mapping: shown by what is added and removed.
};

/// How much of contents is shown.
struct Detail {
    std::size_t diff_lines = 60;
    bool options = false;  ///< Also how it is brought about.
};

/// What differs between two states as encode() gives them; null is absent. Without a schema (a kind this program does
/// not know) every attribute is a plain one.
std::vector<AttributeView> attributes(const Schema*, const Value& before, const Value& after, const Detail&);

Json to_json(const AttributeView&);
std::string render(const AttributeView&, Style, std::size_t indent);

/// A value in one line, for people: a text, `a, b, c` or `k=v, l=w`.
std::string in_line(const Value&);

inline constexpr std::string_view hidden = "‹secret›";

}  // namespace chaos::cli
