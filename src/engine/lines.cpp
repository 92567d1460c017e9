// SPDX-License-Identifier: Apache-2.0
// Texts compared line by line, and put together again where two made something of one.
#include <algorithm>
#include <chaos/lines.hpp>
#include <span>

namespace chaos {

namespace {

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

}  // namespace

Lines lines_of(std::string_view text) {
    Lines lines;
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        const std::size_t length = end == std::string_view::npos ? text.size() : end + 1;
        lines.push_back(text.substr(0, length));
        text.remove_prefix(length);
    }
    return lines;
}

std::vector<LineEdit> compare_lines(const Lines& a, const Lines& b) {
    std::size_t head = 0, tail = 0;
    while (head < a.size() && head < b.size() && a[head] == b[head]) ++head;
    while (tail + head < a.size() && tail + head < b.size() && a[a.size() - 1 - tail] == b[b.size() - 1 - tail]) ++tail;
    const std::size_t left = a.size() - head - tail, right = b.size() - head - tail;
    std::vector<LineEdit> edits;
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

namespace {

void append(std::string& text, const Lines& lines, std::size_t from, std::size_t to) {
    for (; from < to; ++from) text += lines[from];
}

/// One side's text of a region of the base, given the edits of that side within it.
std::string side(const Lines& lines, const LineEdit& first, const LineEdit& last, std::size_t from, std::size_t to) {
    const std::size_t begin = first.after - (first.before - from);
    const std::size_t end = last.after + last.added + (to - last.before - last.removed);
    std::string text;
    append(text, lines, begin, end);
    return text;
}

}  // namespace

std::optional<std::string> merge_lines(std::string_view base, std::string_view one, std::string_view other) {
    const Lines root = lines_of(base), left = lines_of(one), right = lines_of(other);
    const std::vector<LineEdit> a = compare_lines(root, left), b = compare_lines(root, right);
    std::string merged;
    std::size_t at = 0, i = 0, j = 0;
    while (i < a.size() || j < b.size()) {
        // A region: edits of either that overlap or touch.
        const bool a_first = j == b.size() || (i < a.size() && a[i].before <= b[j].before);
        const std::size_t from = a_first ? a[i].before : b[j].before, first_a = i, first_b = j;
        std::size_t to = from;
        const auto take = [&](const std::vector<LineEdit>& edits, std::size_t& k) {
            if (k == edits.size() || edits[k].before > to) return false;
            to = std::max(to, edits[k].before + edits[k].removed);
            return ++k, true;
        };
        while (take(a, i) || take(b, j)) continue;
        append(merged, root, at, from);
        const auto of_left = i > first_a ? std::optional(side(left, a[first_a], a[i - 1], from, to)) : std::nullopt;
        const auto of_right = j > first_b ? std::optional(side(right, b[first_b], b[j - 1], from, to)) : std::nullopt;
        if (of_left && of_right && *of_left != *of_right) return std::nullopt;
        merged += of_left ? *of_left : *of_right;
        at = to;
    }
    append(merged, root, at, root.size());
    return merged;
}

}  // namespace chaos
