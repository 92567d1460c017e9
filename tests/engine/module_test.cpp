// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <algorithm>

#include "site_kinds.hpp"

using namespace chaos;
using namespace chaos::test;

namespace {

using Files = std::vector<std::pair<std::string, std::string>>;

std::string error_of(const Reading& reading) {
    REQUIRE(reading.problems.errors().size() == 1);
    return reading.problems.errors()[0].what();
}

const std::string web =
    "params: {port: {type: port}, root: {type: path, default: /srv/www}}\n"
    "vars: {title: 'on {{ params.port }}'}\n"
    "packages: [nginx]\n"
    "files: {'/etc/{{ module.name }}.conf': '{{ params.root }} {{ vars.title }}'}\n"
    "exports: {url: 'http://{{ host.name }}:{{ params.port }}/'}\n";

}  // namespace

TEST_CASE("a module gives its resources for what it is given") {
    const auto reading = read_files({{"site.yml",
                                      "vars: {port: 8080, title: mine}\n"
                                      "use: [{module: web, with: {port: '{{ vars.port }}'}}]\n"
                                      "files: {/etc/motd: 'see {{ modules.web.url }}, {{ vars.title }}'}\n"},
                                     {"modules/web.yml", web}});
    CHECK(ids(reading) == "package:nginx file:/etc/web.conf file:/etc/motd");
    CHECK(reading.attribute("file:/etc/web.conf", "content") == "\"/srv/www on 8080\"");
    CHECK(reading.attribute("file:/etc/motd", "content") == "\"see http://web1:8080/, mine\"");
    CHECK(reading["file:/etc/web.conf"].modules == std::vector<std::string>{"web"});
    CHECK(reading["file:/etc/motd"].modules.empty());
}

TEST_CASE("a module used twice has a name for each use") {
    const auto reading = read_files({{"site.yml",
                                      "use:\n  - {module: web, with: {port: 80}}\n"
                                      "  - {module: web, as: admin, with: {port: 81, root: /srv//admin/}}\n"
                                      "files: {/etc/motd: '{{ modules.admin.url }}'}\n"},
                                     {"modules/web.yml", web}});
    CHECK(ids(reading) == "package:nginx file:/etc/web.conf file:/etc/admin.conf file:/etc/motd");
    CHECK(reading.attribute("file:/etc/admin.conf", "content") == "\"/srv/admin on 81\"");
    CHECK(reading.attribute("file:/etc/motd", "content") == "\"http://web1:81/\"");
    CHECK(reading["package:nginx"].modules == std::vector<std::string>{"web", "admin"});
}

TEST_CASE("the site lies over its modules, and a module over those that it uses") {
    const auto reading = read_files(
        {{"site.yml", "use: [outer]\npackages: {nginx: 3}\nfiles: {/b: {mode: 0600}}\nwithout: [package:vim]\n"},
         {"modules/outer.yml", "use: [inner]\npackages: {nginx: 2, vim: 1}\nfiles: {/a: outer}\n"},
         {"modules/inner.yml", "packages: {nginx: 1}\nfiles: {/a: {content: inner, mode: 0640}, /b: b}\n"}});
    CHECK(ids(reading) == "package:nginx file:/a file:/b");
    CHECK(reading.attribute("package:nginx", "version") == "\"3\"");
    CHECK(reading.attribute("file:/a", "content") == "\"outer\"");
    CHECK(reading.attribute("file:/a", "mode") == "\"0640\"");
    CHECK(reading.attribute("file:/b", "mode") == "\"0600\"");
    CHECK(reading["file:/a"].modules == std::vector<std::string>{"outer/inner", "outer"});
}

