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
#include <sstream>

using namespace chaos;

namespace {

/// A directory for one test: a root to apply to, manifests, and what is recorded.
class Sandbox {
public:
    Sandbox() {
        char name[] = "/tmp/chaos-cli-XXXXXX";
        REQUIRE(mkdtemp(name));
        path_ = name;
        for (const char* below : {"/root", "/root/etc", "/root/var", "/root/var/lib"})
            ::mkdir((path_ + below).c_str(), 0755);
        write("root/etc/passwd", "root:x:0:0:root:/root:/bin/bash\n");
        write("root/etc/group", "root:x:0:\n");
    }
    ~Sandbox() {
        Command command{{"rm", "-rf", path_}};
        Child child(command);
        child.release();
        child.wait();
    }
    Sandbox(const Sandbox&) = delete;

    std::string write(const std::string& name, const std::string& text) const {
        std::ofstream(path_ + "/" + name) << text;
        return path_ + "/" + name;
    }
    std::optional<std::string> read(const std::string& name) const {
        std::ifstream file(path_ + "/" + name);
        if (!file) return std::nullopt;
        std::stringstream bytes;
        bytes << file.rdbuf();
        return bytes.str();
    }
    std::string root() const { return path_ + "/root"; }

    Output chaos(std::vector<std::string> words) const {
        const char* program = std::getenv("CHAOS_PROGRAM");
        REQUIRE_MESSAGE(program, "CHAOS_PROGRAM names the built program");
        words.insert(words.begin(), program);
        Command command{words};
        command.environment = {"XDG_CACHE_HOME=" + path_ + "/cache", "HOME=" + path_};
        Child child(command);
        child.release();
        return child.wait();
    }
    /// As a shell would: $chaos is the program.
    Output shell(const std::string& line) const {
        const char* program = std::getenv("CHAOS_PROGRAM");
        REQUIRE_MESSAGE(program, "CHAOS_PROGRAM names the built program");
        Command command{{"/bin/sh", "-c", line}};
        command.environment = {"XDG_CACHE_HOME=" + path_ + "/cache", "HOME=" + path_, std::string("chaos=") + program};
        Child child(command);
        child.release();
        return child.wait();
    }
    /// With --root, after the command.
    Output in_root(std::vector<std::string> words) const {
        words.insert(words.begin() + 1, {"--root", root()});
        return chaos(words);
    }

private:
    std::string path_;
};

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
                                               {"graph", "--format", "svg", "x.yml"},
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
    const Output refused = place.in_root({"apply", site, "--yes"});
    CHECK(refused.status == 2);
    CHECK(refused.err.find("--removals") != std::string::npos);
    CHECK(place.read("root/etc/f14"));
    const Output done = place.in_root({"apply", site, "--yes", "--removals"});
    CHECK(done.status == 0);
    CHECK_FALSE(place.read("root/etc/f14"));
    CHECK(place.read("root/etc/f0"));
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

TEST_CASE("the graph is one that Graphviz reads") {
    Sandbox place;
    const std::string site = place.write("site.yml", "name: g\ndirectories: [/etc/a]\nfiles: {/etc/a/b: x}\n");
    const Output output = place.in_root({"graph", site});
    CHECK(output.status == 0);
    CHECK(output.out.find("\"directory:/etc/a\" -> \"file:/etc/a/b\" [style=dashed];") != std::string::npos);
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
