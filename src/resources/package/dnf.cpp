// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <chaos/view.hpp>

#include "../lines.hpp"
#include "dnf_library.hpp"
#include "groups.hpp"
#include "local_file.hpp"
#include "rpm.hpp"

namespace chaos::resources {
namespace {

constexpr const char *repositories = "/etc/yum.repos.d", *cache = "/var/cache/dnf/";

Command dnf(std::vector<std::string> argv, const std::vector<std::string>& packages = {}) {
    argv.insert(argv.begin(), "dnf");
    argv.insert(argv.end(), packages.begin(), packages.end());
    Command command{std::move(argv)};
    command.timeout_s = 0;  // a transaction is never cut
    return command;
}

void must(WritableHost& host, const Command& command) {
    const auto output = host.run(command);
    if (output.status != 0) throw transaction_failed(command, output);
}

/// `updates-0123456789abcdef`: a repository's name and a digest of where it is.
std::string directory_of(const Host& host, const std::string& repository) {
    for (const auto& name : host.list(cache)) {
        constexpr std::size_t digits = 16;
        if (name.size() == repository.size() + 1 + digits && name.starts_with(repository + "-"))
            if (const auto path = cache + name + "/repodata"; host.look(path + "/repomd.xml")) return path;
    }
    return {};
}

/// dnf knows no word for a package of one repository: that one is asked which version it has.
std::string newest_there(WritableHost& host, const Request& request, const std::string& one) {
    const auto source = request.sources.find(one);  // what has a version says it
    if (source == request.sources.end()) return one;
    const auto command = dnf({"-q", "repoquery", "--repo=" + source->second, "--latest-limit=1", "--qf=%{evr}"}, {one});
    const auto output = host.run(command);
    if (output.status != 0) throw failed(command, output);
    const auto version = trimmed(std::string_view(output.out).substr(0, output.out.find('\n')));
    if (version.empty())
        throw Error(fmt::format("the repository {} does not have {}", source->second, one))
            .help("dnf repoquery " + one);
    return fmt::format("{}={}", one, version);
}

/// The file of groups of a repository that was fetched, packed or plain; empty where it has none.
std::string comps_in(const Host& host, const std::string& directory) {
    for (const auto& name : host.list(directory))
        for (const std::string_view word : {"comps", "group"})
            if (const auto at = name.find(word); at != name.npos && name.find(".xml", at) != name.npos)
                return directory + "/" + name;
    return {};
}

std::string text_of(const View& view, const std::string& path) {
    constexpr std::pair<std::string_view, const char*> packed[] = {
        {".gz", "gzip"}, {".xz", "xz"}, {".zst", "zstd"}, {".bz2", "bzip2"}};
    for (const auto& [ending, program] : packed)
        if (path.ends_with(ending)) return view->ask({{program, "-dc", path}}).out;
    std::string text;
    constexpr std::size_t most = 64U << 20;
    view->look(path, &text, most);
    return text;
}

class Dnf final : public Backend {
public:
    std::string_view name() const override { return "dnf"; }

    std::vector<Metadata> metadata(const Host& host) const override {
        std::vector<Metadata> found;
        for (const auto& repo : rpm::repos_in(host, repositories))
            if (auto path = repo.enabled ? directory_of(host, repo.name) : ""; !path.empty())
                found.push_back({Metadata::Format::rpm, std::move(path), repo.name, -repo.priority});
        return found;
    }
    bool has_all_lists(const Host& host) const override {
        const auto all = rpm::repos_in(host, repositories);
        return std::all_of(all.begin(), all.end(), [&](const rpm::Repo& repo) {
            return !repo.enabled || !directory_of(host, repo.name).empty();
        });
    }
    void refresh(WritableHost& host) const override { must(host, dnf({"-q", "-y", "makecache"})); }
    std::string_view refresh_hint() const override { return "dnf makecache"; }

    GroupTable groups(const View& view) const override {
        GroupTable found;
        for (const auto& one : metadata(view.host()))
            if (const auto path = comps_in(view.host(), one.path); !path.empty()) add_comps(text_of(view, path), found);
        return found;
    }

