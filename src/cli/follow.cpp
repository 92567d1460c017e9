// SPDX-License-Identifier: Apache-2.0
#include "follow.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chaos/durable.hpp>
#include <chaos/git_mirror.hpp>
#include <chaos/gitops/drifting.hpp>
#include <chaos/gitops/noticing.hpp>
#include <chaos/gitops/repository.hpp>
#include <chaos/journal.hpp>
#include <chaos/state.hpp>
#include <chaos/url.hpp>
#include <ctime>

#include "clock.hpp"
#include "history_view.hpp"
#include "holding.hpp"

namespace chaos::cli {

namespace {

using gitops::Decision;
using Act = Decision::Act;

/// One turn of following, from the question to the answer.
class Turning {
public:
    Turning(Context& context, const Followed& followed, gitops::Asked asked)
        : context_(context), world_(wire(context.options)), followed_(followed), asked_(asked), now_(seconds_now()) {
        durable::make_directory(world_.state_directory);
        durable::make_directory(followed.directory);
        turn_.emplace(followed.directory, asked == gitops::Asked::by_person ? gitops::Turn::patience_ms : 0);
        view_.settings = followed.settings, view_.once = followed.elsewhere, view_.again = followed.again;
        view_.memory = gitops::load_memory(followed.directory);
    }

    FollowView take() {
        gitops::Memory& memory = view_.memory;
        const std::int64_t failed_run = memory.failed_run;
        const bool failed_before = !memory.failed.empty() || memory.unreachable != 0;
        noticed_ = gitops::notice(followed_.directory, circumstances(), *world_.host, memory);
        // Of what was recorded since the last look nothing is known only where it was not noticed that all is as it
        // was.
        if (noticed_ == gitops::Noticed::nothing)
            if (const auto history = look_at_history(context_, world_))
                notice_runs(memory, *history, followed_.directory + "/site/");
        view_.decision = gitops::before_asking(followed_.settings, memory, asked_, noticed_, now_);
        if (view_.decision.act == Act::ask) ask();
        for (const Hold& hold : read_holds())
            if (hold.what == "all") view_.decision = {Act::wait, {}, in_words(hold)};
        if (asked_ != gitops::Asked::by_person)
            for (const gitops::Left& left : gitops::Drifting::read(memory.left).left(now_)) left_.push_back(left.id);
        try {
            act();
        } catch (const Busy&) {
            gitops::save_memory(followed_.directory, memory);
            throw;
        }
        if (memory.failed_run > failed_run && view_.decision.act != Act::apply && asked_ == gitops::Asked::by_timer)
            view_.errors.emplace_back(memory.why_failed);  // it was not confirmed
        if ((!view_.errors.empty() || unanswered_) && view_.exit == Exit::well) view_.exit = Exit::failed;
        view_.recovered = failed_before && memory.failed.empty() && memory.unreachable == 0;
        gitops::save_memory(followed_.directory, memory);
        return std::move(view_);
    }

private:
    void ask() {
        gitops::Memory& memory = view_.memory;
        const gitops::Settings& settings = followed_.settings;
        if (memory.ref != settings.ref) memory.ref = settings.ref, memory.failed.clear(), memory.why_failed.clear();
        std::string tip;
        if (asked_ == gitops::Asked::by_change) {
            view_.decision = gitops::after_asking(settings, memory, memory.seen, asked_, noticed_, now_);
            if (view_.decision.act == Act::apply || view_.decision.act == Act::tell) view_.decision.act = Act::nothing;
            return;
        }
        try {
            tip = git::tip(settings.url, settings.ref, gitops::access_of(settings)).commit;
            gitops::note_answer(memory, tip, now_);
        } catch (const Busy&) {
            throw;
        } catch (const Error& error) {
            if (followed_.elsewhere) throw;
            silence(error);
        }
        view_.decision = gitops::after_asking(settings, memory, tip, asked_, noticed_, now_);
    }

    std::string circumstances() const {
        return gitops::circumstances(followed_.settings, view_.memory, world_.state_directory, now_);
    }

    void silence(const Error& error) {
        unanswered_ = true;
        gitops::note_silence(view_.memory, followed_.settings, error.what(), now_);
        if (asked_ == gitops::Asked::by_person) view_.errors.push_back(error);
        view_.exit = Exit::failed;
    }

