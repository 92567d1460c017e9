// SPDX-License-Identifier: Apache-2.0
// Runs over real kinds and a real directory as root: as wished, or as it was.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <algorithm>
#include <chaos/digest.hpp>
#include <chaos/root_host.hpp>
#include <chaos/transaction.hpp>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "rollback/store.hpp"

using namespace chaos;
namespace fs = std::filesystem;

namespace {

/// A root of its own with the least that a run needs, and what a person would type into it.
class Root {
public:
    Root() {
        char name[] = "/var/tmp/chaos-transaction-XXXXXX";
        path_ = mkdtemp(name);
        for (const char* directory : {"/etc", "/proc/sys/kernel/random", "/var/lib", "/srv"})
            fs::create_directories(path_ + directory);
        write("/etc/passwd", "root:x:0:0:root:/root:/bin/bash\n");
        write("/etc/group", "root:x:0:\n");
    }
    ~Root() { fs::remove_all(path_); }
    Root(const Root&) = delete;

    const std::string& path() const { return path_; }
    std::string state() const { return path_ + "/var/lib/chaos"; }
    void write(const std::string& path, const std::string& text) const { std::ofstream(path_ + path) << text; }
    std::string text(const std::string& path) const {
        std::ifstream in(path_ + path);
        return in ? std::string(std::istreambuf_iterator<char>(in), {}) : "absent";
    }
    std::vector<std::string> entries(const std::string& path) const {
        std::vector<std::string> names;
        for (const auto& entry : fs::directory_iterator(path_ + path)) names.push_back(entry.path().filename());
        return names;
    }

private:
    std::string path_;
};

struct Session {
    explicit Session(const Root& at) : root(at), host(at.path()) { registry.types = builtin_types(); }

    void wish(const char* kind, std::initializer_list<std::pair<const char*, const char*>> attributes,
              bool absent = false) {
        const ResourceType* type = registry.type(kind);
        REQUIRE(type);
        Value::Map map;
        for (const auto& [name, text] : attributes) map.push_back({std::string(name), std::string(text)});
        Diagnostics problems;
        Resource resource;
        resource.wanted = decode(type->schema(), Value(std::move(map)), problems);
        REQUIRE(problems.ok());
        resource.type = type;
        resource.absent = absent;
        const Field* key = type->schema().key();
        resource.id = {type->schema().name, key ? key->get(resource.wanted.spec()).text() : std::string()};
        site.catalog.push_back(std::move(resource));
    }

    Outcome apply(OnFailure on_failure = OnFailure::undo) {
        Reporter quiet;
        Reporter& told = reporter ? *reporter : quiet;
        const auto transactor = Transactor::open(registry, host, root.path(), root.state(), told);
        transactor->recover();
        Site planned = site;
        planned.name = "test", planned.origin = "/test.yml";
        Diagnostics problems;
        add_leavings(planned, registry, transactor->history(), problems);
        const View view(host);
        Graph graph = order(planned.catalog, planned.edges, problems);
        States observed = observe(planned.catalog, view, problems);
        const States goal = resolve(planned.catalog, view, observed, problems);
        for (const Error& error : problems.errors()) FAIL(error.what());
        if (graph.size() != planned.catalog.size()) graph = order(planned.catalog, planned.edges, problems);
        const Plan steps = plan(planned.catalog, graph, observed, goal);
        Request request{"apply", "tester", "test.yml", planned, graph, observed, goal, steps};
        request.on_failure = on_failure;
        request.window_s = window_s;
        return transactor->run(request);
    }
    Outcome rollback(std::vector<std::int64_t> runs) {
        Reporter quiet;
        Reporter& told = reporter ? *reporter : quiet;
        const auto transactor = Transactor::open(registry, host, root.path(), root.state(), told);
        return transactor->take_back(transactor->plan_take_back(std::move(runs)), "tester");
    }

    const Root& root;
    RootHost host;
    Registry registry;
    Site site;
    std::int64_t window_s = 0;
    Reporter* reporter = nullptr;
};

std::string first_error(const Outcome& outcome) {
    return outcome.errors.empty() ? "" : outcome.errors.front().what();
}

}  // namespace

TEST_CASE("rollback of a removed tree takes back what was made of a file in it, and leaves the rest of it as it is") {
    const Root root;
    fs::create_directories(root.path() + "/srv/tree/deep/er");
    root.write("/srv/tree/deep/er/old", "old\n");
    root.write("/srv/tree/deep/er/other", "other\n");
    Session first(root);
    first.wish("file", {{"path", "/srv/tree/deep/er/old"}, {"content", "changed\n"}});
    first.wish("file", {{"path", "/srv/tree/deep/er/new"}, {"content", "new\n"}});
    first.wish("directory", {{"path", "/srv/tree/made"}});
    first.apply();
    Session second(root);
    second.wish("directory", {{"path", "/srv/tree"}, {"recurse", "true"}}, true);
    const Outcome removed = second.apply();
    REQUIRE(first_error(removed) == "");
    REQUIRE(root.text("/srv/tree/deep/er/other") == "absent");

    SUBCASE("both runs at once") {
        const Outcome back = second.rollback({1, 2});
        CHECK(first_error(back) == "");
        CHECK(back.state == RunState::committed);
        CHECK(root.text("/srv/tree/deep/er/old") == "old\n");
        CHECK(root.text("/srv/tree/deep/er/new") == "absent");
        CHECK(root.text("/srv/tree/deep/er/other") == "other\n");
        CHECK(root.entries("/srv/tree") == std::vector<std::string>{"deep"});
    }
    SUBCASE("the one that removed it, and then the other") {
        const Outcome back = second.rollback({2});
        CHECK(first_error(back) == "");
        CHECK(root.text("/srv/tree/deep/er/old") == "changed\n");
        CHECK(root.text("/srv/tree/deep/er/new") == "new\n");
        CHECK(fs::is_directory(root.path() + "/srv/tree/made"));
        CHECK(first_error(second.rollback({1})) == "");
        CHECK(root.text("/srv/tree/deep/er/old") == "old\n");
        CHECK(root.text("/srv/tree/deep/er/new") == "absent");
    }
}

