// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <chaos/plan.hpp>
#include <map>

#include "kinds.hpp"
#include "paths.hpp"

namespace chaos::resources {

/// Links as they are said: what in the tree, and where its link is to be; `open`: a link for each thing in it.
struct Links {
    struct One {
        std::string from{}, to{};
        bool open = false;
        friend bool operator==(const One&, const One&) = default;
    };
    std::vector<One> list{};
    friend bool operator==(const Links&, const Links&) = default;
};

}  // namespace chaos::resources

template <>
struct chaos::Codec<chaos::resources::Links> {
    static constexpr std::string_view name = "list of {from, to, open}, or mapping from path to what it leads to",
                                      json = R"({"type":["array","object"]})";
    static constexpr Merge merge = Merge::whole;
    using One = resources::Links::One;

    static resources::Links decode(const Value& value) {
        resources::Links links;
        if (value.is_map()) {
            for (const auto& [path, said] : value.map()) {
                if (said.is_text())
                    links.list.push_back({said.text(), path.text()});
                else
                    links.list.push_back(one(said, {.to = path.text()}));
            }
            return links;
        }
        for (const Value& said : value.list()) {
            if (said.is_text())
                links.list.push_back({said.text(), said.text()});
            else
                links.list.push_back(one(said, {}));
        }
        return links;
    }
    static Value encode(const resources::Links& links) {
        Value::List list;
        const auto text = [](const char* word) { return Value(std::string(word)); };
        for (const One& one : links.list) {
            Value::Map map{{text("from"), Value(one.from)}, {text("to"), Value(one.to)}};
            if (one.open) map.push_back({text("open"), text("true")});
            list.emplace_back(std::move(map));
        }
        return Value(std::move(list));
    }

private:
    static One one(const Value& said, One link) {
        for (const auto& [key, value] : said.map()) {
            if (key.text() == "from")
                link.from = value.text();
            else if (key.text() == "to")
                link.to = value.text();
            else if (key.text() == "open")
                link.open = Codec<bool>::decode(value);
            else
                throw Error(key.where, "a link has no '" + key.text() + "'").help("it has from, to and open");
        }
        if (link.from.empty())
            throw Error(said.where, "this link does not say what it leads to").help("add from: NAME");
        if (link.to.empty()) link.to = link.from;
        return link;
    }
};

