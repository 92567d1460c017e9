// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <chaos/plan.hpp>
#include <chaos/process.hpp>
#include <chaos/system/accounts.hpp>
#include <chaos/url.hpp>

#include "kinds.hpp"
#include "paths.hpp"

namespace chaos::resources {
namespace {

struct Git {
    std::string path{};
    std::optional<std::string> url{}, branch{}, tag{}, rev{};
    std::optional<bool> update{};
    bool submodules = false;
    std::optional<std::string> owner{};
    std::optional<std::string> commit{};
};

constexpr Field fields[] = {
    schema::key<&Git::path>("path", "Where the work tree is.").example("/srv/app"),
    schema::property<&Git::url>("url", "Where it comes from: https, ssh or file.")
        .needed()
        .example("https://git.example.org/app.git")
        .also("repo"),
    schema::property<&Git::branch>("branch", "The branch it is on.")
        .example("main")
        .otherwise("as it is; for a new one the branch that the remote has first"),
    schema::property<&Git::tag>("tag", "The tag it is at, on no branch.").example("v1.2").otherwise("as it is"),
    schema::property<&Git::rev>("rev", "The commit it is at, on no branch: its hash, whole or begun, or what names it.")
        .example("8c3f1e0d5a7b9264f0e1d2c3b4a5968778695a4b")
        .otherwise("as it is"),
    schema::property<&Git::update>("update", "True: at what the remote's branch is at now; each look asks the remote.")
        .example("true")
        .otherwise("false: what is there stays")
        .also("pull"),
    schema::option<&Git::submodules>("submodules", "Its submodules are checked out as well.")
        .example("true")
        .otherwise("false"),
    schema::property<&Git::owner>("owner", "Who has it checked out: as that person, with that person's keys.")
        .example("deploy")
        .otherwise("whoever runs chaos")
        .persons(),
    schema::seen<&Git::commit>("commit", "The commit it is at.").example("8c3f1e0d5a7b9264f0e1d2c3b4a5968778695a4b"),
};

// What is cloned goes beside the kinds that put files into it or link to it.
constexpr Schema git =
    schema::of<Git>(
        "git", "gits", Order::directory,
        "A checkout of a repository. What is not committed, or committed here alone, is never lost: it stops the "
        "run. Nothing that a repository brings is run.",
        fields)
        .body("url")
        .requires_({.live = true})
        .keyed(schema::clean_path);

bool is_hash(std::string_view text, std::size_t least) {
    return text.size() >= least && text.size() <= 40 && std::all_of(text.begin(), text.end(), [](char c) {
               return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
           });
}

std::string_view first_line(std::string_view text) {
    return text.substr(0, text.find('\n'));
}

/// What a reference is at, where it is in a file of its own or among the packed ones; empty where there is none.
std::string reference(const View& view, const std::string& repository, const std::string& name) {
    std::string text;
    if (view->look(repository + "/" + name, &text)) return std::string(first_line(text));
    text.clear();
    view->look(repository + "/packed-refs", &text);
    for (std::string_view rest = text; !rest.empty();) {
        const auto line = first_line(rest);
        rest.remove_prefix(std::min(line.size() + 1, rest.size()));
        if (line.size() == 41 + name.size() && line.substr(41) == name) return std::string(line.substr(0, 40));
    }
    return {};
}

/// The url of the remote `origin`.
std::optional<std::string> origin_of(const View& view, const std::string& repository) {
    std::string text;
    view->look(repository + "/config", &text);
    bool inside = false;
    for (std::string_view rest = text; !rest.empty();) {
        auto line = first_line(rest);
        rest.remove_prefix(std::min(line.size() + 1, rest.size()));
        while (!line.empty() && (line.front() == ' ' || line.front() == '\t')) line.remove_prefix(1);
        if (line.starts_with('[')) inside = line.starts_with("[remote \"origin\"]");
        if (!inside || !line.starts_with("url")) continue;
        line.remove_prefix(3);
        while (!line.empty() && (line.front() == ' ' || line.front() == '\t')) line.remove_prefix(1);
        if (!line.starts_with('=')) continue;
        line.remove_prefix(1);
        while (!line.empty() && (line.front() == ' ' || line.front() == '\t')) line.remove_prefix(1);
        return std::string(line);
    }
    return std::nullopt;
}

/// chaos itself, as the owner: see git.hpp.
Command question(const std::optional<std::string>& owner, Value::Map said) {
    Command command{.argv = own_command(), .input = to_json(Value(std::move(said)))};
    command.argv.emplace_back("git-work");
    command.user = owner.value_or("");
    command.timeout_s = 1800;
    return command;
}

Value::Entry said(std::string_view name, std::string value) {
    return {Value(std::string(name)), Value(std::move(value))};
}

/// The commit that the answer gives. Throws Error with what it says went wrong.
std::string commit_in(const Command& command, const Output& output) {
    Value answer;
    try {
        answer = from_json(output.out);
    } catch (const Error&) {
        throw failed(command, output);
    }
    if (const Value* error = answer.find("error")) {
        const Value* hint = answer.find("hint");
        throw Error(error->text()).help(hint ? hint->text() : "");
    }
    const Value* commit = answer.find("commit");
    if (!commit) throw failed(command, output);
    return commit->text();
}

/// What the branch of a remote is at now.
std::string tip(const Host& host, const Git& spec) {
    const auto command =
        question(spec.owner, {said("do", "tip"), said("url", *spec.url), said("branch", spec.branch.value_or(""))});
    return commit_in(command, host.ask(command));
}

class GitType final : public TypedResource<Git> {
public:
    constexpr GitType() : TypedResource(git) {}

