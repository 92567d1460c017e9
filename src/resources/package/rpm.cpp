// SPDX-License-Identifier: Apache-2.0
#include "rpm.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "../lines.hpp"

namespace chaos::resources::rpm {
namespace {

/// Line ends stay.
std::string_view trimmed(std::string_view text) {
    const auto begin = text.find_first_not_of(" \t\r");
    if (begin == text.npos) return {};
    return text.substr(begin, text.find_last_not_of(" \t\r") + 1 - begin);
}

std::vector<std::string> words_in(std::string_view line) {
    std::vector<std::string> words;
    for (line = trimmed(line); !line.empty(); line = trimmed(line)) {
        words.emplace_back(line.substr(0, line.find_first_of(" \t")));
        line.remove_prefix(words.back().size());
    }
    return words;
}

/// The text of an attribute of XML, its entities resolved.
std::string attribute(std::string_view tag, std::string_view name) {
    const auto begin = tag.find(fmt::format(" {}=\"", name));
    if (begin == tag.npos) return {};
    const auto value = tag.substr(begin + name.size() + 3);
    return std::string(value.substr(0, value.find('"')));
}

std::string plain(std::string_view xml) {
    std::string text;
    while (!xml.empty()) {
        constexpr std::pair<std::string_view, char> entities[] = {
            {"&lt;", '<'}, {"&gt;", '>'}, {"&amp;", '&'}, {"&quot;", '"'}, {"&apos;", '\''}};
        const auto* entity = std::find_if(std::begin(entities), std::end(entities),
                                          [&](const auto& one) { return xml.starts_with(one.first); });
        if (entity != std::end(entities)) {
            text += entity->second, xml.remove_prefix(entity->first.size());
        } else {
            text += xml[0] == '\n' ? ' ' : xml[0], xml.remove_prefix(1);
        }
    }
    return std::string(trimmed(text));
}

}  // namespace

std::vector<Repo> parse_repos(std::string_view text) {
    std::vector<Repo> found;
    while (!text.empty()) {
        const auto line = trimmed(next_line(text));
        if (line.starts_with('[') && line.ends_with(']')) {
            found.push_back({std::string(line.substr(1, line.size() - 2))});
            if (found.back().name == "main") found.back().enabled = false;
            continue;
        }
        const auto equals = line.find('=');
        if (found.empty() || equals == line.npos) continue;
        const auto key = trimmed(line.substr(0, equals)), value = trimmed(line.substr(equals + 1));
        if (key == "enabled")
            found.back().enabled = value == "1" || value == "true" || value == "yes" || value == "True";
        if (key == "priority") std::from_chars(value.data(), value.data() + value.size(), found.back().priority);
    }
    return found;
}

std::vector<Repo> repos_in(const Host& host, const std::string& directory) {
    std::vector<Repo> found;
    for (const auto& file : host.list(directory)) {
        if (!file.ends_with(".repo")) continue;
        std::string text;
        host.look(directory + "/" + file, &text);
        for (auto& one : parse_repos(text)) found.push_back(std::move(one));
    }
    return found;
}

std::string holder_by(const Host& host, const std::string& pid_file) {
    std::string pid, name;
    if (!host.live() || !host.look(pid_file, &pid)) return {};
    pid = trimmed(pid.substr(0, pid.find('\n')));
    if (pid.empty() || pid.find_first_not_of("0123456789") != pid.npos) return {};
    if (!host.look("/proc/" + pid + "/comm", &name)) return {};
    while (name.ends_with('\n')) name.pop_back();
    return fmt::format("{} (pid {})", name.empty() ? "a process" : name, pid);
}

std::string with_dash(const std::string& wanted) {
    auto text = wanted;
    if (const auto equals = text.find('='); equals != text.npos) text[equals] = '-';
    return text;
}

void must_be_asked(const Request& request, const Answer& answer, std::string_view who) {
    for (const auto& move : answer.moves) {
        if (move.kind == Move::Kind::remove &&
            std::find(request.remove.begin(), request.remove.end(), move.name) == request.remove.end())
            throw Error(fmt::format("{} would remove {} as well, and nobody asked for that", who, move.name))
                .help(fmt::format("absent: {{packages: [{}]}}", move.name));
        for (const auto& one : request.install)
            if (move.kind == Move::Kind::install && one.starts_with(move.name + "=") &&
                one != move.name + "=" + move.version)
                throw Error(fmt::format("{} would install version {} of {}, and {} is asked for", who, move.version,
                                        move.name, one.substr(move.name.size() + 1)));
    }
}

// Columns of a row are name, architecture, version, repository, size; where they are too long for 80 columns, the rest
// of a row goes on in the next line, which is indented further.
Answer parse_dnf_table(const Output& output) {
    Answer answer;
    Move::Kind kind = Move::Kind::install;
    std::vector<std::string> row;
    bool counts = false, begun = false;
    const auto end_row = [&] {
        if (counts && row.size() >= 3) {
            const bool comes = kind == Move::Kind::install;
            answer.moves.push_back({kind, row[0], comes ? "" : row[2], comes ? row[2] : ""});
        }
        row.clear();
    };
    for (std::string_view rest = output.out; !rest.empty();) {
        const auto line = next_line(rest);
        if (line.starts_with("Dependencies resolved.")) begun = true;
        if (!begun || line.starts_with('=')) continue;
        if (line.starts_with("Transaction Summary")) break;
        if (!line.starts_with(' ')) {  // Installing: Upgrading: Downgrading: Removing dependent packages:
            end_row();
            kind = line.starts_with("Removing") ? Move::Kind::remove : Move::Kind::install;
            counts = line.ends_with(':') && !line.starts_with("Skipping");
        } else {
            if (line.find_first_not_of(' ') == 1) end_row();
            for (auto& word : words_in(line)) row.push_back(std::move(word));
        }
    }
    end_row();
    for (const auto* text : {&output.err, &output.out})
        for (std::string_view rest = *text; !rest.empty();) {
            const auto line = trimmed(next_line(rest));
            constexpr std::string_view unknown = "No match for argument: ", error = "Error: ", problem = "Problem";
            if (line.starts_with(unknown))
                answer.problems.push_back({std::string(line), std::string(line.substr(unknown.size())), true});
            else if (line.starts_with(problem))
                answer.problems.push_back({std::string(line)});
            else if (line.starts_with(error) && answer.problems.empty() && line.size() > error.size())
                answer.problems.push_back({std::string(line.substr(error.size()))});
        }
    return answer;
}

Answer parse_zypper_xml(const Output& output) {
    Answer answer;
    bool comes = true, counts = false;
    std::string_view rest = output.out;
    for (auto at = rest.find('<'); at != rest.npos; at = rest.find('<')) {
        rest.remove_prefix(at);
        const auto end = rest.find('>');
        if (end == rest.npos) break;
        const auto tag = rest.substr(0, end);
        rest.remove_prefix(end + 1);
        if (tag.starts_with("<to-")) {
            comes = tag != "<to-remove", counts = true;
        } else if (tag.starts_with("</to-")) {
            counts = false;
        } else if (counts && tag.starts_with("<solvable ") && attribute(tag, "type") == "package") {
            auto edition = attribute(tag, "edition");
            answer.moves.push_back({comes ? Move::Kind::install : Move::Kind::remove, attribute(tag, "name"),
                                    comes ? attribute(tag, "edition-old") : edition, comes ? edition : ""});
        } else if (tag.starts_with("<message type=\"error\"") || tag.starts_with("<description")) {
            const auto said = plain(rest.substr(0, rest.find('<')));
            if (tag.starts_with("<description") && !said.starts_with("Problem")) continue;
            Refusal one{said};
            for (std::string_view word : {"No provider of '", "Package '"})
                if (const auto name = said.find(word); name != said.npos) {
                    one.name = said.substr(name + word.size());
                    one.name.resize(std::min(one.name.find('\''), one.name.size()));
                    one.name.resize(std::min(one.name.find_first_of(" ="), one.name.size()));
                    one.unknown = true;
                }
            if (!said.empty()) answer.problems.push_back(std::move(one));
        }
    }
    if (output.status != 0 && output.status < 100 && answer.problems.empty())
        answer.problems.push_back({fmt::format("zypper ended with {}: {}", output.status, trimmed(output.err))});
    return answer;
}

std::vector<std::string> names_in_zypper_xml(std::string_view text) {
    std::vector<std::string> names;
    constexpr std::string_view solvable = "<solvable ";
    for (auto at = text.find(solvable); at != text.npos; at = text.find(solvable)) {
        text.remove_prefix(at);
        names.push_back(attribute(text.substr(0, text.find('>')), "name"));
        text.remove_prefix(solvable.size());
    }
    return names;
}

}  // namespace chaos::resources::rpm
