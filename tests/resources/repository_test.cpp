// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <fstream>
#include <iterator>

#include <chaos/openpgp.hpp>
#include "support/small_run.hpp"

using namespace chaos;
using namespace chaos::test;

namespace {

std::string a_key() {
    std::ifstream in(std::string(CHAOS_SOURCE) + "/tests/resources/keys/packages.asc");
    REQUIRE(in);
    return {std::istreambuf_iterator<char>(in), {}};
}

Value list_of(std::initializer_list<std::string> items) {
    return Value(Value::List(items.begin(), items.end()));
}

Catalog repository(Value::Map body) {
    body.push_back({Value(std::string("name")), Value(std::string("inner"))});
    return {declare("repository", std::move(body))};
}

Catalog debian_one(std::initializer_list<Said> more = {}) {
    auto body = attributes(
        {{"uris", "https://deb.example.org/debian"}, {"suites", "stable"}, {"components", list_of({"main", "extra"})}});
    for (auto& entry : attributes(more)) body.push_back(std::move(entry));
    return repository(std::move(body));
}

FakeHost debian() {
    FakeHost host;
    host.put_file("/etc/debian_version", "12.0\n");
    host.put_directory("/etc/apt/sources.list.d");
    return host;
}

std::string refused(const FakeHost& host, const Catalog& catalog) {
    const auto run = plan_for(host, catalog);
    return run.problems.ok() ? "" : run.problems.errors()[0].what();
}

}  // namespace

TEST_CASE("a repository of apt is a file with its key and its pin beside it, and all three go back") {
    FakeHost host = debian();
    const auto before = host.dump();
    const auto wish = debian_one({{"signing_key", a_key()}, {"priority", "600"}});
    const auto run = apply(host, wish);
    CHECK(host.text("/etc/apt/sources.list.d/inner.sources") ==
          "Types: deb\nURIs: https://deb.example.org/debian\nSuites: stable\nComponents: main extra\n"
          "Signed-By: /etc/apt/keyrings/inner.asc\n");
    CHECK(host.text("/etc/apt/keyrings/inner.asc") == a_key());
    CHECK(host.text("/etc/apt/preferences.d/inner.pref") ==
          "Package: *\nPin: origin \"deb.example.org\"\nPin-Priority: 600\n");
    CHECK(plan_for(host, wish).steps.empty());
    take_back(host, run);
    CHECK(host.dump() == before);
}

TEST_CASE("a repository that somebody wrote keeps what is not said of it, and comes back to the byte") {
    FakeHost host = debian();
    host.put_file("/etc/apt/sources.list.d/inner.sources",
                  "# by hand\nX-Repolib-Name: inner\nTypes:  deb\nURIs: http://old.example.org/\nSuites:\n stable\n"
                  "Components: main\n extra\nEnabled: no\n");
    const auto before = host.dump();
    const auto run = apply(host, debian_one({{"enabled", "true"}}));
    CHECK(host.text("/etc/apt/sources.list.d/inner.sources") ==
          "# by hand\nX-Repolib-Name: inner\nTypes:  deb\nURIs: https://deb.example.org/debian\nSuites:\n stable\n"
          "Components: main\n extra\n");
    take_back(host, run);
    CHECK(host.dump() == before);
    auto gone = debian_one();
    gone[0].absent = true;
    const auto removal = apply(host, gone);
    CHECK_FALSE(host.look("/etc/apt/sources.list.d/inner.sources"));
    take_back(host, removal);
    CHECK(host.dump() == before);
}

TEST_CASE("a repository is a section of pacman.conf, and the rest of that stays byte for byte") {
    FakeHost host;
    const std::string conf =
        "# pacman\n[options]\nHoldPkg = pacman\n\n[core]\nInclude = /etc/pacman.d/mirrorlist\n\n# end\n";
    host.put_file("/etc/pacman.conf", conf, 0600);
    const auto before = host.dump();
    const auto wish =
        repository(attributes({{"uris", list_of({"https://a.example.org/$repo", "https://b.example.org"})},
                               {"siglevel", "Required DatabaseOptional"}}));
    const auto run = apply(host, wish);
    CHECK(host.text("/etc/pacman.conf") ==
          conf +
              "\n[inner]\nSigLevel = Required DatabaseOptional\nServer = https://a.example.org/$repo\n"
              "Server = https://b.example.org\n");
    CHECK(plan_for(host, wish).steps.empty());
    host.put_file("/etc/pacman.conf", host.text("/etc/pacman.conf") + "\n[later]\nServer = x\n", 0600);
    take_back(host, run);
    CHECK(host.text("/etc/pacman.conf") == conf + "\n[later]\nServer = x\n");
    host.put_file("/etc/pacman.conf", conf, 0600);
    CHECK(host.dump() == before);
    CHECK(refused(host, debian_one()).starts_with("'suites' is of apt"));
}

