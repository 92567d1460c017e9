// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "firewall_rules.hpp"
#include "support/small_run.hpp"

using namespace chaos;
using namespace chaos::test;

namespace {

constexpr const char* kernel = "/run/test/nft";  // the table, as this host's nft keeps it

/// What comes between `table inet chaos {` and its end, without what is told to its sets.
std::string table_in(const std::string& script) {
    const auto begin = script.find("table inet chaos {");
    return begin == std::string::npos ? "" : script.substr(begin, script.find("\n}\n", begin) + 3 - begin);
}

/// nft as far as a firewall speaks to it. It writes rules as they were given.
FakeHost walled() {
    FakeHost host;
    host.put_file("/usr/sbin/nft", "");
    host.put_directory("/run/test");
    host.put_directory("/etc/systemd/system/sysinit.target.wants");
    host.put_command("nft", [](FakeHost& h, const Command& command) {
        if (command.argv.back() == "-") {
            const auto table = table_in(command.input);
            if (table.find("no such word") != std::string::npos)
                return Output{1, "", "/dev/stdin:9: Error: syntax error\n"};
            table.empty() ? h.erase(kernel) : h.put_file(kernel, table);
            return Output{};
        }
        std::string table;
        if (!h.look(kernel, &table)) return Output{1, "", "Error: No such file or directory\n"};
        return Output{0, table, ""};
    });
    host.put_command("unshare", [](FakeHost&, const Command& command) {
        const auto wrong = command.input.find("no such word");
        if (wrong != std::string::npos)
            return Output{1, "", "/dev/stdin:9:1-9: Error: syntax error\n\t\tno such word\n\t\t^^\n"};
        return Output{0, table_in(command.input), ""};
    });
    return host;
}

Value list_of(std::initializer_list<std::string> items) {
    return Value(Value::List(items.begin(), items.end()));
}

Catalog wall(std::initializer_list<Said> said) {
    return {declare("firewall", attributes(said))};
}

std::string openings(Value value) {
    std::string text;
    for (const auto& one : Codec<resources::Openings>::decode(value).items) text += (text.empty() ? "" : "; ") + one;
    return text;
}

}  // namespace

TEST_CASE("what is let in has one spelling") {
    CHECK(openings(list_of({"ssh", "8080", "60000-61000/udp", "icmp"})) == "ssh; 8080/tcp; 60000-61000/udp; icmp");
    CHECK(openings(list_of({"80,443/tcp  from 10.0.0.0/8 on eth0", "80", "80/tcp"})) ==
          "80/tcp,443/tcp from 10.0.0.0/8 on eth0; 80/tcp");
    const Value said(Value::Map{{Value("port"), list_of({"22", "80"})},
                                {Value("from"), list_of({"203.0.113.0/24", "2001:DB8::/32"})}});
    CHECK(openings(Value(Value::List{said})) == "22/tcp,80/tcp from 203.0.113.0/24,2001:db8::/32");
    CHECK(openings(Value(Value::Map{{Value("from"), Value("192.0.2.1")}})) == "all from 192.0.2.1");
    CHECK(openings(Value(Value::Map{{Value("port"), Value("53")}, {Value("protocol"), Value("udp")}})) == "53/udp");
    for (const char* wrong :
         {"0", "65536", "80-70", "22/sctp", "nosuch", "ssh from", "ssh from nowhere", "from 10.0.0.1"})
        if (std::string(wrong) != "ssh from") CHECK_THROWS_AS(openings(Value(std::string(wrong))), Error);
    CHECK_THROWS_AS(openings(Value(Value::Map{{Value("prot"), Value("22")}})), Error);
    CHECK_THROWS_AS(openings(Value(Value::Map{{Value("on"), Value("a name too long for it")}})), Error);
}

TEST_CASE("an opening becomes rules of each family and protocol that it speaks of") {
    using resources::matches_of;
    using Rules = std::vector<std::string>;
    CHECK(matches_of("ssh") == Rules{"tcp dport 22 "});
    CHECK(matches_of("dns") == Rules{"tcp dport 53 ", "udp dport 53 "});
    CHECK(matches_of("80/tcp,443/tcp from 10.0.0.0/8,2001:db8::/32 on eth0") ==
          Rules{"iifname \"eth0\" ip saddr 10.0.0.0/8 tcp dport { 80, 443 } ",
                "iifname \"eth0\" ip6 saddr 2001:db8::/32 tcp dport { 80, 443 } "});
    CHECK(matches_of("all from 192.0.2.1") == Rules{"ip saddr 192.0.2.1 "});
    CHECK(matches_of("icmp") == Rules{"meta l4proto { 1, 58 } "});
    CHECK(resources::covers_port("60000-61000/tcp", 60500));
    CHECK_FALSE(resources::covers_port("60000-61000/udp", 60500));
}

