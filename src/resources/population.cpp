// SPDX-License-Identifier: Apache-2.0
#include "population.hpp"

#include <fnmatch.h>

#include <algorithm>
#include <chaos/system/accounts.hpp>
#include <chaos/system/packages.hpp>
#include <chaos/system/units.hpp>
#include <map>
#include <set>
#include <utility>

#include "lines.hpp"

namespace chaos::resources {

namespace {

using Names = std::set<std::string, std::less<>>;

/// The lines `enable PATTERN` and `disable PATTERN` of all presets, the first that fits counts (systemd.preset(5)).
std::vector<std::pair<bool, std::string>> presets(const View& view) {
    std::map<std::string, std::string> files;  // by name: /etc masks /usr
    for (const char* directory : {"/lib/systemd/system-preset", "/usr/lib/systemd/system-preset",
                                  "/usr/local/lib/systemd/system-preset", "/etc/systemd/system-preset"})
        for (const auto& name : view->list(directory))
            if (name.ends_with(".preset")) files[name] = std::string(directory) + "/" + name;
    std::vector<std::pair<bool, std::string>> rules;
    for (const auto& [name, path] : files) {
        std::string text;
        view->look(path, &text);
        for (std::string_view rest = text; !rest.empty();) {
            const auto line = next_line(rest);
            for (const std::string_view word : {"enable ", "disable "})
                if (line.starts_with(word)) {
                    const auto pattern = line.substr(word.size());
                    rules.emplace_back(word[0] == 'e', pattern.substr(0, pattern.find(' ')));
                }
        }
    }
    return rules;
}

/// What Debian's packages enabled when they were installed (deb-systemd-helper keeps note of it).
Names enabled_by_packages(const View& view) {
    Names names;
    const std::string directory = "/var/lib/systemd/deb-systemd-helper-enabled";
    for (const auto& name : view->list(directory)) {
        if (name.ends_with(".dsh-also")) names.insert(name.substr(0, name.size() - 9));
        if (name.ends_with(".wants") || name.ends_with(".requires"))
            for (const auto& unit : view->list(directory + "/" + name)) names.insert(unit);
    }
    return names;
}

/// A paragraph of dpkg's status, as far as what needs what.
struct Paragraph {
    std::string_view name, priority, needs, before, gives;
    bool installed = false, essential = false;
};

std::vector<Paragraph> paragraphs(std::string_view status) {
    std::vector<Paragraph> all(1);
    while (!status.empty()) {
        const auto line = next_line(status);
        if (line.empty()) {
            if (!all.back().name.empty()) all.emplace_back();
            continue;
        }
        const auto field = [&](std::string_view name, std::string_view& into) {
            if (line.size() > name.size() && line.starts_with(name) && line[name.size()] == ':')
                into = line.substr(std::min(name.size() + 2, line.size()));
        };
        auto& one = all.back();
        std::string_view state, essential;
        field("Package", one.name), field("Priority", one.priority), field("Depends", one.needs);
        field("Pre-Depends", one.before), field("Provides", one.gives), field("Status", state);
        field("Essential", essential);
        if (!state.empty()) one.installed = state.ends_with(" installed");
        if (!essential.empty()) one.essential = essential == "yes";
    }
    std::erase_if(all, [](const Paragraph& one) { return one.name.empty() || !one.installed; });
    return all;
}

/// `a (>= 1) | b:any, c`: what each of its parts would be content with.
std::vector<std::vector<std::string>> parts_of(std::string_view relation) {
    std::vector<std::vector<std::string>> parts(1);
    bool skipping = false;
    std::string name;
    const auto end_of_name = [&] {
        if (!name.empty()) parts.back().push_back(std::exchange(name, {}));
        skipping = false;
    };
    for (const char c : relation) {
        if (c == ',') {
            end_of_name();
            if (!parts.back().empty()) parts.emplace_back();
        } else if (c == '|') {
            end_of_name();
        } else if (c == '(' || c == '[' || c == ':' || c == '<') {
            skipping = true;
        } else if (c != ' ' && !skipping) {
            name += c;
        }
    }
    end_of_name();
    if (parts.back().empty()) parts.pop_back();
    return parts;
}

/// Names, by the packages that are it or stand for it.
using Givers = std::map<std::string_view, std::vector<std::string_view>>;

Givers givers(const std::vector<Paragraph>& all) {
    Givers given_by;
    for (const Paragraph& one : all) {
        given_by[one.name].push_back(one.name);
        for (std::string_view rest = one.gives; !rest.empty();) {
            auto name = rest.substr(0, rest.find(','));
            rest.remove_prefix(std::min(name.size() + 1, rest.size()));
            while (name.starts_with(' ')) name.remove_prefix(1);
            given_by[name.substr(0, name.find_first_of(" ("))].push_back(one.name);
        }
    }
    return given_by;
}

bool is_of_the_system(const Paragraph& one) {
    static constexpr std::string_view kept[] = {
        "openssh-server",  "network-manager", "ifupdown", "systemd-sysv",   "cloud-init",
        "isc-dhcp-client", "netplan.io",      "dbus",     "libpam-systemd", "chaos"};
    return one.essential || one.priority == "required" || one.priority == "important" ||
           one.name.starts_with("linux-image-") || one.name.starts_with("grub-") ||
           std::find(std::begin(kept), std::end(kept), one.name) != std::end(kept);
}

}  // namespace

std::vector<std::string> people(const View& view) {
    constexpr std::uint32_t first = 1000, last = 59999;  // as Debian's policy and login.defs(5) have it
    std::vector<std::string> names;
    for (const auto& user : view.once<Accounts>().users)
        if (user.uid >= first && user.uid <= last) names.push_back(user.name);
    return names;
}

std::vector<std::string> enabled_by_hand(const View& view) {
    const auto rules = presets(view);
    const auto by_packages = enabled_by_packages(view);
    Names names;
    const Units& units = view.once<Units>();
    for (const std::string& unit : units.enabled) {
        if (unit.starts_with("chaos-")) continue;  // what chaos itself makes
        if (by_packages.contains(unit) || unit.find("@.") != unit.npos) continue;
        const auto at = unit.find('@'), dot = unit.rfind('.');
        const std::string general = at < dot ? unit.substr(0, at + 1) + unit.substr(dot) : unit;
        const auto rule = std::find_if(rules.begin(), rules.end(), [&](const auto& one) {
            return ::fnmatch(one.second.c_str(), unit.c_str(), FNM_NOESCAPE) == 0 || one.second == general;
        });
        if (rule != rules.end() && rule->first) continue;
        if (Units::file_of(view.host(), unit).empty()) continue;  // a link that leads nowhere
        constexpr std::string_view suffix = ".service";
        names.insert(unit.ends_with(suffix) ? unit.substr(0, unit.size() - suffix.size()) : unit);
    }
    return {names.begin(), names.end()};
}

std::vector<std::string> not_needed(std::string_view status, std::vector<std::string> candidates) {
    const auto all = paragraphs(status);
    const auto given_by = givers(all);
    Names going(candidates.begin(), candidates.end());
    for (const Paragraph& one : all)
        if (is_of_the_system(one)) going.erase(std::string(one.name));
    // What stays keeps whatever it needs, and that keeps more.
    std::vector<const Paragraph*> staying;
    std::map<std::string_view, const Paragraph*> by_name;
    for (const Paragraph& one : all) {
        by_name.emplace(one.name, &one);
        if (!going.contains(one.name)) staying.push_back(&one);
    }
    while (!staying.empty()) {
        const Paragraph& one = *staying.back();
        staying.pop_back();
        for (const auto relation : {one.needs, one.before})
            for (const auto& alternatives : parts_of(relation)) {
                std::vector<std::string_view> held;
                for (const auto& name : alternatives)
                    if (const auto found = given_by.find(name); found != given_by.end())
                        held.insert(held.end(), found->second.begin(), found->second.end());
                const bool is_met =
                    std::any_of(held.begin(), held.end(), [&](auto name) { return !going.contains(name); });
                if (is_met || held.empty()) continue;
                going.erase(going.find(held.front()));
                staying.push_back(by_name[held.front()]);
            }
    }
    std::erase_if(candidates, [&](const std::string& name) { return !going.contains(name); });
    return candidates;
}

namespace {

bool is_brought_with_the_system(const Paragraph& one) {
    return one.essential || one.priority == "required" || one.priority == "important" ||
           one.name.starts_with("linux-image-") || one.name.starts_with("grub-");
}

/// Who brings whom: what a package needs, where it is what the need names first and nothing else here meets it.
class Bringing {
public:
    explicit Bringing(const std::vector<Paragraph>& all) : given_by_(givers(all)) {
        for (const Paragraph& one : all) by_name_.emplace(one.name, &one);
    }

