// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <sys/stat.h>
#include <chaos/secrets.hpp>
#include <fstream>
#include <sstream>
#include "site_kinds.hpp"
#include "support/fake_host.hpp"

using namespace chaos;
using namespace chaos::test;

namespace {

const std::string beside = std::string(CHAOS_SECRETS) + "/";

KeyRing ring(bool may_lack = false) {
    chmod((beside + "key.txt").c_str(), 0600);
    if (may_lack) return {{}, nullptr, true};
    return {{{beside + "key.txt", true}}};
}

/// A file of secrets with these; of sops, whose names lie open, or of age.
std::string closed(const std::string& text, SecretFile::Form form = SecretFile::Form::sops_yaml) {
    auto file = SecretFile::make("s", form, own_recipients(ring()));
    file.replace(text);
    return file.bytes();
}

const std::string shop = "token: abc\ndb: {user: shop, password: hunter2}\nhash: $6$x$y\n";

bool is_hidden(const Reading& reading, std::string_view id, std::string_view attribute) {
    const Resource& resource = reading[id];
    const Value all = encode(resource.type->schema(), resource.wanted);
    const Value* held = all.find(attribute);
    return held && held->secret;
}

}  // namespace

TEST_CASE("secrets come by tag, by function, through variables, templates, loops and modules, and stay secret") {
    const auto reading = read_files({{"site.yml", R"(
secrets: s.yml
vars: {t: !secret token, all: "{{ secret('db') }}"}
files:
  /tag: !secret db.password
  /function: "{{ secret('db.user') ~ '!' }}"
  /variable: "a {{ vars.t }} b"
  /inside: "{{ vars.all.password }}"
  /template: {template: t.j2, with: {x: "{{ vars.t }}"}}
  /condition: {template: c.j2}
  "/{{ item.name }}": {each: [{name: ana, pin: !secret token}], content: "{{ item.pin }}"}
  /filter: "{{ vars.t | upper }}"
  /clean: "x"
use: [{module: m, with: {password: !secret token}}]
)"},
                                     {"s.yml", closed(shop)},
                                     {"t.j2", "{{ x }}/{{ secret('db.user') }}"},
                                     {"c.j2", "{% if secret('token') == 'abc' %}yes{% endif %}"},
                                     {"modules/m.yml",
                                      "params: {password: {type: secret}}\n"
                                      "files: {/module: \"{{ params.password }}\"}\n"}});
    REQUIRE(reading.errors() == "");
    const std::pair<const char*, const char*> wanted[] = {
        {"/tag", "hunter2"},    {"/function", "shop!"},    {"/variable", "a abc b"},
        {"/inside", "hunter2"}, {"/template", "abc/shop"}, {"/condition", "yes"},
        {"/ana", "abc"},        {"/filter", "ABC"},        {"/module", "abc"}};
    for (const auto& [path, text] : wanted) {
        CAPTURE(path);
        CHECK(reading.attribute(std::string("file:") + path, "content") == "\"" + std::string(text) + "\"");
        CHECK(is_hidden(reading, std::string("file:") + path, "content"));
        CHECK(reading.attribute(std::string("file:") + path, "secret") == "\"true\"");
    }
    CHECK_FALSE(is_hidden(reading, "file:/clean", "content"));
}

TEST_CASE("of several files of secrets the later wins, and a layer above adds its own") {
    const auto reading = read_files({{"site.yml",
                                      "include: [base.yml]\nsecrets: [one.yml, two.age]\n"
                                      "files: {/a: !secret a, /b: !secret b, /c: !secret c}\n"},
                                     {"base.yml", "secrets: base.age\n"},
                                     {"base.age", closed("a: base\nb: base\nc: base\n", SecretFile::Form::age_text)},
                                     {"one.yml", closed("a: one\nb: one\n")},
                                     {"two.age", closed("a: two\n", SecretFile::Form::age)}});
    REQUIRE(reading.errors() == "");
    CHECK(reading.attribute("file:/a", "content") == "\"two\"");
    CHECK(reading.attribute("file:/b", "content") == "\"one\"");
    CHECK(reading.attribute("file:/c", "content") == "\"base\"");
}

TEST_CASE("Ch-aOS's mapping of secrets is read, and its templates are files below homes") {
    const auto reading = read_files({{"site.yml",
                                      "secrets: {sec_file: s.yml, sec_mode: sops, sec_sops: .sops.yaml, "
                                      "templates: [{from: t.j2, to: .x, owner: dex, vars: [token]}]}\n"
                                      "files: {/a: !secret token}\n"},
                                     {"t.j2", "machine {{ token }}\n"},
                                     {"s.yml", closed(shop)}});
    REQUIRE(reading.errors() == "");
    CHECK(reading.attribute("file:/a", "content") == "\"abc\"");
    CHECK(reading.attribute("file:/home/dex/.x", "content") == "\"machine abc\\n\"");
    CHECK(reading.attribute("file:/home/dex/.x", "mode") == "\"0600\"");
    CHECK(is_hidden(reading, "file:/home/dex/.x", "content"));
}

