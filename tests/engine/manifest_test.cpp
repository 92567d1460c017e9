// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <map>

#include "site_kinds.hpp"

using namespace chaos;
using namespace chaos::test;

namespace {

struct Memory : Cache {
    mutable int hits = 0;
    std::map<std::string, std::string> kept;
    std::optional<std::string> get(const std::string& name) const override {
        const auto found = kept.find(name);
        if (found == kept.end()) return std::nullopt;
        return ++hits, found->second;
    }
    void put(const std::string& name, const std::string& bytes) override { kept[name] = bytes; }
};

}  // namespace

TEST_CASE("every spelling of a section says the same") {
    CHECK(ids(read_text("packages: [git, vim]")) == "package:git package:vim");
    CHECK(ids(read_text("packages: {git: , vim: {}}")) == "package:git package:vim");
    CHECK(ids(read_text("packages: [{name: git}, vim]")) == "package:git package:vim");
    CHECK(ids(read_text("vars: {more: [vim, {name: nano, version: 3}]}\npackages: [git, '{{ vars.more }}']")) ==
          "package:git package:vim package:nano");
    CHECK(ids(read_text("vars: {all: {git: '1', vim: '2'}}\npackages: '{{ vars.all }}'")) == "package:git package:vim");
    CHECK(ids(read_text("hostname: web1")) == "hostname");
    CHECK(read_text("hostname: {name: web1}").attribute("hostname", "name") == "\"web1\"");
}

TEST_CASE("a scalar body is the main attribute and keeps its spelling") {
    const auto reading = read_text("packages: {git: 1.20, vim: {version: 0644}}\nfiles: {/a: on, /b: {mode: 0644}}");
    CHECK(reading.errors() == "");
    CHECK(reading.attribute("package:git", "version") == "\"1.20\"");
    CHECK(reading.attribute("package:vim", "version") == "\"0644\"");
    CHECK(reading.attribute("file:/a", "content") == "\"on\"");
    CHECK(reading.attribute("file:/b", "mode") == "\"0644\"");
}

TEST_CASE("keys are compared clean") {
    CHECK(ids(read_text("services: [docker.service]\nfiles: {/etc//x/: a}")) == "service:docker file:/etc/x");
}

TEST_CASE("absent in all its spellings, with the options that say how") {
    const auto reading =
        read_text("absent: {packages: [telnet, {name: rsh, purge: true}]}\nfiles: {/a: {absent: true}}");
    CHECK(ids(reading) == "package:telnet- package:rsh- file:/a-");
    CHECK(reading.attribute("package:rsh", "purge") == "\"true\"");
}

TEST_CASE("variables that each use the next one are an error where they go too deep") {
    std::string text = "vars:\n";
    for (int i = 0; i < 5000; ++i)
        text += "  a" + std::to_string(i) + ": \"{{ vars.a" + std::to_string(i + 1) + " }}\"\n";
    const auto reading = read_text(text + "  a5000: x\nfiles:\n  /t/a: \"{{ vars.a0 }}\"\n");
    CHECK(reading.errors().find("this goes more than 600 levels deep") != std::string::npos);
}

