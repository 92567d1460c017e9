// SPDX-License-Identifier: Apache-2.0
// The built program, as a person or a script meets it.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chaos/process.hpp>
#include <chaos/value.hpp>
#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>

#include "sandbox.hpp"

using namespace chaos;

namespace {

const char* motd = "name: motd\nfiles:\n  /etc/motd: |\n    Welcome\n";

}  // namespace

TEST_CASE("the program says its version, as text and as a record") {
    Sandbox place;
    CHECK(place.chaos({"version"}).out == "chaos " CHAOS_VERSION "\n");
    CHECK(from_json(place.chaos({"version", "--json"}).out).find("version")->text() == CHAOS_VERSION);
}

TEST_CASE("a wrong command line ends with 64, says why on standard error, and prints no result") {
    Sandbox place;
    for (const std::vector<std::string>& words :
         std::vector<std::vector<std::string>>{{},
                                               {"aply"},
                                               {"plan"},
                                               {"plan", "--jsn"},
                                               {"version", "--yes"},
                                               {"show", "x"},
                                               {"graph", "--format", "png", "x.yml"},
                                               {"help", "--completion", "csh"}}) {
        const Output output = place.chaos(words);
        CHECK(output.status == 64);
        CHECK(output.out.empty());
        CHECK(output.err.find(words.empty() ? "chaos COMMAND" : "error: ") != std::string::npos);
    }
}

TEST_CASE("what is wrong is a record too, where one is asked for") {
    Sandbox place;
    const Output output = place.chaos({"plan", "/nonexistent/site.yml", "--json"});
    CHECK(output.status == 64);
    const Value record = from_json(output.out);
    REQUIRE(record.find("errors"));
    CHECK(record.find("errors")->list().size() == 1);
    CHECK(record.find("exit")->text() == "64");
    CHECK(output.err.find(record.find("errors")->list()[0].find("message")->text()) != std::string::npos);
}

TEST_CASE("a wrong command line is a record too, where one is asked for") {
    Sandbox place;
    for (const std::vector<std::string>& words :
         std::vector<std::vector<std::string>>{{"show", "-1", "--json"}, {"--json", "rollback", "-5", "-n"}}) {
        const Output output = place.chaos(words);
        CHECK(output.status == 64);
        CHECK(from_json(output.out).find("exit")->text() == "64");
    }
    CHECK(place.chaos({"show", "-1", "--", "--json"}).out.empty());
}

TEST_CASE("a result that can not be written is an error, unless its reader had enough") {
    Sandbox place;
    const std::string site = place.write("site.yml", motd);
    for (const char* verb : {"schema", "version", "help", "facts"})
        for (const char* lost : {"> /dev/full", ">&-"}) {
            CAPTURE(verb);
            const Output output = place.shell(std::string("$chaos ") + verb + " " + lost);
            CHECK(output.status == 1);
            CHECK(output.err.find("standard output can not be written") != std::string::npos);
        }
    CHECK(place.shell("$chaos plan --root " + place.root() + " " + site + " > /dev/full").status == 1);
    const Output applied = place.shell("$chaos apply --root " + place.root() + " " + site + " >&-");
    CHECK(applied.status == 0);
    CHECK(applied.err.find("standard output can not be written") != std::string::npos);
    CHECK(place.read("root/etc/motd") == "Welcome\n");
    CHECK(place.shell("$chaos schema | head -c 1 > /dev/null").err.empty());
}

TEST_CASE("what has no lines to show is named by diff all the same") {
    Sandbox place;
    const std::string site =
        place.write("site.yml", "files: {/etc/key: {content: k, secret: true}}\nusers: {zed: {}}\n");
    const Output output = place.in_root({"diff", site});
    CHECK(output.status == 2);
    CHECK(output.out.find("+ file:/etc/key") != std::string::npos);
    CHECK(output.out.find("+ user:zed") != std::string::npos);
}

TEST_CASE("a secret that is not said to be one any more is not shown by the change, nor by what tells of it later") {
    Sandbox place;
    const std::string site = place.write("site.yml", "name: s\nfiles: {/etc/key: {content: old-word, secret: true}}\n");
    CHECK(place.in_root({"apply", site}).status == 0);
    place.write("site.yml", "name: s\nfiles: {/etc/key: {content: new-word}}\n");
    const auto hidden = [](const Output& output) {
        return output.out.find("old-word") == std::string::npos && output.out.find("/etc/key") != std::string::npos;
    };
    CHECK(hidden(place.in_root({"plan", site})));
    CHECK(hidden(place.in_root({"plan", site, "--json"})));
    CHECK(hidden(place.in_root({"apply", site})));
    CHECK(place.read("root/etc/key") == "new-word");
    CHECK(hidden(place.in_root({"show", "2"})));
    CHECK(hidden(place.in_root({"rollback", "-n"})));
    CHECK(place.in_root({"rollback", "-y"}).status == 0);
    CHECK(place.read("root/etc/key") == "old-word");
}

TEST_CASE("an owner that neither the host nor the run has is found before anything is done") {
    Sandbox place;
    const std::string site = place.write("site.yml", "files: {/etc/a: {content: x, owner: nobody-knows}}\n");
    for (const char* verb : {"plan", "apply"}) {
        const Output output = place.in_root({verb, site});
        CHECK(output.status == 1);
        CHECK(output.err.find("site.yml:1:9: error: there is no user \"nobody-knows\"") != std::string::npos);
    }
    CHECK_FALSE(place.read("root/etc/a"));
    place.write("site.yml",
                "users: {ann: {}}\ngroups: {g: {}}\nfiles:\n  /etc/a: {content: x, owner: ann, group: ann}\n"
                "  /etc/b: {content: x, owner: root, group: g}\n  /etc/c: {content: x, owner: 4711}\n");
    CHECK(place.in_root({"plan", site}).status == 2);
    place.write("site.yml",
                "exec: {make it: {command: useradd x, creates: /x}}\nfiles: {/etc/a: {content: x, owner: x}}\n");
    const Output may_come = place.in_root({"plan", site});
    CHECK(may_come.status == 2);
    CHECK(may_come.err.find("note: there is no user \"x\"") != std::string::npos);
}

