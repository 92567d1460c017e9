// SPDX-License-Identifier: Apache-2.0
#include "cli/run_file.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chaos/digest.hpp>
#include <chaos/error.hpp>
#include <chaos/seal.hpp>
#include <cstdlib>
#include <fstream>

#include "cli/diff.hpp"
#include "cli/options.hpp"
#include "cli/portable_value.hpp"
#include "cli/revision.hpp"

using namespace chaos;
using namespace chaos::cli;

namespace {

Value map(std::initializer_list<std::pair<const char*, Value>> entries) {
    Value::Map it;
    for (const auto& [key, value] : entries) it.push_back({Value(std::string(key)), value});
    return Value(std::move(it));
}

Value text(std::string it) {
    return Value(std::move(it));
}

Value secret(std::string it) {
    Value value(std::move(it));
    value.secret = true;
    return value;
}

RunFile some_run() {
    RunFile file;
    file.host = "web1", file.program = "chaos 0.3";
    file.run.number = 7, file.run.verb = "apply", file.run.site = "s", file.run.state = RunState::committed;
    ChangeRecord change;
    change.run = 7, change.type = "file", change.key = "/etc/motd", change.result = ChangeRecord::Result::done;
    change.after = map({{"content", text("caf\xe9")}, {"$secret", text("no mark")}, {"password", secret("hunter2")}});
    file.changes.push_back(change);
    return file;
}

std::string refusal(const std::string& written) {
    try {
        run_file_from(written);
    } catch (const Error& error) {
        return error.what();
    }
    return "it was read";
}

std::string with_digest(const std::string& body) {
    return "chaos run 1 " + hex(digest(body)) + "\n" + body;
}

}  // namespace

TEST_CASE("a run with every kind of undo is read as it was written") {
    for (const Undo undo : {Undo::exact, Undo::cached, Undo::effort, Undo::none, Undo::repacked}) {
        RunFile file = some_run();
        file.changes.front().undo = undo;
        CHECK(run_file_from(to_text(file)).changes.front().undo == undo);
    }
}

TEST_CASE("A run as a file reads back as it was, but for its secrets, which are not in it") {
    const std::string written = to_text(some_run());
    CHECK(written.find("hunter2") == std::string::npos);
    const RunFile read = run_file_from(written);
    CHECK(read.host == "web1");
    CHECK(read.run.number == 7);
    CHECK(read.run.state == RunState::committed);
    REQUIRE(read.changes.size() == 1);
    CHECK(read.changes[0].before.is_null());
    CHECK(read.changes[0].after.find("content")->text() == "caf\xe9");
    CHECK(read.changes[0].after.find("$secret")->text() == "no mark");
    CHECK(read.changes[0].after.find("password")->secret);
    CHECK(read.changes[0].after.find("password")->text() == "");
    CHECK(secrets_in(read) == 1);
}

TEST_CASE("A file that is no run, or another one than was written, is refused with the reason") {
    CHECK(refusal("").find("expected a run") == 0);
    CHECK(refusal("chaos run 1 ").find("expected a run") == 0);
    CHECK(refusal("chaos run 2 " + std::string(32, '0') + "\n{}").find("expected a run") == 0);
    std::string written = to_text(some_run());
    written[written.size() - 5] ^= 1;
    CHECK(refusal(written).find("its digest is another") != std::string::npos);
}

