// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <chaos/view.hpp>
#include <map>
#include <set>

#include "../lines.hpp"
#include "backend.hpp"
#include "failure.hpp"
#include "groups.hpp"
#include "repository/paragraph.hpp"

namespace chaos::resources {
namespace {

constexpr const char *lock = "/var/lib/pacman/db.lck", *conf = "/etc/pacman.conf", *sync = "/var/lib/pacman/sync/",
                     *cache = "/var/cache/pacman/pkg/";
constexpr int lock_wait_s = 600;

Command pacman(std::vector<std::string> argv) {
    argv.insert(argv.begin(), "pacman");
    const bool changes_marks = argv[1] == "-D";  // which knows no progress
    argv.insert(argv.begin() + 2, {"--noconfirm", "--color=never"});
    if (!changes_marks) argv.insert(argv.begin() + 2, "--noprogressbar");
    Command command{std::move(argv)};
    command.timeout_s = 0;  // a transaction is never cut
    return command;
}

/// Names of the repositories that are on, as pacman.conf orders them: the first that has a package gives it.
std::vector<std::string> repositories(const Host& host) {
    std::string text;
    host.look(conf, &text);
    std::vector<std::string> names;
    for (std::string_view rest = text; !rest.empty();) {
        auto line = next_line(rest);
        line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
        const auto end = line.find(']');
        if (!line.starts_with('[') || end == line.npos) continue;
        if (const auto name = line.substr(1, end - 1); name != "options") names.emplace_back(name);
    }
    return names;
}

/// `name<tab>version`, a line each.
std::vector<std::pair<std::string, std::string>> printed(const Output& output) {
    std::vector<std::pair<std::string, std::string>> found;
    for (std::string_view rest = output.out; !rest.empty();) {
        const auto line = next_line(rest);
        const auto tab = line.find('\t');
        if (tab == line.npos) continue;  // it also says what it is about
        found.emplace_back(line.substr(0, tab), line.substr(tab + 1));
    }
    return found;
}

/// `error: target not found: nope`; `:: removing a breaks dependency 'a' required by b` is what one of them is about.
std::vector<Refusal> refusals(const Command& command, const Output& output) {
    std::vector<Refusal> found;
    if (output.status == 0) return found;
    std::string details;
    for (const auto* text : {&output.out, &output.err})
        for (std::string_view rest = *text; !rest.empty();) {
            const auto line = next_line(rest);
            constexpr std::string_view error = "error: ", missing = "target not found: ";
            if (line.starts_with(":: ")) details += fmt::format("; {}", line.substr(3));
            if (!line.starts_with(error)) continue;
            const auto said = line.substr(error.size());
            Refusal one{std::string(said)};
            one.unknown = said.starts_with(missing);
            if (one.unknown) one.name = said.substr(missing.size());
            found.push_back(std::move(one));
        }
    if (found.empty()) found.push_back({failed(command, output).what()});
    if (!found.front().unknown) found.front().said += details;
    return found;
}

/// What its repositories offer, one version of each package.
std::map<std::string, std::string, std::less<>> offered(const Host& host, const std::string& repository = {}) {
    std::map<std::string, std::string, std::less<>> versions;
    Command command{{"pacman", "-Sl", "--color=never"}};
    if (!repository.empty()) command.argv.push_back(repository);
    const auto output = host.ask(command);
    for (std::string_view rest = output.out; !rest.empty();) {  // core glibc 2.38-1 [installed]
        auto line = next_line(rest);
        std::string words[3];
        for (auto& word : words) {
            word = line.substr(0, line.find(' '));
            line.remove_prefix(std::min(word.size() + 1, line.size()));
        }
        if (!words[2].empty()) versions.emplace(words[1], words[2]);
    }
    return versions;
}

/// The archive of a version in the cache, whatever it is packed with; empty where there is none.
std::string cached(const Host& host, const std::string& name, const std::string& version) {
    const auto stem = fmt::format("{}-{}-", name, version);
    for (const auto& file : host.list(cache)) {
        if (!file.starts_with(stem) || file.ends_with(".sig") || file.ends_with(".part")) continue;
        const auto rest = std::string_view(file).substr(stem.size());  // x86_64.pkg.tar.zst
        if (const auto dot = rest.find(".pkg.tar"); dot != rest.npos && rest.find('-') == rest.npos)
            return cache + file;
    }
    return {};
}

/// What of a request comes from repositories, and what from the cache: repositories have one version of each.
struct Parts {
    std::vector<std::string> names, files;
    std::vector<Refusal> problems;
};

Parts parts_of(const Host& host, const Request& request) {
    Parts parts;
    const auto versions = request.install.empty() ? std::map<std::string, std::string, std::less<>>() : offered(host);
    for (const auto& one : request.install) {
        const auto equals = one.find('=');
        const auto name = one.substr(0, equals);
        if (const auto source = request.sources.find(name); source != request.sources.end()) {
            const auto its = offered(host, source->second);
            const auto has = its.find(name);
            if (has != its.end() && (equals == one.npos || has->second == one.substr(equals + 1)))
                parts.names.push_back(source->second + "/" + name);
            else
                parts.problems.push_back(
                    {fmt::format("the repository {} does not have {}", source->second, one), name});
            continue;
        }
        const auto there = versions.find(name);
        if (request.files.contains(one)) {
            parts.files.push_back(request.told(one));
        } else if (equals == one.npos || (there != versions.end() && there->second == one.substr(equals + 1))) {
            parts.names.push_back(name);
        } else if (auto file = cached(host, name, one.substr(equals + 1)); !file.empty()) {
            parts.files.push_back(std::move(file));
        } else {
            auto said = there == versions.end()
                            ? "target not found: " + name
                            : fmt::format("version {} is neither in a repository (that has {}) nor in {}",
                                          one.substr(equals + 1), there->second, cache);
            parts.problems.push_back({std::move(said), name, there == versions.end()});
        }
    }
    return parts;
}

std::vector<std::string> with(std::vector<std::string> argv, const std::vector<std::string>& more) {
    argv.insert(argv.end(), more.begin(), more.end());
    return argv;
}

void say_ignored(WritableHost& host, const std::vector<std::string>& packages, bool hold) {
    std::string text;
    const Entry entry = host.look(conf, &text);
    if (!entry) throw Error(fmt::format("there is no {}", conf));
    auto names = Packages::pacman_ignored(text);
    std::erase_if(
        names, [&](const auto& name) { return std::find(packages.begin(), packages.end(), name) != packages.end(); });
    if (hold) names.insert(names.end(), packages.begin(), packages.end());
    Paragraph options(text, "options", " = ");
    if (!options.there()) options.add_section();
    options.set("IgnorePkg", names.empty() ? std::vector<std::string>()
                                           : std::vector<std::string>{fmt::format("{}", fmt::join(names, " "))});
    host.write(conf, Content(options.text()), {.mode = entry.mode});
}

class Pacman final : public Backend {
public:
    std::string_view name() const override { return "pacman"; }

