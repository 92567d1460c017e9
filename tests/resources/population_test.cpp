// SPDX-License-Identifier: Apache-2.0
#include "population.hpp"

#include <doctest/doctest.h>

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