TEST_CASE("what a file was beside its bytes comes back with it: holes, its age, its attributes") {
    const Root root;
    constexpr std::uintmax_t hole = 128 * 1024, wide_hole = 3 << 20;
    for (const auto& [name, size] : {std::pair{"/srv/small", hole}, std::pair{"/srv/big", wide_hole}}) {
        root.write(name, "x");
        fs::resize_file(root.path() + name, size);
        std::ofstream(root.path() + name, std::ios::app) << "end";
        REQUIRE(::setxattr((root.path() + name).c_str(), "user.colour", "red", 3, 0) == 0);
    }
    const auto seen = [&](const char* name) {
        struct stat found {};
        REQUIRE(::lstat((root.path() + name).c_str(), &found) == 0);
        char colour[8] = {};
        ::getxattr((root.path() + name).c_str(), "user.colour", colour, sizeof colour - 1);
        return std::tuple(found.st_size, found.st_blocks, found.st_mtim.tv_sec, found.st_mtim.tv_nsec,
                          std::string(colour));
    };
    const auto small = seen("/srv/small"), big = seen("/srv/big");
    REQUIRE(std::get<1>(small) * 512 < static_cast<off_t>(hole));
    Session session(root);
    session.wish("file", {{"path", "/srv/small"}, {"content", "s"}});
    session.wish("file", {{"path", "/srv/big"}, {"content", "b"}});
    REQUIRE(session.apply().state == RunState::committed);
    CHECK(root.text("/srv/big") == "b");
    CHECK(first_error(session.rollback({1})) == "");
    CHECK(seen("/srv/small") == small);
    CHECK(seen("/srv/big") == big);
}

namespace {

struct Saying final : Reporter {
    void says(const std::string& line) override { lines.push_back(line); }
    std::vector<std::string> lines;
};

bool has_handles(const std::string& path) {
    alignas(file_handle) char room[sizeof(file_handle) + MAX_HANDLE_SZ];
    auto* const handle = reinterpret_cast<file_handle*>(room);
    handle->handle_bytes = MAX_HANDLE_SZ;
    int mount = 0;
    if (::name_to_handle_at(AT_FDCWD, path.c_str(), handle, &mount, 0)) return false;
    const int at = ::open(path.c_str(), O_RDONLY | O_DIRECTORY);
    const int found = ::open_by_handle_at(at, handle, O_PATH);
    ::close(at), ::close(found);
    return found >= 0;
}

}  // namespace

TEST_CASE(
    "a file of several names is one of them again when its run is taken back, where the others are as they were") {
    const Root root;
    const auto at = [&](const char* path) { return root.path() + path; };
    for (const auto& [one, other] : {std::pair{"/srv/kept", "/srv/kept-too"},
                                     {"/srv/both", "/srv/both-too"},
                                     {"/srv/edited", "/srv/edited-too"},
                                     {"/srv/gone", "/srv/gone-too"},
                                     {"/srv/mode", "/srv/mode-too"}}) {
        root.write(one, "old\n");
        fs::create_hard_link(at(one), at(other));
        REQUIRE(::setxattr(at(one).c_str(), "user.colour", "red", 3, 0) == 0);
    }
    Session session(root);
    for (const char* path : {"/srv/kept", "/srv/both", "/srv/both-too", "/srv/edited"})
        session.wish("file", {{"path", path}, {"content", "new\n"}});
    session.wish("file", {{"path", "/srv/gone"}}, true);
    session.wish("file", {{"path", "/srv/mode"}, {"mode", "0600"}});
    REQUIRE(session.apply().state == RunState::committed);
    CHECK(root.text("/srv/kept-too") == "old\n");
    {
        Reporter quiet;
        const auto transactor = Transactor::open(session.registry, session.host, root.path(), root.state(), quiet);
        const auto undo_of = [&](const char* path) {
            return transactor->history().changes_of({"file", path}).front().undo;
        };
        for (const char* path : {"/srv/kept", "/srv/both", "/srv/gone"}) CHECK(undo_of(path) == Undo::effort);
        CHECK(undo_of("/srv/mode") == Undo::exact);  // all of its names have it
    }
    root.write("/srv/edited-too", "somebody's\n");
    Saying reporter;
    session.reporter = &reporter;
    CHECK(first_error(session.rollback({1})) == "");
    for (const char* path : {"/srv/kept", "/srv/both", "/srv/edited", "/srv/gone"}) CHECK(root.text(path) == "old\n");
    CHECK(root.text("/srv/edited-too") == "somebody's\n");
    CHECK_FALSE(fs::equivalent(at("/srv/edited"), at("/srv/edited-too")));
    CHECK(fs::equivalent(at("/srv/mode"), at("/srv/mode-too")));
    CHECK(std::count_if(reporter.lines.begin(), reporter.lines.end(),
                        [](const std::string& line) { return line.starts_with("/srv/edited had other names"); }) == 1);
    if (!has_handles(root.path())) {
        MESSAGE("skipped: this file system, or a right that is missing, does not let an inode be found by its handle");
        return;
    }
    CHECK(fs::equivalent(at("/srv/kept"), at("/srv/kept-too")));
    CHECK(fs::equivalent(at("/srv/both"), at("/srv/both-too")));
    CHECK(fs::equivalent(at("/srv/gone"), at("/srv/gone-too")));
    CHECK(reporter.lines.size() == 1);  // of the one that somebody edited
    CHECK(fs::hard_link_count(at("/srv/kept")) == 2);
}

namespace {

/// Somebody, or a service that ends, takes a directory away while a rollback is at work.
struct Vanishing final : Reporter {
    explicit Vanishing(std::string path) : gone(std::move(path)) {}
    void begins(const Step& step, std::size_t, std::size_t) override {
        if (step.type->way() != Way::files) took = fs::remove(gone);
    }
    std::string gone;
    bool took = false;
};

}  // namespace

