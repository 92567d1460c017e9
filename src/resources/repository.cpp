// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <chaos/openpgp.hpp>
#include <chaos/plan.hpp>

#include "kinds.hpp"
#include "lines.hpp"
#include "paths.hpp"
#include "repository/paragraph.hpp"
#include "settings.hpp"
#include "text_list.hpp"

namespace chaos::resources {
namespace {

struct Repository {
    std::string name{};
    std::optional<TextList> uris{}, suites{}, components{}, architectures{}, types{};
    std::optional<std::string> signed_by{};
    std::optional<Content> signing_key{};
    std::optional<TextList> fingerprint{};
    std::optional<bool> enabled{};
    std::optional<std::int64_t> priority{};
    std::optional<std::string> include{}, siglevel{};
    std::optional<Content> text{}, pin{};
};

constexpr Field fields[] = {
    schema::key<&Repository::name>("name", "What it is called here; files are named by it.").example("internal"),
    schema::property<&Repository::uris>("uris", "Where it is; several are mirrors of one another.")
        .example("[\"https://packages.example.org/debian\"]")
        .otherwise("as they are")
        .also("url"),
    schema::property<&Repository::suites>("suites", "Of apt: distributions in it, or a path that ends in a slash.")
        .example("[stable]")
        .otherwise("as they are"),
    schema::property<&Repository::components>("components", "Of apt: parts of a distribution; none after a path.")
        .example("[main]")
        .otherwise("as they are"),
    schema::property<&Repository::architectures>("architectures", "Of apt: only packages for these.")
        .example("[amd64]")
        .otherwise("as they are; all that the host has"),
    schema::property<&Repository::types>("types", "Of apt: deb, deb-src.")
        .example("[deb]")
        .otherwise("as they are; deb for a new one"),
    schema::property<&Repository::signed_by>("signed_by",
                                             "The file of the keys that sign it, where it is there anyway.")
        .example("/usr/share/keyrings/debian-archive-keyring.gpg")
        .otherwise("as it is"),
    schema::property<&Repository::signing_key>(
        "signing_key", "The public key that signs it, as text: it gets a file of its own, for this repository alone.")
        .example("\"\"")
        .otherwise("as it is"),
    schema::source("key", "signing_key", "A file beside the manifest that holds that key, armored or not."),
    schema::option<&Repository::fingerprint>("fingerprint",
                                             "What the key's fingerprint must be, 40 digits; one of each key in it.")
        .example("[0123456789ABCDEF0123456789ABCDEF01234567]"),
    schema::property<&Repository::enabled>("enabled", "Packages are taken from it.")
        .example("true")
        .otherwise("as it is; true for a new one"),
    schema::property<&Repository::priority>("priority",
                                            "How it stands beside others. Of apt, the pin of all its packages (500 is "
                                            "usual, below 100 only by name, above 1000 even downgrades); of dnf and "
                                            "zypper, lower comes first; 0: none is said.")
        .example("600")
        .otherwise("as it is"),
    schema::property<&Repository::include>("include", "Of pacman: a file that names its mirrors.")
        .example("/etc/pacman.d/mirrorlist")
        .otherwise("as it is"),
    schema::property<&Repository::siglevel>("siglevel", "Of pacman: which signatures are asked for.")
        .example("Required DatabaseOptional")
        .otherwise("as it is"),
    schema::seen<&Repository::text>("text", "The file it is in, to the byte.").example("\"Types: deb\\n\""),
    schema::seen<&Repository::pin>("pin", "The file of its priority, to the byte.").example("\"Package: *\\n\""),
};

std::string clean_name(std::string_view key) {
    const auto fits = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
               c == '.';
    };
    if (key.empty() || key.size() > 100 || key.front() == '.' || key.front() == '-' ||
        !std::all_of(key.begin(), key.end(), fits))
        throw Error(fmt::format("'{}' can not name a repository", key)).help("use letters, digits, - _ and .");
    return std::string(key);
}

constexpr Schema repository =
    schema::of<Repository>("repository", "repositories", Order::repository,
                           "Where packages come from: a file in /etc/apt/sources.list.d or /etc/yum.repos.d, a section "
                           "of /etc/pacman.conf. Its packages may be in the same manifest.",
                           fields)
        .body("uris")
        .requires_({.root = true})
        .keyed(clean_name);

enum class Family : char { apt, rpm, zypp, pacman };

/// Whose files the host has; an empty root is taken for a Debian, as with packages.
Family family_of(const Host& host) {
    if (host.look("/etc/debian_version") || host.look("/etc/apt")) return Family::apt;
    if (host.look("/etc/pacman.conf")) return Family::pacman;
    if (host.look("/etc/zypp")) return Family::zypp;
    if (host.look("/etc/yum.repos.d") || host.look("/etc/dnf")) return Family::rpm;
    return Family::apt;
}

/// Where the parts of it lie, and how the file is written.
struct Places {
    Family family;
    std::string file, section, separator, key, pin;
    Paragraph paragraph(std::string_view text) const { return Paragraph(text, section, separator); }
};

Places places_of(Family family, const std::string& name, bool armored) {
    const std::string suffix = armored ? ".asc" : ".gpg";
    switch (family) {
        case Family::apt:
            return {family, "/etc/apt/sources.list.d/" + name + ".sources", "",
                    ": ",   "/etc/apt/keyrings/" + name + suffix,           "/etc/apt/preferences.d/" + name + ".pref"};
        case Family::rpm:
            return {family, "/etc/yum.repos.d/" + name + ".repo",   name,
                    "=",    "/etc/pki/rpm-gpg/RPM-GPG-KEY-" + name, ""};
        case Family::zypp:
            return {family, "/etc/zypp/repos.d/" + name + ".repo",  name,
                    "=",    "/etc/pki/rpm-gpg/RPM-GPG-KEY-" + name, ""};
        case Family::pacman: break;
    }
    return {family, "/etc/pacman.conf", name, " = ", "", ""};
}

Places places_of(const Host& host, const Repository& spec) {
    const bool armored = !spec.signing_key || !spec.signing_key->held() || spec.signing_key->bytes().empty() ||
                         openpgp::is_armored(spec.signing_key->bytes());
    Places places = places_of(family_of(host), spec.name, armored);
    if (armored && places.family == Family::apt && !host.look(places.key)) {
        const auto binary = places_of(places.family, spec.name, false);
        if (!spec.signing_key && host.look(binary.key)) return binary;
    }
    return places;
}

std::string joined(const TextList& list, std::string_view between = " ") {
    return fmt::format("{}", fmt::join(list.items, between));
}

TextList words_of(const Paragraph& file, std::string_view key) {
    TextList list;
    for (const auto& value : file.values(key))
        for (auto& word : words_in(value)) list.items.push_back(std::move(word));
    return list;
}

std::string first(const Paragraph& file, std::string_view key) {
    const auto values = file.values(key);
    return values.empty() ? "" : values.front();
}

bool is_no(std::string_view word) {
    return word == "no" || word == "0" || word == "false" || word == "off" || word == "No" || word == "False";
}

bool is_set(const std::optional<Content>& content) {
    return content && content->size() > 0;
}

std::string key_reference(const Places& places) {
    return places.family == Family::apt ? places.key : "file://" + places.key;
}

/// All that a file says of it.
Repository parsed(const Places& places, const Paragraph& file) {
    Repository found;
    const bool apt = places.family == Family::apt, pacman = places.family == Family::pacman;
    found.uris = words_of(file, apt ? "URIs" : pacman ? "Server" : "baseurl");
    if (apt) {
        found.suites = words_of(file, "Suites"), found.components = words_of(file, "Components");
        found.architectures = words_of(file, "Architectures"), found.types = words_of(file, "Types");
    }
    if (pacman) {
        found.include = first(file, "Include"), found.siglevel = first(file, "SigLevel"), found.enabled = true;
    } else {
        found.enabled = !is_no(first(file, apt ? "Enabled" : "enabled"));
        found.signed_by = first(file, apt ? "Signed-By" : "gpgkey");
    }
    if (!apt && !pacman) {
        const auto said = first(file, "priority");
        found.priority = is_number(said) ? std::stoll(said.substr(0, 9)) : 0;
    }
    return found;
}

/// Those attributes that are given say the same.
bool says(const Repository& found, const Repository& wanted) {
    return std::ranges::all_of(fields, [&](const Field& field) {
        if (field.role != Field::Role::property || field.name == "signing_key" || field.name == "priority") return true;
        return !field.given(&wanted) || !field.given(&found) || field.same(&found, &wanted);
    });
}

void set_list(Paragraph& file, std::string_view key, const std::optional<TextList>& list) {
    if (!list || words_of(file, key) == *list) return;
    file.set(key, list->empty() ? std::vector<std::string>() : std::vector<std::string>{joined(*list)});
}

void set_text(Paragraph& file, std::string_view key, const std::optional<std::string>& text) {
    if (text && first(file, key) != *text)
        file.set(key, text->empty() ? std::vector<std::string>() : std::vector<std::string>{*text});
}

void set_all(const Places& places, Paragraph& file, const Repository& to) {
    const bool is_new = !file.there();
    switch (places.family) {
        case Family::apt:
            set_list(file, "Types", to.types);
            set_list(file, "URIs", to.uris);
            set_list(file, "Suites", to.suites);
            set_list(file, "Components", to.components);
            set_list(file, "Architectures", to.architectures);
            set_text(file, "Signed-By", to.signed_by);
            if (to.enabled && *to.enabled == is_no(first(file, "Enabled")))
                file.set("Enabled", *to.enabled ? std::vector<std::string>() : std::vector<std::string>{"no"});
            return;
        case Family::pacman:
            file.add_section();
            set_text(file, "SigLevel", to.siglevel);
            if (to.uris && words_of(file, "Server") != *to.uris) file.set("Server", to.uris->items);
            set_text(file, "Include", to.include);
            return;
        case Family::rpm:
        case Family::zypp: break;
    }
    file.add_section();
    if (is_new) file.set("name", {to.name});
    set_list(file, "baseurl", to.uris);
    if (to.enabled && (is_new || *to.enabled == is_no(first(file, "enabled"))))
        file.set("enabled", {*to.enabled ? "1" : "0"});
    if (is_new && to.signed_by && !to.signed_by->empty()) file.set("gpgcheck", {"1"});
    set_text(file, "gpgkey", to.signed_by);
    if (to.priority) set_text(file, "priority", *to.priority ? std::to_string(*to.priority) : "");
}

/// What a pin of apt says for a whole repository: by where it is.
std::string pin_of(const Repository& spec) {
    std::string origin;
    if (spec.uris && !spec.uris->empty()) {
        const auto& uri = spec.uris->items.front();
        const auto host = uri.find("://");
        if (host != uri.npos) origin = uri.substr(host + 3, uri.find_first_of("/:", host + 3) - host - 3);
    }
    return fmt::format("Package: *\nPin: origin \"{}\"\nPin-Priority: {}\n", origin, spec.priority.value_or(0));
}

class RepositoryType final : public TypedResource<Repository> {
public:
    constexpr RepositoryType() : TypedResource(repository) {}

