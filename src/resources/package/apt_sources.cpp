// SPDX-License-Identifier: Apache-2.0
#include "apt_sources.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "../lines.hpp"
#include "deb822.hpp"

namespace chaos::resources::apt {
namespace {

constexpr std::size_t most = 512U << 20;  // of a file that is wholly read: Debian's largest list has 60 MB
constexpr std::string_view directory = "/var/lib/apt/lists/";

std::vector<std::string> words(std::string_view text) {
    std::vector<std::string> all;
    constexpr const char* blank = " \t\r\n";
    for (auto at = text.find_first_not_of(blank); at != text.npos; at = text.find_first_not_of(blank, at)) {
        const auto end = std::min(text.find_first_of(blank, at), text.size());
        all.emplace_back(text.substr(at, end - at));
        at = end;
    }
    return all;
}

bool says_no(std::string_view value) {
    constexpr std::string_view all[] = {"no", "false", "without", "off", "disable", "0"};
    return std::find(std::begin(all), std::end(all), value) != std::end(all);
}

/// A file, or what a link leads to: apt links to the lists of `file:` sources.
Entry look_through(const View& view, std::string& path) {
    Entry entry;
    for (int links = 0; links < 8; ++links) {
        std::string target;
        entry = view->look(path, &target, 0);
        if (entry.kind != Entry::Kind::link) break;
        path = target.starts_with('/') ? target : path.substr(0, path.rfind('/') + 1) + target;
    }
    return entry;
}

/// `APT::Install-Recommends "0";`
void read_configuration(const View& view, const std::string& native, Settings& found) {
    Output output;
    try {
        output = view->ask({{"apt-config", "dump"}});
    } catch (const Error&) {
        return;  // what apt does where nothing is configured
    }
    for (std::string_view rest = output.status == 0 ? output.out : std::string_view(); !rest.empty();) {
        const auto line = next_line(rest);
        const auto open = line.find(" \""), close = line.rfind("\";");
        if (open == line.npos || close == line.npos || close < open + 2) continue;
        const auto key = line.substr(0, open);
        const std::string value(line.substr(open + 2, close - open - 2));
        if (key == "APT::Install-Recommends")
            found.recommends = !says_no(value);
        else if (key == "APT::Default-Release")
            found.default_release = value;
        else if (key.starts_with("APT::Architectures:") && !value.empty() && value != native)
            found.foreign.push_back(value);
    }
}

std::vector<Source> sources(const View& view) {
    std::vector<Source> all;
    const auto add = [&](std::vector<Source> some, std::string_view file) {
        for (auto& one : some) one.file = file.substr(0, file.rfind('.'));
        all.insert(all.end(), some.begin(), some.end());
    };
    std::string text;
    if (view->look("/etc/apt/sources.list", &text)) add(sources_in_list(text), "sources.list.");  // all of its name
    for (const auto& name : view->list("/etc/apt/sources.list.d")) {
        if (!name.ends_with(".list") && !name.ends_with(".sources")) continue;
        std::string path = "/etc/apt/sources.list.d/" + name, part;
        look_through(view, path);
        if (!view->look(path, &part)) continue;
        add(name.ends_with(".list") ? sources_in_list(part) : sources_in_deb822(part), name);
    }
    return all;
}

void read_release(const View& view, const std::string& prefix, List& list) {
    std::string text;
    if (!view->look(prefix + "InRelease", &text, most)) view->look(prefix + "Release", &text, most);
    std::string_view rest = text, name, value;
    if (rest.starts_with("-----BEGIN")) {  // signed: the header ends with a blank line
        const auto blank = rest.find("\n\n");
        rest.remove_prefix(blank == rest.npos ? rest.size() : blank + 2);
    }
    while (next_field(rest, name, value)) {
        if (name == "Origin") list.origin = value;
        if (name == "Label") list.label = value;
        if (name == "Suite") list.archive = value;
        if (name == "Codename") list.codename = value;
        if (name == "Version") list.version = value;
        if (name == "NotAutomatic") list.not_automatic = value == "yes";
        if (name == "ButAutomaticUpgrades") list.but_automatic_upgrades = value == "yes";
        if (name == "MD5Sum" || name == "SHA256") break;
    }
}

std::string site_of(std::string_view uri) {
    const auto scheme = uri.find("://");
    if (scheme == uri.npos) return {};
    auto host = uri.substr(scheme + 3);
    host = host.substr(0, host.find('/'));
    if (const auto at = host.rfind('@'); at != host.npos) host.remove_prefix(at + 1);
    return std::string(host.substr(0, host.find(':')));
}

std::string preferences(const View& view) {
    std::string all;
    view->look("/etc/apt/preferences", &all);
    for (const auto& name : view->list("/etc/apt/preferences.d")) {
        const auto dot = name.find('.');
        std::string part;
        if ((dot == name.npos || name.ends_with(".pref")) && view->look("/etc/apt/preferences.d/" + name, &part))
            all += "\n\n" + part;
    }
    return all;
}

void add_lists(const View& view, const std::vector<std::string>& names, const Source& source,
               const std::vector<std::string>& architectures, Settings& found) {
    const bool flat = source.suite.ends_with('/');
    const auto base = source.uri.ends_with('/') ? source.uri : source.uri + "/";
    const auto release =
        file_name_of(flat ? base + (source.suite == "/" ? "" : source.suite) : base + "dists/" + source.suite + "/");
    const auto prefix = flat ? release : release + file_name_of(source.component + "/") + "binary-";
    for (auto name = std::lower_bound(names.begin(), names.end(), prefix);
         name != names.end() && name->starts_with(prefix); ++name) {
        std::string_view rest(*name);
        rest.remove_prefix(prefix.size());
        List list{.path = std::string(directory) + *name, .site = site_of(source.uri), .component = source.component};
        list.suite = source.suite, list.file = source.file;
        if (!flat) {
            const auto end = rest.find('_');
            list.architecture = rest.substr(0, end);
            if (end == rest.npos ||
                std::find(architectures.begin(), architectures.end(), list.architecture) == architectures.end())
                continue;
            rest.remove_prefix(end + 1);
        }
        const auto is_known = [&](const List& one) { return one.path == list.path; };
        if (list_name(rest) != "Packages" || std::any_of(found.lists.begin(), found.lists.end(), is_known)) continue;
        read_release(view, std::string(directory) + release, list);
        found.lists.push_back(std::move(list));
    }
}

}  // namespace

std::string file_name_of(std::string_view uri) {
    if (const auto scheme = uri.find(':'); scheme != uri.npos && scheme < uri.find('/'))
        uri.remove_prefix(uri.substr(scheme).starts_with("://") ? scheme + 3 : scheme + 1);
    if (const auto at = uri.find('@'); at < uri.find('/')) uri.remove_prefix(at + 1);
    constexpr std::string_view quoted = "\\|{}[]<>\"^~_=!@#$%^&*";
    std::string name;
    for (const char c : uri) {
        const auto byte = static_cast<unsigned char>(c);
        if (quoted.find(c) != quoted.npos || byte <= 0x20 || byte >= 0x7F)
            name += fmt::format("%{:02x}", byte);
        else
            name += c == '/' ? '_' : c;
    }
    return name;
}

std::string_view list_name(std::string_view name) {
    constexpr std::string_view packages = "Packages";
    for (const std::string_view ending : {"", ".lz4", ".xz", ".gz", ".zst", ".bz2", ".lzma"}) {
        if (!name.ends_with(ending)) continue;
        const auto bare = name.substr(0, name.size() - ending.size());
        if (bare == packages || (bare.ends_with(packages) && bare[bare.size() - packages.size() - 1] == '_'))
            return bare;
    }
    return {};
}

bool is_called(const List& list, std::string_view name) {
    for (const auto* one : {&list.file, &list.suite, &list.codename, &list.archive, &list.origin, &list.label})
        if (*one == name) return true;
    return false;
}

std::vector<Source> sources_in_list(std::string_view text) {
    std::vector<Source> all;
    while (!text.empty()) {
        auto line = next_line(text);
        line = line.substr(0, line.find('#'));
        std::string plain(line);
        if (const auto open = plain.find('['), close = plain.find(']');
            open != plain.npos && close != plain.npos && open < close)
            plain.erase(open, close - open + 1);
        const auto part = words(plain);
        if (part.size() < 3 || part[0] != "deb") continue;
        if (part.size() == 3) all.push_back({part[1], part[2], {}});
        for (std::size_t i = 3; i < part.size(); ++i) all.push_back({part[1], part[2], part[i]});
    }
    return all;
}

std::vector<Source> sources_in_deb822(std::string_view text) {
    std::vector<Source> all;
    while (!text.empty()) {
        std::vector<std::string> types, uris, suites, components;
        bool enabled = true;
        for (std::string_view name, value; next_field(text, name, value);) {
            if (name == "Types") types = words(value);
            if (name == "URIs") uris = words(value);
            if (name == "Suites") suites = words(value);
            if (name == "Components") components = words(value);
            if (name == "Enabled") enabled = !says_no(value);
        }
        if (!enabled || std::find(types.begin(), types.end(), "deb") == types.end()) continue;
        for (const auto& uri : uris)
            for (const auto& suite : suites) {
                if (components.empty()) all.push_back({uri, suite, {}});
                for (const auto& component : components) all.push_back({uri, suite, component});
            }
    }
    return all;
}

Settings settings(const View& view, const std::string& native) {
    Settings found;
    read_configuration(view, native, found);
    found.preferences = preferences(view);
    std::vector<std::string> architectures = found.foreign;
    architectures.push_back(native), architectures.emplace_back("all");
    const auto names = view->list("/var/lib/apt/lists");
    for (const auto& source : sources(view)) add_lists(view, names, source, architectures, found);
    return found;
}

std::string text_of(const View& view, const List& list) {
    std::string path = list.path, text;
    look_through(view, path);
    if (list.path.ends_with("Packages")) {
        view->look(path, &text, most);
        return text;
    }
    const Command command{{"/usr/lib/apt/apt-helper", "cat-file", list.path}};
    auto output = view->ask(command);
    if (output.status != 0) throw failed(command, output);
    return std::move(output.out);
}

}  // namespace chaos::resources::apt