TEST_CASE("a state directory that is a file is refused by who only looks, too") {
    Sandbox place;
    const std::string site = place.write("site.yml", motd);
    for (const char* verb : {"plan", "apply", "drift"}) {
        const Output output = place.in_root({verb, "--state-dir", site, site});
        CHECK(output.status == 64);
        CHECK(output.err.find("--state-dir: expected a directory") != std::string::npos);
    }
}

TEST_CASE("setup makes the directories of its state in an image that has none, and says why where it can not") {
    Sandbox place;
    const std::string image = place.root() + "/image";
    ::mkdir(image.c_str(), 0755);
    CHECK(place.chaos({"setup", "--root", image, "-y"}).status == 0);
    CHECK(place.read("root/image/var/lib/chaos/setup.yml"));
    const std::string other = place.root() + "/other";
    for (const char* below : {"", "/var", "/var/lib", "/var/lib/chaos", "/var/lib/chaos/setup.yml"})
        ::mkdir((other + below).c_str(), 0700);
    const Output refused = place.chaos({"setup", "--root", other, "-y"});
    CHECK(refused.status == 1);
    CHECK(refused.err.find("setup.yml: Is a directory") != std::string::npos);
}

TEST_CASE("a file inside a file, and one inside a directory that is to be absent, are found by check") {
    Sandbox place;
    for (const char* text :
         {"files:\n  /etc/a: x\n  /etc/a/b: y\n", "files:\n  /t/a/f: x\nabsent: {directories: [/t/a]}\n"}) {
        const Output output = place.in_root({"check", place.write("site.yml", text)});
        CHECK(output.status == 64);
        CHECK(output.err.find("site.yml:") != std::string::npos);
        CHECK(output.err.find(" is to be in ") != std::string::npos);
    }
}

TEST_CASE("a bad manifest ends with 64 and a place, and nothing is made") {
    Sandbox place;
    const std::string site = place.write("site.yml", "name: x\nfilez:\n  /etc/motd: hi\n");
    for (const char* verb : {"check", "plan", "diff", "apply", "graph", "drift"}) {
        CAPTURE(verb);
        const Output output = place.in_root({verb, site});
        CHECK(output.status == 64);
        CHECK(output.err.find("site.yml:2:1: error: ") != std::string::npos);
        CHECK(output.err.find("files") != std::string::npos);
    }
    CHECK(access((place.root() + "/var/lib/chaos").c_str(), F_OK) != 0);
}

TEST_CASE("of very many mistakes a hundred are shown, and how many there are") {
    const Sandbox box;
    std::string text = "files:\n";
    for (int i = 0; i < 150; ++i) text += "  /f" + std::to_string(i) + ": {content: x, wrong: 1}\n";
    const auto output = box.chaos({"check", box.write("site.yml", text)});
    CHECK(output.status == 64);
    CHECK(output.err.find("/f99:") != std::string::npos);
    CHECK(output.err.find("/f100:") == std::string::npos);
    CHECK(output.err.find("... and 50 more mistakes") != std::string::npos);
}

TEST_CASE("an empty manifest is an error") {
    Sandbox place;
    CHECK(place.in_root({"apply", place.write("site.yml", "")}).status == 64);
}

TEST_CASE("a site is planned, applied, seen to drift, mended and taken back") {
    Sandbox place;
    const std::string site = place.write("site.yml", motd);

    const Output planned = place.in_root({"plan", site});
    CHECK(planned.status == 2);
    CHECK(planned.out.find("+ file:/etc/motd") != std::string::npos);
    CHECK(planned.out.find("+Welcome") != std::string::npos);
    CHECK(planned.out.find("1 to create, 0 to change, 0 to remove.") != std::string::npos);
    CHECK_FALSE(place.read("root/etc/motd"));
    CHECK(access((place.root() + "/var/lib/chaos").c_str(), F_OK) != 0);

    const Output applied = place.in_root({"apply", site, "--yes"});
    CAPTURE(applied.err);
    REQUIRE(applied.status == 0);
    CHECK(applied.out.find("Run 1: 1 resource changed.") != std::string::npos);
    CHECK(place.read("root/etc/motd") == "Welcome\n");

    const Output again = place.in_root({"apply", site, "--yes"});
    CHECK(again.status == 0);
    CHECK(again.out.find("Nothing to do: 1 resource is as wished.") != std::string::npos);
    CHECK(place.in_root({"plan", site}).status == 0);
    CHECK(place.in_root({"drift"}).status == 0);

    place.write("root/etc/motd", "Go away\n");
    const Output drifted = place.in_root({"drift"});
    CHECK(drifted.status == 2);
    CHECK(drifted.out.find("~ file:/etc/motd") != std::string::npos);
    CHECK(drifted.out.find("+Go away") != std::string::npos);
    CHECK(place.in_root({"apply", site, "--yes"}).status == 0);
    CHECK(place.read("root/etc/motd") == "Welcome\n");

    const Output history = place.in_root({"history", "--json"});
    CHECK(from_json(history.out).find("runs")->list().size() == 2);
    CHECK(place.in_root({"show", "1"}).out.find("+ file:/etc/motd") != std::string::npos);
    CHECK(place.in_root({"show", "99"}).status == 64);
    CHECK(place.in_root({"history", "file:/etc/motd"}).out.find("run 2") != std::string::npos);

    const Output back = place.in_root({"rollback", "0", "--yes"});
    CAPTURE(back.err);
    CHECK(back.status == 0);
    CHECK_FALSE(place.read("root/etc/motd"));
}

TEST_CASE("a plan as a record has what the text has") {
    Sandbox place;
    const std::string site = place.write("site.yml", motd);
    const Value record = from_json(place.in_root({"plan", site, "--json"}).out);
    REQUIRE(record.find("changes"));
    const Value& change = record.find("changes")->list().at(0);
    CHECK(change.find("id")->text() == "file:/etc/motd");
    CHECK(change.find("action")->text() == "create");
    const std::string where = change.find("where")->text();
    CHECK(where.ends_with("site.yml:3:3"));
    CHECK(place.in_root({"plan", site}).out.find(where) != std::string::npos);
}