    std::optional<Repository> observe(const View& view, const Repository& wanted, bool) const override {
        const Host& host = view.host();
        const Places places = places_of(host, wanted);
        const auto file = shared_file(host, places.file);
        const auto paragraph = places.paragraph(file.said());
        if (!paragraph.there()) return std::nullopt;
        if (places.family == Family::apt && paragraph.paragraphs() > 1)
            throw Error(places.file + " holds more than one repository")
                .help("manage it as a file, or move the others to files of their own");
        Repository found = parsed(places, paragraph);
        found.name = wanted.name, found.text = file.content();
        if (places.key.empty()) return found;
        const bool counts = found.signed_by == key_reference(places);
        const auto key = shared_file(host, places.key);
        found.signing_key = counts && key.text ? *key.content() : Content();
        if (places.pin.empty()) return found;
        const auto pin = shared_file(host, places.pin);
        found.pin = pin.content(), found.priority = 0;
        for (const auto line : lines_of(pin.said()))
            if (line.starts_with("Pin-Priority:") && is_pin_number(trimmed(line.substr(13))))
                found.priority = std::stoll(std::string(trimmed(line.substr(13))));
        return found;
    }

    void review(const Resource& resource, Diagnostics& problems) const override {
        const Repository& spec = *resource.wanted.as<Repository>();
        if (resource.absent) return;
        const auto say = [&](std::string what, std::string hint) {
            problems.add(Error(resource.where, std::move(what)).help(std::move(hint)));
        };
        for (const auto& uri : spec.uris.value_or(TextList{}).items)
            if (uri.find(':') == uri.npos || uri.find_first_of(" \t\n") != uri.npos)
                say(fmt::format("'{}' is no address of a repository", uri),
                    "write it as in https://deb.example.org/debian");
        for (const auto* list : {&spec.suites, &spec.components, &spec.architectures})
            for (const auto& word : list->value_or(TextList{}).items)
                if (word.empty() || word.find_first_of(" \t\n,") != word.npos)
                    say(fmt::format("expected one word an item, found '{}'", word), "write it as in [main, contrib]");
        for (const auto& type : spec.types.value_or(TextList{}).items)
            if (type != "deb" && type != "deb-src")
                say(fmt::format("expected deb or deb-src, found '{}'", type), "types: [deb]");
        for (const auto* text : {&spec.signed_by, &spec.include, &spec.siglevel})
            if (text->value_or("").find('\n') != std::string::npos)
                say("expected one line, found more", "signing_key: takes the text of a key");
        if (spec.signed_by && !spec.signed_by->starts_with('/') && !spec.signed_by->starts_with("file:///"))
            say(fmt::format("expected the path of a key file as signed_by, found '{}'", *spec.signed_by),
                "key: FILE takes one beside the manifest");
        if (spec.include) review_path("include", *spec.include, resource.where, problems);
        if (spec.priority && (*spec.priority < -32768 || *spec.priority > 32767))
            say(fmt::format("expected a priority from -32768 to 32767, found {}", *spec.priority), "500 is usual");
        if (is_set(spec.signing_key) && spec.signed_by)
            say("signed_by and a key of its own say the same thing", "leave signed_by out");
        review_key(spec, resource.where, problems);
    }

