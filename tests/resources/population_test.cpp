// SPDX-License-Identifier: Apache-2.0
#include "population.hpp"

#include <doctest/doctest.h>

using chaos::resources::not_brought;
using chaos::resources::not_needed;
using Names = std::vector<std::string>;

namespace {

std::string package(const std::string& name, const std::string& more = "") {
    return "Package: " + name + "\nStatus: install ok installed\n" + more + "\n";
}

}  // namespace

TEST_CASE("a package goes unless something that stays needs it, however far away") {
    const std::string status = package("a", "Depends: b (>= 1), x | c:any\n") + package("b", "Pre-Depends: d\n") +
                               package("c") + package("d") + package("e");
    CHECK(not_needed(status, {"b", "c", "d", "e"}) == Names{"e"});
    CHECK(not_needed(status, {"a", "b", "c", "d", "e"}) == Names{"a", "b", "c", "d", "e"});
}

TEST_CASE("a need that another one meets keeps nobody") {
    const std::string status =
        package("a", "Depends: mail\n") + package("b", "Provides: x, mail (= 2)\n") + package("c", "Provides: mail\n");
    CHECK(not_needed(status, {"b"}) == Names{"b"});
    CHECK(not_needed(status, {"b", "c"}).size() == 1);
}

TEST_CASE("what is the system's, and what is only half there, is nobody's to remove") {
    const std::string status = package("a", "Essential: yes\n") + package("b", "Priority: important\n") +
                               package("linux-image-6.1") + package("c") +
                               "Package: d\nStatus: deinstall ok config-files\nDepends: c\n\n";
    CHECK(not_needed(status, {"a", "b", "linux-image-6.1", "c"}) == Names{"c"});
}

TEST_CASE("what comes along with the system, or with another one of them, is not asked for by itself") {
    const std::string status = package("base", "Priority: required\nDepends: shell | dash\n") + package("shell") +
                               package("web", "Depends: web-common (= 1), mail | post\nRecommends: docs\n") +
                               package("web-common", "Pre-Depends: lib:any\n") + package("lib") + package("docs") +
                               package("post", "Provides: mail\n") + package("linux-image-6.1", "Depends: kmod\n") +
                               package("kmod") + package("orphan", "Depends: docs\n") + package("chaos");
    CHECK(not_brought(status, {"base", "chaos", "docs", "kmod", "lib", "linux-image-6.1", "post", "shell", "web",
                               "web-common"}) == Names{"docs", "post", "web"});
}

TEST_CASE("of packages that need each other one is asked for") {
    const std::string status =
        package("a", "Depends: b\n") + package("b", "Depends: a\n") + package("c", "Depends: d\n") + package("d");
    CHECK(not_brought(status, {"a", "b", "c", "d"}) == Names{"a", "c"});
    CHECK(not_brought(status, {"d", "x:i386"}) == Names{"d", "x:i386"});
}

TEST_CASE("where a need leaves a choice, what is there beside is asked for") {
    const std::string status = package("a", "Depends: b | c, d\n") + package("b") + package("c") + package("d") +
                               package("e", "Provides: d\n");
    CHECK(not_brought(status, {"a", "b", "c", "d"}) == Names{"a", "b", "c", "d"});
}
