// SPDX-License-Identifier: Apache-2.0
#include "dnf_library.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chaos/system/packages.hpp>
#include <charconv>

#include "../lines.hpp"
#include "dnf_program.hpp"
#include "moves.hpp"

namespace chaos::resources::dnf {
namespace {

/// The Python that dnf itself runs in; empty where there is none.
std::string interpreter(const Host& host) {
    std::string text;
    for (const char* program : {"/usr/bin/dnf-3", "/usr/bin/dnf"}) {
        if (host.look(program, &text).kind != Entry::Kind::file) continue;
        std::string_view rest = text;
        auto line = next_line(rest);
        if (!line.starts_with("#!")) return {};
        line.remove_prefix(2);
        const std::string path(next_word(line));
        return path.find("python") == path.npos ? std::string() : path;
    }
    return {};
}

std::optional<std::string> ask(const Host& host, std::string question) {
    const auto python = interpreter(host);
    if (python.empty()) return std::nullopt;
    const auto output = host.ask({{python, "-I", "-c", std::string(program)}, std::move(question)});
    if (output.status != 0) return std::nullopt;
    return output.out;
}

std::vector<std::string> fields_of(std::string_view line) {
    std::vector<std::string> fields;
    for (auto tab = line.find('\t'); tab != line.npos; tab = line.find('\t')) {
        fields.emplace_back(line.substr(0, tab));
        line.remove_prefix(tab + 1);
    }
    fields.emplace_back(line);
    constexpr std::size_t most = 8;
    fields.resize(std::max(fields.size(), most));
    return fields;
}

std::uint64_t number(std::string_view text) {
    std::uint64_t value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

Move move_of(const std::vector<std::string>& fields) {
    const bool comes = fields[0] == "comes";
    return {comes ? Move::Kind::install : Move::Kind::remove,
            fields[1],
            fields[2],
            fields[3],
            {fields[4], number(fields[5]), number(fields[6])}};
}

std::string said_of(std::string_view verb, const std::vector<std::string>& names) {
    std::string text;
    for (const auto& name : names) text += fmt::format("{}\t{}\n", verb, name);
    return text;
}

}  // namespace

std::string question_of(const Request& request) {
    std::string text;
    for (const auto& one : request.install) {
        const auto equals = std::min(one.find('='), one.size());
        const auto name = one.substr(0, equals);
        const auto source = request.sources.find(name);
        if (const auto file = request.files.find(one); file != request.files.end())
            text += fmt::format("file\t{}\t{}\n", name, file->second);
        else
            text += fmt::format("install\t{}\t{}\t{}\n", name, one.substr(std::min(equals + 1, one.size())),
                                source == request.sources.end() ? "" : source->second);
    }
    if (request.install.empty()) text += "only\tinstalled\n";  // what is to be had is not needed to tell
    return text + said_of("remove", request.remove);
}

Told parse(std::string_view said) {
    Told found;
    using Why = Upgrades::Stays::Why;
    while (!said.empty()) {
        const auto fields = fields_of(next_line(said));
        const auto& kind = fields[0];
        const auto stays = [&](Why why, std::string reason = {}) {
            found.renewal.stays.push_back({why, fields[1], fields[2], fields[3], std::move(reason)});
        };
        if (kind == "comes" || kind == "goes") {
            found.answer.moves.push_back(move_of(fields));
        } else if (kind == "problem" || kind == "unknown") {
            found.answer.problems.push_back({fields[2], fields[1], kind == "unknown"});
        } else if (kind == "held") {
            stays(Why::held);
        } else if (kind == "fixed") {
            stays(Why::fixed);
        } else if (kind == "impossible") {
            stays(Why::impossible, fields[4]);
        } else if (kind == "beside") {
            stays(Why::impossible,
                  "dnf puts another one of it beside, and takes an old one away: dnf upgrade " + fields[1]);
        } else if (kind == "others") {
            found.renewal.not_security = number(fields[1]);
        }
    }
    return found;
}

std::optional<Answer> simulation(const Host& host, const Request& request) {
    const auto said = ask(host, question_of(request));
    if (!said) return std::nullopt;
    return parse(*said).answer;
}

std::optional<std::vector<std::string>> left_alone(const Host& host, const std::vector<std::string>& going) {
    const View view(host);
    std::vector<std::string> manual, names;
    for (const auto& one : view.once<Packages>().all)
        if (!one.automatic) manual.push_back(one.name);
    const auto said =
        ask(host, "only\tinstalled\nclean\tdependencies\n" + said_of("remove", going) + said_of("manual", manual));
    if (!said) return std::nullopt;
    for (const auto& move : parse(*said).answer.moves)
        if (move.kind == Move::Kind::remove && std::find(going.begin(), going.end(), move.name) == going.end())
            names.push_back(move.name);
    return names;
}

std::optional<Renewal> renewal(const Host& host, const UpgradeWish& wish) {
    auto question = "upgrade\tpackages\n" + said_of("name", wish.names) + said_of("stay", wish.fixed);
    if (wish.security_only) question += "security\tonly\n";
    if (wish.removals) question += "removals\tallowed\n";
    const auto said = ask(host, std::move(question));
    if (!said) return std::nullopt;
    auto told = parse(*said);
    if (!told.answer.problems.empty())
        throw Error("dnf: " + told.answer.problems.front().said).help("dnf --assumeno upgrade");
    told.renewal.moves = std::move(told.answer.moves);
    return std::move(told.renewal);
}

}  // namespace chaos::resources::dnf
