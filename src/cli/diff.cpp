// SPDX-License-Identifier: Apache-2.0
#include "diff.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chaos/lines.hpp>
#include <span>

#include "text.hpp"

namespace chaos::cli {

namespace {

class Writer {
public:
    explicit Writer(std::size_t most) : most_(most) {}

    void hunk(std::span<const LineEdit> edits, const Lines& a, const Lines& b) {
        const LineEdit &first = edits.front(), &last = edits.back();
        const std::size_t lead = std::min<std::size_t>(3, first.before);
        const std::size_t rest = std::min<std::size_t>(3, a.size() - last.before - last.removed);
        const std::size_t from = first.before - lead, to = last.before + last.removed + rest;
        const std::size_t other_from = first.after - lead, other_to = last.after + last.added + rest;
        line(fmt::format("@@ -{} +{} @@", range(from, to), range(other_from, other_to)));
        std::size_t at = from;
        for (const LineEdit& edit : edits) {
            for (; at < edit.before; ++at) text(' ', a[at]);
            for (; at < edit.before + edit.removed; ++at) text('-', a[at]);
            for (std::size_t i = 0; i < edit.added; ++i) text('+', b[edit.after + i]);
        }
        for (; at < to; ++at) text(' ', a[at]);
    }
    Diff finish() && { return std::move(diff_); }

private:
    static std::string range(std::size_t from, std::size_t to) {
        if (to == from) return fmt::format("{},0", from);
        return to - from == 1 ? fmt::format("{}", from + 1) : fmt::format("{},{}", from + 1, to - from);
    }
    void line(std::string text) {
        if (diff_.lines.size() < most_)
            diff_.lines.push_back(std::move(text));
        else
            ++diff_.left_out;
    }
    void text(char sign, std::string_view content) {
        const bool whole = content.ends_with('\n');
        line(sign + std::string(content.substr(0, content.size() - (whole ? 1 : 0))));
        if (!whole) line("\\ No newline at end of file");
    }
    std::size_t most_;
    Diff diff_;
};

}  // namespace

std::vector<std::size_t> lines_kept(std::string_view before, std::string_view after) {
    const Lines a = lines_of(before), b = lines_of(after);
    std::vector<std::size_t> kept;
    std::size_t at = 0;
    for (const LineEdit& edit : compare_lines(a, b)) {
        while (at < edit.before) kept.push_back(at++);
        at += edit.removed;
        kept.insert(kept.end(), edit.added, std::string_view::npos);
    }
    while (kept.size() < b.size()) kept.push_back(at++);
    return kept;
}

bool is_text(std::string_view bytes) {
    for (std::size_t i = 0; i < bytes.size();) {
        const std::size_t length = bytes[i] == '\0' ? 0 : utf8_length(bytes.substr(i, 4));
        if (length == 0) return false;
        i += length;
    }
    return true;
}

Diff unified_diff(std::string_view before, std::string_view after, std::size_t most) {
    const Lines a = lines_of(before), b = lines_of(after);
    const std::vector<LineEdit> edits = compare_lines(a, b);
    Writer writer(most);
    for (std::size_t from = 0, to; from < edits.size(); from = to) {
        to = from + 1;
        while (to < edits.size() && edits[to].before - (edits[to - 1].before + edits[to - 1].removed) <= 6) ++to;
        writer.hunk(std::span(edits).subspan(from, to - from), a, b);
    }
    return std::move(writer).finish();
}

}  // namespace chaos::cli