    std::vector<Metadata> metadata(const Host& host) const override {
        std::vector<Metadata> found;
        int priority = 0;
        for (const auto& name : repositories(host))
            if (const auto path = sync + name + ".db"; host.look(path))
                found.push_back({Metadata::Format::arch, path, name, priority--});
        return found;
    }
    bool has_all_lists(const Host& host) const override {
        const auto names = repositories(host);
        return std::all_of(names.begin(), names.end(),
                           [&](const std::string& name) { return bool(host.look(sync + name + ".db")); });
    }
    void refresh(WritableHost& host) const override { must(host, pacman({"-Sy"})); }
    std::string_view refresh_hint() const override { return "pacman -Sy"; }

    GroupTable groups(const View& view) const override {
        GroupTable found;
        add_pacman_groups(view->ask({{"pacman", "-Sgg", "--color=never"}}).out, found);
        return found;
    }

    Answer simulate(const Host& host, const Request& request) const override {
        Answer answer;
        auto parts = parts_of(host, request);
        answer.problems = std::move(parts.problems);
        const View view(host);
        const auto& packages = view.once<Packages>();
        const auto ask = [&](std::vector<std::string> argv, const std::vector<std::string>& what, Move::Kind kind) {
            if (what.empty()) return;
            argv.insert(argv.end(), {"--print-format", "%n\t%v"});
            const auto command = pacman(with(std::move(argv), what));
            const auto output = host.ask(command);
            for (auto& refusal : refusals(command, output)) answer.problems.push_back(std::move(refusal));
            for (auto& [name, version] : printed(output)) {
                const auto* there = packages.find(name);
                const bool comes = kind == Move::Kind::install;
                answer.moves.push_back({kind, name, there ? there->version : "", comes ? version : ""});
            }
        };
        ask({"-Rcp"}, request.remove, Move::Kind::remove);
        ask({"-Up"}, parts.files, Move::Kind::install);
        ask({"-Sp", "--needed"}, parts.names, Move::Kind::install);
        return answer;
    }

