// SPDX-License-Identifier: Apache-2.0
// Who says what, in order; the site as one manifest; facts of a host that is not here.
#include <doctest/doctest.h>

#include <algorithm>
#include <chaos/provenance.hpp>
#include <chaos/recorded.hpp>

#include "site_kinds.hpp"

using namespace chaos;
using namespace chaos::test;

namespace {

using Files = std::vector<std::pair<std::string, std::string>>;

/// "mode first 2:20, mode replaces 1:9" of one resource.
std::string chain(const Told& told, std::string_view id) {
    std::string text;
    const auto add = [&](const Saying& said) {
        text += text.empty() ? "" : ", ";
        text += (said.what.empty() ? "entry" : said.what) + " " + std::string(to_text(said.how));
        if (said.where) text += " " + told.reading.sources[said.where].name + ":" + std::to_string(said.where.line);
    };
    for (std::size_t i = 0; i < told.reading.site.catalog.size(); ++i)
        if (to_text(told.reading.site.catalog[i].id) == id)
            for (const Saying& said : told.provenance.resources[i]) add(said);
    for (const auto& gone : told.provenance.gone)
        if (to_text(gone.id) == id)
            for (const Saying& said : gone.said) add(said);
    return text;
}

std::string chain_of_variable(const Told& told, std::string_view name) {
    std::string text;
    for (const auto& variable : told.provenance.variables)
        if (variable.name == name) {
            for (const Saying& said : variable.said)
                text += std::string(to_text(said.how)) +
                        (said.where ? " " + told.reading.sources[said.where].name : " --var") + ", ";
            text += variable.failed.empty() ? "= " + to_json(variable.value) : "failed";
        }
    return text;
}

std::string emitted(const Told& told, EmitOptions how = {.origin = false}) {
    CHECK(told.reading.errors() == "");
    Diagnostics problems;
    const std::string text = emit(told.reading.site, told.reading.sources, told.provenance, how, problems);
    CHECK(problems.ok());
    return text;
}

/// What is refused of it.
std::string refused(const Told& told) {
    CHECK(told.reading.errors() == "");
    Diagnostics problems;
    emit(told.reading.site, told.reading.sources, told.provenance, {}, problems);
    std::string text;
    for (const Error& error : problems.errors()) text += render(error, told.reading.sources);
    return text;
}

/// Id, what it is, and what it waits for: all that a catalog says, in an order that does not matter.
std::string catalog_of(const Reading& reading) {
    std::vector<std::string> lines;
    for (const Resource& resource : reading.site.catalog) {
        std::string line = to_text(resource.id) + " " + to_json(encode(resource.type->schema(), resource.wanted)) +
                           (resource.absent ? " absent" : "") + (resource.keep ? " keep" : "") +
                           (resource.protect ? " protect" : "") + (resource.audit ? " audit" : "") + " " + resource.doc;
        for (const auto& tag : resource.tags) line += " #" + tag;
        for (const Field* field : resource.exact) line += " exact:" + std::string(field->name);
        for (const auto watched : resource.watches) line += " !" + to_text(reading.site.catalog[watched].id);
        lines.push_back(std::move(line));
    }
    for (const auto& edge : reading.site.edges)
        lines.push_back(to_text(reading.site.catalog[edge.from].id) + " -> " +
                        to_text(reading.site.catalog[edge.to].id));
    std::sort(lines.begin(), lines.end());
    std::string all;
    for (const std::string& line : lines) all += line + "\n";
    return all;
}

/// Compiled again it is the same; so it is by way of JSON.
void check_fixed(const Files& files) {
    const Told first = told_files(files);
    const std::string text = emitted(first);
    CAPTURE(text);
    const Told again = told_files({{"site.yml", text}});
    CHECK(emitted(again) == text);
    CHECK(catalog_of(again.reading) == catalog_of(first.reading));
    const std::string json = emitted(first, {.origin = false, .json = true});
    const Told by_json = told_files({{"site.json", json}});
    CHECK(emitted(by_json) == text);
}

}  // namespace

