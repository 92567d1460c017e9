// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <chaos/plan.hpp>
#include <chaos/system/accounts.hpp>
#include <charconv>
#include <chrono>

#include "account_files.hpp"
#include "kinds.hpp"
#include "population.hpp"

namespace chaos::resources {
namespace {

struct User {
    std::string name;
    std::optional<std::int64_t> uid;
    std::optional<std::string> group, home, shell, comment, password, expires;
    std::optional<std::vector<std::string>> groups;
    bool system = false;
    std::optional<bool>
        create_home;  // resolved: true only where the home is not there yet, so that it is known as ours
    std::optional<std::string> aging;
    std::optional<std::int64_t> gid;
};

constexpr Field fields[] = {
    schema::key<&User::name>("name", "Login name.").example("deploy"),
    schema::property<&User::uid>("uid", "Its number.").example("4243").otherwise("as it is; chosen for a new one"),
    schema::property<&User::group>("group", "Primary group, by name.")
        .example("deploy")
        .otherwise("as it is; for a new one a group of its own name"),
    schema::property<&User::groups>("groups", "Groups it is in beside that. Adds: it is taken out of none.")
        .example("[users]")
        .otherwise("as they are"),
    schema::property<&User::home>("home", "Home directory; changing it moves nothing.")
        .example("/home/deploy")
        .otherwise("as it is; /home/NAME for a new one"),
    schema::property<&User::shell>("shell", "Login shell: a path, or a name that /etc/shells has.")
        .example("/bin/sh")
        .otherwise("as it is; /bin/bash for a new one, /usr/sbin/nologin if it is a system one"),
    schema::property<&User::comment>("comment", "Full name, or what it is for.")
        .example("Deploys")
        .otherwise("as it is"),
    schema::property<&User::password>("password",
                                      "Its hash, as `mkpasswd` prints it; `!` or `*`: no password opens it.")
        .example("$6$salt$hash")
        .otherwise("as it is; none for a new one")
        .sensitive(),
    schema::property<&User::expires>("expires", "The day from which nobody can log in as it, or `never`.")
        .example("2030-12-31")
        .otherwise("as it is; never for a new one"),
    schema::option<&User::system>("system", "A new one gets a number below those of people.")
        .example("true")
        .otherwise("false"),
    schema::option<&User::create_home>("create_home", "Make the home of a new one, with what /etc/skel has.")
        .example("true")
        .otherwise("true, unless it is a system one"),
    schema::resource("authorized_keys", "authorized_keys", "Public keys that open it by ssh."),
    schema::resource("linger", "linger", "Her session runs from boot on, whether or not she is logged in."),
    schema::resource("sudo", "sudo", "What it may do as root: true for everything, or a rule of sudoers."),
    schema::seen<&User::aging>("aging", "What shadow says after the password.").example("19000:0:99999:7:::"),
    schema::seen<&User::gid>("gid", "Number of its primary group.").example("4242"),
};

constexpr Schema user = schema::of<User>("user", "users", Order::user, "Somebody who can log in, or own files.", fields)
                            .requires_({.root = true})
                            .keyed(clean_account);

constexpr std::string_view contents[] = {"/etc/passwd",  "/etc/shadow", "/etc/group",
                                         "/etc/gshadow", "/etc/subuid", "/etc/subgid"};
constexpr std::string_view names[] = {"/home", "/var/mail"};

/// The line of /etc/shells that a bare name means; empty where there is none.
std::string shell_path(const Host& host, const std::string& shell) {
    if (shell.empty() || shell[0] == '/') return shell;
    std::string text;
    host.look("/etc/shells", &text);
    for (std::string_view rest = text; !rest.empty();) {
        const auto line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(line.size() + 1, rest.size()));
        if (line.starts_with('/') && line.ends_with("/" + shell) && host.look(std::string(line)))
            return std::string(line);
    }
    return {};
}

/// As the manifest spells it, where it means what is there.
std::string spelled(const std::string& there, const std::optional<std::string>& wanted) {
    const bool bare = wanted && !wanted->empty() && wanted->find('/') == wanted->npos;
    return bare && there.ends_with("/" + *wanted) ? *wanted : there;
}

std::string default_home(const std::string& name) {
    return name == "root" ? "/root" : "/home/" + name;
}

/// `2030-12-31` as days since 1970; nothing where it is no day.
std::optional<long> day_number(std::string_view date) {
    int year = 0, month = 0, day = 0;
    const auto number = [](std::string_view text, int& into) {
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), into);
        return error == std::errc() && end == text.data() + text.size();
    };
    if (date.size() != 10 || date[4] != '-' || date[7] != '-' || !number(date.substr(0, 4), year) ||
        !number(date.substr(5, 2), month) || !number(date.substr(8), day))
        return std::nullopt;
    const std::chrono::year_month_day on(std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day)));
    if (!on.ok() || year < 1970) return std::nullopt;
    return std::chrono::sys_days(on).time_since_epoch().count();
}