namespace chaos::resources {
namespace {

struct LinkSet {
    std::string tree{};
    Links links{};
    std::optional<std::string> base{}, owner{};
    bool complete = true, backup = true;
    std::optional<TextMap> made{}, kept{};
};

constexpr Field fields[] = {
    schema::key<&LinkSet::tree>("tree", "What all of them lead to, or into.").example("/srv/dotfiles"),
    schema::option<&LinkSet::links>(
        "links",
        "What in the tree gets a link (`.`: itself), and where: `{from: nvim, to: .config/nvim}`. With `open: "
        "true` each thing in it gets one in `to`, now and when more comes. `to: .` is a link of "
        "the same name.")
        .needed()
        .example("{/etc/vimrc: vim/vimrc}"),
    schema::option<&LinkSet::base>("base", "The directory that each `to` is below.")
        .example("/home/eve")
        .otherwise("each is absolute"),
    schema::property<&LinkSet::owner>("owner",
                                      "Who owns the links, and the directories that come along below the home.")
        .example("root")
        .otherwise("whoever runs chaos")
        .persons(),
    schema::property<&LinkSet::complete>("complete",
                                         "Every link that is said is there, and of others into the tree none.")
        .example("true")
        .otherwise("true"),
    schema::option<&LinkSet::backup>("backup",
                                     "A file in the way is kept beside its link, as NAME.bak, and has its name again "
                                     "when the link goes; else it stops the run.")
        .example("false")
        .otherwise("true"),
    schema::seen<&LinkSet::made>("made", "The links that there are: path and target.")
        .example("{/etc/vimrc: /srv/dotfiles/vim/vimrc}"),
    schema::seen<&LinkSet::kept>("kept", "What was in the way at first: the link's path, and where it lies since.")
        .example("{/etc/vimrc: /etc/vimrc.bak}"),
};

constexpr Schema link_set =
    schema::of<LinkSet>(
        "link_set", "link_sets", Order::link,
        "Symbolic links into one tree, such as a checkout of dotfiles. A link that is not said any more, or "
        "whose target left the tree, goes; what leads elsewhere is never touched.",
        fields)
        .body("links")
        .keyed(schema::clean_path);

std::string inside(const LinkSet& spec, const std::string& part) {
    return part == "." ? spec.tree : below(spec.tree, part);
}

bool leads_into(const std::string& target, const std::string& directory) {
    return target.size() > directory.size() && target.starts_with(directory) && target[directory.size()] == '/';
}

/// Where a link is to be; of an open one, the directory. Throws Error where that can be no path.
std::string place_of(const LinkSet& spec, const Links::One& link) {
    std::string_view to = link.to;
    if (to == "~") to = ".";
    if (to.starts_with("~/")) to.remove_prefix(2);
    const bool into = !link.open && (to == "." || to.ends_with('/'));
    std::string path(to);
    if (!path.starts_with('/')) {
        if (!spec.base)
            throw Error("expected an absolute path as place of a link, found '" + link.to + "'")
                .help("write the whole path, or say base: DIR, which it is then in");
        path = *spec.base + "/" + path;
    }
    const std::string& named = link.from == "." ? spec.tree : link.from;
    if (into) path += "/" + named.substr(named.rfind('/') + 1);
    return schema::clean_path(path);
}

using Targets = std::map<std::string, std::string>;

std::string free_name(const Host& host, const std::string& path) {
    std::string name = path + ".bak";
    for (int i = 1; host.look(name); ++i) name = fmt::format("{}.bak.{}", path, i);
    return name;
}

bool can_be_kept(const Entry& entry) {
    return entry.kind == Entry::Kind::file || entry.kind == Entry::Kind::link;
}

/// Of what an earlier run kept, what is still there.
std::optional<TextMap> still_kept(const Host& host, const std::optional<TextMap>& kept) {
    TextMap there;
    if (kept)
        for (const auto& [path, copy] : *kept)
            if (can_be_kept(host.look(copy))) there.emplace_back(path, copy);
    return there.empty() ? std::nullopt : std::optional(std::move(there));
}

/// What is asked for, as far as the tree tells. False where it is not there yet.
bool wanted_links(const Host& host, const LinkSet& spec, Targets& links) {
    bool known = true;
    for (const auto& link : spec.links.list) {
        if (!link.open) continue;
        const std::string source = inside(spec, link.from), directory = place_of(spec, link);
        if (host.look(source).kind != Entry::Kind::directory) {
            known = false;
            continue;
        }
        for (const std::string& name : host.list(source))
            if (name != ".git") links[below(directory, name)] = below(source, name);
    }
    for (const auto& link : spec.links.list)
        if (!link.open) links[place_of(spec, link)] = inside(spec, link.from);
    return known;
}

/// Ours are those where it is said that there are some, and which lead into the tree.
Targets links_there(const Host& host, const LinkSet& spec) {
    Targets there;
    const auto look = [&](const std::string& path, const std::string& into, const std::string& own) {
        std::string target;
        const bool is_link = host.look(path, &target, 0).kind == Entry::Kind::link;
        if (is_link && (leads_into(target, into) || target == own)) there[path] = target;
    };
    for (const auto& link : spec.links.list) {
        const std::string path = place_of(spec, link);
        if (!link.open)
            look(path, spec.tree, spec.tree);
        else if (host.look(path).kind == Entry::Kind::directory)
            for (const std::string& name : host.list(path)) look(below(path, name), inside(spec, link.from), "");
    }
    if (spec.made)
        for (const auto& [path, target] : *spec.made) look(path, spec.tree, spec.tree);
    return there;
}

class LinkSetType final : public TypedResource<LinkSet> {
public:
    constexpr LinkSetType() : TypedResource(link_set) {}

