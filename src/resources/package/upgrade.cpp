// SPDX-License-Identifier: Apache-2.0
// What could be newer, and what has to come along: one question to the solver about all of it.
#include <fmt/format.h>

#include <algorithm>
#include <chaos/upgrades.hpp>
#include <map>

#include "apt_policy.hpp"
#include "apt_universe.hpp"
#include "moves.hpp"
#include "package.hpp"
#include "renew.hpp"

namespace chaos::resources {
namespace {

using Why = Upgrades::Stays::Why;

/// As Debian calls it, and who follows it: the label of the Release file, its origin, or a suite of that name.
bool is_of_security(const apt::List& list) {
    return list.label == "Debian-Security" || list.origin == "Debian-Security" || list.archive.ends_with("-security") ||
           list.codename.ends_with("-security");
}

class Upgrading {
public:
    Upgrading(const View& view, const UpgradeWish& wish)
        : view_(view),
          wish_(wish),
          packages_(view.once<Packages>()),
          settings_(apt::settings(view, packages_.architecture)),
          pool_(solver::Family::deb, packages_.architecture, settings_.foreign) {}

    Upgrades take() {
        if (settings_.lists.empty())
            throw Error("apt has fetched no lists of packages from sources that are understood here")
                .help("chaos upgrade --refresh always; a CD or a mirror list: apt-get upgrade");
        apt::add_installed(pool_, view_);
        apt::add_lists(pool_, view_, settings_, packages_.architecture);
        const apt::Policy policy(settings_);
        pool_.choose([&](const solver::Offer& offer) { return policy.priority(offer); }, policy.names_sources());
        for (const std::string& name : wish_.names) meant_.insert(known(name));
        find_jobs();
        if (!question_.jobs.empty()) answer(ask());
        return std::move(found_);
    }

private:
    std::string known(const std::string& name) const {
        const auto bare_name = bare(name, packages_);
        const auto* there = packages_.find(name);
        if (there && there->installed()) return name_of(*there, packages_);
        if (pool_.knows(bare_name))
            throw Error(fmt::format("package {} is not installed: upgrade changes what is there", name))
                .help(fmt::format("declare it: packages: [{}]", name));
        const auto near = pool_.like(bare_name);
        throw Error(fmt::format("there is no package {}", name))
            .help(near.empty() ? "dpkg-query -W '*WORD*'" : fmt::format("did you mean {}?", listed(near, " or ")));
    }

    void find_jobs() {
        question_.recommends = settings_.recommends;
        const std::set<std::string> fixed(wish_.fixed.begin(), wish_.fixed.end());
        std::set<std::string> held;
        for (const auto& one : packages_.all) {
            if (!one.installed()) continue;
            const auto name = name_of(one, packages_);
            if (one.held()) held.insert(name);
            if (one.held() || fixed.contains(name) || fixed.contains(one.name)) question_.stays.push_back(name);
            if (wish_.removals && !one.essential) may_go_.push_back(name);
        }
        const std::set<std::string> stays(question_.stays.begin(), question_.stays.end());
        for (auto& one : pool_.newer(
                 [&](const solver::Offer& offer) { return is_of_security(settings_.lists[offer.repository]); })) {
            if (!meant_.empty() && !meant_.contains(one.name)) continue;
            if (one.candidate.empty()) {
                ++found_.not_chosen;
            } else if (wish_.security_only && !one.marked) {
                ++found_.not_security;
            } else if (stays.contains(one.name)) {
                found_.stays.push_back(
                    {held.contains(one.name) ? Why::held : Why::fixed, one.name, one.installed, one.candidate});
            } else {
                question_.jobs.push_back({one.name, false, false, true});
                newer_.push_back(std::move(one));
            }
        }
    }

    static bool comes(const solver::Answer& answer, const std::string& name) {
        return std::any_of(answer.moves.begin(), answer.moves.end(), [&](const solver::Move& move) {
            return move.name == name && move.kind != solver::Move::Kind::remove;
        });
    }

    /// All that can be newer as things are; then, one by one, what can only be so where others go for it.
    solver::Answer ask() {
        auto answer = pool_.ask(question_);
        for (std::size_t i = 0; wish_.removals && i < newer_.size(); ++i) {
            if (comes(answer, newer_[i].name)) continue;
            auto harder = question_;
            harder.may_go = may_go_;
            harder.jobs[i].newer = false;
            auto forced = pool_.ask(harder);
            if (!forced.problems.empty()) continue;
            question_ = std::move(harder), answer = std::move(forced);
        }
        return answer;
    }

