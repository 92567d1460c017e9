// SPDX-License-Identifier: Apache-2.0
#include "person.hpp"

#include <fmt/format.h>

#include <chaos/system/accounts.hpp>

#include "account_files.hpp"

namespace chaos::resources {

Owned owned(std::string_view key) {
    const auto slash = key.starts_with('~') ? key.find('/') : std::string_view::npos;
    if (slash == std::string_view::npos) return {.person = {}, .name = std::string(key)};
    return {.person = std::string(key.substr(1, slash - 1)), .name = std::string(key.substr(slash + 1))};
}

std::string key_of(const Owned& parts) {
    return parts.person.empty() ? parts.name : "~" + parts.person + "/" + parts.name;
}

std::string clean_owned(std::string_view key, std::string (*how)(std::string_view)) {
    auto parts = owned(key);
    if (!parts.person.empty() && !could_be_account(parts.person))
        throw Error(fmt::format("nobody can be called '{}'", parts.person)).help("user: NAME, as in /etc/passwd");
    if (parts.person.empty() && key.starts_with('~'))
        throw Error(fmt::format("'{}' does not say of whom", key))
            .help("write user: NAME, or the id as ~NAME/kind:KEY");
    parts.name = how(parts.name);
    return key_of(parts);
}

Person person_of(const View& view, const std::string& name) {
    const auto& accounts = view.once<Accounts>();
    Person person{.name = name, .group = name, .home = name == "root" ? "/root" : "/home/" + name};
    if (const auto* there = accounts.user(name)) {
        person.home = there->home, person.uid = there->uid, person.there = true;
        person.group = accounts.group_name(there->gid);
        if (auto runtime = fmt::format("/run/user/{}", there->uid); view->live() && view->look(runtime))
            person.runtime = std::move(runtime);
    }
    return person;
}

Command as_person(const Host& host, const Person& person, std::vector<std::string> argv) {
    Command command{.argv = std::move(argv)};
    if (host.superuser()) command.user = person.name;
    command.environment = {"HOME=" + person.home, "USER=" + person.name, "LOGNAME=" + person.name};
    if (!person.runtime.empty()) {
        command.environment.push_back("XDG_RUNTIME_DIR=" + person.runtime);
        if (host.look(person.runtime + "/bus"))
            command.environment.push_back("DBUS_SESSION_BUS_ADDRESS=unix:path=" + person.runtime + "/bus");
    }
    return command;
}

Output run_as_person(WritableHost& host, const Person& person, std::vector<std::string> argv,
                     const std::string& input) {
    auto command = as_person(host, person, std::move(argv));
    command.input = input;
    auto output = host.run(command);
    if (output.status != 0) throw failed(command, output);
    return output;
}

}  // namespace chaos::resources
