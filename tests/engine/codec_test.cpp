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

TEST_CASE("a size has its unit, and is kept in the largest that fits") {
    const auto kept = [](const char* written) {
        return Codec<Size>::encode(Codec<Size>::decode(text(written))).text();
    };
    CHECK(Codec<Size>::decode(text("2GiB")).bytes == std::uint64_t{1} << 31);
    CHECK(kept("2048MiB") == "2GiB");
    CHECK(kept("46GB") == "46GB");
    CHECK(kept("1025B") == "1025B");
    CHECK(kept("0B") == "0B");
    for (const char* written : {"512", "64M", "1.5GiB", "-1B", "GiB", "", "99999999999TiB", "4gib", "64x"}) {
        CAPTURE(written);
        CHECK(refused<Size>(written) == "expected a size with its unit, found '" + std::string(written) + "'");
    }
}

TEST_CASE("a port is from 1 to 65535") {
    CHECK(Codec<Port>::decode(text("8080")).number == 8080);
    for (const char* written : {"0", "65536", "-1", "http", "80 "}) CHECK(refused<Port>(written) != "accepted");
}

TEST_CASE("an address has one spelling, and a network no bit of a host") {
    CHECK(Codec<Address>::decode(text("2001:DB8:0:0::1")).text == "2001:db8::1");
    CHECK(Codec<Address>::decode(text("192.0.2.1")).text == "192.0.2.1");
    for (const char* written : {"192.0.2", "192.0.2.256", "::1/64", "host", ""})
        CHECK(refused<Address>(written) != "accepted");
    CHECK(Codec<Cidr>::decode(text("10.0.0.0/8")).text == "10.0.0.0/8");
    CHECK(Codec<Cidr>::decode(text("2001:DB8::/32")).text == "2001:db8::/32");
    CHECK(Codec<Cidr>::decode(text("0.0.0.0/0")).text == "0.0.0.0/0");
    for (const char* written : {"10.0.0.1/8", "10.0.0.0", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/x", "/8", "a/8"})
        CHECK(refused<Cidr>(written) != "accepted");
}

TEST_CASE("a path of a manifest is absolute and clean, and one that was kept is taken as it is") {
    Value written = text("/srv//www/");
    CHECK(Codec<Path>::decode(written).text == "/srv//www/");
    written.where.line = 1;
    CHECK(bool(written.where));
    CHECK(Codec<Path>::decode(written).text == "/srv/www");
    written.data = std::string("srv");
    CHECK_THROWS_AS(Codec<Path>::decode(written), Error);
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
