// SPDX-License-Identifier: Apache-2.0
// What every entry can say beside its attributes.
#include <doctest/doctest.h>

#include "site_kinds.hpp"

using namespace chaos;
using namespace chaos::test;

TEST_CASE("once names attributes, or all: what is given once is kept when it leaves") {
    const auto reading = read_text(
        "users: {eve: {shell: zsh, password: x, once: [password]}, kim: {once: no}}\n"
        "files: {/a: {content: x, once: true}}");
    CHECK(reading.errors() == "");
    REQUIRE(reading["user:eve"].once.size() == 1);
    CHECK(reading["user:eve"].once[0]->name == "password");
    CHECK_FALSE(reading["user:eve"].keep);
    CHECK(reading["user:kim"].once.empty());
    CHECK(reading["file:/a"].keep);
    CHECK(reading["file:/a"].once.size() == 4);
}

TEST_CASE("retry is how often, or how often and after what time") {
    const auto reading = read_text("services: {a: {retry: 3}, b: {retry: {times: 2, wait: 1m}}}");
    CHECK(reading.errors() == "");
    CHECK(reading["service:a"].retry.times == 3);
    CHECK(reading["service:a"].retry.wait_s == 5);
    CHECK(reading["service:b"].retry.times == 2);
    CHECK(reading["service:b"].retry.wait_s == 60);
}

TEST_CASE("user gives what lives in a home to that person, and ~ is that home") {
    const auto good = read_text(
        "vars: {me: eve}\n"
        "files: {~/.profile: {user: eve, content: x}, /srv/x: {user: '{{ vars.me }}', owner: root, content: x}}\n"
        "jobs: {build: {user: eve, command: make, needs: ['file:~/.profile']}}\n"
        "blocks: [{user: kim, files: {~/a: x, '~': {absent: true}}}]\n");
    CHECK(ids(good) == "file:/home/eve/.profile file:/srv/x job:build file:/home/kim/a file:/home/kim-");
    CHECK(good.attribute("file:/home/eve/.profile", "owner") == "\"eve\"");
    CHECK(good.attribute("file:/home/eve/.profile", "group") == "\"eve\"");
    CHECK(good.attribute("file:/srv/x", "owner") == "\"root\"");
    CHECK(good.attribute("job:build", "run_as") == "\"eve\"");
    CHECK(good.attribute("file:/home/kim/a", "owner") == "\"kim\"");
}

TEST_CASE("name_on is what something is called here, and ids of the manifest mean it all the same") {
    const auto reading = read_text(
        "packages: {firefox: {name_on: {debian: firefox-esr, fedora: x}}, only-red: {name_on: {debian: null}},\n"
        "           git: {name_on: {redhat: git-core}}}\n"
        "services: {web: {name_on: {debian: apache2}, needs: [package:firefox, package:only-red, 'package:fire*']}}\n");
    CHECK(ids(reading) == "package:firefox-esr package:git service:apache2");
    CHECK(edges(reading) == "package:firefox-esr -> service:apache2");
    CHECK(reading.attribute("package:firefox-esr", "name") == "\"firefox-esr\"");
    CHECK(reading["package:firefox-esr"].called == "firefox");
    const Registry registry = site_registry();
    CHECK(matches("package:firefox", reading["package:firefox-esr"], registry));
    CHECK_FALSE(matches("package:fire", reading["package:firefox-esr"], registry));
}

TEST_CASE("layers lie on what the manifest calls it, whatever it is called here") {
    const auto reading = read_files({{"site.yml", "include: [base.yml]\npackages: {firefox: {version: '2'}}"},
                                     {"base.yml", "packages: {firefox: {name_on: {debian: firefox-esr}}}"}});
    CHECK(ids(reading) == "package:firefox-esr");
    CHECK(reading.attribute("package:firefox-esr", "version") == "\"2\"");
}
