// SPDX-License-Identifier: Apache-2.0
// Manifests of Ch-aOS and Ch-aronte, and the modules that come with chaos.
#include <doctest/doctest.h>

#include "site_kinds.hpp"

using namespace chaos;
using namespace chaos::test;

namespace {

std::string declared(const Reading& reading) {
    CHECK(reading.errors() == "");
    std::string text;
    for (const Resource& resource : reading.site.catalog)
        text += (text.empty() ? "" : " ") + to_text(resource.id) + (resource.absent ? "-" : "");
    return text;
}

std::string remarks(const Reading& reading) {
    std::string text;
    for (const Error& remark : reading.problems.remarks()) text += std::string(remark.what()) + "\n";
    return text;
}

/// A manifest and one that it imports in this way.
Reading importing(const std::string& how, const std::string& ours, const std::string& theirs) {
    return read_files(
        {{"site.yml", "imports: [{file: parts/other.yml" + how + "}]\n" + ours}, {"parts/other.yml", theirs}});
}

}  // namespace

TEST_CASE("combine unites mappings, and what is imported replaces lists and scalars") {
    const auto reading =
        importing(", strategy: combine", "vars: {a: {x: 1, y: 1}}\npackages: [git, vim]\nhostname: old\n",
                  "vars: {a: {y: 2}}\npackages: [jq]\nhostname: '{{ vars.a.x }}{{ vars.a.y }}'\n");
    CHECK(declared(reading) == "package:jq hostname");
    CHECK(reading.attribute("hostname", "name") == "\"12\"");
}

TEST_CASE("override replaces what the imported file has, and nothing else") {
    const auto reading = importing(
        ", strategy: override", "vars: {a: {x: 1}}\npackages: {git: 1, vim: }\nusers: [eve]\n", "packages: {git: 2}\n");
    CHECK(declared(reading) == "package:git user:eve");
    CHECK(reading.attribute("package:git", "version") == "\"2\"");
}

TEST_CASE("merge unites the lists it names, and the imported entry of one thing wins") {
    const auto reading = importing(", strategy: merge, merge_keys: [users]",
                                   "users: [{name: eve, shell: bash, groups: [a]}, {name: ben}]\npackages: [git]\n",
                                   "users: [{name: eve, shell: zsh}, ana]\npackages: [jq]\n");
    CHECK(declared(reading) == "user:eve user:ben user:ana package:jq");
    CHECK(reading.attribute("user:eve", "shell") == "\"zsh\"");
    CHECK(reading.attribute("user:eve", "groups") == "[\"a\"]");
}

TEST_CASE("imported files import others, and each finds what lies beside it") {
    const auto reading = read_files({{"Ch-obolos/dex/site.yml", "imports: [{file: dex/a/a.yml}]\nhostname: x\n"},
                                     {"Ch-obolos/dex/a/a.yml", "imports: [b.yml]\nfiles: {/a: {source: a.txt}}\n"},
                                     {"Ch-obolos/dex/a/b.yml", "hostname: y\n"},
                                     {"Ch-obolos/dex/a/a.txt", "beside a"}});
    CHECK(declared(reading) == "hostname file:/a");
    CHECK(reading.attribute("file:/a", "content") == "\"beside a\"");
    CHECK(reading.attribute("hostname", "name") == "\"y\"");
}

TEST_CASE("words of older generations mean what they meant, and their present name is told") {
    const auto reading = read_text(
        "plug_name: main\npacotes: [git]\nservices: [{name: ssh, state: stopped, on_boot: no}]\nfirmware: UEFI\n"
        "particoes: {disk: /dev/sda, partitions: [{name: x, important: boot, mount_point: /boot, part: 1}]}\n");
    CHECK(declared(reading) == "package:git service:ssh");
    CHECK(reading.site.name == "main");
    CHECK(reading.attribute("service:ssh", "running") == "\"false\"");
    CHECK(reading.attribute("service:ssh", "enabled") == "\"false\"");
    const auto said = remarks(reading);
    for (const char* word : {"'pacotes' is called 'packages' now", "'plug_name' is called 'name' now",
                             "'particoes' is called 'partitioning' now", "no disk is touched", "firmware is read",
                             "Ch-aOS would also remove what is not listed"})
        CHECK_MESSAGE(said.find(word) != std::string::npos, word);
}

TEST_CASE("who asks for removal is not told of it, and ${} is text") {
    const auto reading =
        read_text("mirrors: {countries: [br]}\nexclusive: [packages]\npackages: [git]\nhostname: 'a${x}'\n");
    const auto said = remarks(reading);
    CHECK(said.find("would also remove") == std::string::npos);
    CHECK(said.find("'${' is text") != std::string::npos);
}

TEST_CASE("restrictions give a host the sections that it is allowed") {
    const auto of = [](const std::string& said) {
        return declared(
            read_text(said + "\npackages: [git]\nusers: [eve]\nblocks: [{packages: [vim], files: {/a: b}}]\n"));
    };
    CHECK(of("restrictions: {allow_list: {web1: {users: true}}}") == "user:eve");
    CHECK(of("fleet: {restrictions: {allow_list: {web1: {usr: true, pkgs: false}}}}") == "user:eve");
    CHECK(of("restrictions: {black_list: {web1: {pkgs: true}}}") == "user:eve file:/a");
    CHECK(of("restrictions: {black_list: {web1: {}}}") == "");
    CHECK(of("restrictions: {black_list: {web2: {}}}") == "package:git user:eve package:vim file:/a");
}

TEST_CASE("home() is as the manifest says, else as the host does, else where a new one lives") {
    const auto reading =
        read_text("users: [{name: eve}]\nfiles: {\"{{ home('eve') }}/a\": x, \"{{ home('root') }}/b\": x}\n");
    CHECK(declared(reading) == "user:eve file:/home/eve/a file:/root/b");
}

TEST_CASE("what layers say of a section that is a module is one use of it, and the higher wins") {
    const auto reading = read_files({{"site.yml", "include: [below.yml]\nregion: {timezone: Asia/Tokyo}\n"},
                                     {"below.yml", "region: {timezone: Europe/Rome}\nhostname: x\n"}});
    CHECK(declared(reading) == "hostname");
    // These kinds have no timezone: that is told of what it stands for, once.
    CHECK(remarks(reading) == "there is no section 'timezone' here: nothing is done for it\n");
}

TEST_CASE("a module of the site goes before one that comes with chaos") {
    const auto reading =
        read_files({{"site.yml", "use: [{module: region, with: {zone: x}}]\n"},
                    {"modules/region.yml", "params: {zone: {type: text}}\nhostname: '{{ params.zone }}'\n"}});
    CHECK(declared(reading) == "hostname");
}
