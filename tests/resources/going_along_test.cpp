// SPDX-License-Identifier: Apache-2.0
// What came along with a package leaves along with it.
#include <doctest/doctest.h>

#include <chaos/past.hpp>
#include <set>

#include "package/package.hpp"
#include "support/small_run.hpp"

using namespace chaos;
using namespace chaos::test;

namespace {

/// A scene of which earlier runs tell that they brought something.
class WithPast final : public Host, public Recalling {
public:
    WithPast(const FakeHost& scene, const std::set<std::string, std::less<>>& brought,
             const std::set<std::string, std::less<>>& declared)
        : scene_(scene), past_{brought, declared} {}
    const Past* past() const override { return &past_; }

    bool live() const override { return scene_.live(); }
    bool superuser() const override { return scene_.superuser(); }
    Entry look(const std::string& path, std::string* content, std::size_t most) const override {
        return scene_.look(path, content, most);
    }
    std::vector<std::string> list(const std::string& path) const override { return scene_.list(path); }
    Content content(const std::string& path) const override { return scene_.content(path); }
    Output ask(const Command& command) const override { return scene_.ask(command); }
    const Services& services() const override { return scene_.services(); }

private:
    struct Known final : Past {
        Known(const std::set<std::string, std::less<>>& names, const std::set<std::string, std::less<>>& declared)
            : names_(names), declared_(declared) {}
        bool brought(std::string_view type, const std::string& key) const override {
            return type == "package" && names_.contains(key);
        }
        bool is_somebodys(std::string_view, const std::string& key) const override { return declared_.contains(key); }
        const std::set<std::string, std::less<>>&names_, &declared_;
    };
    const FakeHost& scene_;
    Known past_;
};

struct Scene {
    FakeHost host;
    std::set<std::string, std::less<>> brought, declared{};

    void put_file(const char* path, const std::string& text) { host.put_file(path, text); }
};

struct Planned {
    Catalog catalog;
    States before{}, goal{};
};

Planned planned(const Scene& scene, Catalog catalog) {
    const WithPast host(scene.host, scene.brought, scene.declared);
    const View view(host);
    Diagnostics problems;
    Planned all{std::move(catalog)};
    all.before = observe(all.catalog, view, problems);
    all.goal = resolve(all.catalog, view, all.before, problems);
    for (const Error& error : problems.errors()) FAIL(std::string(error.what()));
    return all;
}

std::string installed(const char* name, const char* more = "", const char* state = "install ok installed") {
    return std::string("Package: ") + name + "\nStatus: " + state + "\nArchitecture: amd64\nVersion: 1\n" + more + "\n";
}

/// `tool` brought lib, deep (which lib needs), docs and either of two; `hers` was installed by hand.
Scene scene(const std::string& more = {}) {
    Scene host;
    host.put_file("/var/lib/dpkg/status", installed("dpkg", "Essential: yes\n") +
                                              installed("tool", "Depends: lib, one | other\nRecommends: docs\n") +
                                              installed("lib", "Depends: deep\n") + installed("deep") +
                                              installed("docs") + installed("one") + installed("hers") +
                                              installed("stray") + installed("before") + more);
    std::string marks;
    for (const char* name : {"lib", "deep", "docs", "one", "stray", "before", "core", "held"})
        marks += std::string("Package: ") + name + "\nArchitecture: amd64\nAuto-Installed: 1\n\n";
    host.put_file("/var/lib/apt/extended_states", marks);
    host.put_file("/etc/apt/sources.list", "deb http://deb.example.org/debian stable main\n");
    host.put_file("/var/lib/apt/lists/deb.example.org_debian_dists_stable_main_binary-amd64_Packages",
                  "Package: web\nVersion: 1\nArchitecture: amd64\nDepends: lib\n\n"
                  "Package: site\nVersion: 1\nArchitecture: amd64\nRecommends: docs\n");
    host.put_file("/var/lib/apt/lists/deb.example.org_debian_dists_stable_InRelease",
                  "Origin: Example\nSuite: stable\n");
    host.brought = {"lib", "deep", "docs", "one", "stray", "core", "held", "hers"};
    return host;
}

Resource leaving(const char* name, bool purge = false) {
    auto said = attributes({{"name", name}});
    if (purge) said.push_back({Value("purge"), Value("true")});
    auto resource = declare("package", std::move(said), true);
    resource.leaving = true, resource.where = {}, resource.recorded = resource.wanted;
    return resource;
}

std::set<std::string> along(const Scene& host, Catalog catalog) {
    const std::size_t declared = catalog.size();
    const auto run = planned(host, std::move(catalog));
    std::set<std::string> names;
    for (std::size_t i = declared; i < run.catalog.size(); ++i) {
        if (run.goal[i]) continue;
        CHECK(run.catalog[i].companion);
        CHECK(run.catalog[i].because == 0);
        names.insert(run.catalog[i].id.key);
    }
    return names;
}

using Names = std::set<std::string>;

}  // namespace