TEST_CASE("a repository of rpm is a file with its key") {
    FakeHost host;
    host.put_directory("/etc/yum.repos.d");
    const auto before = host.dump();
    const auto wish =
        repository(attributes({{"uris", "https://rpm.example.org/"}, {"signing_key", a_key()}, {"priority", "10"}}));
    const auto run = apply(host, wish);
    CHECK(host.text("/etc/yum.repos.d/inner.repo") ==
          "[inner]\nname=inner\nbaseurl=https://rpm.example.org/\nenabled=1\ngpgcheck=1\n"
          "gpgkey=file:///etc/pki/rpm-gpg/RPM-GPG-KEY-inner\npriority=10\n");
    CHECK(plan_for(host, wish).steps.empty());
    take_back(host, run);
    CHECK(host.dump() == before);
}

TEST_CASE("fingerprints are those of the keys in a file, armored or not") {
    const std::string fingerprint = "460C56A8FE861CF7C1EA8D9436B8323A24EFA9F1";
    CHECK(openpgp::fingerprints(a_key()) == std::vector<std::string>{fingerprint});
    CHECK(openpgp::clean_fingerprint("0x" + fingerprint) == fingerprint);
    CHECK(openpgp::clean_fingerprint(fingerprint.substr(1)).empty());
    auto cut = a_key();
    cut.resize(cut.size() / 2);
    CHECK_THROWS_AS(openpgp::fingerprints(cut), Error);
    for (const char* text : {"", "-----BEGIN PGP PRIVATE KEY BLOCK-----\n", "\x99\x01", "\xC6\xFE", "text"})
        CHECK_THROWS_AS(openpgp::fingerprints(text), Error);
    CHECK(refused(debian(), debian_one({{"signing_key", a_key()}, {"fingerprint", fingerprint.c_str()}})).empty());
    CHECK(refused(debian(), debian_one({{"signing_key", a_key()}, {"fingerprint", std::string(40, 'A')}})) ==
          "the key has the fingerprint " + fingerprint + ", and that is not asked for");
}

TEST_CASE("a repository that no host could have is a mistake of the manifest") {
    CHECK(refused(debian(), debian_one({{"fingerprint", "123"}})).starts_with("expected a fingerprint of 40 digits"));
    CHECK(refused(debian(), repository(attributes({{"uris", "deb.example.org"}}))) ==
          "'deb.example.org' is no address of a repository");
    CHECK(refused(debian(), repository(attributes({{"uris", "https://a/"}}))) ==
          "repository inner does not say its suites");
    CHECK(refused(debian(), debian_one({{"types", "rpm"}})) == "expected deb or deb-src, found 'rpm'");
    CHECK(refused(debian(), debian_one({{"signed_by", "x.gpg"}})).starts_with("expected the path of a key file"));
    CHECK(refused(debian(), repository(attributes({{"enabled", "true"}}))).ends_with("nothing says where it is"));
}

TEST_CASE("a package that a repository of the same run brings is left to the run, and a wrong name is not") {
    FakeHost host = debian();
    host.put_file("/var/lib/dpkg/status",
                  "Package: dpkg\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\n");
    host.put_file("/var/lib/apt/lists/deb_Packages", "");
    host.put_command("apt-get", [](FakeHost&, const Command& command) {
        const bool asked = command.argv.back() == "thing";
        return asked ? Output{100, "", "E: Unable to locate package thing\n"} : Output{0, "", ""};
    });
    Catalog catalog{declare("package", attributes({{"name", "thing"}}))};
    CHECK_FALSE(plan_for(host, catalog).problems.ok());
    catalog.push_back(debian_one()[0]);
    const auto run = plan_for(host, catalog);
    REQUIRE(run.problems.ok());
    REQUIRE(run.steps.size() == 2);
    CHECK(run.steps[0].changes[0].id.type == "repository");
    std::string said;
    for (const Error& remark : run.problems.remarks()) said += std::string(remark.what()) + "\n";
    CHECK(said.find("package thing is not known yet") != std::string::npos);
}
