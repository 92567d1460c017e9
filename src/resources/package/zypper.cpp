// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <chaos/view.hpp>

#include "groups.hpp"
#include "local_file.hpp"
#include "rpm.hpp"

namespace chaos::resources {
namespace {

constexpr const char *repositories = "/etc/zypp/repos.d", *raw = "/var/cache/zypp/raw/",
                     *automatic_ones = "/var/lib/zypp/AutoInstalled";

Command zypper(std::vector<std::string> argv) {
    argv.insert(argv.begin(), {"zypper", "--non-interactive", "--no-refresh"});
    Command command{std::move(argv)};
    command.environment = {"ZYPP_LOCK_TIMEOUT=600"};
    command.timeout_s = 0;  // a transaction is never cut
    return command;
}

/// One transaction: what comes, and behind a `!` what goes.
Command transaction(const Request& request, bool simulate) {
    std::vector<std::string> argv;
    if (simulate)
        argv = {"--xmlout", "install", "--dry-run"};
    else
        argv = {"install"};
    if (request.downgrades || simulate) argv.emplace_back("--oldpackage");
    if (!request.files.empty()) argv.emplace_back("--allow-unsigned-rpm");  // of files alone
    argv.emplace_back("--");
    for (const auto& one : request.install) {
        const auto source = request.sources.find(one.substr(0, one.find('=')));
        argv.push_back((source == request.sources.end() ? "" : source->second + ":") + request.told(one));
    }
    for (const auto& name : request.remove) argv.push_back("!" + name);
    return zypper(std::move(argv));
}

void must(WritableHost& host, const Command& command) {
    const auto output = host.run(command);
    if (output.status != 0 && output.status < 100) throw transaction_failed(command, output);  // 100 and above: remarks
    if (output.status == 104 || output.status > 127) throw transaction_failed(command, output);
}

/// There is no command for these marks: libzypp reads the file at every start.
void set_automatic(WritableHost& host, const std::vector<std::string>& packages, bool automatic) {
    std::string text, now;
    const Entry entry = host.look(automatic_ones, &text);
    for (std::string_view rest = text; !rest.empty();) {
        const auto line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(line.size() + 1, rest.size()));
        if (std::find(packages.begin(), packages.end(), line) == packages.end()) now += fmt::format("{}\n", line);
    }
    for (const auto& name : packages)
        if (automatic) now += name + "\n";
    if (now != text) host.write(automatic_ones, Content(now), {.mode = entry ? entry.mode : 0644U});
}

Command looking(std::vector<std::string> argv) {
    auto command = zypper(std::move(argv));
    command.environment = {"ZYPP_READONLY_HACK=1"};  // who only looks may not take the lock
    return command;
}

/// What is installed changed without it, and it would have to write that down; or it could not begin.
bool can_not_tell(const Output& output) {
    const auto says = [&](std::string_view what) { return output.out.find(what) != output.out.npos; };
    return says("Target initialization failed") || (!says("<install-summary") && !says("<message type=\"error\""));
}

/// Where its cache has a version; empty where it has not.
std::string cached(const Host& host, const Packages::Package& package) {
    const auto version = package.version.substr(package.version.find(':') + 1);
    for (const auto& repo : rpm::repos_in(host, repositories)) {
        auto path = fmt::format("/var/cache/zypp/packages/{}/{}/{}-{}.{}.rpm", repo.name, package.architecture,
                                package.name, version, package.architecture);
        if (host.look(path)) return path;
    }
    return {};
}

/// What it would do: `update --dry-run` and the like.
Answer dry(const Host& host, std::vector<std::string> verb, const std::vector<std::string>& names) {
    auto command = looking({"--xmlout"});
    verb.insert(verb.begin() + 1, "--dry-run");
    command.argv.insert(command.argv.end(), verb.begin(), verb.end());
    command.argv.insert(command.argv.end(), names.begin(), names.end());
    const auto output = host.ask(command);
    if (output.out.find("Nothing to do") != output.out.npos) return {};
    if (can_not_tell(output))
        throw Error("zypper would have to write its caches to tell what is newer, and looking may not")
            .help("zypper refresh, then again");
    auto answer = rpm::parse_zypper_xml(output);
    if (!answer.problems.empty())
        throw Error("zypper: " + answer.problems.front().said).help(fmt::format("zypper {} --dry-run", verb.front()));
    return answer;
}

Answer updates(const Host& host, const std::vector<std::string>& names) {
    return dry(host, {"update"}, names);
}

/// What is installed and would be newer: for security, what its patches are there for.
std::vector<Move> upgraded(const Answer& answer) {
    std::vector<Move> moves;
    for (const auto& move : answer.moves)
        if (!move.old_version.empty() && move.kind == Move::Kind::install) moves.push_back(move);
    return moves;
}

class Zypper final : public Backend {
public:
    std::string_view name() const override { return "zypper"; }

    std::vector<Metadata> metadata(const Host& host) const override {
        std::vector<Metadata> found;
        for (const auto& repo : rpm::repos_in(host, repositories))
            if (repo.enabled && host.look(raw + repo.name + "/repodata/repomd.xml"))
                found.push_back({Metadata::Format::rpm, raw + repo.name + "/repodata", repo.name, -repo.priority});
        return found;
    }
    bool has_all_lists(const Host& host) const override {
        const auto all = rpm::repos_in(host, repositories);
        return std::all_of(all.begin(), all.end(), [&](const rpm::Repo& repo) {
            return !repo.enabled || host.look(raw + repo.name + "/repodata/repomd.xml");
        });
    }
    void refresh(WritableHost& host) const override {
        Command command{{"zypper", "--non-interactive", "refresh"}};
        command.environment = {"ZYPP_LOCK_TIMEOUT=600"};
        must(host, command);
    }
    std::string_view refresh_hint() const override { return "zypper refresh"; }