    std::vector<Companion> resolve(const View& view, std::span<Change> changes, Diagnostics& problems) const override {
        Parents parents(view);
        for (std::size_t i = 0; i < changes.size(); ++i) {
            Change& change = changes[i];
            if (!change.after) continue;
            Repository goal = *change.after.as<Repository>();
            const Places places = places_of(view.host(), goal);
            refuse_foreign(goal, places.family, change.where, problems);
            if (!change.before) complete(goal, places, change.where, problems);
            if (is_set(goal.signing_key) && !places.key.empty()) {
                goal.signed_by = key_reference(places);
                parents.above(places.key, i, change.where, problems);
            }
            parents.above(places.file, i, change.where, problems);
            if (!places.pin.empty() && goal.priority.value_or(0)) parents.above(places.pin, i, change.where, problems);
            change.after = State::of(std::move(goal)).with_inputs(change.after.inputs());
        }
        return parents.take();
    }

    /// The file is told for each family, since a state does not know its host: nobody makes the others.
    void claims(const State& state, std::vector<Claim>& claims) const override {
        const Repository& spec = *state.as<Repository>();
        for (const auto family : {Family::apt, Family::rpm, Family::zypp}) {
            const Places places = places_of(family, spec.name, true);
            claims.push_back({Claim::Role::provides, "path:" + places.file});
            claims.push_back({Claim::Role::needs, "path:" + parent_of(places.file)});
            claims.push_back({Claim::Role::needs, "path:" + parent_of(places.key)});
            if (!places.pin.empty()) claims.push_back({Claim::Role::needs, "path:" + parent_of(places.pin)});
        }
        if (spec.signed_by) claims.push_back({Claim::Role::needs, "path:" + *spec.signed_by});
        if (spec.include) claims.push_back({Claim::Role::needs, "path:" + *spec.include});
        claims.push_back({Claim::Role::needs, "path:/etc/pacman.conf"});
    }

