// SPDX-License-Identifier: Apache-2.0
#include "apt_policy.hpp"

#include <fnmatch.h>
#include <regex.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "deb822.hpp"

namespace chaos::resources::apt {
namespace {

/// `glob*`, or `/regular expression/`.
bool matches(const std::string& pattern, const std::string& text) {
    if (pattern.size() > 1 && pattern.starts_with('/') && pattern.ends_with('/')) {
        regex_t compiled;
        if (::regcomp(&compiled, pattern.substr(1, pattern.size() - 2).c_str(), REG_EXTENDED | REG_ICASE | REG_NOSUB))
            return false;
        const bool found = ::regexec(&compiled, text.c_str(), 0, nullptr, 0) == 0;
        ::regfree(&compiled);
        return found;
    }
    return ::fnmatch(pattern.c_str(), text.c_str(), FNM_CASEFOLD) == 0;
}

bool is_pattern(const std::string& name) {
    return name.find_first_of("*?[") != name.npos || (name.starts_with('/') && name.ends_with('/'));
}

std::string_view part(std::string_view& text, std::string_view separators) {
    const auto first = std::min(text.find_first_not_of(separators), text.size());
    text.remove_prefix(first);
    const auto found = text.substr(0, text.find_first_of(separators));
    text.remove_prefix(found.size());
    return found;
}

std::string unquoted(std::string_view text) {
    if (text.size() > 1 && text.front() == '"' && text.back() == '"') text = text.substr(1, text.size() - 2);
    return std::string(text);
}

/// `a=stable, o=Debian`; a word alone is an archive or a codename, or a version.
bool is_of_release(std::string_view what, const List& list) {
    if (what.find('=') == what.npos) {
        const std::string word(part(what, " \t"));
        if (!word.empty() && word[0] >= '0' && word[0] <= '9') return matches(word, list.version);
        return word.empty() || matches(word, list.archive) || matches(word, list.codename);
    }
    while (!what.empty()) {
        const auto one = part(what, ", \t\n");
        if (one.size() < 2 || one[1] != '=') continue;
        const std::string value(one.substr(2));
        const std::string* has = one[0] == 'a'   ? &list.archive
                                 : one[0] == 'n' ? &list.codename
                                 : one[0] == 'o' ? &list.origin
                                 : one[0] == 'l' ? &list.label
                                 : one[0] == 'c' ? &list.component
                                 : one[0] == 'v' ? &list.version
                                 : one[0] == 'b' ? &list.architecture
                                                 : nullptr;
        if (has && !matches(value, *has)) return false;
    }
    return true;
}

}  // namespace

Policy::Policy(const Settings& settings) : lists_(settings.lists) {
    std::vector<Pin> general;
    if (!settings.default_release.empty()) general.push_back({{}, "release", settings.default_release, 990});
    for (std::string_view rest = settings.preferences; !rest.empty();) {
        Pin pin;
        std::optional<int> priority;
        for (std::string_view name, value; next_field(rest, name, value);) {
            if (name == "Package")
                for (auto names = value; !names.empty();)
                    if (const auto one = part(names, " \t\n"); !one.empty()) pin.packages.emplace_back(one);
            if (name == "Pin") pin.kind = part(value, " \t"), pin.what = value;
            int number = 0;
            if (name == "Pin-Priority" &&
                std::from_chars(value.data(), value.data() + value.size(), number).ec == std::errc())
                priority = number;
        }
        if (pin.packages.empty() || !priority || *priority == 0) continue;  // apt says so, and passes it by as well
        pin.priority = *priority;
        names_sources_ = names_sources_ || std::any_of(pin.packages.begin(), pin.packages.end(),
                                                       [](const auto& one) { return one.starts_with("src:"); });
        const bool all = pin.packages.size() == 1 && pin.packages[0] == "*";
        (all ? general : pins_).push_back(std::move(pin));
    }
    for (std::size_t i = 0; i < lists_.size(); ++i) {
        constexpr int usual = 500, upgrades_only = 100, never_by_itself = 1;
        const auto pin =
            std::find_if(general.begin(), general.end(), [&](const Pin& one) { return fits(one, i, "*"); });
        of_lists_.push_back(pin != general.end()               ? pin->priority
                            : lists_[i].but_automatic_upgrades ? upgrades_only
                            : lists_[i].not_automatic          ? never_by_itself
                                                               : usual);
    }
}

bool Policy::fits(const Pin& pin, std::size_t number, std::string_view version) const {
    const List& list = lists_[number];
    std::string_view what = pin.what;
    what.remove_prefix(std::min(what.find_first_not_of(" \t"), what.size()));
    if (pin.kind == "release") return is_of_release(what, list);
    if (pin.kind == "origin") return list.site.empty() ? unquoted(what).empty() : matches(unquoted(what), list.site);
    if (pin.kind == "version") return matches(std::string(what), std::string(version));
    return false;
}

bool Policy::names(const std::string& pattern, const solver::Offer& offer) const {
    if (pattern.starts_with("src:")) return matches(pattern.substr(4), std::string(offer.source));
    const auto slash = pattern.starts_with('/');
    const auto colon = slash ? pattern.npos : pattern.find(':');
    const auto bare = offer.name.substr(0, offer.name.find(':'));
    if (colon == pattern.npos && offer.name.size() != bare.size()) return false;
    if (colon != pattern.npos && pattern.substr(colon + 1) != "any" && pattern.substr(colon + 1) != offer.architecture)
        return false;
    const auto name = pattern.substr(0, colon);
    return is_pattern(name) ? matches(name, std::string(bare)) : name == bare;
}

int Policy::priority(const solver::Offer& offer) const {
    for (const Pin& pin : pins_) {
        const bool named = std::any_of(pin.packages.begin(), pin.packages.end(),
                                       [&](const std::string& one) { return names(one, offer); });
        if (named && fits(pin, offer.repository, offer.version)) return pin.priority;
    }
    return of_lists_.at(offer.repository);
}

}  // namespace chaos::resources::apt
