// SPDX-License-Identifier: Apache-2.0
#include "cli/help.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include "cli/commands.hpp"
#include "cli/completion.hpp"

using namespace chaos::cli;

namespace {

/// All --words of a text.
std::set<std::string> options_in(std::string_view text) {
    std::set<std::string> found;
    for (std::size_t at = 0; (at = text.find("--", at)) != text.npos;) {
        at += 2;
        const std::size_t end = std::min(text.find_first_not_of("abcdefghijklmnopqrstuvwxyz-", at), text.size());
        if (end > at) found.emplace(text.substr(at, end - at));
        at = end;
    }
    return found;
}

/// The part of a help text that lists its options.
std::string_view option_part(std::string_view text) {
    return text.substr(std::min(text.find("## Options"), text.size()));
}

}  // namespace

TEST_CASE("every command has a help text that begins with its name and a summary") {
    for (const Command& command : commands()) {
        CAPTURE(command.name);
        const std::string_view text = help_text(command.name);
        CHECK(text.starts_with("# chaos " + std::string(command.name) + "\n\n"));
        CHECK(summary_of(text).ends_with("."));
        CHECK(text.find("\n    chaos " + std::string(command.name)) != text.npos);
    }
    CHECK(help_text("no such command").empty());
}

TEST_CASE("help texts list every option that the parser takes, and no other") {
    for (const Command& command : commands()) {
        CAPTURE(command.name);
        std::set<std::string> taken;
        for (const OptionSpec& option : option_table())
            if (takes(command, option.name)) taken.emplace(option.name);
        CHECK(options_in(option_part(help_text(command.name))) == taken);
    }
}

TEST_CASE("no help text speaks of an option that does not exist") {
    std::set<std::string> known;
    for (const OptionSpec& option : option_table()) known.emplace(option.name);
    for (const Command& command : commands()) {
        CAPTURE(command.name);
        for (const std::string& option : options_in(help_text(command.name))) {
            CAPTURE(option);
            CHECK(known.contains(option));
        }
    }
}

TEST_CASE("every option is of some command") {
    for (const OptionSpec& option : option_table()) {
        CAPTURE(option.name);
        CHECK(
            std::any_of(commands().begin(), commands().end(), [&](const Command& c) { return takes(c, option.name); }));
    }
}

TEST_CASE("markdown is shown as plain text, its code untouched") {
    const std::string_view text = "# Title\n\nSome `code` and **strong** words, 2 * 3.\n\n    a `b` **c**\n";
    CHECK(render_markdown(text, Style(false)) == "Title\n\nSome code and strong words, 2 * 3.\n\n    a `b` **c**\n");
    CHECK(render_markdown(text, Style(true)).find("\x1b[1mTitle\x1b[0m") != std::string::npos);
}

TEST_CASE("a man page has its name, its sections, and no line that troff would take for a request") {
    const std::string page = man_page(
        "plan", "# chaos plan\n\nShows it.\n\n    chaos plan\n\n.hidden `x`\n\n## Options\n\n- `--json`: all.\n");
    CHECK(page.find(".SH NAME\nchaos\\-plan \\- Shows it.\n") != std::string::npos);
    CHECK(page.starts_with(".TH CHAOS\\-PLAN 1 "));
    CHECK(page.find(".SH SYNOPSIS\n.EX\nchaos plan\n.EE\n.SH DESCRIPTION\n") != std::string::npos);
    CHECK(page.find(".SH OPTIONS\n.IP") != std::string::npos);
    CHECK(page.find("\\&.hidden \\fBx\\fR\n") != std::string::npos);
    CHECK(page.find(".IP \\(bu 2\n\\fB\\-\\-json\\fR: all.\n") != std::string::npos);
}

TEST_CASE("completions know every command and every option of it") {
    for (const char* shell : {"bash", "zsh", "fish"}) {
        const std::string text = completion(shell);
        for (const Command& command : commands()) {
            CAPTURE(command.name);
            CHECK(text.find(command.name) != std::string::npos);
        }
        for (const OptionSpec& option : option_table()) CHECK(text.find(option.name) != std::string::npos);
    }
    CHECK_THROWS_AS(completion("csh"), Usage);
}
