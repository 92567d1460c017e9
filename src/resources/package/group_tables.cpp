// SPDX-License-Identifier: Apache-2.0
// What is written of groups, in the words of each package manager.
#include <algorithm>

#include "../lines.hpp"
#include "groups.hpp"

namespace chaos::resources {
namespace {

/// One element of XML after another: its name, what follows that in the tag, and the text up to the next tag.
struct Element {
    std::string_view name, rest, text;
};

bool next_element(std::string_view& xml, Element& found) {
    while (true) {
        const auto open = xml.find('<');
        if (open == xml.npos) return false;
        xml.remove_prefix(open);
        if (!xml.starts_with("<!--")) break;
        const auto end = xml.find("-->");
        if (end == xml.npos) return false;
        xml.remove_prefix(end);
    }
    const auto close = xml.find('>');
    if (close == xml.npos) return false;
    const auto tag = xml.substr(1, close - 1);
    found.name = tag.substr(0, tag.find_first_of(" \t\n\r"));
    found.rest = tag.substr(found.name.size());
    xml.remove_prefix(close + 1);
    found.text = xml.substr(0, xml.find('<'));
    constexpr const char* blanks = " \t\n\r";
    found.text.remove_prefix(std::min(found.text.find_first_not_of(blanks), found.text.size()));
    found.text = found.text.substr(0, found.text.find_last_not_of(blanks) + 1);
    return true;
}

/// `value` of ` name="value"`, quoted either way.
bool says(std::string_view rest, std::string_view name, std::string_view value) {
    for (const char quote : {'"', '\''})
        if (rest.find(std::string(name) + "=" + quote + std::string(value) + quote) != rest.npos) return true;
    return false;
}

}  // namespace

void add_comps(std::string_view xml, GroupTable& found) {
    std::set<std::string> now;
    std::string id;
    std::vector<std::pair<std::string, std::vector<std::string>>> environments;
    std::vector<std::string> parts;
    bool optional = false;
    for (Element one; next_element(xml, one);) {
        if (one.name == "group" || one.name == "environment") {
            id.clear(), now.clear(), parts.clear();
        } else if (one.name == "id" && id.empty()) {
            id = one.text;
        } else if (one.name == "packagereq") {
            // As dnf has it where no type is said: mandatory. What is optional, or depends on others, is left out.
            const bool typed = one.rest.find("type=") != one.rest.npos;
            if (!typed || says(one.rest, "type", "mandatory") || says(one.rest, "type", "default"))
                now.emplace(one.text);
        } else if (one.name == "optionlist" || one.name == "/optionlist") {
            optional = one.name.front() != '/';
        } else if (one.name == "groupid") {
            if (!optional || says(one.rest, "default", "true")) parts.emplace_back(one.text);
        } else if (one.name == "/group") {
            if (!id.empty() && !now.empty()) found[id].insert(now.begin(), now.end());
        } else if (one.name == "/environment") {
            if (!id.empty()) environments.emplace_back(id, parts);
        }
    }
    for (const auto& [name, groups] : environments)
        for (const auto& group : groups)
            if (const auto its = found.find(group); its != found.end()) {
                const auto members = its->second;
                found[name].insert(members.begin(), members.end());
            }
}

void add_tasks(std::string_view packages, GroupTable& found) {
    std::string_view name;
    while (!packages.empty()) {
        const auto line = next_line(packages);
        constexpr std::string_view package = "Package: ", task = "Task: ", priority = "Priority: ", meta = "task-";
        if (line.starts_with(package)) {
            name = line.substr(package.size());
            if (name.starts_with(meta) && name.size() > meta.size())
                found[std::string(name.substr(meta.size()))].emplace(name);
        } else if (line.starts_with(task)) {
            for (auto rest = line.substr(task.size()); !rest.empty();) {
                auto word = next_word(rest);
                while (word.ends_with(',')) word.remove_suffix(1);
                if (!word.empty()) found[std::string(word)].emplace(name);
            }
        } else if (line.starts_with(priority)) {
            const auto which = line.substr(priority.size());
            if (which == "standard" || which == "important" || which == "required") found["standard"].emplace(name);
        }
    }
}

void add_pacman_groups(std::string_view said, GroupTable& found) {
    while (!said.empty()) {
        auto line = next_line(said);
        const auto group = next_word(line), package = next_word(line);
        if (!package.empty()) found[std::string(group)].emplace(package);
    }
}

void add_patterns(std::string_view said, GroupTable& found) {
    std::string package;
    while (!said.empty()) {
        auto line = next_line(said);
        const auto first = next_word(line), second = next_word(line), third = next_word(line);
        if (first == "Name" && second == ":") package = third;
        if (first == "pattern()" && second == "=" && !package.empty()) found[std::string(third)].insert(package);
    }
}

}  // namespace chaos::resources
