// SPDX-License-Identifier: Apache-2.0
#include "archives.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>

#include "../lines.hpp"
#include "manners.hpp"
#include "package.hpp"
#include "repack.hpp"

namespace chaos::resources::apt {
namespace {

constexpr const char* cache = "/var/cache/apt/archives";
constexpr std::string_view ending = ".deb";

std::string file_of(const Packages::Package& package) {
    return archive_name(package.name, package.version, package.architecture);
}

std::string directory_of(const Host& host) {
    const auto state = host.state_directory();
    return state.empty() ? std::string() : state + "/packages";
}

bool runs_well(const Host& host, const Command& command, std::string* out = nullptr) {
    const auto output = host.ask(command);
    if (out) *out = output.out;
    return output.status == 0;
}

/// It is of this package and version, and its contents can be read to their end.
bool is_whole(const Host& host, const std::string& path, const Packages::Package& package) {
    std::string told;
    const Command fields{{"dpkg-deb", "-W", "--showformat=${Package} ${Version} ${Architecture}", path}};
    return runs_well(host, fields, &told) &&
           told == fmt::format("{} {} {}", package.name, package.version, package.architecture) &&
           runs_well(host, {{"dpkg-deb", "--contents", path}});
}

/// `libc6` where it is the native one, as apt wants it; else `libc6:i386`.
std::string called(const Packages& packages, const Packages::Package& package) {
    const bool native = package.architecture == "all" || package.architecture == packages.architecture;
    return native ? package.name : package.name + ":" + package.architecture;
}

/// SHA-256 by the name of the file, for those that the archive's lists still have.
std::map<std::string, std::string> known_digests(WritableHost& host, const Packages& all,
                                                 const std::vector<const Packages::Package*>& packages) {
    auto command = quiet({"apt-cache", "--quiet", "show"});
    for (const auto* one : packages) command.argv.push_back(called(all, *one) + "=" + one->version);
    const auto output = host.run(command);  // what is unknown is left out
    std::map<std::string, std::string> digests;
    for (std::string_view rest = output.out; !rest.empty();) {
        std::string name, version, architecture, digest;
        for (auto line = next_line(rest); !line.empty(); line = next_line(rest)) {
            const auto value = [&](std::string_view field, std::string& into) {
                if (line.starts_with(field)) into = line.substr(field.size());
            };
            value("Package: ", name), value("Version: ", version), value("Architecture: ", architecture);
            value("SHA256: ", digest);
        }
        if (!digest.empty()) digests[archive_name(name, version, architecture)] = digest;
    }
    return digests;
}

bool has_digest(const Host& host, const std::string& path, const std::string& digest) {
    std::string told;
    return runs_well(host, {{"sha256sum", "--", path}}, &told) && told.starts_with(digest + " ");
}

class Keeping {
public:
    Keeping(WritableHost& host, const Packages& all) : host_(host), all_(all), directory_(host.keep_in("packages")) {}

    void keep(std::vector<const Packages::Package*> packages) {
        if (directory_.empty()) return;  // the state directory lies outside: what is in apt's cache has to do
        std::erase_if(packages, [&](const auto* one) { return is_kept(*one); });
        if (packages.empty()) return;
        const auto digests = known_digests(host_, all_, packages);
        take_from_cache(packages, digests);
        std::erase_if(packages, [&](const auto* one) { return is_kept(*one); });
        if (!packages.empty()) fetch(packages, digests);
        for (const auto* one : packages)
            if (!is_kept(*one)) pack(*one);
        must(host_, {{"sync", "-f", directory_}});
    }

private:
    std::string place(const Packages::Package& package) const { return directory_ + "/" + file_of(package); }
    bool is_kept(const Packages::Package& package) const { return static_cast<bool>(host_.look(place(package))); }

    bool is_right(const std::string& path, const Packages::Package& package,
                  const std::map<std::string, std::string>& digests) const {
        const auto known = digests.find(file_of(package));
        return known != digests.end() && !known->second.empty() ? has_digest(host_, path, known->second)
                                                                : is_whole(host_, path, package);
    }

