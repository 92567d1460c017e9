// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "filters.hpp"

namespace chaos::language {

/// `x.name(arguments)`, of a text, list or mapping.
struct Method {
    std::string_view name, signature;
    Datum (*run)(Call&);
    bool keeps = false;  ///< Hands on items as they are.
};
std::span<const Method> text_methods();
std::span<const Method> list_methods();
std::span<const Method> map_methods();

/// `old` by `now`, so many times (-1: all).
std::string replace_in(std::string_view text, std::string_view old, std::string_view now, std::int64_t most, Budget&);

}  // namespace chaos::language
