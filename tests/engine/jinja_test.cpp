// SPDX-License-Identifier: Apache-2.0
// The same templates by chaos and by Debian's python3-jinja2: same text, or both an error.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "../../src/engine/template.hpp"
#include "no_names.hpp"

using namespace chaos;
using namespace chaos::test;
namespace fs = std::filesystem;

namespace {

const std::string folder = CHAOS_JINJA;

std::string text_of(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

struct Case {
    std::string file, text, options, reason;
    std::size_t line = 0;
};

/// NAME.lines has a case in each line; NAME.cases has them between lines `%%%% OPTIONS`. A line `#= REASON` before a
/// case says that chaos means to differ, and why.
std::vector<Case> corpus() {
    std::vector<Case> cases;
    std::vector<fs::path> paths;
    for (const auto& entry : fs::directory_iterator(folder)) paths.push_back(entry.path());
    std::sort(paths.begin(), paths.end());
    for (const auto& path : paths) {
        const bool lines = path.extension() == ".lines";
        if (!lines && path.extension() != ".cases") continue;
        std::istringstream text(text_of(path));
        std::string line, reason;
        for (std::size_t number = 1; std::getline(text, line); ++number) {
            if (line.starts_with("#= ")) {
                reason = line.substr(3);
            } else if (lines) {
                if (!line.empty() && !line.starts_with("## "))
                    cases.push_back({path.filename(), line, "", std::exchange(reason, ""), number});
            } else if (line.starts_with("%%%%")) {
                cases.push_back({path.filename(), "", line.substr(4), std::exchange(reason, ""), number});
            } else if (!cases.empty()) {
                cases.back().text += line + "\n";
            }
        }
    }
    return cases;
}

language::Blanks blanks_of(const Case& one) {
    return {one.options.find("trim_blocks") != std::string::npos,
            one.options.find("lstrip_blocks") != std::string::npos};
}

/// The answers of the referee, in the order of the cases; nothing where there is none.
std::optional<Value> asked(const std::vector<Case>& cases) {
    Value::List list;
    const auto quoted = [](const std::string& text) {
        Value value(text);
        return value;
    };
    for (const Case& one : cases)
        list.push_back(
            Value(Value::Map{{std::string("text"), quoted(one.text)}, {std::string("options"), quoted(one.options)}}));
    const fs::path question = fs::temp_directory_path() / fmt::format("chaos-jinja-{}.json", ::getpid());
    std::ofstream(question, std::ios::binary) << to_json(Value(std::move(list)));
    const std::string command =
        fmt::format("/usr/bin/python3 '{0}/referee.py' '{0}' < '{1}' 2>&1", folder, question.string());
    std::string said;
    FILE* pipe = ::popen(command.c_str(), "r");
    REQUIRE(pipe);
    char block[65536];
    while (const auto got = std::fread(block, 1, sizeof block, pipe)) said.append(block, got);
    const int status = ::pclose(pipe);
    fs::remove(question);
    if (WEXITSTATUS(status) == 77 || WEXITSTATUS(status) == 127) {
        MESSAGE("skipped: ", said);
        return std::nullopt;
    }
    REQUIRE_MESSAGE(status == 0, said);
    return from_json(said);
}

struct Answer {
    std::string text, error;
};

Answer ours(const Case& one, const Value& context) {
    Sources sources;
    Templates templates(sources);
    NoNames names(sources);
    try {
        const auto& file = templates.add(one.file, folder + "/parts", one.text, blanks_of(one));
        return {render(templates, file, blanks_of(one), names, context).text(), ""};
    } catch (const Error& error) {
        CHECK_MESSAGE(error.where, fmt::format("{}:{}: no place: {}", one.file, one.line, error.what()));
        return {"", error.what()};
    }
}

}  // namespace

TEST_CASE("templates give what python3-jinja2 gives, and fail where it fails") {
    const auto cases = corpus();
    REQUIRE(cases.size() > 400);
    const auto answers = asked(cases);
    if (!answers) return;
    const Value context = from_json(text_of(folder + "/context.json"));
    std::size_t failing = 0;
    for (std::size_t i = 0; i < cases.size(); ++i) {
        const Case& one = cases[i];
        const Value& answer = answers->list()[i];
        const Answer mine = ours(one, context);
        const Value* text = answer.find("text");
        const bool agree = text ? mine.error.empty() && mine.text == text->text() : !mine.error.empty();
        failing += text == nullptr;
        const std::string both = fmt::format("{}:{}\n{}\nchaos:  {}\njinja2: {}", one.file, one.line, one.text,
                                             mine.error.empty() ? mine.text : "ERROR " + mine.error,
                                             text ? text->text() : "ERROR " + answer.find("error")->text());
        if (one.reason.empty())
            CHECK_MESSAGE(agree, both);
        else
            CHECK_MESSAGE(!agree, both << "\nno difference any more: " << one.reason);
    }
    CHECK(failing > 100);  // both kinds of agreement are tried
}
