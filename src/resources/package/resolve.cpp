// SPDX-License-Identifier: Apache-2.0
// What is decided before anything is touched: exact versions, what comes along and why, what would have to go.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>

#include "apt.hpp"
#include "apt_policy.hpp"
#include "apt_universe.hpp"
#include "groups.hpp"
#include "local_file.hpp"
#include "moves.hpp"
#include "package.hpp"
#include "solver.hpp"

namespace chaos::resources {
namespace {

/// What no manifest names any more, and what is taken back, goes only where nobody else has come to need it: else
/// it stays as it is. What is declared absent is told with what would go along.
void keep_needed(const View& view, std::span<Change> changes) {
    std::vector<std::string> going, changing;
    for (const Change& change : changes)
        if (change.before && !change.after && !change.where)
            going.push_back(change.id.key);
        else if (change.before && change.before.spec() == change.after.spec())
            changing.push_back(change.id.key);  // into another one by then
    if (going.empty()) return;
    const auto needed = needed_by_others(view.host(), going, changing);
    for (Change& change : changes)
        if (change.before && !change.after && !change.where && needed.contains(change.id.key))
            change.after = change.before;
}

/// One question to the solver: what changes of packages come to.
class Planning {
public:
    Planning(const View& view, std::span<Change> changes, Diagnostics& problems)
        : view_(view),
          packages_(view.once<Packages>()),
          changes_(changes),
          problems_(problems),
          settings_(apt::settings(view, packages_.architecture)),
          pool_(solver::Family::deb, packages_.architecture, settings_.foreign) {}

    std::vector<Companion> companions() {
        bool well = true;
        files_ = settle_files(view_, changes_, problems_, well);
        if (!well || !changes_some()) return {};
        if (!read()) return resolve_by_simulation(view_, changes_, problems_);
        find_jobs();
        if (wrong_ || question_.jobs.empty()) return {};
        auto answer = pool_.ask(question_);
        if (!answer.problems.empty()) return refuse(answer), std::vector<Companion>();
        add_what_goes_along(answer);
        return take(answer);
    }

private:
    bool changes_some() const {
        return std::any_of(changes_.begin(), changes_.end(), [](const Change& one) { return changes_version(one); });
    }

    /// False where something is to come and there are no lists of sources that are understood here: apt knows, then.
    bool read() {
        const bool comes = std::any_of(changes_.begin(), changes_.end(),
                                       [](const Change& one) { return one.after && changes_version(one); });
        const bool all_are_files = std::all_of(changes_.begin(), changes_.end(), [](const Change& one) {
            return !one.after || !changes_version(one) || one.after.as<Package>()->packed;
        });
        if (comes && !all_are_files && settings_.lists.empty()) return false;
        apt::add_installed(pool_, view_);
        if (comes) apt::add_lists(pool_, view_, settings_, packages_.architecture);
        for (const auto& file : files_)
            if (file) pool_.add("file", file->control);
        Sources exact, from;
        for (const Change& change : changes_)
            if (const auto* after = change.after.as<Package>(); after && after->version && changes_version(change))
                exact[bare(after->name, packages_)] = *after->version;
        for (const Change& change : changes_)
            if (const auto* after = change.after.as<Package>(); after && !after->source.empty())
                from[bare(after->name, packages_)] = after->source;
        const apt::Policy policy(settings_);
        Sources drawn;
        do {
            pool_.choose(
                [&](const solver::Offer& offer) {
                    constexpr int is_wished = 10000, is_file = 20000, is_drawn = 999;  // never to an older one
                    if (offer.repository >= settings_.lists.size()) return is_file;
                    const auto& list = settings_.lists[offer.repository];
                    const auto source = from.empty() ? from.end() : from.find(offer.name);
                    if (source != from.end()) {
                        if (!apt::is_called(list, source->second)) return 0;
                        if (!exact.contains(offer.name)) return is_wished;
                    }
                    const auto wish = exact.empty() ? exact.end() : exact.find(offer.name);
                    if (wish != exact.end() && wish->second == offer.version) return is_wished;
                    const auto by = drawn.empty() ? drawn.end() : drawn.find(offer.name);
                    const int usual = policy.priority(offer);
                    return by != drawn.end() && apt::is_called(list, by->second) ? std::max(usual, is_drawn) : usual;
                },
                policy.names_sources());
        } while (draw(from, drawn));
        return true;
    }

