// SPDX-License-Identifier: Apache-2.0
#include <chaos/plan.hpp>
#include <chaos/system/accounts.hpp>

#include "account_files.hpp"
#include "kinds.hpp"
#include "paths.hpp"
#include "person.hpp"

namespace chaos::resources {
namespace {

struct Linger {
    std::string user{};
    bool enabled = true;
};

constexpr Field fields[] = {
    schema::key<&Linger::user>("name", "Whose session it is.").example("deploy"),
    schema::property<&Linger::enabled>("enabled", "It runs from boot on, and after she has logged out.")
        .example("true")
        .otherwise("true"),
};

constexpr Schema linger =
    schema::of<Linger>("linger", "lingers", Order::setting,
                       "The session of somebody who need not be logged in: what her own services run in.", fields)
        .body("enabled")
        .requires_({.root = true})
        .keyed(clean_account);

std::string mark_of(const std::string& user) {
    return "/var/lib/systemd/linger/" + user;
}

/// logind makes the mark, and starts or ends the session. Where none answers (an image) the mark alone is made.
class LingerType final : public TypedResource<Linger> {
public:
    constexpr LingerType() : TypedResource(linger) {}

    std::optional<Linger> observe(const View& view, const Linger& wanted, bool) const override {
        if (!view->look(mark_of(wanted.user))) return std::nullopt;
        return Linger{.user = wanted.user};
    }

    std::vector<Companion> resolve(const View& view, std::span<Change> changes, Diagnostics& problems) const override {
        Parents parents(view);
        for (std::size_t i = 0; i < changes.size(); ++i) {
            const Linger* after = changes[i].after.as<Linger>();
            if (after && !after->enabled)
                changes[i].after = State();
            else if (after && !changes[i].before)
                parents.above(mark_of(after->user), i, changes[i].where, problems);
        }
        return parents.take();
    }

    void claims(const State& state, std::vector<Claim>& claims) const override {
        const auto& user = state.as<Linger>()->user;
        claims.push_back({Claim::Role::needs, "user:" + user});
        claims.push_back({Claim::Role::provides, "session:" + user});
    }

    Way way() const override { return Way::calls; }

    void apply(WritableHost& host, const Linger* from, const Linger* to, bool) const override {
        const auto& user = to ? to->user : from->user;
        if (!host.live() || !host.services().answers())
            return to ? host.write(mark_of(user), Content(""), {.mode = 0644}) : host.remove(mark_of(user));
        const View view(host);
        // With an account that is gone already its mark is only a name.
        if (!to && !view.once<Accounts>().user(user)) return host.remove(mark_of(user));
        must(host, {{"loginctl", to ? "enable-linger" : "disable-linger", user}});
        if (to) await_manager(host, user);
    }

private:
    /// logind answers when the job for the session is queued: what comes next may want to talk to it.
    static void await_manager(WritableHost& host, const std::string& user) {
        const View view(host);
        const auto* there = view.once<Accounts>().user(user);
        if (!there) throw Error("there is no user " + user + " that could linger").help("users: [" + user + "]");
        host.control(UnitVerb::start, "user@" + std::to_string(there->uid) + ".service");
    }
};

constexpr LingerType type;

}  // namespace

const ResourceType& linger_type() {
    return type;
}

}  // namespace chaos::resources