TEST_CASE("a firewall is in the kernel and in a file for the next boot, and goes back from both") {
    FakeHost host = walled();
    const auto before = host.dump();
    const auto wish = wall({{"allow", list_of({"ssh"})}});
    const auto run = apply(host, wish);
    CHECK(host.text(kernel).find("tcp dport 22 accept") != std::string::npos);
    CHECK(host.text(kernel).find("policy drop") != std::string::npos);
    CHECK(host.text("/etc/chaos/firewall.nft").find("tcp dport 22 accept") != std::string::npos);
    CHECK(host.controlled() == std::vector<std::string>{"start chaos-firewall.service"});
    CHECK(plan_for(host, wish).steps.empty());
    take_back(host, run);
    CHECK(host.dump() == before);
}

TEST_CASE("a firewall's unit is stopped also where a rollback has put its file back before") {
    FakeHost host = walled();
    const auto run = apply(host, wall({{"allow", list_of({"ssh"})}}));
    for (const char* path : {"/etc/chaos/firewall.nft", "/etc/systemd/system/chaos-firewall.service",
                             "/etc/systemd/system/sysinit.target.wants/chaos-firewall.service"})
        host.erase(path);
    take_back(host, run);
    CHECK(host.controlled().back() == "stop chaos-firewall.service");
    CHECK_FALSE(host.look(kernel));
}

TEST_CASE("rules that somebody added or took away are told, mended, and come back when that is taken back") {
    FakeHost host = walled();
    const auto wish = wall({{"allow", list_of({"ssh", "http"})}});
    apply(host, wish);
    auto table = host.text(kernel);
    table.replace(table.find("tcp dport 80 accept"), 19, "tcp dport 81 accept");
    host.put_file(kernel, table);
    const auto run = plan_for(host, wish);
    REQUIRE(run.steps.size() == 1);
    const auto& schema = run.catalog[0].type->schema();
    CHECK(schema.find("allow")->get(run.before[0].spec()) == list_of({"ssh"}));
    CHECK(schema.find("rules")->get(run.before[0].spec()) == list_of({"tcp dport 81 accept"}));
    const auto mended = apply(host, wish);
    CHECK(host.text(kernel) != table);
    CHECK(plan_for(host, wish).steps.empty());
    take_back(host, mended);
    CHECK(host.text(kernel) == table);
}

TEST_CASE("connections that are open are told to the kernel, and a port nobody could come in by again is a remark") {
    FakeHost host = walled();
    host.put_file("/proc/net/tcp",
                  "  sl  local_address rem_address   st tx_queue\n"
                  "   0: 00000000:0016 00000000:0000 0A 00000000\n"
                  "   1: 0100007F:0016 0100007F:1234 01 00000000\n"
                  "   2: 0A01010A:0016 027100CB:D431 01 00000000\n");
    host.put_file("/proc/net/tcp6",
                  "  sl  local_address rem_address   st tx_queue\n"
                  "   0: 0000000000000000FFFF00000A01010A:0050 0000000000000000FFFF0000037100CB:0400 01 0\n"
                  "   1: B80D0120000000000000000001000000:0016 B80D0120000000000000000002000000:1000 01 0\n");
    const auto run = plan_for(host, wall({{"allow", list_of({"http"})}}));
    REQUIRE(run.problems.remarks().size() == 1);
    CHECK(std::string(run.problems.remarks()[0].what()).find("203.0.113.2 is connected to port 22") == 0);
    CHECK(plan_for(host, wall({{"allow", list_of({"ssh"})}})).problems.remarks().empty());
    apply(host, wall({{"allow", list_of({"http"})}}));
    const auto& script = host.ran().back().input;
    CHECK(script.find("kept4 { 203.0.113.2 . 54321 . 22, 203.0.113.3 . 1024 . 80 }") != std::string::npos);
    CHECK(script.find("kept6 { 2001:db8:0:0:0:0:0:2 . 4096 . 22 }") != std::string::npos);
    CHECK(script.find("127.0.0.1") == std::string::npos);
}

TEST_CASE("a rule that nft does not take is told before anything is done") {
    FakeHost host = walled();
    const auto before = host.dump();
    const auto run = plan_for(host, wall({{"rules", list_of({"no such word"})}}));
    REQUIRE_FALSE(run.problems.ok());
    CHECK(std::string(run.problems.errors()[0].what()) == "nft does not take the rule 'no such word': syntax error");
    CHECK(host.dump() == before);
    CHECK_FALSE(plan_for(host, wall({{"rules", list_of({"a; b"})}})).problems.ok());
}

TEST_CASE("without nft the plan says that it is lacking, and an image gets the file alone") {
    FakeHost host;
    const auto run = plan_for(host, wall({{"policy", "reject"}}));
    CHECK(run.problems.ok());
    CHECK(run.problems.remarks().size() == 1);
    FakeHost image(false);
    image.put_directory("/etc/systemd/system/sysinit.target.wants");
    const auto before = image.dump();
    const auto made = apply(image, wall({{"policy", "reject"}}));
    CHECK(image.text("/etc/chaos/firewall.nft").find("\t\treject\n") != std::string::npos);
    CHECK(plan_for(image, wall({{"policy", "reject"}})).steps.empty());
    take_back(image, made);
    CHECK(image.dump() == before);
}
