// SPDX-License-Identifier: Apache-2.0
// What must answer before a run counts, and what must be confirmed, as a manifest says it.
#include <doctest/doctest.h>

#include <chaos/confirm.hpp>

#include "site_kinds.hpp"

using namespace chaos;
using namespace chaos::test;

namespace {

std::string asked(const Reading& reading) {
    std::string text;
    for (const Check& check : reading.site.checks)
        text += to_text(check) + ": " + wish_of(check) + ", within " + std::to_string(check.within_s) + " s\n";
    return text;
}

std::string mistake_in_url(const std::string& url) {
    try {
        parse_url(url);
        return "none";
    } catch (const Error& error) {
        return error.what();
    }
}

}  // namespace

TEST_CASE("checks say what is asked, what is expected and for how long") {
    const auto reading = read_text(
        "vars: {port: 8080}\n"
        "checks:\n"
        "  - {http: 'http://localhost:{{ vars.port }}/x', expect: [200, 204], within: 1m, timeout: 3s}\n"
        "  - {http: 'https://a', contains: well}\n"
        "  - tcp: 22\n"
        "  - {tcp: '[::1]:22', doc: who comes}\n"
        "  - unit: nginx\n"
        "  - unit: a.timer\n"
        "  - {file: /run//a/, contains: x}\n"
        "  - {command: test -e '/a b', user: eve}\n"
        "  - {tcp: 'a:1', when: vars.port == 1}\n");
    CHECK(reading.errors() == "");
    CHECK(asked(reading) ==
          "http http://localhost:8080/x: an answer with status 200 or 204, within 60 s\n"
          "http https://a: an answer with a status from 200 to 299, with 'well' in it, within 30 s\n"
          "tcp 22: that a connection is taken, within 30 s\n"
          "tcp [::1]:22: that a connection is taken, within 30 s\n"
          "unit nginx.service: that it is active, within 30 s\n"
          "unit a.timer: that it is active, within 30 s\n"
          "file /run/a: that it is there, with 'x' in it, within 30 s\n"
          "command test -e /a b: that it ends with status 0, within 30 s\n");
    const auto& checks = reading.site.checks;
    CHECK(checks[0].timeout_s == 3);
    CHECK(checks[3].doc == "who comes");
    CHECK(checks[3].where == Place{6, 6, 0});
    CHECK(checks[7].argv == std::vector<std::string>{"test", "-e", "/a b"});
    CHECK(checks[7].user == "eve");
}

TEST_CASE("checks of layers and modules add up, and what two say alike is asked once") {
    const auto reading =
        read_files({{"site.yml",
                     "include: [base.yml]\nuse: [{module: web, with: {port: 80}}]\n"
                     "checks: [{tcp: 'a:1'}, {tcp: 'a:2'}]\n"},
                    {"base.yml", "checks: [{tcp: 'a:1'}]\n"},
                    {"modules/web.yml", "params: {port: {type: port}}\nchecks: [{tcp: 'w:{{ params.port }}'}]\n"}});
    CHECK(reading.errors() == "");
    std::string subjects;
    for (const Check& check : reading.site.checks) subjects += check.subject + " ";
    CHECK(subjects == "w:80 a:1 a:2 ");
}

TEST_CASE("confirm is yes or no, or a time, on an entry, a block or the site; the higher layer decides") {
    const auto reading = read_files({{"site.yml",
                                      "include: [base.yml]\nconfirm: 10m\n"
                                      "files: {/a: {content: x, confirm: yes}, /b: {content: x, confirm: no},\n"
                                      "        /c: {content: x, confirm: 90s}, /d: x, /e: {confirm: null}}\n"
                                      "blocks: [{confirm: 1h, files: {/f: x}}]\n"},
                                     {"base.yml", "confirm: no\nfiles: {/e: {content: x, confirm: yes}}\n"}});
    CHECK(reading.errors() == "");
    CHECK(reading.site.confirm == 600);
    CHECK(reading["file:/a"].confirm == standard_window_s);
    CHECK(reading["file:/b"].confirm == 0);
    CHECK(reading["file:/c"].confirm == 90);
    CHECK_FALSE(reading["file:/d"].confirm);
    CHECK_FALSE(reading["file:/e"].confirm);
    CHECK(reading["file:/f"].confirm == 3600);
}

TEST_CASE("a URL is taken apart, and what can not be asked is refused") {
    const Url url = parse_url("http://[2001:db8::1]:8080/a?b=c#d");
    CHECK(url.scheme == "http");
    CHECK(url.host == "2001:db8::1");
    CHECK(url.port == "8080");
    CHECK(url.target == "/a?b=c");
    CHECK(parse_url("https://a").port == "443");
    CHECK(parse_url("http://a?x").target == "/?x");
    CHECK(mistake_in_url("file:///etc/passwd") ==
          "expected a URL that begins with http:// or https://, found 'file:///etc/passwd'");
    CHECK(mistake_in_url("http://a/\r\nX: y") == "a URL has no blanks and no control characters");
    CHECK(mistake_in_url("http://me:secret@a/") ==
          "a name and a password in a URL are not understood: they would be shown");
    CHECK(mistake_in_url("http://[::1") == "expected [ADDRESS]:PORT, found '[::1'");
    CHECK(mistake_in_url("http://a:0/") == "expected a port, 1 to 65535, found '0'");
}
