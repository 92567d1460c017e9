// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <chaos/named.hpp>

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
