// SPDX-License-Identifier: Apache-2.0
// What is shown of a text that may be long, or may hold a password.
#include <chaos/url.hpp>

#include <doctest/doctest.h>

#include <chaos/error.hpp>
#include <chaos/in_short.hpp>

using namespace chaos;

TEST_CASE("a password in a url is told from a name, a port and a path") {
    for (const char* text :
         {"https://ann:secret@example.org/x.git", "ssh://ann:secret@example.org", "a https://b:c@d e",
          "https://token@example.org", "http://x:y@[::1]:80/", "https://a:b:c@d"})
        CHECK_MESSAGE(holds_password(text), text);
    for (const char* text : {"https://example.org/x.git", "ssh://git@example.org/x", "git@example.org:x.git", "",
                             "https://example.org:8080/a@b", "https://example.org/?q=a:b@c", "://a:b@c", "ssh://a:@b",
                             "https://@example.org", "file:///srv/a:b@c"})
        CHECK_FALSE_MESSAGE(holds_password(text), text);
}

TEST_CASE("each password in a text is left out where it is shown, and nothing else") {
    CHECK(without_passwords("can not ask https://ann:s3cr3t@example.org/x: 401") ==
          "can not ask https://ann:***@example.org/x: 401");
    CHECK(without_passwords("https://a:b@c https://d:e@f ssh://g@h") == "https://a:***@c https://d:***@f ssh://g@h");
    CHECK(without_passwords("nothing: in@here") == "nothing: in@here");
}

TEST_CASE("an error shows no password of a url, in its message, its lines or its hint") {
    Sources sources;
    const auto source = sources.add("site.yml", "/", "gits: {/a: {url: 'https://ann:s3cr3t@example.org/x y'}}\n");
    const Error error = Error(Place{1, 8, source}, "no such url: https://ann:s3cr3t@example.org/x y")
                            .note(Place{1, 13, source}, "https://ann:s3cr3t@example.org")
                            .help("git ls-remote https://ann:s3cr3t@example.org/x");
    const std::string said = render(error, sources);
    CHECK(said.find("s3cr3t") == std::string::npos);
    CHECK(said.find("https://ann:***@example.org") != std::string::npos);
}

TEST_CASE("a long text is shown by its ends, and says what is left out") {
    CHECK(in_short("as it is\nand so") == "as it is\nand so");
    CHECK(in_short(std::string(1000, 'x')) == std::string(1000, 'x'));
    const std::string line = in_short("begin" + std::string(1'000'000, 'x') + "end");
    CHECK(line.size() < 1100);
    CHECK(line.starts_with("begin"));
    CHECK(line.ends_with("end"));
    CHECK(line.find("... (999008 bytes left out) ...") != std::string::npos);
    std::string lines;
    for (int i = 0; i < 10'000; ++i) lines += "a line\n";
    CHECK(in_short(lines).size() < 17'000);
    std::string wide;
    for (int i = 0; i < 2000; ++i) wide += "\xE2\x82\xAC";
    for (const std::string& text : {wide, "a" + wide, "ab" + wide}) {
        const std::string cut = in_short(text);
        Sources none;
        CHECK(render(Error(text), none).find("\\x") == std::string::npos);  // no character was cut
        CHECK(cut.size() < 1100);
    }
}
