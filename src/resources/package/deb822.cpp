// SPDX-License-Identifier: Apache-2.0
#include "deb822.hpp"

#include <algorithm>
#include <cstring>

namespace chaos::resources {
namespace {

using Member = std::string_view DebParagraph::*;

struct Known {
    std::string_view name;
    Member member;
};

constexpr Known known[] = {
    {"Package", &DebParagraph::package},
    {"Version", &DebParagraph::version},
    {"Architecture", &DebParagraph::architecture},
    {"Multi-Arch", &DebParagraph::multi_arch},
    {"Status", &DebParagraph::status},
    {"Source", &DebParagraph::source},
    {"Depends", &DebParagraph::depends},
    {"Pre-Depends", &DebParagraph::pre_depends},
    {"Recommends", &DebParagraph::recommends},
    {"Suggests", &DebParagraph::suggests},
    {"Conflicts", &DebParagraph::conflicts},
    {"Breaks", &DebParagraph::breaks},
    {"Provides", &DebParagraph::provides},
    {"Size", &DebParagraph::size},
    {"Installed-Size", &DebParagraph::installed_size},
    {"Essential", &DebParagraph::essential},
    {"Important", &DebParagraph::important},
    {"Protected", &DebParagraph::is_protected},
};

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\n' || text.back() == '\r'))
        text.remove_suffix(1);
    return text;
}

std::size_t line_end(std::string_view text) {
    const void* found = text.empty() ? nullptr : std::memchr(text.data(), '\n', text.size());
    return found ? static_cast<std::size_t>(static_cast<const char*>(found) - text.data()) : text.size();
}

}  // namespace

bool next_field(std::string_view& text, std::string_view& name, std::string_view& value) {
    while (!text.empty()) {
        auto end = line_end(text);
        const auto first = text.substr(0, end);
        if (first.empty() || first == "\r") return text.remove_prefix(std::min(end + 1, text.size())), false;
        while (end + 1 < text.size() && (text[end + 1] == ' ' || text[end + 1] == '\t'))
            end += 1 + line_end(text.substr(end + 1));
        const auto whole = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        const auto colon = first.find(':');
        if (colon == first.npos || first[0] == ' ' || first[0] == '\t' || first[0] == '#') continue;
        name = first.substr(0, colon);
        value = trimmed(whole.substr(colon + 1));
        return true;
    }
    return false;
}

bool next_paragraph(std::string_view& text, DebParagraph& found) {
    while (!text.empty()) {
        found = {};
        std::string_view name, value;
        while (next_field(text, name, value))
            for (const auto& [wanted, member] : known)
                if (name.size() == wanted.size() && name == wanted) {
                    found.*member = value;
                    break;
                }
        if (!found.package.empty()) return true;
    }
    return false;
}

}  // namespace chaos::resources