TEST_CASE("a secret names nothing: what is not there is told by its name") {
    for (const char* expression :
         {"home(secret('token'))", "file(secret('token'))", "'x' | attr(secret('token'))",
          "[1] | map('attr', secret('token')) | list", "[{'a': 1}] | map(attribute=secret('token')) | list"}) {
        CAPTURE(expression);
        const auto reading =
            read_files({{"site.yml", "secrets: s.yml\nfiles: {/a: \"{{ " + std::string(expression) + " }}\"}\n"},
                        {"s.yml", closed(shop)}});
        CHECK(reading.errors().find("a secret can not") != std::string::npos);
        CHECK(reading.errors().find("abc") == std::string::npos);
    }
}

TEST_CASE("a secret is no key, and the names in what is secret as a whole are told by nobody") {
    const char* forms[] = {"{secret('token'): 1}",
                           "dict([[secret('token'), 1]])",
                           "secret('j') | from_json",
                           "{'a': 1} | combine(secret('j') | from_json)",
                           "[{'z': secret('j') | from_json}]",
                           "[{'z': {'content': secret('token')}}]"};
    const char* places[] = {"vars: {k: \"{{ X }}\"}\nfiles: {/a: \"{{ vars.k.nope }}\"}\n",
                            "files: {/a: {template: t.j2, with: \"{{ X }}\"}}\n",
                            "files: \"{{ X }}\"\n",
                            "files: \"{{ {'/a': X} }}\"\n",
                            "users: \"{{ {'a': X} }}\"\n",
                            "use: [{module: m, with: {p: \"{{ X }}\"}}]\n",
                            "files: {/a: \"{{ range(**(X)) }}\"}\n",
                            "files: {/a: \"{{ 1 | round(**(X)) }}\"}\n",
                            "blocks: [{each: \"{{ X }}\", files: {\"/{{ item }}\": x}}]\n"};
    for (const std::string form : forms)
        for (std::string text : places) {
            text.replace(text.find('X'), 1, form);
            CAPTURE(text);
            const auto reading = read_files({{"site.yml", "secrets: s.yml\n" + text},
                                             {"s.yml", closed("token: abc\nj: '{\"abc\": 1}'\n")},
                                             {"t.j2", "{{ q }}"},
                                             {"modules/m.yml", "params: {p: {type: {a: int}}}\n"}});
            CHECK(reading.errors() != "");
            CHECK(reading.errors().find("abc") == std::string::npos);
        }
}

TEST_CASE("what is made of a mapping that is secret is secret as a whole") {
    const auto reading = read_files({{"site.yml",
                                      "secrets: s.yml\nvars: {m: !secret db}\nfiles:\n"
                                      "  /copy: \"{{ vars.m.copy().user }}\"\n"
                                      "  /dict: \"{{ dict(vars.m, x=1).user }}\"\n"
                                      "  /combine: \"{{ ({'a': 1} | combine(vars.m)).user }}\"\n"
                                      "  /unique: \"{{ [secret('token'), 'b'] | unique | join(',') }}\"\n"},
                                     {"s.yml", closed(shop)}});
    REQUIRE(reading.errors() == "");
    for (const char* id : {"file:/copy", "file:/dict", "file:/combine", "file:/unique"}) {
        CAPTURE(id);
        CHECK(is_hidden(reading, id, "content"));
    }
    CHECK(reading.attribute("file:/combine", "content") == "\"shop\"");
}

TEST_CASE("a file with a secret in it is its owner's alone, unless a mode is said") {
    const auto reading = read_files({{"site.yml",
                                      "secrets: s.yml\nfiles:\n  /a: !secret token\n"
                                      "  /b: {content: x, secret: true}\n  /c: {content: !secret token, mode: 0640}\n"
                                      "  /d: {content: x, secret: false}\n  /e: x\n"},
                                     {"s.yml", closed(shop)}});
    REQUIRE(reading.errors() == "");
    CHECK(reading.attribute("file:/a", "mode") == "\"0600\"");
    CHECK(reading.attribute("file:/b", "mode") == "\"0600\"");
    CHECK(reading.attribute("file:/c", "mode") == "\"0640\"");
    CHECK_FALSE(reading["file:/d"].wanted == reading["file:/b"].wanted);
    CHECK(encode(reading["file:/d"].type->schema(), reading["file:/d"].wanted).find("mode") == nullptr);
    CHECK(encode(reading["file:/e"].type->schema(), reading["file:/e"].wanted).find("mode") == nullptr);
}

TEST_CASE("a file of secrets that is not there is told once, not for each secret in it") {
    const auto reading =
        read_files({{"site.yml",
                     "secrets: s.yml\nvars: {x: !secret a}\n"
                     "files: {/a: !secret a, /b: \"{{ secret('b') | upper }}\", /c: \"{{ vars.x }}\"}\n"}});
    REQUIRE(reading.problems.errors().size() == 1);
    CHECK(std::string(reading.problems.errors()[0].what()).starts_with("there is no file"));
}

