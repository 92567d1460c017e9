// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chaos/system/packages.hpp>
#include <charconv>
#include <numeric>
#include <tuple>

#include "packages.hpp"

namespace chaos {
namespace {

constexpr std::size_t most = 256U << 20;  // of a file that is wholly read: no host's status comes near it

std::string_view word(std::string_view& text) {
    const auto end = std::min(text.find(' '), text.size());
    const auto part = text.substr(0, end);
    text.remove_prefix(std::min(text.find_first_not_of(' ', end), text.size()));
    return part;
}

/// Calls `each(field, value)` for every first line of a field, and `end()` after each paragraph. Continued lines, which
/// are most of the text, cost one search for the newline.
template <class Each, class End>
void paragraphs(std::string_view text, Each each, End end) {
    bool open = false;
    while (!text.empty()) {
        const auto length = std::min(text.find('\n'), text.size());
        const auto line = text.substr(0, length);
        text.remove_prefix(std::min(length + 1, text.size()));
        if (line.empty()) {
            if (open) end();
            open = false;
        } else if (line[0] != ' ' && line[0] != '\t') {
            open = true;
            const auto colon = line.find(':');
            if (colon == line.npos) continue;
            auto value = line.substr(colon + 1);
            value.remove_prefix(std::min(value.find_first_not_of(" \t"), value.size()));
            each(line.substr(0, colon), value);
        }
    }
    if (open) end();
}

/// For every processor.
bool is_common(std::string_view architecture) {
    return architecture == "all" || architecture == "noarch" || architecture == "any";
}

/// In bytes.
std::int64_t kilobytes(std::string_view digits) {
    std::int64_t value = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), value);
    constexpr std::int64_t most_said = std::int64_t{1} << 50;
    return value > 0 && value < most_said ? value * 1024 : 0;
}

std::string_view trimmed(std::string_view text) {
    const auto end = text.find_last_not_of(" \t\r\n");
    return end == text.npos ? std::string_view() : text.substr(0, end + 1);
}

}  // namespace

bool Packages::broken(const Package& package) {
    return package.flag == "reinstreq" || package.status == "half-installed" || package.status == "unpacked" ||
           package.status == "half-configured" || package.status.starts_with("triggers-");
}

void Packages::index() {
    const auto key = [&](std::uint32_t number) {
        const auto& one = all[number];
        const bool native_here = one.architecture == architecture || is_common(one.architecture);
        return std::tuple(std::string_view(one.name), !native_here, std::string_view(one.architecture));
    };
    by_name_.resize(all.size());
    std::iota(by_name_.begin(), by_name_.end(), 0U);
    // A later paragraph comes first among equals, and the earlier ones go.
    std::sort(by_name_.begin(), by_name_.end(),
              [&](auto a, auto b) { return std::pair(key(a), b) < std::pair(key(b), a); });
    const auto last = std::unique(by_name_.begin(), by_name_.end(), [&](auto a, auto b) { return key(a) == key(b); });
    by_name_.erase(last, by_name_.end());
    if (by_name_.size() != all.size()) {  // what dpkg noted of them before is no package beside them
        std::vector<std::uint32_t> number(all.size(), 0);
        for (const auto one : by_name_) number[one] = 1;
        std::uint32_t next = 0;
        for (std::uint32_t i = 0; i < all.size(); ++i) {
            if (!number[i]) continue;
            if (i != next) all[next] = std::move(all[i]);
            number[i] = next++;
        }
        all.resize(next);
        for (auto& one : by_name_) one = number[one];
    }
    std::erase_if(by_name_, [&](auto number) { return all[number].status == "not-installed"; });
}

Packages Packages::of(Keeper keeper, std::vector<Package> all) {
    Packages found;
    found.all = std::move(all), found.keeper = keeper, found.present = true;
    for (const auto& one : found.all)  // what the package manager itself is built for
        if (found.architecture.empty() || one.name == "glibc")
            if (!is_common(one.architecture)) found.architecture = one.architecture;
    found.index();
    return found;
}

Packages Packages::parse(std::string_view status, std::string_view extended_states, std::string_view native) {
    Packages found;
    found.present = true, found.keeper = Keeper::apt;
    Package package;
    paragraphs(
        status,
        [&](std::string_view field, std::string_view value) {
            if (field == "Package")
                package.name = value;
            else if (field == "Status")
                package.want = word(value), package.flag = word(value), package.status = value;
            else if (field == "Architecture")
                package.architecture = value;
            else if (field == "Version")
                package.version = value;
            else if (field == "Installed-Size")
                package.size = kilobytes(value);
            else if (field == "Essential" || field == "Protected" || field == "Important")
                package.essential = package.essential || value == "yes";
        },
        [&] {
            package.essential = package.essential || package.name == "apt";  // apt never removes itself unforced
            if (!package.name.empty()) found.all.push_back(std::move(package));
            package = {};
        });

    found.architecture = trimmed(native);
    if (found.architecture.empty())  // dpkg is there in every such root, and has the architecture it was built for
        for (const auto& one : found.all)
            if (one.name == "dpkg" && one.installed()) found.architecture = one.architecture;
    for (auto& one : found.all)  // the host needs its own; another architecture's came for the sake of a package
        one.essential = one.essential && (one.architecture == found.architecture || one.architecture == "all");

    found.index();
    std::string name, architecture;
    bool automatic = false;
    paragraphs(
        extended_states,
        [&](std::string_view field, std::string_view value) {
            if (field == "Package")
                name = value;
            else if (field == "Architecture")
                architecture = value;
            else if (field == "Auto-Installed")
                automatic = value == "1";
        },
        [&] {
            // apt writes the native architecture for a package of architecture all.
            if (const auto* one = found.find(architecture.empty() ? name : name + ":" + architecture))
                found.all[static_cast<std::size_t>(one - found.all.data())].automatic = automatic;
            name.clear(), architecture.clear(), automatic = false;
        });
    return found;
}