/// What shadow has in its days since 1970, as a date.
std::string expiry_of(std::string_view aging) {
    for (int column = 0; column < 5; ++column) {
        const auto colon = aging.find(':');
        if (colon == aging.npos) return "never";
        aging.remove_prefix(colon + 1);
    }
    const auto text = aging.substr(0, aging.find(':'));
    int days = 0;
    if (std::from_chars(text.data(), text.data() + text.size(), days).ec != std::errc() || days < 0) return "never";
    const std::chrono::year_month_day on{std::chrono::sys_days(std::chrono::days(days))};
    return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(on.year()), static_cast<unsigned>(on.month()),
                       static_cast<unsigned>(on.day()));
}

void add(Command& command, std::string_view option, const std::string& value) {
    command.argv.emplace_back(option);
    command.argv.push_back(value);
}

std::string joined(const std::vector<std::string>& words) {
    return fmt::format("{}", fmt::join(words, ","));
}

std::vector<std::string> split(std::string_view text) {
    std::vector<std::string> parts(1);
    for (const char c : text)
        if (c == ':')
            parts.emplace_back();
        else
            parts.back() += c;
    return parts;
}

class UserType final : public TypedResource<User> {
public:
    constexpr UserType() : TypedResource(user) {}

    std::optional<User> observe(const View& view, const User& wanted, bool whole) const override {
        const auto& accounts = view.once<Accounts>();
        const auto* there = accounts.user(wanted.name);
        if (!there) return std::nullopt;
        User found{.name = wanted.name};
        if (whole || wanted.uid) found.uid = there->uid;
        if (whole || wanted.group) found.group = accounts.group_name(there->gid);
        if (whole || wanted.groups) found.groups = accounts.groups_of(there->name);
        if (whole || wanted.home) found.home = there->home;
        if (whole || wanted.shell) found.shell = spelled(there->shell, wanted.shell);
        if (whole || wanted.comment) found.comment = there->comment;
        if ((wanted.password || wanted.expires) && !accounts.shadow_known)
            throw Error(fmt::format("{} of {} can only be compared by root",
                                    wanted.password ? "the password" : "when the account expires,", wanted.name))
                .help("sudo chaos ...");
        if ((whole || wanted.password) && accounts.shadow_known) found.password = there->password;
        if ((whole || wanted.expires) && accounts.shadow_known)
            found.expires = there->shadowed ? expiry_of(there->aging) : "never";
        if (whole && there->shadowed) found.aging = there->aging;
        if (whole) found.gid = there->gid;
        return found;
    }

    void review(const Resource& resource, Diagnostics& problems) const override {
        const User& spec = *resource.wanted.as<User>();
        const auto say = [&](const std::string& what, const std::string& hint) {
            problems.add(Error(resource.where, what).help(hint));
        };
        if (spec.uid && (*spec.uid < 0 || *spec.uid > 0xfffffffe))
            say(fmt::format("expected a uid from 0 to 4294967294, found {}", *spec.uid), "give it another uid");
        if (spec.group && !could_be_account(*spec.group))
            say(fmt::format("expected the name of a group, found '{}'", *spec.group), "group: " + spec.name);
        for (const auto& group : spec.groups.value_or(std::vector<std::string>()))
            if (!could_be_account(group))
                say(fmt::format("expected the name of a group in groups, found '{}'", group),
                    "a list has one name an item: [adm, video]");
        const auto breaks = [](const std::optional<std::string>& text) {
            return text && text->find_first_of(std::string_view(":\n\0", 3)) != text->npos;
        };
        if (breaks(spec.home) || breaks(spec.shell) || breaks(spec.comment) || breaks(spec.password))
            say("expected no colon and no line end in an attribute of a user: it is one line of /etc/passwd",
                "take it out");
        if (spec.home && !spec.home->starts_with('/'))
            say("expected an absolute path as home", "home: /home/" + spec.name);
        if (spec.expires && *spec.expires != "never" && !day_number(*spec.expires))
            say(fmt::format("expected a day as YYYY-MM-DD, or never, found '{}'", *spec.expires),
                "expires: 2030-12-31");
        if (spec.shell && !spec.shell->starts_with('/') &&
            (spec.shell->empty() || spec.shell->find('/') != spec.shell->npos))
            say(fmt::format("expected a shell by its path, or by a name that /etc/shells has, found '{}'", *spec.shell),
                "shell: /bin/sh");
    }