TEST_CASE("more than ten removals and a third of the site wait for a word") {
    Sandbox place;
    std::string text = "name: many\nfiles:\n";
    for (int i = 0; i < 15; ++i) text += "  /etc/f" + std::to_string(i) + ": x\n";
    const std::string site = place.write("site.yml", text);
    REQUIRE(place.in_root({"apply", site, "--yes"}).status == 0);
    place.write("site.yml", "name: many\nfiles:\n  /etc/f0: x\n");
    const Output planned = place.in_root({"plan", site});
    CHECK(planned.out.ends_with(" --removals\n"));
    const Output refused = place.in_root({"apply", site, "--yes"});
    CHECK(refused.status == 2);
    CHECK(refused.err.find("--removals") != std::string::npos);
    CHECK(place.read("root/etc/f14"));
    const Output done = place.in_root({"apply", site, "--yes", "--removals"});
    CHECK(done.status == 0);
    CHECK_FALSE(place.read("root/etc/f14"));
    CHECK(place.read("root/etc/f0"));
}

TEST_CASE("with --require-undo nothing is done that could not be taken back") {
    Sandbox place;
    const std::string site = place.write("site.yml",
                                         "name: s\nfiles: {/etc/a: x}\nexec:\n"
                                         "  one: {command: 'true', creates: /etc/one}\n"
                                         "  two: {command: 'true', creates: /etc/two, undo: 'true'}\n");
    for (const char* how : {"--yes", "--dry-run"}) {
        const Output refused = place.in_root({"apply", site, how, "--require-undo"});
        CHECK(refused.status == 1);
        CHECK(refused.out.find("file:/etc/a") != std::string::npos);  // the plan is shown all the same
        CHECK(refused.err.find("site.yml:4:3: error: exec:one could not be taken back") != std::string::npos);
        CHECK(refused.err.find("site.yml:5:3: error: exec:two could be taken back by best effort only") !=
              std::string::npos);
        CHECK(refused.err.find("file:/etc/a could") == std::string::npos);
        CHECK_FALSE(place.read("root/etc/a"));
    }
    CHECK(place.in_root({"apply", site, "--yes", "--require-undo", "--only", "file:/etc/a"}).status == 0);
    CHECK(place.read("root/etc/a"));
}

TEST_CASE("what is protected is not removed") {
    Sandbox place;
    const std::string site =
        place.write("site.yml", "name: p\nprotect: [\"file:/etc/keep\"]\nabsent: {files: [/etc/keep]}\n");
    place.write("root/etc/keep", "x");
    const Output output = place.in_root({"apply", site, "--yes"});
    CHECK(output.status == 1);
    CHECK(output.err.find("file:/etc/keep is protected") != std::string::npos);
    CHECK(place.read("root/etc/keep"));
}

TEST_CASE("a looking verb makes nothing, and a history of nothing is empty") {
    Sandbox place;
    CHECK(place.in_root({"history"}).out == "No run yet.\n");
    CHECK(place.in_root({"recover"}).status == 0);
    CHECK(place.in_root({"drift"}).status == 0);
    CHECK(place.in_root({"rollback", "--yes"}).status == 1);
    CHECK(access((place.root() + "/var/lib/chaos").c_str(), F_OK) != 0);
}

TEST_CASE("a fact is printed bare, and one that is none is answered with what was meant") {
    Sandbox place;
    const Output all = place.chaos({"facts", "--json"});
    CHECK(all.status == 0);
    CHECK(from_json(all.out).find("os"));
    CHECK(place.chaos({"facts", "os.family"}).status == 0);
    const Output wrong = place.chaos({"facts", "os.famly"});
    CHECK(wrong.status == 64);
    CHECK(wrong.err.find("did you mean 'family'?") != std::string::npos);
}

TEST_CASE("the graph is drawn for Graphviz and for Markdown, reduced unless all of it is asked for") {
    Sandbox place;
    const std::string site = place.write(
        "site.yml",
        "name: g\ndirectories: [/etc/a]\nfiles: {/etc/a/b: x, /etc/a/c: {content: y, needs: ['file:/etc/a/b']}}\n");
    const Output output = place.in_root({"graph", site});
    CHECK(output.status == 0);
    CHECK(output.out.find("\"directory:/etc/a\" -> \"file:/etc/a/b\" [style=dashed, edgetooltip=\"path:/etc/a\"];") !=
          std::string::npos);
    CHECK(output.out.find("\"file:/etc/a/b\" -> \"file:/etc/a/c\" [edgetooltip=\"needs\"];") != std::string::npos);
    CHECK(output.out.find("\"directory:/etc/a\" -> \"file:/etc/a/c\"") == std::string::npos);
    CHECK(place.in_root({"graph", "--all", site}).out.find("\"directory:/etc/a\" -> \"file:/etc/a/c\"") !=
          std::string::npos);
    const Output mermaid = place.in_root({"graph", "--format", "mermaid", site});
    CHECK(mermaid.out.find("n0 -. \"path:/etc/a\" .-> n1\n") != std::string::npos);
    CHECK(mermaid.out.find("n1 --> n2\n") != std::string::npos);
    const Value record = from_json(place.in_root({"graph", "--json", site}).out);
    CHECK(record.find("edges")->list().size() == 2);
    CHECK(record.find("edges")->list()[0].find("written")->text() == "false");
}

TEST_CASE("the resources of a module stand together in the graph") {
    Sandbox place;
    ::mkdir((place.root() + "/../modules").c_str(), 0755);
    place.write("modules/web.yml", "files: {/etc/m: x}\n");
    const std::string site = place.write("site.yml", "use: [web]\nfiles: {/etc/a: x}\n");
    const Output output = place.in_root({"graph", site});
    CHECK(output.out.find("subgraph cluster_0 {\n        label=\"module web\";") != std::string::npos);
    const Output svg = place.in_root({"graph", "--format", "svg", site});
    if (svg.status == 0)
        CHECK(svg.out.find("</svg>") != std::string::npos);
    else  // where Graphviz is not installed, that is what is said
        CHECK(svg.err.find("apt-get install graphviz") != std::string::npos);
}