TEST_CASE("the chain of an attribute is told lowest first, with what lay over what") {
    const Told told =
        told_files({{"site.yml", "include: [base.yml]\noverlay: [over.yml]\nfiles: {/a: {mode: 0640}}\n"},
                    {"base.yml", "files:\n  /a: {content: one, mode: 0644}\nusers: {eve: {groups: [a]}}\n"},
                    {"over.yml", "files: {/a: {mode: 0600, content: null}}\nusers: {eve: {groups+: [b]}}\n"}});
    CHECK(chain(told, "file:/a") ==
          "entry first base.yml:2, content first base.yml:2, mode first base.yml:2, entry replaces site.yml:3, mode "
          "replaces site.yml:3, entry replaces over.yml:1, mode replaces over.yml:1, content removes over.yml:1");
    CHECK(chain(told, "user:eve") ==
          "entry first base.yml:3, groups first base.yml:3, entry replaces over.yml:2, groups adds over.yml:2");
    using Word = Provenance::File::Word;
    const auto word = [&](std::size_t source) { return told.provenance.files[source].word; };
    CHECK(word(0) == Word::asked);
    CHECK(word(1) == Word::include);
    CHECK(word(2) == Word::overlay);
}

TEST_CASE("what stands no more says who took it away") {
    const Told told = told_files({{"site.yml",
                                   "include: [base.yml]\nwithout: [package:vim]\npackages: [{name: nano, when: 1 == "
                                   "2}]\n"},
                                  {"base.yml", "packages: [vim, git]\nfiles: {/a: x}\n"}});
    CHECK(chain(told, "package:vim") == "entry first base.yml:1, entry forgotten site.yml:2");
    CHECK(chain(told, "package:nano") == "entry off site.yml:3");
    const Told dropped = told_files({{"site.yml", "include: [base.yml]\nstrategy: override\npackages: [git]\n"},
                                     {"base.yml", "packages: [vim, git]\n"}});
    CHECK(chain(dropped, "package:vim") == "entry first base.yml:1, entry dropped site.yml:3");
    CHECK(chain(dropped, "package:git") == "entry first base.yml:1, entry dropped site.yml:3, entry first site.yml:3");
}

TEST_CASE("what without forgot is no longer lain over, and a quoted groups+ adds as an unquoted one does") {
    const Told told = told_files({{"site.yml", "include: [base.yml]\nwithout: [file:/a]\nfiles: {/a: {mode: 0600}}\n"},
                                  {"base.yml", "files: {/a: {content: one, mode: 0644}}\n"}});
    CHECK(chain(told, "file:/a") ==
          "entry first base.yml:1, content first base.yml:1, mode first base.yml:1, entry forgotten site.yml:2, "
          "content forgotten site.yml:2, mode forgotten site.yml:2, entry first site.yml:3, mode first site.yml:3");
    const Told quoted = told_files({{"site.yml", "include: [base.yml]\nusers: {eve: {\"groups+\": [b]}}\n"},
                                    {"base.yml", "users: {eve: {groups: [a]}}\n"}});
    CHECK(chain(quoted, "user:eve") ==
          "entry first base.yml:1, groups first base.yml:1, entry replaces site.yml:2, groups adds site.yml:2");
}

TEST_CASE("what an import says stands in the imported file") {
    const Told told = told_files({{"site.yml", "imports: [other.yml]\nvars: {port: 80}\nfiles: {/a: {mode: 0640}}\n"},
                                  {"other.yml", "vars: {port: 8080}\nfiles: {/a: {mode: 0600}}\n"}});
    CHECK(chain_of_variable(told, "port") == "first other.yml, = \"8080\"");
    CHECK(chain(told, "file:/a") == "entry first site.yml:3, mode first other.yml:2");
}

TEST_CASE("what was absent and is to be there again says nothing of what was said of it before") {
    const Told told = told_files({{"site.yml", "include: [mid.yml]\nfiles: {/a: {mode: 0600}}\n"},
                                  {"mid.yml", "include: [base.yml]\nabsent: {files: [/a]}\n"},
                                  {"base.yml", "files: {/a: {content: x}}\n"}});
    CHECK(chain(told, "file:/a") ==
          "entry first base.yml:1, content first base.yml:1, content dropped mid.yml:2, entry replaces mid.yml:2, "
          "entry replaces site.yml:2, mode first site.yml:2");
}

