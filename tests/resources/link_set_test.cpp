// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <algorithm>

#include "support/small_run.hpp"

using namespace chaos;
using namespace chaos::test;

namespace {

Value text(const char* words) {
    return Value(std::string(words));
}

Catalog dots(bool absent = false) {
    const Value one(Value::Map{{text("from"), text("bashrc")}, {text("to"), text(".bashrc")}});
    return {declare("link_set",
                    attributes({{"tree", "/srv/dots"}, {"base", "/home/eve"}, {"links", Value(Value::List{one})}}),
                    absent)};
}

FakeHost home() {
    FakeHost host;
    host.put_file("/srv/dots/bashrc", "ours");
    host.put_file("/home/eve/.bashrc", "old");
    return host;
}

/// As a later run has it: what the record of the run before tells is in the wish.
Catalog recalled(Catalog catalog, const SmallRun& before) {
    catalog[0].wanted = before.goal[0];
    return catalog;
}

}  // namespace

TEST_CASE("what lay in the way of a link has its name again when the link is to be absent") {
    FakeHost host = home();
    const auto before = host.dump();
    const auto run = apply(host, dots());
    CHECK(host.text("/home/eve/.bashrc.bak") == "old");
    apply(host, recalled(dots(true), run));
    CHECK(host.dump() == before);
}

TEST_CASE("what lay in the way of a link has its name again when the link leaves the manifest") {
    FakeHost host = home();
    const auto before = host.dump();
    const auto run = apply(host, dots());
    Catalog left = dots(true);
    left[0].leaving = true;
    left[0].recorded = run.goal[0];
    apply(host, left);
    CHECK(host.dump() == before);
}

TEST_CASE("a .bak that no run of ours made is not taken for what lay in the way") {
    FakeHost host = home();
    host.erase("/home/eve/.bashrc");
    host.put_file("/home/eve/.bashrc.bak", "eve's own");
    const auto before = host.dump();
    const auto run = apply(host, dots());
    apply(host, recalled(dots(true), run));
    CHECK(host.dump() == before);
}

TEST_CASE("a file that took the place of a link stays, and so does what was kept for it") {
    FakeHost host = home();
    const auto run = apply(host, dots());
    host.erase("/home/eve/.bashrc");
    host.put_file("/home/eve/.bashrc", "new");
    apply(host, recalled(dots(true), run));
    CHECK(host.text("/home/eve/.bashrc") == "new");
    CHECK(host.text("/home/eve/.bashrc.bak") == "old");
}

TEST_CASE("what came into the way of a link later is kept beside, and what was there first comes back") {
    FakeHost host = home();
    const auto first = apply(host, dots());
    host.erase("/home/eve/.bashrc");
    host.put_file("/home/eve/.bashrc", "new");
    const auto second = apply(host, recalled(dots(), first));
    CHECK(host.text("/home/eve/.bashrc.bak.1") == "new");
    apply(host, recalled(dots(true), second));
    CHECK(host.text("/home/eve/.bashrc") == "old");
    CHECK(host.text("/home/eve/.bashrc.bak.1") == "new");
    CHECK_FALSE(host.look("/home/eve/.bashrc.bak"));
}
