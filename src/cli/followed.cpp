// SPDX-License-Identifier: Apache-2.0
// Which repository is followed, and where this host's manifest is in it; what people did with its runs meanwhile.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chaos/gitops/repository.hpp>
#include <chaos/gitops/units.hpp>
#include <chaos/state.hpp>
#include <chaos/template.hpp>
#include <chaos/url.hpp>

#include "clock.hpp"
#include "follow.hpp"
#include "history_view.hpp"
#include "modules.hpp"

namespace chaos::cli {

namespace {

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
    if (context.options.command == "pull")
        result.again = url.empty() ? "chaos pull" : "chaos pull " + without_passwords(url);
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

}  // namespace chaos::cli
