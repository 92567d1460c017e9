// SPDX-License-Identifier: Apache-2.0
// tests/golden/conflicts/NAME.yml is read whole and well, and does not hold together: NAME.err says why, to the letter.
// CHAOS_ACCEPT=1 rewrites the answers.
#include <doctest/doctest.h>

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

std::string conflicts_of(const std::string& manifest, bool& certain) {
    const Registry registry{builtin_types(), builtin_facts()};
    const RootHost host("/");
    const View view(host);
    Sources sources;
    Diagnostics reading, problems;
    const KeyRing no_keys{{}, nullptr, true};
    Site site = read_site(sources, {manifest}, {.registry = registry, .view = view, .keys = &no_keys}, reading);
    CHECK(reading.ok());
    const Graph graph = order(site.catalog, site.edges, problems);
    if (problems.ok()) find_conflicts(site, graph, problems);
    certain = !problems.ok();
    std::string said;
    for (const Error& error : problems.errors()) said += render(error, sources);
    for (const Error& error : problems.remarks()) said += render(error, sources, false, "note");
    return said;
}

}  // namespace

TEST_CASE("each site that does not hold together is explained as its golden file says") {
    const char* source = std::getenv("CHAOS_SOURCE");
    REQUIRE(source);
    const auto before = fs::current_path();
    fs::current_path(fs::path(source) / "tests/golden/conflicts");
    std::vector<fs::path> manifests;
    for (const auto& entry : fs::directory_iterator("."))
        if (entry.path().extension() == ".yml") manifests.push_back(entry.path().filename());
    std::sort(manifests.begin(), manifests.end());
    CHECK(manifests.size() > 14);
    for (const auto& manifest : manifests) {
        auto answer = manifest;
        answer.replace_extension(".err");
        CAPTURE(manifest.string());
        bool certain = false;
        const std::string said = conflicts_of(manifest.string(), certain);
        CHECK(certain == !manifest.string().starts_with("likely-"));
        if (std::getenv("CHAOS_ACCEPT"))
            std::ofstream(answer, std::ios::binary) << said;
        else
            CHECK(said == text_of(answer));
    }
    fs::current_path(before);
}

TEST_CASE("the examples hold together: nothing is told of them") {
    const char* source = std::getenv("CHAOS_SOURCE");
    REQUIRE(source);
    std::size_t seen = 0;
    for (const auto& entry : fs::directory_iterator(fs::path(source) / "examples/manifests")) {
        if (entry.path().extension() != ".yml") continue;
        bool certain = false;
        CAPTURE(entry.path().string());
        CHECK(conflicts_of(entry.path().string(), certain) == "");
        ++seen;
    }
    CHECK(seen > 3);
}