    using Sources = std::map<std::string, std::string, std::less<>>;  ///< By the name of a package, its repository.

    /// As apt has it: what a package of one repository needs, and what would be chosen is not enough for, comes from
    /// there as well. False where that is all.
    bool draw(const Sources& from, Sources& drawn) const {
        const Sources before = drawn;
        for (const Sources* some : {&from, &before})
            for (const auto& [name, source] : *some)
                for (auto& needed : pool_.unmet(name))
                    if (!from.contains(needed)) drawn.emplace(std::move(needed), source);
        return drawn.size() > before.size();
    }

    void find_jobs() {
        question_.recommends = settings_.recommends;
        std::map<std::string, const Change*, std::less<>> touched;
        for (std::size_t i = 0; i < changes_.size(); ++i) {
            const Change& change = changes_[i];
            const Package& either = *resources::either(change);
            const auto name = bare(either.name, packages_);
            if (!changes_version(change)) continue;
            touched[name] = &change;
            question_.may_go.insert(question_.may_go.end(), either.allow_removals.begin(), either.allow_removals.end());
            if (change.after && !can_come(change, name)) continue;
            // What no manifest names any more goes where nothing that comes needs it.
            question_.jobs.push_back({name, !change.after, !change.after && !change.where});
            change_of_.push_back(i);
        }
        for (const auto& one : packages_.all)
            if (one.held() && one.installed())
                if (const auto name = name_of(one, packages_); !touched.contains(name)) question_.stays.push_back(name);
    }

    void wrong(Error error) {
        wrong_ = true;
        problems_.add(std::move(error));
    }

    /// False where it is left to the run, or told as a mistake.
    bool can_come(const Change& change, const std::string& name) {
        const auto& wanted = *change.after.as<Package>();
        const auto there = pool_.candidate(name);
        if (!there.empty() && (!wanted.version || *wanted.version == there)) return true;
        if (view_.expects_more()) {
            problems_.note(Error(change.where, fmt::format("package {} is not known yet: a repository of this run has "
                                                           "to bring it, so its version and what comes along are "
                                                           "decided at the run",
                                                           change.id.key)));
            return false;
        }
        const auto versions = pool_.versions(name);
        if (!wanted.source.empty()) {
            wrong(not_from_there(change, wanted));
        } else if (!versions.empty() && wanted.version) {
            wrong(Error(change.where, fmt::format("package {}: there is no version {}", change.id.key, *wanted.version))
                      .help(fmt::format("there is {}; without a version it is {}", listed(versions),
                                        there.empty() ? "none of these" : there)));
        } else if (!versions.empty()) {
            wrong(Error(change.where, fmt::format("package {}: no version of it may be installed, by apt's preferences",
                                                  change.id.key))
                      .help("apt-cache policy " + name));
        } else if (const auto others = pool_.providers(name); !others.empty()) {
            wrong(Error(change.where, fmt::format("package {} is no package, but what others stand for", change.id.key))
                      .help("name one that provides it: " + listed(others)));
        } else {
            const auto near = pool_.like(name);
            wrong(Error(change.where, fmt::format("package {}: no repository of this host has it", change.id.key))
                      .help(near.empty() ? "apt-cache search " + name
                                         : fmt::format("did you mean {}?", listed(near, " or "))));
        }
        return false;
    }

    Error not_from_there(const Change& change, const Package& wanted) const {
        std::set<std::string> names;
        bool is_known = false;
        for (const auto& list : settings_.lists) {
            names.insert(list.file), names.insert(list.suite);
            is_known = is_known || apt::is_called(list, wanted.source);
        }
        if (is_known)
            return Error(change.where, fmt::format("package {}: the repository {} does not have {}", change.id.key,
                                                   wanted.source, wanted.version ? "that version" : "it"))
                .help("apt-cache policy " + wanted.name);
        return Error(change.where,
                     fmt::format("package {}: there is no repository {} on this host", change.id.key, wanted.source))
            .help("there is " + listed({names.begin(), names.end()}));
    }

    const Change& change_of(std::size_t job) const { return changes_[change_of_.at(job)]; }

    bool is_vital(const std::string& name) const {
        const auto* one = packages_.find(name);
        return one && one->essential;
    }