TEST_CASE("explain tells the chain of those who say it, and who won by which rule") {
    Sandbox place;
    place.write("base.yml", "vars: {port: 80}\nfiles: {/etc/motd: {content: one, mode: 0644}}\n");
    const std::string site = place.write(
        "site.yml", "name: e\ninclude: [base.yml]\nvars: {port: 8080}\nfiles:\n  /etc/motd: {mode: 0600}\n");
    const Output variable = place.in_root({"explain", "var:port", site});
    CHECK(variable.status == 0);
    CHECK(variable.out.find("var:port = 8080") == 0);
    CHECK(variable.out.find("base.yml:1:8  80") < variable.out.find("site.yml:3:8  8080"));
    CHECK(variable.out.find("a file lies over what it includes") != std::string::npos);
    CHECK(place.in_root({"explain", "var:port", site, "--var", "port=9"}).out.find("--var is over everything") !=
          std::string::npos);
    const Output mode = place.in_root({"explain", "file:/etc/motd.mode", site});
    CHECK(mode.out.find("file:/etc/motd.mode = 0600") == 0);
    CHECK(mode.out.find("| /etc/motd: {mode: 0600}") != std::string::npos);
    const Output record = place.in_root({"explain", "file:/etc/motd", site, "--json"});
    CHECK(from_json(record.out).find("attributes")->list()[0].find("name")->text() == "content");
    CHECK(from_json(record.out).find("owned")->text().find("Not owned") == 0);
    const Output wrong = place.in_root({"explain", "file:/etc/mtd", site});
    CHECK(wrong.status == 1);
    CHECK(wrong.err.find("did you mean file:/etc/motd?") != std::string::npos);
    CHECK(place.in_root({"explain", "var:prt", site}).err.find("did you mean 'var:port'?") != std::string::npos);
    CHECK(place.in_root({"explain", "file:/etc/motd.mod", site}).status == 1);
}

TEST_CASE("explain says whose something is and since when, and finds the manifest that was applied last") {
    Sandbox place;
    const std::string site = place.write("site.yml", "name: e\nfiles: {/etc/a: x}\n");
    REQUIRE(place.in_root({"apply", "-y", site}).status == 0);
    place.write("site.yml", "name: e\nfiles: {/etc/a: y}\n");
    REQUIRE(place.in_root({"apply", "-y", site}).status == 0);
    const Output output = place.shell("cd / && $chaos explain file:/etc/a --root " + place.root());
    CHECK(output.status == 0);
    CHECK(output.out.find("Owned by site e since run 1; as run 2 left it.") != std::string::npos);
    CHECK(output.err.find("/site.yml has it, which was applied last (run 2).") != std::string::npos);
    const Output here = place.shell("cd " + place.root() + "/.. && $chaos explain file:/etc/a.content --root root");
    CHECK(here.out.find("1. site.yml:2:") != std::string::npos);
}

TEST_CASE("explain never shows a secret that stands in a manifest, nor the line it stands on") {
    Sandbox place;
    const std::string site = place.write(
        "site.yml", "name: e\nfiles:\n  /etc/k: {mode: 0600, content: hunter2, secret: true}\nvars: {x: 1}\n");
    for (const char* topic : {"file:/etc/k", "file:/etc/k.content", "file:/etc/k.mode", "file:/etc/k.secret"})
        for (const char* form : {"--quiet", "--json"}) {
            const Output output = place.in_root({"explain", topic, site, form});
            CAPTURE(topic);
            CHECK(output.status == 0);
            CHECK((output.out + output.err).find("hunter2") == std::string::npos);
        }
    const Output compiled = place.in_root({"compile", site});
    CHECK(compiled.status == 1);
    CHECK(compiled.out.empty());
}

TEST_CASE("every word of the language, every filter and every exit code can be explained") {
    CHECK(Sandbox().chaos({"explain", "exit", "2"}).status == 0);
    Sandbox place;
    for (const char* word : {"when", "needs", "include", "vars", "strategy", "join", "default", "defined", "file.when",
                             "exit-codes", "exit 2", "64", "facts.os", "language", "range"}) {
        CAPTURE(word);
        CHECK(place.chaos({"explain", word}).status == 0);
    }
    CHECK(place.chaos({"explain", "exit 75"}).out.find("another run") != std::string::npos);
    CHECK(place.chaos({"explain", "exit 75"}).out.find("as wished") == std::string::npos);
    const Output wrong = place.chaos({"explain", "whem"});
    CHECK(wrong.status == 1);
    CHECK(wrong.err.find("did you mean 'when'?") != std::string::npos);
}

TEST_CASE("the tables of docs/manifest.md have every word that is understood, and no other") {
    const char* source = std::getenv("CHAOS_SOURCE");
    REQUIRE_MESSAGE(source, "CHAOS_SOURCE names the checkout");
    const auto words_in = [&](const std::string& file, const std::string& from, const std::string& to) {
        std::ifstream opened(std::string(source) + file);
        std::string line;
        std::set<std::string> words;
        bool inside = false;
        while (std::getline(opened, line)) {
            if (line.starts_with("## ")) inside = line == from || line == to;
            if (!inside || !line.starts_with("| `") || line.find("Not understood yet") != line.npos) continue;
            const std::string cell = line.substr(0, line.find(" | "));
            for (std::size_t at = cell.find('`'); at != cell.npos; at = cell.find('`', cell.find('`', at + 1) + 1)) {
                const std::string word = cell.substr(at + 1, cell.find_first_of(":` ", at + 1) - at - 1);
                if (!word.starts_with("x-")) words.insert(word);
            }
        }
        return words;
    };
    for (const auto& [told, made] : {std::pair("## What every entry can say", "## On every entry"),
                                     std::pair("## What stands at the top", "## At the top")}) {
        const auto in_manual = words_in("/docs/manifest.md", told, told);
        const auto in_reference = words_in("/docs/reference/language.md", made, made);
        CHECK(in_manual.size() > 5);
        std::string missing, too_many;
        for (const std::string& word : in_reference)
            if (!in_manual.contains(word)) missing += word + " ";
        for (const std::string& word : in_manual)
            if (!in_reference.contains(word)) too_many += word + " ";
        CHECK(missing == "");
        CHECK(too_many == "");
    }
}

