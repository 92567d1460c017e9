// SPDX-License-Identifier: Apache-2.0
// What is a person's: services and units of a session, linger, settings of a desktop.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include "gvariant.hpp"
#include "person.hpp"
#include "support/small_run.hpp"

using namespace chaos;
using namespace chaos::test;

namespace {

constexpr const char* unit = "[Service]\nExecStart=/bin/sleep\n[Install]\nWantedBy=default.target\n";
constexpr const char* own = "/home/eve/.config/systemd/user";
constexpr const char* runs = "/run/user/1000/test/tick";  // there while eve's manager runs it

/// systemctl --user of eve, as far as it is spoken to.
Output systemctl(FakeHost& host, const Command& command) {
    CHECK(command.user == "eve");
    const auto& verb = command.argv.at(2);
    const std::string link = fmt::format("{}/default.target.wants/tick.service", own);
    if (verb == "show") {
        const bool active = bool(host.look(runs));
        return {0,
                fmt::format("Id=tick.service\nNames=tick.service\nLoadState=loaded\nActiveState={}\nSubState=x\n"
                            "InvocationID={}\nCanReload=yes\nNeedDaemonReload=no\n",
                            active ? "active" : "inactive", active ? "0123" : ""),
                ""};
    }
    CHECK(command.argv.back() == "tick.service");
    if (verb == "enable") host.put_link(link, "/usr/lib/systemd/user/tick.service");
    if (verb == "disable") host.erase(fmt::format("{}/default.target.wants", own));
    if (verb == "start" || verb == "restart") host.put_file(runs, "");
    if (verb == "stop") host.erase(runs);
    return {};
}

FakeHost with_eve(bool has_session) {
    FakeHost host;
    host.put_file("/etc/passwd", "root:x:0:0:root:/root:/bin/bash\neve:x:1000:1000::/home/eve:/bin/bash\n");
    host.put_file("/etc/group", "root:x:0:\neve:x:1000:\n");
    host.put_directory("/home/eve", 0755, 1000, 1000);
    host.put_file("/usr/lib/systemd/user/tick.service", unit);
    host.put_command("systemctl", systemctl);
    if (has_session) {
        host.put_file("/run/user/1000/systemd/private", "");
        host.put_directory("/run/user/1000/test");
    }
    return host;
}

Resource of_eve(const char* kind, const char* key_name, const char* key, std::initializer_list<Said> more = {}) {
    auto said = attributes(more);
    said.push_back({Value(std::string(key_name)), Value(std::string("~eve/") + key)});
    return declare(kind, std::move(said));
}

std::string variant(Value value) {
    return Codec<resources::Variant>::decode(value).text;
}

}  // namespace

TEST_CASE("an id that is a person's names her first") {
    const auto service = of_eve("service", "name", "tick.service");
    CHECK(service.id.key == "~eve/tick");
    CHECK(to_text(service.id) == "~eve/service:tick");
    CHECK_THROWS_AS(resources::clean_owned("~a:b/x", [](std::string_view k) { return std::string(k); }), Error);
    CHECK_THROWS_AS(resources::clean_owned("~eve", [](std::string_view k) { return std::string(k); }), Error);
}

TEST_CASE("a service of a session that runs is enabled and started as its person, and goes back") {
    FakeHost host = with_eve(true);
    host.put_directory(own, 0755, 1000, 1000);
    const auto before = host.dump();
    const Catalog wish{of_eve("service", "name", "tick")};
    const auto run = apply(host, wish);
    CHECK(host.look(runs));
    CHECK(host.look(std::string(own) + "/default.target.wants/tick.service"));
    CHECK(plan_for(host, wish).steps.empty());
    take_back(host, run);
    CHECK(host.dump() == before);
}

