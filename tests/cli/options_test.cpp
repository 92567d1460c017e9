// SPDX-License-Identifier: Apache-2.0
#include "cli/options.hpp"

#include <doctest/doctest.h>

#include "cli/commands.hpp"

using namespace chaos;
using namespace chaos::cli;

namespace {

/// What a command line is refused with: "message | hint"; empty where it is taken.
std::string refusal(const std::vector<std::string>& words) {
    try {
        choose(parse_options(words));
    } catch (const Usage& error) {
        return error.what() + (error.hint.empty() ? "" : " | " + error.hint);
    }
    return {};
}

}  // namespace

TEST_CASE("options come before and after the command, and may repeat where that has a meaning") {
    const Options options =
        parse_options({"--root", "/srv/image", "apply", "a.yml", "--only", "web", "b.yml", "--only=db", "-y", "-j4",
                       "--var", "port=80=8080", "--on-failure", "continue", "--no-prune"});
    CHECK(options.command == "apply");
    CHECK(options.arguments == std::vector<std::string>{"a.yml", "b.yml"});
    CHECK(options.root == "/srv/image");
    CHECK(options.only == std::vector<std::string>{"web", "db"});
    CHECK(options.yes);
    CHECK(options.jobs == 4);
    CHECK(options.vars == std::vector<std::pair<std::string, std::string>>{{"port", "80=8080"}});
    CHECK(options.on_failure == OnFailure::go_on);
    CHECK_FALSE(options.prune);
    CHECK(refusal({"apply", "a.yml"}).empty());
}

TEST_CASE("an option is on for its command and off for the next") {
    CHECK_FALSE(parse_options({"plan", "a.yml"}).yes);
    CHECK(parse_options({"plan", "a.yml"}).prune);
    CHECK(parse_options({}).command.empty());
}

TEST_CASE("a typing mistake in a command or an option is answered with what was meant") {
    CHECK(refusal({"aply", "a.yml"}) == "unknown command 'aply' | did you mean chaos apply?");
    CHECK(refusal({"rolback"}) == "unknown command 'rolback' | did you mean chaos rollback?");
    CHECK(refusal({"xyzzy"}) == "unknown command 'xyzzy' | chaos help");
    CHECK(refusal({"plan", "a.yml", "--jsno"}) == "unknown option '--jsno' | did you mean --json?");
    CHECK(refusal({"plan", "a.yml", "--removal"}) == "unknown option '--removal' | did you mean --removals?");
}

TEST_CASE("an option is never guessed from its beginning") {
    CHECK_FALSE(refusal({"plan", "a.yml", "--js"}).empty());
}

TEST_CASE("a command refuses what it does not take") {
    CHECK(refusal({"version", "--yes"}) == "chaos version does not take --yes | chaos version --help");
    CHECK(refusal({"plan"}) == "chaos plan needs MANIFEST... | chaos plan --help");
    CHECK(refusal({"show", "1", "2"}) == "chaos show takes one argument, found '2' as well | chaos show --help");
    CHECK(refusal({"recover", "now"}) == "chaos recover takes no argument, found 'now' as well | chaos recover --help");
}

TEST_CASE("a value that an option can not have is refused with what it can") {
    CHECK(refusal({"plan", "a.yml", "--jobs", "0"}) == "--jobs: expected a number from 1 to 1024, found '0'");
    CHECK(refusal({"plan", "a.yml", "--jobs", "4x"}) == "--jobs: expected a number from 1 to 1024, found '4x'");
    CHECK(refusal({"apply", "a.yml", "--on-failure", "explode"}) ==
          "--on-failure: expected undo, stop or continue, found 'explode'");
    CHECK(refusal({"plan", "a.yml", "--var", "=x"}) == "--var: expected NAME=VALUE, found '=x'");
    CHECK(refusal({"plan", "a.yml", "--root", "/a", "--root", "/b"}) == "--root is given twice");
    CHECK_FALSE(refusal({"plan", "a.yml", "--root"}).empty());
    CHECK_FALSE(refusal({"plan", "a.yml", "--json=yes"}).empty());
}

TEST_CASE("a command line can not put control characters on the terminal") {
    CHECK(refusal({"\x1b[31m"}).find('\x1b') == std::string::npos);
    CHECK(refusal({"plan", "--\x1b[31m"}).find('\x1b') == std::string::npos);
}