TEST_CASE("every example compiles to a manifest that compiles to itself") {
    Sandbox place;
    const char* source = std::getenv("CHAOS_SOURCE");
    REQUIRE_MESSAGE(source, "CHAOS_SOURCE names the checkout");
    const Output found =
        place.shell(std::string("ls ") + source + "/examples/manifests/*.yml " + source + "/examples/fleet/site.yml");
    std::istringstream names(found.out);
    std::size_t number = 0;
    for (std::string name; std::getline(names, name); ++number) {
        CAPTURE(name);
        if (name.ends_with("/secrets.yml")) continue;  // what a secret is mixed into is not written: its own case
        const std::vector<std::string> how{"--no-origin", "--host", "web1", "--groups", "web"};
        const auto compiled = [&](const std::string& path, const char* form) {
            std::vector<std::string> words{"compile", path, form};
            words.insert(words.end(), how.begin(), how.end());
            const Output output = place.chaos(words);
            CHECK(output.err == "");
            CHECK(output.status == 0);
            return output.out;
        };
        const std::string once = compiled(name, "--quiet");
        CHECK(compiled(place.write("once.yml", once), "--quiet") == once);
        CHECK(compiled(place.write("once.json", compiled(name, "--json")), "--quiet") == once);
    }
    CHECK(number >= 5);
}

TEST_CASE("a site with a secret in a text is not compiled: it would be written") {
    Sandbox place;
    const Output output =
        place.chaos({"compile", std::string(std::getenv("CHAOS_SOURCE")) + "/examples/manifests/secrets.yml"});
    CHECK(output.status == 1);
    CHECK(output.err.find("a secret is in it") != std::string::npos);
    CHECK(output.out == "");
}

TEST_CASE("facts are recorded on one machine and read on another, without a look at it") {
    Sandbox place;
    const std::string facts = place.root() + "/../web1.json";
    const Output recorded = place.chaos({"facts", "-o", facts, "--host", "web1", "--groups", "web,eu"});
    CHECK(recorded.status == 0);
    CHECK(recorded.out.empty());
    const std::string site =
        place.write("site.yml",
                    "name: f\nfiles: {/etc/a: '{{ host.name }} {{ host.groups[1] }} {{ facts.os.id }}'}\nassert: "
                    "[{that: facts.os.family == 'debian', say: only Debian}]\n");
    CHECK(place.chaos({"check", site, "--facts", facts}).status == 0);
    const Output plan = place.chaos({"plan", site, "--facts", facts});
    CHECK(plan.status == 2);
    CHECK(plan.out.find("What is there on web1 is not known: everything is shown as to be made.") != std::string::npos);
    CHECK(plan.out.find("+web1 eu debian") != std::string::npos);
    CHECK(plan.out.find("next:") == std::string::npos);
    CHECK(from_json(place.chaos({"plan", site, "--facts", facts, "--json"}).out).find("state_known")->text() ==
          "false");
    CHECK(place.chaos({"compile", site, "--facts", facts}).out.find("web1 eu debian") != std::string::npos);
    CHECK(place.chaos({"explain", "file:/etc/a", site, "--facts", facts}).out.find("only its facts were recorded") !=
          std::string::npos);
    CHECK(place.chaos({"plan", site, "--facts", facts, "--root", place.root()}).status == 64);
    CHECK(place.chaos({"apply", site, "--facts", facts}).status == 64);
    const Output none = place.chaos({"check", site, "--facts", site});
    CHECK(none.status == 64);
    CHECK(none.err.find("holds no recorded facts") != std::string::npos);
}

TEST_CASE("a site is checked for several hosts at once, a line for each") {
    Sandbox place;
    ::mkdir((place.root() + "/../hosts").c_str(), 0755);
    REQUIRE(place.chaos({"facts", "-o", place.root() + "/../hosts/a.json", "--host", "a"}).status == 0);
    std::string other = *place.read("hosts/a.json");
    other.replace(other.find("\"family\": \"debian\""), 18, "\"family\": \"arch\"");
    other.replace(other.find("\"name\": \"a\""), 11, "\"name\": \"b\"");
    place.write("hosts/b.json", other);
    const std::string site = place.write(
        "site.yml", "name: f\nassert: [{that: facts.os.family == 'debian', say: only Debian}]\nfiles: {/etc/a: x}\n");
    const Output output = place.chaos({"check", site, "--facts", place.root() + "/../hosts"});
    CHECK(output.status == 64);
    CHECK(output.out == "a  f: 1 resource declared, nothing wrong\nb  1 mistake\n");
    CHECK(output.err.find("only Debian") != std::string::npos);
    const Output shell = place.shell("cd " + place.root() + "/.. && $chaos check --facts hosts/*.json site.yml --json");
    CHECK(shell.status == 64);
    CHECK(from_json(shell.out).find("hosts")->list().size() == 2);
    CHECK(place.chaos({"plan", site, "--facts", place.root() + "/../hosts"}).status == 64);
    CHECK(place.chaos({"check", site, "--facts", place.root() + "/../hosts", "--host", "x"}).status == 64);
}

TEST_CASE("drift tells what is audited and never mends it, and its hint names the manifest that was applied") {
    Sandbox place;
    place.write("root/etc/watched", "as it is\n");
    const std::string site = place.write(
        "site.yml", "name: d\nfiles:\n  /etc/a: x\n  /etc/watched: {content: 'as it should be', audit: true}\n");
    REQUIRE(place.in_root({"apply", "-y", site}).status == 0);
    const Output audited = place.in_root({"drift", site});
    CHECK(audited.status == 2);
    CHECK(audited.out.find("~ file:/etc/watched  (only audited, by site d") != std::string::npos);
    CHECK(audited.out.find("next:") == std::string::npos);
    CHECK(*place.read("root/etc/watched") == "as it is\n");
    place.write("root/etc/a", "y");
    const Output drifted = place.in_root({"drift"});
    CHECK(drifted.status == 2);
    CHECK(drifted.out.find("site.yml\n") != std::string::npos);
    CHECK(drifted.out.find("MANIFEST") == std::string::npos);
}