TEST_CASE("modules of a site may say the same, and not what differs") {
    const Files same = {{"site.yml", "use: [a, b]\n"},
                        {"modules/a.yml", "packages: {curl: 1}\nfiles: {/x: {mode: 0600}}\n"},
                        {"modules/b.yml", "packages: {curl: 1}\nfiles: {/x: {owner: eve}}\n"}};
    const auto reading = read_files(same);
    CHECK(ids(reading) == "package:curl file:/x");
    CHECK(reading.attribute("file:/x", "owner") == "\"eve\"");
    CHECK(error_of(read_files({{"site.yml", "use: [a, outer]\n"},
                               {"modules/outer.yml", "use: [b]\n"},
                               {"modules/a.yml", "packages: {curl: 1}\n"},
                               {"modules/b.yml", "packages: {curl: 2}\n"}})) ==
          "package:curl is declared twice, and 'version' differs");
}

TEST_CASE("two modules may add to one list, and not one replace what the other adds to") {
    const auto with = [](const std::string& a, const std::string& b) {
        return read_files({{"site.yml", "use: [a, b]\nusers: {eve: {shell: zsh}}\n"},
                           {"modules/a.yml", "users: {eve: {" + a + ": [x]}}\n"},
                           {"modules/b.yml", "users: {eve: {" + b + ": [y]}}\n"}});
    };
    CHECK(with("groups+", "groups+").attribute("user:eve", "groups") == "[\"x\",\"y\"]");
    CHECK(error_of(with("groups+", "groups")) == "user:eve is declared twice, and 'groups' differs");
    CHECK(error_of(with("groups", "groups+")) == "user:eve is declared twice, and 'groups+' differs");
}

TEST_CASE("a use that does not stand leaves nothing, and needs on it are dropped") {
    const auto reading = read_files({{"site.yml",
                                      "use: [{module: web, when: host.name == 'other', with: {port: 80}}]\n"
                                      "packages: {git: {needs: ['module:web']}}\n"},
                                     {"modules/web.yml", web}});
    CHECK(ids(reading) == "package:git");
    CHECK(edges(reading) == "");
}

TEST_CASE("needs on what a module that is switched off would declare are dropped") {
    const auto reading =
        read_files({{"site.yml",
                     "use: [{module: web, when: false, with: {port: 80}}]\n"
                     "blocks: [{when: false, use: [{module: web, as: two, with: {port: 81}}]}]\n"
                     "packages: {git: {needs: ['package:nginx', 'file:/etc/web.conf', "
                     "'file:/etc/two.conf', 'web/job:warm']}}\n"},
                    {"modules/web.yml", web + "blocks: [{jobs: {warm: {command: x, when: vars.none}}}]\n"}});
    CHECK(ids(reading) == "package:git");
    CHECK(edges(reading) == "");
    const auto wrong =
        read_files({{"site.yml", "use: [{module: gone, when: false}]\npackages: {git: {needs: ['package:none']}}\n"}});
    CHECK(error_of(wrong) == "nothing declares package:none");
}

TEST_CASE("without forgets what is switched off below as well") {
    const auto reading = read_files({{"site.yml", "include: [low.yml]\nwithout: ['file:/a']\nfiles: {/b: b}\n"},
                                     {"low.yml", "files: {/a: {content: a, when: false}}\n"}});
    CHECK(ids(reading) == "file:/b");
}