    void act() {
        switch (view_.decision.act) {
            case Act::apply: return apply();
            case Act::heal: return guarded([&] { heal(); });
            case Act::look: return guarded([&] { look(); });
            case Act::tell: view_.exit = Exit::pending; return;
            default: return;
        }
    }

    void apply() {
        gitops::Memory& memory = view_.memory;
        git::Tip tip;
        try {
            tip = gitops::fetch(followed_.directory, followed_.settings);
        } catch (const Busy&) {
            throw;
        } catch (const git::TooLarge& error) {
            return failed(view_.decision.commit, {error}, Exit::failed);
        } catch (const Error& error) {
            if (followed_.elsewhere) throw;
            view_.decision.act = Act::stay, view_.decision.why = "the repository does not answer";
            return silence(error);
        }
        view_.decision.commit = tip.commit, memory.seen = tip.commit;
        if (memory.trying != tip.commit) memory.trying = tip.commit, memory.tries = 0;
        ++memory.tries;
        gitops::save_memory(followed_.directory, memory);  // a commit that ends the host is not begun for ever
        try {
            view_.tried = git::commit_at(gitops::cache_in(followed_.directory), tip.commit);
            view_.signer = gitops::trust(followed_.directory, followed_.settings, memory, tip, context_.options.rewind);
            run(view_.tried);
        } catch (const Busy&) {
            memory.trying.clear(), memory.tries = 0;  // nothing is wrong with it
            throw;
        } catch (const git::Unanswered& error) {
            if (followed_.elsewhere) throw;
            memory.trying.clear(), memory.tries = 0;
            view_.decision.act = Act::stay, view_.decision.why = "not all of it could be fetched";
            silence(error);
        } catch (gitops::Rewound& error) {
            error.hint = fmt::format("where that was meant: {} --allow-rewind", followed_.again);
            failed(tip.commit, {error}, Exit::failed);
        } catch (const Overtaken& overtaken) {
            memory.trying.clear(), memory.tries = 0;
            view_.errors = overtaken.errors, view_.exit = overtaken.exit;
        } catch (const Problems& problems) {
            failed(tip.commit, problems.errors, problems.exit);
        } catch (const Error& error) {
            failed(tip.commit, {error}, Exit::failed);
        }
    }

    /// What went wrong, at its place in the repository.
    void failed(const std::string& commit, const std::vector<Error>& errors, Exit exit, std::int64_t run = 0) {
        std::string why = errors.empty() ? "it failed" : errors.front().what();
        if (!errors.empty()) {
            std::string place = place_of(errors.front().where, context_.sources);
            const std::string site = followed_.directory + "/site/";
            if (place.starts_with(site)) place.erase(0, site.size());
            if (!place.empty()) why = place + ": " + why;
        }
        gitops::note_failed(view_.memory, commit, why, run, now_);
        view_.errors = errors, view_.exit = exit;
    }

    void run(const git::Commit& commit) {
        gitops::Memory& memory = view_.memory;
        const std::string manifest = manifest_at(context_, world_, View(*world_.host), followed_, "site", commit.hash);
        const std::string path = manifest.substr(followed_.directory.size() + std::string_view("/site/").size());
        const bool by_itself = asked_ != gitops::Asked::by_person;
        Errand errand{by_itself ? "gitops" : who(), manifest, commit.hash};
        errand.author = fmt::format("{} <{}>", commit.author, commit.email), errand.message = commit.message;
        errand.silent = errand.tells_changes = by_itself;
        errand.held = held_;
        if (view_.decision.act == Act::heal) errand.held.insert(errand.held.end(), left_.begin(), left_.end());
        const std::int64_t begun = milliseconds();
        view_.run = run_manifests(context_, world_, *world_.host, {manifest}, std::move(errand));
        if (!view_.run) {  // a person was asked, and said no
            memory.trying.clear(), memory.tries = 0, view_.exit = Exit::pending;
            return;
        }
        memory.duration_ms = milliseconds() - begun;
        const Outcome& outcome = *view_.run->outcome;
        const Exit exit = exit_of(outcome);
        view_.exit = exit;
        if (exit == Exit::well || exit == Exit::pending || exit == Exit::in_part) {
            gitops::note_applied(memory, commit.hash, path, outcome.run, now_);
            memory.url = followed_.settings.url;
            memory.good_subject = first_line(commit.message), memory.good_author = commit.author;
        } else {
            failed(commit.hash, outcome.errors, exit, outcome.run);
        }
    }