    /// What would do if others might go; else in libsolv's words.
    void refuse(const solver::Answer& answer) {
        auto harder = question_;
        harder.may_go = {"*"};
        const auto forced = pool_.ask(harder);
        std::map<std::size_t, std::vector<const solver::Move*>> going;  // by job
        for (const auto& move : forced.moves)
            if (move.kind == solver::Move::Kind::remove && !move.asked) going[move.job].push_back(&move);
        if (forced.problems.empty() && !going.empty()) {
            for (const auto& [job, moves] : going) refuse_removals(change_of(job), moves);
            return;
        }
        for (const auto& problem : answer.problems) {
            const Change& change = problem.job ? change_of(*problem.job) : change_of(0);
            wrong(Error(change.where, fmt::format("package {}: {}", change.id.key, listed(problem.said, "; ")))
                      .help(problem.ways_out.empty() ? "apt-get -s install " + change.id.key
                                                     : "libsolv suggests: " + listed(problem.ways_out, "; or ")));
        }
    }

    void refuse_removals(const Change& change, const std::vector<const solver::Move*>& moves) {
        std::vector<std::string> names, whys;
        bool vital = false;
        for (const auto* move : moves) {
            names.push_back(move->name);
            if (!move->why.empty()) whys.push_back(move->why);
            vital = vital || is_vital(move->name);
        }
        const auto key = change.id.key;
        const auto why = whys.empty() ? std::string() : fmt::format(": {}", listed(whys, "; "));
        Error error(change.where, fmt::format("package {} can not be {} without removing {}{}", key,
                                              change.after ? "changed" : "removed", listed(names), why));
        if (vital) return wrong(std::move(error).help("the host does not work without it"));
        wrong(std::move(error).help(fmt::format("if that may be: allow_removals: [{}] on {}", listed(names), key)));
    }

    /// Only what comes anew is counted: of what is replaced nobody knows how much room it leaves.
    void look_for_room(const solver::Answer& answer) {
        std::uint64_t needed = 0;
        for (const auto& move : answer.moves)
            if (move.kind == solver::Move::Kind::install && !packages_.find(move.name)) needed += move.installed;
        constexpr std::uint64_t surely_there = 100'000'000;
        if (needed < surely_there) return;
        const auto said = view_.host().ask({{"df", "--output=avail", "--block-size=1", "/usr"}}).out;
        std::uint64_t free = 0;
        const auto digits = std::min(said.find_first_of("0123456789"), said.size());
        const auto [end, failed] = std::from_chars(said.data() + digits, said.data() + said.size(), free);
        if (failed == std::errc() && free < needed)
            wrong(Error(change_of(0).where, fmt::format("not enough room in /usr: {} would come, and {} are free",
                                                        size_text(needed), size_text(free)))
                      .help("df -h /usr"));
    }

    /// What came along with what goes, and is needed by nobody any more.
    void add_what_goes_along(solver::Answer& answer) {
        const auto* past = past_of(view_);
        const bool goes = std::any_of(answer.moves.begin(), answer.moves.end(),
                                      [](const solver::Move& move) { return move.kind == solver::Move::Kind::remove; });
        if (!past || !goes) return;
        const auto along = pool_.unneeded(answer, [&](const std::string& name) {
            const auto* there = packages_.find(name);
            return there && may_go_along(*there) && past->brought(package_kind, name);
        });
        answer.moves.insert(answer.moves.end(), along.begin(), along.end());
    }

    std::vector<Companion> take(const solver::Answer& answer) {
        look_for_room(answer);
        std::map<std::string, std::size_t, std::less<>> asked;
        for (const std::size_t i : change_of_) asked[bare(either(changes_[i])->name, packages_)] = i;
        std::vector<Companion> found;
        keep_what_comes_needs(answer);
        std::map<std::string, const Change*, std::less<>> standing;  // declared, and other than it is by marks alone
        for (const Change& change : changes_)
            if (change.where && change.after && !changes_version(change))
                standing[bare(either(change)->name, packages_)] = &change;
        for (const auto& move : answer.moves) {
            if (const auto one = standing.find(move.name); one != standing.end()) {
                refuse_against_declared(change_of(move.job), *one->second, move);
                continue;
            }
            const auto mine = asked.find(move.name);
            if (mine != asked.end()) {
                if (changes_[mine->second].after) settle(changes_[mine->second], move);
            } else if (auto one = companion(move)) {
                found.push_back(std::move(*one));
            }
        }
        return found;
    }

