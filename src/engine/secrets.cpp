// SPDX-License-Identifier: Apache-2.0
#include "secrets.hpp"
#include <fmt/format.h>
#include <algorithm>
#include <utility>
#include "beside.hpp"
#include "utf8.hpp"

namespace chaos {

namespace {

constexpr std::string_view shape = "write it as in secrets: secrets.yml, or secrets: [base.yml, host.yml]";

const Value* below(const Value& tree, std::string_view name) {
    if (!tree.is_map()) return nullptr;
    if (const Value* whole = tree.find(name)) return whole;
    const auto dot = name.find('.');
    if (dot == std::string_view::npos) return nullptr;
    const Value* next = tree.find(name.substr(0, dot));
    return next ? below(*next, name.substr(dot + 1)) : nullptr;
}

void add_names(const Value& value, const std::string& prefix, std::vector<std::string>& names) {
    if (!value.is_map()) return;
    for (const auto& [key, held] : value.map()) {
        names.push_back(prefix + key.text());
        add_names(held, prefix + key.text() + '.', names);
    }
}

Value not_known() {
    Value value{std::string()};
    value.quoted = value.secret = true;
    return value;
}

}  // namespace

void Secrets::declare(const Value& said, const std::string& directory) {
    const bool before = std::exchange(broken_, true);
    read(said, directory);
    broken_ = before;
}

void Secrets::read(const Value& said, const std::string& directory) {
    if (said.is_text()) return add(said, directory);
    if (said.is_list()) {
        for (const Value& one : said.list()) add(one, directory);
        return;
    }
    if (!said.is_map())
        throw Error(said.where, fmt::format("'secrets' takes a path or a list of paths, found {}", kind_of(said)))
            .help(std::string(shape));
    for (const auto& [key, value] : said.map()) {
        const std::string& word = key.text();
        if (word == "sec_file")
            add(value, directory);
        else if (word == "sec_mode") {
            if (value.text() != "sops" && value.text() != "age")
                throw Error(value.where, fmt::format("expected sops or age, found '{}'", printable(value.text())))
                    .help("what a file is, is seen from what is in it");
        } else if (word != "sec_sops")  // how sops closes new files: nothing to read
            throw Error(key.where, fmt::format("'secrets' has no '{}'", printable(word)))
                .help("it has sec_file, sec_mode, sec_sops and templates; or " + std::string(shape));
    }
}

void Secrets::add(const Value& path, const std::string& directory) {
    if (!path.is_text() || path.text().empty())
        throw Error(path.where, fmt::format("expected the path of a file of secrets, found {}", kind_of(path)))
            .help(std::string(shape));
    if (path.text().find("{{") != std::string::npos)
        throw Error(path.where, "the path of a file of secrets has no expressions")
            .help("a file with overlay: may name other secrets: for each host");
    File file{beside::join(directory, path.text()), path.where};
    if (!beside::exists(file.path))
        throw Error(path.where, fmt::format("there is no file '{}'", file.path))
            .help(fmt::format("make it: chaos secrets edit --recipient age1... {}", path.text()));
    files_.push_back(std::move(file));
}

const Value& Secrets::open(File& file) {
    if (file.tree) return *file.tree;
    try {
        file.tree = SecretFile::open(file.path, keys_).tree();
    } catch (LacksKey& error) {
        error.where = file.where;
        if (!keys_.may_lack) throw;
        if (!lacks_) lacks_ = error;
        file.known = false;
        file.tree = names_without_key(file.path);
    } catch (Error& error) {
        if (!error.where) error.where = file.where;
        throw;
    }
    return *file.tree;
}

Value Secrets::find(const std::string& name) {
    if (files_.empty() && broken_) return not_known();
    if (files_.empty())
        throw Error(fmt::format("there is no secret '{}': this manifest names no file of secrets", printable(name)))
            .help("name it at the top: secrets: secrets.yml");
    for (auto file = files_.rbegin(); file != files_.rend(); ++file) {
        const Value& tree = open(*file);
        const Value* found = below(tree, name);
        if (found && file->known) {
            if (found->is_null())
                throw Error(fmt::format("the secret '{}' has no value", printable(name)))
                    .help("give it one: chaos secrets set FILE NAME");
            note_texts(*found);
            return *found;
        }
        if (found || tree.is_null()) return not_known();
    }
    if (broken_) return not_known();
    throw no_such(name);
}

void Secrets::note_texts(const Value& value) {
    if (value.is_text()) asked_.push_back(value.text());
    if (value.is_list())
        for (const Value& item : value.list()) note_texts(item);
    if (value.is_map())
        for (const auto& entry : value.map()) note_texts(entry.value);
}

Error Secrets::no_such(const std::string& name) {
    std::vector<std::string> names;
    for (File& file : files_) add_names(open(file), "", names);
    const std::vector<std::string_view> views(names.begin(), names.end());
    const auto near = nearest(name, views);
    std::string all;
    for (const auto& one : views) all += (all.empty() ? "" : ", ") + std::string(one);
    return Error(fmt::format("there is no secret '{}'", printable(name)))
        .help(!near.empty()        ? fmt::format("did you mean '{}'?", near)
              : names.size() <= 12 ? fmt::format("there are {}", all.empty() ? "none" : all)
                                   : "chaos secrets list FILE shows them");
}

}  // namespace chaos
