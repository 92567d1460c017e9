// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <chaos/plan.hpp>
#include <chaos/system/accounts.hpp>

#include "account_files.hpp"
#include "kinds.hpp"

namespace chaos::resources {
namespace {

struct Group {
    std::string name;
    std::optional<std::int64_t> gid;
    std::optional<std::vector<std::string>> members;
    bool system = false;
};

constexpr Field fields[] = {
    schema::key<&Group::name>("name", "Its name.").example("deployers"),
    schema::property<&Group::gid>("gid", "Its number.").example("4242").otherwise("as it is; chosen for a new one"),
    schema::property<&Group::members>("members", "Users in it. Adds: nobody is taken out.")
        .example("[deploy]")
        .otherwise("as they are"),
    schema::option<&Group::system>("system", "A new one gets a number below those of people.")
        .example("true")
        .otherwise("false"),
};

constexpr Schema group = schema::of<Group>("group", "groups", Order::group, "A group of users.", fields)
                             .requires_({.root = true})
                             .keyed(clean_account);

constexpr std::string_view contents[] = {"/etc/passwd", "/etc/shadow", "/etc/group", "/etc/gshadow"};

std::string joined(const std::vector<std::string>& words) {
    return fmt::format("{}", fmt::join(words, ","));
}

class GroupType final : public TypedResource<Group> {
public:
    constexpr GroupType() : TypedResource(group) {}

    std::optional<Group> observe(const View& view, const Group& wanted, bool whole) const override {
        const auto* there = view.once<Accounts>().group(wanted.name);
        if (!there) return std::nullopt;
        Group found{.name = wanted.name};
        if (whole || wanted.gid) found.gid = there->gid;
        if (whole || wanted.members) {
            found.members = there->members;
            std::sort(found.members->begin(), found.members->end());
        }
        return found;
    }

    void review(const Resource& resource, Diagnostics& problems) const override {
        const Group& spec = *resource.wanted.as<Group>();
        const auto say = [&](std::string what, std::string hint) {
            problems.add(Error(resource.where, what).help(std::move(hint)));
        };
        if (spec.gid && (*spec.gid < 0 || *spec.gid > 0xfffffffe))
            say(fmt::format("expected a gid from 0 to 4294967294, found {}", *spec.gid), "give it another gid");
        for (const auto& member : spec.members.value_or(std::vector<std::string>()))
            if (!could_be_account(member))
                say(fmt::format("expected the name of a user as member, found '{}'", member),
                    "a list has one name an item: [ann, bob]");
    }

    std::vector<Companion> resolve(const View& view, std::span<Change> changes, Diagnostics& problems) const override {
        FreeIds ids(view);
        const auto& accounts = view.once<Accounts>();
        for (const Change& change : changes)
            if (const auto* goal = change.after.as<Group>(); goal && goal->gid)
                ids.take(static_cast<std::uint32_t>(*goal->gid));
        for (Change& change : changes) {
            if (!change.after) {
                refuse_removal(accounts, change, problems);
                continue;
            }
            Group goal = *change.after.as<Group>();
            const Group* before = change.before.as<Group>();
            if (!before && !goal.gid) goal.gid = ids.next(goal.system);
            if (const auto* other = goal.gid ? accounts.group(static_cast<std::uint32_t>(*goal.gid)) : nullptr;
                other && other->name != goal.name)
                problems.add(Error(change.where, fmt::format("gid {} is that of group {}", *goal.gid, other->name))
                                 .help("give it another gid"));
            else if (goal.name == "root" && goal.gid.value_or(0) != 0)
                problems.add(
                    Error(change.where, "the gid of group root is 0").help("remove the gid, or name another group"));
            change.after = State::of(std::move(goal)).with_inputs(change.after.inputs());
        }
        return {};
    }

    void claims(const State& state, std::vector<Claim>& claims) const override {
        const auto& spec = *state.as<Group>();
        claims.push_back({Claim::Role::provides, "group:" + spec.name});
        if (spec.gid) claims.push_back({Claim::Role::provides, fmt::format("gid:{}", *spec.gid)});
        claims.push_back({Claim::Role::locks, "lock:passwd"});
        if (!spec.members) return;
        for (const auto& member : *spec.members) {
            claims.push_back({Claim::Role::needs, "user:" + member});
            claims.push_back({Claim::Role::serves, "user:" + member});
        }
    }

    std::string in_the_way(const View& view, const Change& change, std::span<const Change> all) const override {
        const Group* to = change.after.as<Group>();
        const auto& accounts = view.once<Accounts>();
        const auto* other = to && to->gid ? accounts.group(static_cast<std::uint32_t>(*to->gid)) : nullptr;
        if (!other || other->name == to->name || leaves(all, "user", other->name)) return {};
        if (frees(all, group.name, other->name, &Group::gid, *to->gid)) return {};
        return fmt::format("gid {} is that of group {}", *to->gid, other->name);
    }

    /// Whose own group it is: groupdel would refuse it, and nobody could log in whose group has no name.
    std::vector<std::string> needed_by(const View& view, const State& state) const override {
        const auto& accounts = view.once<Accounts>();
        std::vector<std::string> names;
        if (const auto* there = accounts.group(state.as<Group>()->name))
            for (const auto& user : accounts.users)
                if (user.gid == there->gid) names.push_back("user:" + user.name);
        return names;
    }

    Way way() const override { return Way::opaque; }
    Footprint footprint() const override { return {.contents = contents, .lines = true}; }

    void apply(WritableHost& host, const Group* from, const Group* to, bool) const override {
        const auto& name = (to ? to : from)->name;
        const View view(host);
        const auto& accounts = view.once<Accounts>();
        const auto* there = accounts.group(name);
        if (!to) {
            if (there) must(host, {{"groupdel", name}});
            constexpr std::string_view left[] = {"/etc/gshadow"};  // of a groupdel that was cut
            return drop_lines(host, name, left);
        }
        if (!there) {
            Command add{{"groupadd"}};
            if (to->gid) add.argv.insert(add.argv.end(), {"-g", std::to_string(*to->gid)});
            if (to->system) add.argv.emplace_back("-r");
            add.argv.push_back(name);
            must(host, add);
        } else {
            if (to->gid && there->gid != *to->gid) must(host, {{"groupmod", "-g", std::to_string(*to->gid), name}});
            if (!from && lacks_shadow(host, name)) must(host, {{"grpconv"}});  // a groupadd that was cut
        }
        if (!to->members) return;
        auto members = there ? there->members : std::vector<std::string>();
        std::sort(members.begin(), members.end());
        if (members != *to->members) must(host, {{"gpasswd", "-M", joined(*to->members), name}});
    }

private:
    static bool lacks_shadow(const Host& host, const std::string& name) {
        std::string text;
        return host.look("/etc/gshadow", &text, 64U << 20) && ("\n" + text).find("\n" + name + ":") == text.npos;
    }

    static void refuse_removal(const Accounts& accounts, const Change& change, Diagnostics& problems) {
        const auto* there = accounts.group(change.id.key);
        if (!there) return;
        if (there->gid == 0)
            return problems.add(Error(change.where, "group " + change.id.key + " is never removed: its gid is 0")
                                    .help("remove this entry, or take absent: true away"));
        for (const auto& user : accounts.users)
            if (user.gid == there->gid && user.name != there->name)
                return problems.note(
                    Error(change.where, fmt::format("group {} can only go if user {} goes too, or gets another one",
                                                    there->name, user.name)));
    }
};

constexpr GroupType type;

}  // namespace

const ResourceType& group_type() {
    return type;
}

}  // namespace chaos::resources
