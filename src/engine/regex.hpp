// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace chaos::language {

/// A pattern as Python's `re` has them, as far as PCRE2 agrees. Matching is bounded: a pattern that would try without
/// end throws Error instead. The only code that knows PCRE2.
class Regex {
public:
    struct Flags {
        bool ignore_case = false, multiline = false, dot_all = false, verbose = false;
    };
    explicit Regex(std::string_view pattern) : Regex(pattern, Flags()) {}
    Regex(std::string_view pattern, Flags);  ///< Throws Error with what is wrong, and where in the pattern.

    /// A group that took no part is at npos. The first is the whole.
    struct Span {
        std::size_t from = std::string_view::npos, to = 0;
        bool matched() const { return from != std::string_view::npos; }
        std::string_view in(std::string_view text) const { return matched() ? text.substr(from, to - from) : ""; }
    };
    using Match = std::vector<Span>;
    /// The next match at or after a byte; `anchored`: only there.
    std::optional<Match> find(std::string_view text, std::size_t from = 0, bool anchored = false,
                              bool not_empty = false) const;
    std::size_t groups() const;
    std::optional<std::size_t> group(const std::string& name) const;

private:
    struct Code;
    std::shared_ptr<Code> code_;
};

}  // namespace chaos::language