TEST_CASE("what came along with a package leaves along with it, whichever way that goes") {
    const auto host = scene();
    CHECK(along(host, {leaving("tool")}) == Names{"lib", "deep", "docs", "one"});
    CHECK(along(host, {declare("package", attributes({{"name", "tool"}}), true)}) ==
          Names{"lib", "deep", "docs", "one"});
    const auto run = planned(host, {leaving("tool", true)});
    REQUIRE(run.catalog.size() == 5);
    for (std::size_t i = 1; i < run.before.size(); ++i) {
        const auto& one = *run.before[i].as<resources::Package>();
        CHECK(one.purge);  // as wholly as what it goes with
        CHECK(one.version == "1");
        CHECK(one.automatic == true);
    }
}

TEST_CASE("what came along stays where somebody needs or recommends it, and with it what it needs itself") {
    CHECK(along(scene(installed("theirs", "Depends: lib\n")), {leaving("tool")}) == Names{"docs", "one"});
    CHECK(along(scene(installed("theirs", "Recommends: docs\n")), {leaving("tool")}) == Names{"lib", "deep", "one"});
    CHECK(along(scene(installed("theirs", "Pre-Depends: x | one\n")), {leaving("tool")}) ==
          Names{"lib", "deep", "docs"});
    // half removed: it needs nobody
    CHECK(along(scene(installed("theirs", "Depends: lib\n", "deinstall ok config-files")), {leaving("tool")})
              .contains("lib"));
}

TEST_CASE("what came along stays where something that comes in the same run needs it") {
    CHECK(along(scene(), {leaving("tool"), declare("package", attributes({{"name", "web"}}))}) == Names{"docs", "one"});
    CHECK(along(scene(), {leaving("tool"), declare("package", attributes({{"name", "site"}}))}) ==
          Names{"lib", "deep", "one"});
}

TEST_CASE("what left the manifest and what comes in the same run needs stays, at the version that needs it") {
    auto host = scene();
    host.put_file("/var/lib/apt/lists/deb.example.org_debian_dists_stable_main_binary-amd64_Packages",
                  "Package: web\nVersion: 1\nArchitecture: amd64\nDepends: hers\n\n"
                  "Package: deep\nVersion: 2\nArchitecture: amd64\n\n"
                  "Package: site\nVersion: 1\nArchitecture: amd64\nDepends: deep (>= 2)\n");
    const auto web = planned(host, {leaving("hers"), declare("package", attributes({{"name", "web"}}))});
    REQUIRE(web.goal[0]);
    CHECK(web.goal[0].spec() == web.before[0].spec());
    // lib needs it as well, so it would stay as it is by that alone
    const auto site = planned(host, {leaving("deep"), declare("package", attributes({{"name", "site"}}))});
    REQUIRE(site.goal[0]);
    CHECK(site.goal[0].as<resources::Package>()->version == "2");
}

TEST_CASE("what was there before, what a person marked or holds, and what a host can not do without stays") {
    auto host = scene(installed("core", "Essential: yes\n") + installed("guard", "Protected: yes\n"));
    host.brought.erase("docs");
    CHECK(along(host, {leaving("tool")}) == Names{"lib", "deep", "one"});
    host.put_file("/var/lib/apt/extended_states",
                  "Package: docs\nArchitecture: amd64\nAuto-Installed: 1\n\n"
                  "Package: lib\nArchitecture: amd64\nAuto-Installed: 1\n\n");
    CHECK(along(host, {leaving("tool")}) == Names{"lib"});  // deep and one were marked as manual
    auto vital =
        scene(installed("suite", "Depends: core, held, guard, tool\n") + installed("core", "Essential: yes\n") +
              installed("guard", "Protected: yes\n") + installed("held", "", "hold ok installed"));
    vital.put_file("/var/lib/apt/extended_states",
                   "Package: core\nArchitecture: amd64\nAuto-Installed: 1\n\n"
                   "Package: guard\nArchitecture: amd64\nAuto-Installed: 1\n\n"
                   "Package: held\nArchitecture: amd64\nAuto-Installed: 1\n");
    vital.brought = {"core", "guard", "held"};
    CHECK(along(vital, {leaving("suite")}).empty());
    Scene forgetful = scene();
    forgetful.brought.clear();
    CHECK(along(forgetful, {leaving("tool")}).empty());
}

TEST_CASE("what never came with what goes stays, though it is unneeded") {
    const auto host = scene();
    CHECK_FALSE(along(host, {leaving("tool")}).contains("stray"));
    CHECK(along(host, {leaving("hers")}).empty());
}