TEST_CASE("a resource of a module has the module's words first, the site's over them") {
    const Told told = told_files({{"site.yml", "use: [{module: web, with: {n: 8080}}]\nfiles: {/a: {mode: 0600}}\n"},
                                  {"modules/web.yml",
                                   "params: {n: {type: int}, root: {type: path, default: /srv}}\n"
                                   "files: {/a: {content: '{{ params.n }}', mode: 0644}}\njobs: {warm: run}\n"
                                   "exports: {url: 'http://x:{{ params.n }}'}\nvars: {own: '{{ params.root }}'}\n"}});
    CHECK(chain(told, "file:/a") ==
          "entry first modules/web.yml:2, content first modules/web.yml:2, mode first modules/web.yml:2, entry "
          "replaces site.yml:2, mode replaces site.yml:2");
    CHECK(chain(told, "job:web/warm").starts_with("entry first modules/web.yml:3"));
    REQUIRE(told.provenance.uses.size() == 1);
    const auto& use = told.provenance.uses[0];
    CHECK(use.path == "web");
    REQUIRE(use.params.size() == 2);
    CHECK(use.params[0].written);
    CHECK(told.reading.sources[use.params[0].where].name == "site.yml");
    CHECK_FALSE(use.params[1].written);
    CHECK(told.reading.sources[use.params[1].where].name == "modules/web.yml");
    REQUIRE(use.exports.size() == 1);
    CHECK(use.exports[0].value.text() == "http://x:8080");
    CHECK(chain_of_variable(told, "own") == "first modules/web.yml, = \"/srv\"");
}

TEST_CASE("variables say who said them, --var over everything, and what they are in the end") {
    const Told told = told_files({{"site.yml",
                                   "include: [base.yml]\nvars: {port: 8080, list+: [b], twice: '{{ vars.port * 2 }}', "
                                   "bad: '{{ vars.nothing }}'}\n"},
                                  {"base.yml", "vars: {port: 80, list: [a], map: {x: 1}}\n"}},
                                 {{"port", "9090"}});
    CHECK(chain_of_variable(told, "port") == "first base.yml, replaces site.yml, replaces --var, = \"9090\"");
    CHECK(chain_of_variable(told, "list") == "first base.yml, adds site.yml, = [\"a\",\"b\"]");
    CHECK(chain_of_variable(told, "twice") == "first site.yml, = \"18180\"");
    CHECK(chain_of_variable(told, "bad").ends_with("failed"));
}

TEST_CASE("every link says its word and its place") {
    const Told told =
        told_text("files: {/a: x}\npackages: [git]\nservices:\n  s: {watch: ['file:/a'], needs: [package:git]}\n");
    REQUIRE(told.provenance.links.size() == 2);
    for (const auto& link : told.provenance.links) CHECK(link.where.line == 4);
}

TEST_CASE("nothing is noted where nobody asks") {
    const Reading reading = read_text("include: []\nfiles: {/a: x}\n");
    CHECK(reading.errors() == "");
}

TEST_CASE("a compiled site is a fixed point: files, layers, blocks, loops and modules are gone from it") {
    check_fixed({{"site.yml",
                  "name: shop\ninclude: [base.yml]\nprotect: ['package:*']\n"
                  "use: [{module: web, with: {n: 1}, needs: [package:git], tags: [m], doc: from a module}]\n"
                  "vars: {names: [x, y]}\n"
                  "files:\n  '/each/{{ item }}': {each: vars.names, content: 'it is {{ item }} of {{ host.name }}'}\n"
                  "  /gone: {absent: true}\n  /kept: {content: k, keep: true, protect: true, audit: true}\n"
                  "  /t: {template: t.j2, with: {n: 7}}\n"
                  "blocks:\n  - tags: [b]\n    needs: [package:git]\n    services: {s: {watch: ['file:/each/*']}}\n"
                  "users: {eve: {groups: [a, b], exact: [groups], shell: 'no'}}\nhostname: web1\njobs: {one: 'a b', "
                  "two: {command: c, watch: ['file:/t']}}\n"},
                 {"base.yml", "packages: [git, {name: vim, version: 1.20}]\nfiles: {/gone: was}\n"},
                 {"t.j2", "n={{ n }}\n  indented\n\n{{ vars.names | join(' ') }}\n"},
                 {"modules/web.yml",
                  "params: {n: {type: int}}\nfiles: {/m: '{{ params.n }}'}\njobs: {warm: go}\npackages: [nginx]\n"}});
}

