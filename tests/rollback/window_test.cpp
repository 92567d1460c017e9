// SPDX-License-Identifier: Apache-2.0
// The time in which a run may be confirmed: told by the clock that nobody sets, and kept over boots.
#include <doctest/doctest.h>

#include <chaos/confirm.hpp>

#include "rollback/expiry.hpp"
#include "rollback/store.hpp"
#include "rollback/store_schema.hpp"
#include "scratch.hpp"

using namespace chaos;
using namespace chaos::rollback;

namespace {

constexpr std::int64_t second = 1'000'000'000, minute = 60 * second, year = 365LL * 86400 * second;

Window fresh(std::int64_t seconds) {
    Window window;
    window.seconds = seconds;
    return window_from_now(window, seconds * second);
}

std::int64_t committed_run(Store& store, const Window* window) {
    Store::Batch batch(store);
    RunRecord record;
    record.verb = "apply", record.site = "s";
    const std::int64_t run = batch.add_run(record);
    if (window) {
        Window mine = *window;
        mine.run = run;
        batch.set_window(mine);
    }
    batch.set_run(run, RunState::committed, "", 1, 1);
    batch.commit();
    return run;
}

}  // namespace

TEST_CASE("A window of this boot is told by the clock that nobody sets") {
    Window window = fresh(600);
    CHECK(window.left_ns() > 9 * minute);
    CHECK(window.left_ns() <= 10 * minute);
    window.until_real -= year;
    CHECK(window.left_ns() > 9 * minute);
    window.until_real += 2 * year;
    CHECK(window.left_ns() <= 10 * minute);
    window.until -= 11 * minute;
    CHECK(window.left_ns() == 0);
}

TEST_CASE("After a reboot what is left goes on, never longer than the whole, and once") {
    Window window = fresh(600);
    window.life = "another";
    window.until = 1;
    CHECK(window.left_ns() > 9 * minute);
    window.until_real += year;  // the clock was set back meanwhile
    CHECK(window.left_ns() == 10 * minute);
    window.until_real -= 2 * year;
    CHECK(window.left_ns() == 0);
    window.until_real += year;
    window.lives = 1;
    CHECK(window.left_ns() == 0);
}

TEST_CASE("A run waits from its end on, until it is confirmed or taken back") {
    const Scratch scratch;
    Store store(scratch.path() + "/state", Store::Access::change);
    const Window window = fresh(60);
    const std::int64_t plain = committed_run(store, nullptr);
    CHECK_FALSE(store.window());
    const std::int64_t run = committed_run(store, &window);
    REQUIRE(store.window());
    CHECK(store.window()->run == run);
    CHECK(store.window()->seconds == 60);
    CHECK(store.window()->life == life_of_host());
    CHECK(store.window()->until == window.until);
    {
        Store::Batch batch(store);
        batch.close_windows({plain, run}, true);
        batch.commit();
    }
    CHECK_FALSE(store.window());
}

TEST_CASE("A run that was undone waits for nothing") {
    const Scratch scratch;
    Store store(scratch.path() + "/state", Store::Access::change);
    const Window window = fresh(60);
    const std::int64_t run = committed_run(store, &window);
    {
        Store::Batch batch(store);
        batch.set_run(run, RunState::undone, "it failed", 1, 0);
        batch.commit();
    }
    CHECK_FALSE(store.window());
}

TEST_CASE("A store in which a run waits is not made a newer one") {
    const Scratch scratch;
    const std::string state = scratch.path() + "/state";
    const Window window = fresh(60);
    {
        Store store(state, Store::Access::change);
        committed_run(store, &window);
    }
    Database database(state + "/store.db");
    database.allow_changes(Database::Journal::log);
    CHECK_THROWS_WITH_AS(refuse_while_one_waits(database), doctest::Contains("waits to be confirmed"), Busy);
    database.run("UPDATE windows SET state = 'confirmed'");
    CHECK_NOTHROW(refuse_while_one_waits(database));
}
