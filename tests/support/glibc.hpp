// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "support/fake_host.hpp"

namespace chaos::test {

/// The definitions of two locales, and a localedef whose archive is a text with a name a line.
inline void put_localedef(FakeHost& host) {
    constexpr const char* archive = "/usr/lib/locale/locale-archive";
    host.put_file("/etc/locale.gen", "# a comment\n# en_US.UTF-8 UTF-8\n# pt_BR.UTF-8 UTF-8\n");
    for (const char* name : {"en_US", "pt_BR"}) host.put_file(std::string("/usr/share/i18n/locales/") + name, "");
    host.put_directory("/etc/default");
    host.put_directory("/usr/lib/locale");
    host.put_command("localedef", [archive](FakeHost& h, const Command& command) {
        std::string text;
        h.look(archive, &text);
        if (command.argv[1] == "--list-archive") return Output{0, text, ""};
        std::string name = command.argv.back();
        if (command.argv[1] == "--delete-from-archive") {
            const auto at = ("\n" + text).find("\n" + name + "\n");
            if (at == std::string::npos) return Output{1, "", "locale not found"};
            text.erase(at, name.size() + 1);
            text.empty() ? h.erase(archive) : h.put_file(archive, text);
            return Output{};
        }
        name = name.substr(0, name.find('.')) + ".utf8\n";
        if (("\n" + text).find("\n" + name) == std::string::npos) h.put_file(archive, text + name);
        return Output{};
    });
}

}  // namespace chaos::test
