// SPDX-License-Identifier: Apache-2.0
#include "text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>

namespace chaos::cli {

namespace {

std::uint32_t code_point(std::string_view character) {
    const auto at = [&](std::size_t i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(character[i])); };
    switch (character.size()) {
        case 1: return at(0);
        case 2: return (at(0) & 0x1F) << 6 | (at(1) & 0x3F);
        case 3: return (at(0) & 0x0F) << 12 | (at(1) & 0x3F) << 6 | (at(2) & 0x3F);
        default: return (at(0) & 0x07) << 18 | (at(1) & 0x3F) << 12 | (at(2) & 0x3F) << 6 | (at(3) & 0x3F);
    }
}

bool misleads(std::uint32_t point) {
    return (point >= 0x80 && point < 0xA0) || point == 0x061C || point == 0x200E || point == 0x200F ||
           (point >= 0x2028 && point <= 0x202E) || (point >= 0x2066 && point <= 0x2069) || point == 0xFEFF;
}

}  // namespace

std::string escape(std::string_view text, bool tabs) {
    std::string out;
    for (std::size_t i = 0; i < text.size();) {
        const auto byte = static_cast<unsigned char>(text[i]);
        const std::size_t length = utf8_length(text.substr(i));
        if (length == 0)
            out += fmt::format("\\x{:02x}", byte);
        else if (length > 1 && misleads(code_point(text.substr(i, length))))
            out += fmt::format("\\u{{{:x}}}", code_point(text.substr(i, length)));
        else if (byte == '\n')
            out += "\\n";
        else if (byte == '\t' && !tabs)
            out += "\\t";
        else if ((byte < 0x20 && byte != '\t') || byte == 0x7F)
            out += fmt::format("\\x{:02x}", byte);
        else
            out += text.substr(i, length);
        i += length ? length : 1;
    }
    return out;
}

std::size_t width(std::string_view text) {
    return static_cast<std::size_t>(
        std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

std::string Style::paint(std::string_view code, std::string_view text) const {
    if (!colour_ || text.empty()) return std::string(text);
    return fmt::format("\x1b[{}m{}\x1b[0m", code, text);
}

std::string count(std::size_t number, std::string_view noun) {
    return fmt::format("{} {}{}", number, noun, number == 1 ? "" : "s");
}

std::string listed(const std::vector<std::string>& items, std::size_t most) {
    const std::size_t shown = std::min(items.size(), most);
    std::string out;
    for (std::size_t i = 0; i < shown; ++i) {
        if (i) out += i + 1 == items.size() ? " and " : ", ";
        out += items[i];
    }
    if (items.size() > shown) out += fmt::format(" and {} more", items.size() - shown);
    return out;
}

std::string table(const std::vector<std::vector<std::string>>& rows, Style style) {
    std::vector<std::size_t> widths;
    for (const auto& row : rows)
        for (std::size_t i = 0; i < row.size(); ++i) {
            if (i >= widths.size()) widths.push_back(0);
            widths[i] = std::max(widths[i], width(row[i]));
        }
    std::string out;
    for (std::size_t r = 0; r < rows.size(); ++r) {
        std::string line;
        for (std::size_t i = 0; i < rows[r].size(); ++i) {
            line += rows[r][i];
            if (i + 1 < rows[r].size()) line.append(widths[i] - width(rows[r][i]) + 2, ' ');
        }
        line.erase(line.find_last_not_of(' ') + 1);
        out += (r == 0 ? style.bold(line) : line) + '\n';
    }
    return out;
}

std::string date_of(std::int64_t nanoseconds) {
    if (nanoseconds == 0) return {};
    const auto seconds = static_cast<std::time_t>(nanoseconds / 1'000'000'000);
    std::tm parts{};
    localtime_r(&seconds, &parts);
    return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02}", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday,
                       parts.tm_hour, parts.tm_min, parts.tm_sec);
}

std::string ago(std::int64_t nanoseconds, std::int64_t now) {
    if (nanoseconds == 0) return {};
    const std::int64_t seconds = (now - nanoseconds) / 1'000'000'000;
    const auto in = [&](std::int64_t unit, std::string_view noun) {
        return count(static_cast<std::size_t>(seconds / unit), noun) + " ago";
    };
    if (seconds < 0) return "in the future";
    if (seconds < 2) return "just now";
    if (seconds < 120) return in(1, "second");
    if (seconds < 2 * 3600) return in(60, "minute");
    if (seconds < 2 * 86400) return in(3600, "hour");
    return in(86400, "day");
}

std::string time_in_words(std::int64_t seconds) {
    if (seconds != 0 && seconds % 3600 == 0) return fmt::format("{} h", seconds / 3600);
    if (seconds != 0 && seconds % 60 == 0) return fmt::format("{} min", seconds / 60);
    return fmt::format("{} s", seconds);
}

std::string size_of(std::uint64_t bytes) {
    if (bytes < 1024) return count(bytes, "byte");
    double size = static_cast<double>(bytes) / 1024;
    const char* unit = "KiB";
    for (const char* next : {"MiB", "GiB", "TiB"})
        if (size >= 1024) size /= 1024, unit = next;
    return fmt::format("{:.1f} {}", size, unit);
}

std::string_view nearest(std::string_view word, const std::vector<std::string_view>& candidates) {
    std::string_view best;
    std::size_t least = std::max<std::size_t>(1, word.size() / 3) + 1;
    for (std::string_view candidate : candidates) {
        // Optimal string alignment: an exchange of neighbours is one mistake.
        const std::size_t columns = candidate.size() + 1;
        std::vector<std::size_t> before(columns), above(columns), row(columns);
        for (std::size_t j = 0; j < columns; ++j) above[j] = j;
        for (std::size_t i = 1; i <= word.size(); ++i) {
            row[0] = i;
            for (std::size_t j = 1; j < columns; ++j) {
                const bool same = word[i - 1] == candidate[j - 1];
                row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (same ? 0 : 1)});
                if (i > 1 && j > 1 && word[i - 1] == candidate[j - 2] && word[i - 2] == candidate[j - 1])
                    row[j] = std::min(row[j], before[j - 2] + 1);
            }
            before = above, above = row;
        }
        if (above.back() < least) least = above.back(), best = candidate;
    }
    return best;
}

}  // namespace chaos::cli