TEST_CASE("variables that nothing uses are checked, but for those that need a secret") {
    const auto reading = read_files({{"site.yml",
                                      "secrets: s.yml\nvars: {ours: \"{{ secret('token') }}\", theirs: !secret token}\n"
                                      "files: {/a: x}\n"},
                                     {"s.yml", "neither\n"}});
    CHECK(reading.errors() == "");
    const auto wrong =
        read_text("vars: {a: \"{{ vars.b }}\", b: \"{{ vars.a }}\", c: \"{{ nope }}\"}\nfiles: {/a: x}\n");
    REQUIRE(wrong.problems.errors().size() == 2);
    CHECK(std::string(wrong.problems.errors()[0].what()) == "a variable needs itself: vars.b -> vars.a -> vars.b");
    CHECK(std::string(wrong.problems.errors()[1].what()) == "'nope' is not defined");
}

TEST_CASE("a file of secrets that nothing asks for is not opened") {
    const auto reading = read_files({{"site.yml", "secrets: s.yml\nfiles: {/a: x}\n"}, {"s.yml", "neither\n"}});
    CHECK(reading.errors() == "");
}

TEST_CASE("where keys may be lacking, a site is read with secrets that nobody knows") {
    const std::string manifest = R"(
secrets: s.yml
vars: {t: !secret token}
assert: [{that: secret('token') | length > 2, say: too short}]
files:
  /a: !secret db.password
  /b: "{{ secret('db.password') | int + 3 }}"
  /c: "{{ vars.t.x }}"
  /d: {template: t.j2}
)";
    for (const auto form : {SecretFile::Form::age_text, SecretFile::Form::sops_yaml}) {
        char place[] = "/tmp/chaos-lacks-XXXXXX";
        REQUIRE(mkdtemp(place));
        const std::string directory = place;
        std::ofstream(directory + "/site.yml") << manifest;
        std::ofstream(directory + "/s.yml", std::ios::binary) << closed(shop, form);
        std::ofstream(directory + "/t.j2") << "{{ secret('token')[7] }}";
        const KeyRing none = ring(true);
        const auto read = [&](const KeyRing& keys, Diagnostics& problems) {
            Sources sources;
            static const Registry registry = site_registry();
            const FakeHost host;
            const View view(host);
            return read_site(sources, {directory + "/site.yml"},
                             {.registry = registry, .view = view, .host_name = "web1", .keys = &keys}, problems);
        };
        Diagnostics problems;
        const Site site = read(none, problems);
        REQUIRE_MESSAGE(problems.ok(), problems.errors().front().what());
        REQUIRE(problems.remarks().size() == 1);
        CHECK(std::string(problems.remarks()[0].what()).find("the secrets in it are not checked") != std::string::npos);
        CHECK(site.catalog.size() == 4);
        for (const Resource& resource : site.catalog) CHECK(resource.wanted.hidden() != 0);
        // Who compares with the host is told what is missing, once for a place.
        KeyRing strict = none;
        strict.may_lack = false;
        Diagnostics wrong;
        read(strict, wrong);
        REQUIRE(!wrong.ok());
        CHECK(std::string(wrong.errors()[0].what()).find("there is no key to open this file with") !=
              std::string::npos);
        CHECK(wrong.errors()[0].hint.find("--age-key") != std::string::npos);
        // The names of a sops file lie open: a wrong one is found without its key.
        if (form == SecretFile::Form::sops_yaml) {
            std::ofstream(directory + "/site.yml") << "secrets: s.yml\nfiles: {/a: !secret tokn}\n";
            Diagnostics unknown;
            read(none, unknown);
            REQUIRE(!unknown.ok());
            CHECK(unknown.errors()[0].hint == "did you mean 'token'?");
        }
        for (const char* name : {"/site.yml", "/s.yml", "/t.j2", ""}) std::remove((directory + name).c_str());
    }
}

TEST_CASE("a state hands its marks on: what is overlaid, compared three ways and read from a store stays hidden") {
    const auto reading =
        read_files({{"site.yml", "secrets: s.yml\nfiles: {/a: !secret token}\n"}, {"s.yml", closed(shop)}});
    const Resource& resource = reading["file:/a"];
    const Schema& schema = resource.type->schema();
    const auto bit = hiding_bit(schema, *schema.find("content"));
    REQUIRE(resource.wanted.hidden() == bit);
    Diagnostics problems;
    const State there = decode(
        schema,
        Value(Value::Map{{std::string("path"), std::string("/a")}, {std::string("content"), std::string("old")}}),
        problems);
    CHECK(there.hidden() == 0);
    CHECK(overlay(schema, there, resource.wanted).hidden() == bit);
    CHECK(overlay(schema, State(), resource.wanted).hidden() == bit);
    CHECK(resource.wanted.with_inputs(Digest{1, 2}).hidden() == bit);
    std::vector<const Field*> conflicts;
    CHECK(three_way(schema, resource.wanted, resource.wanted, there, conflicts).hidden() == bit);
    CHECK(encode(schema, there.hiding(bit)).find("content")->secret);
    CHECK(decode(schema, encode(schema, there.hiding(bit)), problems).hidden() == bit);
    CHECK(!State().hiding(bit).hidden());
}