TEST_CASE("without a session a service is enabled by its links alone, and the plan says what waits") {
    FakeHost host = with_eve(false);
    host.put_directory(own, 0755, 1000, 1000);
    const auto before = host.dump();
    const Catalog wish{of_eve("service", "name", "tick")};
    const auto run = plan_for(host, wish);
    REQUIRE(run.problems.remarks().size() == 1);
    CHECK(std::string(run.problems.remarks()[0].what()).find("eve has no session now") == 0);
    const auto applied = apply(host, wish);
    for (const auto& command : host.ran()) {
        const auto& words = command.environment;
        CHECK(std::find(words.begin(), words.end(), "SYSTEMD_OFFLINE=1") != words.end());
    }
    CHECK(plan_for(host, wish).steps.empty());
    take_back(host, applied);
    CHECK(host.dump() == before);
}

TEST_CASE("what every session starts can not be disabled for one, only masked") {
    FakeHost host = with_eve(true);
    host.put_link("/etc/systemd/user/default.target.wants/tick.service", "/usr/lib/systemd/user/tick.service");
    const auto run = plan_for(host, {of_eve("service", "name", "tick", {{"enabled", "false"}, {"running", "false"}})});
    REQUIRE_FALSE(run.problems.ok());
    CHECK(run.problems.errors()[0].hint == "masked: true, with running: false");
}

TEST_CASE("a unit of a person lies in her home, is hers, and goes back with its directories") {
    FakeHost host = with_eve(false);
    const auto before = host.dump();
    const Catalog wish{of_eve("unit", "name", "mine.service", {{"content", unit}})};
    const auto run = apply(host, wish);
    CHECK(host.text(std::string(own) + "/mine.service") == unit);
    CHECK(host.look(std::string(own) + "/mine.service").uid == 1000);
    CHECK(host.look(own).uid == 1000);
    CHECK(plan_for(host, wish).steps.empty());
    take_back(host, run);
    CHECK(host.dump() == before);
}

TEST_CASE("lingering is asked of logind, and told by its mark") {
    FakeHost host = with_eve(false);
    host.put_directory("/var/lib/systemd/linger");
    host.put_unit("user@1000.service", "[Service]\nExecStart=/bin/x\n");
    host.put_command("loginctl", [](FakeHost& h, const Command& command) {
        const auto mark = "/var/lib/systemd/linger/" + command.argv.at(2);
        command.argv.at(1) == "enable-linger" ? h.put_file(mark, "") : h.erase(mark);
        return Output{};
    });
    const Catalog wish{declare("linger", attributes({{"name", "eve"}, {"enabled", "true"}}))};
    const auto run = apply(host, wish);
    CHECK(host.look("/var/lib/systemd/linger/eve"));
    CHECK(host.controlled() == std::vector<std::string>{"start user@1000.service"});
    CHECK(plan_for(host, wish).steps.empty());
    take_back(host, run);
    CHECK_FALSE(host.look("/var/lib/systemd/linger/eve"));
    CHECK(plan_for(host, {declare("linger", attributes({{"name", "eve"}, {"enabled", "false"}}))}).steps.empty());
}

TEST_CASE("values of a manifest become GVariants in their one spelling") {
    CHECK(variant(Value("prefer-dark")) == "'prefer-dark'");
    CHECK(variant(Value("it's")) == "\"it's\"");
    CHECK(variant(Value("true")) == "true");
    CHECK(variant(Value("-5")) == "-5");
    CHECK(variant(Value("1.5")) == "1.5");
    CHECK(variant(Value("1.5.2")) == "'1.5.2'");
    CHECK(variant(Value("a\tb\\c\n")) == "'a\\tb\\\\c\\n'");
    CHECK(variant(Value(Value::List{Value("caps:escape"), Value("b")})) == "['caps:escape', 'b']");
    CHECK(variant(Value(Value::List{})) == "@as []");
    const auto exact = [](const char* text) { return variant(Value(Value::Map{{Value("variant"), Value(text)}})); };
    CHECK(exact("[ ('xkb','us'),('xkb' , \"de\")]") == "[('xkb', 'us'), ('xkb', 'de')]");
    CHECK(exact("{'a':<1>,'b':<'x'>}") == "{'a': <1>, 'b': <'x'>}");
    CHECK(exact("uint32  5") == "uint32 5");
    CHECK(exact("(1,)") == "(1,)");
    CHECK(exact("'\\u00e9'") == "'\xc3\xa9'");
    for (const char* wrong : {"", "[1", "1]", "'a", "(]", "'\\u00z0'"}) CHECK_THROWS_AS(exact(wrong), Error);
    CHECK_THROWS_AS(variant(Value(Value::Map{{Value("a"), Value("b")}})), Error);
    for (const char* text :
         {"'x'", "true", "5", "'true'", "'5'", "''", "['a']", "['1']", "@as []", "uint32 5", "<'x'>"}) {
        CAPTURE(text);
        CHECK(variant(Codec<resources::Variant>::encode({text})) == text);
    }
}

