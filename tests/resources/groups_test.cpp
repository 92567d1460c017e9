// SPDX-License-Identifier: Apache-2.0
#include "package/groups.hpp"

#include <doctest/doctest.h>

#include "package/rpm.hpp"
#include "support/small_run.hpp"

using namespace chaos;
using namespace chaos::test;
using namespace chaos::resources;

namespace {

using Names = std::set<std::string>;

GroupTable comps(std::string_view xml) {
    GroupTable found;
    add_comps(xml, found);
    return found;
}

GroupTable tasks(std::string_view packages) {
    GroupTable found;
    add_tasks(packages, found);
    return found;
}

}  // namespace

TEST_CASE("a group of dnf has what is mandatory or default, and an environment what its groups have") {
    const auto found = comps(R"(<?xml version="1.0"?>
<comps>
  <!-- <group><id>hidden</id><packagelist><packagereq>x</packagereq></packagelist></group> -->
  <group>
    <id>web</id><name>Web</name><name xml:lang="de">Netz</name>
    <packagelist>
      <packagereq type="mandatory">httpd</packagereq>
      <packagereq type='default'> curl </packagereq>
      <packagereq type="optional">php</packagereq>
      <packagereq type="conditional" requires="x">web-x</packagereq>
      <packagereq>plain</packagereq>
    </packagelist>
  </group>
  <group><id>extra</id><packagelist><packagereq type="default">more</packagereq></packagelist></group>
  <group><id>spare</id><packagelist><packagereq type="default">least</packagereq></packagelist></group>
  <group><id>none</id><packagelist/></group>
  <environment>
    <id>server</id>
    <grouplist><groupid>web</groupid></grouplist>
    <optionlist><groupid default="true">extra</groupid><groupid>spare</groupid></optionlist>
  </environment>
</comps>)");
    CHECK(found.at("web") == Names{"curl", "httpd", "plain"});
    CHECK(found.at("server") == Names{"curl", "httpd", "more", "plain"});
    CHECK(!found.contains("none"));
    CHECK(!found.contains("hidden"));
}

TEST_CASE("a comps.xml that is cut or odd has what was whole in it") {
    CHECK(comps("").empty());
    CHECK(comps("<comps><group><id>a</id><packagelist><packagereq>x</packagereq>").empty());
    CHECK(comps("<comps><!-- <group>").empty());
    CHECK(comps("<group><packagereq>x</packagereq></group>").empty());
    CHECK(comps("<group").empty());
    CHECK(comps("<environment><id>e</id><grouplist><groupid>gone</groupid></grouplist></environment>").empty());
}

TEST_CASE("a task has what its field names, the package task-NAME, and standard what is of that priority") {
    const auto found = tasks(
        "Package: a\nPriority: standard\nTask: web, mail\n\nPackage: b\nTask: web\n\n"
        "Package: task-web\nPriority: optional\n\nPackage: task-\n\nPackage: c\nPriority: required\n");
    CHECK(found.at("web") == Names{"a", "b", "task-web"});
    CHECK(found.at("mail") == Names{"a"});
    CHECK(found.at("standard") == Names{"a", "c"});
    CHECK(found.size() == 3);
}

TEST_CASE("pacman's groups are a line for each package") {
    GroupTable found;
    add_pacman_groups("base-devel gcc\nbase-devel make\nxorg xorg-server\nalone\n\n", found);
    CHECK(found == GroupTable{{"base-devel", {"gcc", "make"}}, {"xorg", {"xorg-server"}}});
}

TEST_CASE("a pattern of zypper is the package that provides it") {
    const auto names = rpm::names_in_zypper_xml(
        "<stream><search-result><solvable-list>\n<solvable status=\"not-installed\" name=\"patterns-web\" "
        "kind=\"package\"/>\n<solvable name=\"b\"/></solvable-list></search-result></stream>");
    CHECK(names == std::vector<std::string>{"patterns-web", "b"});
    GroupTable found;
    add_patterns(
        "Information for package patterns-web:\n-----\nName           : patterns-web\nVersion : 1\nProvides       : "
        "[3]\n    pattern() = web_server\n    pattern-order() = 10\n    patterns-web = 1.0-1\n",
        found);
    CHECK(found == GroupTable{{"web_server", {"patterns-web"}}});
}

TEST_CASE("a group says nothing that only a package can, and can not be absent") {
    const auto told = [](State wanted, bool absent) {
        auto resource = declare("package", attributes({{"name", "@web"}}), absent);
        if (wanted) resource.wanted = std::move(wanted);
        Diagnostics problems;
        resource.type->review(resource, problems);
        return problems.errors().size();
    };
    CHECK(told({}, false) == 0);
    CHECK(told({}, true) == 1);
    resources::Package one{.name = "@web", .version = "1"};
    CHECK(told(State::of(std::move(one)), false) == 1);
    resources::Package other{.name = "@web"};
    other.source = "backports";
    CHECK(told(State::of(std::move(other)), false) == 1);
}
