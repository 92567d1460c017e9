// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>
#include <chaos/secrets.hpp>
#include <cstdlib>
#include <fstream>
#include <sstream>

using namespace chaos;

namespace {

std::string read(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    REQUIRE_MESSAGE(file, path);
    std::stringstream all;
    all << file.rdbuf();
    return all.str();
}

const std::string beside = std::string(CHAOS_SECRETS) + "/";

/// A key ring of the fixtures; keys come out of a checkout readable by all.
KeyRing ring(const std::string& name = "key.txt") {
    chmod((beside + name).c_str(), 0600);
    return {{{beside + name, true}}};
}

std::string recipient_of(const KeyRing& keys) {
    return own_recipients(keys)[0];
}

SecretFile again(const SecretFile& file, const KeyRing& keys) {
    return SecretFile::open_bytes("secrets", file.bytes(), keys);
}

std::string wrong(const std::string& bytes, const KeyRing& keys) {
    try {
        SecretFile::open_bytes("s.yml", bytes, keys);
    } catch (const Error& error) {
        return error.what();
    }
    return "";
}

std::string at(const SecretFile& file, std::initializer_list<const char*> path) {
    const Value* value = &file.tree();
    for (const char* name : path) {
        value = value->find(name);
        REQUIRE(value);
    }
    CHECK(value->secret);
    return value->text();
}

/// What the second implementation of sops' format makes of a file.
std::string by_reference(const std::string& bytes, const std::string& arguments) {
    char path[] = "/tmp/chaos-sops-XXXXXX";
    const int made = mkstemp(path);
    REQUIRE(made >= 0);
    close(made);
    std::ofstream(path, std::ios::binary) << bytes;
    const std::string out = std::string(path) + ".out";
    const std::string command = std::string(CHAOS_SOPS) + " " + arguments + " < " + path + " > " + out;
    const int status = std::system(command.c_str());
    const std::string result = read(out);
    unlink(path), unlink(out.c_str());
    REQUIRE(status == 0);
    return result;
}

bool has_reference() {
    if (std::system("python3 -c 'import cryptography, yaml' 2>/dev/null && command -v age >/dev/null") == 0)
        return true;
    MESSAGE("skipped: python3-cryptography, python3-yaml or age is not there");
    return false;
}

const std::string plain =
    "# of the shop\ndb:\n    user: shop\n    password: \"old one\"  # rotated in May\n"
    "token: abc\nport: 8080\nkeys: [one, two]\n";

}  // namespace

TEST_CASE("a file of secrets: every form is read again, and says whom it is for") {
    const auto keys = ring();
    for (const auto form : {SecretFile::Form::age, SecretFile::Form::age_text, SecretFile::Form::sops_yaml}) {
        auto file = SecretFile::make("s", form, {recipient_of(keys)});
        file.replace(plain);
        const auto back = again(file, keys);
        CHECK(back.form() == form);
        CHECK(back.text() == plain);
        CHECK(back.tree() == file.tree());
        CHECK(back.recipients() == std::vector{recipient_of(keys)});
        CHECK(back.names() == std::vector<std::string>{"db.user", "db.password", "token", "port", "keys"});
        CHECK(at(back, {"db", "password"}) == "old one");
        CHECK(file.bytes().find("old one") == std::string::npos);
        CHECK_THROWS_AS(again(file, ring("other.txt")), LacksKey);
    }
    auto json = SecretFile::make("s", SecretFile::Form::sops_json, {recipient_of(keys)});
    json.set("db.password", "old \"one\"\n");
    json.set("token", "x");
    CHECK(again(json, keys).form() == SecretFile::Form::sops_json);
    CHECK(at(again(json, keys), {"db", "password"}) == "old \"one\"\n");
}

TEST_CASE("a file of secrets: setting one leaves comments and order of the others") {
    const auto keys = ring();
    auto file = SecretFile::make("s", SecretFile::Form::sops_yaml, {recipient_of(keys)});
    file.replace(plain);
    auto opened = again(file, keys);
    opened.set("db.password", "new: one");
    opened.set("db.host", "db1");
    opened.set("api.key", "k");
    opened.set("pem", "-----BEGIN-----\nabc\n-----END-----\n");
    const std::string expected =
        "# of the shop\ndb:\n    host: db1\n    user: shop\n    password: \"new: one\"  # rotated in May\n"
        "token: abc\nport: 8080\nkeys: [one, two]\napi:\n    key: k\n"
        "pem: |\n    -----BEGIN-----\n    abc\n    -----END-----\n";
    CHECK(opened.text() == expected);
    const auto back = again(opened, keys);
    CHECK(back.text() == expected);
    CHECK(back.bytes().find("# rotated in May") != std::string::npos);
    // What did not change stays as it was closed: a reviewer sees what did.
    const std::string before = file.bytes();
    const auto one = SecretFile::open_bytes("s", before, keys);
    const auto line =
        before.substr(before.find("token:"), before.find('\n', before.find("token:")) - before.find("token:"));
    CHECK(one.bytes().find(line) != std::string::npos);
    CHECK_THROWS_AS(opened.set("keys", "x"), Error);
    CHECK_THROWS_AS(opened.set("token.x", "x"), Error);
    CHECK_THROWS_AS(opened.set("a..b", "x"), Error);
}

