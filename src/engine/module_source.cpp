// SPDX-License-Identifier: Apache-2.0
#include <dirent.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <chaos/beside.hpp>
#include <chaos/digest.hpp>
#include <chaos/module_source.hpp>
#include <cstring>
#include <memory>
#include <set>

#include "beside.hpp"
#include "documents.hpp"
#include "modules.hpp"

namespace chaos {

namespace {

constexpr std::uint64_t most_of_a_lock = 1 << 20, most_of_a_module = 64 << 20;
constexpr std::size_t most_files = 10'000;
constexpr std::string_view digest_name = "blake2b-128:";

/// Uses with `from` in a manifest that is not read yet: at its top level and in blocks.
void add_uses(const Value& root, std::vector<ModuleSource>& sources, Diagnostics& problems) {
    const auto add = [&](const Value& uses) {
        for (const Value& item : items_in(uses)) {
            if (!item.is_map() || !item.find("from")) continue;
            try {
                const Use use = parse_use(item);
                if (use.from.is_null()) continue;
                sources.push_back({use.module.text(), use.from.text(), use.rev.text(), use.from.where});
            } catch (const Error& error) {
                problems.add(error);
            }
        }
    };
    if (!root.is_map()) return;
    if (const Value* uses = root.find("use")) add(*uses);
    if (const Value* blocks = root.find("blocks"); blocks && blocks->is_list())
        for (const Value& block : blocks->list())
            if (const Value* uses = block.is_map() ? block.find("use") : nullptr) add(*uses);
}

/// What a kept module uses from elsewhere, in whatever file of it.
void add_kept(Sources& all, const std::string& directory, std::vector<ModuleSource>& sources, Diagnostics& problems) {
    struct stat about {};
    if (::lstat(directory.c_str(), &about) != 0) return;
    std::vector<std::pair<std::string, std::string>> files;
    try {
        files = files_of_module(directory);
    } catch (const Error&) {  // not as it was fetched: whoever reads it is told
    }
    for (auto& [path, bytes] : files) {
        if (!path.ends_with(".yml") || bytes.find("from:") == std::string::npos) continue;
        try {
            add_uses(parse_yaml(all, all.add(directory + "/" + path, directory, std::move(bytes))), sources, problems);
        } catch (const Error&) {  // no manifest: whoever uses it is told
        }
    }
}

}  // namespace

std::vector<ModuleSource> module_sources(Sources& all, const std::vector<std::string>& paths,
                                         const ReadContext& context, Diagnostics& problems) {
    Scope scope(all, context);
    std::vector<ModuleSource> open;
    for (const Document& document : read_documents(all, paths, scope, nullptr, problems))
        add_uses(document.root, open, problems);
    std::vector<ModuleSource> found;
    if (!problems.ok()) return found;
    const std::string first = beside::real_path(paths.front()), directory = first.substr(0, first.rfind('/'));
    std::set<std::pair<std::string, std::string>> seen;
    for (std::size_t i = 0; i < open.size(); ++i) {
        const ModuleSource source = open[i];
        if (!seen.emplace(source.url, source.rev).second) continue;
        add_kept(all, kept_modules(directory, source.rev), open, problems);
        found.push_back(source);
    }
    return found;
}

std::string kept_modules(const std::string& directory, const std::string& rev) {
    return fmt::format("{}/.chaos/modules/{}", directory, rev);
}

ModuleLock read_module_lock(Sources& sources, const std::string& directory) {
    ModuleLock lock;
    const std::string path = directory + "/chaos.lock";
    if (!beside::exists(path)) return lock;
    const Value said = parse_yaml(sources, sources.add(path, directory, beside::read(path, most_of_a_lock)));
    if (said.is_null()) return lock;
    for (const auto& [url, commits] : said.map())
        for (const auto& [commit, digest] : commits.map()) {
            if (!digest.text().starts_with(digest_name))
                throw Error(digest.where, fmt::format("expected a digest that begins with {}, found '{}'", digest_name,
                                                      digest.text()))
                    .help("remove chaos.lock, look at what changed, and run: chaos modules fetch MANIFEST");
            lock[{url.text(), commit.text()}] = digest.text();
        }
    return lock;
}

std::string to_text(const ModuleLock& lock) {
    std::string text =
        "# What `chaos modules fetch` brought: url, commit, digest of its files. Keep it with the manifest.\n";
    std::string_view url;
    for (const auto& [key, digest] : lock) {
        if (key.first != url) text += fmt::format("{}:\n", to_json(Value(key.first)));
        url = key.first;
        text += fmt::format("  \"{}\": {}\n", key.second, digest);
    }
    return text;
}

std::string digest_of_module(const std::vector<std::pair<std::string, std::string>>& files) {
    Hasher hasher;
    for (const auto& [path, bytes] : files)
        hasher.add(fmt::format("{}:", path.size())).add(path).add(fmt::format("{}:", bytes.size())).add(bytes);
    return std::string(digest_name) + hex(hasher.finish());
}

std::vector<std::pair<std::string, std::string>> files_of_module(const std::string& directory) {
    std::vector<std::pair<std::string, std::string>> files;
    std::vector<std::string> open{""};
    std::uint64_t bytes = 0;
    while (!open.empty()) {
        const std::string below = std::move(open.back());
        open.pop_back();
        beside::note(beside::Asked::file, directory + "/" + below);  // its times are those of the names in it
        const std::unique_ptr<DIR, int (*)(DIR*)> listing(::opendir((directory + "/" + below).c_str()), ::closedir);
        if (!listing) throw Error(fmt::format("can not read '{}/{}': {}", directory, below, std::strerror(errno)));
        while (const dirent* entry = ::readdir(listing.get())) {
            const std::string name = entry->d_name;
            if (name == "." || name == "..") continue;
            const std::string path = below + name, whole = directory + "/" + path;
            struct stat about {};
            if (::lstat(whole.c_str(), &about) != 0)
                throw Error(fmt::format("can not read '{}': {}", whole, std::strerror(errno)));
            if (S_ISDIR(about.st_mode)) {
                open.push_back(path + "/");
                continue;
            }
            if (!S_ISREG(about.st_mode)) throw Error(fmt::format("'{}' is no regular file", whole));
            files.emplace_back(path, beside::read(whole, most_of_a_module));
            if ((bytes += files.back().second.size()) > most_of_a_module || files.size() > most_files)
                throw Error(fmt::format("'{}' holds more than a module can", directory));
        }
    }
    std::sort(files.begin(), files.end());
    return files;
}

}  // namespace chaos