    std::optional<Git> observe(const View& view, const Git& wanted, bool whole) const override {
        const auto there = view->look(wanted.path);
        const std::string repository = wanted.path + "/.git";
        const auto inside = view->look(repository);
        if (!there || (there.kind == Entry::Kind::directory && !inside && view->list(wanted.path).empty()))
            return std::nullopt;
        if (inside.kind != Entry::Kind::directory)
            throw Error(wanted.path + " is there already and no checkout: " +
                        (inside ? "its .git is no directory" : "it has no .git"))
                .help("move it away: mv " + wanted.path + " " + wanted.path + ".orig");
        Git found{.path = wanted.path};
        std::string head;
        view->look(repository + "/HEAD", &head);
        const std::string at(first_line(head));
        constexpr std::string_view branches = "ref: refs/heads/";
        const bool on_branch = at.starts_with(branches);
        const std::string commit = on_branch ? reference(view, repository, at.substr(5)) : at;
        const bool begun = !reference(view, repository, "refs/chaos/next").empty();
        if (is_hash(commit, 40) && !begun) found.commit = commit;
        found.url = origin_of(view, repository).value_or("");
        if (on_branch && found.commit) found.branch = at.substr(branches.size());
        if (wanted.branch && !found.branch) found.branch = "";
        if (wanted.tag)
            found.tag = is_at(view, repository, commit, "refs/tags/" + *wanted.tag, *wanted.tag) ? *wanted.tag : "";
        if (wanted.rev) found.rev = is_rev(view, repository, commit, *wanted.rev) && !on_branch ? *wanted.rev : commit;
        if (!found.commit) found.tag = found.rev = std::nullopt, found.branch = "";
        if (whole || wanted.owner) found.owner = owner_of(view, there, wanted.owner);
        if (wanted.update) found.update = *wanted.update && found.commit && is_latest(view, wanted, found);
        return found;
    }