    static void settle(Change& change, const solver::Move& move) {
        Package goal = *change.after.as<Package>();
        goal.version = move.version;
        tell(goal, reason_of(move));
        change.after = State::of(std::move(goal)).with_inputs(change.after.inputs());
    }

    /// Where nothing comes, keep_needed() has said it: what becomes another one needs something else by then.
    void keep_what_comes_needs(const solver::Answer& answer) {
        const auto comes = [](const solver::Job& job) { return !job.goes; };
        if (std::none_of(question_.jobs.begin(), question_.jobs.end(), comes)) return;
        std::set<std::string, std::less<>> going;
        for (const auto& move : answer.moves)
            if (move.kind == solver::Move::Kind::remove) going.insert(move.name);
        for (const std::size_t i : change_of_)
            if (Change& change = changes_[i]; !change.after && !change.where && change.before)
                if (!going.contains(bare(either(change)->name, packages_))) change.after = change.before;
    }

    void refuse_against_declared(const Change& cause, const Change& declared, const solver::Move& move) {
        const auto name = declared.id.key;
        wrong(Error(cause.where, fmt::format("package {} needs another package {} than is there, and that is declared "
                                             "as well",
                                             cause.id.key, name))
                  .help(move.version.empty() ? "take one of the two out"
                                             : fmt::format("say so of {}: version: \"{}\"", name, move.version)));
    }

    std::optional<Companion> companion(const solver::Move& move) {
        const std::size_t because = change_of_.at(move.job);
        const Change& cause = changes_[because];
        auto one = along(view_, move.name, move.version, reason_of(move));
        const ResourceId id{std::string_view(package_kind), move.name};
        if (move.kind == solver::Move::Kind::remove) {
            if (is_vital(move.name)) {
                wrong(Error(cause.where, fmt::format("package {} would remove {}, which is essential: {}", cause.id.key,
                                                     move.name, move.why)));
                return std::nullopt;
            }
            return Companion{{id, with_why(going_with(one.before, cause), move.why), State(), cause.where}, because};
        }
        return Companion{{id, one.before, State::of(std::move(one.goal)), cause.where}, because};
    }

    const View& view_;
    const Packages& packages_;
    std::span<Change> changes_;
    Diagnostics& problems_;
    apt::Settings settings_;
    solver::Pool pool_;
    solver::Question question_;
    std::vector<std::optional<PackageFile>> files_;  ///< Of each change.
    std::vector<std::size_t> change_of_;             ///< Of each job.
    bool wrong_ = false;
};

}  // namespace

std::set<std::string, std::less<>> needed_by_others(const Host& host, const std::vector<std::string>& asked,
                                                    const std::vector<std::string>& changing) {
    const View view(host);
    const auto& packages = view.once<Packages>();
    if (!is_solved_here(packages)) return needed_by_simulation(view, asked);
    std::set<std::string, std::less<>> needed;
    solver::Question question{.gentle = true};
    for (const auto& name : asked)
        if (const auto* one = packages.find(name); one && one->present())  // also a half of one may need others
            question.jobs.push_back({bare(name, packages), true}), needed.insert(name);
    if (question.jobs.empty()) return needed;
    solver::Pool pool(solver::Family::deb, packages.architecture, apt::settings(view, packages.architecture).foreign);
    apt::add_installed(pool, view);
    for (const auto& name : changing) pool.forget_needs(bare(name, packages));
    pool.choose([](const solver::Offer&) { return 0; });
    const auto answer = pool.ask(question);
    for (const auto& move : answer.moves)
        if (move.kind == solver::Move::Kind::remove)
            std::erase_if(needed, [&](const std::string& name) { return bare(name, packages) == move.name; });
    return needed;
}

std::vector<Companion> resolve_packages(const View& view, std::span<Change> changes, Diagnostics& problems) {
    const auto& packages = view.once<Packages>();
    if (!backend_of(packages.keeper)) return {};  // check says so
    Ungrouped all(view, changes, problems);
    if (all.changes().empty()) return all.take({});
    keep_needed(view, all.changes());
    auto companions = is_solved_here(packages) ? Planning(view, all.changes(), problems).companions()
                                               : resolve_by_simulation(view, all.changes(), problems);
    tell_what_is_fresh(view, all.changes());
    return all.take(std::move(companions));
}

}  // namespace chaos::resources
