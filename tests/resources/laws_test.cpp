// SPDX-License-Identifier: Apache-2.0
// Laws over the whole registry: what is true of one kind is true of all. The material is each schema's own examples.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chaos/manifest.hpp>
#include <set>

#include "support/glibc.hpp"
#include "support/small_run.hpp"

using namespace chaos;
using namespace chaos::test;

namespace {

/// The value that a manifest's text gives, as far as examples go: a scalar in quotes or plain, or a flow list or
/// mapping.
Value value_of(std::string_view sample) {
    const bool structured = !sample.empty() && (sample.front() == '[' || sample.front() == '{');
    if (structured) {
        const bool list = sample.front() == '[';
        const auto inside = sample.substr(1, sample.size() - 2);
        Value::List members;
        Value::Map entries;
        for (std::size_t at = 0; at < inside.size();) {
            const auto end = std::min(inside.find(", ", at), inside.size());
            const auto part = inside.substr(at, end - at);
            if (list)
                members.push_back(value_of(part));
            else
                entries.push_back(
                    {Value(std::string(part.substr(0, part.find(": ")))), value_of(part.substr(part.find(": ") + 2))});
            at = end + 2;
        }
        return list ? Value(std::move(members)) : Value(std::move(entries));
    }
    if (sample.size() < 2 || sample.front() != '"' || sample.back() != '"') return Value(std::string(sample));
    std::string text;
    for (std::size_t i = 1; i + 1 < sample.size(); ++i) {
        const bool escaped = sample[i] == '\\';
        if (escaped) ++i;
        text += escaped && sample[i] == 'n' ? '\n' : sample[i];
    }
    return Value(std::move(text));
}

/// Every attribute that a manifest can write, as in its example.
Value::Map example_of(const Schema& schema) {
    Value::Map map;
    for (const Field& field : schema.fields)
        if (field.role != Field::Role::seen && !field.compiled_away())
            map.push_back({Value(std::string(field.name)), value_of(field.sample)});
    return map;
}

/// Kinds that only need files, the kernel's values and commands of their own: FakeHost has all that. Those that need a
/// distribution's tools are held to these laws in a booted host.
constexpr std::array<std::string_view, 16> at_home = {
    "file",       "directory",       "link", "unit",       "hostname", "timezone", "sysctl", "exec", "locale", "keymap",
    "bootloader", "authorized_keys", "sudo", "repository", "ntp",      "link_set"};

bool is_at_home(const ResourceType* type) {
    return std::find(at_home.begin(), at_home.end(), type->schema().name) != at_home.end();
}

/// A host on which every example can come true.
FakeHost fertile() {
    FakeHost host;
    host.put_file("/etc/debian_version", "12.0\n");
    host.put_file("/etc/hostname", "old\n");
    host.put_kernel("/proc/sys/kernel/hostname", "old");
    host.put_kernel("/proc/sys/net/core/somaxconn", "128");
    host.put_file("/usr/share/zoneinfo/Europe/Rome", "TZif");
    host.put_command("make", [](FakeHost& h, const Command& command) {
        if (command.argv.back() == "install")
            h.put_file("/usr/local/bin/tool", "");
        else
            h.erase("/usr/local/bin/tool");
        return Output{};
    });
    host.put_command("/bin/sh", [](FakeHost& h, const Command& command) {
        if (command.argv.back() == "make install") h.put_file("/usr/local/bin/tool", "");
        if (command.argv.back() == "make uninstall") h.erase("/usr/local/bin/tool");
        return Output{command.argv.back().starts_with("test ") && !h.look("/usr/local/bin/tool") ? 1 : 0, "", ""};
    });
    host.put_directory("/usr/local/bin");
    host.put_file("/etc/passwd",
                  "root:x:0:0:root:/root:/bin/bash\nwww-data:x:33:33:www-data:/var/www:/bin/sh\n"
                  "deploy:x:1000:1000::/home/deploy:/bin/sh\n");
    host.put_file("/etc/group", "root:x:0:\nwww-data:x:33:\ndeploy:x:1000:\n");
    host.put_directory("/home/deploy", 0755, 1000, 1000);
    host.put_directory("/etc/systemd/system/sysinit.target.wants");
    host.put_unit("systemd-timesyncd.service", "[Install]\nWantedBy=sysinit.target\n");
    host.put_file("/usr/sbin/update-grub", "");
    host.put_command("update-grub", [](FakeHost&, const Command&) { return Output{}; });  // what it writes is an effect
    host.put_directory("/boot/grub");
    host.put_directory("/etc/apt");
    put_localedef(host);
    host.put_directory("/srv/dotfiles/profile");
    host.put_directory("/etc/profile.d");
    return host;
}

Value::Map example_on_host(const Schema& schema) {
    auto map = example_of(schema);
    // These two guards of the example exclude each other, as guards of different commands do.
    if (schema.name == "exec") std::erase_if(map, [](const auto& entry) { return entry.key.text() == "onlyif"; });
    // What only pacman has; and a fingerprint is of a key.
    if (schema.name == "repository")
        std::erase_if(map, [](const auto& entry) {
            const auto& name = entry.key.text();
            return name == "include" || name == "siglevel" || name == "fingerprint";
        });
    return map;
}

/// One example of each kind that is at home here.
Catalog all_examples() {
    Catalog catalog;
    for (const ResourceType* type : builtin_types())
        if (is_at_home(type)) catalog.push_back(declare(type->schema().name, example_on_host(type->schema())));
    return catalog;
}

template <class Law>
void for_each_kind(Law law) {
    for (const ResourceType* type : builtin_types()) {
        CAPTURE(type->schema().name);
        law(*type);
    }
}

template <class Law>
void for_each_example(Law law) {
    for_each_kind([&](const ResourceType& type) {
        if (is_at_home(&type)) law(Catalog{declare(type.schema().name, example_on_host(type.schema()))});
    });
}

}  // namespace