    std::optional<LinkSet> observe(const View& view, const LinkSet& wanted, bool whole) const override {
        const Targets there = links_there(view.host(), wanted);
        Targets links;
        const bool known = wanted_links(view.host(), wanted, links);
        if (there.empty() && (whole || !known || !links.empty())) return std::nullopt;
        LinkSet found{.tree = wanted.tree,
                      .complete = known && links == there,
                      .made = TextMap(there.begin(), there.end()),
                      .kept = still_kept(view.host(), wanted.kept)};
        if (whole || wanted.owner)
            for (const auto& [path, target] : there) {
                found.owner = owner_of(view, view->look(path), wanted.owner);
                if (found.owner != wanted.owner) break;
            }
        if (!found.owner && wanted.owner) found.owner = wanted.owner;
        return found;
    }

    std::vector<Companion> resolve(const View& view, std::span<Change> changes, Diagnostics& problems) const override {
        Parents parents(view);
        for (std::size_t i = 0; i < changes.size(); ++i) {
            Change& change = changes[i];
            const LinkSet *before = change.before.as<LinkSet>(), *after = change.after.as<LinkSet>();
            if (!after) continue;
            LinkSet goal = *after;
            Targets links;
            const bool known = wanted_links(view.host(), goal, links);
            // What a record says of an earlier run holds; what is there now does not.
            if (!goal.made || (before && goal.made == before->made)) {
                goal.made = std::nullopt;
                if (known && goal.complete) goal.made = TextMap(links.begin(), links.end());
            }
            if (!known && goal.complete)
                problems.note(Error(change.where, fmt::format("what {} has is known once it is there: which links its "
                                                              "directories bring is decided then",
                                                              goal.tree)));
            goal.kept = still_kept(view.host(), goal.kept);
            for (const auto& [path, target] : links)
                if (look_in_the_way(view, goal, path, change.where, problems)) note_kept(view.host(), goal, path);
            for (const auto& [path, target] : links)
                parents.above(path, i, change.where, problems, goal.owner, group_for(view, goal.owner));
            for (const auto& link : goal.links.list)
                if (link.open)
                    parents.above(below(place_of(goal, link), "x"), i, change.where, problems, goal.owner,
                                  group_for(view, goal.owner));
            change.after = State::of(std::move(goal)).with_inputs(change.after.inputs());
        }
        return parents.take();
    }

    void review(const Resource& resource, Diagnostics& problems) const override {
        const LinkSet& spec = *resource.wanted.as<LinkSet>();
        if (resource.absent) return;
        review_owners(spec.owner, std::nullopt, resource.where, problems);
        const auto say = [&](const std::string& what, const std::string& hint) {
            problems.add(Error(resource.where, what).help(hint));
        };
        if (spec.base) review_path("base", *spec.base, resource.where, problems);
        if (spec.links.list.empty())
            say("nothing is said to lead into " + spec.tree, "links: [{from: NAME, to: PATH}]");
        for (const auto& link : spec.links.list) {
            if (link.from.starts_with('/') || ("/" + link.from + "/").find("/../") != std::string::npos)
                say(fmt::format("expected a path in {}, found '{}'", spec.tree, link.from),
                    "write it from the top of the tree, as in vim/vimrc");
            try {
                place_of(spec, link);
            } catch (const Error& error) {
                say(error.what(),
                    error.hint.empty() ? "write it whole, or say what it is below: base: /home/eve" : error.hint);
            }
        }
    }

    void claims(const State& state, std::vector<Claim>& claims) const override {
        const LinkSet& spec = *state.as<LinkSet>();
        claims.push_back({Claim::Role::needs, "path:" + spec.tree});
        for (const auto& link : spec.links.list) {
            if (link.open)
                claims.push_back({Claim::Role::needs, "path:" + place_of(spec, link)});
            else
                claim_path(place_of(spec, link), spec.owner, {}, claims);
        }
        if (spec.owner) claims.push_back({Claim::Role::needs, "user:" + *spec.owner});
    }

    bool batches() const override { return true; }

