// SPDX-License-Identifier: Apache-2.0
// Attributes that stand for a resource of another kind.
#include <doctest/doctest.h>

#include "site_kinds.hpp"

using namespace chaos;
using namespace chaos::test;

TEST_CASE("an attribute that stands for a resource is that resource, beside the one that gives it") {
    const auto reading = read_text(
        "users:\n  deploy: {groups: [adm], authorized_keys: [a, b], sudo: {rule: ALL, nopasswd: true}, tags: [x]}\n");
    CHECK(ids(reading) == "user:deploy authorized_keys:deploy sudo:deploy");
    CHECK(reading.attribute("authorized_keys:deploy", "keys") == "[\"a\",\"b\"]");
    CHECK(reading.attribute("sudo:deploy", "nopasswd") == "\"true\"");
    CHECK(reading["sudo:deploy"].tags == std::vector<std::string>{"x"});
    CHECK(reading["sudo:deploy"].where.line == 2);
    CHECK(reading.attribute("user:deploy", "groups") == "[\"adm\"]");
}

TEST_CASE("exact names an attribute that stands for a resource as any other") {
    const auto reading = read_text("users: {a: {groups: [x], authorized_keys: k, exact: [groups, authorized_keys]}}");
    CHECK(reading.errors() == "");
    REQUIRE(reading["authorized_keys:a"].exact.size() == 1);
    CHECK(reading["authorized_keys:a"].exact[0]->name == "keys");
    CHECK(reading["user:a"].exact.size() == 1);
    CHECK(read_text("users: {a: {authorized_keys: k, exact: authorized_keys}}")["user:a"].exact.empty());
}

TEST_CASE("layers lie on what was given as on any other resource") {
    const auto lower = std::pair<std::string, std::string>{
        "low.yml", "users: {a: {authorized_keys: [one], sudo: true}, b: {authorized_keys: [two]}}\n"};
    const auto over = [&](const char* text) {
        return read_files({{"site.yml", std::string("include: [low.yml]\n") + text}, lower});
    };
    CHECK(over("users: {a: {authorized_keys+: [three]}}").attribute("authorized_keys:a", "keys") ==
          "[\"one\",\"three\"]");
    CHECK(over("authorized_keys: {a: [four]}").attribute("authorized_keys:a", "keys") == "[\"four\"]");
    CHECK(ids(over("users: {a: {sudo: null}}")) == "user:a authorized_keys:a user:b authorized_keys:b");
    CHECK(ids(over("users: {a: {sudo: false}}")) == "user:a authorized_keys:a sudo:a- user:b authorized_keys:b");
    CHECK(ids(over("without: ['sudo:*', 'authorized_keys:b']")) == "user:a authorized_keys:a user:b");
    CHECK(ids(over("absent: {users: [a]}")) == "user:a- authorized_keys:a- sudo:a- user:b authorized_keys:b");
    CHECK(ids(over("absent: {users: [c]}")) == "user:a authorized_keys:a sudo:a user:b authorized_keys:b user:c-");
}

TEST_CASE("what was given and what stands in its own section agree, or both places are told") {
    CHECK(ids(read_text("users: {a: {sudo: yes}}\nsudo_rules: {a: yes}")) == "user:a sudo:a");
    const auto said = read_text("users: {a: {sudo: yes}}\nsudo_rules: {a: ALL}").errors();
    CHECK(said.find("sudo:a is declared twice, and 'rule' differs") != std::string::npos);
}

TEST_CASE("what when switches off is switched off with what it gives") {
    CHECK(ids(read_text("users: {a: {when: false, sudo: true}}\npackages: {git: {needs: [sudo:a]}}")) == "package:git");
}
