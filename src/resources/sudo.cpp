// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <chaos/plan.hpp>

#include "kinds.hpp"
#include "lines.hpp"
#include "paths.hpp"

namespace chaos::resources {
namespace {

constexpr std::string_view directory = "/etc/sudoers.d";

struct Sudo {
    std::string name{};
    std::string rule{};
    bool nopasswd = false;
    Mode mode{0440};
    std::string owner = "root", group = "root";
    std::optional<Content> text{};
};

constexpr Field fields[] = {
    schema::key<&Sudo::name>("name", "Who it is for, `deploy` or `%admin`, or another name for the rules.")
        .example("deploy"),
    schema::property<&Sudo::rule>("rule",
                                  "What is allowed, as sudoers has it, a rule a line. `true` is everything, as "
                                  "anybody; what begins with its hosts, as `ALL=(root) /bin/ls`, is for the key.")
        .needed()
        .example("\"ALL=(root) /usr/bin/systemctl restart app\""),
    schema::property<&Sudo::nopasswd>("nopasswd", "Nobody is asked for a password; with `rule: true`.")
        .example("false")
        .otherwise("false"),
    schema::property<&Sudo::mode>("mode", "Permissions: sudo reads no file that others may write.")
        .example("0440")
        .otherwise("0440"),
    schema::property<&Sudo::owner>("owner", "User who owns it. root, always: sudo asks for that.")
        .example("root")
        .otherwise("root"),
    schema::property<&Sudo::group>("group", "Group that owns it. root, always.").example("root").otherwise("root"),
    schema::seen<&Sudo::text>("text", "The file, to the byte.").example("\"deploy ALL=(ALL:ALL) ALL\\n\""),
};

/// The name of a file in sudoers.d comes from it, and sudo passes over those with a dot or a tilde at the end.
std::string clean_name(std::string_view key) {
    const auto fits = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               std::string_view("_-.@+\\").find(c) != std::string_view::npos;
    };
    const auto word = key.starts_with('%') ? key.substr(1) : key;
    if (word.empty() || word.size() > 200 || word.front() == '-' || word.front() == '.' ||
        word.find("..") != word.npos || !std::all_of(word.begin(), word.end(), fits))
        throw Error(fmt::format("'{}' can not name a rule of sudo", key))
            .help("write the name of a user, %GROUP, or letters, digits, - and _");
    return std::string(key);
}

std::string path_of(const Sudo& spec) {
    std::string name = spec.name.starts_with('%') ? "group-" + spec.name.substr(1) : spec.name;
    std::replace(name.begin(), name.end(), '.', '_');
    return fmt::format("{}/{}", directory, name);
}

constexpr Schema sudo =
    schema::of<Sudo>("sudo", "sudo_rules", Order::file, "Rules of sudo: a file of its own in /etc/sudoers.d.", fields)
        .body("rule")
        .requires_({.root = true})
        .keyed(clean_name);

bool means_everything(const std::string& rule) {
    try {
        return Codec<bool>::decode(Value(rule));
    } catch (const Error&) {
        return false;
    }
}

/// True where a line says who by itself: its first word is no `HOSTS=`.
bool says_who(std::string_view line) {
    const auto end = std::min(line.find_first_of(" \t"), line.size());
    return line.substr(0, end).find('=') == std::string_view::npos || line.starts_with("Defaults");
}

std::string text_of(const Sudo& spec) {
    if (means_everything(spec.rule))
        return fmt::format("{} ALL=(ALL:ALL) {}ALL\n", spec.name, spec.nopasswd ? "NOPASSWD: " : "");
    std::string text;
    bool goes_on = false;
    for (const auto line : lines_of(spec.rule)) {
        const bool who = goes_on || trimmed(line).empty() || says_who(trimmed(line));
        text += fmt::format("{}{}{}\n", who ? "" : spec.name, who ? "" : " ", line);
        goes_on = line.ends_with('\\');
    }
    return text;
}

/// A last line without its end is a line.
bool same_text(std::string_view there, const std::string& wanted) {
    return there == wanted || (wanted.ends_with('\n') && there == wanted.substr(0, wanted.size() - 1));
}

class SudoType final : public TypedResource<Sudo> {
public:
    constexpr SudoType() : TypedResource(sudo) {}

    std::optional<Sudo> observe(const View& view, const Sudo& wanted, bool) const override {
        const auto path = path_of(wanted);
        const auto there = look_at_file(view, path, {}, true);
        if (!there.entry) return std::nullopt;
        if (!there.link.empty())
            throw Error(path + " is a link to " + there.link + ", and a file is to be there").help("rm " + path);
        if (!there.content->held()) throw Error(path + " is too big to be a rule of sudo").help("rm " + path);
        Sudo found{.name = wanted.name, .mode = Mode{there.entry.mode}, .text = there.content};
        found.owner = owner_of(view, there.entry, {});
        found.group = group_of(view, there.entry, {});
        const std::string& text = there.content->bytes();
        if (same_text(text, text_of(wanted)))
            found.rule = wanted.rule, found.nopasswd = wanted.nopasswd;
        else
            found.rule = text.substr(0, text.size() - (text.ends_with('\n') ? 1 : 0));
        return found;
    }