    /// All that comes along with it, and is not known to come yet.
    void follow(std::string_view name) {
        for (std::vector<std::string_view> open{name}; !open.empty();) {
            const auto found = by_name_.find(open.back());
            open.pop_back();
            if (found == by_name_.end()) continue;
            for (const auto relation : {found->second->needs, found->second->before})
                for (const auto& alternatives : parts_of(relation)) {
                    const auto brought = brings(alternatives);
                    if (brought.empty() || brought == name) continue;
                    if (brought_.insert(brought).second) open.push_back(brought);
                }
        }
    }
    bool is_brought(std::string_view name) const { return brought_.contains(name); }

private:
    std::string_view brings(const std::vector<std::string>& alternatives) const {
        const auto first = by_name_.find(alternatives.front());
        if (first == by_name_.end()) return {};
        for (const auto& name : alternatives)
            if (const auto held = given_by_.find(name); held != given_by_.end())
                for (const auto other : held->second)
                    if (other != first->first) return {};
        return first->first;
    }

    Givers given_by_;
    std::map<std::string_view, const Paragraph*> by_name_;
    std::set<std::string_view> brought_;
};

}  // namespace

std::vector<std::string> not_brought(std::string_view status, const std::vector<std::string>& candidates) {
    const auto all = paragraphs(status);
    Bringing bringing(all);
    Names of_the_system{"chaos"};
    for (const Paragraph& one : all)
        if (is_brought_with_the_system(one)) of_the_system.emplace(one.name), bringing.follow(one.name);
    std::vector<std::string> kept;
    for (const auto& name : candidates) {
        if (of_the_system.contains(name) || bringing.is_brought(name)) continue;
        bringing.follow(name);
        kept.push_back(name);
    }
    std::erase_if(kept, [&](const std::string& name) { return bringing.is_brought(name); });
    return kept;
}

std::vector<std::string> asked_for_by_hand(const View& view) {
    const auto& packages = view.once<Packages>();
    std::vector<std::string> candidates;
    for (const auto& one : packages.all) {
        if (!one.installed() || one.automatic || one.essential) continue;
        const bool foreign = packages.keeper == Packages::Keeper::apt && one.architecture != "all" &&
                             one.architecture != packages.architecture;
        candidates.push_back(foreign ? one.name + ":" + one.architecture : one.name);
    }
    std::sort(candidates.begin(), candidates.end());
    candidates.erase(std::unique(candidates.begin(), candidates.end()), candidates.end());
    std::string status;
    constexpr std::size_t most = 64 << 20;
    view->look("/var/lib/dpkg/status", &status, most);
    return not_brought(status, candidates);
}

std::vector<std::string> installed_by_hand(const View& view, std::span<const std::string> declared) {
    std::vector<std::string> candidates;
    for (const auto& one : view.once<Packages>().all)
        if (one.installed() && !one.automatic && !one.essential &&
            !std::binary_search(declared.begin(), declared.end(), one.name))
            candidates.push_back(one.name);
    std::sort(candidates.begin(), candidates.end());
    candidates.erase(std::unique(candidates.begin(), candidates.end()), candidates.end());
    std::string status;
    constexpr std::size_t most = 64 << 20;
    view->look("/var/lib/dpkg/status", &status, most);
    return not_needed(status, std::move(candidates));
}

}  // namespace chaos::resources
