// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <chaos/named.hpp>

#include "../../src/engine/beside.hpp"

using namespace chaos;

TEST_CASE("a file's name stands in a message as it is, and as ls writes it where it would break the line") {
    CHECK(named("/srv/a b's ü") == "/srv/a b's ü");
    CHECK(quoted_name("/srv/a") == "'/srv/a'");
    CHECK(named("a\nb") == "'a'$'\\n''b'");
    CHECK(quoted_name("a\nb") == "'a'$'\\n''b'");
    CHECK(named("it's\n") == "'it'\\''s'$'\\n'");
    CHECK(named("\x1b[2J\t\xff") == "''$'\\033''[2J'$'\\t\\377'");
    CHECK(named("").empty());
}

TEST_CASE("a file beside a manifest is told by its name so") {
    const auto told = [](const auto& read) {
        try {
            read();
        } catch (const Error& error) {
            return std::string(error.what());
        }
        return std::string("nothing was thrown");
    };
    CHECK(told([] { beside::read("/proc/a\nb", 1); }) == "can not read '/proc/a'$'\\n''b': No such file or directory");
    CHECK(told([] { beside::read_stream("/proc/a\nb", 1); }) ==
          "can not read '/proc/a'$'\\n''b': No such file or directory");
    CHECK(told([] { beside::real_path("/proc/a\nb"); }) ==
          "can not read '/proc/a'$'\\n''b': No such file or directory");
    CHECK(told([] { beside::read("/proc", 1); }) == "'/proc' is a directory, not a regular file");
}
