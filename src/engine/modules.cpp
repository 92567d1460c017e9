// SPDX-License-Identifier: Apache-2.0
#include "modules.hpp"
#include <fmt/format.h>
#include <algorithm>
#include <chaos/url.hpp>
#include "beside.hpp"
#include "shipped.hpp"
#include "utf8.hpp"

namespace chaos {

std::uint32_t Modules::add(Module module) {
    modules_.push_back(std::move(module));
    return static_cast<std::uint32_t>(modules_.size());
}

void Modules::read_by(std::uint32_t module, std::uint16_t source) {
    if (module) readers_[source] = module;
}

const Module* Modules::find(std::string_view path) const {
    const auto found =
        std::find_if(modules_.begin(), modules_.end(), [&](const Module& one) { return one.path == path; });
    return found == modules_.end() ? nullptr : &*found;
}

bool Modules::is_off(std::string_view path) const {
    return std::find(off_.begin(), off_.end(), path) != off_.end();
}

std::uint32_t Modules::number_at(Place at) const {
    const auto found = at ? readers_.find(at.source) : readers_.end();
    return found == readers_.end() ? 0 : found->second;
}

std::string Modules::path_at(Place at) const {
    const auto number = number_at(at);
    return number ? (*this)[number].path + "/" : std::string();
}

Scope& Modules::scope_at(Place at) const {
    const auto number = number_at(at);
    return number ? *(*this)[number].scope : site_;
}

std::vector<std::uint32_t> Modules::with_users(std::uint32_t number) const {
    std::vector<std::uint32_t> users;
    for (; number; number = (*this)[number].of) users.push_back(number);
    return users;
}

Place Modules::mendable(Place at) const {
    for (auto number = number_at(at); number && (*this)[number].shipped; number = number_at(at))
        at = (*this)[number].used;
    return at;
}

Error Modules::mendable(Error error) const {
    const Place at = mendable(error.where);
    if (at == error.where) return error;
    for (Error::Note& note : error.notes) note.where = mendable(note.where);
    error.notes.insert(error.notes.begin(), {error.where, std::string(in_shipped)});
    error.where = at;
    return error;
}

namespace {

bool is_name(std::string_view text) {
    const auto plain = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
    };
    return !text.empty() && text.front() != '-' && std::all_of(text.begin(), text.end(), plain);
}

const std::string& name_in(const Value& value) {
    if (!is_name(value.text()))
        throw Error(value.where, fmt::format("'{}' can not be the name of a module", printable(value.text())))
            .help("a name is one word of letters, digits, _ and -; its file is modules/NAME.yml");
    return value.text();
}

constexpr std::string_view words_of_a_use[] = {"module", "with",   "as",    "when",   "doc",  "tags",
                                               "needs",  "before", "watch", "notify", "from", "rev"};

void take_word(Use& use, const Value& key, const Value& value) {
    const std::string& word = key.text();
    if (std::find(std::begin(words_of_a_use), std::end(words_of_a_use), word) == std::end(words_of_a_use)) {
        const auto near = nearest(word, words_of_a_use);
        throw Error(key.where, fmt::format("use has no '{}'", word))
            .help(near.empty() ? "it has module, with, as, from, rev, when, doc, tags, needs, before, watch and notify"
                               : fmt::format("did you mean '{}'?", near));
    }
    if (value.is_null())
        throw Error(key.where, fmt::format("'{}' has no value", word)).help("remove it, or give it one");
    if (word == "module")
        name_in(value), use.module = value;
    else if (word == "with" && !value.is_map())
        throw Error(value.where, fmt::format("'with' is a mapping of names and values, found {}", kind_of(value)))
            .help("write it as in with: {port: 80}");
    else if (word == "with")
        use.with = value.map();
    else if (word == "as")
        use.as = name_in(value);
    else if (word == "when")
        use.when.push_back(value);
    else if (word == "doc")
        value.text(), use.doc = value;
    else if (word == "tags")
        use.tags = value;
    else if (word == "from")
        value.text(), use.from = value;
    else if (word == "rev")
        value.text(), use.rev = value;
    else
        use.links.push_back({key, value});
}

/// What comes from elsewhere is one commit, told by its whole hash: a name could become another one.
void check_source(const Use& use) {
    if (use.from.is_null()) {
        if (use.rev.is_null()) return;
        throw Error(use.rev.where, "'rev' is for a module that comes from elsewhere")
            .help("add from: URL, or remove this");
    }
    const std::string& url = use.from.text();
    if (url.empty() || url.front() == '-' || url.find_first_of(" \n{") != std::string::npos)
        throw Error(use.from.where, fmt::format("expected the url of a repository, found '{}'", printable(url)))
            .help("write it as in from: https://git.example.org/web.git");
    if (holds_password(url))
        throw Error(use.from.where, fmt::format("'{}' has a password in it, and would be kept in chaos.lock",
                                                printable(without_passwords(url))))
            .help("take it over ssh, with a key of yours: from: ssh://git@git.example.org/web.git");
    const auto is_digit = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
    const std::string rev = use.rev.is_null() ? std::string() : use.rev.text();
    if (rev.size() != 40 || !std::all_of(rev.begin(), rev.end(), is_digit))
        throw Error(use.rev.is_null() ? use.from.where : use.rev.where,
                    rev.empty() ? std::string("this does not say which commit")
                                : fmt::format("expected the whole hash of a commit, found '{}'", printable(rev)))
            .help(fmt::format("write rev: and 40 digits; git ls-remote {} shows them", url));
}

}  // namespace

Use parse_use(const Value& item, const Value::Map& shared) {
    Use use;
    for (const auto& [key, value] : shared) take_word(use, key, value);
    if (item.is_text()) {
        name_in(item), use.module = item;
        return use;
    }
    if (!item.is_map())
        throw Error(item.where, fmt::format("use takes modules, found {}", kind_of(item)))
            .help("write it as in use: [{module: web, with: {port: 80}}]");
    const bool one_key = item.map().size() == 1 && item.map()[0].value.is_map() && item.map()[0].key.text() != "with";
    if (one_key && is_name(item.map()[0].key.text()))  // - web: {port: 80}
        throw Error(item.where, "this use does not say its module")
            .help(fmt::format("write {{module: {0}}}, or {{module: {0}, with: {{NAME: VALUE}}}}",
                              item.map()[0].key.text()));
    for (const auto& [key, value] : item.map()) take_word(use, key, value);
    if (use.module.is_null()) throw Error(item.where, "this use does not say its module").help("add module: NAME");
    check_source(use);
    return use;
}

std::string module_file(const Value& name, std::span<const std::string> directories) {
    std::vector<std::string> known;
    for (const std::string& directory : directories) {
        const std::string path = fmt::format("{}/{}.yml", directory, name.text());
        if (beside::exists(path)) return path;
        for (const std::string& other : beside::glob(directory + "/*.yml"))
            known.push_back(other.substr(directory.size() + 1, other.size() - directory.size() - 5));
    }
    if (find_shipped(name.text())) return {};
    for (const ShippedModule& one : shipped_modules()) known.emplace_back(one.name);
    const auto near = nearest(name.text(), known);
    throw Error(name.where,
                fmt::format("there is no module '{}': no file '{}/{}.yml'", name.text(), directories[0], name.text()))
        .help(near.empty() ? "a module is a manifest in modules/ beside the one that uses it"
                           : fmt::format("did you mean '{}'?", near));
}

}  // namespace chaos