    void check(const View& view, std::span<const Change> changes, Diagnostics& problems) const override {
        for (const Change& change : changes) {
            const Repository* to = change.after.as<Repository>();
            if (!to || !to->signed_by || !to->signed_by->starts_with('/') || is_set(to->signing_key)) continue;
            if (!view->look(*to->signed_by))
                problems.note(
                    Error(change.where, fmt::format("there is no key file {} yet: something of this run has to "
                                                    "bring it",
                                                    *to->signed_by)));
        }
    }

    void apply(WritableHost& host, const Repository* from, const Repository* to, bool) const override {
        const Repository& spec = to ? *to : *from;
        const Places places = places_of(host, spec);
        const auto file = shared_file(host, places.file);
        if (!to) return remove(host, places, file, *from);
        if (to->signing_key && !places.key.empty()) {
            const auto key = shared_file(host, places.key);
            if (is_set(to->signing_key))
                host.write(key.path, *to->signing_key, {.mode = key.entry ? key.entry.mode : 0644U});
            else if (from && is_set(from->signing_key))
                host.remove(key.path);
        }
        set_file(host, places, file, *to);
        if (!places.pin.empty() && to->priority) set_pin(host, places, *to);
    }

private:
    static bool is_pin_number(std::string_view text) {
        return is_number(text.starts_with('-') ? text.substr(1) : text) && text.size() < 7;
    }