TEST_CASE("a file of secrets: for others it is closed with new keys") {
    const auto mine = ring(), theirs = ring("other.txt");
    for (const auto form : {SecretFile::Form::age_text, SecretFile::Form::sops_yaml}) {
        auto file = SecretFile::make("s", form, {recipient_of(mine)});
        file.replace(plain);
        auto opened = again(file, mine);
        opened.be_for({recipient_of(theirs)});
        CHECK(again(opened, theirs).text() == plain);
        CHECK_THROWS_AS(again(opened, mine), LacksKey);
        CHECK_THROWS_AS(opened.be_for({}), Error);
        CHECK_THROWS_AS(opened.be_for({"age1nobody"}), Error);
    }
}

TEST_CASE("a file of secrets: what was changed without its key is found") {
    const auto keys = ring();
    auto file = SecretFile::make("s", SecretFile::Form::sops_yaml, {recipient_of(keys)});
    file.replace("a: first\nb: second\nnote_unencrypted: seen\n");
    const std::string whole = file.bytes();
    const auto changed = [&](const std::string& from, const std::string& to) {
        std::string bytes = whole;
        const auto found = bytes.find(from);
        REQUIRE(found != std::string::npos);
        return bytes.replace(found, from.size(), to);
    };
    CHECK(whole.find("note_unencrypted: seen") != std::string::npos);
    CHECK(wrong(whole, keys).empty());
    CHECK(wrong(changed("note_unencrypted: seen", "note_unencrypted: other"), keys).find("(mac)") != std::string::npos);
    CHECK(wrong(changed("lastmodified: '2", "lastmodified: '3"), keys).find("(mac)") != std::string::npos);
    CHECK(wrong(changed("a: ENC", "c: ENC"), keys).find("the value of 'c' was changed") != std::string::npos);
    CHECK(wrong(changed("a: ENC[AES256_GCM,data:", "a: ENC[AES256_GCM,data:AA"), keys) != "");
    CHECK(wrong(changed("a: ENC[AES256_GCM,", "a: open # "), keys).find("stands open") != std::string::npos);
    const auto line = whole.substr(0, whole.find('\n') + 1);
    CHECK(wrong(whole.substr(line.size()), keys).find("(mac)") != std::string::npos);
    CHECK(wrong("a: b\n", keys).find("lies open") != std::string::npos);
}

TEST_CASE("a file of secrets: no error about it shows what is in it") {
    const auto keys = ring();
    auto file = SecretFile::make("s", SecretFile::Form::age_text, {recipient_of(keys)});
    for (const char* text : {"hunter2", "a: [hunter2", "a: \"hunter2\n", "- hunter2\n", "a: hunter2\na: hunter2\n"}) {
        try {
            file.replace(text);
            FAIL("it was taken");
        } catch (const Error& error) {
            CHECK(std::string(error.what()).find("hunter2") == std::string::npos);
            CHECK(error.hint.find("hunter2") == std::string::npos);
            CHECK(!error.where);
        }
    }
}

TEST_CASE("sops: a second implementation of the format reads what is written here, and the other way round") {
    if (!has_reference()) return;
    const auto keys = ring();
    auto file = SecretFile::make("s", SecretFile::Form::sops_yaml, {recipient_of(keys)});
    file.replace(
        "a: first\nn: 12\nf: 1.50\nt: true\nlist: [x, 3, {deep: y}]\nempty: \"\"\nnothing: null\n"
        "note_unencrypted: seen\nlines: |\n    one\n    two\n");
    CHECK(by_reference(file.bytes(), "decrypt " + beside + "key.txt") ==
          "{\"a\": \"first\", \"n\": 12, \"f\": 1.5, \"t\": true, \"list\": [\"x\", 3, {\"deep\": \"y\"}], \"empty\": "
          "\"\", "
          "\"nothing\": null, \"note_unencrypted\": \"seen\", \"lines\": \"one\\ntwo\\n\"}\n");
    const std::string json =
        R"({"db": {"password": "ä\"b", "port": 5432}, "on": false, "ratio": 0.25, "l": ["x", null]})";
    for (const char* rules : {"", " '^db$'"}) {
        const auto closed = by_reference(json, "encrypt " + recipient_of(keys) + rules);
        const auto opened = SecretFile::open_bytes("s.json", closed, keys);
        CHECK(opened.form() == SecretFile::Form::sops_json);
        CHECK(at(opened, {"db", "password"}) == "ä\"b");
        CHECK(at(opened, {"db", "port"}) == "5432");
        CHECK(at(opened, {"on"}) == "false");
        CHECK(at(opened, {"ratio"}) == "0.25");
        auto changed = SecretFile::open_bytes("s.json", closed, keys);
        changed.set("db.password", "other");
        CHECK(by_reference(changed.bytes(), "decrypt " + beside + "key.txt").find("\"password\": \"other\"") !=
              std::string::npos);
    }
}

TEST_CASE("a key file that others may read opens nothing") {
    char path[] = "/tmp/chaos-key-XXXXXX";
    const int made = mkstemp(path);
    REQUIRE(made >= 0);
    close(made);
    std::ofstream(path) << make_key().file;
    CHECK(own_recipients({{{path, false}}}).size() == 1);
    chmod(path, 0640);
    CHECK_THROWS_WITH(own_recipients({{{path, false}}}), doctest::Contains("others may read"));
    unlink(path);
    CHECK_THROWS_WITH(own_recipients({{{path, true}}}), doctest::Contains("can not read the key file"));
    CHECK_THROWS_WITH(own_recipients({{{path, false}}}), "there is no key at hand");
}
