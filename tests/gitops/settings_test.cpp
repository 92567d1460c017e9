// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <chaos/gitops/settings.hpp>
#include <chaos/gitops/units.hpp>
#include <chaos/manifest.hpp>
#include <cstdlib>
#include <fstream>
#include <iterator>

using namespace chaos;
using namespace chaos::gitops;

namespace {

Settings read(const std::string& text, Diagnostics& problems) {
    Sources sources;
    return read_settings(sources, "/etc/chaos/gitops.yml", text, problems);
}

/// The first mistake, with its place.
std::string mistake(const std::string& text) {
    Sources sources;
    Diagnostics problems;
    read_settings(sources, "/etc/chaos/gitops.yml", text, problems);
    return problems.ok() ? "none" : render(problems.errors().front(), sources);
}

}  // namespace

TEST_CASE("settings come back from their text as they were") {
    Settings all;
    all.url = "git@git.example.org:infra.git", all.ref = "stable", all.mode = Following::heal;
    all.path = {{"hosts/{{ host.name }}.yml", "b.yml", "a.yml"}};
    all.interval = {60}, all.verify = Path{"/etc/chaos/signers"}, all.command = Words{{"/bin/page", "two words"}};
    all.webhook = "https://alerts.example.org/x";
    Diagnostics problems;
    CHECK(read(to_text(all), problems) == all);
    CHECK(problems.ok());
    Settings plain;
    plain.url = "file:///srv/infra.git";
    CHECK(read(to_text(plain), problems) == plain);
    CHECK(to_text(plain).find("splay") == std::string::npos);
}

TEST_CASE("a mistake in the settings is told at its place") {
    CHECK(mistake("ref: main\n").find("a gitops.yml needs 'url'") != std::string::npos);
    const std::string url = "url: https://x/y\n";
    CHECK(mistake(url + "intervall: 5m\n").starts_with("/etc/chaos/gitops.yml:2:1: error: "));
    CHECK(mistake(url + "intervall: 5m\n").find("did you mean 'interval'?") != std::string::npos);
    CHECK(mistake(url + "interval: 5\n").starts_with("/etc/chaos/gitops.yml:2:11: error: "));
    CHECK(mistake(url + "interval: 1s\n").find("expected a time from 10s to 7d") != std::string::npos);
    CHECK(mistake(url + "mode: always\n").find("expected one of upgrade, heal, notify, found 'always'") !=
          std::string::npos);
    CHECK(mistake(url + "path: ../site.yml\n").find("leads out of the repository") != std::string::npos);
    CHECK(mistake(url + "path: [a, /b]\n").starts_with("/etc/chaos/gitops.yml:2:11: error: "));
    CHECK(mistake(url + "path: []\n").find("an empty list") != std::string::npos);
    CHECK(mistake(url + "certificate: /a\n").find("add certificate_key: FILE") != std::string::npos);
    CHECK(mistake("url: https://ann:hunter2@x/y\n").find("the url has a password in it") != std::string::npos);
    CHECK(mistake("url: http://x/y\n").starts_with("/etc/chaos/gitops.yml:1:6: error: what comes by http://"));
    CHECK(mistake("url: http://x/y\nverify: /etc/chaos/signers\n") == "none");
    CHECK(mistake(url + "token_file: token\n").starts_with("/etc/chaos/gitops.yml:2:13: error: "));
    CHECK(mistake(url) == "none");
}

TEST_CASE("the manifest that lets a host follow is one that can be read") {
    Settings settings;
    settings.url = "https://x/y", settings.interval = {90}, settings.splay = {7};
    for (const std::string& text : {manifest_to_follow(settings, "/usr/bin/chaos"), manifest_to_stop()}) {
        Sources sources;
        const Value manifest = parse_yaml(sources, sources.add("gitops.yml", "/", text));
        REQUIRE(manifest.find("name"));
        CHECK(manifest.find("name")->text() == "chaos-gitops");
    }
    const std::string timer = timer_unit(settings);
    CHECK(timer.find("OnUnitInactiveSec=90s\n") != std::string::npos);
    CHECK(timer.find("RandomizedDelaySec=7s\n") != std::string::npos);
    const std::string all = manifest_to_follow(settings, "/usr/bin/chaos");
    for (const char* option : {"ProtectSystem", "PrivateTmp", "ProtectHome", "ReadOnlyPaths", "PrivateMounts"}) {
        CAPTURE(option);
        CHECK(all.find(option) == std::string::npos);  // a mount that it makes would be its own alone
    }
}

TEST_CASE("the page says of each setting what its declaration says") {
    const char* source = std::getenv("CHAOS_SOURCE");
    REQUIRE_MESSAGE(source, "CHAOS_SOURCE is to name the checkout");
    const std::string path = std::string(source) + "/docs/gitops.md";
    std::ifstream file(path);
    std::string page{std::istreambuf_iterator<char>(file), {}};
    const std::string begins = "<!-- settings: made from their declaration -->\n", ends = "<!-- end -->";
    const auto from = page.find(begins), to = page.find(ends);
    REQUIRE(from != std::string::npos);
    REQUIRE(to != std::string::npos);
    const std::string table = page.substr(from + begins.size(), to - from - begins.size());
    if (std::getenv("CHAOS_ACCEPT"))
        std::ofstream(path) << page.replace(from + begins.size(), table.size(), settings_reference());
    else
        CHECK(table == settings_reference());
}
