// SPDX-License-Identifier: Apache-2.0
// The files in secrets/ were made by Debian's age 1.1.1; where the program is there, it reads what is written here.
#include "../../src/engine/age.hpp"
#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include "../../src/engine/primitives.hpp"

using namespace chaos;

namespace {

std::string fixture(const std::string& name) {
    std::ifstream file(std::string(CHAOS_SECRETS) + "/" + name, std::ios::binary);
    REQUIRE_MESSAGE(file, name);
    std::stringstream all;
    all << file.rdbuf();
    return all.str();
}

age::Keys keys(const std::string& name) {
    return {age::parse_identities(fixture(name)), std::nullopt};
}

std::string said(const std::string& file, const age::Keys& with) {
    try {
        age::decrypt(file, with);
    } catch (const Error& error) {
        return error.what();
    }
    return "";
}

/// A directory that goes with the test.
struct Scratch {
    std::string path = "/tmp/chaos-age-XXXXXX";
    Scratch() { REQUIRE(mkdtemp(path.data())); }
    ~Scratch() {
        for (const char* name : {"file", "text"}) unlink((path + "/" + name).c_str());
        rmdir(path.c_str());
    }
};

}  // namespace

TEST_CASE("age: files of Debian's age are read: X25519, armored, ssh-ed25519, a passphrase") {
    CHECK(age::decrypt(fixture("plain.age"), keys("key.txt")) == "db: hunter2\n");
    CHECK(age::decrypt(fixture("armored.age"), keys("key.txt")) == "db: hunter2\n");
    CHECK(age::decrypt(fixture("armored.age"), keys("other.txt")) == "db: hunter2\n");
    CHECK(age::decrypt(fixture("ssh.age"), keys("ssh_key")) == "db: hunter2\n");
    CHECK(age::wants_passphrase(fixture("passphrase.age")));
    CHECK(!age::wants_passphrase(fixture("plain.age")));
    CHECK(age::decrypt(fixture("passphrase.age"), {{}, "correct horse"}) == "db: hunter2\n");
}

TEST_CASE("age: the wrong key, no key, a wrong passphrase are told apart from damage") {
    CHECK(said(fixture("plain.age"), keys("other.txt")) == "it is not for the key at hand");
    CHECK(said(fixture("plain.age"), {}) == "there is no key to open this file with");
    CHECK(said(fixture("passphrase.age"), {}) == "this file is closed with a passphrase");
    CHECK(said(age::encrypt_by_passphrase("x", "yes", true, 8), {{}, "no"}) ==
          "this is not the passphrase of this file");
    CHECK_THROWS_AS(age::decrypt(fixture("plain.age"), keys("other.txt")), age::NoKey);
}

TEST_CASE("age: no byte of a file can be changed, and no end cut off") {
    const std::string whole = fixture("plain.age");
    const auto with = keys("key.txt");
    for (std::size_t at = 0; at < whole.size(); ++at) {
        std::string changed = whole;
        changed[at] = static_cast<char>(changed[at] ^ 1);
        CHECK_MESSAGE(!said(changed, with).empty(), at);
    }
    for (std::size_t size = 0; size < whole.size(); ++size)
        CHECK_MESSAGE(!said(whole.substr(0, size), with).empty(), size);
    CHECK(!said(whole + "x", with).empty());
}

TEST_CASE("age: what is written is read again, by every recipient, at the borders of its pieces") {
    const auto mine = age::generate(), theirs = age::generate();
    const auto ssh = age::parse_recipient(fixture("ssh_key.pub"));
    for (const std::size_t size : {0U, 1U, 65535U, 65536U, 65537U, 131072U}) {
        const std::string text = crypto::random_bytes(size);
        for (const bool armored : {false, true}) {
            const auto file = age::encrypt(text, std::vector{mine.recipient, ssh, theirs.recipient}, armored);
            CHECK(age::is_age(file));
            CHECK(age::is_armored(file) == armored);
            CHECK(age::decrypt(file, {{mine}, {}}) == text);
            CHECK(age::decrypt(file, {{theirs}, {}}) == text);
            CHECK(age::decrypt(file, keys("ssh_key")) == text);
        }
    }
    CHECK(age::decrypt(age::encrypt_by_passphrase("x", "open", true, 8), {{}, "open"}) == "x");
    CHECK_THROWS_AS(age::encrypt("x", {}, false), Error);
}

