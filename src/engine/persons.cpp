// SPDX-License-Identifier: Apache-2.0
#include "persons.hpp"
#include <fmt/format.h>
#include <unistd.h>
#include <algorithm>
#include <array>
#include "utf8.hpp"

namespace chaos {

namespace {

/// The line of a file like /etc/passwd whose column `column` is `value`, in its parts.
template <std::size_t Columns>
std::optional<std::array<std::string_view, Columns>> line_of(std::string_view text, std::size_t column,
                                                             std::string_view value) {
    while (!text.empty()) {
        auto line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(line.size() + 1, text.size()));
        std::array<std::string_view, Columns> parts;
        for (auto& part : parts) {
            part = line.substr(0, line.find(':'));
            line.remove_prefix(std::min(part.size() + 1, line.size()));
        }
        if (parts[column] == value) return parts;
    }
    return std::nullopt;
}

}  // namespace

Person person_on(const Host& host, const std::string& name) {
    std::string passwd, groups;
    host.look("/etc/passwd", &passwd);
    const auto line = name.empty() ? line_of<7>(passwd, 2, std::to_string(::geteuid())) : line_of<7>(passwd, 0, name);
    if (!line) {
        const std::string who = name.empty() ? "root" : name;
        return {who, who, who == "root" ? "/root" : "/home/" + who};
    }
    host.look("/etc/group", &groups);
    const auto group = line_of<4>(groups, 2, (*line)[3]);
    return {std::string((*line)[0]), std::string(group ? (*group)[0] : (*line)[3]), std::string((*line)[5])};
}

std::string below_home(const std::string& text, const std::string& home) {
    if (text != "~" && !text.starts_with("~/")) return text;
    return home + text.substr(1);
}

void give_to_persons(std::vector<Declaration>& declarations, const Host& host, Diagnostics& problems) {
    std::unordered_map<std::string_view, const Declaration*> declared;
    for (const Declaration& one : declarations)
        if (one.type->schema().order == Order::user) declared.emplace(one.key, &one);
    const auto said = [&](const std::string& name, std::string_view attribute) {
        const auto found = declared.find(name);
        const Value* value = found == declared.end() ? nullptr : found->second->find(attribute);
        return value && value->is_text() ? value : nullptr;
    };
    std::unordered_map<std::string, Person> known;
    for (Declaration& one : declarations) {
        const Value* user = one.find("user");
        if (!user) continue;
        try {
            const Value name = *user;
            const auto [held, is_new] = known.try_emplace(name.text());
            if (is_new) held->second = person_on(host, name.text());
            Person person = held->second;
            if (const Value* group = said(name.text(), "group")) person.group = group->text();
            if (const Value* home = said(name.text(), "home"); home && one.at_home && home->text() != person.home)
                throw Error(one.where, fmt::format("~ is {} here by now, and this run makes it {}", person.home,
                                                   printable(home->text())))
                    .note(home->where, "the home is said here")
                    .help("write the whole path instead of ~");
            const Schema& schema = one.type->schema();
            one.remove("user");
            bool takes = schema.personal != Personal::no;
            for (const Field& field : schema.fields) {
                if (field.person == Field::Person::no) continue;
                takes = true;
                const bool is_group = field.person == Field::Person::group;
                if (!one.find(field.name))
                    one.body.push_back({Value(std::string(field.name), name.where),
                                        Value(is_group ? person.group : person.name, name.where)});
            }
            if (!takes)
                throw Error(name.where, fmt::format("'user' says nothing of a {}: it belongs to nobody", schema.name))
                    .help(
                        "remove this line; what lives in a home or runs as somebody has it: files, directories, exec");
        } catch (Error& error) {
            if (!error.where) error.where = one.where;
            problems.add(std::move(error));
        }
    }
}

namespace {

/// What `name_on` says for this host: by the system's id, else its family. Null where neither is named.
const Value* name_here(const Value& names, const Modules& modules) {
    Scope& scope = modules.scope_at(names.where);
    const Value* os = scope.member("facts", "os");
    for (const std::string_view by : {"id", "family"}) {
        const Value* mine = os ? os->find(by) : nullptr;
        if (!mine || !mine->is_text()) continue;
        for (const auto& entry : names.map())
            if (entry.key.text() == mine->text()) return &entry.value;
    }
    return nullptr;
}

bool takes_names(const Schema& schema) {
    return schema.key() && !has_labels(schema) && schema.clean != schema::clean_path;
}

/// False where there is no such thing on this host.
bool renamed(Declaration& one, const Value& names, const Modules& modules) {
    const Schema& schema = one.type->schema();
    if (!takes_names(schema))
        throw Error(names.where, fmt::format("'name_on' says nothing of a {}", schema.name))
            .help("write another entry with when: facts.os.id == 'debian'");
    if (!names.is_map())
        throw Error(names.where, fmt::format("name_on is a mapping, found {}", kind_of(names)))
            .help("write it as in name_on: {debian: firefox-esr, redhat: firefox}");
    const Value* name = name_here(names, modules);
    if (!name) return true;
    if (name->is_null()) return false;
    const std::string here = schema.clean ? schema.clean(name->text()) : name->text();
    if (here != one.key) one.called = std::exchange(one.key, here);
    return true;
}

}  // namespace

void name_for_host(std::vector<Declaration>& declarations, Layers& layers, const Modules& modules,
                   Diagnostics& problems) {
    bool any = false;
    std::vector<Declaration> kept;
    for (Declaration& one : declarations) any |= one.find("name_on") != nullptr;
    if (!any) return;
    Numbers numbers;
    for (Declaration& one : declarations) {
        bool stands = true;
        if (const Value* names = one.find("name_on")) try {
                const Value said = *names;
                one.remove("name_on");
                stands = renamed(one, said, modules);
            } catch (Error& error) {
                if (!error.where) error.where = one.where;
                problems.add(std::move(error));
            }
        if (!stands) {
            layers.switched_off(one.id(), one.where);
            continue;
        }
        const auto [held, is_new] = numbers.try_emplace(one.id(), static_cast<std::uint32_t>(kept.size()));
        if (!is_new)
            problems.add(Error(one.where, fmt::format("{} is declared twice, as it is called here", to_text(one.id())))
                             .note(kept[held->second].where, "it was declared here first")
                             .help("remove one of them, or put both together"));
        kept.push_back(std::move(one));
    }
    declarations = std::move(kept);
}

}  // namespace chaos