TEST_CASE("braces, blanks and all that YAML could take for something else stay what they are when compiled") {
    for (const char* content : {"'{{ \"{{\" }} x }}'",
                                "'# no comment'",
                                "'yes'",
                                "'null'",
                                "'~'",
                                "'1.20'",
                                "'- a'",
                                "'a: b'",
                                "' a'",
                                "'a '",
                                "\"a\\tb\"",
                                "\"a\\nb\"",
                                "\"\\n\"",
                                "\"\\na\\n\"",
                                "\"a\\n\\n\"",
                                "\"  a\\n b\\n\"",
                                "'it''s'",
                                "'\"'",
                                "'\\'",
                                "\"\\x07\"",
                                "\"a\\u2028b\"",
                                "\"\\u0085\"",
                                "\"\\ufeffa\"",
                                "'é 𝄞'",
                                "'%x'",
                                "'@x'",
                                "'&x'",
                                "'*x'",
                                "'!x'",
                                "'|'",
                                "'>'",
                                "'[a]'",
                                "'{a}'",
                                "\"a \\n b\\n\"",
                                "\"#\\n\\n# x\\n\"",
                                "'<<'",
                                "'---'",
                                "\"---\\na\\n\"",
                                "\"a\\r\\nb\\n\"",
                                "''"}) {
        CAPTURE(content);
        check_fixed({{"site.yml", std::string("files: {/a: {content: ") + content + "}}\n"}});
    }
    check_fixed({{"site.yml",
                  "files: {'/a b: c # d': x, '/{{ \"{{\" }}': y, /no: {content: z, needs: ['file:/a b: c # "
                  "d', \"file:/{{ '{{' }}\"]}}\n"}});
}

TEST_CASE("a file beside the manifest that is no text is named by its whole path") {
    const Told told = told_files({{"site.yml", "files: {/a: {source: bytes}}\n"}, {"bytes", "\xff\xfe\x01"}});
    const std::string text = emitted(told);
    CHECK(text.find("source: /") != std::string::npos);
    CHECK(text.find("/bytes\n") != std::string::npos);
}

TEST_CASE("a secret in clear is not compiled: it is told where it is, and its bytes are not in what is told") {
    const std::string text = refused(told_text("files:\n  /a: {content: hunter2, secret: true}\n"));
    CHECK(text.find("site.yml:2:8: error: content of file:/a can not be written: a secret is in it") == 0);
    CHECK(text.find("!secret NAME") != std::string::npos);
    const Told beside = told_files({{"site.yml", "files: {/a: {source: key, secret: true}}\n"}, {"key", "hunter2"}});
    const std::string kept = emitted(beside);
    CHECK(kept.find("hunter2") == std::string::npos);
    CHECK(kept.find("/key\n") != std::string::npos);
}

TEST_CASE("a secret that is the whole of a value stays its name") {
    Told told = told_text("files: {/a: {content: hunter2, secret: true}}\n");
    for (Saying& said : told.provenance.resources[0])  // as if it had been written so
        if (said.what == "content") said.secret = "tls_key";
    std::erase_if(told.provenance.resources[0], [](const Saying& said) { return said.what == "secret"; });
    CHECK(emitted(told).find("/a:\n    content: !secret \"tls_key\"\n    mode: 0600") != std::string::npos);
    CHECK(emitted(told).find("hunter2") == std::string::npos);
    CHECK(emitted(told, {.origin = false, .json = true}).find("{{ secret('tls_key') }}") != std::string::npos);
}

TEST_CASE("a resource's origin stands above it, with its module") {
    const Told told =
        told_files({{"site.yml", "use: [web]\npackages: [git]\n"}, {"modules/web.yml", "packages: [vim]\n"}});
    const std::string text = emitted(told, {});
    CHECK(text.find("  # modules/web.yml:1:12 (module web)\n  vim: {}\n") != std::string::npos);
    CHECK(text.find("  # site.yml:2:12\n  git: {}\n") != std::string::npos);
}

