// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <chaos/plan.hpp>

#include "flatpaks.hpp"
#include "kinds.hpp"
#include "lines.hpp"
#include "paths.hpp"

namespace chaos::resources {
namespace {

struct FlatpakRemote {
    std::string name{};
    std::string url{};
    std::optional<bool> verified{};
};

std::string clean_name(std::string_view name) {
    const auto fits = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
               c == '.';
    };
    if (name.empty() || name.front() == '-' || name.front() == '.' || !std::all_of(name.begin(), name.end(), fits))
        throw Error(fmt::format("'{}' can not name a remote", name)).help("use letters, digits, - and _");
    return std::string(name);
}

std::string clean(std::string_view key) {
    return clean_owned(key, clean_name);
}

constexpr Field fields[] = {
    schema::key<&FlatpakRemote::name>("name", "What it is called here.").example("flathub"),
    schema::property<&FlatpakRemote::url>("url",
                                          "Where it is: a repository, or a .flatpakrepo file, which has its key.")
        .needed()
        .example("https://dl.flathub.org/repo/flathub.flatpakrepo"),
    schema::property<&FlatpakRemote::verified>("verified", "What comes from it is signed, and that is checked.")
        .example("true")
        .otherwise("true for a new one, else as it is"),
};

constexpr Schema flatpak_remote =
    schema::of<FlatpakRemote>("flatpak_remote", "flatpak_remotes", Order::package,
                              "A place that flatpaks come from; with `user` one of that person's own installation.",
                              fields)
        .body("url")
        .requires_({.live = true, .root = true})
        .of_persons()
        .keyed(clean);

bool is_description(std::string_view url) {
    return url.ends_with(".flatpakrepo");
}

/// As far as its server: what a .flatpakrepo leads to is known only to who reads it.
std::string_view server_of(std::string_view url) {
    const auto host = url.find("://");
    return host == url.npos ? url : url.substr(0, url.find('/', host + 3));
}

class FlatpakRemoteType final : public TypedResource<FlatpakRemote> {
public:
    constexpr FlatpakRemoteType() : TypedResource(flatpak_remote) {}

    std::optional<FlatpakRemote> observe(const View& view, const FlatpakRemote& wanted, bool whole) const override {
        const auto [person, name] = owned(wanted.name);
        const auto there = remote_of(view, installation_of(view, person), name);
        if (!there) return std::nullopt;
        FlatpakRemote found{.name = wanted.name, .url = there->url};
        if (is_description(wanted.url) && server_of(wanted.url) == server_of(there->url)) found.url = wanted.url;
        if (whole || wanted.verified) found.verified = there->verified;
        return found;
    }

    void review(const Resource& resource, Diagnostics& problems) const override {
        const FlatpakRemote& spec = *resource.wanted.as<FlatpakRemote>();
        if (resource.absent || spec.url.empty()) return;
        if (spec.url.find("://") == spec.url.npos || spec.url.find_first_of(" \n") != spec.url.npos)
            problems.add(Error(resource.where, fmt::format("expected the url of a remote, found '{}'", spec.url))
                             .help("url: https://dl.flathub.org/repo/flathub.flatpakrepo"));
        else if (spec.url.starts_with("http://"))
            problems.note(Error(resource.where, spec.url + " comes over http, where anybody on the way can see it")
                              .help("use https"));
    }

    void claims(const State& state, std::vector<Claim>& claims) const override {
        const auto& name = state.as<FlatpakRemote>()->name;
        claims.push_back({Claim::Role::provides, "remote:" + name});
        claims.push_back({Claim::Role::needs, "package:flatpak"});
        claims.push_back({Claim::Role::locks, "lock:flatpak"});
        if (const auto person = owned(name).person; !person.empty())
            claims.push_back({Claim::Role::needs, "user:" + person});
    }

    Way way() const override { return Way::calls; }

    void apply(WritableHost& host, const FlatpakRemote* from, const FlatpakRemote* to, bool) const override {
        const View view(host);
        const auto [person, name] = owned(to ? to->name : from->name);
        const auto where = installation_of(view, person);
        const auto there = remote_of(view, where, name);
        const auto run = [&](std::vector<std::string> words, std::vector<std::string> more) {
            const auto command = flatpak(view, where, std::move(words), std::move(more));
            if (const auto output = host.run(command); output.status != 0) throw failed(command, output);
        };
        if (!to) {
            if (there) run({"remote-delete"}, {name});
            return;
        }
        const char* verify = to->verified.value_or(true) ? "--gpg-verify" : "--no-gpg-verify";
        if (there) {
            std::vector<std::string> more{name};
            if (!is_description(to->url)) more.insert(more.begin(), "--url=" + to->url);
            if (to->verified) more.insert(more.begin(), verify);
            run({"remote-modify"}, std::move(more));
        } else if (to->verified.value_or(true)) {
            run({"remote-add"}, {name, to->url});
        } else {
            run({"remote-add"}, {verify, name, to->url});
        }
    }
};

constexpr FlatpakRemoteType type;

}  // namespace

Installation installation_of(const View& view, const std::string& person) {
    if (person.empty()) return {.person = {}, .directory = "/var/lib/flatpak"};
    return {.person = person, .directory = person_of(view, person).home + "/.local/share/flatpak"};
}

Command flatpak(const View& view, const Installation& where, std::vector<std::string> words,
                std::vector<std::string> more) {
    constexpr int patience_s = 3600;  // a runtime is hundreds of megabytes
    std::vector<std::string> argv{"flatpak"};
    argv.insert(argv.end(), words.begin(), words.end());
    argv.emplace_back(where.person.empty() ? "--system" : "--user");
    argv.insert(argv.end(), more.begin(), more.end());
    Command command{.argv = argv};
    if (!where.person.empty()) command = as_person(view.host(), person_of(view, where.person), std::move(argv));
    command.timeout_s = patience_s;
    return command;
}

bool has_flatpak(const Host& host) {
    return host.look("/usr/bin/flatpak") || host.look("/usr/local/bin/flatpak");
}

std::optional<Remote> remote_of(const View& view, const Installation& where, const std::string& name) {
    std::string text;
    if (!view->look(where.directory + "/repo/config", &text)) return std::nullopt;
    std::optional<Remote> remote;
    bool inside = false;
    const std::string head = fmt::format("[remote \"{}\"]", name);
    for (const auto line : lines_of(text)) {
        if (line.starts_with('[')) inside = trimmed(line) == head;
        if (!inside) continue;
        if (!remote) remote.emplace();
        if (line.starts_with("url=")) remote->url = line.substr(4);
        if (line.starts_with("gpg-verify=")) remote->verified = line.substr(11) == "true";
    }
    return remote;
}

State remote_state(const std::string& key, const std::string& url) {
    return State::of(FlatpakRemote{.name = key, .url = url});
}

const ResourceType& flatpak_remote_type() {
    return type;
}

}  // namespace chaos::resources