TEST_CASE("what left the manifest goes back to what was there, whatever its kind requires, and stays with --no-prune") {
    Sandbox place;
    const std::string site = place.write("site.yml", "name: l\nfiles: {/etc/a: x}\nlinks: {/etc/b: a}\n");
    REQUIRE(place.in_root({"apply", site, "--yes"}).status == 0);
    place.write("site.yml", "name: l\nfiles: {/etc/a: x}\n");
    CHECK(place.in_root({"plan", site, "--no-prune"}).status == 0);
    const Output planned = place.in_root({"plan", site});
    CHECK(planned.status == 2);
    CHECK(planned.out.find("- link:/etc/b  (left the manifest: as it was before)") != std::string::npos);
    REQUIRE(place.in_root({"apply", site, "--yes"}).status == 0);
    CHECK_FALSE(place.read("root/etc/b"));
    CHECK(place.in_root({"plan", site}).status == 0);
}

TEST_CASE("the same site from another place is refused, and taken with --moved") {
    Sandbox place;
    REQUIRE(place.in_root({"apply", place.write("a.yml", motd), "--yes"}).status == 0);
    const std::string elsewhere = place.write("b.yml", "name: motd\nfiles: {/etc/issue: x}\n");
    const Output refused = place.in_root({"apply", elsewhere, "--yes"});
    CHECK(refused.status == 64);
    CHECK(refused.err.find("--moved") != std::string::npos);
    CHECK(place.read("root/etc/motd"));
    REQUIRE(place.in_root({"apply", elsewhere, "--yes", "--moved"}).status == 0);
    CHECK_FALSE(place.read("root/etc/motd"));
    CHECK(place.in_root({"plan", elsewhere}).status == 0);
}

TEST_CASE("an image without accounts has root, by name and by number, and nobody else") {
    Sandbox place;
    REQUIRE(unlink((place.root() + "/etc/passwd").c_str()) == 0);
    const std::string manifest =
        place.write("bare.yml", "name: bare\nfiles: {/etc/a: x, /etc/b: {content: y, owner: root, group: '0'}}\n");
    REQUIRE(place.in_root({"apply", manifest, "--yes"}).status == 0);
    CHECK(place.in_root({"plan", manifest}).status == 0);
    CHECK(place.in_root({"drift"}).status == 0);
    const Output other =
        place.in_root({"apply", "--yes", place.write("c.yml", "files: {/etc/c: {content: z, owner: www}}\n")});
    CHECK(other.status == 1);
    CHECK(other.err.find("there is no user \"www\"") != std::string::npos);
}

TEST_CASE("setup prints its manifest on a dry run, and installs a unit that is wanted at boot") {
    Sandbox place;
    CHECK(place.in_root({"setup", "--dry-run"}).out.starts_with("# Written by chaos setup.\n"));
    CHECK(access((place.root() + "/var/lib/chaos").c_str(), F_OK) != 0);
    REQUIRE(place.in_root({"setup", "--yes"}).status == 0);
    CHECK(place.read("root/etc/systemd/system/chaos-recover.service"));
    CHECK(place.read("root/etc/systemd/system/multi-user.target.wants/chaos-recover-late.service"));
    CHECK(place.in_root({"setup", "--yes"}).status == 0);
}

TEST_CASE("the reference is what the program would write today: chaos explain --reference docs/reference") {
    Sandbox place;
    const char* source = std::getenv("CHAOS_SOURCE");
    REQUIRE_MESSAGE(source, "CHAOS_SOURCE names the checkout");
    const std::string kept = std::string(source) + "/docs/reference";
    const std::string fresh = place.root() + "/reference";
    REQUIRE(place.chaos({"explain", "--reference", fresh}).status == 0);
    Command command{{"diff", "-ru", kept, fresh}};
    Child child(command);
    child.release();
    const Output output = child.wait();
    CAPTURE(output.out);
    CHECK(output.status == 0);
}

TEST_CASE("a service of an image is wished enabled, and not running: nothing runs there") {
    Sandbox place;
    for (const char* below : {"/etc/systemd", "/etc/systemd/system", "/etc/systemd/system/multi-user.target.wants",
                              "/lib", "/lib/systemd", "/lib/systemd/system"})
        ::mkdir((place.root() + below).c_str(), 0755);
    place.write("root/lib/systemd/system/clock.service",
                "[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n");
    REQUIRE(::symlink("/lib/systemd/system/clock.service",
                      (place.root() + "/etc/systemd/system/multi-user.target.wants/clock.service").c_str()) == 0);
    const auto site = place.write("site.yml", "services: [clock]\n");
    const Output first = place.in_root({"apply", "-y", site});
    CHECK(first.err == "");
    CHECK(first.status == 0);
    const Output second = place.in_root({"plan", site});
    CHECK(second.status == 0);
    CHECK(second.out.find("Nothing to do") != std::string::npos);
}

TEST_CASE("a site that moved says so once, though nothing else is to be done") {
    Sandbox place;
    const auto here = place.write("site.yml", motd), there = place.write("moved.yml", motd);
    REQUIRE(place.in_root({"apply", "-y", here}).status == 0);
    const Output refused = place.in_root({"apply", "-y", there});
    CHECK(refused.status == 64);
    CHECK(refused.err.find("--moved") != std::string::npos);
    CHECK(place.in_root({"apply", "-y", "--moved", there}).status == 0);
    CHECK(place.in_root({"apply", "-y", there}).status == 0);
    CHECK(place.in_root({"apply", "-y", here}).status == 64);
}

TEST_CASE("every template of init is right as it is, laid out, and says what comes next") {
    for (const char* name : {"minimal", "workstation", "server", "web", "module"}) {
        Sandbox place;
        CAPTURE(name);
        const std::string site = place.root() + "/site.yml";
        const Output made = place.chaos({"init", name, site});
        CAPTURE(made.err);
        CHECK(made.status == 0);
        CHECK(made.out.find("next: chaos plan " + site) != std::string::npos);
        const Output checked = place.chaos({"check", site});
        CAPTURE(checked.err);
        CHECK(checked.status == 0);
        CHECK(checked.err == "");
        CHECK(place.chaos({"fmt", "--check", site}).status == 0);
        if (std::string(name) == "module")
            CHECK(place.chaos({"fmt", "--check", place.root() + "/modules/greeting.yml"}).status == 0);
        const auto text = place.read("root/site.yml");
        const Output again = place.chaos({"init", name, site});
        CHECK(again.status == 1);
        CHECK(again.err.find("is there already") != std::string::npos);
        CHECK(place.read("root/site.yml") == text);
    }
    Sandbox place;
    const Output wrong = place.chaos({"init", "wbe", place.root() + "/site.yml"});
    CHECK(wrong.status == 64);
    CHECK(wrong.err.find("did you mean web?") != std::string::npos);
}