TEST_CASE("what went by itself while its run is taken back is left out, and the rest goes") {
    const Root root;
    fs::create_directories(root.path() + "/etc/sysctl.d");
    Session session(root);
    session.wish("directory", {{"path", "/srv/gone"}});
    session.wish("directory", {{"path", "/srv/stayed"}});
    session.wish("sysctl", {{"key", "net.core.somaxconn"}, {"value", "4096"}});
    REQUIRE(session.apply().state == RunState::committed);
    Vanishing reporter(root.path() + "/srv/gone");
    session.reporter = &reporter;
    const Outcome back = session.rollback({1});
    CHECK(reporter.took);
    CHECK(first_error(back) == "");
    CHECK(back.state == RunState::committed);
    CHECK(root.entries("/srv").empty());
    session.reporter = nullptr;
    CHECK(first_error(session.rollback({2})) == "");  // a rollback that left something out can itself be taken back
    CHECK(fs::is_directory(root.path() + "/srv/stayed"));
}

TEST_CASE("a pipe, socket or device is no place for a file, and stays") {
    const Root root;
    REQUIRE(::mkfifo((root.path() + "/srv/pipe").c_str(), 0600) == 0);
    Session session(root);
    session.wish("file", {{"path", "/srv/pipe"}, {"content", "x"}});
    const View view(session.host);
    Diagnostics problems;
    observe(session.site.catalog, view, problems);
    REQUIRE(problems.errors().size() == 1);
    CHECK(std::string(problems.errors()[0].what()) ==
          "/srv/pipe is a socket, pipe or device, and a file is to be there");
    CHECK(fs::is_fifo(root.path() + "/srv/pipe"));
}

namespace {

/// A root with a shell and a few tools, copied from this machine with the libraries that they name.
class RootWithTools : public Root {
public:
    RootWithTools() {
        for (const char* tool : {"/bin/sh", "/bin/mkdir", "/bin/rm", "/usr/bin/mkfifo"}) {
            copy(tool);
            FILE* const told = ::popen((std::string("ldd ") + tool).c_str(), "r");
            REQUIRE(told);
            char line[4096];
            while (::fgets(line, sizeof line, told)) {
                const std::string text(line);
                const auto begin = text.find('/');
                if (begin != text.npos) copy(text.substr(begin, text.find(' ', begin) - begin));
            }
            ::pclose(told);
        }
    }

private:
    void copy(const std::string& from) const {
        fs::create_directories(fs::path(path() + from).parent_path());
        fs::copy_file(from, path() + from, fs::copy_options::overwrite_existing);
    }
};

/// False, and said, where no command can be recorded.
bool can_record() {
    const int child = ::fork();
    if (child == 0) ::_exit(::unshare(CLONE_NEWNS) == 0 ? 0 : 1);
    int status = 1;
    ::waitpid(child, &status, 0);
    if (status != 0) MESSAGE("skipped: no mount namespace can be made here");
    return status == 0;
}

}  // namespace

TEST_CASE("what a recorded command writes goes back with its run, and what it could not end well was never there") {
    if (!can_record()) return;
    const RootWithTools root;
    root.write("/srv/old", "old\n");
    root.write("/srv/plain", "plain\n");
    fs::create_directories(root.path() + "/srv/led");
    root.write("/srv/led/in", "in\n");
    fs::create_symlink("led", root.path() + "/srv/link");
    fs::create_directories(root.path() + "/srv/tree/deep");
    root.write("/srv/tree/deep/file", "kept\n");
    Session session(root);
    const auto command = [&](const char* text) {
        session.site.catalog.clear();
        session.wish(
            "exec",
            {{"name", "x"}, {"command", text}, {"shell", "true"}, {"creates", "/srv/made"}, {"record", "true"}});
        return session.apply();
    };
    const auto is_as_before = [&] {
        CHECK(root.text("/srv/old") == "old\n");
        CHECK(root.text("/srv/plain") == "plain\n");
        CHECK(root.text("/srv/led/in") == "in\n");
        CHECK(fs::is_symlink(root.path() + "/srv/link"));
        CHECK(root.text("/srv/tree/deep/file") == "kept\n");
        CHECK(!fs::exists(root.path() + "/srv/made"));
        CHECK(root.entries("/srv/tree") == std::vector<std::string>{"deep"});
    };
    constexpr const char* work =
        "mkdir /srv/made; echo new > /srv/made/new; echo more >> /srv/old; rm -r /srv/tree/deep; mkdir /srv/tree/deep; "
        "echo other > /srv/tree/deep/other; rm /srv/plain; mkdir /srv/plain; echo in > /srv/plain/in; ";
    SUBCASE("it ended well") {
        const Outcome done = command(work);
        CHECK(first_error(done) == "");
        CHECK(root.text("/srv/old") == "old\nmore\n");
        CHECK(root.text("/srv/made/new") == "new\n");
        CHECK(root.entries("/srv/tree/deep") == std::vector<std::string>{"other"});
        CHECK(root.text("/srv/plain/in") == "in\n");
        SUBCASE("and goes back") {
            const Outcome back = session.rollback({done.run});
            CHECK(first_error(back) == "");
            CHECK(back.conflicts.empty());
            is_as_before();
        }
        SUBCASE("but for what somebody changed since, which is told") {
            root.write("/srv/old", "somebody's\n");
            root.write("/srv/made/theirs", "theirs\n");
            const Outcome back = session.rollback({done.run});
            CHECK(first_error(back) == "");
            CHECK(back.conflicts.size() == 2);
            CHECK(root.text("/srv/old") == "somebody's\n");
            CHECK(root.text("/srv/made/theirs") == "theirs\n");
            CHECK(root.text("/srv/tree/deep/file") == "kept\n");
        }
    }
    SUBCASE("it failed") {
        CHECK(first_error(command((std::string(work) + "exit 3").c_str())).find("status 3") != std::string::npos);
        is_as_before();
    }
    SUBCASE("it made what can not be kept") {
        CHECK(first_error(command((std::string(work) + "mkfifo /srv/made/pipe").c_str())) ==
              "/srv/made/pipe: it made a device, socket or pipe, which can not be recorded; nothing of what it wrote "
              "stays");
        is_as_before();
    }
    SUBCASE("it filled a directory where a link was: a name in that is still one of the other's") {
        constexpr const char* fills = "rm /srv/link; mkdir /srv/link; echo in > /srv/link/in";
        CHECK(first_error(command((std::string(work) + fills).c_str())) ==
              "/srv/link: it made a directory, and something in it, in the place of a link, which can not be recorded; "
              "nothing of what it wrote stays");
        is_as_before();
    }
    SUBCASE("it wrote what chaos keeps") {
        CHECK(first_error(command((std::string(work) + "echo x > /var/lib/chaos/mine").c_str())) ==
              "/var/lib/chaos: it wrote to what chaos keeps; nothing of what it wrote stays");
        is_as_before();
    }
    SUBCASE("a later step failed") {
        session.wish(
            "exec",
            {{"name", "x"}, {"command", work}, {"shell", "true"}, {"creates", "/srv/made"}, {"record", "true"}});
        session.wish("exec", {{"name", "y"}, {"command", "exit 4"}, {"shell", "true"}, {"creates", "/srv/never"}});
        CHECK(session.apply().state == RunState::undone);
        is_as_before();
    }
}