    static void review_key(const Repository& spec, Place where, Diagnostics& problems) {
        const auto say = [&](std::string what, std::string hint) {
            problems.add(Error(where, std::move(what)).help(std::move(hint)));
        };
        std::vector<std::string> asked;
        for (const auto& written : spec.fingerprint.value_or(TextList{}).items) {
            asked.push_back(openpgp::clean_fingerprint(written));
            if (asked.back().empty())
                say(fmt::format("expected a fingerprint of 40 digits, found '{}'", written), "gpg --show-keys FILE");
        }
        if (!is_set(spec.signing_key)) {
            if (!asked.empty() && !spec.signing_key)
                say("fingerprint is of a key, and there is none", "write key: FILE, a file beside the manifest");
            return;
        }
        try {
            if (!spec.signing_key->held()) throw Error("this is no public key of OpenPGP: it is too big");
            for (const auto& one : openpgp::fingerprints(spec.signing_key->bytes()))
                if (spec.fingerprint && std::find(asked.begin(), asked.end(), one) == asked.end())
                    say(fmt::format("the key has the fingerprint {}, and that is not asked for", one),
                        "compare it with what its owner publishes; who else made this key could sign packages");
        } catch (const Error& error) {
            problems.add(Error(where, error.what()).help(error.hint.empty() ? "gpg --export --armor KEY" : error.hint));
        }
    }

    static void refuse_foreign(const Repository& goal, Family family, Place where, Diagnostics& problems) {
        const auto refuse = [&](bool given, std::string_view name, std::string_view of) {
            if (given)
                problems.add(
                    Error(where, fmt::format("'{}' is of {}, and this host has none", name, of))
                        .help("take it out, or put the entry under a block with when: facts.os.family == ..."));
        };
        const auto has = [](const auto& list) { return list && !list->empty(); };
        if (family != Family::apt) {
            refuse(has(goal.suites), "suites", "apt"), refuse(has(goal.components), "components", "apt");
            refuse(has(goal.architectures), "architectures", "apt"), refuse(has(goal.types), "types", "apt");
        }
        if (family == Family::pacman) {
            refuse(has(goal.signed_by) || is_set(goal.signing_key), "signed_by", "apt, dnf or zypper");
            refuse(goal.priority.value_or(0) != 0, "priority", "apt, dnf or zypper");
            refuse(!goal.enabled.value_or(true), "enabled: false", "apt, dnf or zypper");
        } else {
            refuse(has(goal.include), "include", "pacman"), refuse(has(goal.siglevel), "siglevel", "pacman");
        }
    }

