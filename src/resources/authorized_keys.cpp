// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <chaos/hashes.hpp>
#include <chaos/plan.hpp>
#include <chaos/system/accounts.hpp>

#include "account_files.hpp"
#include "kinds.hpp"
#include "lines.hpp"
#include "paths.hpp"
#include "settings.hpp"

namespace chaos::resources {
namespace {

struct AuthorizedKeys {
    std::string name{};
    std::vector<std::string> keys{};
    Mode mode{0600};
    std::optional<Path> home{};
    std::optional<Content> text{};
};

constexpr Field fields[] = {
    schema::key<&AuthorizedKeys::name>("name", "Whose they are: who has the other half may log in as this user.")
        .example("deploy"),
    schema::property<&AuthorizedKeys::keys>("keys",
                                            "Public keys as ssh-keygen writes them, options before them where they "
                                            "have some. Adds: other keys stay, unless "
                                            "`exact` names this.")
        .needed()
        .example("[ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl deploy@desk]"),
    schema::property<&AuthorizedKeys::mode>("mode", "Permissions of the file: sshd reads none that others may write.")
        .example("0600")
        .otherwise("0600"),
    schema::option<&AuthorizedKeys::home>("home", "Where the home of an account will be that comes in the same run.")
        .example("/home/deploy")
        .otherwise("/home/NAME; of an account that is there, its own"),
    schema::seen<&AuthorizedKeys::text>("text", "The file, to the byte.").example("\"# nobody yet\\n\""),
};

constexpr Schema authorized_keys =
    schema::of<AuthorizedKeys>("authorized_keys", "authorized_keys", Order::file,
                               "The keys that open an account by ssh, in ~/.ssh/authorized_keys. Other lines, comments "
                               "and options stay; absent takes all keys away.",
                               fields)
        .body("keys")
        .requires_({.root = true})
        .keyed(clean_account);

/// A line of the file: `options type base64 comment`.
struct Key {
    std::string options, type, blob;
    explicit operator bool() const { return !blob.empty(); }
    bool opens_as(const Key& other) const { return blob == other.blob && options == other.options; }
};

bool is_type(std::string_view word) {
    constexpr std::string_view types[] = {"ssh-ed25519",
                                          "ssh-rsa",
                                          "ssh-dss",
                                          "ecdsa-sha2-nistp256",
                                          "ecdsa-sha2-nistp384",
                                          "ecdsa-sha2-nistp521",
                                          "sk-ssh-ed25519@openssh.com",
                                          "sk-ecdsa-sha2-nistp256@openssh.com"};
    const auto cert = word.find("-cert-v01@openssh.com");
    return std::find(std::begin(types), std::end(types), word) != std::end(types) || cert != word.npos;
}

/// The end of a word in which quotes hold blanks.
std::size_t end_of_word(std::string_view line) {
    bool quote = false;
    for (std::size_t i = 0; i < line.size(); ++i) {
        if (line[i] == '"' && (i == 0 || line[i - 1] != '\\')) quote = !quote;
        if (!quote && (line[i] == ' ' || line[i] == '\t')) return i;
    }
    return line.size();
}

Key key_in(std::string_view line) {
    line = trimmed(line);
    if (line.empty() || line.front() == '#') return {};
    Key key;
    for (int words = 0; words < 2; ++words) {
        const auto end = end_of_word(line);
        const auto word = line.substr(0, end);
        line = trimmed(line.substr(end));
        if (is_type(word)) {
            key.type = word, key.blob = line.substr(0, line.find_first_of(" \t"));
            return key;
        }
        key.options = word;
    }
    return {};
}

/// What is wrong with a key that somebody wrote; empty where nothing is.
std::string wrong_with(std::string_view line) {
    if (line.find_first_of("\n\r") != line.npos) return "it has more than one line";
    const Key key = key_in(line);
    if (!key) return "it is not of the form `ssh-ed25519 AAAA... comment`";
    const auto bytes = language::from_base64(key.blob);
    if (!bytes || bytes->size() < 8) return "what stands after " + key.type + " is no base64 of a key";
    std::size_t length = 0;
    for (int i = 0; i < 4; ++i)
        length = length << 8 | static_cast<unsigned char>((*bytes)[static_cast<std::size_t>(i)]);
    if (length > bytes->size() - 4 || bytes->substr(4, length) != key.type)
        return "it says " + key.type + ", and what stands after it is a key of another type";
    constexpr std::size_t of_ed25519 = 4 + 11 + 4 + 32;
    if (bytes->size() <= 4 + length + 4 || (key.type == "ssh-ed25519" && bytes->size() != of_ed25519))
        return "what stands after " + key.type + " is cut";
    return {};
}

std::vector<std::string> sorted(std::vector<std::string> keys) {
    std::sort(keys.begin(), keys.end());
    keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
    return keys;
}

std::vector<std::string> keys_in(std::string_view text) {
    std::vector<std::string> keys;
    for (const auto line : lines_of(text))
        if (key_in(line)) keys.emplace_back(trimmed(line));
    return sorted(std::move(keys));
}

/// Those lines that hold no key.
std::string other_lines(std::string_view text) {
    std::string out;
    for (const auto line : lines_of(text))
        if (!key_in(line)) out.append(line).append("\n");
    return out;
}

/// The text with these keys and no others: a line of each stays, with its comment; another one with its options gives
/// its place; what is left comes at the end.
std::string with_keys(std::string_view text, const std::vector<std::string>& keys) {
    std::vector<std::string> left = keys;
    const auto take = [&](auto fits) {
        const auto found = std::find_if(left.begin(), left.end(), fits);
        std::optional<std::string> key;
        if (found != left.end()) key = *found, left.erase(found);
        return key;
    };
    // A line that is wished as it is keeps its place before one that only has the same key.
    const auto is_wished = [&](const Key& key, std::string_view line) {
        return take([&](const auto& k) { return k == trimmed(line) || key_in(k).opens_as(key); }).has_value();
    };
    std::vector<std::string> lines;
    std::vector<std::size_t> given;  // of lines that may take another form of their key
    for (const auto line : lines_of(text)) {
        const Key key = key_in(line);
        if (key && !is_wished(key, line)) given.push_back(lines.size());
        lines.emplace_back(line);
    }
    std::vector<bool> gone(lines.size(), false);
    for (const auto at : given) {
        const Key key = key_in(lines[at]);
        if (auto other = take([&](const auto& k) { return key_in(k).blob == key.blob; }))
            lines[at] = *other;
        else
            gone[at] = true;
    }
    std::string out;
    for (std::size_t i = 0; i < lines.size(); ++i)
        if (!gone[i]) out.append(lines[i]).append("\n");
    for (const auto& key : left) out.append(key).append("\n");
    return out;
}

/// Where most people live. A home elsewhere is said, or comes with its user.
std::string home_to_come(const AuthorizedKeys& spec) {
    if (spec.home) return spec.home->text;
    return spec.name == "root" ? "/root" : "/home/" + spec.name;
}

/// Where the keys of somebody lie; the account must be there.
struct Home {
    const Accounts::User* user = nullptr;
    std::string group, ssh, file;
};

Error unsafe(std::string what, const std::string& hint) {
    return std::move(Error(std::move(what)).help(hint));
}

/// A link of theirs is followed where it stays in the home. Elsewhere root would write, in their name, what is not
/// theirs.
std::string within(const View& view, const std::string& home, const std::string& path) {
    std::string target;
    const auto entry = view->look(path, &target);
    if (entry.kind != Entry::Kind::link) return path;
    std::string led = target.starts_with('/') ? target : parent_of(path) + "/" + target;
    const bool stays = led.starts_with(home + "/") && (led + "/").find("/../") == led.npos &&
                       view->look(led).kind != Entry::Kind::link;
    if (!stays)
        throw unsafe(fmt::format("{} is a link to {}: it leaves {}", path, target, home), "put what it leads to there");
    return led;
}

void refuse_foreign(const View& view, const std::string& path, const Accounts::User& user, std::string_view what) {
    const auto entry = view->look(path);
    if (!entry) return;
    const bool theirs = entry.uid == user.uid || entry.uid == 0;
    if (!theirs)
        throw unsafe(fmt::format("{} belongs to {}, and not to {}", path, view.once<Accounts>().owner_name(entry.uid),
                                 user.name),
                     fmt::format("chown {} {}", user.name, path));
    if (entry.kind == Entry::Kind::directory && entry.mode & 022)
        throw unsafe(fmt::format("others may write in {}: sshd reads no keys there", path), "chmod go-w " + path);
    if (what == "home" && entry.kind != Entry::Kind::directory)
        throw unsafe(fmt::format("the home of {} is no directory: {}", user.name, path), "mkdir " + path);
}

std::optional<Home> home_of(const View& view, const std::string& name) {
    const auto& accounts = view.once<Accounts>();
    Home home{.user = accounts.user(name)};
    if (!home.user) return std::nullopt;
    const std::string& path = home.user->home;
    if (!path.starts_with('/') || path.find("/../") != path.npos)
        throw unsafe(fmt::format("the home of {} is '{}'", name, path), "usermod -d /home/" + name + " " + name);
    home.group = std::to_string(home.user->gid);
    refuse_foreign(view, path, *home.user, "home");
    home.ssh = within(view, path, below(path, ".ssh"));
    refuse_foreign(view, home.ssh, *home.user, "directory");
    home.file = within(view, path, below(home.ssh, "authorized_keys"));
    return home;
}

/// The file of an account that is gone, where nobody has that home by now; empty where there is none. An account of
/// that name would be opened by it once more.
std::string left_behind(const View& view, const AuthorizedKeys& spec) {
    const auto& accounts = view.once<Accounts>();
    const auto is_nobodys = [&](const std::string& path, Entry::Kind kind) {
        const auto entry = view->look(path);
        return entry.kind == kind && (entry.uid == 0 || !accounts.user(entry.uid));
    };
    const std::string home = home_to_come(spec), ssh = below(home, ".ssh"), file = below(ssh, "authorized_keys");
    const bool left = is_nobodys(home, Entry::Kind::directory) && is_nobodys(ssh, Entry::Kind::directory) &&
                      is_nobodys(file, Entry::Kind::file);
    return left ? file : std::string();
}

class AuthorizedKeysType final : public TypedResource<AuthorizedKeys> {
public:
    constexpr AuthorizedKeysType() : TypedResource(authorized_keys) {}