TEST_CASE("a run makes what is wished, a second one changes and writes nothing") {
    const Root root;
    Session session(root);
    session.wish("directory", {{"path", "/srv/www"}});
    session.wish("file", {{"path", "/srv/www/index.html"}, {"content", "hello\n"}});
    session.wish("link", {{"path", "/srv/latest"}, {"to", "www"}});
    const Outcome first = session.apply();
    CHECK(first_error(first) == "");
    CHECK(first.state == RunState::committed);
    CHECK(first.changed == 3);
    CHECK(root.text("/srv/www/index.html") == "hello\n");
    CHECK(root.text("/srv/latest/index.html") == "hello\n");
    const std::string store = root.text("/var/lib/chaos/store.db");
    const Outcome second = session.apply();
    CHECK(second.run == 0);
    CHECK(second.changed == 0);
    CHECK(root.text("/var/lib/chaos/store.db") == store);  // its head counts every commit
}

TEST_CASE("a rollback gives the host back, later edits elsewhere included") {
    const Root root;
    root.write("/etc/motd", "before\n");
    Session session(root);
    session.wish("file", {{"path", "/etc/motd"}, {"content", "ours\n"}, {"mode", "0600"}});
    session.wish("file", {{"path", "/etc/issue"}, {"content", "ours\n"}});
    REQUIRE(first_error(session.apply()) == "");
    root.write("/etc/unrelated", "later\n");
    const Outcome back = session.rollback({1});
    CHECK(first_error(back) == "");
    CHECK(back.conflicts.empty());
    CHECK(root.text("/etc/motd") == "before\n");
    CHECK(root.text("/etc/issue") == "absent");
    CHECK(root.text("/etc/unrelated") == "later\n");
    CHECK(fs::status(root.path() + "/etc/motd").permissions() == fs::perms(0644));
}

TEST_CASE("a rollback leaves what somebody edited since, and says so") {
    const Root root;
    root.write("/etc/motd", "before\n");
    Session session(root);
    session.wish("file", {{"path", "/etc/motd"}, {"content", "ours\n"}, {"mode", "0600"}});
    REQUIRE(first_error(session.apply()) == "");
    root.write("/etc/motd", "theirs\n");
    const Outcome back = session.rollback({1});
    REQUIRE(back.conflicts.size() == 1);
    CHECK(back.conflicts[0].attribute == "content");
    CHECK(root.text("/etc/motd") == "theirs\n");
    CHECK(fs::status(root.path() + "/etc/motd").permissions() == fs::perms(0644));  // the mode was ours, and went back
}

TEST_CASE("a rollback of many in many directories has no edge for each pair, and each goes before what it lies in") {
    constexpr std::size_t directories = 60, files = 20;
    const Root root;
    Session session(root);
    for (std::size_t d = 0; d < directories; ++d) {
        const std::string directory = "/srv/" + std::to_string(d);
        session.wish("directory", {{"path", directory.c_str()}});
        for (std::size_t f = 0; f < files; ++f) {
            const std::string file = directory + "/" + std::to_string(f);
            session.wish("file", {{"path", file.c_str()}, {"content", "ours\n"}});
        }
    }
    REQUIRE(first_error(session.apply()) == "");
    Reporter quiet;
    const auto transactor = Transactor::open(session.registry, session.host, root.path(), root.state(), quiet);
    const auto back = transactor->plan_take_back({1});
    CHECK(back.graph.edges().size() < directories * directories * files / 2);
    std::map<std::string, std::size_t> place;
    for (const Step& step : back.plan)
        for (const Change& change : step.changes) place.emplace(change.id.key, place.size());
    REQUIRE(place.size() >= directories * (files + 1));
    for (const auto& [path, at] : place)
        if (const auto above = place.find(path.substr(0, path.rfind('/'))); above != place.end())
            CHECK_MESSAGE(at < above->second, path);
    CHECK(first_error(transactor->take_back(back, "tester")) == "");
    CHECK_FALSE(fs::exists(root.path() + "/srv/0"));
}

TEST_CASE("a rollback can be rolled back") {
    const Root root;
    Session session(root);
    session.wish("file", {{"path", "/etc/motd"}, {"content", "ours\n"}});
    REQUIRE(first_error(session.apply()) == "");
    const Outcome back = session.rollback({1});
    REQUIRE(root.text("/etc/motd") == "absent");
    CHECK(first_error(session.rollback({back.run})) == "");
    CHECK(root.text("/etc/motd") == "ours\n");
}

TEST_CASE("what left the manifest goes back to what was there before it was first touched") {
    const Root root;
    root.write("/etc/motd", "origin\n");
    Session first(root);
    first.wish("file", {{"path", "/etc/motd"}, {"content", "one\n"}});
    first.wish("file", {{"path", "/etc/issue"}, {"content", "ours\n"}});
    REQUIRE(first_error(first.apply()) == "");
    Session second(root);
    second.wish("file", {{"path", "/etc/motd"}, {"content", "two\n"}});
    second.wish("file", {{"path", "/etc/issue"}, {"content", "ours\n"}});
    REQUIRE(first_error(second.apply()) == "");
    Session third(root);
    third.wish("file", {{"path", "/etc/other"}, {"content", "x\n"}});
    CHECK(first_error(third.apply()) == "");
    CHECK(root.text("/etc/motd") == "origin\n");
    CHECK(root.text("/etc/issue") == "absent");
    const auto history = open_history(root.path(), root.state(), nullptr);
    REQUIRE(history);
    CHECK(history->owned("test").size() == 1);
}

