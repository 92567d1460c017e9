// SPDX-License-Identifier: Apache-2.0
// Sites as people write them (tests/cli/sites), each read to its end by the built program.
#include <doctest/doctest.h>
#include <stdlib.h>

#include <algorithm>
#include <chaos/process.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

using namespace chaos;

namespace {

Output sh(const std::string& line, const std::string& directory) {
    const char* program = std::getenv("CHAOS_PROGRAM");
    const char* source = std::getenv("CHAOS_SOURCE");
    REQUIRE_MESSAGE((program && source), "CHAOS_PROGRAM and CHAOS_SOURCE name the program and the checkout");
    Command command{{"/bin/sh", "-ec", line}};
    command.directory = directory;
    command.environment = {"HOME=" + directory, "XDG_CACHE_HOME=" + directory + "/cache",
                           "CHAOS_AGE_KEY_FILE=" + directory + "/age.key", std::string("chaos=") + program,
                           std::string("sites=") + source + "/tests/cli/sites"};
    Child child(command);
    child.release();
    return child.wait();
}

struct Site {
    const char* directory;
    const char* check;     ///< Words after `chaos check`.
    const char* secrets;   ///< NAME of a file, and those in it; empty: none.
    const char* reserved;  ///< What the language keeps for later in it; known words are no part of this.
};

constexpr Site sites[] = {
    {"example", "00-example.yml", "secrets.yml tls_key", ""},
    {"workstation", "workstation.yml", "secrets.yml eve_password", ""},
    {"web", "web.yml", "secrets.yml tls_key", ""},
    {"bastion", "bastion.yml", "", ""},
    {"site", "site.yml --host web1 --groups web,admin", "secrets.yml any", ""},
    {"chobolo", "dex.yml", "secrets_dex.yml netrc", ""},
    {"home", "home.yml", "secrets.yml ssh_key", ""},
    {"hardening", "harden.yml", "", ""},
};

}  // namespace

TEST_CASE("realistic sites are read without a mistake, but for what is openly kept for later") {
    char name[] = "/tmp/chaos-sites-XXXXXX";
    REQUIRE(::mkdtemp(name));
    const std::string place = name;
    CHECK(sh("\"$chaos\" secrets keygen \"$CHAOS_AGE_KEY_FILE\"", place).status == 0);
    for (const Site& site : sites) {
        CAPTURE(site.directory);
        const std::string directory(site.directory);
        REQUIRE(sh("cp -r \"$sites/" + directory + "\" .", place).status == 0);
        if (*site.secrets) {
            const auto made = sh("set -- " + std::string(site.secrets) + "; cd " + directory +
                                     "; printf '$6$salt$hash' | \"$chaos\" secrets set \"$1\" \"$2\"",
                                 place);
            CHECK_MESSAGE(made.status == 0, made.err);
        }
        const auto read = sh("cd " + directory + "; \"$chaos\" check " + site.check, place);
        const std::string reserved(site.reserved);
        CHECK_MESSAGE((read.status == 0) == reserved.empty(), read.err);
        if (!reserved.empty()) CHECK(read.err.find(reserved) != std::string::npos);
        if (reserved.empty()) CHECK(read.err.find("not understood") == std::string::npos);
    }
    sh("rm -r " + place, "/");
}

TEST_CASE("mistakes in what the kinds of a host say are explained as their golden files say") {
    const char* source = std::getenv("CHAOS_SOURCE");
    REQUIRE(source);
    const std::string directory = std::string(source) + "/tests/golden/kinds";
    std::size_t seen = 0;
    for (const auto& entry : std::filesystem::directory_iterator(directory)) {
        if (entry.path().extension() != ".yml") continue;
        const auto name = entry.path().stem().string();
        CAPTURE(name);
        ++seen;
        const auto read = sh("\"$chaos\" check " + name + ".yml", directory);
        CHECK(read.status == 64);
        const auto answer = directory + "/" + name + ".err";
        if (std::getenv("CHAOS_ACCEPT")) {
            std::ofstream(answer, std::ios::binary) << read.err;
        } else {
            std::stringstream kept;
            kept << std::ifstream(answer, std::ios::binary).rdbuf();
            CHECK(read.err == kept.str());
        }
    }
    CHECK(seen >= 3);
}