    std::vector<Companion> resolve(const View& view, std::span<Change> changes, Diagnostics& problems) const override {
        FreeIds ids(view);
        for (const Change& change : changes)
            if (const auto* goal = change.after.as<User>(); goal && goal->uid)
                ids.take(static_cast<std::uint32_t>(*goal->uid));
        for (Change& change : changes) {
            if (!change.after) {
                refuse_removal(view, change, problems);
                continue;
            }
            User goal = *change.after.as<User>();
            if (!change.before) complete(view, ids, goal);
            refuse(view, change, goal, problems);
            change.after = State::of(std::move(goal)).with_inputs(change.after.inputs());
        }
        return {};
    }

    std::vector<std::string> others(const View& view, std::span<const std::string>) const override {
        return people(view);
    }
    bool has_others() const override { return true; }
    State as_written(const View&, State found) const override {
        User said = *found.as<User>();
        if (said.group == said.name) said.group.reset();
        if (said.groups && said.groups->empty()) said.groups.reset();
        if (said.home == default_home(said.name)) said.home.reset();
        if (said.comment && said.comment->empty()) said.comment.reset();
        if (said.expires == "never") said.expires.reset();
        return State::of(std::move(said));
    }

    void claims(const State& state, std::vector<Claim>& claims) const override {
        const auto& spec = *state.as<User>();
        claims.push_back({Claim::Role::provides, "user:" + spec.name});
        if (spec.uid) claims.push_back({Claim::Role::provides, fmt::format("uid:{}", *spec.uid)});
        claims.push_back({Claim::Role::needs, "group:" + spec.group.value_or(spec.name)});
        if (spec.groups)
            for (const auto& one : *spec.groups) claims.push_back({Claim::Role::needs, "group:" + one});
        if (spec.shell)
            claims.push_back({Claim::Role::needs, "package:" + spec.shell->substr(spec.shell->rfind('/') + 1)});
        // Its home comes with it, unless it is said that it does not. Others may manage it, too.
        if (const auto home = spec.home.value_or(default_home(spec.name));
            spec.create_home.value_or(!spec.system) && home.size() > 1)
            claims.push_back({Claim::Role::brings, "home:" + home});
        claims.push_back({Claim::Role::locks, "lock:passwd"});
    }

    void check(const View& view, std::span<const Change> changes, Diagnostics& problems) const override {
        for (const Change& change : changes) {
            const User* goal = change.after.as<User>();
            if (!goal || !goal->shell || goal->shell->empty()) continue;
            const auto path = shell_path(view.host(), *goal->shell);
            if (path.empty() || !view->look(path))
                problems.note(Error(change.where, fmt::format("there is no shell {} yet: something of this run has to "
                                                              "bring it",
                                                              *goal->shell))
                                  .help("packages: [" + goal->shell->substr(goal->shell->rfind('/') + 1) + "]"));
        }
    }

    /// Not even where what somebody made is to go: with the number, files of the one would be the other's.
    std::string in_the_way(const View& view, const Change& change, std::span<const Change> all) const override {
        const User* to = change.after.as<User>();
        if (!to) return {};
        const auto& accounts = view.once<Accounts>();
        const auto* holder = holder_of_uid(accounts, *to);
        if (holder && !frees(all, user.name, holder->name, &User::uid, *to->uid))
            return taken_uid(accounts, *to)->what();
        const auto* other = to->gid ? accounts.group(static_cast<std::uint32_t>(*to->gid)) : nullptr;
        const bool own = to->group.value_or(to->name) == to->name && !accounts.group(to->name);
        if (!own || !other || leaves(all, "group", other->name) || leaves(all, "user", other->name)) return {};
        return fmt::format("gid {} is that of group {}", *to->gid, other->name);
    }

    Way way() const override { return Way::opaque; }
    Footprint footprint() const override { return {.contents = contents, .names = names, .lines = true}; }

    void apply(WritableHost& host, const User* from, const User* to, bool) const override {
        if (!to) return remove(host, *from);
        const View view(host);
        const auto* there = view.once<Accounts>().user(to->name);
        // It was not there when this was planned, and nobody else makes one of this number: a useradd of ours that was
        // cut. Its parts are not to be told from whole ones, so it is made afresh.
        if (there && !from) {
            if (to->uid && there->uid != *to->uid)
                throw Error(fmt::format("user {} was made by somebody else meanwhile (uid {})", to->name, there->uid))
                    .help("look at it, and plan again: chaos plan");
            must(host, {{"userdel", to->name}});
            if (to->create_home.value_or(false)) host.remove_tree(there->home);
        }
        there&& from ? change(host, view, *there, *to) : make(host, *to);
    }

