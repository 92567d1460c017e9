// SPDX-License-Identifier: Apache-2.0
// Patterns by PCRE2, with limits on what a match may cost (docs/design.md says why not RE2).
#include "regex.hpp"
#include <fmt/format.h>
#include <pcre2.h>
#include <chaos/error.hpp>
#include <map>
#include "utf8.hpp"

namespace chaos::language {

namespace {

constexpr std::uint32_t most_tries = 2'000'000, most_kilobytes = 32 << 10, longest_pattern = 64 << 10;

std::string reason(int code) {
    unsigned char words[256];
    pcre2_get_error_message(code, words, sizeof words);
    return reinterpret_cast<const char*>(words);
}

/// What Python spells otherwise: \Z is the very end.
std::string spelled(std::string_view pattern) {
    std::string out;
    for (std::size_t i = 0; i < pattern.size(); ++i) {
        out += pattern[i];
        if (pattern[i] == '\\' && i + 1 < pattern.size()) out += pattern[++i] == 'Z' ? 'z' : pattern[i];
    }
    return out;
}

struct Free {
    void operator()(pcre2_match_data* held) const { pcre2_match_data_free(held); }
    void operator()(pcre2_match_context* held) const { pcre2_match_context_free(held); }
    void operator()(pcre2_code* held) const { pcre2_code_free(held); }
};

}  // namespace

struct Regex::Code {
    std::unique_ptr<pcre2_code, Free> code;
    std::unique_ptr<pcre2_match_context, Free> context;
    std::map<std::string, std::size_t> names;
    std::size_t groups = 0;
};

Regex::Regex(std::string_view pattern, Flags flags) : code_(std::make_shared<Code>()) {
    if (pattern.size() > longest_pattern) throw Error("this pattern is too long");
    const std::string text = spelled(pattern);
    const std::uint32_t options = PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C | PCRE2_ALT_BSUX |
                                  (flags.ignore_case ? PCRE2_CASELESS : 0U) | (flags.multiline ? PCRE2_MULTILINE : 0U) |
                                  (flags.dot_all ? PCRE2_DOTALL : 0U) | (flags.verbose ? PCRE2_EXTENDED : 0U);
    int error = 0;
    std::size_t at = 0;
    code_->code.reset(
        pcre2_compile(reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), options, &error, &at, nullptr));
    if (!code_->code)
        throw Error(fmt::format("this is no regular expression: {} (at character {})", reason(error),
                                characters(std::string_view(text).substr(0, at)) + 1))
            .help("a sign that is meant as itself has a backslash before it, twice in quotes: \\\\(");
    code_->context.reset(pcre2_match_context_create(nullptr));
    if (!code_->context) throw Error("out of memory");
    pcre2_set_match_limit(code_->context.get(), most_tries);
    pcre2_set_heap_limit(code_->context.get(), most_kilobytes);
    std::uint32_t count = 0, names = 0, width = 0;
    pcre2_pattern_info(code_->code.get(), PCRE2_INFO_CAPTURECOUNT, &count);
    pcre2_pattern_info(code_->code.get(), PCRE2_INFO_NAMECOUNT, &names);
    pcre2_pattern_info(code_->code.get(), PCRE2_INFO_NAMEENTRYSIZE, &width);
    code_->groups = count;
    PCRE2_SPTR table = nullptr;
    pcre2_pattern_info(code_->code.get(), PCRE2_INFO_NAMETABLE, &table);
    for (std::uint32_t i = 0; i < names; ++i, table += width)
        code_->names[reinterpret_cast<const char*>(table + 2)] = static_cast<std::size_t>(table[0]) << 8 | table[1];
}

std::optional<Regex::Match> Regex::find(std::string_view text, std::size_t from, bool anchored, bool not_empty) const {
    const std::uint32_t options =
        PCRE2_NO_UTF_CHECK | (anchored ? PCRE2_ANCHORED : 0U) | (not_empty ? PCRE2_NOTEMPTY_ATSTART : 0U);
    if (from > text.size() || first_invalid_utf8(text) != std::string_view::npos) return std::nullopt;
    const std::unique_ptr<pcre2_match_data, Free> data(
        pcre2_match_data_create_from_pattern(code_->code.get(), nullptr));
    if (!data) throw Error("out of memory");
    const int found = pcre2_match(code_->code.get(), reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), from,
                                  options, data.get(), code_->context.get());
    if (found == PCRE2_ERROR_NOMATCH) return std::nullopt;
    if (found < 0)
        throw Error(fmt::format("this regular expression was given up: {}", reason(found)))
            .help("patterns like (a+)+ try without end: write them so that one way leads through");
    const std::size_t* spans = pcre2_get_ovector_pointer(data.get());
    Match match(code_->groups + 1);
    for (std::size_t i = 0; i < static_cast<std::size_t>(found); ++i)
        if (spans[2 * i] != PCRE2_UNSET && spans[2 * i] <= spans[2 * i + 1])
            match[i] = {spans[2 * i], spans[2 * i + 1]};
    return match;
}

std::size_t Regex::groups() const {
    return code_->groups;
}

std::optional<std::size_t> Regex::group(const std::string& name) const {
    const auto held = code_->names.find(name);
    return held == code_->names.end() ? std::nullopt : std::optional(held->second);
}

}  // namespace chaos::language