const Packages::Package* Packages::find(std::string_view wanted) const {
    const auto colon = wanted.find(':');
    const auto name = wanted.substr(0, colon);
    const auto suffix = colon == wanted.npos ? std::string_view() : wanted.substr(colon + 1);
    auto at = std::lower_bound(by_name_.begin(), by_name_.end(), name,
                               [&](auto number, std::string_view value) { return all[number].name < value; });
    for (; at != by_name_.end() && all[*at].name == name; ++at) {
        const auto& one = all[*at];
        if (suffix.empty()) {
            // The native one comes first. To apt a foreign one is another package; others take it where there is none.
            const bool counts = keeper != Keeper::apt || architecture.empty() || one.architecture == architecture;
            return counts || is_common(one.architecture) ? &one : nullptr;
        } else if (one.architecture == suffix ||
                   (is_common(one.architecture) && (suffix == architecture || suffix == "any"))) {
            return &one;
        }
    }
    return nullptr;
}

namespace {

bool has_rpm(const Host& host) {
    for (const char* directory : {"/usr/lib/sysimage/rpm/", "/var/lib/rpm/"})
        for (const char* file : {"rpmdb.sqlite", "Packages.db", "Packages"})
            if (host.look(std::string(directory) + file)) return true;
    return false;
}

/// The words of ID and ID_LIKE, with a blank around each.
std::string system_of(const Host& host) {
    std::string text, words = " ";
    if (!host.look("/etc/os-release", &text) || text.empty()) host.look("/usr/lib/os-release", &text);
    for (std::string_view rest = text; !rest.empty();) {
        auto line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(line.size() + 1, rest.size()));
        if (!line.starts_with("ID=") && !line.starts_with("ID_LIKE=")) continue;
        line.remove_prefix(line.find('=') + 1);
        for (const char c : line)
            if (c != '"' && c != '\'') words += c;
        words += ' ';
    }
    return words;
}

}  // namespace

Packages::Keeper Packages::keeper_of(const Host& host) {
    const Entry status = host.look("/var/lib/dpkg/status");
    const bool apt = status && status.size > 0, rpm = has_rpm(host);
    const bool pacman = host.look("/var/lib/pacman/local").kind == Entry::Kind::directory;
    if (!pacman && !rpm) return status ? Keeper::apt : Keeper::none;
    if (pacman && !apt && !rpm) return Keeper::pacman;
    const auto system = system_of(host);
    const auto is = [&](std::initializer_list<std::string_view> names) {
        return std::any_of(names.begin(), names.end(), [&](std::string_view name) {
            return system.find(" " + std::string(name) + " ") != system.npos;
        });
    };
    if (apt && (is({"debian", "ubuntu"}) || (!rpm && !is({"arch"})))) return Keeper::apt;
    if (pacman && (is({"arch"}) || !rpm)) return Keeper::pacman;
    if (rpm && is({"suse", "opensuse", "sles"})) return Keeper::zypper;
    if (rpm && is({"fedora", "rhel", "centos"})) return Keeper::dnf;
    if (apt) return Keeper::apt;
    return host.look("/etc/zypp/zypp.conf") ? Keeper::zypper : Keeper::dnf;
}

Packages Packages::read(const View& view) {
    switch (const auto keeper = keeper_of(view.host())) {
        case Keeper::pacman: return packages::of_pacman(view.host());
        case Keeper::dnf:
        case Keeper::zypper: return packages::of_rpm(view.host(), keeper);
        case Keeper::apt:
        case Keeper::none: break;
    }
    std::string status, extended, native;
    if (!view->look("/var/lib/dpkg/status", &status, most)) return {};
    view->look("/var/lib/apt/extended_states", &extended, most);
    view->look("/var/lib/dpkg/arch-native", &native);
    bool journal = false;
    for (const auto& name : view->list("/var/lib/dpkg/updates")) {
        if (name.find_first_not_of("0123456789") != name.npos) continue;  // tmp.i: not finished, and so not said
        std::string paragraph;
        view->look("/var/lib/dpkg/updates/" + name, &paragraph, most);
        status += "\n" + paragraph;
        journal = true;
    }
    auto found = parse(status, extended, native);
    found.journal = journal;
    return found;
}

}  // namespace chaos
