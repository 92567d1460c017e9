// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "causes.hpp"
#include "circles.hpp"
#include "parts.hpp"

namespace chaos::resources::solver {
namespace {

constexpr std::uint64_t nothing_said = 0;

/// One look of libsolv at a question, and what is to be read of it.
class Look {
public:
    Look(const Pool::Parts& parts, const Question& question, const std::set<Id>& never)
        : parts_(parts), question_(question) {
        const auto& solv = parts_.solv;
        std::vector<Id> jobs;
        add_jobs(jobs);
        for (const Id id : never) add(jobs, SOLVER_LOCK | SOLVER_SOLVABLE, id, of_nobody);
        solver_.reset(solv.solver_create(parts_.pool.get()));
        solv.solver_set_flag(solver_.get(), SOLVER_FLAG_IGNORE_RECOMMENDED, !question.recommends);
        const bool all = std::find(question.may_go.begin(), question.may_go.end(), "*") != question.may_go.end();
        solv.solver_set_flag(solver_.get(), SOLVER_FLAG_ALLOW_UNINSTALL, all);
        Queue queue{};
        queue.elements = jobs.data(), queue.count = static_cast<int>(jobs.size());
        solvable_ = solv.solver_solve(solver_.get(), &queue) == 0;
    }

    Answer answer() {
        Answer answer;
        if (!solvable_)
            tell_problems(answer);
        else
            tell_moves(answer), tell_circle(answer);
        return answer;
    }

    /// Of an upgrade those that come and can not be unpacked one before the other: they stay as they are.
    std::vector<Id> stuck() const { return upgrades() ? circle_in(parts_, coming_).packages : std::vector<Id>(); }

    /// What comes for no need, and is recommended already though it is not there: an upgrade leaves it out again.
    std::set<Id> unwanted() const {
        if (!upgrades()) return {};
        const Repo* const installed = parts_.pool->installed;
        std::set<Id> found, recommended;
        for (const Id id : coming_)
            if (const auto cause = causes_.find(parts_.at(id).name);
                cause != causes_.end() && cause->second.recommended)
                recommended.insert(id);
        for (Id id = installed->start; !recommended.empty() && id < installed->end; ++id) {
            const auto& package = parts_.at(id);
            if (package.repo != installed || !package.dep_recommends) continue;
            for (const Id* one = installed->idarraydata + package.dep_recommends; *one; ++one) {
                bool is_met = false;
                for (const Id* by = parts_.providers(*one); *by; ++by) is_met |= parts_.at(*by).repo == installed;
                for (const Id* by = parts_.providers(*one); *by && !is_met; ++by)
                    if (recommended.contains(*by)) found.insert(*by);
            }
        }
        return found;
    }

private:
    bool upgrades() const {
        return std::any_of(question_.jobs.begin(), question_.jobs.end(), [](const Job& job) { return job.newer; });
    }

    static constexpr std::size_t of_nobody = static_cast<std::size_t>(-1);

    void add(std::vector<Id>& jobs, int how, Id what, std::size_t job) {
        jobs.push_back(how), jobs.push_back(what);
        job_of_.push_back(job);
    }

    void add_jobs(std::vector<Id>& jobs) {
        for (std::size_t i = 0; i < question_.jobs.size(); ++i) {
            const auto& [name, goes, gently, newer] = question_.jobs[i];
            const Id id = parts_.known(name);
            if (!id) continue;
            const Id there = parts_.installed(id);
            if (goes) {
                const int weak = gently || question_.gentle ? SOLVER_WEAK : 0;
                if (there) add(jobs, SOLVER_ERASE | SOLVER_SOLVABLE | weak, there, i), asked_[there] = i;
                continue;
            }
            const auto found = parts_.chosen.find(id);
            const Id target = found == parts_.chosen.end() ? there : found->second;
            if (newer && there && target != there)
                add(jobs, SOLVER_UPDATE | SOLVER_SOLVABLE, there, i), asked_[target] = i;
            else if (!newer && target)
                add(jobs, SOLVER_INSTALL | SOLVER_SOLVABLE, target, i), asked_[target] = i;
        }
        for (const auto& name : question_.stays)
            if (const Id id = parts_.known(name); id && parts_.installed(id))
                add(jobs, SOLVER_LOCK | SOLVER_SOLVABLE, parts_.installed(id), of_nobody);
        for (const auto& name : question_.may_go)
            if (const Id id = parts_.known(name); id && parts_.installed(id))
                add(jobs, SOLVER_ALLOWUNINSTALL | SOLVER_SOLVABLE, parts_.installed(id), of_nobody);
    }