    void review(const Resource& resource, Diagnostics& problems) const override {
        const Git& spec = *resource.wanted.as<Git>();
        const auto say = [&](const std::string& what, const std::string& hint) {
            problems.add(Error(resource.where, what).help(hint));
        };
        refuse_own_state(resource, spec.path, true, problems);
        if (resource.absent) return;
        review_owners(spec.owner, std::nullopt, resource.where, problems);
        const int said = (spec.branch ? 1 : 0) + (spec.tag ? 1 : 0) + (spec.rev ? 1 : 0);
        if (said > 1)
            say("a checkout is at a branch, a tag or a commit: " + std::to_string(said) + " of them are said",
                "keep one");
        if (spec.update.value_or(false) && (spec.tag || spec.rev))
            say("a tag and a commit do not move: there is nothing to update", "remove update, or say branch: NAME");
        if (spec.url &&
            (spec.url->empty() || spec.url->starts_with('-') || spec.url->find_first_of(" \n") != spec.url->npos))
            say("expected the url of a repository, found '" + without_passwords(*spec.url) + "'",
                "url: https://git.example.org/app.git");
        if (spec.url && spec.url->starts_with("http://"))
            problems.note(Error(resource.where, spec.path + " comes over http, where anybody on the way can change it")
                              .help("use https or ssh"));
        for (const auto* name : {&spec.branch, &spec.tag, &spec.rev})
            if (*name && ((*name)->empty() || (*name)->front() == '-' ||
                          (*name)->find_first_of(std::string_view(" ~^:?*[\\\n\0", 10)) != (*name)->npos ||
                          (*name)->find("..") != (*name)->npos))
                say("'" + **name + "' can not be the name of a branch, tag or commit", "branch: main");
    }

    std::vector<Companion> resolve(const View& view, std::span<Change> changes, Diagnostics& problems) const override {
        Parents parents(view);
        if (!can_be_made(view, changes, problems)) return parents.take();
        for (std::size_t i = 0; i < changes.size(); ++i) {
            Change& change = changes[i];
            const Git *before = change.before.as<Git>(), *after = change.after.as<Git>();
            if (!after) continue;
            if (before && after->owner && before->owner != after->owner)
                problems.add(
                    Error(change.where, fmt::format("{} belongs to {}, and is to be {}'s", after->path,
                                                    before->owner.value_or("?"), *after->owner))
                        .help("move it away, or give it to them: chown -R " + *after->owner + " " + after->path));
            Git goal = *after;
            // What it is at now is not what it is to be at; what a record says is.
            if (before && goal.commit == before->commit) goal.commit = std::nullopt;
            if (goal.update.value_or(false) && !goal.commit && goal.url) {
                try {
                    goal.commit = tip(view.host(), goal);
                } catch (const Error& error) {
                    Error remark(change.where, error.what());
                    remark.hint = before && before->commit ? "it is left as it is" : error.hint;
                    problems.note(std::move(remark));
                    if (before && before->commit && only_update(*before, goal)) {
                        change.after = change.before;
                        continue;
                    }
                }
            }
            change.after = State::of(std::move(goal)).with_inputs(change.after.inputs());
            if (!before)
                parents.above(change.id.key, i, change.where, problems, change.after.as<Git>()->owner,
                              group_for(view, change.after.as<Git>()->owner));
        }
        return parents.take();
    }

    void claims(const State& state, std::vector<Claim>& claims) const override {
        const Git& spec = *state.as<Git>();
        claim_path(spec.path, spec.owner, {}, claims);
        claims.push_back({Claim::Role::provides, "tree:" + spec.path});
    }

    /// What would be lost stops the run before anything is done.
    void check(const View& view, std::span<const Change> changes, Diagnostics& problems) const override {
        for (const Change& change : changes) {
            const Git* before = change.before.as<Git>();
            if (!before || !before->commit || !view->live()) continue;
            const auto command = question(
                owner_now(view.host(), before->path),
                {said("do", change.after ? "refuse changes" : "refuse local work"), said("path", before->path)});
            try {
                commit_in(command, view->ask(command));
            } catch (Error& error) {
                error.where = change.where;
                problems.add(std::move(error));
            }
        }
    }

    Way way() const override { return Way::calls; }