    /// A home that was made together with its user goes along with it: to the trash.
    void undo_all(WritableHost& host, std::span<const Change> changes) const override {
        for (const Change& change : changes) {
            const User *from = change.before.as<User>(), *to = change.after.as<User>();
            apply(host, from, to, false);
            if (!to && from && from->create_home.value_or(false) && from->home) host.remove_tree(*from->home);
        }
    }

private:
    /// All that a new one will have, so that the plan tells it and nothing is left to the tools' defaults.
    static void complete(const View& view, FreeIds& ids, User& goal) {
        const auto& accounts = view.once<Accounts>();
        if (!goal.uid) goal.uid = ids.next(goal.system);
        if (!goal.group) {
            goal.group = goal.name;
            const auto* there = accounts.group(goal.name);
            const bool taken = accounts.group(static_cast<std::uint32_t>(*goal.uid)) != nullptr;
            goal.gid = there ? there->gid : taken ? ids.next(goal.system) : *goal.uid;
        }
        if (!goal.home) goal.home = default_home(goal.name);
        if (!goal.shell) goal.shell = goal.system ? "/usr/sbin/nologin" : "/bin/bash";
        const bool can_look = goal.home->starts_with('/');  // else it is refused
        goal.create_home = goal.create_home.value_or(!goal.system) && can_look && !view->look(*goal.home);
    }

    /// Who else has the uid that this one is to have; null where nobody does.
    static const Accounts::User* holder_of_uid(const Accounts& accounts, const User& goal) {
        const auto* holder = goal.uid ? accounts.user(static_cast<std::uint32_t>(*goal.uid)) : nullptr;
        return holder && holder->name != goal.name ? holder : nullptr;
    }

    static std::optional<Error> taken_uid(const Accounts& accounts, const User& goal) {
        const auto* holder = holder_of_uid(accounts, goal);
        if (!holder) return std::nullopt;
        return Error(fmt::format("uid {} is that of user {}", *goal.uid, holder->name))
            .help(fmt::format("give {} another uid, or that one", goal.name));
    }

    static void refuse(const View& view, const Change& change, const User& goal, Diagnostics& problems) {
        const auto& accounts = view.once<Accounts>();
        const auto say = [&](const std::string& what, const std::string& hint) {
            problems.add(Error(change.where, what).help(hint));
        };
        if (const auto taken = taken_uid(accounts, goal)) say(taken->what(), taken->hint);
        if (goal.name == "root" && goal.uid.value_or(0) != 0) say("the uid of root is 0", "leave the uid out");
        const User* before = change.before.as<User>();
        const bool set = goal.password && (!before || before->password != goal.password);
        const bool locked = set && (goal.password->starts_with('!') || goal.password->starts_with('*'));
        if (set && !locked && !goal.password->starts_with('$') && !goal.password->empty())
            say("expected the hash of a password ($...), found something else", "mkpasswd prints one");
        if (set && goal.password->empty() && !(before && before->password))
            say("expected the hash of a password, found nothing: everybody could log in", "password: '!'");
    }

    static void refuse_removal(const View& view, const Change& change, Diagnostics& problems) {
        const auto* there = view.once<Accounts>().user(change.id.key);
        if (!there) return;
        std::string login;
        if (view->live()) view->look("/proc/self/loginuid", &login);
        if (!login.empty() && login.back() == '\n') login.pop_back();
        if (there->uid == 0)
            problems.add(Error(change.where, "user " + there->name + " is never removed: its uid is 0")
                             .help("remove this entry, or take absent: true away"));
        else if (login == std::to_string(there->uid))
            problems.add(
                Error(change.where, "user " + there->name + " is never removed by itself: you are logged in as it")
                    .help("log in as another one"));
    }