TEST_CASE("a passing fact decides nothing by way of a module, an export or a variable, and may be shown") {
    const auto said = [](const std::string& in_site, const std::string& in_module) {
        return read_files({{"site.yml",
                            "vars: {busy: '{{ facts.load }}', shown: '{{ vars.busy }}'}\n"
                            "use: [{module: m, with: {a: 'load {{ facts.load }}', b: 2}}]\n"
                            "files:\n  /shown: '{{ vars.shown }} {{ modules.m.out }}'\n" +
                                in_site},
                           {"modules/m.yml",
                            "params: {a: {}, b: {}, c: {default: '{{ facts.load }}'}}\n"
                            "vars: {v: '{{ params.a }}'}\nexports: {out: '{{ params.a }}', fine: '{{ params.b }}'}\n"
                            "files:\n  /m: '{{ vars.v }} {{ params.c }}'\n" +
                                in_module}});
    };
    CHECK(
        said("  /a: {content: x, when: modules.m.fine == 2}\n", "  /b: {content: x, when: params.b == 2}\n").errors() ==
        "");
    const std::string in_site[] = {"  /a: {content: x, when: vars.busy == '0.5'}\n",
                                   "  /a: {content: x, when: vars.shown == '0.5'}\n",
                                   "  /a: {content: x, when: \"vars['shown'] == '0.5'\"}\n",
                                   "  /a: {content: x, when: modules.m.out == 'x'}\n",
                                   "  '/a{{ modules.m.out }}': x\n",
                                   "  /a: {content: x, absent: '{{ vars.busy == 1 }}'}\n"};
    const std::string in_module[] = {"  /a: {content: x, when: params.a == 'x'}\n",
                                     "  /a: {content: x, when: params.c == 'x'}\n",
                                     "  /a: {content: x, when: vars.v == 'x'}\n", "  '/a{{ params.a }}': x\n",
                                     "  '/a{{ item }}': {content: x, each: '[params.a]'}\n"};
    for (const auto& text : in_site)
        CHECK_MESSAGE(said(text, "").errors().find("facts.load changes by itself") != std::string::npos, text);
    for (const auto& text : in_module)
        CHECK_MESSAGE(said("", text).errors().find("facts.load changes by itself") != std::string::npos, text);
}

TEST_CASE("a block shares all that an entry can say, and the entry has the last word on it") {
    const auto reading = read_text(
        "blocks:\n  - {keep: true, audit: true, files: {/a: a, /b: {content: b, keep: false}}}\n"
        "  - {retry: 3, services: {s: {}, t: {retry: 2}}}\n"
        "  - {raw: true, files: {/c: '{{ x }}'}}\n");
    REQUIRE(reading.errors() == "");
    CHECK(reading["file:/a"].keep);
    CHECK(reading["file:/a"].audit);
    CHECK_FALSE(reading["file:/b"].keep);
    CHECK(reading["service:s"].retry.times == 3);
    CHECK(reading["service:t"].retry.times == 2);
    CHECK(reading.attribute("file:/c", "content") == "\"{{ x }}\"");
}

TEST_CASE("a template reads files beneath the manifest alone; the manifest reads what it names") {
    const auto reading =
        read_files({{"site.yml",
                     "vars: {mine: \"{{ file('/proc/sys/kernel/ostype') }}\"}\n"
                     "files: {/fine: {template: fine.j2}, /up: {template: up.j2}, /all: {template: all.j2}}\n"},
                    {"fine.j2", "{{ file('sub/x') }} {{ vars.mine }}"},
                    {"sub/x", "inside\n"},
                    {"up.j2", "{{ file('../../../../../../../../proc/sys/kernel/ostype') }}"},
                    {"all.j2", "{{ file('/proc/sys/kernel/ostype') }}"}});
    CHECK(reading.attribute("file:/fine", "content") == "\"inside Linux\"");
    REQUIRE(reading.problems.errors().size() == 2);
    for (const Error& error : reading.problems.errors())
        CHECK(std::string(error.what()).find("leads out of") != std::string::npos);
}

TEST_CASE("needs on a use bind what nothing else declares") {
    const auto reading = read_files(
        {{"site.yml",
          "use: [base, {module: web, needs: ['module:base'], notify: [service:x], doc: the web, tags: [w]}]\n"
          "packages: [curl]\nservices: [x]\n"},
         {"modules/base.yml", "packages: [apt]\n"},
         {"modules/web.yml", "packages: [curl, apt, nginx]\n"}});
    CHECK(edges(reading) == "package:apt -> package:nginx, package:nginx -> service:x");
    CHECK(reading["package:nginx"].doc == "the web");
    CHECK(reading["package:nginx"].tags == std::vector<std::string>{"w"});
    CHECK(reading["package:curl"].tags.empty());
    CHECK(reading["service:x"].watches.size() == 1);
}