TEST_CASE("Whatever a run says whose digest is right, it is read or refused, and nothing else happens") {
    for (const char* body :
         {"", "null", "[]", "{}", R"({"program":"","host":"","run":{},"changes":[]})", R"({"program":[],"host":{}})",
          R"({"program":"","host":"","run":{"number":"-1"},"changes":[]})",
          R"({"program":"","host":"","run":{"number":"99999999999999999999"},"changes":[]})"})
        CHECK(refusal(with_digest(body)) != "it was read");
    CHECK(refusal(with_digest(std::string(100'000, '['))) != "it was read");
    const std::string written = to_text(some_run());
    const std::string body = written.substr(written.find('\n') + 1);
    for (std::size_t cut = 0; cut < body.size() - 1; ++cut)
        CHECK(refusal(with_digest(body.substr(0, cut))) != "it was read");
    for (const auto& [from, to] :
         std::initializer_list<std::pair<std::string, std::string>>{{"committed", "perhaps"},
                                                                    {"\"done\"", "\"well\""},
                                                                    {"$base64", "$base65"},
                                                                    {"\"undo\":\"0\"", "\"undo\":\"9\""}}) {
        std::string other = body;
        REQUIRE(other.find(from) != std::string::npos);
        other.replace(other.find(from), from.size(), to);
        CHECK(refusal(with_digest(other)) != "it was read");
    }
}

TEST_CASE("A secret that is closed with a key opens with that key alone, and is still a secret") {
    const SealKey key = SealKey::fresh(), other = SealKey::fresh();
    Value list(Value::List{text("a"), text("b\xff")});
    list.secret = true;
    const Value open = map({{"one", secret("hunter2")}, {"all", list}, {"plain", text("x")}});
    const Value closed = to_portable(open, &key);
    CHECK(to_json(closed).find("hunter2") == std::string::npos);
    const Value back = from_portable(from_json(to_json(closed)), &key);
    CHECK(back == open);
    CHECK(back.find("one")->secret);
    CHECK(back.find("all")->secret);
    CHECK_THROWS_AS(from_portable(closed, &other), Error);
}

TEST_CASE("Every line of a text that was kept is known by its number, every other one is new") {
    const auto none = std::string_view::npos;
    CHECK(lines_kept("", "a\nb\n") == std::vector<std::size_t>{none, none});
    CHECK(lines_kept("a\nb\nc\n", "a\nc\n") == std::vector<std::size_t>{0, 2});
    CHECK(lines_kept("a\nc\n", "a\nb\nc") == std::vector<std::size_t>{0, none, none});
    CHECK(lines_kept("a\nb\n", "a\nb\n") == std::vector<std::size_t>{0, 1});
    CHECK(lines_kept("a\n", "").empty());
}

TEST_CASE("Times and sizes have units, and nothing else is taken for one") {
    const auto parsed = [](std::vector<std::string> words) {
        words.insert(words.begin(), {"history", "prune"});
        return parse_options(words).retention;
    };
    CHECK(parsed({"--older-than", "90d"}).seconds == 90 * 86400);
    CHECK(parsed({"--older-than", "12h"}).seconds == 12 * 3600);
    CHECK(parsed({"--size", "1GiB"}).bytes == 1 << 30);
    CHECK(parsed({"--size", "4096"}).bytes == 4096);
    CHECK(parsed({"--keep", "3"}).keep == 3);
    CHECK(parsed({}).seconds == -1);
    for (const char* wrong : {"90", "d", "-1d", "1x", "99999999999999999999d", "9999999999w", "1 d", ""})
        CHECK_THROWS_AS(parsed({"--older-than", wrong}), Usage);
    for (const char* wrong : {"GiB", "-1", "1Gib", "99999999999TiB"}) CHECK_THROWS_AS(parsed({"--size", wrong}), Usage);
    CHECK_THROWS_AS(parsed({"--keep", "0"}), Usage);
}

TEST_CASE("The commit of a checkout is found from a file in it, wherever its name is kept") {
    char name[] = "/tmp/chaos-revision-XXXXXX";
    REQUIRE(mkdtemp(name));
    const std::string top = name, one(40, '1'), two(40, '2');
    const auto write = [&](const std::string& path, const std::string& bytes) { std::ofstream(top + path) << bytes; };
    for (const char* directory :
         {"/sub", "/.git", "/.git/refs", "/.git/refs/heads", "/.git/worktrees", "/.git/worktrees/w", "/w"})
        ::mkdir((top + directory).c_str(), 0755);
    write("/sub/site.yml", "");
    write("/w/site.yml", "");
    CHECK(revision_of(top + "/sub/site.yml") == "");
    write("/.git/HEAD", "ref: refs/heads/main\n");
    CHECK(revision_of(top + "/sub/site.yml") == "");
    write("/.git/packed-refs", "# pack-refs with: peeled\n" + two + " refs/heads/main\n");
    CHECK(revision_of(top + "/sub/site.yml") == two);
    write("/.git/refs/heads/main", one + "\n");
    CHECK(revision_of(top + "/sub/site.yml") == one);
    write("/w/.git", "gitdir: ../.git/worktrees/w\n");
    write("/.git/worktrees/w/commondir", "../..\n");
    write("/.git/worktrees/w/HEAD", "ref: refs/heads/main\n");
    CHECK(revision_of(top + "/w/site.yml") == one);
    write("/.git/HEAD", two + "\n");
    CHECK(revision_of(top + "/sub/site.yml") == two);
    write("/.git/HEAD", "ref: ../../secret\n");
    CHECK(revision_of(top + "/sub/site.yml") == "");
    CHECK(revision_of(top + "/none/site.yml") == "");
    REQUIRE(std::system(("rm -r " + top).c_str()) == 0);
}
