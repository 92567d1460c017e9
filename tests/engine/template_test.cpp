// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <chaos/hashes.hpp>
#include <chaos/template.hpp>
#include "../../src/engine/filters.hpp"
#include "../../src/engine/template.hpp"
#include "no_names.hpp"
#include "site_kinds.hpp"

using namespace chaos;
using namespace chaos::test;

namespace {

Value quoted(const std::string& text, bool secret = false) {
    Value value(text);
    value.quoted = true, value.secret = secret;
    return value;
}

/// What a template gives with these names; an error as it is shown.
struct Rendering {
    Value text;
    std::string error;
};
Rendering rendering(const std::string& text, Value::Map with = {}) {
    Sources sources;
    Templates templates(sources);
    NoNames names(sources);
    try {
        const auto& file = templates.add("t.j2", ".", text, {});
        return {render(templates, file, {}, names, Value(std::move(with))), ""};
    } catch (const Error& error) {
        return {Value(), render(error, sources)};
    }
}
std::string rendered(const std::string& text, Value::Map with = {}) {
    const auto result = rendering(text, std::move(with));
    REQUIRE_MESSAGE(result.error.empty(), text << "\n" << result.error);
    return result.text.text();
}

struct Row {
    std::string expression, expected;
};

}  // namespace

TEST_CASE("all evaluations with the same names have a bound together, beside the one that each has") {
    Sources sources;
    NoNames names(sources);
    CHECK(bare_value(Value("range(100) | sum"), names).text() == "4950");
    const auto cost = names.effort.steps;
    CHECK(cost >= 100);
    bare_value(Value("range(100) | sum"), names);
    CHECK(names.effort.steps == 2 * cost);
    names.effort.steps = Effort::most_steps - 50;
    CHECK_THROWS_WITH(bare_value(Value("range(100) | sum"), names),
                      "all expressions and templates together take too many steps");
}