TEST_CASE("a block shares what it says with the modules that it uses") {
    const auto reading = read_files({{"site.yml",
                                      "packages: [git]\nblocks:\n"
                                      "  - {when: host.name == 'web1', needs: [package:git], use: [a]}\n"
                                      "  - {when: host.name == 'x', use: [b], packages: [no]}\n"},
                                     {"modules/a.yml", "files: {/a: a}\n"},
                                     {"modules/b.yml", "files: {/b: b}\n"}});
    CHECK(ids(reading) == "file:/a package:git");
    CHECK(edges(reading) == "package:git -> file:/a");
}

TEST_CASE("what a block says holds for its entries beside what they say themselves") {
    const auto reading = read_files({{"site.yml",
                                      "packages: [git, vim]\nblocks:\n"
                                      "  - when: host.name == 'x'\n"
                                      "    needs: package:git\n"
                                      "    files: {/a: {when: host.name == 'web1'}, /b: {when: vars.none == 1}}\n"
                                      "  - when: [host.name == 'web1']\n"
                                      "    needs: package:git\n"
                                      "    tags: base\n"
                                      "    files:\n"
                                      "      /c: {when: 'true', needs: [package:vim], tags: [own]}\n"
                                      "      /d: {when: 'false'}\n"}});
    CHECK(ids(reading) == "package:git package:vim file:/c");
    CHECK(edges(reading) == "package:git -> file:/c, package:vim -> file:/c");
    CHECK(reading["file:/c"].tags == std::vector<std::string>{"own", "base"});
}

