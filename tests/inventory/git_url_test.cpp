// SPDX-License-Identifier: Apache-2.0
#include "git_url.hpp"

#include <doctest/doctest.h>

#include <chaos/error.hpp>

#include "git_modules.hpp"

using namespace chaos;
using namespace chaos::git;
using Way = Address::Way;

TEST_CASE("a url is taken apart, and what it escapes is meant") {
    const auto https = address_of("https://ann:p%40ss@Git.Example:8443/a/b.git/");
    CHECK(https.way == Way::https);
    CHECK(https.user == "ann");
    CHECK(https.password == "p@ss");
    CHECK(https.host == "git.example");
    CHECK(https.port == "8443");
    CHECK(plain_url(https) == "https://git.example:8443/a/b.git");
    const auto six = address_of("ssh://git@[::1]:22/~ann/b.git");
    CHECK(six.host == "::1");
    CHECK(six.port == "22");
    CHECK(six.path == "~ann/b.git");
    const auto short_form = address_of("git@host.example:a/b.git");
    CHECK(short_form.way == Way::ssh);
    CHECK(short_form.user == "git");
    CHECK(short_form.host == "host.example");
    CHECK(short_form.path == "a/b.git");
    CHECK(address_of("file:///srv/a%20b").path == "/srv/a b");
    CHECK(address_of("/srv/a:b").way == Way::path);
}

TEST_CASE("a url that could be taken for something else is refused") {
    for (const std::string url : {"ssh://-oProxyCommand=x/y",
                                  "ssh://-l@host/y",
                                  "-oProxyCommand=x:y",
                                  "ssh://host:0/y",
                                  "ssh://host:70000/y",
                                  "ssh://host:2x/y",
                                  "ssh://ho st/y",
                                  "https:///y",
                                  "https://host",
                                  "https://host/",
                                  "ext::sh -c x",
                                  "file://other/x",
                                  "ftp://host/x",
                                  "git://host/x",
                                  "relative/path",
                                  "",
                                  "https://host/a\nb",
                                  "ssh://[::1/x",
                                  "host:",
                                  "ssh://ann%0aoe@host/x"}) {
        CAPTURE(url);
        CHECK_THROWS_AS(address_of(url), Error);
    }
}

TEST_CASE("a server is the same one by name, port and way") {
    const auto same = [](const char* a, const char* b) { return same_server(address_of(a), address_of(b)); };
    CHECK(same("https://a/x", "https://A:443/y"));
    CHECK(same("git@a:x", "ssh://b@a:22/y"));
    CHECK_FALSE(same("https://a/x", "http://a/x"));
    CHECK_FALSE(same("https://a/x", "https://a:444/x"));
    CHECK_FALSE(same("https://a/x", "https://a.b/x"));
}

TEST_CASE("a submodule's url is relative to its repository's, and never leaves its server") {
    CHECK(submodule_url("https://h/a/b.git", "../c.git") == "https://h/a/c.git");
    CHECK(submodule_url("https://h/a/b.git/", "../../c/d") == "https://h/c/d");
    CHECK(submodule_url("https://h/a", "./sub") == "https://h/a/sub");
    CHECK(submodule_url("git@h:a/b", "../c") == "git@h:a/c");
    CHECK(submodule_url("git@h:b", "../c") == "git@h:c");
    CHECK(submodule_url("/srv/a", "../b") == "/srv/b");
    CHECK(submodule_url("file:///srv/a", "../b") == "file:///srv/b");
    CHECK(submodule_url("https://h/a", "https://other/x") == "https://other/x");
    for (const char* url : {"../../c", "../../../other/c"}) CHECK_THROWS_AS(submodule_url("https://h/a", url), Error);
    CHECK_THROWS_AS(submodule_url("git@h:b", "../../c"), Error);
}

TEST_CASE("a .gitmodules is read as git writes it") {
    const auto urls = submodules_of(
        "# ours\n[submodule \"a \\\"b\"]\n\tpath = x/y\n\turl = ../z.git ; there\n\tbranch = main\n"
        "[include]\n\tpath = /etc/passwd\n[submodule \"c\"]\r\n path=\"with # blank\"\r\n url=\"u\\\\v\"\n"
        "[submodule \"no url\"]\npath = n\n");
    CHECK(urls == std::map<std::string, std::string>{{"x/y", "../z.git"}, {"with # blank", "u\\v"}});
    CHECK_THROWS_WITH_AS(submodules_of("[submodule \"a\"]\nurl = \"x\n"), ".gitmodules:2: a quote that does not end",
                         Error);
    CHECK(submodules_of("").empty());
}

TEST_CASE("what is signed of a commit is all but its signature, and two are refused") {
    const std::string head = "tree 1\nauthor a <b> 1 +0000\n", end = "\nmessage\n\n signed-looking\n";
    const auto object = commit_in(head + "gpgsig -----BEGIN\n x\n \n -----END\nencoding x\n" + end);
    CHECK(object.signature == "-----BEGIN\nx\n\n-----END\n");
    CHECK(object.payload == head + "encoding x\n" + end);
    CHECK(object.message == end.substr(1));
    // Continued lines of another header stay, those of another kind of signature go.
    CHECK(commit_in(head + "mergetag object 1\n type\n" + end).payload == head + "mergetag object 1\n type\n" + end);
    CHECK(commit_in(head + "gpgsig-sha256 x\n y\n" + end).payload == head + end);
    CHECK(commit_in(head + end).signature == "");
    CHECK_THROWS_WITH_AS(commit_in(head + "gpgsig a\ngpgsig b\n" + end), doctest::Contains("two signatures"), Error);
    for (const char* bad : {"", "tree 1", "x\n\ny", "\n"}) CHECK_THROWS_AS(commit_in(bad), Error);
}

TEST_CASE("what is signed of a tag is what stands before its last signature") {
    const std::string text = "object 1\ntype commit\ntag v1\ntagger a <b> 1 +0000\n\nmessage\n",
                      signature = "-----BEGIN SSH SIGNATURE-----\nx\n-----END SSH SIGNATURE-----\n";
    const auto tag = tag_in(text + signature);
    CHECK(tag.payload == text);
    CHECK(tag.signature == signature);
    CHECK(tag.message == "message\n");
    CHECK(tag_in(text + signature + signature).payload == text + signature);
    CHECK(tag_in(text).signature == "");
    CHECK_THROWS_AS(tag_in("object 1\n\nx"), Error);
}