    Renewal renewal(const Host& host, const UpgradeWish& wish) const override {
        if (wish.security_only)
            throw Error("pacman knows no security updates: its repositories say what is newest, and not why")
                .help("chaos upgrade; arch-audit names what is vulnerable");
        if (!wish.names.empty())
            throw Error("pacman upgrades all or nothing: what stays was built for the libraries that are there now")
                .help("chaos upgrade");
        Renewal found;
        const auto known = host.ask({{"pacman", "-Qu", "--color=never"}});
        for (std::string_view rest = known.out; !rest.empty();) {  // bash 5.2-1 -> 5.2-2 [ignored]
            auto line = next_line(rest);
            const std::string name(next_word(line)), version(next_word(line));
            next_word(line);
            const std::string newer(next_word(line));
            const bool held = next_word(line) == "[ignored]";
            using Why = Upgrades::Stays::Why;
            if (held || std::find(wish.fixed.begin(), wish.fixed.end(), name) != wish.fixed.end())
                found.stays.push_back({held ? Why::held : Why::fixed, name, version, newer});
        }
        std::vector<std::string> argv{"-Sup", "--print-format", "%n\t%v"};
        for (const auto& name : wish.fixed) argv.insert(argv.end(), {"--ignore", name});
        const auto command = pacman(std::move(argv));
        const auto output = host.ask(command);
        if (output.status != 0) throw Error("pacman: " + refusals(command, output).front().said).help("pacman -Su");
        for (auto& [name, version] : printed(output)) found.moves.push_back({Move::Kind::install, name, {}, version});
        return found;
    }
    std::string unhold_hint(const std::string& package) const override {
        return fmt::format("take {} out of IgnorePkg in {}", package, conf);
    }

    std::vector<std::string> left_alone(const Host& host, const std::vector<std::string>& going) const override {
        std::vector<std::string> names;
        const auto output = host.ask(pacman(with({"-Rsp", "--print-format", "%n\t%v"}, going)));
        if (output.status != 0) return names;
        for (auto& [name, version] : printed(output))
            if (std::find(going.begin(), going.end(), name) == going.end()) names.push_back(std::move(name));
        return names;
    }
    void carry_out(WritableHost& host, const Request& request) const override {
        auto parts = parts_of(host, request);
        if (!parts.problems.empty()) throw Error("pacman: " + parts.problems.front().said);
        if (!request.remove.empty()) must(host, pacman(with({request.purge ? "-Rn" : "-R"}, request.remove)));
        auto files = parts.files;
        if (!request.files.empty() && !parts.names.empty()) {  // one transaction: -U knows no names
            must(host, pacman(with({"-Sw"}, parts.names)));
            for (const auto& one : parts.names) {
                const auto slash = one.find('/');
                const auto name = one.substr(slash == one.npos ? 0 : slash + 1);
                const auto path =
                    cached(host, name, offered(host, slash == one.npos ? "" : one.substr(0, slash))[name]);
                if (path.empty()) throw Error(fmt::format("pacman did not fetch {} to {}", name, cache));
                files.push_back(path);
            }
            parts.names.clear();
        }
        if (!files.empty()) must(host, pacman(with({"-U"}, files)));
        if (!parts.names.empty()) must(host, pacman(with({"-S", "--needed"}, parts.names)));
    }

    void mark(WritableHost& host, Mark mark, const std::vector<std::string>& packages) const override {
        if (packages.empty()) return;
        if (mark == Mark::hold || mark == Mark::unhold) return say_ignored(host, packages, mark == Mark::hold);
        must(host, pacman(with({"-D", mark == Mark::automatic ? "--asdeps" : "--asexplicit"}, packages)));
    }
    void purge(WritableHost&, const std::vector<std::string>&) const override {}  // it forgets what it removed

    /// The lock is a file that whoever made it has open.
    std::string lock_holder(const Host& host) const override {
        if (!host.live() || !host.look(lock)) return {};
        for (const auto& pid : host.list("/proc")) {
            if (pid.find_first_not_of("0123456789") != pid.npos) continue;
            for (const auto& fd : host.list("/proc/" + pid + "/fd")) {
                std::string target;
                host.look("/proc/" + pid + "/fd/" + fd, &target);
                if (target != lock) continue;
                std::string comm;
                host.look("/proc/" + pid + "/comm", &comm);
                while (comm.ends_with('\n')) comm.pop_back();
                return fmt::format("{} (pid {})", comm.empty() ? "a process" : comm, pid);
            }
        }
        return {};
    }
    bool interrupted(const Host& host, const Packages&) const override {
        return host.look(lock) && lock_holder(host).empty();
    }
    void repair(WritableHost& host) const override {
        if (interrupted(host, {})) host.remove(lock);
    }

    std::string archive_of(const Host& host, const Packages::Package& package) const override {
        return cached(host, package.name, package.version);
    }
    std::string ask_about(const std::string& package) const override { return "pacman -Si " + package; }
    std::string ask_why(const std::string& package) const override { return "pacman -Sp " + package; }

private:
    /// pacman does not wait for its lock by itself.
    void must(WritableHost& host, const Command& command) const {
        std::string holder = lock_holder(host);
        for (int waited = 0; !holder.empty(); ++waited, holder = lock_holder(host)) {
            if (waited >= lock_wait_s * 5)
                throw Error(fmt::format("pacman's lock was held for {} seconds by {}", lock_wait_s, holder))
                    .help("wait for it to end, then try again");
            const timespec pause{0, 200'000'000};
            ::nanosleep(&pause, nullptr);
        }
        const auto output = host.run(command);
        if (output.status != 0) throw transaction_failed(command, output);
    }
};

constexpr Pacman backend;

}  // namespace

const Backend& pacman_backend() {
    return backend;
}

}  // namespace chaos::resources