TEST_CASE("a circle of packages that came along leaves as a whole") {
    auto host =
        scene(installed("ring", "Depends: a\n") + installed("a", "Depends: b\n") + installed("b", "Depends: a\n"));
    host.put_file("/var/lib/apt/extended_states",
                  "Package: a\nArchitecture: amd64\nAuto-Installed: 1\n\n"
                  "Package: b\nArchitecture: amd64\nAuto-Installed: 1\n");
    host.brought = {"a", "b"};
    CHECK(along(host, {leaving("ring")}) == Names{"a", "b"});
}

namespace {

/// Lists with two tasks that share `both`; `tool` has come for one.
Scene tasks() {
    auto host = scene();
    host.put_file("/var/lib/apt/lists/deb.example.org_debian_dists_stable_main_binary-amd64_Packages",
                  "Package: web\nVersion: 1\nArchitecture: amd64\nDepends: lib, fresh\nTask: server, desk\n\n"
                  "Package: fresh\nVersion: 2\nArchitecture: amd64\n\n"
                  "Package: tool\nVersion: 1\nArchitecture: amd64\nTask: server\n\n"
                  "Package: task-mail\nVersion: 1\nArchitecture: amd64\nDepends: fresh\n");
    return host;
}

const std::string core = installed("dpkg", "Essential: yes\n");

std::set<std::string> told(const Scene& scene, Catalog catalog) {
    const WithPast host(scene.host, scene.brought, scene.declared);
    const View view(host);
    Diagnostics problems;
    auto before = observe(catalog, view, problems);
    resolve(catalog, view, before, problems);
    std::set<std::string> all;
    for (const Error& error : problems.errors()) all.insert(std::string(error.what()) + ": " + error.hint);
    return all;
}

Resource leaving_group(const char* name, std::vector<std::string> members) {
    auto resource = leaving(name);
    auto recorded = *resource.wanted.as<resources::Package>();
    recorded.members = std::move(members);
    resource.recorded = State::of(std::move(recorded));
    return resource;
}

}  // namespace

TEST_CASE("a group comes as the packages of it that are missing, with what these need") {
    const auto run = planned(tasks(), {declare("package", attributes({{"name", "@server"}}))});
    REQUIRE(run.catalog.size() == 3);
    CHECK(!run.before[0]);
    CHECK(run.goal[0].as<resources::Package>()->members == std::vector<std::string>{"tool", "web"});
    for (std::size_t i = 1; i < 3; ++i) {
        CHECK(run.catalog[i].companion);
        CHECK(run.catalog[i].because == 0);
        const auto& one = *run.goal[i].as<resources::Package>();
        CHECK(one.version == (one.name == "web" ? "1" : "2"));
        CHECK(one.automatic == (one.name != "web"));  // who wants the group wants its packages by name
    }
    const auto mail = planned(tasks(), {declare("package", attributes({{"name", "@mail"}}))});
    REQUIRE(mail.catalog.size() == 3);
}

TEST_CASE("a group of which all is there is as wished") {
    auto host = tasks();
    host.put_file("/var/lib/dpkg/status", core + installed("tool") + installed("web"));
    const auto run = planned(host, {declare("package", attributes({{"name", "@server"}}))});
    CHECK(run.catalog.size() == 1);
    CHECK(same(run.catalog[0].type->schema(), run.before[0], run.goal[0]));
}

TEST_CASE("a group that nobody has is told with the names that are near") {
    CHECK(told(tasks(), {declare("package", attributes({{"name", "@servre"}}))}) ==
          std::set<std::string>{"group servre: no repository of this host has it: did you mean \"@server\"?"});
    CHECK(told(tasks(), {declare("package", attributes({{"name", "@nonesuch"}}))}) ==
          std::set<std::string>{"group nonesuch: no repository of this host has it: write its packages one by one"});
}

TEST_CASE("a group that leaves lets go of what came for it, and of what that brought") {
    auto host = tasks();
    host.brought.insert("tool");
    CHECK(along(host, {leaving_group("@server", {"tool"})}) == Names{"tool", "lib", "deep", "docs", "one"});
    // a person's own
    host.brought.erase("tool");
    CHECK(along(host, {leaving_group("@server", {"tool"})}) == Names{});
}

TEST_CASE("what another group has, or somebody needs, stays where a group leaves") {
    auto host = tasks();
    host.put_file("/var/lib/dpkg/status", core + installed("tool") + installed("web"));
    host.brought = {"tool", "web"};
    host.declared = {"@server", "@desk"};  // the one that leaves is somebody's until then
    CHECK(along(host, {leaving_group("@server", {"tool", "web"})}) == Names{"tool"});
    host.declared = {"@server"};
    CHECK(along(host, {leaving_group("@server", {"tool", "web"})}) == Names{"tool", "web"});
    host.put_file("/var/lib/dpkg/status",
                  core + installed("tool") + installed("web") + installed("theirs", "Depends: web\n"));
    CHECK(along(host, {leaving_group("@server", {"tool", "web"})}) == Names{"tool"});
}