TEST_CASE("a field of a parameter may be left out where its type says so") {
    const auto with = [&](const std::string& said) {
        return read_files({{"site.yml", "use: [{module: m, with: {disks: " + said + "}}]\n"},
                           {"modules/m.yml",
                            "params: {disks: {type: [{name: text, \"size?\": size}]}}\n"
                            "files: {/f: \"{{ params.disks | to_json }}\"}\n"}});
    };
    CHECK(with("[{name: a}, {name: b, size: 2GiB}]").attribute("file:/f", "content") ==
          R"("[{\"name\": \"a\"}, {\"name\": \"b\", \"size\": \"2GiB\"}]")");
    CHECK(error_of(with("[{size: 2GiB}]")) == "the field 'name' is missing");
    CHECK(error_of(with("[{name: a, 'size?': 1}]")) == "there is no field 'size?'");
    CHECK(error_of(with("[{name: a, size: many}]")).find("many") != std::string::npos);
}

TEST_CASE("labels of a module are its own") {
    const Files files = {
        {"site.yml",
         "use: [{module: web}, {module: web, as: admin}]\n"
         "jobs: {warm: one}\n"
         "services: {x: {needs: ['web/job:warm', 'job:warm']}}\n"},
        {"modules/web.yml", "jobs: {warm: two, other: three}\nfiles: {'/{{ module.name }}': {needs: [job:warm]}}\n"}};
    const auto reading = read_files(files);
    CHECK(ids(reading) ==
          "job:web/warm job:web/other file:/web job:admin/warm job:admin/other file:/admin job:warm service:x");
    CHECK(edges(reading) ==
          "job:web/warm -> file:/web, job:web/warm -> service:x, job:admin/warm -> file:/admin, job:warm -> "
          "service:x");
}

TEST_CASE("ids that a module is given are those of the site") {
    const auto reading = read_files(
        {{"site.yml", "jobs: {warm: one}\nuse: [{module: web, with: {after: [job:warm]}}]\n"},
         {"modules/web.yml", "params: {after: {type: [text]}}\nfiles: {/a: {needs: '{{ params.after }}'}}\n"}});
    CHECK(edges(reading) == "job:warm -> file:/a");
}

TEST_CASE("a module's templates and files are its own, and see its names") {
    const auto reading = read_files({{"site.yml", "vars: {who: site}\nuse: [{module: web, with: {port: 80}}]\n"},
                                     {"modules/web.yml",
                                      "params: {port: {type: port}}\nvars: {who: module}\n"
                                      "files: {/a: {template: t.j2}, /b: {source: b.txt}, /c: {template: t.j2}}\n"},
                                     {"modules/t.j2", "{{ params.port + 1 }} {{ vars.who }} {{ module.name }}"},
                                     {"modules/b.txt", "bytes"}});
    CHECK(reading.errors() == "");
    CHECK(reading.attribute("file:/a", "content") == "\"81 module web\"");
    CHECK(reading.attribute("file:/c", "content") == "\"81 module web\"");
    CHECK(reading.attribute("file:/b", "content") == "\"bytes\"");
}

TEST_CASE("what --var gives is for the site, not for its modules") {
    const auto reading =
        read_files({{"site.yml", "use: [web]\n"}, {"modules/web.yml", "vars: {a: 1}\nfiles: {/a: '{{ vars.a }}'}\n"}},
                   {{"a", "2"}});
    CHECK(reading.errors() == "");
    CHECK(reading.attribute("file:/a", "content") == "\"1\"");
}

TEST_CASE("a parameter is typed by the module") {
    const auto reading = read_files(
        {{"site.yml",
          "use: [{module: m, with: {text: 1.20, flag: 'yes', list: one, map: {a: 1, b: '2'}, size: 2GiB, wait: "
          "90s}}]\n"},
         {"modules/m.yml",
          "params:\n  text: {type: text}\n  flag: {type: bool}\n  list: {type: [text]}\n  size: {type: size}\n"
          "  wait: {type: duration}\n  map: {type: {a: int, b: text}}\n  none: {type: text, default: null}\n"
          "  some: {default: '{{ params.text }}!'}\n"
          "files:\n"
          "  /a: \"{{ params.text ~ params.flag ~ params.list[0] ~ (params.map.a + 1) ~ params.map.b ~ params.some "
          "}}\"\n"
          "  /b: {when: params.flag and params.none is none}\n"}});
    CHECK(ids(reading) == "file:/a file:/b");
    CHECK(reading.attribute("file:/a", "content") == "\"1.20trueone221.20!\"");
}

TEST_CASE("a module is found beside who uses it, beside itself, and where the site stands") {
    const auto reading = read_files({{"site.yml", "include: [groups/web.yml]\nuse: [a]\n"},
                                     {"groups/web.yml", "use: [c]\n"},
                                     {"modules/a.yml", "use: [b]\n"},
                                     {"modules/b.yml", "packages: [b]\n"},
                                     {"modules/c.yml", "packages: [c]\n"}});
    CHECK(ids(reading) == "package:c package:b");
}

TEST_CASE("a module may include files, which lie under it") {
    const auto reading =
        read_files({{"site.yml", "use: [{module: a, with: {p: 5}}]\n"},
                    {"modules/a.yml", "include: [parts/low.yml]\nparams: {p: {type: int}}\npackages: {x: 2}\n"},
                    {"modules/parts/low.yml", "packages: {x: 1, y: '{{ params.p }}'}\n"}});
    CHECK(reading.errors() == "");
    CHECK(reading.attribute("package:x", "version") == "\"2\"");
    CHECK(reading.attribute("package:y", "version") == "\"5\"");
}

TEST_CASE("--only takes all of a module") {
    auto reading = read_files({{"site.yml", "use: [outer]\npackages: [git]\n"},
                               {"modules/outer.yml", "use: [inner]\npackages: [a]\n"},
                               {"modules/inner.yml", "packages: [b]\n"}});
    REQUIRE(reading.errors() == "");
    select(reading.site, site_registry(), {"module:outer"}, {});
    CHECK(ids(reading) == "package:b package:a");
}

TEST_CASE("an assertion that holds says nothing") {
    CHECK(ids(read_text("vars: {port: 80}\nassert: [{that: [vars.port == 80, vars.port < 90], say: no}]\n"
                        "packages: [git]")) == "package:git");
}
