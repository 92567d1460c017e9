// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "support/small_run.hpp"

using namespace chaos;
using namespace chaos::test;

namespace {

constexpr const char* kernel = "/proc/sys/kernel/hostname";

Catalog hostname(const char* name) {
    return {declare("hostname", attributes({{"name", name}}))};
}

FakeHost named(const char* in_file, const char* running) {
    FakeHost host;
    host.put_file("/etc/hostname", in_file);
    host.put_kernel(kernel, running);
    return host;
}

std::string running(const FakeHost& host) {
    std::string text;
    host.look(kernel, &text);
    return text;
}

}  // namespace

TEST_CASE("a hostname is set now and for the next boot, and both go back") {
    FakeHost host = named("old\n", "old");
    const auto before = host.dump();
    const auto run = apply(host, hostname("web1"));
    CHECK(host.text("/etc/hostname") == "web1\n");
    CHECK(running(host) == "web1\n");
    CHECK(plan_for(host, hostname("web1")).steps.empty());
    take_back(host, run);
    CHECK(host.dump() == before);
}

TEST_CASE("a hostname that only the kernel or only the file has is mended, and goes back as it was") {
    for (auto [in_file, now] : {std::pair{"web1\n", "other"}, std::pair{"other\n", "web1"}}) {
        FakeHost host = named(in_file, now);
        const auto before = host.dump();
        const auto run = apply(host, hostname("web1"));
        CHECK(host.text("/etc/hostname") == "web1\n");
        CHECK(running(host) == "web1\n");
        take_back(host, run);
        CHECK(host.dump() == before);
    }
}

TEST_CASE("a hostname leaves the comments of /etc/hostname alone") {
    FakeHost host = named("# ours\nold\n", "old");
    apply(host, hostname("web1"));
    CHECK(host.text("/etc/hostname") == "# ours\nweb1\n");
}

TEST_CASE("a hostname of an image is its file") {
    FakeHost image(false);
    apply(image, hostname("web1"));
    CHECK(image.text("/etc/hostname") == "web1\n");
}

TEST_CASE("a hostname that RFC 1123 does not allow is a problem") {
    for (const char* name :
         {"web_1", "-web", "web-", "a..b", "", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"})
        CHECK_FALSE(plan_for(named("old\n", "old"), hostname(name)).problems.ok());
}
