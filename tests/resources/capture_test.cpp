// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <chaos/capture.hpp>
#include <chaos/provenance.hpp>

#include "support/small_run.hpp"

using namespace chaos;
using namespace chaos::test;

namespace {

FakeHost debian() {
    FakeHost host;
    host.put_file(
        "/var/lib/dpkg/status",
        "Package: dpkg\nEssential: yes\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.21\n\n"
        "Package: web\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.0\nDepends: lib, common\n\n"
        "Package: lib\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.0\n\n"
        "Package: common\nStatus: install ok installed\nArchitecture: all\nVersion: 1.0\n\n"
        "Package: lib\nStatus: install ok installed\nArchitecture: i386\nVersion: 1.0\n\n"
        "Package: jq\nStatus: hold ok installed\nArchitecture: amd64\nVersion: 1.6\n\n"
        "Package: gone\nStatus: deinstall ok config-files\nArchitecture: amd64\nVersion: 1\n");
    host.put_file("/var/lib/dpkg/arch-native", "amd64\n");
    host.put_file("/var/lib/apt/extended_states", "Package: lib\nArchitecture: amd64\nAuto-Installed: 1\n");
    host.put_file("/etc/passwd",
                  "root:x:0:0:root:/root:/bin/bash\n"
                  "eve:x:1000:1000:Eve {{ E }}:/home/eve:/bin/zsh\n"
                  "ben:x:1001:100::/srv/ben:/bin/sh\n");
    host.put_file("/etc/shadow", "root:*:19000::::::\neve:$6$salt$hash:19000:0:99999:7:::\nben:!:19000::::::\n", 0600);
    host.put_file("/etc/group", "root:x:0:\nusers:x:100:\neve:x:1000:\nadm:x:4:eve\n");
    return host;
}

std::string text_of(const FakeHost& host, const char* kind, bool json = false) {
    const Registry registry{builtin_types(), builtin_facts()};
    const View view(host);
    Site site;
    site.catalog = capture(*registry.type(kind), view);
    Provenance nobody;
    nobody.resources.resize(site.catalog.size()), nobody.metas.resize(site.catalog.size());
    Sources sources;
    Diagnostics problems;
    auto text = emit(site, sources, nobody, {false, json, true, {&registry.type(kind)->schema()}}, problems);
    CHECK(problems.ok());
    return text;
}

}  // namespace

TEST_CASE("packages are captured as they were asked for, without what comes along") {
    CHECK(text_of(debian(), "package") == "packages:\n  - {name: jq, hold: true}\n  - \"lib:i386\"\n  - web\n");
    CHECK(text_of(debian(), "package", true) ==
          "{\n  \"packages\": {\n    \"jq\": {\n      \"hold\": \"true\"\n    },\n    \"lib:i386\": {},\n"
          "    \"web\": {}\n  }\n}\n");
}

TEST_CASE("where nothing was asked for, the section is empty") {
    FakeHost host;
    host.put_file("/var/lib/dpkg/status",
                  "Package: dpkg\nEssential: yes\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.21\n");
    CHECK(text_of(host, "package") == "packages: []\n");
}

TEST_CASE("users are captured without what holds anyway, and without secrets") {
    const auto text = text_of(debian(), "user");
    CHECK(
        text ==
        "users:\n  ben:\n    uid: 1001\n    group: users\n    home: /srv/ben\n    shell: /bin/sh\n"
        "  eve:\n    uid: 1000\n    groups: [adm]\n    shell: /bin/zsh\n    comment: \"Eve {{ E }}\"\n    raw: true\n");
    CHECK(text.find("hash") == text.npos);
}

TEST_CASE("what was captured is as wished on the host that it came of") {
    const auto host = debian();
    for (const ResourceType* type : builtin_types()) {
        if (!type->has_others()) continue;
        const auto found = capture(*type, View(host));
        CHECK_MESSAGE(plan_for(host, found).steps.empty(), type->schema().name);
    }
}
