// SPDX-License-Identifier: Apache-2.0
// The kind that docs/adding-a-resource.md makes, and the page itself.
#include <doctest/doctest.h>

#include <fstream>
#include <iterator>

#include "support/small_run.hpp"

namespace chaos::resources {
const ResourceType& banner_type();
}

using namespace chaos;
using namespace chaos::test;

namespace {

Resource banner(const char* name, const char* text, bool absent = false) {
    return declare(resources::banner_type(), attributes({{"name", name}, {"text", text}}), absent);
}

std::string read(const std::string& path) {
    std::ifstream in(path);
    REQUIRE_MESSAGE(in, path);
    return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

TEST_CASE("a banner is a file in /etc/issue.d, and goes back with its directory") {
    FakeHost host;
    const auto before = host.dump();
    const auto run = apply(host, {banner("10-legal", "Authorised use only\n")});
    CHECK(host.text("/etc/issue.d/10-legal.issue") == "Authorised use only\n");
    CHECK(plan_for(host, {banner("10-legal", "Authorised use only\n")}).steps.empty());
    take_back(host, run);
    CHECK(host.dump() == before);
}

TEST_CASE("a banner with an escape sequence is a problem before anything is touched") {
    CHECK_FALSE(plan_for(FakeHost(), {banner("a", "\x1b[31mred")}).problems.ok());
}

TEST_CASE("the page on adding a resource shows the kind that is compiled here") {
    const std::string source = CHAOS_SOURCE;
    const auto page = read(source + "/docs/adding-a-resource.md");
    for (const char* file : {"/tests/resources/banner.cpp"})
        CHECK(page.find("```cpp\n" + read(source + file) + "```\n") != std::string::npos);
    const auto test = read(source + "/tests/resources/banner_test.cpp");
    const auto begin = test.find("TEST_CASE(\"a banner is a file"), end = test.find("TEST_CASE(\"a banner with");
    CHECK(page.find("```cpp\n" + test.substr(begin, end - begin - 1) + "```\n") != std::string::npos);
}