TEST_CASE("what was to be absent and leaves the manifest is let go of: nothing is made, and what came since stays") {
    const Root root;
    root.write("/srv/old", "old\n");
    Session first(root);
    first.wish("file", {{"path", "/srv/never"}}, true);
    first.wish("file", {{"path", "/srv/old"}}, true);
    first.wish("file", {{"path", "/srv/since"}}, true);
    first.wish("directory", {{"path", "/srv/tree"}}, true);
    REQUIRE(first_error(first.apply()) == "");
    REQUIRE(root.text("/srv/old") == "absent");
    root.write("/srv/since", "since\n");
    Session second(root);
    second.wish("file", {{"path", "/srv/other"}, {"content", "x\n"}});
    CHECK(first_error(second.apply()) == "");
    CHECK(root.text("/srv/never") == "absent");
    CHECK(root.text("/srv/old") == "absent");
    CHECK(root.text("/srv/since") == "since\n");
    CHECK_FALSE(fs::exists(root.path() + "/srv/tree"));
    const auto history = open_history(root.path(), root.state(), nullptr);
    REQUIRE(history);
    CHECK(history->owned("test").size() == 1);
}

TEST_CASE("a step that fails takes the whole run back") {
    const Root root;
    root.write("/etc/motd", "before\n");
    Session session(root);
    session.wish("file", {{"path", "/etc/motd"}, {"content", "ours\n"}});
    session.wish("exec", {{"name", "fails"}, {"command", "/no/such/program"}, {"creates", "/srv/never"}});
    const Outcome outcome = session.apply();
    CHECK(!outcome.errors.empty());
    CHECK(outcome.state == RunState::undone);
    CHECK(root.text("/etc/motd") == "before\n");
    CHECK(fs::is_empty(root.state() + "/stage"));
}

TEST_CASE("nothing of a run is left on the disk but its history") {
    const Root root;
    root.write("/etc/motd", "before\n");
    Session session(root);
    session.wish("file", {{"path", "/etc/motd"}, {"content", "ours\n"}});
    session.wish("file", {{"path", "/etc/gone"}}, true);
    REQUIRE(first_error(session.apply()) == "");
    CHECK(root.entries("/etc").size() == 3);
    const auto history = open_history(root.path(), root.state(), nullptr);
    const auto runs = history->runs();
    REQUIRE(runs.size() == 1);
    CHECK(runs[0].state == RunState::committed);
    const auto changes = history->changes(1);
    REQUIRE(changes.size() == 1);
    CHECK(changes[0].before.find("content")->text() == "before\n");
    CHECK(changes[0].after.find("content")->text() == "ours\n");
}

TEST_CASE("a rollback brings a copied /etc/localtime back, which is only ever seen") {
    const Root root;
    fs::create_directories(root.path() + "/usr/share/zoneinfo/Europe");
    root.write("/usr/share/zoneinfo/Europe/Rome", "TZif2 rome\n");
    root.write("/etc/localtime", "TZif2 copied\n");
    root.write("/etc/timezone", "Etc/UTC\n");
    Session session(root);
    session.wish("timezone", {{"name", "Europe/Rome"}});
    const Outcome done = session.apply();
    CHECK(first_error(done) == "");
    CHECK(fs::is_symlink(root.path() + "/etc/localtime"));
    const Outcome back = session.rollback({done.run});
    CHECK(first_error(back) == "");
    CHECK(back.state == RunState::committed);
    CHECK_FALSE(fs::is_symlink(root.path() + "/etc/localtime"));
    CHECK(root.text("/etc/localtime") == "TZif2 copied\n");
    CHECK(root.text("/etc/timezone") == "Etc/UTC\n");
}

TEST_CASE("what somebody made as the manifest says only later is recorded as that") {
    const Root root;
    {
        Session session(root);
        session.wish("file", {{"path", "/etc/a"}, {"content", "old\n"}});
        CHECK(session.apply().changed == 1);
    }
    root.write("/etc/a", "new\n");
    Session session(root);
    session.wish("file", {{"path", "/etc/a"}, {"content", "new\n"}});
    const Outcome adopted = session.apply();
    CHECK(adopted.run != 0);
    CHECK(adopted.changed == 0);
    CHECK(session.apply().run == 0);
    Session without(root);
    without.wish("file", {{"path", "/etc/b"}, {"content", "b\n"}});
    const Outcome left = without.apply();
    CHECK(first_error(left) == "");
    CHECK(root.text("/etc/a") == "absent");
}

TEST_CASE("a tree that was removed comes back whole, and so does a link that a file replaced") {
    const Root root;
    fs::create_directories(root.path() + "/srv/tree/sub");
    root.write("/srv/tree/sub/file", "data\n");
    fs::create_symlink("nowhere", root.path() + "/srv/link");
    Session session(root);
    session.wish("directory", {{"path", "/srv/tree"}, {"recurse", "true"}}, true);
    session.wish("file", {{"path", "/srv/link"}, {"content", "text\n"}});
    const Outcome done = session.apply();
    CHECK(first_error(done) == "");
    CHECK(root.entries("/srv") == std::vector<std::string>{"link"});
    const Outcome back = session.rollback({done.run});
    CHECK(first_error(back) == "");
    CHECK(back.state == RunState::committed);
    CHECK(root.text("/srv/tree/sub/file") == "data\n");
    CHECK(fs::read_symlink(root.path() + "/srv/link") == "nowhere");
}