    /// A pattern is a package that says so by what it provides.
    GroupTable groups(const View& view) const override {
        GroupTable found;
        auto asked = looking({"info", "--provides", "-t", "package"});
        const auto count = asked.argv.size();
        const auto said = view->ask(looking({"--xmlout", "search", "-t", "package", "--provides", "pattern()"}));
        for (auto& name : rpm::names_in_zypper_xml(said.out)) asked.argv.push_back(std::move(name));
        if (asked.argv.size() > count) add_patterns(view->ask(asked).out, found);
        return found;
    }

    Answer simulate(const Host& host, const Request& request) const override {
        if (request.install.empty() && request.remove.empty()) return {};
        // A file it would copy to its cache before it answers.
        if (!request.files.empty())
            return {.moves = {}, .problems = {}, .known = false, .help = "zypper install --dry-run FILE"};
        auto asked = transaction(request, true);
        asked.environment = looking({}).environment;
        const auto output = host.ask(asked);
        if (can_not_tell(output)) return {.moves = {}, .problems = {}, .known = false, .help = "zypper refresh"};
        return rpm::parse_zypper_xml(output);
    }
    Renewal renewal(const Host& host, const UpgradeWish& wish) const override {
        const auto& stay = wish.fixed;
        const auto is_of = [](const std::vector<std::string>& names, const Move& move) {
            return std::find(names.begin(), names.end(), move.name) != names.end();
        };
        auto answer = wish.security_only ? dry(host, {"patch", "--category", "security", "--with-interactive"}, {})
                                         : updates(host, wish.names);
        Renewal found;
        std::vector<std::string> others;
        bool asks_again = false;
        for (const auto& move : upgraded(answer)) {
            if (!wish.names.empty() && !is_of(wish.names, move)) {
                asks_again = asks_again || wish.security_only;
            } else if (is_of(stay, move)) {
                found.stays.push_back({Upgrades::Stays::Why::fixed, move.name, move.old_version, move.version});
                asks_again = true;
            } else {
                others.push_back(move.name);
            }
        }
        if (wish.security_only)
            for (const auto& move : upgraded(updates(host, wish.names)))
                found.not_security += !is_of(others, move) && !is_of(stay, move);
        if (asks_again) answer = others.empty() ? Answer() : updates(host, others);
        for (const auto& move : answer.moves)
            if (is_of(stay, move))
                throw Error(fmt::format("{} would have to become {}, and a manifest says {}", move.name, move.version,
                                        move.old_version))
                    .help("change the version there, and apply that");
        found.moves = std::move(answer.moves);
        return found;
    }

    std::vector<std::string> left_alone(const Host& host, const std::vector<std::string>& going) const override {
        std::vector<std::string> argv{"--xmlout", "remove", "--dry-run", "--clean-deps", "--"}, names;
        argv.insert(argv.end(), going.begin(), going.end());
        auto asked = zypper(std::move(argv));
        asked.environment = {"ZYPP_READONLY_HACK=1"};
        for (const Move& move : rpm::parse_zypper_xml(host.ask(asked)).moves)
            if (move.kind == Move::Kind::remove && std::find(going.begin(), going.end(), move.name) == going.end())
                names.push_back(move.name);
        return names;
    }
    void carry_out(WritableHost& host, const Request& request) const override {
        const auto command = transaction(request, true);
        const auto answer = rpm::parse_zypper_xml(host.run(command));
        if (!answer.problems.empty()) throw Error("zypper: " + answer.problems.front().said);
        rpm::must_be_asked(request, answer, name());
        must(host, transaction(request, false));
    }

    void keep_outgoing(WritableHost& host, std::span<const Change> changes) const override {
        const auto going = unkept_of(host, changes);
        if (going.empty()) return;
        std::vector<std::string> argv{"download"};
        for (const auto& one : going) argv.push_back(one.name + "=" + one.version);
        host.run(zypper(std::move(argv)));  // what does not come is told
        keep_files(host, going, [&](const Packages::Package& one) { return cached(host, one); });
    }

    void mark(WritableHost& host, Mark mark, const std::vector<std::string>& packages) const override {
        if (packages.empty()) return;
        if (mark == Mark::automatic || mark == Mark::manual)
            return set_automatic(host, packages, mark == Mark::automatic);
        std::vector<std::string> argv{mark == Mark::hold ? "addlock" : "removelock"};
        argv.insert(argv.end(), packages.begin(), packages.end());
        must(host, zypper(std::move(argv)));
    }
    void purge(WritableHost&, const std::vector<std::string>&) const override {}  // it forgets what it removed

    std::string lock_holder(const Host& host) const override { return rpm::holder_by(host, "/run/zypp.pid"); }
    bool interrupted(const Host&, const Packages&) const override { return false; }  // rpm ends what it began, or not
    void repair(WritableHost&) const override {}

    std::string archive_of(const Host& host, const Packages::Package& package) const override {
        if (auto kept = staged_path(host, package.name, package.version); !kept.empty() && host.look(kept)) return kept;
        return cached(host, package);
    }
    std::string ask_about(const std::string& package) const override { return "zypper search -s " + package; }
    std::string ask_why(const std::string& package) const override { return "zypper install --dry-run " + package; }
};

constexpr Zypper backend;

}  // namespace

const Backend& zypper_backend() {
    return backend;
}

}  // namespace chaos::resources