TEST_CASE("a graph is reduced to what does not follow") {
    const std::vector<Graph::Edge> chain{{0, 1}, {1, 2}, {0, 2}, {2, 3}, {0, 3}, {1, 3}};
    CHECK(reduced(Graph(4, chain)) == std::vector<Graph::Edge>{{0, 1}, {1, 2}, {2, 3}});
    const std::vector<Graph::Edge> diamond{{0, 1}, {0, 2}, {1, 3}, {2, 3}, {0, 3}};
    CHECK(reduced(Graph(4, diamond)) == std::vector<Graph::Edge>{{0, 1}, {0, 2}, {1, 3}, {2, 3}});
    CHECK(reduced(Graph(3, {})).empty());
}

TEST_CASE("recorded facts decide as those of the host do, and nothing of this machine is looked at") {
    const std::string facts = recorded_text();
    CHECK(facts.find("\"version\": 1") != std::string::npos);
    CHECK(facts.find("hunter2") == std::string::npos);
    std::string other = facts;
    for (auto at = other.find("debian"); at != other.npos; at = other.find("debian", at))
        other.replace(at, 6, "fedora");
    const std::string site =
        "packages:\n  - {name: git, when: facts.os.family == 'debian'}\n  - {name: dnf, when: facts.os.family == "
        "'fedora'}\nfiles: {/etc/motd: '{{ host.name }} {{ host.groups | join(\" \") }}', ~/x: {user: eve}}\n";
    const Reading here = read_elsewhere(site, facts), there = read_elsewhere(site, other);
    CHECK(ids(here) == "package:git file:/etc/motd file:/srv/eve/x");
    CHECK(ids(there) == "package:dnf file:/etc/motd file:/srv/eve/x");
    CHECK(here.attribute("file:/etc/motd", "content") == "\"web1 web europe\"");
}

TEST_CASE("a passing fact may not decide, recorded or not; a fact that was not recorded is named with its file") {
    const std::string facts = recorded_text();
    CHECK(read_elsewhere("packages: [{name: git, when: facts.load == '0.5'}]\n", facts)
              .errors()
              .find("changes by itself") != std::string::npos);
    std::string without = facts;
    without.replace(without.find("\"os\""), 4, "\"so\"");
    CHECK(read_elsewhere("packages: [{name: git, when: facts.os.id == 'x'}]\n", without)
              .errors()
              .find("facts.os is not in web1.json") != std::string::npos);
}

TEST_CASE("a file that holds no recorded facts says what it is, at its place") {
    const auto said = [](const std::string& text) { return read_elsewhere("packages: [git]\n", text).errors(); };
    CHECK(said("{}").find("web1.json:1:1: error: web1.json holds no recorded facts") == 0);
    CHECK(said("[]").find("holds no recorded facts") != std::string::npos);
    CHECK(said("{\"chaos\": \"facts\", \"version\": 2}").find("version 2, and chaos") != std::string::npos);
    CHECK(said("{\"chaos\": \"facts\", \"version\": 1}").find("'passwd' is not in") == std::string::npos);
    CHECK(said("{\"chaos\": \"facts\", \"version\": 1}").find("is not in web1.json") != std::string::npos);
    CHECK(said("{\"chaos\": ").find("error") != std::string::npos);
}

TEST_CASE("a host that is not here refuses every look") {
    RecordedHost recorded;
    recorded.passwd = "eve:x:1:1::/srv/eve:\n";
    const UnseenHost host(recorded);
    CHECK_THROWS_AS(host.look("/etc/os-release"), Error);
    CHECK_THROWS_AS(host.list("/"), Error);
    CHECK_THROWS_AS(host.content("/etc/motd"), Error);
    CHECK_THROWS_AS(host.ask({{"true"}}), Error);
    CHECK_THROWS_AS(host.services(), Error);
    std::string text;
    host.look("/etc/passwd", &text);
    CHECK(text == recorded.passwd);
}