TEST_CASE("filters that Jinja2 has not give what they say") {
    const Row rows[] = {
        {"'yes'|bool", "True"},
        {"'off'|bool", "False"},
        {"'{\"a\": 1, \"b\": 2, \"a\": 3}'|from_json", "{'a': 3, 'b': 2}"},
        {"'[1e-400]'|from_json", "[0.0]"},
        {"'a\tb'.expandtabs(2000)|length", "2001"},
        {"'a,b'|split(',')", "['a', 'b']"},
        {"[1, [2, [3]]]|flatten", "[1, 2, 3]"},
        {"[1, [2, [3]]]|flatten(1)", "[1, 2, [3]]"},
        {"[1, 2]|product('ab')|list", "[(1, 'a'), (1, 'b'), (2, 'a'), (2, 'b')]"},
        {"[1, 2]|zip('ab')|list", "[(1, 'a'), (2, 'b')]"},
        {"[1, 2, 1]|union([3, 2])", "[1, 2, 3]"},
        {"[1, 2, 3]|difference([2])", "[1, 3]"},
        {"[1, 2, 3]|intersect([3, 2, 9])", "[2, 3]"},
        {"[1, 2]|symmetric_difference([2, 3])", "[1, 3]"},
        {"{'a': 1, 'b': {'x': 1}}|combine({'b': {'y': 2}})", "{'a': 1, 'b': {'y': 2}}"},
        {"{'a': 1, 'b': {'x': 1}}|combine({'b': {'y': 2}}, recursive=true)", "{'a': 1, 'b': {'x': 1, 'y': 2}}"},
        {"{'a': 1}|dict2items", "[{'key': 'a', 'value': 1}]"},
        {"[{'key': 'a', 'value': 1}]|items2dict", "{'a': 1}"},
        {"true|ternary('a', 'b')", "a"},
        {"none|ternary('a', 'b', 'c')", "c"},
        {"['a']|map('extract', {'a': 5})|list", "[5]"},
        {"{'b': [1, {}], 'a': 'é'}|to_json", R"({"b": [1, {}], "a": "\u00e9"})"},
        {"{'b': [1], 'a': 2}|to_nice_json", "{\n    \"a\": 2,\n    \"b\": [\n        1\n    ]\n}"},
        {"{'b': [1, 'no'], 'a': {'c': '1.5'}}|to_yaml", "a: {c: '1.5'}\nb: [1, 'no']\n"},
        {"{'b': [1, {'x': 'y z', 'w': []}], 'a': {'c': none}}|to_nice_yaml",
         "a:\n    c: null\nb:\n- 1\n- w: []\n  x: y z\n"},
        {"'{\"a\": [1, 1.50, null]}'|from_json", "{'a': [1, 1.50, None]}"},
        {"('a: [1, x]\\nb: 0644\\n'|from_yaml).b", "0644"},
        {"'héllo'|b64encode", "aMOpbGxv"},
        {"'aMOpbGxv'|b64decode", "héllo"},
        {"'abc'|hash('sha256')", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"'abc'|hash", "a9993e364706816aba3e25717850c26c9cd0d89d"},
        {"'abc'|hash('md5')", "900150983cd24fb0d6963f7d28e17f72"},
        {"''|hash('md5')", "d41d8cd98f00b204e9800998ecf8427e"},
        {"('a' * 119)|hash('sha1')", "ee971065aaa017e0632a8ca6c77bb3bf8b1dfc56"},
        {"'abc'|hash('sha512')|length", "128"},
        {"\"it's\"|quote", "'it'\"'\"'s'"},
        {"'plain-1'|quote", "plain-1"},
        {"''|quote", "''"},
        {"'/etc/nginx/x.conf'|basename", "x.conf"},
        {"'/etc/nginx/x.conf'|dirname", "/etc/nginx"},
        {"'/x'|dirname", "/"},
        {"'x'|dirname", ""},
        {"'/a.b/x.tar.gz'|splitext", "('/a.b/x.tar', '.gz')"},
        {"['/etc', 'x', '/y', 'z']|path_join", "/y/z"},
        {"'ansible'|regex_replace('^a.*i(.*)$', 'a\\\\1')", "able"},
        {"'foobar'|regex_replace('^f.*o(?P<end>.*)$', '\\\\g<end>')", "bar"},
        {"'aaa'|regex_replace('a', 'b', count=2)", "bba"},
        {"'abc'|regex_replace('x*', '-')", "-a-b-c-"},
        {"'server1/database42'|regex_search('database[0-9]+')", "database42"},
        {"'server1/database42'|regex_search('server([0-9]+)/database([0-9]+)', '\\\\1', '\\\\2')", "['1', '42']"},
        {"'x'|regex_search('y') is none", "True"},
        {"'DNS 8.8.8.8 and 8.8.4.4'|regex_findall('\\\\b(?:[0-9]{1,3}\\\\.){3}[0-9]{1,3}\\\\b')",
         "['8.8.8.8', '8.8.4.4']"},
        {"'a1b2'|regex_findall('([a-z])([0-9])')", "[('a', '1'), ('b', '2')]"},
        {"'CAR\\ntar'|regex_findall('^.ar$', multiline=true, ignorecase=true)", "['CAR', 'tar']"},
        {"'^f.*o(.*)$'|regex_escape", "\\^f\\.\\*o\\(\\.\\*\\)\\$"},
        {"'foobar'|regex_search('(?<=foo)bar')", "bar"},
        {"'192.168.1.5/24'|ipaddr('network')", "192.168.1.0"},
        {"'192.168.1.5/24'|ipaddr('netmask')", "255.255.255.0"},
        {"'192.168.1.5/24'|ipaddr('broadcast')", "192.168.1.255"},
        {"'192.168.1.5/24'|ipaddr('address')", "192.168.1.5"},
        {"'192.168.1.5/24'|ipaddr('subnet')", "192.168.1.0/24"},
        {"'192.168.1.0/24'|ipaddr(1)", "192.168.1.1/24"},
        {"'192.168.1.0/24'|ipaddr(-1)", "192.168.1.255/24"},
        {"'192.168.1.0/255.255.255.0'|ipaddr('prefix')", "24"},
        {"'2001:db8::1/64'|ipaddr('network')", "2001:db8::"},
        {"'2001:db8::1'|ipv4", "False"},
        {"['10.0.0.1', 'x', '8.8.8.8']|ipaddr('private')", "['10.0.0.1']"},
        {"'10.0.0.1'|ipaddr('10.0.0.0/8')", "10.0.0.1"},
        {"'nothing'|ipaddr", "False"},
        {"['a', 'b'] is contains('a')", "True"},
        {"'nginx-1' is match('nginx')", "True"},
        {"'my nginx' is match('nginx')", "False"},
        {"'my nginx' is search('ngin.')", "True"},
        {"[1, 2] is subset([1, 2, 3])", "True"},
        {"[1, 2] is superset([3])", "False"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.expression);
        CHECK(rendered("{{ " + row.expression + " }}") == row.expected);
    }
}

