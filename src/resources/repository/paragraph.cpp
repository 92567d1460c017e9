// SPDX-License-Identifier: Apache-2.0
#include "paragraph.hpp"

#include <fmt/format.h>

#include "../lines.hpp"

namespace chaos::resources {

namespace {

bool is_comment(std::string_view line) {
    return line.starts_with('#') || line.starts_with(';');
}

bool goes_on(std::string_view line) {
    return !line.empty() && (line.front() == ' ' || line.front() == '\t') && !trimmed(line).empty();
}

}  // namespace

Paragraph::Paragraph(std::string_view text, std::string_view section, std::string_view separator)
    : section_(section), separator_(separator) {
    const std::string header = fmt::format("[{}]", section);
    auto* into = section.empty() ? &lines_ : &before_;
    there_ = section.empty() && !trimmed(text).empty();
    for (const auto line : lines_of(text)) {
        const auto bare = trimmed(line);
        if (!section.empty() && bare == header && !there_) {
            there_ = true, before_.emplace_back(line), into = &lines_;
            continue;
        }
        if (!section.empty() && into == &lines_ && bare.starts_with('[') && bare.ends_with(']')) into = &after_;
        into->emplace_back(line);
    }
    // Blank lines and comments at the end belong to what follows.
    if (section.empty()) return;
    std::size_t own = lines_.size();
    while (own > 0 && (trimmed(lines_[own - 1]).empty() || is_comment(lines_[own - 1]))) --own;
    after_.insert(after_.begin(), lines_.begin() + static_cast<std::ptrdiff_t>(own), lines_.end());
    lines_.resize(own);
}

std::size_t Paragraph::paragraphs() const {
    std::size_t count = 0;
    bool inside = false;
    for (const auto& line : lines_) {
        const bool says = !trimmed(line).empty() && !is_comment(line);
        if (says && !inside) ++count, inside = true;
        if (trimmed(line).empty()) inside = false;
    }
    return count;
}

std::string_view Paragraph::key_of(std::string_view line) const {
    if (is_comment(line) || goes_on(line)) return {};
    const auto at = line.find(separator_.find(':') != std::string::npos ? ':' : '=');
    return at == std::string_view::npos ? std::string_view() : trimmed(line.substr(0, at));
}

/// After the lines that go on.
std::size_t Paragraph::end_of(std::size_t line) const {
    std::size_t end = line + 1;
    while (end < lines_.size() && goes_on(lines_[end])) ++end;
    return end;
}

std::vector<std::string> Paragraph::values(std::string_view key) const {
    std::vector<std::string> found;
    for (std::size_t i = 0; i < lines_.size(); ++i) {
        if (key_of(lines_[i]) != key || key.empty()) continue;
        const auto at = lines_[i].find(separator_.find(':') != std::string::npos ? ':' : '=');
        std::string value(trimmed(std::string_view(lines_[i]).substr(at + 1)));
        for (std::size_t more = i + 1; more < end_of(i); ++more)
            value.append(value.empty() ? "" : "\n").append(trimmed(lines_[more]));
        found.push_back(std::move(value));
    }
    return found;
}

void Paragraph::set(std::string_view key, const std::vector<std::string>& wanted) {
    if (values(key) == wanted) return;
    std::vector<std::string> out;
    bool done = false;
    const auto say = [&] {
        for (const auto& value : wanted) out.push_back(fmt::format("{}{}{}", key, separator_, value));
        done = true;
    };
    for (std::size_t i = 0; i < lines_.size();) {
        const auto end = end_of(i);
        if (key_of(lines_[i]) == key) {
            if (!done) say();
        } else {
            out.insert(out.end(), lines_.begin() + static_cast<std::ptrdiff_t>(i),
                       lines_.begin() + static_cast<std::ptrdiff_t>(end));
        }
        i = end;
    }
    std::size_t blank = 0;
    while (!done && !out.empty() && trimmed(out.back()).empty()) out.pop_back(), ++blank;
    if (!done) say();
    out.insert(out.end(), blank, "");
    lines_ = std::move(out);
}

void Paragraph::add_section() {
    if (there_) return;
    if (!before_.empty() && !trimmed(before_.back()).empty()) before_.emplace_back();
    before_.push_back(fmt::format("[{}]", section_));
    there_ = true;
}

void Paragraph::remove_section() {
    if (!there_) return;
    lines_.clear();
    before_.pop_back();
    if (!before_.empty() && trimmed(before_.back()).empty()) before_.pop_back();
    there_ = false;
}

std::string Paragraph::text() const {
    std::string out;
    for (const auto* part : {&before_, &lines_, &after_})
        for (const auto& line : *part) out.append(line).append("\n");
    return out;
}

std::vector<std::string> words_in(std::string_view text) {
    std::vector<std::string> words;
    constexpr std::string_view blanks = " \t\r\n,";
    for (std::size_t at = text.find_first_not_of(blanks); at != text.npos;) {
        const auto end = std::min(text.find_first_of(blanks, at), text.size());
        words.emplace_back(text.substr(at, end - at));
        at = text.find_first_not_of(blanks, end);
    }
    return words;
}

}  // namespace chaos::resources