    static void make(WritableHost& host, const User& to) {
        const auto group = to.group.value_or(to.name);
        const View view(host);
        const auto& accounts = view.once<Accounts>();
        // One that comes back was not checked; what useradd says is not shown where it was given a password.
        if (auto taken = taken_uid(accounts, to)) throw std::move(*taken);
        if (!accounts.group(group)) {
            if (group != to.name)
                throw Error(fmt::format("there is no group {} for user {}", group, to.name))
                    .help("groups: [" + group + "]");
            Command own{{"groupadd"}};
            if (to.gid && !accounts.group(static_cast<std::uint32_t>(*to.gid))) add(own, "-g", std::to_string(*to.gid));
            if (to.system) own.argv.emplace_back("-r");
            own.argv.push_back(group);
            must(host, own);
        }
        Command command{{"useradd", "-g", group}};
        if (to.uid) add(command, "-u", std::to_string(*to.uid));
        if (to.system) command.argv.emplace_back("-r");
        if (to.home) add(command, "-d", *to.home);
        if (to.shell) add(command, "-s", shell_of(host, *to.shell));
        if (to.comment) add(command, "-c", *to.comment);
        if (to.groups && !to.groups->empty()) add(command, "-G", joined(*to.groups));
        command.argv.emplace_back(to.create_home.value_or(false) ? "-m" : "-M");
        command.argv.push_back(to.name);
        must(host, command);
        set_password(host, to);
        set_aging(host, to);
        if (to.expires && *to.expires != "never") set_expiry(host, to);
    }

    static void change(WritableHost& host, const View& view, const Accounts::User& there, const User& to) {
        const auto& accounts = view.once<Accounts>();
        Command command{{"usermod"}};
        if (to.uid && *to.uid != there.uid) add(command, "-u", std::to_string(*to.uid));
        if (to.group && *to.group != accounts.group_name(there.gid)) add(command, "-g", *to.group);
        if (to.home && *to.home != there.home) add(command, "-d", *to.home);
        if (to.shell && spelled(there.shell, to.shell) != *to.shell) add(command, "-s", shell_of(host, *to.shell));
        if (to.comment && *to.comment != there.comment) add(command, "-c", *to.comment);
        if (to.groups && *to.groups != accounts.groups_of(there.name)) add(command, "-G", joined(*to.groups));
        command.argv.push_back(to.name);
        if (command.argv.size() > 2) must(host, command);
        if (to.password && *to.password != there.password) set_password(host, to);
        if (to.aging && *to.aging != there.aging) set_aging(host, to);
        if (to.expires && *to.expires != expiry_of(to.aging.value_or(there.aging))) set_expiry(host, to);
    }

    static std::string shell_of(const Host& host, const std::string& shell) {
        auto path = shell_path(host, shell);
        if (path.empty() && !shell.empty())
            throw Error(fmt::format("there is no shell {} in /etc/shells", shell)).help("packages: [" + shell + "]");
        return path;
    }

    static void set_password(WritableHost& host, const User& to) {
        if (!to.password) return;
        if (to.password->empty())
            return must(host, {{"passwd", "-d", to.name}});  // only ever put back, never asked for
        Command command{{"chpasswd", "-e"}};
        command.input = to.name + ":" + *to.password + "\n";
        must(host, command);
    }

    static void set_expiry(WritableHost& host, const User& to) {
        must(host, {{"chage", "-E", *to.expires == "never" ? "-1" : *to.expires, to.name}});
    }

    /// The rest of its line in shadow, field by field: days since 1970, or nothing.
    static void set_aging(WritableHost& host, const User& to) {
        if (!to.aging) return;
        const auto parts = split(*to.aging);
        constexpr const char* options[] = {"-d", "-m", "-M", "-W", "-I", "-E"};
        Command command{{"chage"}};
        for (std::size_t i = 0; i < std::min(std::size(options), parts.size()); ++i)
            add(command, options[i], parts[i].empty() ? "-1" : parts[i]);
        command.argv.push_back(to.name);
        must(host, command);
    }

    /// Its home and mail stay: they are data. What a userdel that was cut has left goes as well.
    static void remove(WritableHost& host, const User& from) {
        const View view(host);
        const auto& accounts = view.once<Accounts>();
        if (accounts.user(from.name)) must(host, {{"userdel", from.name}});
        for (const auto& group : accounts.groups_of(from.name)) {
            const View now(host);
            const auto left = now.once<Accounts>().groups_of(from.name);
            if (std::find(left.begin(), left.end(), group) != left.end())
                must(host, {{"gpasswd", "-d", from.name, group}});
        }
        constexpr std::string_view files[] = {"/etc/shadow", "/etc/subuid", "/etc/subgid"};
        drop_lines(host, from.name, files);
        // The group of its own that was made with it: userdel takes it away, unless it was cut before.
        const View now(host);
        const auto* own = now.once<Accounts>().group(from.name);
        const auto& users = now.once<Accounts>().users;
        const bool ours =
            own && from.gid && own->gid == *from.gid && own->members.empty() &&
            std::none_of(users.begin(), users.end(), [&](const auto& one) { return one.gid == own->gid; });
        if (ours && from.group.value_or(from.name) == from.name) must(host, {{"groupdel", from.name}});
    }
};

constexpr UserType type;

}  // namespace

const ResourceType& user_type() {
    return type;
}

}  // namespace chaos::resources