    void take_from_cache(const std::vector<const Packages::Package*>& packages,
                         const std::map<std::string, std::string>& digests) {
        std::vector<std::string> found;
        for (const auto* one : packages) {
            const auto path = fmt::format("{}/{}", cache, file_of(*one));
            if (host_.look(path).kind == Entry::Kind::file && is_right(path, *one, digests)) found.push_back(path);
        }
        if (!found.empty()) put(found);
    }

    /// Another name of the same file where that can be; apt replaces its files, and never writes into one.
    void put(const std::vector<std::string>& files) {
        Command link{{"cp", "-l", "-f", "-t", directory_, "--"}},
            copy{{"cp", "--reflink=auto", "-f", "-t", directory_, "--"}};
        for (auto* command : {&link, &copy}) command->argv.insert(command->argv.end(), files.begin(), files.end());
        if (host_.run(link).status != 0) must(host_, copy);
    }

    /// All that the lists have, in one call; that it can not be had (no network) is no error: it is packed then.
    void fetch(const std::vector<const Packages::Package*>& packages,
               const std::map<std::string, std::string>& digests) {
        auto command = quiet({"apt-get", "-q", "-o", "Acquire::Retries=0", "-o", "Acquire::http::Timeout=15", "-o",
                              "Acquire::https::Timeout=15", "-o", "APT::Sandbox::User=root", "download"});
        command.directory = host_.keep_in("packages/fetched");
        std::vector<std::string> found;
        for (const auto* one : packages) {
            if (!digests.contains(file_of(*one))) continue;
            command.argv.push_back(called(all_, *one) + "=" + one->version);
            found.push_back(command.directory + "/" + file_of(*one));
        }
        if (found.empty()) return;
        host_.run(command);
        std::erase_if(found, [&](const std::string& path) { return !host_.look(path); });
        for (const auto* one : packages) {
            const auto path = command.directory + "/" + file_of(*one);
            if (std::find(found.begin(), found.end(), path) != found.end() && !is_right(path, *one, digests))
                std::erase(found, path);
        }
        if (found.empty()) return;
        Command move{{"mv", "-f", "-t", directory_, "--"}};
        move.argv.insert(move.argv.end(), found.begin(), found.end());
        must(host_, move);
    }

    void pack(const Packages::Package& package) try {
        const auto work = host_.keep_in("packages/repacked");
        const auto tree = work + "/tree", packed = work + "/packed.deb";
        must(host_, {{"rm", "-rf", "--", tree, packed}});
        must(host_, {{"mkdir", "--", tree}});
        repack(host_, package, tree, packed);
        must(host_, {{"mv", "-f", "-T", "--", packed, place(package)}});
        must(host_, {{"rm", "-rf", "--", tree}});
        host_.says(fmt::format("{} {} is in no archive any more: packed anew, to be put back with", package.name,
                               package.version));
    } catch (const Error& error) {
        throw Error(fmt::format("package {} {} can not be kept, so it could not come back: {}", package.name,
                                package.version, error.what()))
            .help(error.hint);
    }

    WritableHost& host_;
    const Packages& all_;
    std::string directory_;
};

// Run by apt with the paths of its .debs on standard input. A hard link where it is apt's own file; a repository of
// plain files may write into its own. Room is looked at closely only where it may be short: asking every .deb how much
// it holds takes 4 ms each.
constexpr const char* keep_script = R"(set -e
cd "$CHAOS_KEPT"
: > incoming.new
while read -r deb; do
    case $deb in
        "$CHAOS_CACHE"/*) name=${deb##*/}; set -- "$@" "$deb" ;;
        *)  name=$(dpkg-deb -W --showformat='${Package}_${Version}_${Architecture}.deb' "$deb" | sed 's/:/%3a/')
            cp --reflink=auto -f -T -- "$deb" "$name" ;;
    esac
    echo "$name" >> incoming.new