    /// An account without the file has no keys: that is a state like any other, so that each key goes by itself. What
    /// an account that is gone left opens nothing as it is, and is looked at where it may go.
    std::optional<AuthorizedKeys> observe(const View& view, const AuthorizedKeys& wanted, bool whole) const override {
        AuthorizedKeys found{.name = wanted.name, .mode = wanted.mode};
        const auto home = home_of(view, wanted.name);
        const std::string path = home ? home->file : whole ? left_behind(view, wanted) : std::string();
        if (path.empty()) return found;
        const auto file = shared_file(view.host(), path);
        if (!file.text) return found;
        found.mode = Mode{file.entry.mode};
        found.text = file.content();
        found.keys = keys_in(*file.text);
        for (std::string& key : found.keys)  // a comment makes no other key
            for (const auto& wish : wanted.keys)
                if (key_in(wish).opens_as(key_in(key))) key = wish;
        found.keys = sorted(std::move(found.keys));
        return found;
    }

    void review(const Resource& resource, Diagnostics& problems) const override {
        const AuthorizedKeys& spec = *resource.wanted.as<AuthorizedKeys>();
        if (resource.absent) return;
        for (const auto& key : spec.keys)
            if (const auto wrong = wrong_with(key); !wrong.empty())
                problems.add(
                    Error(resource.where, fmt::format("this is no public key: {}: '{:.40}{}'", wrong, key,
                                                      key.size() > 40 ? "..." : ""))
                        .help("ssh-keygen -y -f ~/.ssh/id_ed25519 prints one; of a file, !file keys/NAME.pub"));
        if (spec.mode.bits & 022)
            problems.add(Error(resource.where, fmt::format("expected a mode without write permission for others, found "
                                                           "{:04o}",
                                                           spec.mode.bits))
                             .help("leave it out: it is 0600"));
    }