TEST_CASE("variables that each hold the next one twice are an error before memory is full") {
    for (const auto& [value, said] : {std::pair{"\"{{ vars.aN }}{{ vars.aN }}\"", "this becomes longer than 16 MiB"},
                                      std::pair{"[\"{{ vars.aN }}\", \"{{ vars.aN }}\"]",
                                                "all that expressions make becomes longer than 256 MiB"}}) {
        std::string text = "vars:\n";
        for (int i = 0; i < 40; ++i) {
            std::string line = value;
            for (auto at = line.find('N'); at != std::string::npos; at = line.find('N'))
                line.replace(at, 1, std::to_string(i + 1));
            text += "  a" + std::to_string(i) + ": " + line + "\n";
        }
        const auto reading =
            read_text(text + "  a40: " + std::string(200'000, 'x') + "\nfiles:\n  /t/a: \"{{ vars.a0 }}\"\n");
        CAPTURE(reading.errors().substr(0, 500));
        CHECK(reading.errors().find(said) != std::string::npos);
    }
}

TEST_CASE("variables may use variables in any order") {
    const auto reading = read_text(
        "vars:\n  greeting: 'hello {{ vars.who.name }}'\n  who: {name: '{{ host.name }}'}\n"
        "files: {/a: '{{ vars.greeting }}', /b: '{{ vars[\"who\"][\"name\"] }} on {{ facts.os.id }}'}");
    CHECK(reading.attribute("file:/a", "content") == "\"hello web1\"");
    CHECK(reading.attribute("file:/b", "content") == "\"web1 on debian\"");
}

TEST_CASE("a value that is one expression keeps its type") {
    const auto reading = read_text("vars: {all: [adm, www]}\nusers: {eve: {groups: '{{ vars.all }}'}}");
    CHECK(reading.attribute("user:eve", "groups") == R"(["adm","www"])");
}

TEST_CASE("braces of others stay with raw, and by quoting them") {
    const auto reading = read_text(
        "files:\n  /a: {content: 'x {{ .Names }}', raw: true}\n  /b: \"{{ '{{' }} y }}\"\n  /c: '{% raw %}{# no #}'");
    CHECK(reading.errors() == "");
    CHECK(reading.attribute("file:/a", "content") == "\"x {{ .Names }}\"");
    CHECK(reading.attribute("file:/b", "content") == "\"{{ y }}\"");
    CHECK(reading.attribute("file:/c", "content") == "\"{% raw %}{# no #}\"");
}

TEST_CASE("--var lies over every layer") {
    const auto reading = read_files({{"site.yml", "vars: {a: 1}\nfiles: {/a: '{{ vars.a }}'}"}}, {{"a", "2"}});
    CHECK(reading.attribute("file:/a", "content") == "\"2\"");
}

TEST_CASE("what is included lies under a file, what is laid over it above") {
    const auto reading =
        read_files({{"site.yml",
                     "include: [base.yml]\noverlay: ['hosts/{{ host.name }}.yml']\n"
                     "vars: {x: site}\nfiles: {/a: '{{ vars.x }}{{ vars.y }}'}"},
                    {"base.yml", "vars: {x: base, y: base}\nfiles: {/a: base, /b: {mode: 0600, content: base}}"},
                    {"hosts/web1.yml", "vars: {y: host}\nfiles: {/b: {mode: 0640}}"}});
    CHECK(ids(reading) == "file:/a file:/b");
    CHECK(reading.attribute("file:/a", "content") == "\"sitehost\"");
    CHECK(reading.attribute("file:/b", "mode") == "\"0640\"");
    CHECK(reading.attribute("file:/b", "content") == "\"base\"");
}

TEST_CASE("a chain of manifests has an end, before the stack has") {
    const auto chain = [](int files) {
        std::vector<std::pair<std::string, std::string>> all{{"site.yml", "include: [1.yml]"}};
        for (int i = 1; i < files; ++i)
            all.emplace_back(std::to_string(i) + ".yml",
                             i + 1 < files ? "include: [" + std::to_string(i + 1) + ".yml]" : "vars: {deep: 1}");
        return read_files(all).errors();
    };
    CHECK(chain(1000) == "");
    CHECK(chain(1001).find("more than 1000 files include one another") != std::string::npos);
}

TEST_CASE("layers: lists are replaced, plus adds, null takes away, source and content replace each other") {
    const auto reading = read_files({{"site.yml",
                                      "include: [base.yml]\nusers: {a: {groups+: [y]}, b: {groups: [y]}, c: {shell: "
                                      "null}}\nfiles: {/a: {source: x.txt}}"},
                                     {"base.yml",
                                      "users: {a: {groups: [x]}, b: {groups: [x]}, c: {shell: zsh, groups: "
                                      "[x]}}\nfiles: {/a: {content: base, mode: 0600}}"},
                                     {"x.txt", "from a file\n"}});
    CHECK(reading.errors() == "");
    CHECK(reading.attribute("user:a", "groups") == R"(["x","y"])");
    CHECK(reading.attribute("user:b", "groups") == R"(["y"])");
    CHECK(reading.attribute("user:c", "shell") == "not said");
    CHECK(reading.attribute("user:c", "groups") == R"(["x"])");
    CHECK(reading.attribute("file:/a", "content") == R"("from a file\n")");
    CHECK(reading.attribute("file:/a", "mode") == "\"0600\"");
}

TEST_CASE("layers: absent and present go either way, and without forgets") {
    CHECK(
        ids(read_files(
            {{"site.yml", "include: [b.yml]\npackages: [telnet]\nabsent: {packages: [vim]}\nwithout: ['package:na*']"},
             {"b.yml", "absent: {packages: [telnet]}\npackages: [vim, nano]"}})) == "package:telnet package:vim-");
}

TEST_CASE("a file is read once, a glob is sorted, an optional one may be missing") {
    CHECK(ids(read_files({{"site.yml", "include: [d/*.yml, a.yml, {file: none.yml, optional: true}]"},
                          {"a.yml", "packages: [a]"},
                          {"d/2.yml", "include: [../a.yml]\npackages: [two]"},
                          {"d/1.yml", "packages: [one]"}})) == "package:one package:a package:two");
}

TEST_CASE("when and each decide what exists, and a need on what is off is dropped") {
    CHECK(ids(read_text("vars: {no: false}\npackages: [{name: a, when: vars.no}, {name: b, when: facts.os.family == "
                        "'debian', needs: ['package:a']}]")) == "package:b");
    const auto reading = read_text(
        "vars: {sites: {x: 1, y: 2}}\nfiles:\n  '/etc/{{ item.key }}': {each: vars.sites, content: '{{ item.value "
        "}}/{{ loop.index }}'}\n"
        "blocks:\n  - {each: [p, q], as: it, tags: [t], packages: ['{{ it }}'], absent: {packages: ['not-{{ it }}']}}");
    CHECK(ids(reading) == "file:/etc/x file:/etc/y package:p package:not-p- package:q package:not-q-");
    CHECK(reading.attribute("file:/etc/y", "content") == "\"2/2\"");
    CHECK(reading["package:q"].tags == std::vector<std::string>{"t"});
}

TEST_CASE("what is written about others becomes edges") {
    CHECK(edges(read_text("packages: [{name: a, needs: ['packages:b'], before: [{file: /x}]}, b]\nfiles: {/x: y}")) ==
          "package:a -> file:/x, package:b -> package:a");
    const auto reading = read_text(
        "files: {/etc/n/a: x, /etc/n/b: y, /etc/o: {content: z, notify: [service:n.service]}}\n"
        "services: {n: {watch: ['file:/etc/n/*', 'file:/none/*']}}");
    CHECK(edges(reading) == "file:/etc/n/a -> service:n, file:/etc/n/b -> service:n, file:/etc/o -> service:n");
    CHECK(reading["service:n"].watches == std::vector<std::uint32_t>{0, 1, 2});
}

TEST_CASE("a site has the name of its file where it says none, and its real path as origin") {
    const auto reading = read_text("packages: [git]");
    CHECK(reading.site.name == "site");
    CHECK(reading.site.origin.ends_with("/site.yml"));
    CHECK(read_text("name: web\npackages: [git]").site.name == "web");
}

TEST_CASE("a source that is big is passed by digest and not held in memory") {
    const auto reading = read_files({{"site.yml", "files: {/a: {source: big}}"}, {"big", std::string(2 << 20, 'x')}});
    CHECK(reading.errors() == "");
    CHECK(reading.attribute("file:/a", "content").find("\"size\":\"2097152\"") != std::string::npos);
}

TEST_CASE("a manifest that was read before is taken from the cache, places included") {
    Memory cache;
    const std::string text = "packages: [git]\n" + std::string(600, '#') + "\nfiles: {/a: {mod: 1}}";
    const auto first = read_files({{"site.yml", text}}, {}, &cache),
               second = read_files({{"site.yml", text}}, {}, &cache);
    CHECK(cache.hits == 1);
    CHECK(first.errors() == second.errors());
    CHECK(first.errors().find("site.yml:3:14: error: 'mod' is no attribute of file") != std::string::npos);
}

TEST_CASE("every mistake is reported, not only the first") {
    const auto reading = read_text("packges: [a]\nfiles: {/a: {mod: 1}, relative: x}\npackages: [git, git]\nusers:");
    CHECK(reading.problems.errors().size() == 5);
}

TEST_CASE("a site of many thousand resources is read") {
    std::string text = "files:\n";
    for (int i = 0; i < 20'000; ++i) text += "  /srv/d/f" + std::to_string(i) + ": {content: hello, mode: 0644}\n";
    text += "services: {n: {watch: ['file:/srv/d/f1*']}}\n";
    const auto reading = read_text(text);
    CHECK(reading.errors() == "");
    CHECK(reading.site.catalog.size() > 20'000);  // with the directories above them
}

TEST_CASE("strategy override drops what lower layers said in the sections of the file") {
    const std::vector<std::pair<std::string, std::string>> files = {
        {"site.yml", "include: [low.yml]\nstrategy: override\npackages: [vim]\nabsent: {users: [eve]}\n"},
        {"low.yml", "packages: {git: 1, vim: 2}\nusers: [deploy, eve]\nservices: [x]\n"}};
    const auto reading = read_files(files);
    CHECK(ids(reading) == "service:x package:vim user:eve-");
    CHECK(reading.attribute("package:vim", "version") == "not said");
    const auto overlaid = read_files({{"site.yml",
                                       "overlay: [{file: high.yml, strategy: override}]\n"
                                       "packages: [git]\nservices: [x]\n"},
                                      {"high.yml", "strategy: merge\nblocks: [{tags: [t], packages: [nano]}]\n"}});
    CHECK(ids(overlaid) == "service:x package:nano");
}

TEST_CASE("strategy strict takes what lies on nothing") {
    CHECK(ids(read_files({{"site.yml", "include: [low.yml]\nstrategy: strict\nvars: {b: 1}\npackages: [vim]\n"},
                          {"low.yml", "vars: {a: 1}\npackages: [git]\n"}})) == "package:git package:vim");
}

TEST_CASE("audit and exact are said of a resource") {
    const auto reading = read_text("users: {eve: {groups: [adm], exact: [groups], audit: true}, bob: {audit: no}}");
    CHECK(ids(reading) == "user:eve user:bob");
    CHECK(reading["user:eve"].audit);
    CHECK_FALSE(reading["user:bob"].audit);
    REQUIRE(reading["user:eve"].exact.size() == 1);
    CHECK(reading["user:eve"].exact[0]->name == "groups");
}

TEST_CASE("a chain of 50,000 variables ends with an error, and so does an each over too many") {
    std::string vars = "vars:\n";
    for (int i = 0; i < 50'000; ++i) vars += fmt::format("  v{}: \"{{{{ vars.v{} }}}}\"\n", i, i + 1);
    vars += "  v50000: 1\n";
    const auto deep = read_text(vars + "files: {/a: \"{{ vars.v0 }}\"}\n");
    REQUIRE(deep.problems.errors().size() == 1);
    CHECK(deep.problems.errors()[0].what() == std::string("this goes more than 600 levels deep"));
    const auto shallow = read_text(vars + "files: {/a: \"{{ vars.v49800 }}\"}\n");
    CHECK(shallow.problems.ok());
    const auto many = read_text("packages: [{name: 'p{{ item }}', each: range(500001)}]\n");
    REQUIRE(many.problems.errors().size() == 1);
    CHECK(many.problems.errors()[0].where == Place{1, 40, 0});
    CHECK(std::string(many.problems.errors()[0].what()).find("more than 500000 entries") != std::string::npos);
}

TEST_CASE("turns of a block in which each makes too many are told before one of them is made") {
    const auto nested = read_text(
        "blocks:\n- each: range(1000)\n  as: a\n"
        "  packages: [{name: 'p{{ a }}-{{ i }}', each: range(1000), as: i}]\n");
    REQUIRE(nested.problems.errors().size() == 1);
    CHECK(nested.problems.errors()[0].where == Place{4, 47, 0});
    CHECK(std::string(nested.problems.errors()[0].what()).find("more than 500000 entries") != std::string::npos);
    CHECK(nested.site.catalog.empty());
    const auto few = read_text(
        "blocks:\n- each: range(3)\n  as: a\n  packages: [{name: 'p{{ a }}-{{ i }}', each: range(a), as: i}]\n");
    CHECK(few.problems.ok());
    CHECK(few.site.catalog.size() == 3);
}

TEST_CASE("of ten thousand mistakes the first thousand are looked for") {
    std::string text = "files:\n";
    for (int i = 0; i < 10'000; ++i) text += fmt::format("  /f{}: {{content: x, wrong: 1}}\n", i);
    CHECK(read_text(text).problems.errors().size() == 1000);
    std::string one = "files:\n  /f:\n    content: x\n";
    for (int i = 0; i < 10'000; ++i) one += fmt::format("    wrong{}: 1\n", i);
    CHECK(read_text(one).problems.errors().size() == 1000);
}

TEST_CASE("variables of several files are laid on each other by name: replaced, added to, united and taken out") {
    const auto reading = read_files({{"site.yml",
                                      "include: [low.yml]\n"
                                      "vars: {a: null, b: 2, c+: [y], d: {x: null, z: 3}, f: null, g: 1}\n"
                                      "files: {/v: \"{{ vars | to_json }}\"}\n"},
                                     {"low.yml", "vars: {a: 1, b: 1, c: [x, y], d: {x: 1, y: 2}, e: 5}\n"}});
    CHECK(reading.attribute("file:/v", "content") ==
          R"("{\"b\": 2, \"c\": [\"x\", \"y\"], \"d\": {\"y\": 2, \"z\": 3}, \"e\": 5, \"f\": null, \"g\": 1}")");
}