TEST_CASE("age: Debian's age reads what is written here") {
    if (access("/usr/bin/age", X_OK) != 0) {
        MESSAGE("skipped: /usr/bin/age is not there (apt-get install age)");
        return;
    }
    const Scratch scratch;
    const auto run = [&](const std::string& key, const std::string& file) {
        std::ofstream(scratch.path + "/file", std::ios::binary) << file;
        unlink((scratch.path + "/text").c_str());  // age makes no file of nothing
        const std::string command = "/usr/bin/age -d -i " + std::string(CHAOS_SECRETS) + "/" + key + " -o " +
                                    scratch.path + "/text " + scratch.path + "/file";
        REQUIRE(std::system(command.c_str()) == 0);
        std::ifstream text(scratch.path + "/text", std::ios::binary);
        std::stringstream all;
        all << text.rdbuf();
        return all.str();
    };
    chmod((std::string(CHAOS_SECRETS) + "/ssh_key").c_str(), 0600);
    const std::vector to{keys("key.txt").identities[0].recipient, age::parse_recipient(fixture("ssh_key.pub"))};
    const std::string text = crypto::random_bytes(150'000);
    CHECK(run("key.txt", age::encrypt(text, to, false)) == text);
    CHECK(run("key.txt", age::encrypt(text, to, true)) == text);
    CHECK(run("ssh_key", age::encrypt(text, to, true)) == text);
    CHECK(run("key.txt", age::encrypt("", to, true)).empty());

    std::ofstream(scratch.path + "/text", std::ios::binary) << text;  // and the other way round, in several pieces
    const std::string command =
        "/usr/bin/age -r " + to[0].text + " -o " + scratch.path + "/file " + scratch.path + "/text";
    REQUIRE(std::system(command.c_str()) == 0);
    std::ifstream file(scratch.path + "/file", std::ios::binary);
    std::stringstream all;
    all << file.rdbuf();
    CHECK(age::decrypt(all.str(), keys("key.txt")) == text);
}

TEST_CASE("age: keys are written as age-keygen writes them, and a slip in one is found") {
    const auto identity = age::generate();
    const std::string text = age::to_text(identity);
    CHECK(text.starts_with("AGE-SECRET-KEY-1"));
    CHECK(text.size() == 74);
    CHECK(age::parse_identities(text)[0].recipient == identity.recipient);
    CHECK(age::parse_recipient(identity.recipient.text) == identity.recipient);
    // age-keygen wrote the public half into the file as a comment.
    const std::string file = fixture("key.txt");
    const auto at = file.find("age1");
    CHECK(file.substr(at, 62) == age::parse_identities(file)[0].recipient.text);
    for (const std::size_t slip : {5U, 20U, 73U}) {
        std::string changed = text;
        changed[slip] = changed[slip] == 'Q' ? 'P' : 'Q';
        CHECK_THROWS_AS(age::parse_identities(changed), Error);
    }
    CHECK_THROWS_AS(age::parse_recipient("age1qqq"), Error);
    CHECK_THROWS_AS(age::parse_recipient(text), Error);
    CHECK_THROWS_AS(age::parse_recipient("ssh-rsa AAAAB3NzaC1yc2E="), Error);
    CHECK_THROWS_AS(age::parse_identities("# nothing\n"), Error);
}

TEST_CASE("age: an error about a key file does not show what stands there") {
    try {
        age::parse_identities("AGE-SECRET-KEY-1OOPS");
        FAIL("it was taken");
    } catch (const Error& error) {
        CHECK(std::string(error.what()).find("OOPS") == std::string::npos);
        CHECK(error.hint.find("OOPS") == std::string::npos);
    }
}