    std::vector<Companion> resolve(const View& view, std::span<Change> changes, Diagnostics& problems) const override {
        Parents parents(view);
        std::vector<Companion> companions;
        for (std::size_t i = 0; i < changes.size(); ++i) {
            Change& change = changes[i];
            AuthorizedKeys goal = *(change.after ? change.after : change.before).as<AuthorizedKeys>();
            if (!change.after) goal.keys.clear();
            drop_replaced(change, goal);
            change.after = State::of(std::move(goal)).with_inputs(change.before.inputs());
            const auto home = home_of(view, change.id.key);
            const auto& wanted = *change.after.as<AuthorizedKeys>();
            if (!home && !wanted.keys.empty()) {  // it comes with this run, and its home with it
                Directory made{.path = below(home_to_come(wanted), ".ssh"), .mode = Mode{0700}, .owner = wanted.name};
                companions.push_back(
                    {{{"directory", made.path}, {}, State::of(made), change.where}, i, &directory_type()});
            }
            if (home && !view->look(home->ssh) && !change.after.as<AuthorizedKeys>()->keys.empty()) {
                parents.above(home->ssh, i, change.where, problems);
                Directory made{.path = home->ssh, .mode = Mode{0700}};
                made.owner = home->user->name, made.group = view.once<Accounts>().group_name(home->user->gid);
                companions.push_back(
                    {{{"directory", home->ssh}, {}, State::of(std::move(made)), change.where}, i, &directory_type()});
            }
        }
        auto above = parents.take();
        companions.insert(companions.end(), std::make_move_iterator(above.begin()),
                          std::make_move_iterator(above.end()));
        return companions;
    }

