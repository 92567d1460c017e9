// SPDX-License-Identifier: Apache-2.0
#include "apt_shown.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <unordered_set>

#include "apt_sources.hpp"
#include "deb822.hpp"
#include "manners.hpp"

namespace chaos::resources::apt {
namespace {

constexpr std::string_view directory = "/var/lib/apt/lists/";

/// Before it calls dpkg, apt lets debconf look for questions, and that asks apt about all packages once more: it is
/// given the same lists. Maintainer scripts and whatever else runs meanwhile see the host's.
constexpr const char* preconfigure = "/usr/sbin/dpkg-preconfigure";

bool is_release(std::string_view name) {
    return name.ends_with("_InRelease") || name.ends_with("_Release") || name.ends_with("_Release.gpg");
}

/// What the lists say of these, none of it compressed; empty where they can not be told from the rest.
std::vector<Command::Own> lists_of(const View& view, const std::set<std::string>& wanted,
                                   const std::string& native) try {
    std::vector<Command::Own> shown;
    std::set<std::string> found;
    const auto names = view->list(std::string(directory));
    for (const auto& name : names) {
        const auto path = std::string(directory) + name;
        const std::string bare(list_name(name));
        if (is_release(name)) {
            std::string text;
            view->look(path, &text, 64U << 20);
            shown.push_back({name, std::move(text)});
        } else if (!bare.empty()) {
            if (bare != name && std::binary_search(names.begin(), names.end(), bare)) continue;  // as apt does
            shown.push_back({bare, paragraphs_of(text_of(view, {.path = path}), wanted, native, found)});
        } else if (name.find("_Packages.") != name.npos) {
            return {};
        }
    }
    return found == wanted ? std::move(shown) : std::vector<Command::Own>();
} catch (const Error&) {  // a list that can not be read: apt says so itself
    return {};
}

/// What debconf asks apt for is asked of the same lists.
void show_preconfigure(const WritableHost& host, const std::string& veil, Command& command) {
    auto own = changed_copy(host, preconfigure, "system(\"apt-extracttemplates\"",
                            fmt::format("system(\"env\", \"APT_CONFIG={}/apt.conf\", \"apt-extracttemplates\"", veil));
    if (!own) return;
    command.own.push_back(std::move(*own));
    command.own.push_back({"apt.conf", fmt::format("Dir::State::lists \"{}\";\nDir::Cache::pkgcache \"\";\n"
                                                   "Dir::Cache::srcpkgcache \"\";\n",
                                                   veil)});
}

}  // namespace

std::string paragraphs_of(std::string_view list, const std::set<std::string>& wanted, const std::string& native,
                          std::set<std::string>& found) {
    std::unordered_set<std::string_view> names;
    const auto bare = [](std::string_view one) { return one.substr(0, one.find_first_of(":=")); };
    for (const std::string& one : wanted) names.insert(bare(one));
    std::string picked;
    constexpr std::string_view field = "Package: ";
    for (std::size_t begin = 0, end = 0; begin < list.size(); begin = end) {
        end = std::min(list.find("\n\n", begin), list.size() - 2) + 2;
        const auto whole = list.substr(begin, end - begin);
        const auto at = whole.starts_with(field) ? 0 : whole.find("\nPackage: ") + 1;  // 0 where there is none
        const auto name = whole.substr(at, whole.find('\n', at) - at);
        if (!name.starts_with(field) || !names.contains(name.substr(field.size()))) continue;
        DebParagraph one;
        for (auto rest = whole; next_paragraph(rest, one);) {
            auto its = fmt::format("{}:{}={}", one.package, one.architecture, one.version);
            if ((one.architecture == native || one.architecture == "all") && !wanted.contains(its))
                its = fmt::format("{}={}", one.package, one.version);
            if (!wanted.contains(its)) continue;
            found.insert(std::move(its));
            picked += whole;
        }
    }
    return picked;
}

void show_only_what_comes(WritableHost& host, const Request& request, Command& command) {
    std::set<std::string> wanted;
    for (const std::string& one : request.install)
        if (!request.files.contains(one)) wanted.insert(one);
    const auto veil = veil_of(host);
    if (veil.empty() || !request.complete) return;
    const View view(host);
    auto shown = lists_of(view, wanted, view.once<Packages>().architecture);
    if (shown.empty()) return;

    command.veil = veil;
    for (auto& own : shown) command.own.push_back(std::move(own));
    command.argv.insert(command.argv.begin() + 1,
                        {"-o", "Dir::State::lists=" + veil, "-o", "Dir::Cache::srcpkgcache="});
    show_preconfigure(host, veil, command);
}

}  // namespace chaos::resources::apt
