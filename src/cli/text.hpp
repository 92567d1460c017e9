// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/utf8.hpp>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace chaos::cli {

/// Text from a manifest or a host, made harmless for a terminal: controls, bytes that are no UTF-8, and characters that
/// turn the direction of writing are shown as \n, \x1b, \u{202e}. A tab stays where `tabs` is set.
std::string escape(std::string_view text, bool tabs = false);

/// How many columns a text takes; every character counts as one.
std::size_t width(std::string_view text);

/// Colours, or none: chosen once for a stream.
class Style {
public:
    explicit Style(bool colour = false) : colour_(colour) {}
    bool colour() const { return colour_; }
    std::string bold(std::string_view text) const { return paint("1", text); }
    std::string dim(std::string_view text) const { return paint("2", text); }
    std::string red(std::string_view text) const { return paint("31", text); }
    std::string green(std::string_view text) const { return paint("32", text); }
    std::string yellow(std::string_view text) const { return paint("33", text); }
    std::string cyan(std::string_view text) const { return paint("36", text); }

private:
    std::string paint(std::string_view code, std::string_view text) const;
    bool colour_;
};

/// "1 change", "3 changes".
std::string count(std::size_t number, std::string_view noun);

/// "a, b and c"; after `most` of them "and 7 more".
std::string listed(const std::vector<std::string>& items, std::size_t most = 8);

/// Lines of cells in columns two apart, the first row in bold; the last column is as long as it likes.
std::string table(const std::vector<std::vector<std::string>>& rows, Style style);

/// Nanoseconds since 1970 as 2026-11-21 04:05:11 of this place; and as "3 minutes ago". Empty for 0.
std::string date_of(std::int64_t nanoseconds);
std::string ago(std::int64_t nanoseconds, std::int64_t now);

/// "90 s", "2 min", "1 h".
std::string time_in_words(std::int64_t seconds);

/// "312 bytes", "4.2 MiB".
std::string size_of(std::uint64_t bytes);

/// The candidate that `word` was probably meant to be; empty where none is near.
std::string_view nearest(std::string_view word, const std::vector<std::string_view>& candidates);

}  // namespace chaos::cli