TEST_CASE("every addition is tried, and every row of the tables says what it does") {
    std::size_t additions = 0;
    for (const auto& rows : language::all_filters())
        for (const auto& row : rows) {
            CAPTURE(row.name);
            CHECK_FALSE(row.doc.empty());
            CHECK(static_cast<bool>(row.run != nullptr));
            CHECK(language::find_filter(row.name) == &row);  // no name is there twice
            additions += row.addition;
        }
    CHECK(additions > 30);
    const auto page = expression_reference();
    for (const auto& rows : language::all_tests())
        for (const auto& row : rows) CHECK(page.find(fmt::format("`{}", row.name)) != std::string::npos);
}

TEST_CASE("a value of the manifest prints as it was written") {
    Value::Map with{{std::string("version"), Value(std::string("1.20"))},
                    {std::string("on"), Value(std::string("true"))},
                    {std::string("mode"), Value(std::string("0644"))},
                    {std::string("list"), Value(Value::List{std::string("1.20"), quoted("a")})}};
    CHECK(rendered("{{ version }} {{ on }} {{ mode }} {{ list }}", with) == "1.20 true 0644 [1.20, 'a']");
    CHECK(rendered("{{ version * 2 }} {{ not on }} {{ version == 1.2 }} {{ mode is string }} {{ version is float }}",
                   with) == "2.4 False True True True");
    CHECK(rendered("{{ list|to_json }}\n", with) == "[1.20, \"a\"]\n");
}

TEST_CASE("what a secret went into is secret") {
    const auto secret = [](const std::string& text) {
        Value inner{
            Value::Map{{std::string("user"), quoted("eve")}, {std::string("password"), quoted("hunter2", true)}}};
        const auto result =
            rendering(text, {{std::string("key"), quoted("hunter2", true)},
                             {std::string("db"), inner},
                             {std::string("all"), Value(Value::List{quoted("a"), quoted("hunter2", true)})}});
        REQUIRE_MESSAGE(result.error.empty(), text << "\n" << result.error);
        return result.text.secret;
    };
    for (const std::string& text :
         std::vector<std::string>{"{{ key }}",
                                  "{{ key|upper }}",
                                  "{{ key ~ 'a' }}",
                                  "{{ 'a' + key }}",
                                  "{{ [key] }}",
                                  "{{ {'a': key} }}",
                                  "{{ key[0] }}",
                                  "{{ key[1:] }}",
                                  "{{ key|length }}",
                                  "{{ key == 'x' }}",
                                  "{{ 'a' if key else 'b' }}",
                                  "{{ key.upper() }}",
                                  "{{ key|hash('sha256') }}",
                                  "{{ '%s' % key }}",
                                  "{{ '{}'.format(key) }}",
                                  "{{ db|to_json }}",
                                  "{{ db.password }}",
                                  "{{ db['password'] }}",
                                  "{{ db }}",
                                  "{{ all|join(',') }}",
                                  "{{ all|last }}",
                                  "{{ all|map('upper')|join }}",
                                  "{{ 'x'|replace('x', key) }}",
                                  "{{ key is string and 1 }}",
                                  "{{ key in 'abc' }}",
                                  "{{ 'a'|default(key) ~ key }}",
                                  "{{ missing|default(key) }}",
                                  "{{ db|dictsort }}",
                                  "{{ db.values()|list }}",
                                  "{{ all|sort }}",
                                  "{{ all|batch(1)|list }}",
                                  "{% if key == 'x' %}a{% else %}b{% endif %}",
                                  "{% for c in key %}{{ 1 }}{% endfor %}",
                                  "{% for x in all %}{{ x }}{% endfor %}",
                                  "{% set x %}{{ key }}{% endset %}{{ x|length }}",
                                  "{% macro m(x) %}[{{ x }}]{% endmacro %}{{ m(key) }}",
                                  "{% filter upper %}{{ key }}{% endfilter %}",
                                  "{% set l = [] %}{% set _ = l.append(key) %}{{ l }}",
                                  "{% set ns = namespace(x=key) %}{{ ns.x }}",
                                  "{% with x = key %}{{ x }}{% endwith %}",
                                  "{% macro m() %}{{ caller() }}{% endmacro %}{% call m() %}{{ key }}{% endcall %}",
                                  "{% for x in all if x == 'a' %}{{ loop.index }}{% endfor %}",
                                  "{{ dict(a=key).a }}",
                                  "{{ key|from_yaml }}",
                                  "{{ [key, 'b']|first }}",
                                  "{{ users|default([db])|map(attribute='password')|join }}"}) {
        CAPTURE(text);
        CHECK(secret(text));
    }
    for (const std::string& text :
         std::vector<std::string>{"{{ db.user }}", "{{ all|first }}", "{{ all[0] }}", "plain", "{{ db.get('user') }}",
                                  "{% for x in all %}{% endfor %}done"}) {
        CAPTURE(text);
        CHECK_FALSE(secret(text));
    }
}

