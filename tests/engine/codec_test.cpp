// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <chaos/schema.hpp>

using namespace chaos;

namespace {

Value text(const char* written) {
    return Value(std::string(written));
}

template <class T>
std::string refused(const char* written) {
    try {
        Codec<T>::decode(text(written));
    } catch (const Error& error) {
        return error.what();
    }
    return "accepted";
}

}  // namespace

TEST_CASE("all spellings of a mode are one mode") {
    for (const char* written : {"0644", "644", "0o644", "u=rw,go=r", "u=rw,g=r,o=r"})
        CHECK(Codec<Mode>::decode(text(written)).bits == 0644);
    CHECK(Codec<Mode>::decode(text("2755")).bits == 02755);
    CHECK(Codec<Mode>::decode(text("02755")).bits == 02755);
    CHECK(Codec<Mode>::decode(text("u=rwxs,go=rx")).bits == 04755);
    CHECK(Codec<Mode>::encode(Mode{0644}).text() == "0644");
}

TEST_CASE("a mode that is not absolute, not octal or not whole is refused") {
    for (const char* written : {"u+x", "493", "u=rw", "7", "77777", "", "-644", "rw-r--r--"}) {
        CAPTURE(written);
        CHECK(refused<Mode>(written) != "accepted");
    }
}

TEST_CASE("a duration has its unit") {
    CHECK(Codec<Seconds>::decode(text("90s")).count == 90);
    CHECK(Codec<Seconds>::decode(text("5m")).count == 300);
    CHECK(Codec<Seconds>::decode(text("2h")).count == 7200);
    CHECK(Codec<Seconds>::decode(text("1d")).count == 86400);
    CHECK(refused<Seconds>("90") == "expected a duration with its unit, found '90'");
    CHECK(refused<Seconds>("s") != "accepted");
    CHECK(refused<Seconds>("-5m") != "accepted");
}

TEST_CASE("a boolean has three spellings in any case, and 1 is none of them") {
    for (const char* written : {"true", "YES", "On"}) CHECK(Codec<bool>::decode(text(written)));
    for (const char* written : {"false", "no", "OFF"}) CHECK_FALSE(Codec<bool>::decode(text(written)));
    CHECK(refused<bool>("1") == "expected true or false, found '1'");
}

TEST_CASE("a command is split like a shell's words, without a shell") {
    CHECK(Codec<Words>::decode(text("a 'b c' d\\ e \"f \\\" g\" $HOME")).list ==
          std::vector<std::string>{"a", "b c", "d e", "f \" g", "$HOME"});
    CHECK(Codec<Words>::decode(text("''")).list == std::vector<std::string>{""});
    CHECK(refused<Words>("a 'b") == "this command has a ' that is never closed");
    CHECK(refused<Words>("  ") != "accepted");
}

TEST_CASE("members are a sorted set, and one scalar is a set of one") {
    CHECK(Codec<std::vector<std::string>>::decode(Value(Value::List{text("b"), text("a"), text("b")})) ==
          std::vector<std::string>{"a", "b"});
    CHECK(Codec<std::vector<std::string>>::decode(text("a")) == std::vector<std::string>{"a"});
}

TEST_CASE("a path is made clean, and one that climbs is refused") {
    CHECK(schema::clean_path("/etc//x/./y/") == "/etc/x/y");
    CHECK(schema::clean_path("/") == "/");
    CHECK_THROWS_AS(schema::clean_path("/etc/../x"), Error);
    CHECK_THROWS_AS(schema::clean_path("etc/x"), Error);
}

TEST_CASE("a content by reference comes back from a store, but a manifest can not write one") {
    const Content content("/srv/objects/x", 5'000'000, digest("x"));
    Value kept = Codec<Content>::encode(content);
    CHECK(Codec<Content>::decode(kept) == content);
    kept.where = {1, 1, 0};
    CHECK_THROWS_AS(Codec<Content>::decode(kept), Error);
}
