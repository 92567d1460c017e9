// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chaos/view.hpp>

#include "apt.hpp"
#include "apt_marks.hpp"
#include "apt_shown.hpp"
#include "apt_universe.hpp"
#include "archives.hpp"
#include "fidelity.hpp"
#include "locks.hpp"
#include "manners.hpp"
#include "repack.hpp"

namespace chaos::resources {
namespace {

class Apt final : public Backend {
public:
    std::string_view name() const override { return "apt"; }

    std::vector<Metadata> metadata(const Host& host) const override {
        std::vector<Metadata> found;
        for (const auto& name : host.list("/var/lib/apt/lists"))
            if (name.find("_Packages") != name.npos)
                found.push_back({Metadata::Format::deb, "/var/lib/apt/lists/" + name, name});
        return found;
    }
    GroupTable groups(const View& view) const override {
        return apt::tasks(view, apt::settings(view, view.once<Packages>().architecture));
    }
    bool has_lists(const Host& host) const override { return apt::has_lists(host); }
    bool has_all_lists(const Host& host) const override { return apt::has_all_lists(host); }

    /// apt-get update ends well where a repository can not be reached, and goes on with what it has of the others.
    void refresh(WritableHost& host) const override {
        const auto command = apt::update();
        auto output = host.run(command);
        for (int waited = 0; output.status != 0 && apt::is_about_a_lock(output.err) && !lock_holder(host).empty();
             output = host.run(command))
            apt::wait_for_locks(host, waited);
        if (output.status != 0) throw transaction_failed(command, output);
        if (apt::has_all_lists(host)) return;
        constexpr std::string_view missing = "W: Failed to fetch ";
        const auto at = output.err.find(missing);
        if (at == output.err.npos) return;
        const auto said = output.err.substr(at + missing.size());
        throw Error("a repository could not be fetched: " + said.substr(0, said.find('\n')))
            .help("mend its uris, or take it out; then try again");
    }
    std::string_view refresh_hint() const override { return "apt-get update"; }

    Answer simulate(const Host& host, const Request& request) const override { return apt::simulate(host, request); }
    void carry_out(WritableHost& host, const Request& request) const override {
        apt::finish_removals(host, request);
        auto command = apt::command(request, false);
        apt::keep_incoming(host, command);
        apt::show_only_what_comes(host, request, command);
        try {
            apt::carry_out(host, command);
        } catch (const Error& error) {
            if (request.complete && apt::was_stopped(error))
                throw apt::other_than_planned(request, apt::simulate(host, request));
            throw;
        }
    }

    bool packs_anew() const override { return true; }
    void keep_outgoing(WritableHost& host, std::span<const Change> changes) const override {
        apt::keep_outgoing(host, changes);
    }
    void repair_to_go_back(WritableHost& host, std::span<const Change> changes) const override {
        apt::repair(host, false);
        apt::unpack_again(host, changes);
    }
    void go_back(WritableHost& host, const Request& request) const override { apt::go_back(host, request); }
    void sweep(WritableHost& host, const History& history) const override { apt::sweep_archives(host, history); }
    std::vector<ResourceType::Kept> keeps(const Host& host, const History& history) const override {
        return apt::kept_archives(host, history);
    }
    bool has_own_scripts(const Host& host, const Packages::Package& package) const override {
        return !apt::has_plain_scripts(host, package);
    }

    void mark(WritableHost& host, Mark mark, const std::vector<std::string>& packages) const override {
        if (packages.empty()) return;
        if (mark == Mark::automatic || mark == Mark::manual)
            return apt::mark_automatic(host, packages, mark == Mark::automatic);
        Command command{{"apt-mark", mark == Mark::hold ? "hold" : "unhold"}};
        command.argv.insert(command.argv.end(), packages.begin(), packages.end());
        apt::must(host, command);
    }
    void purge(WritableHost& host, const std::vector<std::string>& packages) const override {
        if (packages.empty()) return;
        auto command = apt::quiet({"dpkg", "--purge"});
        command.argv.insert(command.argv.end(), packages.begin(), packages.end());
        apt::carry_out(host, command);
    }

    std::string lock_holder(const Host& host) const override { return apt::lock_holder(host); }
    bool interrupted(const Host&, const Packages& packages) const override {
        return packages.journal || std::any_of(packages.all.begin(), packages.all.end(), Packages::broken);
    }
    void repair(WritableHost& host) const override { apt::repair(host); }

    void unpack_halves(WritableHost& host, const std::vector<std::string>& packages) const override {
        apt::unpack_halves(host, packages);
    }

    std::string archive_of(const Host& host, const Packages::Package& package) const override {
        return apt::archive_of(host, package);
    }
    std::string ask_about(const std::string& package) const override { return "apt-cache policy " + package; }
    std::string ask_why(const std::string& package) const override { return "apt-get -s install " + package; }
};

constexpr Apt backend;

}  // namespace

const Backend& apt_backend() {
    return backend;
}

}  // namespace chaos::resources
