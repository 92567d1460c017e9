// SPDX-License-Identifier: Apache-2.0
// What git writes as text. Commits and tags are taken apart here, for what a signature is about must be exact.
#include "git_modules.hpp"

#include <fmt/format.h>

#include <chaos/error.hpp>
#include <chaos/lines.hpp>

namespace chaos::git {
namespace {

std::string_view next_line(std::string_view& rest) {
    const auto end = std::min(rest.find('\n'), rest.size());
    const auto line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    return line;
}

/// A value as git's configuration has it: quotes and backslashes, a comment behind it.
std::string value_of(std::string_view text, std::size_t line) {
    std::string value;
    bool quoted = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '"') {
            quoted = !quoted;
        } else if (text[i] == '\\' && i + 1 < text.size() && (text[i + 1] == '"' || text[i + 1] == '\\')) {
            value += text[++i];
        } else if (text[i] == '\\') {
            throw Error(fmt::format(".gitmodules:{}: a backslash that means nothing here", line));
        } else if (!quoted && (text[i] == '#' || text[i] == ';')) {
            return std::string(trimmed(value));
        } else {
            value += text[i];
        }
    }
    if (quoted) throw Error(fmt::format(".gitmodules:{}: a quote that does not end", line));
    return value;
}

}  // namespace

std::map<std::string, std::string> submodules_of(std::string_view text) {
    struct Module {
        std::string path{}, url{};
    };
    std::map<std::string, Module> modules;
    Module* open = nullptr;
    for (std::size_t line = 1; !text.empty(); ++line) {
        const auto said = trimmed(next_line(text));
        if (said.empty() || said.front() == '#' || said.front() == ';') continue;
        if (said.front() == '[') {
            open = said.starts_with("[submodule \"") && said.ends_with("\"]")
                       ? &modules[std::string(said.substr(12, said.size() - 14))]
                       : nullptr;
            continue;
        }
        const auto equals = said.find('=');
        if (!open || equals == said.npos) continue;
        const auto name = trimmed(said.substr(0, equals));
        const auto value = value_of(trimmed(said.substr(equals + 1)), line);
        if (name == "path") open->path = value;
        if (name == "url") open->url = value;
    }
    std::map<std::string, std::string> urls;
    for (const auto& [name, module] : modules)
        if (!module.path.empty() && !module.url.empty()) urls[module.path] = module.url;
    return urls;
}

RawObject commit_in(std::string_view raw) {
    RawObject object;
    std::string* open = nullptr;  // the signature, while its lines last
    bool left_out = false;
    while (!raw.empty() && raw.front() != '\n') {
        const auto line = next_line(raw);
        if (line.starts_with(' ')) {  // a value goes on
            if (open) open->append(line.substr(1)).append("\n");
            if (!open && !left_out) object.payload.append(line).append("\n");
            continue;
        }
        open = nullptr;
        const auto space = std::min(line.find(' '), line.size());
        const std::string name(line.substr(0, space)), value(line.substr(std::min(space + 1, line.size())));
        // A signature of any kind is no part of what is signed, as git has it; we look at the one.
        left_out = name.starts_with("gpgsig");
        if (name == "gpgsig") {
            if (!object.signature.empty()) throw Error("a commit with two signatures: what they sign is not clear");
            object.signature = value + "\n";
            open = &object.signature;
        }
        if (!left_out) object.payload.append(line).append("\n");
        object.fields.emplace(name, value);
    }
    if (raw.empty() || !object.fields.contains("tree")) throw Error("this is no commit as git writes them");
    object.payload.append(raw);
    object.message = raw.substr(1);
    return object;
}

RawObject tag_in(std::string_view raw) {
    RawObject object;
    const std::string_view whole = raw;
    while (!raw.empty() && raw.front() != '\n') {
        const auto line = next_line(raw);
        const auto space = std::min(line.find(' '), line.size());
        object.fields.emplace(line.substr(0, space), line.substr(std::min(space + 1, line.size())));
    }
    if (!object.fields.contains("object") || !object.fields.contains("tag"))
        throw Error("this is no tag as git writes them");
    const std::size_t begin = whole.size() - raw.size();
    std::size_t mark = whole.size();
    if (!raw.empty()) raw.remove_prefix(1);
    for (std::string_view rest = raw; !rest.empty();) {
        const auto at = whole.size() - rest.size();
        const auto line = next_line(rest);
        for (const char* each : {"-----BEGIN PGP SIGNATURE-----", "-----BEGIN PGP MESSAGE-----",
                                 "-----BEGIN SSH SIGNATURE-----", "-----BEGIN SIGNED MESSAGE-----"})
            if (line.starts_with(each)) mark = at;  // the last one, as git has it
    }
    object.payload = whole.substr(0, mark);
    object.signature = whole.substr(mark);
    object.message = whole.substr(std::min(begin + 1, mark), mark - std::min(begin + 1, mark));
    return object;
}

}  // namespace chaos::git
