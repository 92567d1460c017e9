// SPDX-License-Identifier: Apache-2.0
#include "apt_marks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chaos/system/packages.hpp>
#include <chaos/view.hpp>

#include "../lines.hpp"
#include "manners.hpp"

namespace chaos::resources::apt {
namespace {

constexpr const char* states_file = "/var/lib/apt/extended_states";
constexpr std::string_view field = "Auto-Installed:";

std::string_view value_in(std::string_view paragraph, std::string_view name) {
    while (!paragraph.empty()) {
        const auto line = next_line(paragraph);
        if (line.starts_with(name) && line.substr(name.size()).starts_with(": ")) return line.substr(name.size() + 2);
    }
    return {};
}

/// Nothing is left to say where it said no more than the mark.
std::string unmarked(std::string_view paragraph) {
    std::string rest;
    bool says_more = false;
    while (!paragraph.empty()) {
        const auto line = next_line(paragraph);
        if (line.starts_with(field)) continue;
        says_more = says_more || !(line.starts_with("Package:") || line.starts_with("Architecture:"));
        rest += fmt::format("{}\n", line);
    }
    return says_more ? rest + fmt::format("{} 0\n", field) : std::string();
}

std::string marked(std::string_view paragraph) {
    std::string all;
    while (!paragraph.empty())
        if (const auto line = next_line(paragraph); !line.starts_with(field)) all += fmt::format("{}\n", line);
    return all + fmt::format("{} 1\n", field);
}

/// Written beside and renamed, as apt itself does it: nobody ever sees a half of it.
void put(WritableHost& host, const std::string& text) {
    const auto beside = std::string(states_file) + ".chaos";
    must(host, {{"install", "-m", "644", "/dev/stdin", beside}, text});
    must(host, {{"sync", beside}});
    must(host, {{"mv", "-f", "-T", beside, states_file}});
}

}  // namespace

std::string with_marks(std::string_view states, std::vector<Marked> packages, bool automatic) {
    std::string all;
    while (!states.empty()) {
        const auto end = states.find("\n\n");
        const auto paragraph = states.substr(0, end == states.npos ? end : end + 1);
        states.remove_prefix(end == states.npos ? states.size() : end + 2);
        if (trimmed(paragraph).empty()) continue;
        const auto name = value_in(paragraph, "Package"), architecture = value_in(paragraph, "Architecture");
        const auto asked = std::find_if(packages.begin(), packages.end(), [&](const Marked& one) {
            return one.name == name && (architecture.empty() || one.architecture == architecture);
        });
        auto said = asked == packages.end() ? std::string(paragraph)
                    : automatic             ? marked(paragraph)
                                            : unmarked(paragraph);
        if (asked != packages.end()) packages.erase(asked);
        if (!said.empty()) all += said + (said.ends_with('\n') ? "\n" : "\n\n");
    }
    if (automatic)
        for (const Marked& one : packages)
            all += fmt::format("Package: {}\nArchitecture: {}\n{} 1\n\n", one.name, one.architecture, field);
    return all;
}

void mark_automatic(WritableHost& host, const std::vector<std::string>& packages, bool automatic) {
    const View view(host);
    const auto& installed = view.once<Packages>();
    std::vector<Marked> changing;
    for (const auto& name : packages) {
        const auto* there = installed.find(name);
        if (!there || there->automatic == automatic) continue;
        // apt has the native architecture for what is of all of them
        changing.push_back({there->name, there->architecture == "all" ? installed.architecture : there->architecture});
    }
    if (changing.empty()) return;
    std::string text;
    constexpr std::size_t most = 64 << 20;
    host.look(states_file, &text, most);
    put(host, with_marks(text, std::move(changing), automatic));
}

}  // namespace chaos::resources::apt