TEST_CASE("what runs changed and gave back by themselves has its time and attributes again when they are taken back") {
    const Root root;
    root.write("/srv/file", "old\n");
    const std::string file = root.path() + "/srv/file";
    REQUIRE(::setxattr(file.c_str(), "user.note", "kept", 4, 0) == 0);
    const timespec then[2] = {{1577934245, 678}, {1577934245, 678}};
    REQUIRE(::utimensat(AT_FDCWD, file.c_str(), then, 0) == 0);
    Session session(root);
    session.wish("file", {{"path", "/srv/file"}, {"content", "new\n"}});
    CHECK(first_error(session.apply()) == "");
    session.site.catalog.clear();  // it leaves the manifest
    CHECK(first_error(session.apply()) == "");
    CHECK(root.text("/srv/file") == "old\n");
    const Outcome back = session.rollback({1, 2});
    CHECK(first_error(back) == "");
    CHECK(root.text("/srv/file") == "old\n");
    struct stat now {};
    REQUIRE(::stat(file.c_str(), &now) == 0);
    CHECK(now.st_mtim.tv_sec == then[1].tv_sec);
    CHECK(now.st_mtim.tv_nsec == then[1].tv_nsec);
    char note[8] = {};
    CHECK(::getxattr(file.c_str(), "user.note", note, sizeof note) == 4);
}

TEST_CASE("a large content goes back from where it is kept when its file leaves the manifest") {
    const Root root;
    const std::string large((1U << 20U) + 77, 'l');
    root.write("/srv/large", large);
    Session session(root);
    session.wish("file", {{"path", "/srv/large"}, {"content", "small\n"}});
    CHECK(first_error(session.apply()) == "");
    CHECK(root.text("/srv/large") == "small\n");
    session.site.catalog.clear();
    CHECK(first_error(session.apply()) == "");
    CHECK(root.text("/srv/large") == large);
}

TEST_CASE("an edit after the last look at a file stops the run, and is what is there afterwards") {
    struct Editor : Reporter {
        explicit Editor(const Root& root) : at(root) {}
        void begins(const Step&, std::size_t, std::size_t) override { at.write("/srv/file", "somebody's\n"); }
        const Root& at;
    };
    const Root root;
    root.write("/srv/file", "old\n");
    Session session(root);
    session.wish("file", {{"path", "/srv/file"}, {"content", "new\n"}});
    Editor editor(root);
    session.reporter = &editor;
    CHECK(first_error(session.apply()).find("changed since the plan was made") != std::string::npos);
    CHECK(root.text("/srv/file") == "somebody's\n");
    session.reporter = nullptr;
    const Outcome again = session.apply();
    CHECK(first_error(again) == "");
    CHECK(root.text("/srv/file") == "new\n");
    CHECK(first_error(session.rollback({again.run})) == "");
    CHECK(root.text("/srv/file") == "somebody's\n");
}

TEST_CASE("the record of a run holds no digest that would confirm a guess of a content") {
    const Root root;
    root.write("/srv/file", "guessed\n");
    Session session(root);
    session.wish("file", {{"path", "/srv/file"}, {"content", "new one\n"}});
    CHECK(first_error(session.apply()) == "");
    const std::string record = root.text("/var/lib/chaos/store.db");
    REQUIRE(record.find("/srv/file") != std::string::npos);
    for (const char* content : {"guessed\n", "new one\n"}) {
        CHECK(record.find(hex(digest(content))) == std::string::npos);
        CHECK(record.find(content) == std::string::npos);
    }
}

TEST_CASE("what a run never came to is not undone, though somebody did just that meanwhile") {
    /// A tool of which nothing but a flag is left.
    class Tool final : public ResourceType {
    public:
        explicit Tool(const ResourceType& like) : like_(like) {}
        const Schema& schema() const override { return like_.schema(); }
        Way way() const override { return Way::opaque; }
        void observe_all(const View&, std::span<const Wish> wishes, std::span<State> found) const override {
            for (std::size_t i = 0; i < wishes.size(); ++i)
                if (done) found[i] = wishes[i].wanted;
        }
        void apply_all(WritableHost&, std::span<const Change>) const override {
            if (other) {
                other->done = true;
                throw Error("it failed, and somebody did the next thing by hand");
            }
            ++applied;
        }
        void undo_all(WritableHost&, std::span<const Change>) const override { ++undone; }

        mutable bool done = false;
        mutable int applied = 0, undone = 0;
        const Tool* other = nullptr;

    private:
        const ResourceType& like_;
    };
    const Root root;
    Session session(root);
    Tool fails(*session.registry.type("directory")), next(*session.registry.type("link"));
    fails.other = &next;
    session.registry.types = {&fails, &next};
    session.wish("directory", {{"path", "/srv/a"}});
    session.wish("link", {{"path", "/srv/b"}, {"to", "a"}});
    const Outcome outcome = session.apply();
    CHECK(first_error(outcome).find("it failed") != std::string::npos);
    CHECK(outcome.state == RunState::undone);
    REQUIRE(next.applied == 0);
    CHECK(next.done);
    CHECK(next.undone == 0);
}

TEST_CASE("what is protected stays when its run is taken back, and is named") {
    const Root root;
    Session session(root);
    session.wish("file", {{"path", "/srv/kept"}, {"content", "x\n"}});
    session.wish("file", {{"path", "/srv/gone"}, {"content", "x\n"}});
    session.site.catalog[0].protect = true;
    const Outcome back = session.rollback({session.apply().run});
    REQUIRE(back.conflicts.size() == 1);
    CHECK(back.conflicts[0].id.key == "/srv/kept");
    CHECK(back.conflicts[0].now == "it is protected");
    CHECK(root.text("/srv/kept") == "x\n");
    CHECK(root.text("/srv/gone") == "absent");
}

TEST_CASE("what somebody put in the way of one resource does not hold up the others of a rollback") {
    const Root root;
    Session session(root);
    session.wish("directory", {{"path", "/srv/d"}});
    session.wish("file", {{"path", "/srv/d/in"}, {"content", "x\n"}});
    session.wish("file", {{"path", "/srv/other"}, {"content", "x\n"}});
    const Outcome done = session.apply();
    fs::remove_all(root.path() + "/srv/d");
    root.write("/srv/d", "a file now\n");
    const Outcome back = session.rollback({done.run});
    CHECK(first_error(back) == "");
    CHECK_FALSE(back.conflicts.empty());
    CHECK(root.text("/srv/other") == "absent");
    CHECK(root.text("/srv/d") == "a file now\n");
}