    void apply(WritableHost& host, const Git* from, const Git* to, bool) const override {
        if (!to) return remove(host, *from);
        const bool made = !host.look(to->path) && make_place(host, *to);
        const bool back = to->commit && !to->commit->empty();
        Value::Map asked{said("do", "sync"), said("path", to->path), said("url", to->url.value_or("")),
                         said("submodules", to->submodules ? "true" : "false")};
        const std::string branch = to->branch.value_or("");
        if (!branch.empty()) asked.push_back(said("branch", branch));
        if (back)
            asked.push_back(said("rev", *to->commit));
        else if (to->tag && !to->tag->empty())
            asked.push_back(said("tag", *to->tag));
        else if (to->rev && !to->rev->empty())
            asked.push_back(said("rev", *to->rev));
        const bool moved = from && from->url != to->url;
        if (!back && (to->update.value_or(false) || moved)) asked.push_back(said("update", "true"));
        const auto command = question(to->owner ? to->owner : owner_now(host, to->path), std::move(asked));
        const Output output = host.run(command);
        try {
            commit_in(command, output);
        } catch (const Error&) {
            // An empty directory counts as no checkout, so that taking back would not look at it.
            if (made && host.list(to->path).empty()) host.run(Command{.argv = {"rmdir", to->path}});
            throw;
        }
    }

private:
    /// What checkouts are made with is there, or each of them says that it is not, before anything else is done.
    static bool can_be_made(const View& view, std::span<const Change> changes, Diagnostics& problems) {
        const bool any = std::any_of(changes.begin(), changes.end(), [](const Change& c) { return bool(c.after); });
        if (!any || !view->live()) return true;
        const auto command = question(std::nullopt, {said("do", "ready")});
        try {
            commit_in(command, view->ask(command));
            return true;
        } catch (const Error& error) {
            for (const Change& change : changes)
                if (change.after) problems.add(Error(change.where, error.what()).help(error.hint));
            return false;
        }
    }

    /// By a tool, and not as a directory of the run: what goes is the tree with all in it. True where it was made here.
    static bool make_place(WritableHost& host, const Git& to) {
        if (!to.owner || !host.superuser()) return false;  // who checks it out makes it
        Command command{.argv = {"install", "-d", "-m", "0755", "-o", *to.owner}};
        if (const auto group = own_group(View(host), *to.owner); !group.empty())
            command.argv.insert(command.argv.end(), {"-g", group});
        command.argv.push_back(to.path);
        if (const auto output = host.run(command); output.status != 0) throw failed(command, output);
        return true;
    }

    /// Whose it is, where that is not said: root does not read as root what somebody else may write.
    static std::optional<std::string> owner_now(const Host& host, const std::string& path) {
        if (!host.superuser()) return std::nullopt;
        const auto there = host.look(path);
        if (!there || there.uid == 0) return std::nullopt;
        const View view(host);
        return view.once<Accounts>().owner_name(there.uid);
    }

    static bool is_at(const View& view, const std::string& repository, const std::string& commit,
                      const std::string& name, const std::string& spelled) {
        if (commit.empty()) return false;
        return reference(view, repository, "refs/chaos/at/" + spelled) == commit ||
               reference(view, repository, name) == commit;
    }

    static bool is_rev(const View& view, const std::string& repository, const std::string& commit,
                       const std::string& rev) {
        if (is_hash(rev, 7) && commit.starts_with(rev)) return true;
        return is_at(view, repository, commit, "refs/tags/" + rev, rev);
    }

    /// A remote that can not be asked is told of when the plan is made.
    static bool is_latest(const View& view, const Git& wanted, const Git& found) {
        if (!wanted.url) return false;
        try {
            return tip(view.host(), wanted) == *found.commit;
        } catch (const Error&) {
            return false;
        }
    }

    static bool only_update(const Git& before, const Git& goal) {
        return before.url == goal.url && before.branch == goal.branch;
    }

    /// To the trash; but not what nobody else has.
    static void remove(WritableHost& host, const Git& from) {
        if (!host.look(from.path)) return;
        if (host.look(from.path + "/.git")) {
            const auto command =
                question(owner_now(host, from.path), {said("do", "refuse local work"), said("path", from.path)});
            commit_in(command, host.run(command));
        }
        host.remove_tree(from.path);
    }
};

constexpr GitType type;

}  // namespace

const ResourceType& git_type() {
    return type;
}

}  // namespace chaos::resources
