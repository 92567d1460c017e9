// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chaos/journal.hpp>
#include <chaos/root_host.hpp>
#include <chaos/witness.hpp>
#include <functional>

#include "scratch.hpp"
#include "support/fake_host.hpp"

using namespace chaos;

namespace {

/// Until what is written now is of another tick of the file system's clock than this file.
void pass_a_tick(const Scratch& place, const std::string& name) {
    struct stat before {
    }, now{};
    ::stat((place.path() + "/" + name).c_str(), &before);
    do {
        place.file("tick", "");
        ::stat((place.path() + "/tick").c_str(), &now);
    } while (now.st_ctim.tv_sec == before.st_ctim.tv_sec && now.st_ctim.tv_nsec == before.st_ctim.tv_nsec);
    ::unlink((place.path() + "/tick").c_str());
}

/// What was seen of a root by somebody who did this, read back from its text.
Sight seen(const Host& host, const std::function<void(const Host&)>& look) {
    const Witness witness(host);
    look(witness);
    return read_sight(to_text(witness.sight()));
}

}  // namespace

TEST_CASE("a witness tells what of all that was looked at is another, and nothing else") {
    Scratch place;
    place.file("file", "one"), place.file("other", "one"), place.directory("dir");
    place.file("dir/a", "a");
    const RootHost host(place.path());
    const Sight sight = seen(host, [](const Host& to) {
        std::string text;
        to.look("/file", &text);
        CHECK(text == "one");
        to.look("/none");
        to.look("/dir");
        to.content("/dir/a");
    });
    CHECK(sight.costly.empty());
    CHECK(moved(sight, host) == std::nullopt);
    place.file("other", "two");
    place.file("dir/b", "b");  // the directory was looked at, not what lies in it
    CHECK(moved(sight, host) == std::nullopt);
    place.file("none", "");
    CHECK(moved(sight, host) == "/none");
    ::unlink((place.path() + "/none").c_str());
    CHECK(moved(sight, host) == std::nullopt);
    ::chmod((place.path() + "/dir").c_str(), 0700);
    CHECK(moved(sight, host) == "/dir");
    ::chmod((place.path() + "/dir").c_str(), 0755);
    pass_a_tick(place, "file");
    place.file("file", "two");
    CHECK(moved(sight, host) == "/file");
}

TEST_CASE("a witness of a directory's names is told of each that comes or goes") {
    Scratch place;
    place.directory("dir");
    place.file("dir/a", "a");
    const RootHost host(place.path());
    const Sight sight = seen(host, [](const Host& to) { CHECK(to.list("/dir").size() == 1); });
    CHECK(moved(sight, host) == std::nullopt);
    place.file("dir/b", "b");
    CHECK(moved(sight, host) == "/dir");
    const Sight none = seen(host, [](const Host& to) { CHECK(to.list("/none").empty()); });
    CHECK(moved(none, host) == std::nullopt);
    place.directory("none");
    CHECK(moved(none, host) == std::nullopt);  // an empty one is as none
    place.file("none/a", "a");
    CHECK(moved(none, host) == "/none");
}

TEST_CASE("a witness says what can not be told cheaply: commands, and what changes by itself") {
    Scratch place;
    const RootHost host("/");
    const Sight sight = seen(host, [](const Host& to) {
        CHECK(to.ask({{"true"}}).status == 0);
        dynamic_cast<const Attentive&>(to).heed_change("facts.free\nmemory");
    });
    CHECK(sight.costly == std::vector<std::string>{"facts.free memory", "the command true"});
}

TEST_CASE("of a unit that runs its link tells that it still does; of another the service manager is asked") {
    const std::string link = "/run/systemd/units/invocation:web.service";
    const auto asks = [](const Sight& sight) {
        return std::any_of(sight.things.begin(), sight.things.end(),
                           [](const Sight::Thing& thing) { return thing.how == Sight::How::unit; });
    };
    const auto look = [](const Host& to) {
        dynamic_cast<const Attentive&>(to).heed_unit("web.service");
        to.services().units();
    };
    test::FakeHost host;
    host.put_file("/proc/sys/kernel/random/boot_id", "1\n");
    host.put_unit("web.service", "[Service]\nExecStart=/web\n", true);
    CHECK(asks(seen(host, look)));  // a systemd that makes none
    host.put_link(link, "1234");
    const Sight runs = seen(host, look);
    CHECK_FALSE(asks(runs));
    CHECK(moved(runs, host) == std::nullopt);
    host.remove(link);
    CHECK(moved(runs, host) == link);
    host.put_link(link, "5678");
    CHECK(moved(runs, host) == link);
    host.control(UnitVerb::stop, "web.service");
    host.remove(link);
    const Sight rests = seen(host, look);
    CHECK(asks(rests));
    CHECK(moved(rests, host) == std::nullopt);
    host.control(UnitVerb::start, "web.service");
    CHECK(moved(rests, host) == "web.service");
}

TEST_CASE("what changed while it was looked at was perhaps seen half, and the witness says so") {
    Scratch place;
    const RootHost host(place.path());
    const Witness witness(host);
    place.file("file", "one");
    witness.look("/file");
    CHECK(witness.sight().fresh);
    CHECK(read_sight(to_text(witness.sight())).fresh);
}

TEST_CASE("a text that is no record of what was seen is refused") {
    CHECK_THROWS_AS(read_sight(""), Error);
    CHECK_THROWS_AS(read_sight("chaos sight 1\n"), Error);
    CHECK_THROWS_AS(read_sight("chaos sight 2\ne 00000000000000000000000000000000 /a\n"), Error);
    CHECK_THROWS_AS(read_sight("chaos sight 1\nq 00000000000000000000000000000000 /a\n"), Error);
    CHECK_THROWS_AS(read_sight("chaos sight 1\ne 0000\n"), Error);
    CHECK(read_sight("chaos sight 1\ne 00000000000000000000000000000000 /a b\n").things.at(0).name == "/a b");
}

TEST_CASE("an entry of the journal is written as journald reads it") {
    using namespace std::string_literals;
    CHECK(to_journal({{"MESSAGE", "one"}, {"CHAOS_RUN", "7"}}) == "MESSAGE=one\nCHAOS_RUN=7\n");
    CHECK(to_journal({{"MESSAGE", "a\nb"}}) == "MESSAGE\n\3\0\0\0\0\0\0\0a\nb\n"s);
}