TEST_CASE("every attribute has a description and an example") {
    for_each_kind([](const ResourceType& type) {
        CHECK_FALSE(type.schema().doc.empty());
        for (const Field& field : type.schema().fields) {
            CAPTURE(field.name);
            CHECK_FALSE(field.doc.empty());
            if (!field.compiled_away()) CHECK_FALSE(field.sample.empty());
            if (!field.into.empty()) CHECK(type.schema().find(field.into));
            if (field.stands_for.empty()) continue;
            const ResourceType* given = Registry{builtin_types(), {}}.type(field.stands_for);
            REQUIRE(given);
            CHECK(given->schema().key());
            CHECK_FALSE(given->schema().main.empty());
        }
        if (!type.schema().main.empty()) CHECK(type.schema().find(type.schema().main));
    });
}

TEST_CASE("no kind has an attribute of a meta attribute's name") {
    static constexpr std::array<std::string_view, 21> meta = {
        "doc",     "tags", "when",  "each",  "as",   "needs", "before", "watch",   "notify",  "absent", "keep",
        "protect", "once", "exact", "audit", "user", "raw",   "retry",  "timeout", "confirm", "notify"};
    for_each_kind([](const ResourceType& type) {
        for (const Field& field : type.schema().fields) {
            CAPTURE(field.name);
            // The one exception, until every resource has a timeout.
            if (type.schema().name == "exec" && field.name == "timeout") continue;
            CHECK(std::find(meta.begin(), meta.end(), field.name) == meta.end());
        }
    });
}

TEST_CASE("names of kinds, sections and attributes are each used once") {
    std::set<std::string_view> names;
    for_each_kind([&](const ResourceType& type) {
        CHECK(names.insert(type.schema().name).second);
        if (type.schema().section != type.schema().name) CHECK(names.insert(type.schema().section).second);
        std::set<std::string_view> fields;
        for (const Field& field : type.schema().fields) CHECK(fields.insert(field.name).second);
    });
}

TEST_CASE("decoding what was encoded gives the same") {
    for_each_kind([](const ResourceType& type) {
        const Schema& schema = type.schema();
        Diagnostics problems;
        const State first = decode(schema, Value(example_of(schema)), problems);
        REQUIRE_MESSAGE(problems.ok(), problems.errors().front().what());
        const Value kept = encode(schema, first);
        const State second = decode(schema, kept, problems);
        REQUIRE_MESSAGE(problems.ok(), problems.errors().front().what());
        CHECK(same(schema, first, second));
        CHECK(to_json(encode(schema, second)) == to_json(kept));
        for (const Field& field : schema.fields)
            if (field.get) CHECK(field.same(first.spec(), second.spec()));
    });
}

TEST_CASE("explain and the editors' schema mention every attribute") {
    const Registry registry{builtin_types(), {}};
    const auto editors = json_schema(registry);
    for_each_kind([&](const ResourceType& type) {
        const auto page = explain(registry, type.schema().name);
        CHECK(editors.find(fmt::format("\"{}\"", type.schema().section)) != std::string::npos);
        for (const Field& field : type.schema().fields) {
            CAPTURE(field.name);
            CHECK(page.find(field.doc) != std::string::npos);
            CHECK(page.find(field.name) != std::string::npos);
            if (field.role != Field::Role::seen)
                CHECK(editors.find(fmt::format("\"{}\"", field.name)) != std::string::npos);
        }
    });
}