TEST_CASE("fmt replaces a file in place, keeps its mode and what a link leads to, and shows a text of standard input") {
    Sandbox place;
    const auto site = place.write("site.yml", "packages:   [ git ]   # tools\n");
    REQUIRE(::chmod(site.c_str(), 0640) == 0);
    const std::string link = place.root() + "/link.yml";
    REQUIRE(::symlink(site.c_str(), link.c_str()) == 0);
    CHECK(place.chaos({"fmt", "--check", site}).status == 2);
    CHECK(place.read("site.yml") == "packages:   [ git ]   # tools\n");
    CHECK(place.chaos({"fmt", link}).out == "changed " + link + "\n");
    CHECK(place.read("site.yml") == "packages: [git]   # tools\n");
    struct stat there {};
    CHECK(::lstat(link.c_str(), &there) == 0);
    CHECK(S_ISLNK(there.st_mode));
    CHECK(::stat(site.c_str(), &there) == 0);
    CHECK((there.st_mode & 07777) == 0640);
    CHECK(place.chaos({"fmt", "--check", site}).status == 0);
    CHECK(place.shell("printf 'a:    1' | $chaos fmt -").out == "a: 1\n");
    CHECK(place.chaos({"fmt", place.write("wrong.yml", "a: [1\n")}).status == 64);
    CHECK(place.read("wrong.yml") == "a: [1\n");
}

TEST_CASE("what was typed into secrets and does not fit is kept, for its writer alone, and can be gone on with") {
    Sandbox place;
    const std::string file = place.root() + "/s.yml", key = place.root() + "/key";
    REQUIRE(place.chaos({"secrets", "keygen", key}).status == 0);
    const auto edit = [&](const std::string& editor) {
        return place.shell("EDITOR='" + editor + "' CHAOS_AGE_KEY_FILE=" + key + " $chaos secrets edit " + file);
    };
    REQUIRE(edit("cp " + place.write("good.yml", "db: one\n")).status == 0);
    const auto before = place.read("root/s.yml");
    const Output wrong = edit("cp " + place.write("bad.yml", "db: two\nother: [typed, for, an hour\n"));
    CHECK(wrong.status != 0);
    CHECK(wrong.err.find("line 2") != std::string::npos);
    CHECK(wrong.err.find("an hour") == std::string::npos);
    CHECK(place.read("root/s.yml") == before);
    const std::string mark = "readable for you alone: ";
    const auto at = wrong.err.find(mark);
    REQUIRE_MESSAGE(at != std::string::npos, wrong.err);
    const std::string kept = wrong.err.substr(at + mark.size(), wrong.err.find('\n', at) - at - mark.size());
    struct stat there {};
    REQUIRE(::stat(kept.c_str(), &there) == 0);
    CHECK((there.st_mode & 07777) == 0600);
    CHECK(wrong.err.find("EDITOR='cp " + kept + "' chaos secrets edit " + file) != std::string::npos);
    std::ofstream(kept) << "db: two\nother: [typed, for, an hour]\n";
    CHECK(edit("cp " + kept).status == 0);
    CHECK(place.shell("CHAOS_AGE_KEY_FILE=" + key + " $chaos secrets show --raw " + file + " db").out == "two");
    CHECK(place.shell("rm -r " + kept.substr(0, kept.rfind('/'))).status == 0);
}

TEST_CASE("an editor that changed nothing, or did not run, leaves nothing behind") {
    Sandbox place;
    const std::string file = place.root() + "/s.yml", key = place.root() + "/key";
    REQUIRE(place.chaos({"secrets", "keygen", key}).status == 0);
    for (const char* editor : {"false", "/nonexistent/editor"}) {
        const Output output = place.shell(std::string("EDITOR=") + editor + " CHAOS_AGE_KEY_FILE=" + key +
                                          " $chaos secrets edit " + file);
        CHECK(output.status != 0);
        CHECK(output.err.find("is kept") == std::string::npos);
        CHECK_FALSE(place.read("root/s.yml"));
    }
}

TEST_CASE("a key file that somebody else owns opens nothing, unless who asked sudo owns it") {
    Sandbox place;
    const std::string key = place.root() + "/key";
    REQUIRE(place.chaos({"secrets", "keygen", key}).status == 0);
    if (::chown(key.c_str(), 12345, 0) != 0) {
        MESSAGE("not tried: a file can be given away by root alone");
        return;
    }
    const std::string edit = "EDITOR='cp " + place.write("good.yml", "db: one\n") + "' $chaos secrets edit --age-key " +
                             key + " " + place.root() + "/s.yml";
    const Output refused = place.shell(edit);
    CHECK(refused.status != 0);
    CHECK(refused.err.find("belongs to somebody else (uid 12345)") != std::string::npos);
    CHECK(refused.err.find("hint: chown 0 " + key) != std::string::npos);
    CHECK(place.shell("SUDO_UID=12345 " + edit).status == 0);
    CHECK(::chmod(key.c_str(), 0620) == 0);
    CHECK(place.shell("SUDO_UID=12345 " + edit).err.find("hint: chmod 600 " + key) != std::string::npos);
}

TEST_CASE("a password in the url of a checkout is shown nowhere") {
    Sandbox place;
    const auto site = place.write("site.yml",
                                  "gits: {/srv/chaos-none: {url: \"https://ann:s3cr3t@git.invalid/x.git\"}}\n"
                                  "files: {/srv/chaos-none/.git/x: {mode: nonsense}}\n");
    const auto good = place.write("good.yml", "gits: {/srv/chaos-none: \"https://ann:s3cr3t@git.invalid/x.git\"}\n");
    for (const Output& output :
         {place.chaos({"check", site}), place.chaos({"check", "--json", site}), place.chaos({"plan", good}),
          place.chaos({"plan", "--json", good}), place.chaos({"explain", "git:/srv/chaos-none.url", good}),
          place.chaos({"compile", good}), place.chaos({"graph", good})}) {
        CHECK_FALSE((output.out + output.err).empty());
        CHECK((output.out + output.err).find("s3cr3t") == std::string::npos);
    }
    CHECK(place.chaos({"compile", good}).err.find("a secret is in it") != std::string::npos);
}