    Answer simulate(const Host& host, const Request& request) const override {
        if (request.install.empty() && request.remove.empty()) return {};
        // What a repository has that was not fetched yet comes with the run.
        if (request.install.empty() || has_all_lists(host))
            if (auto answer = dnf::simulation(host, request)) return std::move(*answer);
        return {
            .moves = {}, .problems = {}, .known = false, .help = "dnf makecache, or dnf --assumeno install PACKAGE"};
    }
    std::vector<std::string> left_alone(const Host& host, const std::vector<std::string>& going) const override {
        return dnf::left_alone(host, going).value_or(std::vector<std::string>());
    }
    Renewal renewal(const Host& host, const UpgradeWish& wish) const override {
        if (auto found = dnf::renewal(host, wish)) return std::move(*found);
        return Backend::renewal(host, wish);
    }
    std::string unhold_hint(const std::string& package) const override { return "dnf versionlock delete " + package; }
    void carry_out(WritableHost& host, const Request& request) const override {
        std::vector<std::string> comes;
        for (const auto& one : request.install)
            comes.push_back(request.files.contains(one) ? request.told(one)
                                                        : rpm::with_dash(newest_there(host, request, one)));
        const auto transaction = [&](std::vector<std::string> verb, const std::vector<std::string>& packages) {
            if (packages.empty()) return;
            auto asked = verb;
            asked.emplace_back("--assumeno");
            const auto answer = rpm::parse_dnf_table(host.run(dnf(std::move(asked), packages)));
            if (!answer.problems.empty()) throw Error("dnf: " + answer.problems.front().said);
            rpm::must_be_asked(request, answer, name());
            verb.emplace_back("-y");
            must(host, dnf(std::move(verb), packages));
        };
        transaction({"remove", "--noautoremove"}, request.remove);
        transaction({"install"}, comes);
    }

    void keep_outgoing(WritableHost& host, std::span<const Change> changes) const override {
        const auto going = unkept_of(host, changes);
        const auto work = going.empty() ? std::string() : host.keep_in("packages/fetched");
        if (work.empty()) return;
        std::vector<std::string> words;
        for (const auto& one : going) words.push_back(one.name + "-" + one.version);
        host.run(
            dnf({"-q", "download", "--setopt=strict=0", "--destdir=" + work}, words));  // what does not come is told
        keep_files(host, going, [&](const Packages::Package& one) {
            return fmt::format("{}/{}-{}.{}.rpm", work, one.name, one.version.substr(one.version.find(':') + 1),
                               one.architecture);
        });
        host.run({{"rm", "-rf", "--", work}});
    }

    void mark(WritableHost& host, Mark mark, const std::vector<std::string>& packages) const override {
        if (packages.empty()) return;
        switch (mark) {
            case Mark::hold: return must(host, dnf({"versionlock", "add"}, packages));
            case Mark::unhold: return must(host, dnf({"versionlock", "delete"}, packages));
            case Mark::automatic: return must(host, dnf({"mark", "remove"}, packages));
            case Mark::manual: return must(host, dnf({"mark", "install"}, packages));
        }
    }
    void purge(WritableHost&, const std::vector<std::string>&) const override {}  // it forgets what it removed

    std::string lock_holder(const Host& host) const override {
        return rpm::holder_by(host, "/var/lib/dnf/rpmdb_lock.pid");
    }
    bool interrupted(const Host&, const Packages&) const override { return false; }
    void repair(WritableHost&) const override {}

    std::string archive_of(const Host& host, const Packages::Package& package) const override {
        if (auto kept = staged_path(host, package.name, package.version); !kept.empty() && host.look(kept)) return kept;
        for (const auto& name : host.list(cache)) {
            auto path = fmt::format("{}{}/packages/{}-{}.{}.rpm", cache, name, package.name,
                                    package.version.substr(package.version.find(':') + 1), package.architecture);
            if (host.look(path)) return path;
        }
        return {};
    }
    std::string ask_about(const std::string& package) const override { return "dnf info " + package; }
    std::string ask_why(const std::string& package) const override { return "dnf --assumeno install " + package; }
};

constexpr Dnf backend;

}  // namespace

const Backend& dnf_backend() {
    return backend;
}

}  // namespace chaos::resources