TEST_CASE("a kind's key is clean after it was cleaned") {
    for_each_kind([](const ResourceType& type) {
        if (!type.schema().clean) return;
        const auto clean = type.schema().clean(value_of(type.schema().key()->sample).text());
        CHECK(type.schema().clean(clean) == clean);
    });
}

TEST_CASE("what was applied is observed as the goal, and applying again changes nothing") {
    for_each_example([](const Catalog& catalog) {
        FakeHost host = fertile();
        const auto run = apply(host, catalog);
        CHECK_FALSE(run.steps.empty());
        const auto again = plan_for(host, run.catalog);
        for (std::size_t i = 0; i < run.goal.size(); ++i) {
            const Schema& schema = run.catalog[i].type->schema();
            CHECK(differences(schema, again.before[i], run.goal[i]).empty());
            CHECK(!again.before[i] == !run.goal[i]);
        }
        CHECK(again.steps.empty());
        const auto changes = host.changes();
        carry_out(host, run.steps);  // and calling apply again touches nothing
        if (run.catalog[0].type->way() == Way::files) CHECK(host.changes() == changes);
    });
}

TEST_CASE("what is resolved stays so when it is resolved again") {
    for_each_example([](const Catalog& catalog) {
        FakeHost host = fertile();
        auto run = plan_for(host, catalog);
        for (std::size_t i = 0; i < run.catalog.size(); ++i) {
            if (!run.goal[i]) continue;
            run.catalog[i].wanted = run.goal[i];
        }
        const auto again = plan_for(host, run.catalog);
        REQUIRE(again.catalog.size() == run.catalog.size());
        for (std::size_t i = 0; i < run.goal.size(); ++i)
            CHECK(same(run.catalog[i].type->schema(), again.goal[i], run.goal[i]));
    });
}

TEST_CASE("taking back gives the host back") {
    for_each_example([](const Catalog& catalog) {
        FakeHost host = fertile();
        const auto before = host.dump();
        const auto run = apply(host, catalog);
        CHECK(host.dump() != before);
        take_back(host, run);
        CHECK(host.dump() == before);
    });
}

TEST_CASE("what goes comes back as it was") {
    for_each_example([](const Catalog& catalog) {
        if (catalog[0].id.key.empty()) return;  // a host is never without its name
        FakeHost host = fertile();
        apply(host, catalog);
        const auto before = host.dump();
        Catalog gone = catalog;
        gone[0].absent = true;
        const auto run = apply(host, gone);
        CHECK(host.dump() != before);
        CHECK(plan_for(host, gone).steps.empty());
        take_back(host, run);
        CHECK(host.dump() == before);
    });
}

TEST_CASE("a batch taken back equals its parts taken back") {
    const Catalog catalog = all_examples();
    FakeHost whole = fertile(), parts = fertile();
    take_back(whole, apply(whole, catalog));
    std::vector<SmallRun> runs;
    for (const Resource& resource : catalog) runs.push_back(apply(parts, {resource}));
    for (auto run = runs.rbegin(); run != runs.rend(); ++run) take_back(parts, *run);
    CHECK(whole.dump() == parts.dump());
    CHECK(whole.dump() == fertile().dump());
}

TEST_CASE("a crash at every change, then taking back, gives the host back") {
    const auto catalog = all_examples();
    const auto before = fertile().dump();
    std::size_t last = 0;
    {
        FakeHost host = fertile();
        apply(host, catalog);
        last = host.changes();
    }
    REQUIRE(last > 8);
    for (std::size_t at = 1; at <= last; ++at) {
        CAPTURE(at);
        FakeHost host = fertile();
        const auto run = plan_for(host, catalog);
        host.crash_at(at);
        bool crashed = false;
        try {
            carry_out(host, run.steps);
        } catch (const Crash&) {
            crashed = true;
        }
        CHECK(crashed);
        host.heal();
        take_back(host, run);
        CHECK(host.dump() == before);
    }
}

TEST_CASE("a crash while taking back, and taking back again, gives the host back") {
    const auto catalog = all_examples();
    const auto before = fertile().dump();
    for (std::size_t at = 1; at < 100; ++at) {
        CAPTURE(at);
        FakeHost host = fertile();
        const auto run = apply(host, catalog);
        host.crash_at(at);
        bool crashed = false;
        try {
            take_back(host, run);
        } catch (const Crash&) {
            crashed = true;
        }
        host.heal();
        take_back(host, run);
        CHECK(host.dump() == before);
        if (!crashed) return;
    }
    FAIL("taking back has no end");
}

TEST_CASE("planning changes nothing") {
    FakeHost host = fertile();
    const auto before = host.dump();
    plan_for(host, all_examples());
    CHECK(host.dump() == before);
    CHECK(host.changes() == 0);
    CHECK(host.queued() == 0);
}