done
[ $# = 0 ] || cp -l -f -t . -- "$@" 2> /dev/null || cp --reflink=auto -f -t . -- "$@"
sync -f .
mv -f incoming.new incoming
packed=$(xargs -r stat -L -c %s -- < incoming | awk '{ all += $1 } END { printf "%d", all / 1024 }')
free=$(df -Pk /usr | awk 'NR == 2 { print $4 }')
if [ $((packed * 10)) -gt "$free" ]; then
    needed=0
    while read -r name; do needed=$((needed + $(dpkg-deb -f "$name" Installed-Size || echo 0))); done < incoming
    if [ "$needed" -gt "$free" ]; then
        echo "E: chaos: not enough room in /usr: $needed KiB come, $free KiB are free" >&2
        exit 1
    fi
fi
)";

/// Split at the last two `_`; neither names nor versions nor architectures have one.
bool split(std::string_view file, std::string& name, std::string& version, std::string& architecture) {
    if (!file.ends_with(ending)) return false;
    file.remove_suffix(ending.size());
    const auto first = file.find('_'), second = file.rfind('_');
    if (first == file.npos || first == second) return false;
    name = file.substr(0, first);
    version = file.substr(first + 1, second - first - 1);
    architecture = file.substr(second + 1);
    if (const auto colon = version.find("%3a"); colon != version.npos) version.replace(colon, 3, ":");
    return true;
}

class Needs {
public:
    explicit Needs(const History& history) : history_(history) {}

    /// The newest run that needs this archive, or Kept::always; empty where none does.
    std::optional<std::int64_t> newest(const std::string& name, const std::string& architecture,
                                       const std::string& version) {
        return std::max(newest(name, version), newest(name + ":" + architecture, version));
    }

    bool need(const std::string& key, const std::string& version) { return newest(key, version).has_value(); }

private:
    std::optional<std::int64_t> newest(const std::string& key, const std::string& version) {
        if (is_origin(key, version)) return ResourceType::Kept::always;
        std::optional<std::int64_t> run;
        for (const ChangeRecord& change : history_.changes_of({package_kind, key}))
            if ((says(change.before, version) || says(change.after, version)) && !is_undone(change.run))
                run = std::max(run, std::optional(change.run));
        return run;
    }
    /// Runs are let go of; what was there before the first of them is to come back all the same.
    bool is_origin(const std::string& key, const std::string& version) {
        if (!origins_) {
            origins_.emplace();
            for (const Holding& holding : history_.holdings())
                if (holding.type == package_kind) origins_->emplace(holding.key, history_.owned(holding).origin);
        }
        const auto [first, last] = origins_->equal_range(key);
        return std::any_of(first, last, [&](const auto& one) { return says(one.second, version); });
    }
    static bool says(const Value& attributes, const std::string& version) {
        const Value* said = attributes.is_map() ? attributes.find("version") : nullptr;
        return said && said->is_text() && said->text() == version;
    }
    bool is_undone(std::int64_t run) {
        const auto [known, first] = undone_.try_emplace(run, false);
        if (first) {
            const auto record = history_.run(run);
            known->second = !record || record->state == RunState::undone;
        }
        return known->second;
    }

    const History& history_;
    std::map<std::int64_t, bool> undone_;
    std::optional<std::multimap<std::string, Value>> origins_{};  // by key; of several sites
};

}  // namespace

std::string archive_name(std::string_view name, std::string_view version, std::string_view architecture) {
    std::string escaped;
    for (const char c : version) escaped += c == ':' ? std::string("%3a") : std::string(1, c);
    return fmt::format("{}_{}_{}{}", name, escaped, architecture, ending);
}

std::string archive_of(const Host& host, const Packages::Package& package) {
    const auto name = file_of(package);
    for (const std::string& directory : {directory_of(host), std::string(cache)})
        if (!directory.empty() && host.look(directory + "/" + name)) return directory + "/" + name;
    return {};
}

std::string kept_archive(const Host& host, const Packages& packages, const std::string& name,
                         const std::string& version) {
    const auto directory = directory_of(host);
    const auto colon = name.find(':');
    const auto bare_name = name.substr(0, colon);
    std::vector<std::string> architectures{packages.architecture, "all"};
    if (colon != name.npos) architectures = {name.substr(colon + 1)};
    for (const auto& architecture : architectures) {
        const auto path = directory + "/" + archive_name(bare_name, version, architecture);
        if (!directory.empty() && host.look(path)) return path;
    }
    return {};
}