    void review(const Resource& resource, Diagnostics& problems) const override {
        const Sudo& spec = *resource.wanted.as<Sudo>();
        if (resource.absent) return;
        const auto say = [&](std::string what, std::string hint) {
            problems.add(Error(resource.where, std::move(what)).help(std::move(hint)));
        };
        if (trimmed(spec.rule).empty())
            say("a rule of sudo that says nothing", "write true, or a line as sudoers has it");
        if (spec.rule.find('\0') != std::string::npos) say("a rule of sudo can not hold a zero byte", "take it out");
        if (spec.nopasswd && !means_everything(spec.rule))
            say("nopasswd is for rule: true", "write NOPASSWD: into the rule, as in ALL=(ALL) NOPASSWD: ALL");
        if (spec.owner != "root" || spec.group != "root")
            say("expected root as owner and group of a rule: sudo reads no other", "leave owner and group out");
        if (spec.mode.bits & 022)
            say(fmt::format("expected a mode without write permission for others, found {:04o}", spec.mode.bits),
                "leave it out: it is 0440");
    }

    std::vector<Companion> resolve(const View& view, std::span<Change> changes, Diagnostics& problems) const override {
        Parents parents(view);
        for (std::size_t i = 0; i < changes.size(); ++i)
            if (!changes[i].before && changes[i].after)
                parents.above(path_of(*changes[i].after.as<Sudo>()), i, changes[i].where, problems);
        auto companions = parents.take();
        for (Companion& made : companions) restrict_to_root(made);
        return companions;
    }

    void claims(const State& state, std::vector<Claim>& claims) const override {
        const Sudo& spec = *state.as<Sudo>();
        claim_path(path_of(spec), {}, {}, claims);
        claims.push_back({Claim::Role::needs, "package:sudo"});
        // A rule of its own words names whom it is for itself: the key is only what it is called.
        if (!means_everything(spec.rule)) return;
        const bool group = spec.name.starts_with('%');
        claims.push_back({Claim::Role::needs, group ? "group:" + spec.name.substr(1) : "user:" + spec.name});
    }

    /// A rule that sudo can not read locks everybody out of it: it is asked about, by standard input.
    void check(const View& view, std::span<const Change> changes, Diagnostics& problems) const override {
        const bool can_ask = bool(view->look(checker));
        if (!can_ask && std::any_of(changes.begin(), changes.end(), [](const Change& c) { return bool(c.after); }))
            problems.note(
                Error(changes.front().where, "there is no sudo here yet: something of this run has to bring it")
                    .help("packages: [sudo]"));
        for (const Change& change : changes)
            if (const Sudo* to = change.after.as<Sudo>(); to && can_ask && !restores(*to))
                if (const auto wrong = refused(view.host(), text_of(*to)))
                    problems.add(Error(change.where, *wrong).help("man 5 sudoers"));
    }

    void apply(WritableHost& host, const Sudo* from, const Sudo* to, bool) const override {
        if (!to) return host.remove(path_of(*from));
        const Meta meta{.mode = to->mode.bits, .owner = to->owner, .group = to->group};
        if (restores(*to)) return host.write(path_of(*to), *to->text, meta);
        const auto text = text_of(*to);
        std::string there;
        if (host.look(checker) && !(host.look(path_of(*to), &there) && same_text(there, text)))
            if (const auto wrong = refused(host, text)) throw Error(*wrong).help("man 5 sudoers");
        host.write(path_of(*to), Content(text), meta);
    }

private:
    static constexpr const char* checker = "/usr/sbin/visudo";

    /// What was seen says the same: its bytes come back.
    static bool restores(const Sudo& to) {
        return to.text && to.text->held() && same_text(to.text->bytes(), text_of(to));
    }

    static std::optional<std::string> refused(const Host& host, const std::string& text) {
        Command command{{checker, "-c", "-f", "-"}};
        command.input = text;
        const auto output = host.ask(command);
        if (output.status == 0) return std::nullopt;
        const auto said = lines_of(output.err.empty() ? output.out : output.err);
        return fmt::format("visudo refuses the rule: {}",
                           said.empty() ? "it says nothing more" : trimmed(said.front()));
    }

    static void restrict_to_root(Companion& made) {
        if (made.change.id.key != directory) return;
        Directory spec = *made.change.after.as<Directory>();
        spec.mode = Mode{0750};
        made.change.after = State::of(std::move(spec));
    }
};

constexpr SudoType type;

}  // namespace

const ResourceType& sudo_type() {
    return type;
}

}  // namespace chaos::resources
