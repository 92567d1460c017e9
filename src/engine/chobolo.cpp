// SPDX-License-Identifier: Apache-2.0
#include "chobolo.hpp"
#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <chaos/system/units.hpp>
#include "declaration.hpp"
#include "shipped.hpp"
#include "utf8.hpp"

namespace chaos::chobolo {

namespace {

struct Renamed {
    std::string_view old, now;
};

/// What Ch-aronte and the first Ch-aOS called it (language-notes F82).
constexpr Renamed sections[] = {
    {"pacotes", "packages"},
    {"pacotes_base_override", "baseOverride"},
    {"base_override", "baseOverride"},
    {"aur_pkgs", "aurPackages"},
    {"aurPkgs", "aurPackages"},
    {"aur_packages", "aurPackages"},
    {"aur_helpers", "aurHelpers"},
    {"particoes", "partitioning"},
    {"plug_name", "name"},
};
constexpr Renamed of_partitions[] = {{"mount_point", "mountpoint"}};
constexpr Renamed of_dotfiles[] = {{"repo", "url"}};

/// A key of Ch-aOS alone: who writes it expects its meaning elsewhere, too.
constexpr std::string_view marks[] = {"baseOverride", "aurPackages", "aurHelpers", "partitioning", "mirrors",
                                      "repos",        "firmware",    "pelago",     "fleet",        "restrictions"};

void rename(Value::Map& map, std::span<const Renamed> names, Diagnostics& problems) {
    for (auto& [key, value] : map) {
        const auto found = std::find_if(names.begin(), names.end(),
                                        [&, &word = key](const Renamed& one) { return word.text() == one.old; });
        if (found == names.end()) continue;
        const auto other =
            std::find_if(map.begin(), map.end(), [&](const auto& entry) { return entry.key.text() == found->now; });
        if (other != map.end()) {
            problems.add(Error(key.where, fmt::format("'{}' is an older name of '{}', and both stand here", found->old,
                                                      found->now))
                             .note(other->key.where, "the other one is here")
                             .help(fmt::format("put both together under {}", found->now)));
            continue;
        }
        problems.note(Error(key.where, fmt::format("'{}' is called '{}' now", found->old, found->now)));
        key.data = std::string(found->now);
    }
}

Value* find(Value& map, std::string_view name) {
    if (!map.is_map()) return nullptr;
    for (auto& [key, value] : std::get<Value::Map>(map.data))
        if (key.text() == name) return &value;
    return nullptr;
}

template <class Act>
void each_mapping(Value* list, Act act) {
    if (!list) return;
    if (list->is_list())
        for (Value& item : std::get<Value::List>(list->data))
            if (item.is_map()) act(std::get<Value::Map>(item.data));
    if (list->is_map())
        for (auto& [key, item] : std::get<Value::Map>(list->data))
            if (item.is_map()) act(std::get<Value::Map>(item.data));
}

/// `state: started` of a service of Ch-aronte.
void spell_service(Value::Map& service) {
    for (auto& [key, value] : service) {
        if (key.text() != "state" || !value.is_text()) continue;
        if (value.text() != "started" && value.text() != "stopped") continue;
        const bool runs = value.text() == "started";
        key.data = std::string("running"), value.data = std::string(runs ? "true" : "false");
    }
}

/// What a dotfiles entry of Ch-aronte has beside: who links, and what is run.
void spell_dotfiles(Value::Map& entry, Diagnostics& problems) {
    rename(entry, of_dotfiles, problems);
    std::erase_if(entry, [&](const auto& one) {
        const std::string& word = one.key.text();
        if (word == "manager")
            problems.note(Error(one.key.where, "'manager' says nothing any more: chaos makes the links"));
        else if (word == "install_command")
            problems.note(Error(one.key.where,
                                "'install_command' is not run: what a repository brings is not executed "
                                "because it came")
                              .help("write what it does: links:, or an exec that watches the checkout"));
        return word == "manager" || word == "install_command";
    });
}

/// `wheel_access: true` let the group wheel become root.
void spell_wheel(Value::Map& root, Diagnostics& problems) {
    const auto said =
        std::find_if(root.begin(), root.end(), [](const auto& e) { return e.key.text() == "wheel_access"; });
    if (said == root.end()) return;
    const Place at = said->key.where;
    const bool granted = Codec<bool>::decode(said->value);
    problems.note(Error(at, granted ? "'wheel_access' is a rule of sudo now: sudo_rules: {\"%wheel\": true}"
                                    : "'wheel_access: false' says nothing: what nobody asks for is not given"));
    root.erase(said);
    if (!granted) return;
    Value rule(Value::Map{{Value(std::string("%wheel"), at), Value(std::string("true"), at)}}, at);
    const auto held =
        std::find_if(root.begin(), root.end(), [](const auto& e) { return e.key.text() == "sudo_rules"; });
    if (held == root.end())
        root.push_back({Value(std::string("sudo_rules"), at), std::move(rule)});
    else if (held->value.is_map())
        std::get<Value::Map>(held->value.data).push_back(rule.map()[0]);
    else if (held->value.is_list())
        std::get<Value::List>(held->value.data).push_back(Value(std::string("%wheel"), at));
}

/// OmegaConf's `${x}` reached the roles as it is written; and so it does here.
void note_interpolation(const Value& value, Diagnostics& problems) {
    std::vector<const Value*> open{&value};
    while (!open.empty()) {
        const Value& one = *open.back();
        open.pop_back();
        if (one.is_list())
            for (const Value& item : one.list()) open.push_back(&item);
        else if (one.is_map())
            for (const auto& entry : one.map()) open.push_back(&entry.value);
        else if (one.is_text() && one.text().find("${") != std::string::npos)
            problems.note(Error(one.where, "'${' is text, as it was in Ch-aOS").help("a variable is {{ vars.NAME }}"));
    }
}

/// Roles of Ch-aOS by their names and tags, as restrictions name them, and the sections that are theirs.
struct Role {
    std::string_view name;
    std::array<std::string_view, 2> sections;
};
constexpr Role roles[] = {
    {"usr", {"users", "hostname"}},
    {"users", {"users", "hostname"}},
    {"pkgs", {"packages", "baseOverride"}},
    {"packages", {"packages", "baseOverride"}},
    {"natPkgs", {"packages", "baseOverride"}},
    {"native_packages", {"packages", "baseOverride"}},
    {"aurPkgs", {"aurPackages", ""}},
    {"aur_packages", {"aurPackages", ""}},
    {"helpers", {"aurHelpers", ""}},
    {"repositories", {"repos", "repositories"}},
    {"repos", {"repos", "repositories"}},
    {"reflector", {"mirrors", ""}},
    {"boot", {"bootloader", ""}},
    {"dots", {"dotfiles", ""}},
    {"secs", {"secrets", ""}},
};

}  // namespace

void spell_anew(Value& root, Diagnostics& problems) {
    auto& map = std::get<Value::Map>(root.data);
    rename(map, sections, problems);
    spell_wheel(map, problems);
    if (Value* parts = find(root, "partitioning"))
        each_mapping(find(*parts, "partitions"), [&](Value::Map& one) { rename(one, of_partitions, problems); });
    each_mapping(find(root, "services"), [](Value::Map& one) { spell_service(one); });
    each_mapping(find(root, "dotfiles"), [&](Value::Map& one) { spell_dotfiles(one, problems); });
}

void Customs::read(std::vector<Document>& documents) {
    for (Document& document : documents) {
        try {
            make_secret_files(document);
            find_dense_services(document);
            if (const Value* said = document.root.find("partitioning")) check_partitioning(*said);
        } catch (Error& error) {
            problems_.add(std::move(error));
        }
    }
    try {
        restrict(documents);
    } catch (Error& error) {
        problems_.add(std::move(error));
    }
    tell_what_stays(documents);
}

/// In Ch-aOS what is not listed goes; here that is asked for (language-notes F80).
void Customs::tell_what_stays(const std::vector<Document>& documents) {
    const Value* mark = nullptr;
    bool asked = false;
    for (const Document& document : documents)
        for (const auto& [key, value] : document.root.map()) {
            asked |= key.text() == "exclusive";
            if (std::find(std::begin(marks), std::end(marks), key.text()) != std::end(marks)) mark = mark ? mark : &key;
        }
    if (!mark) return;
    if (!asked)
        problems_.note(Error(mark->where,
                             "Ch-aOS would also remove what is not listed; chaos removes nothing that it was not "
                             "asked to")
                           .help("exclusive: [packages, services, users], and exact: [groups] on a user"));
    for (const Document& document : documents) note_interpolation(document.root, problems_);
}

/// `allow_list: {web1: {users: true}}`: that host is given these sections alone; `black_list: {web3: {packages:
/// true}}`: all but these, and `{web2: {}}` nothing at all.
void Customs::restrict(std::vector<Document>& documents) {
    const Value *said = nullptr, *fleet = nullptr;
    for (const Document& document : documents) {
        if (const Value* own = document.root.find("restrictions"); own && !own->is_null()) said = own;
        if (const Value* held = document.root.find("fleet"); held && held->is_map()) fleet = held;
    }
    if (!said && fleet) said = fleet->find("restrictions");
    if (!said || said->is_null()) return;
    for (const auto& entry : said->map())
        if (entry.key.text() != "allow_list" && entry.key.text() != "black_list")
            throw Error(entry.key.where, fmt::format("restrictions has no '{}'", printable(entry.key.text())))
                .help("it has allow_list and black_list: {HOST: {SECTION: true}}");
    const Value* name = scope_.member("host", "name");
    const auto listed = [&](std::string_view list) -> const Value* {
        const Value* hosts = said->find(list);
        return hosts && name && !hosts->is_null() ? (hosts->map(), hosts->find(name->text())) : nullptr;
    };
    std::vector<std::string> named;
    const auto names = [&](const Value& mapping) {
        named.clear();
        if (mapping.is_null()) return;
        for (const auto& [key, value] : mapping.map()) {
            if (value.is_text() && !Codec<bool>::decode(value)) continue;
            const auto role = std::find_if(std::begin(roles), std::end(roles),
                                           [&, &word = key](const Role& one) { return one.name == word.text(); });
            if (role == std::end(roles)) {
                if (!registry_.section(key.text()) && !find_shipped(key.text()) && key.text() != "secrets")
                    throw Error(key.where, fmt::format("restrictions name '{}', and there is no such section",
                                                       printable(key.text())))
                        .help("'chaos explain' lists the sections");
                named.push_back(key.text());
            } else {
                named.insert(named.end(), role->sections.begin(), role->sections.end());
            }
        }
    };
    const Value *allowed = listed("allow_list"), *denied = listed("black_list");
    if (!allowed && !denied) return;
    std::vector<std::string> left_out;
    const auto is_named = [&](const std::string& word) {
        return std::find(named.begin(), named.end(), word) != named.end();
    };
    const auto strip = [&](Value& sections, bool only) {
        if (!sections.is_map()) return;
        std::erase_if(std::get<Value::Map>(sections.data), [&](const auto& entry) {
            const std::string& word = entry.key.text();
            if (!registry_.section(word) && !find_shipped(word)) return false;
            if (only ? is_named(word) : !named.empty() && !is_named(word)) return false;
            if (std::find(left_out.begin(), left_out.end(), word) == left_out.end()) left_out.push_back(word);
            return true;
        });
    };
    const auto everywhere = [&](bool only) {
        for (Document& document : documents) {
            strip(document.root, only);
            if (Value* absent = find(document.root, "absent")) strip(*absent, only);
            if (Value* blocks = find(document.root, "blocks"); blocks && blocks->is_list())
                for (Value& block : std::get<Value::List>(blocks->data)) {
                    strip(block, only);
                    if (Value* absent = find(block, "absent")) strip(*absent, only);
                }
        }
    };
    if (allowed) names(*allowed), everywhere(true);
    if (denied) names(*denied), everywhere(false);
    if (!left_out.empty())
        problems_.note(Error(said->where, fmt::format("restrictions leave out for host {}: {}", name->text(),
                                                      fmt::join(left_out, ", "))));
}

/// Read and checked, and nothing else: only an installation makes partitions (language-notes F83).
void Customs::check_partitioning(const Value& said) {
    constexpr std::string_view words[] = {"name", "important", "size", "mountpoint", "part", "type"};
    constexpr std::string_view roles_of_one[] = {"boot", "swap", "root", "home"};
    for (const auto& [key, value] : said.map())
        if (key.text() != "disk" && key.text() != "partitions")
            throw Error(key.where, fmt::format("partitioning has no '{}'", printable(key.text())))
                .help("it has disk and partitions");
    const Value *disk = said.find("disk"), *partitions = said.find("partitions");
    if (disk && !disk->text().starts_with("/dev/"))
        throw Error(disk->where, fmt::format("expected a disk, found '{}'", printable(disk->text())))
            .help("write it as in disk: /dev/sda");
    if (partitions)
        for (const Value& one : partitions->list())
            for (const auto& [key, value] : one.map()) {
                const std::string& word = key.text();
                if (std::find(std::begin(words), std::end(words), word) == std::end(words)) {
                    const auto near = nearest(word, words);
                    throw Error(key.where, fmt::format("a partition has no '{}'", printable(word)))
                        .help(near.empty() ? "it has name, important, size, mountpoint, part and type"
                                           : fmt::format("did you mean '{}'?", near));
                }
                if (word == "important" &&
                    std::find(std::begin(roles_of_one), std::end(roles_of_one), value.text()) == std::end(roles_of_one))
                    throw Error(value.where,
                                fmt::format("expected boot, swap, root or home, found '{}'", printable(value.text())))
                        .help("leave 'important' out for any other partition");
                if (word == "part") Codec<std::int64_t>::decode(value);
            }
    problems_.note(Error(said.where, "partitioning is read by an installation alone: no disk is touched here"));
}

/// Services that are there and can be started at boot, without templates.
std::vector<std::string> Customs::units_that_begin(const std::string& name) {
    const Host& host = scope_.looking();
    std::vector<std::string> units;
    for (const std::string_view directory : Units::directories)
        for (const std::string& unit : host.list(std::string(directory))) {
            if (!unit.starts_with(name) || !unit.ends_with(".service") || unit.find("@.") != unit.npos) continue;
            if (std::find(units.begin(), units.end(), unit) != units.end()) continue;
            std::string text;
            host.look(std::string(directory) + "/" + unit, &text);
            if (text.find("[Install]") != text.npos) units.push_back(unit);
        }
    std::sort(units.begin(), units.end());
    return units;
}

/// `{name: libvirt, dense_service: true}` is all services whose names begin so, each an entry of its own.
void Customs::find_dense_services(Document& document) {
    Value* services = find(document.root, "services");
    if (!services || !services->is_list()) return;
    Value::List all;
    std::vector<std::string> found;
    for (Value& item : std::get<Value::List>(services->data)) {
        const Value *dense = item.is_map() ? item.find("dense_service") : nullptr,
                    *name = dense ? item.find("name") : nullptr;
        if (!dense) {
            all.push_back(std::move(item));
            continue;
        }
        if (!name || !name->is_text())
            throw Error(item.where, "this service does not say its name").help("add name: NAME");
        const bool many = Codec<bool>::decode(*dense);
        std::erase_if(std::get<Value::Map>(item.data),
                      [](const auto& one) { return one.key.text() == "dense_service"; });
        auto units = many ? units_that_begin(name->text()) : std::vector<std::string>();
        if (many && units.empty())
            problems_.note(
                Error(name->where, fmt::format("no service begins with '{}' yet: when one comes, the next run finds it",
                                               printable(name->text()))));
        if (units.empty()) units.push_back(name->text());
        for (const std::string& unit : units) {
            if (std::find(found.begin(), found.end(), unit) != found.end()) continue;
            found.push_back(unit);
            Value one = item;
            for (auto& [key, value] : std::get<Value::Map>(one.data))
                if (key.text() == "name") value.data = unit;
            all.push_back(std::move(one));
        }
    }
    services->data = std::move(all);
}

/// `secrets: {templates: [{from: netrc.j2, to: .netrc, owner: dex, mode: 600, vars: [netrc]}]}` are files below homes.
void Customs::make_secret_files(Document& document) {
    Value* secrets = find(document.root, "secrets");
    Value* templates = secrets ? find(*secrets, "templates") : nullptr;
    if (!templates) return;
    Value::List files;
    for (Value& one : std::get<Value::List>((templates->list(), templates->data))) {
        for (const auto& [key, value] : one.map()) {
            constexpr std::string_view words[] = {"from", "to", "owner", "group", "mode", "vars", "escape"};
            if (std::find(std::begin(words), std::end(words), key.text()) == std::end(words))
                throw Error(key.where, fmt::format("a template of secrets has no '{}'", printable(key.text())))
                    .help("it has from, to, owner, group, mode and vars");
        }
        const auto need = [&](std::string_view word) -> const Value& {
            if (const Value* held = one.find(word); held && held->is_text()) return *held;
            throw Error(one.where, fmt::format("this template of secrets does not say '{}'", word))
                .help("write it as in {from: netrc.j2, to: .netrc, owner: eve, vars: [netrc]}");
        };
        const Value &from = need("from"), &to = need("to"), &owner = need("owner");
        const std::string& below = to.text();
        if (below.starts_with('/') || ("/" + below + "/").find("/../") != std::string::npos)
            throw Error(to.where, fmt::format("'{}' is not below the home of {}", printable(below), owner.text()))
                .help("'to' is a path from the owner's home; elsewhere, write files: {PATH: {template: FILE}}");
        const std::string home = scope_.call("home", std::span(&owner, 1)).text();
        const auto entry = [&](std::string_view word, Value value) {
            return Value::Entry{Value(std::string(word), value.where), std::move(value)};
        };
        Value::Map with;
        if (const Value* vars = one.find("vars"); vars && !vars->is_null())
            for (const Value& name : items_in(*vars))
                with.push_back({name, Value("{{ secret('" + name.text() + "') }}", name.where)});
        Value::Map file{entry("path", Value(home + "/" + below, to.where)), entry("template", from),
                        entry("owner", owner)};
        const Value *mode = one.find("mode"), *group = one.find("group");
        file.push_back(entry("mode", mode ? *mode : Value(std::string("0600"), one.where)));
        if (group) file.push_back(entry("group", *group));
        if (!with.empty()) file.push_back(entry("with", Value(std::move(with), one.where)));
        files.emplace_back(std::move(file), one.where);
    }
    auto& map = std::get<Value::Map>(secrets->data);
    const Place at = templates->where;
    std::erase_if(map, [](const auto& entry) { return entry.key.text() == "templates"; });
    auto& root = std::get<Value::Map>(document.root.data);
    Value::Map block{{Value(std::string("files"), at), Value(std::move(files), at)}};
    if (Value* blocks = find(document.root, "blocks"); blocks && blocks->is_list())
        std::get<Value::List>(blocks->data).emplace_back(std::move(block), at);
    else
        root.push_back({Value(std::string("blocks"), at), Value(Value::List{Value(std::move(block), at)}, at)});
}

}  // namespace chaos::chobolo
