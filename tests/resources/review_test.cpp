// SPDX-License-Identifier: Apache-2.0
// What no host could be is a mistake of the manifest: found where it is checked, before anything is looked at.
#include <doctest/doctest.h>

#include <chaos/reviews_written.hpp>
#include <string>

#include "support/small_run.hpp"

using namespace chaos;
using namespace chaos::test;

namespace {

/// The problems of one resource as it was written, a line each.
std::string said_of(std::string_view kind, std::initializer_list<Said> list, bool absent = false) {
    const Resource resource = declare(kind, attributes(list), absent);
    Diagnostics problems;
    resource.type->review(resource, problems);
    if (const auto* more = dynamic_cast<const ReviewsWritten*>(resource.type))
        more->review_written(resource, attributes(list), problems);
    std::string said;
    for (const Error& error : problems.errors()) {
        CHECK(error.where.line == 1);
        CHECK_FALSE(error.hint.empty());
        said += said.empty() ? "" : "\n";
        said += error.what();
    }
    return said;
}

bool has(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

Value list_of(std::initializer_list<const char*> items) {
    Value::List list;
    for (const char* item : items) list.emplace_back(std::string(item));
    return Value(std::move(list));
}

}  // namespace

TEST_CASE("a user that no /etc/passwd could have is a mistake of the manifest") {
    const auto user = [](const char* name, Value value) {
        return said_of("user", {{"name", "ann"}, {name, std::move(value)}});
    };
    CHECK(user("uid", std::string("-5")) == "expected a uid from 0 to 4294967294, found -5");
    CHECK(user("uid", std::string("4294967295")) == "expected a uid from 0 to 4294967294, found 4294967295");
    for (const char* name : {"comment", "home", "password", "shell"})
        for (const char* text : {"/a:b", "/a\nb"})
            CHECK(has(user(name, std::string(text)), "no colon and no line end"));
    CHECK(user("home", std::string("ann")) == "expected an absolute path as home");
    CHECK(has(user("shell", std::string("./sh")), "found './sh'"));
    CHECK(has(user("shell", std::string()), "expected a shell"));
    CHECK(has(user("groups", list_of({"adm,video"})), "found 'adm,video'"));
    CHECK(has(user("group", std::string("-g")), "found '-g'"));
    CHECK(said_of("user", {{"name", "ann"}, {"uid", "0"}, {"shell", "zsh"}, {"home", "/"}, {"comment", "Ann B, x"}})
              .empty());
}

TEST_CASE("a group that no /etc/group could have is a mistake of the manifest") {
    CHECK(has(said_of("group", {{"name", "g"}, {"gid", "-1"}}), "expected a gid"));
    CHECK(has(said_of("group", {{"name", "g"}, {"members", list_of({"a,b"})}}), "found 'a,b'"));
    CHECK(said_of("group", {{"name", "g"}, {"gid", "7"}, {"members", list_of({"a", "ann.b@example.org"})}}).empty());
}

TEST_CASE("a service that is masked can be neither enabled nor running, where that is said") {
    const auto service = [](const char* name, const char* value, const char* masked = "true") {
        return said_of("service", {{"name", "x"}, {"masked", masked}, {name, value}});
    };
    CHECK(service("running", "true") == "x is to be running and masked: nothing starts what is masked");
    CHECK(service("enabled", "true") == "x is to be enabled and masked: nothing starts what is masked");
    CHECK(service("running", "false").empty());
    CHECK(service("enabled", "true", "false").empty());
    CHECK(said_of("service", {{"name", "x"}, {"masked", "true"}}).empty());
}

TEST_CASE("an owner that no account could be is a mistake of the manifest") {
    for (const char* kind : {"file", "directory"}) {
        for (const char* name : {"", "-1", "a\nb", "a:b", "4294967295", "99999999999"}) {
            CAPTURE(name);
            CHECK(has(said_of(kind, {{"path", "/a"}, {"owner", name}}), "as owner"));
            CHECK(has(said_of(kind, {{"path", "/a"}, {"group", name}}), "as group"));
        }
        CHECK(said_of(kind, {{"path", "/a"}, {"owner", "4294967294"}, {"group", "EXAMPLE\\domain users"}}).empty());
    }
}

TEST_CASE("a link that can lead nowhere, and a file that wishes to be one, are mistakes of the manifest") {
    CHECK(has(said_of("link", {{"path", "/a"}, {"to", ""}}), "its target is empty"));
    CHECK(has(said_of("link", {{"path", "/a"}, {"to", std::string(5000, 'x')}}), "more than 4095 bytes"));
    CHECK(has(said_of("link", {{"path", "/a"}, {"to", std::string("a\0b", 3)}}), "zero byte"));
    CHECK(said_of("link", {{"path", "/a"}, {"to", "../b"}}).empty());
    CHECK(has(said_of("file", {{"path", "/a"}, {"link", "/x"}}), "a file is no link"));
}

TEST_CASE("a path that no file system takes is a mistake of the manifest") {
    CHECK_THROWS_WITH(said_of("file", {{"path", ("/" + std::string(256, 'n')).c_str()}}),
                      "a name in a path has 255 bytes at most, and this one has 256");
    std::string path;
    while (path.size() <= 4095) path += "/directory";
    CHECK_THROWS_WITH(said_of("file", {{"path", path.c_str()}}),
                      "a path has 4095 bytes at most, and this one has 4100");
}

TEST_CASE("a setting of the host that can not be is a mistake of the manifest") {
    CHECK(has(said_of("hostname", {{"name", "-web"}}), "can not be a host's name"));
    CHECK(has(said_of("hostname", {{"name", "web"}, {"at_boot", "a b"}}), "'a b' can not be"));
    CHECK(said_of("hostname", {{"name", "web"}, {"at_boot", "false"}}).empty());
    CHECK(has(said_of("timezone", {{"name", "../../etc/passwd"}}), "can not be a time zone"));
    CHECK(has(said_of("timezone", {{"name", "Etc/UTC"}, {"in_file", "a\nb"}}), "can not be a time zone"));
    CHECK(said_of("timezone", {{"name", "Etc/GMT+5"}}).empty());
    CHECK(has(said_of("sysctl", {{"key", "a.b"}, {"value", "1\nkernel.panic = 1"}}), "expected one line"));
    CHECK(has(said_of("sysctl", {{"key", "a.b"}, {"value", "1"}, {"at_boot", "1\n2"}}), "expected one line"));
    CHECK(has(said_of("sysctl", {{"key", "a.b"}, {"value", " "}}), "needs a value"));
    CHECK(said_of("sysctl", {{"key", "a.b"}, {"value", "1\t2 3\n"}, {"at_boot", "false"}}).empty());
}

TEST_CASE("an exec that could never run is a mistake of the manifest") {
    const auto exec = [](const char* name, Value value) {
        return said_of("exec", {{"name", "x"}, {"command", "make"}, {"unless", "true"}, {name, std::move(value)}});
    };
    CHECK(has(exec("timeout", std::string("0s")), "no time to run"));
    CHECK(has(exec("env", Value(Value::Map{{std::string("A=B"), std::string("c")}})), "'A=B' can not be a variable"));
    CHECK(exec("env", Value(Value::Map{{std::string("A"), std::string("b=c")}})).empty());
}
