// SPDX-License-Identifier: Apache-2.0
#include "follow.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chaos/git_mirror.hpp>
#include <chaos/gitops/drifting.hpp>
#include <chaos/gitops/noticing.hpp>
#include <chaos/gitops/repository.hpp>
#include <chaos/gitops/units.hpp>
#include <chaos/journal.hpp>
#include <chaos/state.hpp>
#include <chaos/template.hpp>
#include <chaos/url.hpp>
#include <ctime>

#include "history_view.hpp"
#include "modules.hpp"

namespace chaos::cli {

namespace {

using gitops::Decision;
using Act = Decision::Act;

/// The settings with what was said on the command line over them: the same words, checked the same way.
gitops::Settings with_options(const gitops::Settings& settings, const Options& options, const std::string& url) {
    Value::Map said;
    const Schema& schema = gitops::settings_schema();
    const auto over = [&](const std::string& name, Value value) {
        const auto found = std::find_if(said.begin(), said.end(), [&](const auto& e) { return e.key.text() == name; });
        if (found == said.end())
            said.push_back({Value(name), std::move(value)});
        else
            found->value = std::move(value);
    };
    const Value all = encode(schema, State::of(settings));
    for (const auto& entry : all.map())
        if (!(entry.key.text() == "url" && entry.value.text().empty())) said.push_back(entry);
    if (!url.empty()) over("url", Value(url));
    Value::List paths;
    for (const auto& [name, value] : options.following) {
        if (name == "path")
            paths.emplace_back(value);
        else
            over(name, Value(value));
    }
    if (!paths.empty()) over("path", Value(std::move(paths)));
    Diagnostics problems;
    const gitops::Settings result = gitops::settings_from(Value(std::move(said)), problems);
    if (problems.ok()) return result;
    throw Usage(problems.errors().front().what());
}

/// Who this host is to the server that it follows is not told to another one, for which nobody said it.
void keep_secrets_from(Context& context, gitops::Settings& settings, const std::string& url) {
    const gitops::Settings before = settings;
    const git::Access shown = git::access_for(url, settings.url, gitops::access_of(settings));
    if (shown.username.empty()) settings.username.reset();
    if (shown.token_file.empty()) settings.token_file.reset();
    if (shown.certificate.empty()) settings.certificate.reset(), settings.certificate_key.reset();
    if (!(settings == before))
        context.console.remark(
            fmt::format("{} is another server: it is asked without the token and certificate that {} has for {}\n",
                        escape(without_passwords(url)), gitops::settings_file, escape(settings.url)));
}

/// `hosts/{{ host.name }}.yml` as paths: with `{{ group }}`, one for each group.
std::vector<std::string> resolved(const gitops::Candidates& candidates, const ReadContext& reading) {
    std::vector<std::string> paths;
    const auto fill = [&](const std::string& pattern, const Value& vars) {
        std::string path;
        Sources sources;
        for (std::size_t at = 0;;) {
            const auto open = pattern.find("{{", at), close = pattern.find("}}", open);
            path += pattern.substr(at, open == std::string::npos ? open : open - at);
            if (open == std::string::npos) break;
            if (close == std::string::npos) throw Error(fmt::format("'{}': an expression ends with }}}}", pattern));
            const std::string part =
                evaluate_expression(sources, pattern.substr(open + 2, close - open - 2), vars, reading).text();
            if (part.empty() || part.find('/') != std::string::npos || part == "." || part == "..")
                throw Error(fmt::format("'{}': expected the name of a file or directory, found '{}'", pattern, part));
            path += part, at = close + 2;
        }
        if (std::find(paths.begin(), paths.end(), path) == paths.end()) paths.push_back(std::move(path));
    };
    for (const std::string& pattern : candidates.list) {
        if (pattern.find("group }}") == std::string::npos && pattern.find("group}}") == std::string::npos) {
            fill(pattern, Value(Value::Map{}));
            continue;
        }
        Sources sources;
        const Value groups = evaluate_expression(sources, "host.groups", Value(Value::Map{}), reading);
        if (groups.is_list())
            for (const Value& group : groups.list())
                fill(pattern, Value(Value::Map{{Value(std::string("group")), Value(group.text())}}));
    }
    return paths;
}

/// One of ours was not confirmed, and taken back by that: its commit has failed, and the host is at the one before.
void note_unconfirmed(gitops::Memory& memory, const History& history, const RunRecord& ours, const std::string& site) {
    gitops::note_failed(memory, ours.revision, ours.note.empty() ? "it was not confirmed" : ours.note, ours.number,
                        seconds_now());
    memory.good.clear(), memory.good_subject.clear(), memory.good_author.clear(), memory.good_run = 0;
    for (const RunRecord& run : history.runs(200)) {
        if (run.number >= ours.number || !run.manifest.starts_with(site) || run.state != RunState::committed) continue;
        memory.good = run.revision, memory.good_run = run.number;
        memory.good_subject = first_line(run.message), memory.good_author = run.author.substr(0, run.author.find(" <"));
        memory.good_at = run.ended / 1'000'000'000;
        return;
    }
}

}  // namespace

void notice_runs(gitops::Memory& memory, const History& history, const std::string& site) {
    const std::int64_t known = std::max(memory.noticed_run, memory.good_run);
    std::vector<RunRecord> runs = history.runs(200);
    std::erase_if(runs, [&](const RunRecord& run) { return run.number <= known; });
    std::reverse(runs.begin(), runs.end());
    const bool followed = !memory.seen.empty();  // else nothing that is remembered was taken back
    for (const RunRecord& run : runs) {
        memory.noticed_run = run.number;
        if (!followed || (run.state != RunState::committed && run.state != RunState::partial)) continue;
        for (const std::int64_t taken : run.takes_back) {
            const auto ours = history.run(taken);
            if (taken == memory.held_by_run && run.state == RunState::committed) {  // and brought back again
                memory.undone = false, memory.held_by_run = 0, memory.held_by.clear(), memory.held_at.clear();
                continue;
            }
            if (!ours || !ours->manifest.starts_with(site) || memory.held_by_run != 0) continue;
            const bool by_itself = run.who == "chaos";  // nobody said so
            if (by_itself && taken == memory.good_run) note_unconfirmed(memory, history, *ours, site);
            if (by_itself) continue;
            memory.undone = true, memory.held_by_run = run.number, memory.held_by = run.who,
            memory.held_at = memory.seen;
        }
    }
}

namespace {

/// One turn of following, from the question to the answer.
class Turning {
public:
    Turning(Context& context, const Followed& followed, gitops::Asked asked)
        : context_(context), world_(wire(context.options)), followed_(followed), asked_(asked), now_(seconds_now()) {
        gitops::make_directory(world_.state_directory);
        gitops::make_directory(followed.directory);
        turn_.emplace(followed.directory, asked == gitops::Asked::by_person ? gitops::Turn::patience_ms : 0);
        view_.settings = followed.settings;
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
        for (const Hold& hold : holds(world_.state_directory, now_)) {
            if (hold.what == "all") view_.decision = {Act::wait, {}, in_words(hold)};
            held_.push_back(hold.what);
        }
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
        errand.silent = by_itself;
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

    /// How much drifted, and nothing else. What was seen is kept, so that the next turn need not look where all is so.
    std::size_t look() {
        gitops::Memory& memory = view_.memory;
        const std::string about = circumstances();
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

std::string in_words(const Hold& hold) {
    return chaos::to_text(hold, date_of(hold.until * 1'000'000'000));
}

std::int64_t milliseconds() {
    timespec time{};
    ::clock_gettime(CLOCK_MONOTONIC, &time);
    return std::int64_t{time.tv_sec} * 1000 + time.tv_nsec / 1'000'000;
}

std::int64_t seconds_now() {
    return static_cast<std::int64_t>(std::time(nullptr));
}

std::int64_t time_from(std::string_view option, const std::string& text, std::int64_t now) {
    try {
        return now + Codec<Seconds>::decode(Value(text)).count;
    } catch (const Error&) {  // a date, then
    }
    for (const char* form :
         {"%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d"}) {
        std::tm broken{};
        broken.tm_isdst = -1;
        const char* end = ::strptime(text.c_str(), form, &broken);
        if (end && !*end) return static_cast<std::int64_t>(std::mktime(&broken));
    }
    throw Usage(
        fmt::format("--{}: expected a time as 8h, or a date as '2026-11-21 14:00', found '{}'", option, escape(text)));
}

FollowView follow(Context& context, const Followed& what, gitops::Asked asked) {
    return Turning(context, what, asked).take();
}

Followed followed(Context& context, const World& world, const std::string& url) {
    Followed result;
    std::string text;
    const Entry entry = world.host->look(gitops::settings_file, &text);
    if (entry) {
        Diagnostics problems;
        result.settings = gitops::read_settings(context.sources, gitops::settings_file, std::move(text), problems);
        stop_where(problems, Exit::usage);
    } else if (url.empty()) {
        throw Error("this host follows no repository").help("chaos gitops enable URL");
    }
    const std::string own = result.settings.url;
    if (!url.empty() && !own.empty()) keep_secrets_from(context, result.settings, url);
    result.settings = with_options(result.settings, context.options, url);
    result.elsewhere = result.settings.url != own;
    result.directory = world.state_directory + "/gitops";
    return result;
}

std::string manifest_at(Context& context, const World& world, const View& view, const Followed& followed,
                        const std::string& name, const std::string& commit) {
    const std::string site = gitops::check_out(followed.directory, name, followed.settings, commit);
    const std::string path =
        site + '/' + gitops::choose(site, resolved(followed.settings.path, reading_of(context, world, view)), commit);
    if (::access((path.substr(0, path.rfind('/')) + "/chaos.lock").c_str(), F_OK) == 0)
        fetch_modules(context, {path}, followed.settings.url, gitops::access_of(followed.settings));
    return path;
}

}  // namespace chaos::cli
