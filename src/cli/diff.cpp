// SPDX-License-Identifier: Apache-2.0
#include "diff.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "text.hpp"

namespace chaos::cli {

namespace {

using Lines = std::vector<std::string_view>;

/// `removed` lines of the one stand where `added` lines of the other do.
struct Edit {
    std::size_t before, removed, after, added;
};

constexpr int most_edits = 1000;

/// Myers' O(ND) comparison of two texts whose first and last lines differ; empty where it would take more than
/// most_edits.
class Myers {
public:
    Myers(std::span<const std::string_view> a, std::span<const std::string_view> b)
        : a_(a), b_(b), n_(static_cast<int>(a.size())), m_(static_cast<int>(b.size())) {}

    std::vector<std::pair<int, int>> common() {  // pairs of equal lines
        for (int d = 0; d <= std::min(n_ + m_, most_edits); ++d) {
            furthest_.resize(static_cast<std::size_t>(2 * (d + 1) + 1), 0);
            if (d > 0) shift();
            for (int k = -d; k <= d; k += 2)
                if (advance(d, k)) return trace_.push_back(furthest_), walk_back(d);
            trace_.push_back(furthest_);
        }
        return {};
    }

private:
    // Row d has diagonals -d-1 .. d+1; the one before it had one less on each side.
    int& at(std::vector<int>& row, int d, int k) const { return row[static_cast<std::size_t>(k + d + 1)]; }
    void shift() {
        furthest_.insert(furthest_.begin(), 0);
        furthest_.pop_back();
    }
    int start(std::vector<int>& row, int d, int k) const {
        if (d == 0) return 0;
        const bool down = k == -d || (k != d && at(row, d, k - 1) < at(row, d, k + 1));
        return down ? at(row, d, k + 1) : at(row, d, k - 1) + 1;
    }
    bool advance(int d, int k) {
        int x = start(furthest_, d, k);
        while (x < n_ && x - k < m_ && x - k >= 0 &&
               a_[static_cast<std::size_t>(x)] == b_[static_cast<std::size_t>(x - k)])
            ++x;
        at(furthest_, d, k) = x;
        return x >= n_ && x - k >= m_;
    }
    std::vector<std::pair<int, int>> walk_back(int d) {
        std::vector<std::pair<int, int>> pairs;
        int x = n_, y = m_;
        for (; d >= 0; --d) {
            int came_x = 0, came_y = 0;
            if (d > 0) {
                // As the row before it was when this one began.
                std::vector<int>& row = trace_[static_cast<std::size_t>(d - 1)];
                const int k = x - y;
                const auto old = [&](int diagonal) { return at(row, d - 1, diagonal); };
                const bool down = k == -d || (k != d && old(k - 1) < old(k + 1));
                const int k_before = down ? k + 1 : k - 1;
                const int x_before = old(k_before);
                came_x = down ? x_before : x_before + 1, came_y = came_x - k;
                while (x > came_x && y > came_y) pairs.emplace_back(--x, --y);
                x = x_before, y = x_before - k_before;
            } else {
                while (x > 0 && y > 0) pairs.emplace_back(--x, --y);
            }
        }
        std::reverse(pairs.begin(), pairs.end());
        return pairs;
    }

    std::span<const std::string_view> a_, b_;
    int n_, m_;
    std::vector<int> furthest_;
    std::vector<std::vector<int>> trace_;
};

std::vector<Edit> compare(const Lines& a, const Lines& b) {
    std::size_t head = 0, tail = 0;
    while (head < a.size() && head < b.size() && a[head] == b[head]) ++head;
    while (tail + head < a.size() && tail + head < b.size() && a[a.size() - 1 - tail] == b[b.size() - 1 - tail]) ++tail;
    const std::size_t left = a.size() - head - tail, right = b.size() - head - tail;
    std::vector<Edit> edits;
    if (!left && !right) return edits;
    std::vector<std::pair<int, int>> pairs;
    if (left && right) pairs = Myers(std::span(a).subspan(head, left), std::span(b).subspan(head, right)).common();
    pairs.emplace_back(static_cast<int>(left), static_cast<int>(right));
    std::size_t x = 0, y = 0;
    for (const auto& [px, py] : pairs) {
        const auto to_x = static_cast<std::size_t>(px), to_y = static_cast<std::size_t>(py);
        if (to_x > x || to_y > y) edits.push_back({head + x, to_x - x, head + y, to_y - y});
        x = to_x + 1, y = to_y + 1;
    }
    return edits;
}

class Writer {
public:
    explicit Writer(std::size_t most) : most_(most) {}

    void hunk(std::span<const Edit> edits, const Lines& a, const Lines& b) {
        const Edit &first = edits.front(), &last = edits.back();
        const std::size_t lead = std::min<std::size_t>(3, first.before);
        const std::size_t rest = std::min<std::size_t>(3, a.size() - last.before - last.removed);
        const std::size_t from = first.before - lead, to = last.before + last.removed + rest;
        const std::size_t other_from = first.after - lead, other_to = last.after + last.added + rest;
        line(fmt::format("@@ -{} +{} @@", range(from, to), range(other_from, other_to)));
        std::size_t at = from;
        for (const Edit& edit : edits) {
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

/// With its newline, so that a last line without one differs from one with it.
std::vector<std::string_view> lines_of(std::string_view text) {
    Lines lines;
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        const std::size_t length = end == std::string_view::npos ? text.size() : end + 1;
        lines.push_back(text.substr(0, length));
        text.remove_prefix(length);
    }
    return lines;
}

std::vector<std::size_t> lines_kept(std::string_view before, std::string_view after) {
    const Lines a = lines_of(before), b = lines_of(after);
    std::vector<std::size_t> kept;
    std::size_t at = 0;
    for (const Edit& edit : compare(a, b)) {
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
    const std::vector<Edit> edits = compare(a, b);
    Writer writer(most);
    for (std::size_t from = 0, to; from < edits.size(); from = to) {
        to = from + 1;
        while (to < edits.size() && edits[to].before - (edits[to - 1].before + edits[to - 1].removed) <= 6) ++to;
        writer.hunk(std::span(edits).subspan(from, to - from), a, b);
    }
    return std::move(writer).finish();
}

}  // namespace chaos::cli