    void claims(const State& state, std::vector<Claim>& claims) const override {
        const auto& spec = *state.as<AuthorizedKeys>();
        if (spec.keys.empty()) return;  // there is no file then
        claims.push_back({Claim::Role::needs, "user:" + spec.name});
        claim_path(below(home_to_come(spec), ".ssh/authorized_keys"), {}, {}, claims);
    }

    void check(const View& view, std::span<const Change> changes, Diagnostics& problems) const override {
        for (const Change& change : changes)
            if (!view.once<Accounts>().user(change.id.key))
                problems.note(Error(change.where, fmt::format("there is no user {} yet: something of this run has to "
                                                              "bring it",
                                                              change.id.key))
                                  .help(fmt::format("users: [{}]", change.id.key)));
    }

    void apply(WritableHost& host, const AuthorizedKeys* from, const AuthorizedKeys* to, bool) const override {
        const AuthorizedKeys& spec = to ? *to : *from;
        const auto keys = to ? to->keys : std::vector<std::string>();
        const View view(host);
        const auto home = home_of(view, spec.name);
        if (!home) {
            if (keys.empty()) return clear(host, view, spec);
            throw Error("there is no user " + spec.name).help("users: [" + spec.name + "]");
        }
        const auto file = shared_file(host, home->file);
        const bool same_lines = to && to->text && keys_in(to->text->bytes()) == spelled(keys, to->text->bytes()) &&
                                other_lines(to->text->bytes()) == other_lines(file.said());
        const std::string text = same_lines ? to->text->bytes() : with_keys(file.said(), keys);
        if (text.empty() && !same_lines) return host.remove(home->file);
        const std::string owner = std::to_string(home->user->uid);
        if (!host.look(home->ssh)) host.make_directory(home->ssh, {.mode = 0700, .owner = owner, .group = home->group});
        if (file.text)
            host.write(home->file, Content(text), {.mode = spec.mode.bits});
        else
            host.write(home->file, Content(text), {.mode = spec.mode.bits, .owner = owner, .group = home->group});
    }

private:
    /// Takes the keys out of what an account that is gone left.
    static void clear(WritableHost& host, const View& view, const AuthorizedKeys& spec) {
        const auto path = left_behind(view, spec);
        if (path.empty()) return;
        const auto file = shared_file(host, path);
        const std::string text = with_keys(file.said(), {});
        text.empty() ? host.remove(path) : host.write(path, Content(text), {.mode = file.entry.mode});
    }

    /// A key that is wished with other options than it has: the line changes, it does not come twice.
    static void drop_replaced(const Change& change, AuthorizedKeys& goal) {
        const auto* before = change.before.as<AuthorizedKeys>();
        if (!before) return;
        const auto had = [&](const std::string& key) {
            return std::find(before->keys.begin(), before->keys.end(), key) != before->keys.end();
        };
        std::vector<std::string> fresh;
        std::copy_if(goal.keys.begin(), goal.keys.end(), std::back_inserter(fresh),
                     [&](const auto& k) { return !had(k); });
        std::erase_if(goal.keys, [&](const std::string& key) {
            return had(key) && std::any_of(fresh.begin(), fresh.end(), [&](const std::string& other) {
                       return key_in(other).blob == key_in(key).blob;
                   });
        });
    }

    /// The keys with the comments that they have in `text`.
    static std::vector<std::string> spelled(std::vector<std::string> keys, std::string_view text) {
        const auto there = keys_in(text);
        for (std::string& key : keys)
            for (const auto& line : there)
                if (key_in(line).opens_as(key_in(key))) key = line;
        return sorted(std::move(keys));
    }
};

constexpr AuthorizedKeysType type;

}  // namespace

const ResourceType& authorized_keys_type() {
    return type;
}

}  // namespace chaos::resources
