// SPDX-License-Identifier: Apache-2.0
// What is looked at in a cache, in the process that asks: what fetch() found whole, and only small things of it.
#include <fmt/format.h>

#include <algorithm>
#include <chaos/error.hpp>
#include <chaos/git_mirror.hpp>

#include "git_cache.hpp"
#include "git_modules.hpp"
#include "text.hpp"

namespace chaos::git {
namespace {

constexpr std::uint64_t most_message = 1 << 20;  ///< Of a commit or a tag, whole.

std::string read_object(const Library& lib, git_odb* objects, const git_oid& id, git_object_t wanted,
                        std::uint64_t most, const std::string& called) {
    std::size_t size = 0;
    git_object_t type = GIT_OBJECT_INVALID;
    if (const int failed = lib.odb_header(&size, &type, objects, &id)) not_there(lib, failed, called);
    if (type != wanted)
        throw Error(fmt::format("{} is no {}", called,
                                wanted == GIT_OBJECT_COMMIT ? "commit"
                                : wanted == GIT_OBJECT_TAG  ? "tag"
                                                            : "file"));
    if (size > most) throw Error(fmt::format("{} has {} bytes, and at most {} are read", called, size, most));
    git_odb_object* read = nullptr;
    if (const int failed = lib.odb_read(&read, objects, &id)) not_there(lib, failed, called);
    const Held<git_odb_object> held(read, lib.odb_object_free);
    return {static_cast<const char*>(lib.odb_bytes(read)), lib.odb_size(read)};
}

std::string field(const RawObject& raw, const char* name) {
    const auto found = raw.fields.find(name);
    return found == raw.fields.end() ? std::string() : found->second;
}

/// `Ann Other <ann@example.org> 1700000000 +0100`
struct Person {
    std::string name{}, email{};
    std::int64_t time_s = 0;
};

Person person_in(const std::string& text) {
    const auto begin = text.find('<'), end = text.rfind('>');
    if (begin == text.npos || end == text.npos || end < begin) return {text};
    Person person{text.substr(0, begin), text.substr(begin + 1, end - begin - 1)};
    while (person.name.ends_with(' ')) person.name.pop_back();
    for_words(std::string_view(text).substr(end + 1), ' ', [&, first = true](std::string_view word) mutable {
        if (first) person.time_s = number<std::int64_t>(word).value_or(0);
        first = false;
    });
    return person;
}

Commit read_commit(const Library& lib, git_odb* objects, const git_oid& id) {
    const std::string hash = hex(lib, id);
    RawObject raw =
        commit_in(read_object(lib, objects, id, GIT_OBJECT_COMMIT, most_message, "commit " + hash.substr(0, 12)));
    Commit commit;
    commit.hash = hash;
    for (auto [at, end] = raw.fields.equal_range("parent"); at != end; ++at) commit.parents.push_back(at->second);
    const Person author = person_in(field(raw, "author"));
    commit.author = author.name, commit.email = author.email;
    commit.time_s = person_in(field(raw, "committer")).time_s;
    commit.message = std::move(raw.message);
    commit.signature = std::move(raw.signature);
    commit.payload = std::move(raw.payload);
    return commit;
}

}  // namespace

Commit commit_at(const std::string& cache, const std::string& hash) {
    const Library& lib = library();
    const Repository repository = open_cache(lib, cache);
    return read_commit(lib, objects_of(lib, repository.get()).get(), hash_of(lib, hash));
}

std::string commit_named(const std::string& cache, const std::string& digits) {
    constexpr std::size_t fewest = 7;
    if (digits.size() < fewest || digits.size() > GIT_OID_HEXSZ ||
        digits.find_first_not_of("0123456789abcdef") != digits.npos)
        throw Error(fmt::format("a commit is {} to {} digits of 0-9 and a-f, and this is \"{}\"", fewest, GIT_OID_HEXSZ,
                                digits));
    const Library& lib = library();
    const Repository repository = open_cache(lib, cache);
    if (const auto found = commit_of(lib, repository.get(), digits)) return hex(lib, *found);
    throw Error(fmt::format("no commit, or more than one, of what was fetched begins with {}", digits))
        .help("git log --oneline shows them; only the branch that is followed is fetched");
}

Commit tag_at(const std::string& cache, const std::string& hash) {
    const Library& lib = library();
    const Repository repository = open_cache(lib, cache);
    RawObject raw = tag_in(read_object(lib, objects_of(lib, repository.get()).get(), hash_of(lib, hash), GIT_OBJECT_TAG,
                                       most_message, "tag " + hash.substr(0, 12)));
    const Person tagger = person_in(field(raw, "tagger"));
    Commit tag;
    tag.hash = hash;
    tag.parents = {field(raw, "object")};
    tag.author = tagger.name, tag.email = tagger.email, tag.time_s = tagger.time_s;
    tag.message = std::move(raw.message);
    tag.signature = std::move(raw.signature);
    tag.payload = std::move(raw.payload);
    tag.name = field(raw, "tag");
    return tag;
}

bool descends(const std::string& cache, const std::string& ancestor, const std::string& descendant) {
    const Library& lib = library();
    const Repository repository = open_cache(lib, cache);
    const git_oid old = hash_of(lib, ancestor), now = hash_of(lib, descendant);
    const Odb objects = objects_of(lib, repository.get());
    if (lib.odb_exists(objects.get(), &now) != 1) not_there(lib, GIT_ENOTFOUND, "commit " + descendant.substr(0, 12));
    if (old == now) return true;
    if (lib.odb_exists(objects.get(), &old) != 1) return false;
    const int answer = lib.descendant_of(repository.get(), &now, &old);
    if (answer < 0) fail(lib, "can not walk from " + descendant.substr(0, 12));
    return answer == 1;
}

std::vector<Commit> history(const std::string& cache, const std::string& from, const std::string& to,
                            std::size_t most) {
    const Library& lib = library();
    const Repository repository = open_cache(lib, cache);
    const Odb objects = objects_of(lib, repository.get());
    git_revwalk* made = nullptr;
    if (lib.walk_new(&made, repository.get()) != 0) fail(lib, "can not walk");
    const Held<git_revwalk> walk(made, lib.walk_free);
    const git_oid last = hash_of(lib, to);
    lib.walk_first_parents(made);
    if (lib.walk_push(made, &last) != 0) fail(lib, "can not walk from " + to.substr(0, 12));
    if (!from.empty()) {
        const git_oid first = hash_of(lib, from);
        if (lib.odb_exists(objects.get(), &first) == 1 && lib.walk_hide(made, &first) != 0)
            fail(lib, "can not walk to " + from.substr(0, 12));
    }
    std::vector<Commit> commits;
    git_oid next;
    int end = 0;
    while (commits.size() < most && (end = lib.walk_next(&next, made)) == 0)
        commits.push_back(read_commit(lib, objects.get(), next));
    if (end != 0 && end != GIT_ITEROVER) fail(lib, "can not walk from " + to.substr(0, 12));
    std::reverse(commits.begin(), commits.end());
    return commits;
}

std::optional<std::string> file_at(const std::string& cache, const std::string& commit, const std::string& path,
                                   std::uint64_t most) {
    const Library& lib = library();
    const Repository repository = open_cache(lib, cache);
    const Held<git_tree> tree = tree_of(lib, repository.get(), commit);
    git_tree_entry* found = nullptr;
    const int missing = path.empty() ? GIT_ENOTFOUND : lib.entry_of(&found, tree.get(), path.c_str());
    if (missing == GIT_ENOTFOUND) return std::nullopt;
    if (missing != 0) fail(lib, "can not look for " + path);
    const Held<git_tree_entry> entry(found, lib.entry_free);
    const auto mode = lib.entry_mode(found);
    if (mode != GIT_FILEMODE_BLOB && mode != GIT_FILEMODE_BLOB_EXECUTABLE)
        throw Error(fmt::format("{} of commit {} is {}, and a file is wanted", path, commit.substr(0, 12),
                                mode == GIT_FILEMODE_TREE   ? "a directory"
                                : mode == GIT_FILEMODE_LINK ? "a symbolic link"
                                                            : "a submodule"));
    return read_object(lib, objects_of(lib, repository.get()).get(), *lib.entry_id(found), GIT_OBJECT_BLOB, most, path);
}

std::vector<std::string> changed_paths(const std::string& cache, const std::string& from, const std::string& to) {
    const Library& lib = library();
    const Repository repository = open_cache(lib, cache);
    const Held<git_tree> after = tree_of(lib, repository.get(), to);
    Held<git_tree> before(nullptr, lib.tree_free);
    if (!from.empty()) before = tree_of(lib, repository.get(), from);
    git_diff* made = nullptr;
    if (lib.diff_trees(&made, repository.get(), before.get(), after.get(), nullptr) != 0)
        fail(lib, "can not compare two commits");
    const Held<git_diff> diff(made, lib.diff_free);
    std::vector<std::string> paths;
    for (std::size_t i = 0; i < lib.delta_count(made); ++i) paths.emplace_back(lib.delta_at(made, i)->new_file.path);
    std::sort(paths.begin(), paths.end());
    paths.erase(std::unique(paths.begin(), paths.end()), paths.end());
    return paths;
}

}  // namespace chaos::git