    void tell_problems(Answer& answer) {
        const auto& solv = parts_.solv;
        for (Id problem = 0; (problem = solv.solver_next_problem(solver_.get(), problem)) != 0;) {
            Problem told;
            Filled rules;
            solv.solver_findallproblemrules(solver_.get(), problem, &rules);
            for (const Id rule : rules)
                if (const int job = solv.solver_rule2jobidx(solver_.get(), rule); job > 0 && !told.job) {
                    const std::size_t index = job_of_[static_cast<std::size_t>(job - 1) / 2];
                    if (index != of_nobody) told.job = index;
                }
            say(told, solv.solver_findproblemrule(solver_.get(), problem));
            for (const Id rule : rules) say(told, rule);
            for (Id solution = 0; (solution = solv.solver_next_solution(solver_.get(), problem, solution)) != 0;) {
                std::string all;
                Id p = 0, rp = 0;
                std::size_t count = 0;
                constexpr std::size_t most = 4;
                for (Id element = 0; (element = solv.solver_next_solutionelement(solver_.get(), problem, solution,
                                                                                 element, &p, &rp)) != 0;)
                    if (++count <= most)
                        all += (all.empty() ? "" : " and ") +
                               std::string(solv.solver_solutionelement2str(solver_.get(), p, rp));
                if (count > most) all += fmt::format(" and {} more of that kind", count - most);
                if (!all.empty()) told.ways_out.push_back(std::move(all));
            }
            answer.problems.push_back(std::move(told));
        }
    }

    /// apt would find it out in the middle of the run, and so it is one of the problems.
    void tell_circle(Answer& answer) {
        const auto circle = upgrades() ? Circle() : circle_in(parts_, coming_);
        if (circle.packages.empty()) return;
        Problem told;
        const auto cause = causes_.find(parts_.at(circle.packages.front()).name);
        if (cause != causes_.end()) told.job = cause->second.job;
        told.said = {"it can be installed in no order: " + circle.said};
        answer.moves.clear();
        answer.problems.push_back(std::move(told));
    }

    void say(Problem& told, Id rule) {
        constexpr std::size_t most = 5;
        Id from = 0, to = 0, dependency = 0;
        const auto type = parts_.solv.solver_ruleinfo(solver_.get(), rule, &from, &to, &dependency);
        const int kind = type & SOLVER_RULE_TYPEMASK;
        if (told.said.size() >= most || (kind != SOLVER_RULE_PKG && kind != SOLVER_RULE_UPDATE)) return;
        std::string text = parts_.solv.solver_problemruleinfo2str(solver_.get(), type, from, to, dependency);
        if (std::find(told.said.begin(), told.said.end(), text) == told.said.end())
            told.said.push_back(std::move(text));
    }