void keep_outgoing(WritableHost& host, std::span<const Change> changes) {
    const View view(host);
    const auto& packages = view.once<Packages>();
    std::vector<const Packages::Package*> going;
    for (const Change& change : changes) {
        const auto* there = packages.find(change.id.key);
        const auto *before = change.before.as<Package>(), *after = change.after.as<Package>();
        const bool goes = before && (!after || (after->version && there && *after->version != there->version));
        // What is half there can be neither packed nor wished back.
        if (goes && there && there->installed()) going.push_back(there);
    }
    if (!going.empty()) Keeping(host, packages).keep(std::move(going));
}

void keep_incoming(WritableHost& host, Command& command) {
    const auto directory = host.keep_in("packages");
    if (directory.empty()) return;
    command.environment.push_back("CHAOS_KEPT=" + directory);
    command.environment.push_back(std::string("CHAOS_CACHE=") + cache);
    command.environment.push_back(std::string("CHAOS_KEEP=") + keep_script);
    command.argv.insert(command.argv.begin() + 1, {"-o", "DPkg::Pre-Install-Pkgs::=eval \"$CHAOS_KEEP\""});
}

std::vector<std::string> incoming_of(const Host& host, const std::vector<const Packages::Package*>& packages) {
    const auto directory = directory_of(host);
    std::map<std::pair<std::string, std::string>, std::string> incoming;  // by name and architecture
    std::string list;
    if (!directory.empty()) host.look(directory + "/incoming", &list);
    for (std::string_view rest = list; !rest.empty();) {
        const std::string file(next_line(rest));
        std::string name, version, architecture;
        if (split(file, name, version, architecture) && host.look(directory + "/" + file))
            incoming[{name, architecture}] = directory + "/" + file;
    }
    const auto newest = [&](const std::string& name) {
        std::string best;
        std::int64_t since = -1;
        for (const auto& file : host.list(cache)) {
            if (!file.starts_with(name + "_") || !file.ends_with(ending)) continue;
            const auto path = fmt::format("{}/{}", cache, file);
            if (const auto entry = host.look(path); entry.changed > since) best = path, since = entry.changed;
        }
        return best;
    };
    std::vector<std::string> found;
    for (const auto* package : packages) {
        std::string path;
        for (const auto& architecture : {package->architecture, std::string("all")})
            if (const auto known = incoming.find({package->name, architecture});
                known != incoming.end() && path.empty())
                path = known->second;
        if (path.empty()) path = newest(package->name);
        if (!path.empty()) found.push_back(std::move(path));
    }
    return found;
}

bool is_needed(const History& history, const std::string& key, const std::string& version) {
    return Needs(history).need(key, version);
}

std::vector<ResourceType::Kept> kept_archives(const Host& host, const History& history) {
    std::vector<ResourceType::Kept> kept;
    const auto directory = directory_of(host);
    if (directory.empty()) return kept;
    Needs needs(history);
    for (const auto& file : host.list(directory)) {
        std::string name, version, architecture;
        if (!split(file, name, version, architecture)) continue;
        const auto size = static_cast<std::int64_t>(host.look(directory + "/" + file).size);
        kept.push_back({needs.newest(name, architecture, version).value_or(0), size});
    }
    return kept;
}

void sweep_archives(WritableHost& host, const History& history) {
    const auto directory = directory_of(host);
    if (directory.empty()) return;
    Needs needs(history);
    Command remove{{"rm", "-f", "--"}};
    const auto before = remove.argv.size();
    for (const auto& file : host.list(directory)) {
        std::string name, version, architecture;
        if (!split(file, name, version, architecture)) continue;
        if (!needs.newest(name, architecture, version)) remove.argv.push_back(directory + "/" + file);
    }
    if (remove.argv.size() > before) must(host, remove);
}

}  // namespace chaos::resources::apt