TEST_CASE("what lay in a directory that is gone stays away alone, also beside what goes back by calls") {
    const Root root;
    fs::create_directories(root.path() + "/etc/sysctl.d");
    fs::create_directories(root.path() + "/srv/app");
    root.write("/srv/app/f", "was\n");
    root.write("/srv/other", "was\n");
    for (const char* value : {"1024", "4096"}) {
        Session session(root);
        session.wish("sysctl", {{"key", "net.core.somaxconn"}, {"value", value}});
        if (value == std::string("4096")) {
            session.wish("file", {{"path", "/srv/app/f"}}, true);
            session.wish("file", {{"path", "/srv/other"}, {"content", "ours\n"}});
        }
        REQUIRE(session.apply().state == RunState::committed);
    }
    fs::remove_all(root.path() + "/srv/app");
    Session session(root);
    const Outcome back = session.rollback({2});
    CHECK(first_error(back) == "");
    CHECK(back.state == RunState::committed);
    REQUIRE(back.conflicts.size() == 1);
    CHECK(back.conflicts[0].id.key == "/srv/app/f");
    CHECK(back.conflicts[0].now == "/srv/app, which it was in, is not there");
    CHECK(root.text("/srv/other") == "was\n");
    CHECK_FALSE(fs::exists(root.path() + "/srv/app"));
}

TEST_CASE("what may be brought by a command that is run again comes back where it was, and else stays away alone") {
    const RootWithTools root;
    fs::create_directories(root.path() + "/srv/app/deep");
    root.write("/srv/other", "was\n");
    Session session(root);
    session.wish("exec", {{"name", "x"},
                          {"command", "test ! -e /srv/brings || mkdir -p /srv/app; echo made > /srv/mark"},
                          {"shell", "true"},
                          {"creates", "/srv/mark"},
                          {"undo", "rm /srv/mark"}});
    session.wish("file", {{"path", "/srv/app/f"}, {"content", "ours\n"}});
    session.wish("directory", {{"path", "/srv/app/deep/er"}});
    session.wish("file", {{"path", "/srv/app/deep/er/g"}, {"content", "ours\n"}});
    session.wish("file", {{"path", "/srv/other"}, {"content", "ours\n"}});
    for (std::uint32_t later = 1; later < 5; ++later) session.site.edges.emplace_back(0, later);
    REQUIRE(first_error(session.apply()) == "");
    REQUIRE(first_error(session.rollback({1})) == "");
    REQUIRE(root.text("/srv/mark") == "absent");
    fs::remove_all(root.path() + "/srv/app");
    std::set<std::string> stayed{"/srv/app/deep/er", "/srv/app/deep/er/g", "/srv/app/f"}, told;
    SUBCASE("it does not bring it") {}
    SUBCASE("it brings it, and not what was in it") {
        root.write("/srv/brings", "");
        stayed.erase("/srv/app/f");
    }
    const Outcome back = session.rollback({2});
    CHECK(first_error(back) == "");
    CHECK(back.state == RunState::committed);
    for (const Conflict& conflict : back.conflicts) told.insert(conflict.id.key);
    CHECK(told == stayed);
    CHECK(root.text("/srv/mark") == "made\n");
    CHECK(root.text("/srv/other") == "ours\n");
    for (const char* path : {"/srv/app/f", "/srv/app/deep/er/g"})
        CHECK(root.text(path) == (stayed.contains(path) ? "absent" : "ours\n"));
    const Outcome again = session.rollback({back.run});  // and what stayed away is no part of it
    CHECK(first_error(again) == "");
    CHECK(again.conflicts.empty());
    CHECK(root.text("/srv/other") == "was\n");
    CHECK(root.text("/srv/app/f") == "absent");
}

TEST_CASE("a run that was cut before its plan was written is told to have changed nothing") {
    const Root root;
    Session session(root);
    session.wish("file", {{"path", "/srv/one"}, {"content", "x\n"}});
    session.apply();
    {
        rollback::Store store(root.state(), rollback::Store::Access::change);
        rollback::Store::Batch batch(store);
        RunRecord run;
        run.verb = "apply", run.site = "test";
        CHECK(batch.add_run(run) == 2);
        batch.commit();
    }
    Reporter quiet;
    const auto transactor = Transactor::open(session.registry, session.host, root.path(), root.state(), quiet);
    CHECK(transactor->recover().state == RunState::undone);
    REQUIRE(transactor->history().run(2));
    CHECK(transactor->history().run(2)->note == "it was cut: nothing was changed");
    CHECK(root.text("/srv/one") == "x\n");
}

TEST_CASE("what the kernel does not take as it was asked is not shown at all") {
    const Root root;
    Session session(root);
    session.wish("file", {{"path", "/srv/a"}, {"content", "x\n"}, {"owner", "4294967295"}});
    const Outcome failed = session.apply();
    CHECK(failed.state == RunState::undone);
    CHECK(failed.conflicts.empty());
    CHECK(first_error(failed).find("its owner can not be 4294967295 here") != std::string::npos);
    CHECK(root.entries("/srv").empty());
}

namespace {

Check check_of(Check::Kind kind, std::string subject) {
    Check check;
    check.kind = kind, check.subject = std::move(subject), check.within_s = 1;
    return check;
}

}  // namespace

TEST_CASE("a check that answers lets a run stand; one that does not takes it back") {
    const Root root;
    root.write("/etc/motd", "before\n");
    Session session(root);
    session.wish("file", {{"path", "/etc/motd"}, {"content", "ours\n"}});
    session.site.checks = {check_of(Check::Kind::file, "/etc/motd"), check_of(Check::Kind::file, "/etc/ready")};
    const Outcome failed = session.apply();
    CHECK(first_error(failed) ==
          "the check file /etc/ready did not answer in 1 s: expected that it is there; came: there is nothing");
    CHECK(failed.state == RunState::undone);
    CHECK(root.text("/etc/motd") == "before\n");
    root.write("/etc/ready", "");
    CHECK(first_error(session.apply()) == "");
    CHECK(root.text("/etc/motd") == "ours\n");
}