TEST_CASE("an error about a secret does not show it") {
    for (const std::string& text : std::vector<std::string>{
             "{{ key + 1 }}", "{{ key|int / 0 }}", "{{ key.x }}", "{{ {}[key] }}", "{{ key|from_json }}",
             "{{ key|from_yaml }}", "{{ key|bool }}", "{% include key %}", "{{ 'a'|regex_search(key) }}",
             "{{ 'a'|hash(key) }}", "{{ db[key] }}", "{{ [1]|map(key)|list }}", "{{ key|b64decode }}",
             "{{ '10.0.0.1'|ipaddr(key) }}", "{{ 'x' is divisibleby key }}"}) {
        const auto result = rendering(
            text, {{std::string("key"), quoted("(hunter2: [x\ny", true)}, {std::string("db"), Value(Value::Map{})}});
        CAPTURE(text);
        CHECK_FALSE(result.error.empty());
        CHECK(result.error.find("hunter2") == std::string::npos);
    }
}

TEST_CASE("a mistake is told at its line and column in the template") {
    CHECK(rendering("one\n  {{ 'ä' ~ nothing }}\n").error.starts_with("t.j2:2:12: error: 'nothing' is not defined\n"));
    CHECK(
        rendering("{% macro m(x) %}\n{{ x.y.z }}\n{% endmacro %}\n{{ m({}) }}").error.starts_with("t.j2:2:6: error:"));
    CHECK(rendering("a\r\nb {{ 1 / 0 }}").error.starts_with("t.j2:2:8: error: division by zero\n"));
    CHECK(rendering("{{ 'a'|upper|nothing }}").error.starts_with("t.j2:1:14: error: there is no filter 'nothing'\n"));
    CHECK(rendering("\xff").error.starts_with("t.j2:1:1: error: this is no UTF-8\n"));
}

TEST_CASE("a hostile template ends with an error") {
    for (const std::string& text : std::vector<std::string>{
             "{% for a in range(99999999) %}{% endfor %}", "{% set x = 'ab' * 99999999 %}",
             "{% set ns = namespace(x='a') %}{% for i in range(99) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}",
             "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "{{ [[1] * 9999] * 9999|int * 9999 }}",
             "{% set ns = namespace(x=[1]) %}{% for i in range(64) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x "
             "}}",
             "{% set ns = namespace(x=[1]) %}{% for i in range(99999) %}{% set ns.x = [ns.x] %}{% endfor %}{{ ns.x }}",
             "{% set l = [] %}{% set _ = l.append(l) %}", "{% set a = [] %}{% set b = [a] %}{% set _ = a.append(b) %}",
             "{{ ('a' * 40 ~ '!')|regex_search('^(a+)+$') }}", "{{ '%99999999s' % 'a' }}",
             "{{ '{:99999999}'.format(1) }}", "{{ 'x'|center(99999999) }}", "{{ 'x'.ljust(99999999) }}",
             "{{ range(9999)|product(range(9999)) }}",
             "{% set ns = namespace(x=[1]) %}{% for i in range(64) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x "
             "== "
             "ns.x|list }}"}) {
        CAPTURE(text);
        CHECK_FALSE(rendering(text).error.empty());
    }
    std::string deep(500, '(');
    CHECK(rendering("{{ " + deep + "1" + std::string(500, ')') + " }}").error.find("nested too deeply") !=
          std::string::npos);
    std::string blocks;
    for (int i = 0; i < 500; ++i) blocks += "{% if 1 %}";
    CHECK(rendering(blocks).error.find("nested too deeply") != std::string::npos);
    // and one that is deep and well behaved is let go of without a stack
    CHECK(rendered("{% set ns = namespace(x=[1]) %}{% for i in range(99999) %}{% set ns.x = [ns.x] %}{% endfor %}ok") ==
          "ok");
}