TEST_CASE("a number gets the type that is asked for, or nothing") {
    const auto typed = [](const char* text, const char* type) { return resources::typed({text}, type, {}).text; };
    CHECK(typed("5", "uint32") == "uint32 5");
    CHECK(typed("5", "double") == "5.0");
    CHECK(typed("5", "string") == "'5'");
    CHECK(typed("200", "byte") == "byte 0xc8");
    CHECK_THROWS_AS(typed("-5", "uint32"), Error);
    CHECK_THROWS_AS(typed("300", "byte"), Error);
    CHECK_THROWS_AS(typed("'x'", "int64"), Error);
    CHECK_THROWS_AS(typed("true", "double"), Error);
}

TEST_CASE("settings are set in one move and reset one by one; a number keeps the type that is there") {
    FakeHost host = with_eve(false);
    const std::string database = "/home/eve/.config/dconf/user";
    host.put_file("/usr/bin/dconf", "");
    host.put_file(database, "[org/example]\nage=uint32 5\n");
    const auto dconf = [database](FakeHost& h, const Command& command) {
        CHECK(command.user == "eve");
        const bool session = command.argv.at(0) == "dbus-run-session";
        const auto& verb = command.argv.at(session ? 3 : 1);
        const auto held = h.look(database) ? h.text(database) : std::string();
        if (verb == "dump") return Output{0, held, ""};
        std::map<std::string, std::string> keys;
        const auto read = [&](std::string text) {
            std::string section;
            for (std::string::size_type end; (end = text.find('\n')) != text.npos; text.erase(0, end + 1)) {
                const auto line = text.substr(0, end);
                if (line.starts_with('['))
                    section = line;
                else if (const auto equals = line.find('='); equals != line.npos)
                    keys[section + "\n" + line.substr(0, equals)] = line.substr(equals + 1);
            }
        };
        read(held);
        if (verb == "load") read(command.input);
        if (verb == "reset") {
            const auto& key = command.argv.back();
            const auto slash = key.rfind('/');
            keys.erase("[" + key.substr(1, slash - 1) + "]\n" + key.substr(slash + 1));
        }
        std::string text;
        for (const auto& [key, value] : keys) text += key + "=" + value + "\n";
        h.put_file(database, text);
        return Output{};
    };
    host.put_command("dconf", dconf);
    host.put_command("dbus-run-session", dconf);
    const Catalog wish{of_eve("dconf", "key", "/org/example/age", {{"value", "7"}}),
                       of_eve("dconf", "key", "/org/example/name", {{"value", "eve"}})};
    const auto run = apply(host, wish);
    CHECK(host.text(database).find("age=uint32 7\n") != std::string::npos);
    CHECK(host.text(database).find("name='eve'\n") != std::string::npos);
    CHECK(host.ran().size() == 1);
    CHECK(plan_for(host, wish).steps.empty());
    take_back(host, run);
    CHECK(host.text(database) == "[org/example]\nage=uint32 5\n");
    host.erase(database);
    host.erase("/home/eve/.config/dconf");
    take_back(host, apply(host, wish));  // dconf made a database for it, and leaves an empty one
    CHECK_FALSE(host.look("/home/eve/.config/dconf"));
}

TEST_CASE("a key of dconf is a path, and its mistakes are told") {
    for (const char* wrong : {"org/x", "/org/x/", "/org//x", "/org/[x]"})
        CHECK_THROWS_AS(of_eve("dconf", "key", wrong), Error);
    CHECK_FALSE(plan_for(with_eve(false), {of_eve("dconf", "key", "/a/b", {{"value", "x"}, {"type", "uint32"}})})
                    .problems.ok());
}