TEST_CASE("a check that fails leaves what was done where that was asked for, and says that it is in part") {
    const Root root;
    Session session(root);
    session.wish("file", {{"path", "/etc/motd"}, {"content", "ours\n"}});
    session.site.checks = {check_of(Check::Kind::file, "/etc/ready")};
    const Outcome outcome = session.apply(OnFailure::stop);
    CHECK(outcome.state == RunState::partial);
    CHECK(outcome.errors.size() == 1);
    CHECK(root.text("/etc/motd") == "ours\n");
}

namespace {

/// Enough that what they are to own is written before they are shown.
void wish_for_many(Session& session, const char* content) {
    for (int i = 0; i < 150; ++i) {
        const std::string path = "/srv/" + std::to_string(i);
        session.wish("file", {{"path", path.c_str()}, {"content", content}});
    }
    session.wish("link", {{"path", "/srv/link"}, {"to", "0"}});
}

std::vector<OwnedRecord> owned_in(const Root& root) {
    return rollback::Store(root.state(), rollback::Store::Access::look).owned();
}

}  // namespace

TEST_CASE(
    "what many files are to be owned as is written before they are shown, and not for good before the run's end") {
    struct Spoiler : Reporter {
        explicit Spoiler(const Root& root) : at(root) {}
        void ends(const Step& step, bool well) override {
            if (!well || step.type->schema().name != "file") return;
            shown = at.text("/srv/0");
            owned_then = owned_in(at).size();
            if (spoils) fs::remove(at.path() + "/srv/link");
        }
        const Root& at;
        std::string shown;
        std::size_t owned_then = 99;
        bool spoils = true;
    };
    const Root root;
    root.write("/srv/0", "before\n");
    Session session(root);
    wish_for_many(session, "ours\n");
    Spoiler spoiler(root);
    session.reporter = &spoiler;
    const Outcome failed = session.apply();
    CHECK(first_error(failed) == "link:/srv/link is not there after it was made");
    CHECK(failed.state == RunState::undone);
    CHECK(spoiler.shown == "ours\n");
    CHECK(spoiler.owned_then == 0);
    CHECK(owned_in(root).empty());
    for (const auto& change : rollback::Store(root.state(), rollback::Store::Access::look).changes(failed.run))
        CHECK((change.result == ChangeRecord::Result::done) ==
              (change.type == "file"));  // the file had been seen to be
    CHECK(root.text("/srv/0") == "before\n");
    CHECK(root.entries("/srv") == std::vector<std::string>{"0"});
    spoiler.spoils = false;
    const Outcome outcome = session.apply();
    CHECK(first_error(outcome) == "");
    CHECK(spoiler.owned_then == 0);
    CHECK(owned_in(root).size() == 151);
    CHECK(first_error(session.rollback({outcome.run})) == "");
    CHECK(owned_in(root).empty());
    CHECK(root.text("/srv/0") == "before\n");
}

TEST_CASE("the same is owned, of the same origin, whether it was written early or after the checks of a run") {
    const auto owned_with = [](bool checked) {
        const Root root;
        root.write("/srv/3", "ours\n");
        root.write("/srv/4", "somebody's\n");
        for (const char* content : {"ours\n", "newer\n"}) {
            Session session(root);
            wish_for_many(session, content);
            if (checked) session.site.checks = {check_of(Check::Kind::file, "/srv/4")};
            if (content[0] == 'n') {
                session.site.catalog.pop_back(), session.site.catalog.pop_back();  // they leave
                session.wish("directory", {{"path", "/srv/in/it"}, {"mode", "0750"}});
            }
            CHECK(first_error(session.apply()) == "");
        }
        std::vector<std::string> told;
        for (const OwnedRecord& one : owned_in(root))
            told.push_back(one.type + ":" + one.key + " " + to_json(one.attributes) + " " + to_json(one.origin) + " " +
                           one.where + " " + std::to_string(one.run));
        std::sort(told.begin(), told.end());
        return told;
    };
    const auto early = owned_with(false), late = owned_with(true);
    CHECK(early.size() == 150);
    CHECK(early == late);
}

TEST_CASE("what a check asks for in a file must be in it, and a secret is not said") {
    const Root root;
    Session session(root);
    session.wish("file", {{"path", "/etc/motd"}, {"content", "ours\n"}});
    session.site.checks = {check_of(Check::Kind::file, "/etc/motd")};
    session.site.checks[0].contains = "hunter2";
    session.site.checks[0].secret = true;
    const Outcome outcome = session.apply();
    CHECK(outcome.state == RunState::undone);
    CHECK(first_error(outcome) ==
          "the check file (a secret) did not answer in 1 s: expected that it is there, with a secret in it; came: the "
          "secret is not in it");
}

TEST_CASE("nothing is asked where nothing changes, and an image is not asked what it can not answer") {
    const Root root;
    Session session(root);
    session.wish("file", {{"path", "/etc/motd"}, {"content", "ours\n"}});
    session.site.checks = {check_of(Check::Kind::tcp, "127.0.0.1:1"), check_of(Check::Kind::unit, "x.service")};
    CHECK(first_error(session.apply()) == "");
    session.site.checks = {check_of(Check::Kind::file, "/etc/ready")};
    CHECK(first_error(session.apply()) == "");
}

TEST_CASE("a run whose expiry can not be armed changes nothing") {
    const Root root;
    root.write("/etc/motd", "before\n");
    Session session(root);
    session.window_s = 60;  // of an image, which runs nothing
    session.wish("file", {{"path", "/etc/motd"}, {"content", "ours\n"}});
    CHECK_THROWS_WITH_AS(session.apply(), doctest::Contains("nothing was changed"), Error);
    CHECK(root.text("/etc/motd") == "before\n");
    CHECK(root.text("/var/lib/chaos/window") == "absent");
}