TEST_CASE("what was captured has no mistake and leaves nothing to do, as YAML and as JSON") {
    Sandbox place;
    place.shell("mkdir -p '" + place.root() + "/var/lib/dpkg'");
    place.write("root/var/lib/dpkg/status",
                "Package: jq\nStatus: hold ok installed\nArchitecture: all\nVersion: 1.6\nDepends: libjq\n\n"
                "Package: libjq\nStatus: install ok installed\nArchitecture: all\nVersion: 1.6\n");
    place.write("root/etc/passwd", "root:x:0:0:root:/root:/bin/bash\nana:x:1000:0:Ana:/srv/ana:/bin/sh\n");
    const auto path = place.root() + "/../all.yml";
    const Output written = place.in_root({"capture", "packages", "users", "services", "-o", path});
    CHECK(written.status == 0);
    CHECK(written.out.empty());
    CHECK(written.err.find("holds 2 resources") != std::string::npos);
    CHECK(place.read("all.yml").value_or("").find("\npackages:\n  jq:\n    hold: true\n\nusers:\n") !=
          std::string::npos);
    const auto json = place.write("all.json", place.in_root({"capture", "packages", "user", "--json"}).out);
    for (const auto& manifest : {path, json}) {
        CHECK(place.in_root({"check", manifest}).status == 0);
        const Output planned = place.in_root({"plan", manifest});
        CHECK_MESSAGE(planned.status == 0, planned.out, planned.err);
    }
    const Output again = place.in_root({"capture", "packages", "-o", path});
    CHECK(again.status == 1);
    CHECK(again.err.find("is there already") != std::string::npos);
    const Output wrong = place.in_root({"capture", "packges"});
    CHECK(wrong.status == 64);
    CHECK(wrong.err.find("did you mean 'packages'?") != std::string::npos);
    CHECK(place.in_root({"capture", "file"}).err.find("chaos capture package") != std::string::npos);
}

TEST_CASE("an upgrade is shown without changing anything") {
    Sandbox place;
    place.shell("mkdir -p '" + place.root() + "'/var/lib/dpkg '" + place.root() + "'/var/lib/apt/lists '" +
                place.root() + "/etc/apt'");
    place.write("root/var/lib/dpkg/status",
                "Package: jq\nStatus: install ok installed\nArchitecture: all\nVersion: 1.6\n\n"
                "Package: vi\nStatus: hold ok installed\nArchitecture: all\nVersion: 1.0\n");
    place.write("root/etc/apt/sources.list", "deb http://deb.example.org/debian stable main\n");
    place.write("root/var/lib/apt/lists/deb.example.org_debian_dists_stable_main_binary-all_Packages",
                "Package: jq\nVersion: 1.7\nArchitecture: all\n\nPackage: vi\nVersion: 2.0\nArchitecture: all\n");
    const Output planned = place.in_root({"upgrade", "--dry-run", "--json"});
    CHECK_MESSAGE(planned.status == 2, planned.out, planned.err);
    const Value record = from_json(planned.out);
    REQUIRE(record.find("changes")->list().size() == 1);
    CHECK(record.find("changes")->list()[0].find("id")->text() == "package:jq");
    REQUIRE(record.find("stays")->list().size() == 1);
    CHECK(record.find("stays")->list()[0].find("why")->text() == "held");
    CHECK(planned.err.find("vi stays at 1.0") != std::string::npos);
    CHECK(place.in_root({"upgrade", "-n", "vi"}).status == 0);
    CHECK(place.in_root({"upgrade", "-n", "--security-only"}).status == 0);
    CHECK(place.in_root({"upgrade", "-n", "jg"}).err.find("did you mean jq?") != std::string::npos);
    CHECK(place.in_root({"upgrade", "--refresh", "soon"}).status == 64);
    CHECK_FALSE(place.read("root/var/lib/chaos/state.db"));
}

TEST_CASE("what is a person's goes back to the byte, and history calls it what the plan does") {
    Sandbox place;
    const std::string me = std::to_string(::getuid()) + ":" + std::to_string(::getgid());
    place.write("root/etc/passwd", "root:x:0:0:root:/root:/bin/bash\neve:x:" + me + ":Eve:/srv/eve:/bin/sh\n");
    const std::string unit = "/srv/eve/.config/systemd/user/tick.service";
    place.shell("mkdir -p '" + place.root() + "/srv/eve/.config/systemd/user'");
    place.write("root" + unit, "[Service]\nExecStart=/bin/true\n");
    place.shell("touch -d '2020-01-02 03:04:05.678' '" + place.root() + unit + "'");
    struct stat before {
    }, after{};
    REQUIRE(::stat((place.root() + unit).c_str(), &before) == 0);
    const auto manifest = place.write(
        "site.yml",
        "name: site\nunits: {tick.service: {user: eve, content: \"[Service]\\nExecStart=/bin/false\\n\"}}\n");
    const Output applied = place.in_root({"apply", "-y", manifest});
    REQUIRE_MESSAGE(applied.status == 0, applied.out, applied.err);
    const Value shown = from_json(place.in_root({"show", "1", "--json"}).out);
    REQUIRE(shown.find("changes")->list().size() == 1);
    CHECK(shown.find("changes")->list()[0].find("id")->text() == "~eve/unit:tick.service");
    CHECK(place.in_root({"history", "~eve/unit:tick.service"}).out.find("~ ~eve/unit:tick.service") !=
          std::string::npos);
    const Output back = place.in_root({"rollback", "-y"});
    REQUIRE_MESSAGE(back.status == 0, back.out, back.err);
    REQUIRE(::stat((place.root() + unit).c_str(), &after) == 0);
    CHECK(after.st_mtim.tv_sec == before.st_mtim.tv_sec);
    CHECK(after.st_mtim.tv_nsec == before.st_mtim.tv_nsec);
}