TEST_CASE("a file's content comes from a template, with names of its own and of the manifest") {
    const auto reading =
        read_files({{"site.yml",
                     "vars: {port: 80, sites: {a: 1, b: 2}}\nfiles:\n"
                     "  '/{{ item.key }}': {each: vars.sites, template: t/x.j2, with: {own: '{{ item.value + 1 }}', "
                     "list: [x, {y: z}]}}\n"
                     "  /blanks: {template: {file: t/blanks.j2, trim_blocks: true, lstrip_blocks: true}}\n"},
                    {"t/x.j2",
                     "{{ item.key }}{{ loop.index }} {{ own }} {{ vars.port }} {{ host.name }} {{ facts.os.id }} {{ "
                     "list[1].y }}\n{% include 'y.j2' %}"},
                    {"t/y.j2", "{{ file('note') }}"},
                    {"t/blanks.j2", "a\n  {% if true %}\nb\n  {% endif %}\nc\n"},
                    {"note", "from a file\n"}});
    REQUIRE_MESSAGE(reading.problems.ok(), reading.errors());
    CHECK(reading.attribute("file:/a", "content") == "\"a1 2 80 web1 debian z\\nfrom a file\"");
    CHECK(reading.attribute("file:/b", "content") == "\"b2 3 80 web1 debian z\\nfrom a file\"");
    CHECK(reading.attribute("file:/blanks", "content") == "\"a\\nb\\nc\\n\"");
}

TEST_CASE("content, source and template replace each other from layer to layer, and names are laid key by key") {
    const auto reading = read_files({{"site.yml",
                                      "include: [base.yml]\nfiles: {/a: {with: {port: 2}}, /b: {content: plain}, /c: "
                                      "{template: t.j2, with: {port: 5, host: c}}}"},
                                     {"base.yml",
                                      "files: {/a: {template: t.j2, with: {port: 1, host: a}}, /b: {template: t.j2, "
                                      "with: {port: 1}}, /c: {content: x}}"},
                                     {"t.j2", "{{ host }}:{{ port }}"}});
    REQUIRE_MESSAGE(reading.problems.ok(), reading.errors());
    CHECK(reading.attribute("file:/a", "content") == "\"a:2\"");
    CHECK(reading.attribute("file:/b", "content") == "\"plain\"");
    CHECK(reading.attribute("file:/c", "content") == "\"c:5\"");
}

TEST_CASE("an expression of a manifest has Jinja2's operators, and only true and false decide") {
    const auto reading = read_text(
        "vars: {port: 80, v: 1.20, names: [b, a]}\nfiles:\n"
        "  /a: '{{ vars.port + 1 }} {{ vars.v }} {{ vars.names | sort | join(\",\") }} {{ \"x\" if vars.port == 80 "
        "else \"y\" }}'\n"
        "  /b: {content: '{{ vars.names | to_json }}', mode: \"{{ '0600' if 'a' in vars.names else '0644' }}\"}\n"
        "packages: '{{ vars.names | map(\"upper\") | list }}'\n"
        "users: {eve: {groups: '{{ vars.names + [\"c\"] }}', when: vars.names is contains('a') and vars.port > 1}}");
    REQUIRE_MESSAGE(reading.problems.ok(), reading.errors());
    CHECK(reading.attribute("file:/a", "content") == "\"81 1.20 a,b x\"");
    CHECK(reading.attribute("file:/b", "content") == "\"[\\\"b\\\", \\\"a\\\"]\"");
    CHECK(reading.attribute("file:/b", "mode") == "\"0600\"");
    CHECK(reading.attribute("user:eve", "groups") == "[\"a\",\"b\",\"c\"]");
    CHECK(to_text(reading.site.catalog[2].id) == "package:B");
    CHECK(read_text("vars: {x: 5}\npackages: [{name: a, when: vars.x and true}]")
              .errors()
              .find("expected true or false") != std::string::npos);
}