    void answer(const solver::Answer& answer) {
        if (!answer.problems.empty())
            throw Error(fmt::format("what is installed can not be upgraded: {}", listed(answer.problems[0].said, "; ")))
                .help("apt-get check");
        std::map<std::string, const solver::Move*, std::less<>> moves;
        for (const auto& move : answer.moves) moves.emplace(move.name, &move);
        std::map<std::size_t, std::uint32_t> number_of;  // of a job, in the catalog
        for (std::size_t i = 0; i < newer_.size(); ++i) {
            const auto move = moves.find(newer_[i].name);
            if (move == moves.end() || move->second->kind == solver::Move::Kind::remove) continue;
            number_of[i] = static_cast<std::uint32_t>(found_.catalog.size());
            add(*move->second, std::nullopt);
            moves.erase(move);
        }
        for (const auto& [name, move] : moves) {
            const auto cause = number_of.find(move->job);
            if (number_of.empty()) throw Error(fmt::format("package {} would change, and nothing was asked for", name));
            add(*move, cause == number_of.end() ? number_of.begin()->second : cause->second);
        }
        for (std::size_t i = 0; i < newer_.size(); ++i)
            if (!number_of.contains(i)) found_.stays.push_back(impossible(newer_[i]));
    }

    /// What keeps it, asked about it alone; of many only the first are asked about.
    Upgrades::Stays impossible(const solver::Newer& one) {
        Upgrades::Stays stays{Why::impossible, one.name, one.installed, one.candidate};
        constexpr int most = 20;
        if (++asked_alone_ > most) return stays;
        auto alone = question_;
        alone.jobs = {{one.name}};
        const auto answer = pool_.ask(alone);
        stays.reason = answer.problems.empty() ? "only together with what can not be upgraded"
                                               : listed(answer.problems.front().said, "; ");
        return stays;
    }

    void add(const solver::Move& move, std::optional<std::uint32_t> because) {
        const auto* there = packages_.find(move.name);
        const bool goes = move.kind == solver::Move::Kind::remove;
        if (goes && there && there->essential)
            throw Error(fmt::format("the upgrade would remove {}, which is essential: {}", move.name, move.why))
                .help("name what is to be upgraded: chaos upgrade PACKAGE...");
        add_upgrade(found_, view_, move.name, goes ? "" : move.version, because, reason_of(move));
    }

    const View& view_;
    const UpgradeWish& wish_;
    const Packages& packages_;
    apt::Settings settings_;
    solver::Pool pool_;
    solver::Question question_;
    std::vector<std::string> may_go_;
    std::set<std::string> meant_;
    std::vector<solver::Newer> newer_;  ///< Of each job.
    Upgrades found_;
    int asked_alone_ = 0;
};

}  // namespace
}  // namespace chaos::resources

namespace chaos {

Upgrades upgrades(const View& view, const UpgradeWish& wish) {
    const auto& packages = view.once<Packages>();
    if (packages.keeper == Packages::Keeper::none)
        throw Error("upgrading needs a package manager, and this host has no database of packages");
    if (packages.keeper != Packages::Keeper::apt) return resources::upgrades_by_manager(view, wish);
    return resources::Upgrading(view, wish).take();
}

PackageLists package_lists(const View& view) {
    const auto* backend = resources::backend_of(view.once<Packages>().keeper);
    if (!backend) return {};
    PackageLists lists{std::string(backend->name()), 0};
    if (!backend->has_lists(view.host())) return lists;
    // apt changes these at every update; the lists themselves have the times of their server.
    for (const char* path :
         {"/var/lib/apt/lists", "/var/lib/apt/lists/partial", "/var/lib/apt/periodic/update-success-stamp"})
        lists.fetched = std::max(lists.fetched, view->look(path).modified);
    for (const auto& one : backend->metadata(view.host()))
        if (backend != &resources::apt_backend()) lists.fetched = std::max(lists.fetched, view->look(one.path).changed);
    return lists;
}

void fetch_package_lists(WritableHost& host) {
    const auto* backend = resources::backend_of(Packages::keeper_of(host));
    if (!backend) throw Error("this host has no package manager that chaos knows");
    backend->refresh(host);
}

}  // namespace chaos
