// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <chaos/gitops/drifting.hpp>

using namespace chaos::gitops;

TEST_CASE("what drifts again and again is left for a while, and its like is not") {
    Drifting drifting;
    CHECK_FALSE(drifting.repaired("file:/etc/motd", 1000));
    CHECK_FALSE(drifting.repaired("file:/etc/motd", 1100));
    CHECK_FALSE(drifting.repaired("file:/etc/other", 1150));
    CHECK(drifting.left(1150).empty());
    CHECK(drifting.repaired("file:/etc/motd", 1200));
    REQUIRE(drifting.left(1200).size() == 1);
    CHECK(drifting.left(1200)[0].id == "file:/etc/motd");
    CHECK(drifting.left(1200)[0].times == 3);
    CHECK(drifting.left(1200)[0].until == 1200 + Drifting::left_s);
    CHECK(drifting.left(1200 + Drifting::left_s).empty());
    CHECK(drifting.left(1100).empty());  // the clock was set back
}

TEST_CASE("what drifts now and then is put right for ever") {
    Drifting drifting;
    for (std::int64_t now = 1000; now < 100'000; now += Drifting::within_s / 2 + 1)
        CHECK_FALSE(drifting.repaired("service:nginx", now));
    CHECK(drifting.text().size() < 100);
}

TEST_CASE("what drifts is remembered as text, whatever its name, and what is no such text is nothing") {
    Drifting drifting;
    for (int i = 0; i < 3; ++i) drifting.repaired("exec:3 4 times", 1000);
    drifting.repaired("file:/etc/motd", 1000);
    const Drifting again = Drifting::read(drifting.text());
    CHECK(again.text() == drifting.text());
    REQUIRE(again.left(1000).size() == 1);
    CHECK(again.left(1000)[0].times == 3);
    CHECK(Drifting::read("nonsense\n\n12\n 5 \n").left(5).empty());
}

TEST_CASE("runs that nobody asked for are a few at once, then one now and then") {
    Rate rate;
    for (int i = 0; i < Rate::burst; ++i) {
        CHECK(rate.wait_ms(1000) == 0);
        rate.acted(1000);
    }
    CHECK(rate.wait_ms(1000) == Rate::burst * Rate::each_ms);
    CHECK(rate.wait_ms(1000 + Rate::burst * Rate::each_ms) == 0);
}