    /// What a new one needs.
    static void complete(Repository& goal, const Places& places, Place where, Diagnostics& problems) {
        if (!goal.enabled) goal.enabled = true;
        const bool somewhere = goal.uris.value_or(TextList{}).items.size() || goal.include;
        if (!somewhere)
            problems.add(
                Error(where, fmt::format("repository {} is not there, and nothing says where it is", goal.name))
                    .help("give it uris:"));
        if (places.family != Family::apt) return;
        if (!goal.types) goal.types = TextList{{"deb"}};
        const auto suites = goal.suites.value_or(TextList{});
        if (suites.empty())
            problems.add(Error(where, fmt::format("repository {} does not say its suites", goal.name))
                             .help("suites: [stable], or [./] for packages that lie in a directory"));
        const bool flat = !suites.empty() && suites.items.front().ends_with('/');
        if (flat == !goal.components.value_or(TextList{}).empty() && !suites.empty())
            problems.add(Error(where, flat ? "a suite that is a path has no components" : "a suite has components")
                             .help(flat ? "take components out" : "components: [main]"));
        if (!goal.signed_by && !is_set(goal.signing_key))
            problems.note(
                Error(where, fmt::format("repository {} has no key of its own: any key that apt trusts may sign "
                                         "it",
                                         goal.name))
                    .help("key: FILE, or signed_by: PATH"));
    }

    /// Its key and its pin go along with it, and before it: as long as it is there, looking finds them.
    static void remove(WritableHost& host, const Places& places, const SharedFile& file, const Repository& from) {
        if (from.pin) host.remove(places.pin);
        if (is_set(from.signing_key)) host.remove(places.key);
        if (places.section.empty()) {
            host.remove(file.path);
        } else {
            auto paragraph = places.paragraph(file.said());
            paragraph.remove_section();
            put(host, file, paragraph.text());
        }
    }

    static void set_file(WritableHost& host, const Places& places, const SharedFile& file, const Repository& to) {
        auto now = places.paragraph(file.said());
        if (to.text) {  // bytes that were seen and say the same come back, where all else in the file is as it was
            const auto before = places.paragraph(to.text->bytes());
            const auto rest = [&](Paragraph all) {
                for (const auto key :
                     {"Types", "URIs", "Suites", "Components", "Architectures", "Signed-By", "Enabled", "name",
                      "baseurl", "enabled", "gpgcheck", "gpgkey", "priority", "Server", "Include", "SigLevel"})
                    all.set(key, {});
                if (!places.section.empty()) all.remove_section();
                return all.text();
            };
            const auto said = parsed(places, before);
            const bool priority = places.family == Family::apt || !said.priority || said.priority == to.priority;
            const bool whole = places.section.empty() && !now.there();
            if (before.there() && says(said, to) && priority && (whole || rest(before) == rest(now)))
                return put(host, file, to.text->bytes());
        }
        const auto as_it_is = now.text();
        set_all(places, now, to);
        if (now.text() != as_it_is || !file.text) put(host, file, now.text());
    }

    static void set_pin(WritableHost& host, const Places& places, const Repository& to) {
        const auto pin = shared_file(host, places.pin);
        const auto says_so = [&](std::string_view text) {
            const auto line = fmt::format("Pin-Priority: {}\n", *to.priority);
            return *to.priority ? text.find(line) != text.npos : text.find("Pin-Priority:") == text.npos;
        };
        if (to.pin && says_so(to.pin->bytes()))
            put(host, pin, to.pin->bytes(), true);
        else if (!pin.text || !says_so(pin.said()))
            put(host, pin, *to.priority ? pin_of(to) : "");
    }
};

constexpr RepositoryType type;

}  // namespace

const ResourceType& repository_type() {
    return type;
}

}  // namespace chaos::resources