    void apply(WritableHost& host, const LinkSet* from, const LinkSet* to, bool) const override {
        Targets links;
        if (to && to->made)
            links.insert(to->made->begin(), to->made->end());
        else if (to && !wanted_links(host, *to, links))
            throw Error(fmt::format("{} does not have what its links lead to", to->tree))
                .help("say where it comes from: gits: {" + to->tree + ": URL}");
        if (from)
            for (const auto& [path, target] : links_there(host, *from))
                if (!links.contains(path)) take_link_away(host, *from, path);
        if (!to) return;
        for (const auto& [path, target] : links) {
            clear_way(host, *to, path);
            host.make_link(path, target, {.owner = to->owner.value_or("")});
        }
    }

private:
    static Error obstacle(const std::string& path, std::string_view what) {
        return Error(fmt::format("{} is {}, and a link is to be there", path, what))
            .help(fmt::format("move it away: mv {0} {0}.orig", path));
    }

    /// True where what is there is going to be kept beside.
    static bool look_in_the_way(const View& view, const LinkSet& spec, const std::string& path, Place where,
                                Diagnostics& problems) {
        std::string target;
        const auto entry = view->look(path, &target, 0);
        if (!entry || (entry.kind == Entry::Kind::link && (leads_into(target, spec.tree) || target == spec.tree)))
            return false;
        if (entry.kind == Entry::Kind::directory && view->list(path).empty()) return false;
        if (spec.backup && can_be_kept(entry)) {
            problems.note(
                Error(where, fmt::format("{} is in the way: it is kept as {}", path, free_name(view.host(), path))));
            return true;
        }
        Error error =
            obstacle(path, entry.kind == Entry::Kind::directory ? "a directory with something in it" : "there already");
        error.where = where;
        problems.add(std::move(error));
        return false;
    }

    /// What was there first has the name again one day; what came into the way later only stays beside.
    static void note_kept(const Host& host, LinkSet& spec, const std::string& path) {
        if (!spec.kept) spec.kept.emplace();
        const bool known =
            std::any_of(spec.kept->begin(), spec.kept->end(), [&](const auto& entry) { return entry.first == path; });
        if (!known) spec.kept->emplace_back(path, free_name(host, path));
    }

    /// A file or a link that is not ours is kept beside; a directory that holds nothing makes room.
    static void clear_way(WritableHost& host, const LinkSet& spec, const std::string& path) {
        std::string target;
        const auto entry = host.look(path, &target, 0);
        if (!entry || (entry.kind == Entry::Kind::link && (leads_into(target, spec.tree) || target == spec.tree)))
            return;
        if (entry.kind == Entry::Kind::directory && host.list(path).empty()) return host.remove(path);
        if (!spec.backup || entry.kind == Entry::Kind::directory || entry.kind == Entry::Kind::other)
            throw obstacle(path,
                           entry.kind == Entry::Kind::directory ? "a directory with something in it" : "there already");
        move(host, path, free_name(host, path));
    }

    /// A file or a link, to a name that is free.
    static void move(WritableHost& host, const std::string& from, const std::string& to) {
        std::string target;
        const auto entry = host.look(from, &target, 0);
        const Meta meta{.mode = entry.mode, .owner = std::to_string(entry.uid), .group = std::to_string(entry.gid)};
        if (entry.kind == Entry::Kind::link)
            host.make_link(to, target, meta);
        else
            host.write(to, host.content(from), meta);
        host.remove(from);
    }

    /// A link that is ours goes, and what was there before it has its name again.
    static void take_link_away(WritableHost& host, const LinkSet& spec, const std::string& path) {
        host.remove(path);
        if (!spec.kept) return;
        const auto kept =
            std::find_if(spec.kept->begin(), spec.kept->end(), [&](const auto& entry) { return entry.first == path; });
        if (kept != spec.kept->end() && can_be_kept(host.look(kept->second))) move(host, kept->second, path);
    }
};

constexpr LinkSetType type;

}  // namespace

const ResourceType& link_set_type() {
    return type;
}

}  // namespace chaos::resources
