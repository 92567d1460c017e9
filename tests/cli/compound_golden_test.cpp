// SPDX-License-Identifier: Apache-2.0
// Sections that stand for others (modules/): whatever is wrong in one is told at the line of who wrote it, never first
// in a file that came with chaos. tests/golden/compounds/NAME.yml is explained by NAME.err; CHAOS_ACCEPT=1 rewrites it.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <chaos/manifest.hpp>
#include <chaos/root_host.hpp>
#include <chaos/secrets.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

using namespace chaos;
namespace fs = std::filesystem;

namespace {

std::string text_of(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

/// A root that says what system it is.
class Root {
public:
    explicit Root(std::string_view id) {
        std::string name = "/tmp/chaos-compound-XXXXXX";
        REQUIRE(::mkdtemp(name.data()));
        path = name;
        fs::create_directories(path / "etc");
        std::ofstream(path / "etc/os-release") << fmt::format("ID={0}\nNAME={0}\n", id);
        std::ofstream(path / "etc/hostname") << "web1\n";
        std::ofstream(path / "etc/passwd") << "root:x:0:0:root:/root:/bin/bash\n";
        std::ofstream(path / "etc/group") << "root:x:0:\n";
    }
    ~Root() { fs::remove_all(path); }
    Root(const Root&) = delete;

    fs::path path;
};

struct Reading {
    Sources sources;
    Diagnostics problems;
    std::string resources;  // sorted ids

    std::string said() const {
        std::string text;
        for (const Error& error : problems.errors()) text += render(error, sources);
        for (const Error& error : problems.remarks()) text += render(error, sources, false, "note");
        return text;
    }
};

Reading read(const std::string& manifest, const Root& root) {
    Reading reading;
    const Registry registry{builtin_types(), builtin_facts()};
    const RootHost host(root.path.string());
    const View view(host);
    const KeyRing no_keys{{}, nullptr, true};
    Site site = read_site(reading.sources, {manifest}, {.registry = registry, .view = view, .keys = &no_keys},
                          reading.problems);
    if (!reading.problems.ok()) return reading;
    std::vector<std::string> ids;
    for (const Resource& resource : site.catalog) ids.push_back(to_text(resource.id));
    std::sort(ids.begin(), ids.end());
    for (const std::string& id : ids) reading.resources += id + " ";
    const Graph graph = order(site.catalog, site.edges, reading.problems);
    if (reading.problems.ok()) find_conflicts(site, graph, reading.problems);
    return reading;
}

fs::path source() {
    const char* source = std::getenv("CHAOS_SOURCE");
    REQUIRE(source);
    return source;
}

void check_places(const Reading& reading, std::size_t& seen) {
    CAPTURE(reading.said());
    for (const auto* all : {&reading.problems.errors(), &reading.problems.remarks()})
        for (const Error& error : *all) {
            const bool placed = static_cast<bool>(error.where);
            CHECK(placed);
            if (placed) CHECK(reading.sources[error.where].name.ends_with(".yml"));
            if (placed) CHECK_FALSE(reading.sources[error.where].name.starts_with("chaos:"));
            ++seen;
        }
}

/// What could be written for a value, each of another kind.
constexpr const char* values[] = {"nonsense here",
                                  "\"\"",
                                  "12",
                                  "-1",
                                  "[a b, {x: 1}]",
                                  "[[a]]",
                                  "{a: {b: c}}",
                                  "no",
                                  "\"../../x\"",
                                  "/abs",
                                  "[{name: k}, {name: k}]",
                                  "[{from: a, to: /x}]",
                                  "[{url: 1, name: \"a b\"}]",
                                  "\"{{ 1 + 2 }}\"",
                                  "[]",
                                  "{}"};

}  // namespace

TEST_CASE("what is wrong in a section that stands for others is explained as its golden file says") {
    const auto before = fs::current_path();
    fs::current_path(source() / "tests/golden/compounds");
    const Root root("arch");
    std::vector<fs::path> manifests;
    for (const auto& entry : fs::directory_iterator("."))
        if (entry.path().extension() == ".yml") manifests.push_back(entry.path().filename());
    std::sort(manifests.begin(), manifests.end());
    CHECK(manifests.size() > 5);
    std::size_t seen = 0;
    for (const auto& manifest : manifests) {
        auto answer = manifest;
        answer.replace_extension(".err");
        CAPTURE(manifest.string());
        const Reading reading = read(manifest.string(), root);
        CHECK_FALSE(reading.problems.ok());
        check_places(reading, seen);
        if (std::getenv("CHAOS_ACCEPT"))
            std::ofstream(answer, std::ios::binary) << reading.said();
        else
            CHECK(reading.said() == text_of(answer));
    }
    fs::current_path(before);
}

TEST_CASE("two people may have their dotfiles from one repository") {
    const Root root("debian");
    const fs::path file = root.path / "site.yml";
    std::ofstream(file) << "users: [eve, ann]\ndotfiles:\n"
                           "  - {user: eve, url: \"https://git.example.org/d.git\", links: [{from: a, to: .a}]}\n"
                           "  - {user: ann, url: \"https://git.example.org/d.git\", links: [{from: a, to: .a}]}\n";
    const Reading reading = read(file.string(), root);
    CHECK_MESSAGE(reading.problems.ok(), reading.said());
    CHECK(reading.resources ==
          "git:/home/ann/.dotfiles/chaos/d git:/home/eve/.dotfiles/chaos/d "
          "link_set:/home/ann/.dotfiles/chaos/d/a link_set:/home/eve/.dotfiles/chaos/d/a "
          "user:ann user:eve ");
}

TEST_CASE("whatever a parameter of a module of chaos is given, mistakes stand in the manifest") {
    Sources sources;
    std::size_t seen = 0, tried = 0;
    for (const auto& entry : fs::directory_iterator(source() / "modules")) {
        const std::string module = entry.path().stem().string();
        const Value manifest = parse_yaml(sources, sources.add(module, "/", text_of(entry.path())));
        for (const auto& param : manifest.find("params")->map()) {
            for (const char* value : values)
                for (const char* form : {"{0}: {{{1}: {2}}}\n", "use: [{{module: {0}, with: {{{1}: {2}}}}}]\n",
                                         "{0}: [{{user: root, url: \"https://example.org/x.git\", {1}: {2}}}]\n",
                                         "blocks: [{{when: true, {0}: {{{1}: {2}}}}}]\n"}) {
                    const Root root(tried++ % 2 ? "arch" : "debian");
                    const fs::path file = root.path / "site.yml";
                    std::ofstream(file) << fmt::format(fmt::runtime(form), module, param.key.text(), value);
                    CAPTURE(text_of(file));
                    check_places(read(file.string(), root), seen);
                }
        }
    }
    CHECK(seen > 500);
}
