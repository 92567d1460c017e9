// SPDX-License-Identifier: Apache-2.0
// pacman's local database is text: a directory for each package, in it `desc`, where a line `%NAME%` is followed by its
// values and an empty line.
#include <algorithm>
#include <chaos/lines.hpp>

#include "packages.hpp"

namespace chaos {
namespace {

std::string_view line_from(std::string_view& text) {
    const auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    return line;
}

}  // namespace

Packages::Package Packages::pacman_package(std::string_view desc) {
    Package found;
    found.want = "install", found.flag = "ok", found.status = "installed";
    while (!desc.empty()) {
        const auto field = line_from(desc);
        if (!field.starts_with('%')) continue;
        const auto value = line_from(desc);
        if (field == "%NAME%")
            found.name = value;
        else if (field == "%VERSION%")
            found.version = value;
        else if (field == "%ARCH%")
            found.architecture = value;
        else if (field == "%REASON%")
            found.automatic = value == "1";
    }
    return found;
}

std::vector<std::string> Packages::pacman_ignored(std::string_view conf) {
    std::vector<std::string> names;
    bool options = false;
    while (!conf.empty()) {
        auto line = trimmed(line_from(conf));
        if (line.starts_with('[')) options = line == "[options]";
        const auto equals = line.find('=');
        if (!options || equals == line.npos || trimmed(line.substr(0, equals)) != "IgnorePkg") continue;
        for (line = trimmed(line.substr(equals + 1)); !line.empty();) {
            const auto word = line.substr(0, line.find_first_of(" \t"));
            names.emplace_back(word);
            line = trimmed(line.substr(word.size()));
        }
    }
    return names;
}

namespace packages {

Packages of_pacman(const Host& host) {
    const std::string database = "/var/lib/pacman/local/";
    std::string conf;
    host.look("/etc/pacman.conf", &conf);
    const auto ignored = Packages::pacman_ignored(conf);
    std::vector<Packages::Package> all;
    for (const auto& name : host.list(database)) {
        if (name == "ALPM_DB_VERSION") continue;
        std::string desc;
        host.look(database + name + "/desc", &desc);
        auto one = Packages::pacman_package(desc);
        if (one.name.empty()) continue;  // half written: pacman does not count it either
        one.essential =
            one.name == "glibc" || one.name == "pacman" || one.name == "systemd" || one.name == "filesystem";
        if (std::find(ignored.begin(), ignored.end(), one.name) != ignored.end()) one.want = "hold";
        all.push_back(std::move(one));
    }
    return Packages::of(Packages::Keeper::pacman, std::move(all));
}

}  // namespace packages
}  // namespace chaos