    /// What drifted is put right. At first it is only looked, which costs nothing where nothing moved; where something
    /// was decided since the last look it is run at once, since there may be something to record.
    void heal() {
        const bool by_itself = asked_ != gitops::Asked::by_person;
        if (by_itself && noticed_ != gitops::Noticed::nothing && look() == 0) return;
        run(git::commit_at(gitops::cache_in(followed_.directory), view_.memory.good));
        if (!by_itself || !view_.run || view_.exit != Exit::well) return;
        if (view_.run->outcome->run == 0)
            look();
        else
            note_repairs();
    }

    /// What drifts again and again is left, and said.
    void note_repairs() {
        auto drifting = gitops::Drifting::read(view_.memory.left);
        for (const ChangeView& change : view_.run->plan->changes) {
            if (!drifting.repaired(change.id, now_)) continue;
            using gitops::Drifting;
            const std::string said =
                fmt::format("{} drifted {} times in {} min, and is left as it is for {} min: who changes it?",
                            change.id, Drifting::most, Drifting::within_s / 60, Drifting::left_s / 60);
            context_.console.remark(escape(said) + '\n');
            Journal().send({{"MESSAGE", said},
                            {"PRIORITY", "4"},
                            {"SYSLOG_IDENTIFIER", "chaos"},
                            {"CHAOS_RUN", std::to_string(view_.run->outcome->run)},
                            {"CHAOS_COMMIT", view_.memory.good},
                            {"CHAOS_RESOURCE", change.id},
                            {"CHAOS_RESULT", "left"}});
        }
        view_.memory.left = drifting.text();
    }

    template <class Work>
    void guarded(Work&& work) {
        try {
            work();
        } catch (const Busy&) {
            throw;
        } catch (const Problems& problems) {
            view_.errors = problems.errors, view_.exit = problems.exit;
        } catch (const Error& error) {
            view_.errors = {error}, view_.exit = Exit::failed;
        }
    }

    std::vector<Hold> read_holds() {
        const std::vector<Hold> now = holds(world_.state_directory, now_);
        held_.clear();
        for (const Hold& hold : now) held_.push_back(hold.what);
        return now;
    }

    /// How much drifted, and nothing else. What was seen is kept, so that the next turn need not look where all is so.
    std::size_t look() {
        gitops::Memory& memory = view_.memory;
        const std::string about = circumstances();
        read_holds();  // after it: one that ended since the turn began is in neither, one that ends now makes it
                       // another
        std::string open_run;
        const auto history = open_history(world_.host->root(), world_.state_directory, &open_run);
        const Witness witness(*world_.host);
        const View view(witness);
        const std::string manifest = manifest_at(context_, world_, view, followed_, "site", memory.good);
        Site site = read_manifests(context_, world_, view, {manifest});
        leave_out(site, world_.registry, held_);
        leave_out(site, world_.registry, left_);
        const Planned planned = look_and_plan(context_, world_, view, std::move(site), history.get());
        std::size_t drifted = 0;
        for (const Step& step : planned.plan) drifted += step.changes.size();
        memory.drifted = static_cast<std::int64_t>(drifted), memory.scanned = now_;
        if (drifted) view_.exit = Exit::pending;
        const Sight sight = witness.sight();
        memory.costly = sight.costly.empty() ? std::string() : sight.costly.front();
        const auto newest = history ? history->runs(1) : std::vector<RunRecord>();
        const bool at_rest = open_run.empty() && !(history && history->window()) &&
                             (newest.empty() || newest[0].number <= std::max(memory.noticed_run, memory.good_run));
        // What is to be put right is looked at again until it is.
        if (at_rest && (drifted == 0 || followed_.settings.mode != gitops::Following::heal))
            gitops::keep_sight(followed_.directory, about, sight);
        return drifted;
    }

    Context& context_;
    World world_;
    const Followed& followed_;
    gitops::Asked asked_;
    std::int64_t now_;
    std::optional<gitops::Turn> turn_;
    gitops::Noticed noticed_ = gitops::Noticed::nothing;
    std::vector<std::string> held_{}, left_{};  ///< What a person works on; what drifts again and again.
    FollowView view_;
    bool unanswered_ = false;  ///< The repository did not say where it is.
};

}  // namespace

FollowView follow(Context& context, const Followed& what, gitops::Asked asked) {
    return Turning(context, what, asked).take();
}

}  // namespace chaos::cli