    void tell_moves(Answer& answer) {
        Filled decisions;
        parts_.solv.solver_get_decisionqueue(solver_.get(), &decisions);
        std::map<std::string, Move> moves;
        std::map<Id, Id> comes;  // by name
        for (const Id id : decisions)
            if (id > 0 && id != SYSTEMSOLVABLE && parts_.at(id).repo != parts_.pool->installed)
                coming_.insert(id), comes[parts_.at(id).name] = id;
        for (const Id decision : decisions) {
            const Id id = std::abs(decision);
            if (decision < 0 && parts_.at(id).repo == parts_.pool->installed && !comes.contains(parts_.at(id).name))
                going_.push_back(id);
        }
        std::map<Id, std::size_t> asked;
        for (const auto& [id, job] : asked_) asked.emplace(parts_.at(id).name, job);
        causes_ = causes(parts_, coming_, going_, asked);
        for (const Id id : coming_) answer.moves.push_back(move_to(id));
        for (const Id id : going_) answer.moves.push_back(removal(id));
        std::sort(answer.moves.begin(), answer.moves.end(),
                  [](const Move& a, const Move& b) { return a.name < b.name; });
    }

    /// In libsolv's words, by the rule that decided.
    std::string decided(Id id, std::size_t& job) {
        Id rule = 0, from = 0, to = 0, dependency = 0;
        parts_.solv.solver_describe_decision(solver_.get(), id, &rule);
        if (rule <= 0) return {};
        const auto type = parts_.solv.solver_ruleinfo(solver_.get(), rule, &from, &to, &dependency);
        for (const Id about : {from, to})
            if (about > 0)
                if (const auto cause = causes_.find(parts_.at(about).name); cause != causes_.end())
                    job = cause->second.job;
        const int kind = type & SOLVER_RULE_TYPEMASK;
        if (kind != SOLVER_RULE_PKG) return {};
        return parts_.solv.solver_problemruleinfo2str(solver_.get(), type, from, to, dependency);
    }

    void find_why(Id id, Move& move) {
        if (const auto cause = causes_.find(parts_.at(id).name); cause != causes_.end())
            move.job = cause->second.job, move.why = cause->second.why;
        else
            move.why = decided(id, move.job);
    }

    Move move_to(Id id) {
        Move move;
        const auto& package = parts_.at(id);
        move.name = parts_.name(id);
        move.version = parts_.version(id);
        move.asked = asked_.contains(id);
        if (const Id there = parts_.installed(package.name)) {
            move.old_version = parts_.version(there);
            const int newer =
                parts_.solv.pool_evrcmp(parts_.pool.get(), package.evr, parts_.at(there).evr, EVRCMP_COMPARE);
            move.kind = newer < 0 ? Move::Kind::downgrade : Move::Kind::upgrade;
        }
        find_why(id, move);
        move.download = parts_.solv.pool_lookup_num(parts_.pool.get(), id, SOLVABLE_DOWNLOADSIZE, nothing_said);
        move.installed = parts_.solv.pool_lookup_num(parts_.pool.get(), id, SOLVABLE_INSTALLSIZE, nothing_said);
        return move;
    }

    Move removal(Id id) {
        Move move{
            .kind = Move::Kind::remove, .name = parts_.name(id), .version = {}, .old_version = parts_.version(id)};
        move.asked = asked_.contains(id);
        find_why(id, move);
        move.installed = parts_.solv.pool_lookup_num(parts_.pool.get(), id, SOLVABLE_INSTALLSIZE, nothing_said);
        return move;
    }

    const Pool::Parts& parts_;
    const Question& question_;
    std::unique_ptr<::Solver, Closer> solver_;
    std::vector<std::size_t> job_of_;  ///< Of libsolv's jobs, which of ours.
    std::map<Id, std::size_t> asked_;
    std::map<Id, Cause> causes_;  ///< By name.
    std::set<Id> coming_;
    std::vector<Id> going_;
    bool solvable_ = false;
};

}  // namespace

Answer Pool::ask(const Question& question) const {
    for (std::set<Id> never;;) {
        Look look(*parts_, question, never);
        auto answer = look.answer();
        const auto unwanted = look.unwanted();
        const auto stuck = look.stuck();
        if (unwanted.empty() && stuck.empty()) return answer;
        never.insert(unwanted.begin(), unwanted.end());
        never.insert(stuck.begin(), stuck.end());
    }
}

}  // namespace chaos::resources::solver
