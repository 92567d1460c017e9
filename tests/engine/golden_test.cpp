// SPDX-License-Identifier: Apache-2.0
// tests/golden/NAME.yml has the mistakes that NAME.err explains, to the letter. CHAOS_ACCEPT=1 rewrites the answers.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "site_kinds.hpp"

using namespace chaos;
using namespace chaos::test;
namespace fs = std::filesystem;

namespace {

std::string text_of(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

}  // namespace

TEST_CASE("each malformed manifest is explained as its golden file says") {
    fs::current_path(CHAOS_GOLDEN);
    std::vector<fs::path> manifests;
    for (const auto& entry : fs::directory_iterator("."))
        if (entry.path().extension() == ".yml" || entry.path().extension() == ".json")
            manifests.push_back(entry.path().filename());
    std::sort(manifests.begin(), manifests.end());
    REQUIRE(manifests.size() > 40);
    for (const auto& manifest : manifests) {
        auto answer = manifest;
        answer.replace_extension(".err");
        const auto reading = read_path(manifest.string());
        CAPTURE(manifest.string());
        CHECK_FALSE(reading.problems.ok());
        for (const Error& error : reading.problems.errors()) CHECK(error.where);
        std::string said = reading.errors();
        for (const std::string here = fs::current_path().string() + "/"; said.find(here) != std::string::npos;)
            said.erase(said.find(here), here.size());
        for (const std::string here = fs::current_path(); said.find(here) != std::string::npos;)
            said.replace(said.find(here), here.size(), ".");
        if (std::getenv("CHAOS_ACCEPT"))
            std::ofstream(answer, std::ios::binary) << said;
        else
            CHECK(said == text_of(answer));
    }
}
