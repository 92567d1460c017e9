// SPDX-License-Identifier: Apache-2.0
// Checkouts, by libgit2. It runs no hooks, no filters of others and no commands, and reads no configuration but the
// repository's own.
#include <chaos/git.hpp>

#include <dlfcn.h>
#include <fmt/format.h>
#include <git2.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chaos/error.hpp>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>

namespace chaos::git {
namespace {

constexpr const char* ours = "refs/chaos/head";      ///< What we made the checkout last.
constexpr const char* underway = "refs/chaos/next";  ///< What it is being made; gone when that is done.

/// libgit2, opened when it is first needed: linked, it makes every start nine milliseconds longer.
class Library {
public:
    Library() {
        if (whole) init();
        if (whole)  // what people and hosts configure decides nothing here
            for (int level = GIT_CONFIG_LEVEL_PROGRAMDATA; level <= GIT_CONFIG_LEVEL_GLOBAL; ++level)
                opts(GIT_OPT_SET_SEARCH_PATH, level, "");
        constexpr const char* certificates = "/etc/ssl/certs/ca-certificates.crt";
        if (whole && ::access(certificates, R_OK) == 0)
            opts(GIT_OPT_SET_SSL_CERT_LOCATIONS, certificates, static_cast<const char*>(nullptr));
    }
    Library(const Library&) = delete;

private:
    void* handle_ = ::dlopen("libgit2.so.1.5", RTLD_NOW | RTLD_LOCAL);

    /// Only the type of what is named is used: a reference to the function itself would want the library at link time.
    template <class Pointer>
    Pointer find(const char* name) {
        void* address = handle_ ? ::dlsym(handle_, name) : nullptr;
        if (!address) whole = false;
        return reinterpret_cast<Pointer>(address);
    }

public:
    bool whole = handle_ != nullptr;
    decltype(&git_libgit2_init) init = find<decltype(&git_libgit2_init)>("git_libgit2_init");
    decltype(&git_libgit2_opts) opts = find<decltype(&git_libgit2_opts)>("git_libgit2_opts");
    decltype(&git_error_last) error_last = find<decltype(&git_error_last)>("git_error_last");
    decltype(&git_repository_init) repository_init = find<decltype(&git_repository_init)>("git_repository_init");
    decltype(&git_repository_open_ext) repository_open =
        find<decltype(&git_repository_open_ext)>("git_repository_open_ext");
    decltype(&git_repository_free) repository_free = find<decltype(&git_repository_free)>("git_repository_free");
    decltype(&git_repository_head) repository_head = find<decltype(&git_repository_head)>("git_repository_head");
    decltype(&git_reference_name) reference_name = find<decltype(&git_reference_name)>("git_reference_name");
    decltype(&git_repository_set_head) set_head = find<decltype(&git_repository_set_head)>("git_repository_set_head");
    decltype(&git_repository_set_head_detached) set_head_detached =
        find<decltype(&git_repository_set_head_detached)>("git_repository_set_head_detached");
    decltype(&git_remote_lookup) remote_lookup = find<decltype(&git_remote_lookup)>("git_remote_lookup");
    decltype(&git_remote_create) remote_create = find<decltype(&git_remote_create)>("git_remote_create");
    decltype(&git_remote_create_detached) remote_create_detached =
        find<decltype(&git_remote_create_detached)>("git_remote_create_detached");
    decltype(&git_remote_set_url) remote_set_url = find<decltype(&git_remote_set_url)>("git_remote_set_url");
    decltype(&git_remote_fetch) remote_fetch = find<decltype(&git_remote_fetch)>("git_remote_fetch");
    decltype(&git_remote_connect) remote_connect = find<decltype(&git_remote_connect)>("git_remote_connect");
    decltype(&git_remote_ls) remote_ls = find<decltype(&git_remote_ls)>("git_remote_ls");
    decltype(&git_remote_default_branch) remote_default_branch =
        find<decltype(&git_remote_default_branch)>("git_remote_default_branch");
    decltype(&git_remote_free) remote_free = find<decltype(&git_remote_free)>("git_remote_free");
    decltype(&git_buf_dispose) buf_dispose = find<decltype(&git_buf_dispose)>("git_buf_dispose");
    decltype(&git_revparse_single) revparse = find<decltype(&git_revparse_single)>("git_revparse_single");
    decltype(&git_object_peel) object_peel = find<decltype(&git_object_peel)>("git_object_peel");
    decltype(&git_object_id) object_id = find<decltype(&git_object_id)>("git_object_id");
    decltype(&git_object_free) object_free = find<decltype(&git_object_free)>("git_object_free");
    decltype(&git_reference_create) reference_create = find<decltype(&git_reference_create)>("git_reference_create");
    decltype(&git_reference_name_to_id) name_to_id =
        find<decltype(&git_reference_name_to_id)>("git_reference_name_to_id");
    decltype(&git_reference_remove) reference_remove = find<decltype(&git_reference_remove)>("git_reference_remove");
    decltype(&git_reference_free) reference_free = find<decltype(&git_reference_free)>("git_reference_free");
    decltype(&git_reference_list) reference_list = find<decltype(&git_reference_list)>("git_reference_list");
    decltype(&git_strarray_dispose) strarray_dispose = find<decltype(&git_strarray_dispose)>("git_strarray_dispose");
    decltype(&git_checkout_tree) checkout_tree = find<decltype(&git_checkout_tree)>("git_checkout_tree");
    decltype(&git_status_list_new) status_list_new = find<decltype(&git_status_list_new)>("git_status_list_new");
    decltype(&git_status_list_entrycount) status_count =
        find<decltype(&git_status_list_entrycount)>("git_status_list_entrycount");
    decltype(&git_status_byindex) status_at = find<decltype(&git_status_byindex)>("git_status_byindex");
    decltype(&git_status_list_free) status_free = find<decltype(&git_status_list_free)>("git_status_list_free");
    decltype(&git_graph_descendant_of) descendant_of =
        find<decltype(&git_graph_descendant_of)>("git_graph_descendant_of");
    decltype(&git_oid_tostr) oid_tostr = find<decltype(&git_oid_tostr)>("git_oid_tostr");
    decltype(&git_oid_fromstr) oid_fromstr = find<decltype(&git_oid_fromstr)>("git_oid_fromstr");
    decltype(&git_submodule_foreach) submodule_foreach =
        find<decltype(&git_submodule_foreach)>("git_submodule_foreach");
    decltype(&git_submodule_update) submodule_update = find<decltype(&git_submodule_update)>("git_submodule_update");
    decltype(&git_credential_ssh_key_from_agent) key_from_agent =
        find<decltype(&git_credential_ssh_key_from_agent)>("git_credential_ssh_key_from_agent");
    decltype(&git_credential_ssh_key_new) key_of_file =
        find<decltype(&git_credential_ssh_key_new)>("git_credential_ssh_key_new");
    decltype(&git_credential_username_new) username =
        find<decltype(&git_credential_username_new)>("git_credential_username_new");
    decltype(&git_tree_walk) tree_walk = find<decltype(&git_tree_walk)>("git_tree_walk");
    decltype(&git_tree_entry_name) entry_name = find<decltype(&git_tree_entry_name)>("git_tree_entry_name");
    decltype(&git_tree_entry_filemode) entry_mode = find<decltype(&git_tree_entry_filemode)>("git_tree_entry_filemode");
    decltype(&git_tree_entry_id) entry_id = find<decltype(&git_tree_entry_id)>("git_tree_entry_id");
    decltype(&git_blob_lookup) blob_lookup = find<decltype(&git_blob_lookup)>("git_blob_lookup");
    decltype(&git_blob_rawcontent) blob_bytes = find<decltype(&git_blob_rawcontent)>("git_blob_rawcontent");
    decltype(&git_blob_rawsize) blob_size = find<decltype(&git_blob_rawsize)>("git_blob_rawsize");
    decltype(&git_blob_free) blob_free = find<decltype(&git_blob_free)>("git_blob_free");
};

const Library& library() {
    static const Library opened;
    if (!opened.whole)
        throw Error("checkouts need libgit2 (libgit2.so.1.5), and this host does not have it")
            .help("apt-get install libgit2-1.5");
    return opened;
}

std::string last_message(const Library& lib) {
    const git_error* error = lib.error_last();
    return error && error->message ? error->message : "no reason given";
}

[[noreturn]] void fail(const Library& lib, const std::string& what) {
    throw Error(fmt::format("{}: {}", what, last_message(lib)));
}

template <class T>
using Held = std::unique_ptr<T, void (*)(T*)>;
using Repository = Held<git_repository>;
using Object = Held<git_object>;
using Remote = Held<git_remote>;

std::string hex(const Library& lib, const git_oid& id) {
    char text[GIT_OID_HEXSZ + 1];
    return lib.oid_tostr(text, sizeof text, &id);
}

std::optional<git_oid> reference(const Library& lib, git_repository* repository, const std::string& name) {
    git_oid id;
    if (lib.name_to_id(&id, repository, name.c_str()) != 0) return std::nullopt;
    return id;
}

bool operator==(const git_oid& a, const git_oid& b) {
    return std::equal(std::begin(a.id), std::end(a.id), std::begin(b.id));
}

void point(const Library& lib, git_repository* repository, const std::string& name, const git_oid& id) {
    git_reference* made = nullptr;
    if (lib.reference_create(&made, repository, name.c_str(), &id, 1, "chaos") != 0) fail(lib, "can not write " + name);
    lib.reference_free(made);
}

std::optional<git_oid> commit_of(const Library& lib, git_repository* repository, const std::string& what) {
    git_object *found = nullptr, *commit = nullptr;
    if (lib.revparse(&found, repository, what.c_str()) != 0) return std::nullopt;
    const Object held(found, lib.object_free);
    if (lib.object_peel(&commit, found, GIT_OBJECT_COMMIT) != 0) return std::nullopt;
    const Object peeled(commit, lib.object_free);
    return *lib.object_id(commit);
}

std::string home() {
    if (const char* said = std::getenv("HOME")) return said;
    const passwd* me = ::getpwuid(::getuid());
    return me && me->pw_dir ? me->pw_dir : "/";
}

/// What a connection may use to say who we are: an agent, then the keys of ~/.ssh, each once.
struct Keys {
    const Library* lib;
    std::size_t tried = 0;
};

int credentials(git_credential** out, const char*, const char* user, unsigned allowed, void* payload) {
    auto& keys = *static_cast<Keys*>(payload);
    const char* name = user ? user : "git";
    if (allowed & GIT_CREDENTIAL_USERNAME) return keys.lib->username(out, name);
    if (!(allowed & GIT_CREDENTIAL_SSH_KEY)) return GIT_EAUTH;
    constexpr const char* files[] = {"id_ed25519", "id_ecdsa", "id_rsa"};
    if (keys.tried == 0) {
        ++keys.tried;
        if (std::getenv("SSH_AUTH_SOCK")) return keys.lib->key_from_agent(out, name);
    }
    while (keys.tried <= std::size(files)) {
        const std::string file = home() + "/.ssh/" + files[keys.tried++ - 1];
        if (::access(file.c_str(), R_OK) == 0)
            return keys.lib->key_of_file(out, name, (file + ".pub").c_str(), file.c_str(), "");
    }
    return GIT_EAUTH;
}

git_remote_callbacks callbacks(Keys& keys) {
    git_remote_callbacks calls = GIT_REMOTE_CALLBACKS_INIT;
    calls.credentials = credentials, calls.payload = &keys;
    return calls;
}

/// A repository of the person who asks: with a .git of its own, that no link leads away from.
Repository open(const Library& lib, const std::string& path) {
    struct stat about {};
    const std::string inside = path + "/.git";
    if (::lstat(inside.c_str(), &about) != 0) throw Error(path + " is no checkout: it has no .git");
    if (!S_ISDIR(about.st_mode))
        throw Error(inside + " is no directory: the repository would be elsewhere")
            .help("mv " + path + " " + path + ".orig");
    git_repository* opened = nullptr;
    if (lib.repository_open(&opened, path.c_str(), GIT_REPOSITORY_OPEN_NO_SEARCH, nullptr) != 0) {
        const std::string why = last_message(lib);
        if (why.find("owned") != std::string::npos)
            throw Error(path + " belongs to somebody else, and what it says is not trusted")
                .help("say whose it is: owner: NAME");
        fail(lib, "can not open " + path);
    }
    return Repository(opened, lib.repository_free);
}

/// What a remote says no to is found out by hand.
[[noreturn]] void fail_at(const Library& lib, const char* doing, const std::string& url) {
    throw Error(fmt::format("can not {} {}: {}", doing, url, last_message(lib)))
        .help(fmt::format("try it as who owns the checkout: git ls-remote {}", url));
}

/// Paths that differ from the last commit, at most a few.
std::vector<std::string> changed(const Library& lib, git_repository* repository, bool untracked) {
    git_status_options options = GIT_STATUS_OPTIONS_INIT;
    options.show = GIT_STATUS_SHOW_INDEX_AND_WORKDIR;
    options.flags = GIT_STATUS_OPT_EXCLUDE_SUBMODULES;
    if (untracked) options.flags |= GIT_STATUS_OPT_INCLUDE_UNTRACKED;
    git_status_list* list = nullptr;
    if (lib.status_list_new(&list, repository, &options) != 0) fail(lib, "can not look at the work tree");
    const Held<git_status_list> held(list, lib.status_free);
    std::vector<std::string> paths;
    for (std::size_t i = 0; i < lib.status_count(list) && paths.size() < 4; ++i) {
        const git_status_entry* entry = lib.status_at(list, i);
        if (entry->status == GIT_STATUS_CURRENT || (entry->status & GIT_STATUS_IGNORED)) continue;
        const git_diff_delta* delta = entry->index_to_workdir ? entry->index_to_workdir : entry->head_to_index;
        paths.emplace_back(delta && delta->new_file.path ? delta->new_file.path : "?");
    }
    return paths;
}

void refuse_changes(const Library& lib, git_repository* repository, const std::string& path, bool untracked) {
    auto paths = changed(lib, repository, untracked);
    if (paths.empty()) return;
    if (paths.size() == 4) paths.back() = "...";
    throw Error(fmt::format("{} has changes that are in no commit: {}", path, fmt::join(paths, ", ")))
        .help(fmt::format("look at them: git -C {0} status; then commit them, or put them aside: git -C {0} stash -u",
                          path));
}

/// True where a commit is in what the remote has, or is what we put there.
bool is_elsewhere(const Library& lib, git_repository* repository, const git_oid& commit) {
    if (const auto made = reference(lib, repository, ours); made && *made == commit) return true;
    git_strarray names{};
    if (lib.reference_list(&names, repository) != 0) fail(lib, "can not list the branches");
    bool found = false;
    for (std::size_t i = 0; i < names.count && !found; ++i) {
        const std::string name = names.strings[i];
        if (!name.starts_with("refs/remotes/") && !name.starts_with("refs/tags/")) continue;
        const auto tip = commit_of(lib, repository, name);
        found = tip && (*tip == commit || lib.descendant_of(repository, &*tip, &commit) == 1);
    }
    lib.strarray_dispose(&names);
    return found;
}

void refuse_commits(const Library& lib, git_repository* repository, const std::string& path, const std::string& name) {
    const auto commit = reference(lib, repository, name);
    if (!commit || is_elsewhere(lib, repository, *commit)) return;
    throw Error(fmt::format("{} has commits that its remote does not have ({} is at {})", path, name,
                            hex(lib, *commit).substr(0, 12)))
        .help(fmt::format("push them: git -C {} push; or keep them under another name: git -C {} branch mine", path,
                          path));
}

int note_conflict(git_checkout_notify_t, const char* path, const git_diff_file*, const git_diff_file*,
                  const git_diff_file*, void* payload) {
    auto& paths = *static_cast<std::vector<std::string>*>(payload);
    paths.emplace_back(path);
    return 0;
}

constexpr unsigned careful = GIT_CHECKOUT_SAFE | GIT_CHECKOUT_RECREATE_MISSING | GIT_CHECKOUT_DONT_OVERWRITE_IGNORED;

/// Makes the work tree that of a commit, and answers what was in the way of that.
std::vector<std::string> check_out(const Library& lib, git_repository* repository, const std::string& path,
                                   const git_oid& commit, unsigned strategy, std::vector<std::string> only = {}) {
    git_object* target = nullptr;
    if (lib.revparse(&target, repository, hex(lib, commit).c_str()) != 0) fail(lib, "can not find a commit");
    const Object held(target, lib.object_free);
    std::vector<std::string> conflicts;
    std::vector<char*> names;
    for (std::string& name : only) names.push_back(name.data());
    git_checkout_options options = GIT_CHECKOUT_OPTIONS_INIT;
    options.checkout_strategy = strategy;
    if (!names.empty()) options.paths = {names.data(), names.size()};
    options.notify_flags = GIT_CHECKOUT_NOTIFY_CONFLICT;
    options.notify_cb = note_conflict, options.notify_payload = &conflicts;
    if (lib.checkout_tree(repository, target, &options) != 0 && conflicts.empty())
        fail(lib, "can not check out " + path);
    return conflicts;
}

[[noreturn]] void refuse_overwriting(const std::string& path, std::vector<std::string> conflicts) {
    if (conflicts.size() >= 4) conflicts.resize(4), conflicts.back() = "...";
    throw Error(fmt::format("{} has files that the new commit would overwrite: {}", path, fmt::join(conflicts, ", ")))
        .help("commit them, or move them away");
}

/// The work tree becomes that of a commit; what is not as the present commit has it stops it, ignored or not. That is
/// found out before anything is written.
void make_tree(const Library& lib, git_repository* repository, const std::string& path, const git_oid& commit,
               unsigned also = 0) {
    const auto conflicts = check_out(lib, repository, path, commit, careful | also);
    if (!conflicts.empty()) refuse_overwriting(path, conflicts);
}

/// True where all that a file holds is in that commit's version of it, from its beginning: a cut run wrote it, or
/// nobody loses anything.
bool is_begun(const Library& lib, git_repository* repository, const std::string& path, const git_oid& commit,
              const std::string& name) {
    git_object* found = nullptr;
    if (lib.revparse(&found, repository, (hex(lib, commit) + ":" + name).c_str()) != 0) return false;
    const Object held(found, lib.object_free);
    git_blob* blob = nullptr;
    if (lib.blob_lookup(&blob, repository, lib.object_id(found)) != 0) return false;
    const Held<git_blob> bytes(blob, lib.blob_free);
    const std::string_view whole(static_cast<const char*>(lib.blob_bytes(blob)),
                                 static_cast<std::size_t>(lib.blob_size(blob)));
    const std::string file = path + "/" + name;
    struct stat about {};
    if (::lstat(file.c_str(), &about) != 0 || static_cast<std::size_t>(about.st_size) > whole.size()) return false;
    std::string there(static_cast<std::size_t>(about.st_size), '\0');
    if (S_ISLNK(about.st_mode))
        return ::readlink(file.c_str(), there.data(), there.size()) == about.st_size && there == whole;
    if (!S_ISREG(about.st_mode)) return false;
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> opened(std::fopen(file.c_str(), "re"), std::fclose);
    return opened && std::fread(there.data(), 1, there.size(), opened.get()) == there.size() &&
           whole.starts_with(there);
}

/// Goes on with what was cut: what it wrote, whole or in part, is in nobody's way.
void finish_tree(const Library& lib, git_repository* repository, const std::string& path, const git_oid& commit) {
    const auto in_the_way = check_out(lib, repository, path, commit, careful | GIT_CHECKOUT_DRY_RUN);
    if (in_the_way.empty()) return make_tree(lib, repository, path, commit);
    std::vector<std::string> others;
    for (const std::string& name : in_the_way)
        if (!is_begun(lib, repository, path, commit, name)) others.push_back(name);
    if (!others.empty()) refuse_overwriting(path, others);
    check_out(lib, repository, path, commit, careful | GIT_CHECKOUT_ALLOW_CONFLICTS);
    // These and no others: each was looked at.
    check_out(lib, repository, path, commit, GIT_CHECKOUT_FORCE | GIT_CHECKOUT_DISABLE_PATHSPEC_MATCH, in_the_way);
}

/// The remote `origin`, at this url.
Remote origin(const Library& lib, git_repository* repository, const std::string& url) {
    git_remote* found = nullptr;
    if (lib.remote_lookup(&found, repository, "origin") == 0) {
        lib.remote_free(found);
        if (lib.remote_set_url(repository, "origin", url.c_str()) != 0) fail(lib, "can not write the url");
        if (lib.remote_lookup(&found, repository, "origin") != 0) fail(lib, "can not read the remote");
    } else if (lib.remote_create(&found, repository, "origin", url.c_str()) != 0) {
        fail_at(lib, "use", url);
    }
    return Remote(found, lib.remote_free);
}

void fetch(const Library& lib, git_repository* repository, const std::string& url, std::string* first_branch) {
    const Remote remote = origin(lib, repository, url);
    git_remote* found = remote.get();
    Keys keys{&lib};
    git_fetch_options options = GIT_FETCH_OPTIONS_INIT;
    options.callbacks = callbacks(keys);
    options.download_tags = GIT_REMOTE_DOWNLOAD_TAGS_ALL;
    char spec[] = "+refs/heads/*:refs/remotes/origin/*";
    char* specs[] = {spec};
    const git_strarray wanted{specs, 1};
    if (lib.remote_fetch(found, &wanted, &options, "chaos") != 0) fail_at(lib, "fetch", url);
    if (!first_branch) return;
    git_buf name{};
    if (lib.remote_default_branch(&name, found) != 0) fail(lib, url + " does not say which branch is its first");
    *first_branch = std::string(name.ptr, name.size).substr(std::string_view("refs/heads/").size());
    lib.buf_dispose(&name);
}

std::optional<git_oid> target_of(const Library& lib, git_repository* repository, const Checkout& wanted) {
    if (!wanted.branch.empty()) {
        if (!wanted.rev.empty()) return commit_of(lib, repository, wanted.rev);
        return commit_of(lib, repository, "refs/remotes/origin/" + wanted.branch);
    }
    if (!wanted.tag.empty()) return commit_of(lib, repository, "refs/tags/" + wanted.tag);
    if (const auto branch = commit_of(lib, repository, "refs/remotes/origin/" + wanted.rev)) return branch;
    return commit_of(lib, repository, wanted.rev);
}

int update_one(git_submodule* submodule, const char* name, void* payload) {
    const auto& lib = *static_cast<const Library*>(payload);
    Keys keys{&lib};
    git_submodule_update_options options = GIT_SUBMODULE_UPDATE_OPTIONS_INIT;
    options.fetch_opts.callbacks = callbacks(keys);
    options.checkout_opts.checkout_strategy = careful;
    (void)name;
    return lib.submodule_update(submodule, 1, &options);
}

/// What an earlier run began and did not end: first that is ended.
void end_what_was_cut(const Library& lib, git_repository* repository, const std::string& path) {
    const auto next = reference(lib, repository, underway);
    if (!next) return;
    finish_tree(lib, repository, path, *next);
    if (lib.set_head_detached(repository, &*next) != 0) fail(lib, "can not set HEAD");
    point(lib, repository, ours, *next);
    lib.reference_remove(repository, underway);
}

Repository open_or_make(const Library& lib, const std::string& path) {
    struct stat about {};
    if (::lstat((path + "/.git").c_str(), &about) == 0) return open(lib, path);
    git_repository* made = nullptr;
    if (lib.repository_init(&made, path.c_str(), 0) != 0) fail(lib, "can not make " + path);
    return Repository(made, lib.repository_free);
}

/// So that a look without libgit2 finds what a tag or the name of a commit stood for.
void mark(const Library& lib, git_repository* repository, const Checkout& wanted, const git_oid& commit) {
    if (!wanted.tag.empty()) point(lib, repository, "refs/chaos/at/" + wanted.tag, commit);
    if (wanted.branch.empty() && !wanted.rev.empty()) point(lib, repository, "refs/chaos/at/" + wanted.rev, commit);
}

/// The branch that HEAD is on; empty where it is on none.
std::string branch_of(const Library& lib, git_repository* repository) {
    git_reference* head = nullptr;
    if (lib.repository_head(&head, repository) != 0) return {};
    const Held<git_reference> held(head, lib.reference_free);
    const std::string name = lib.reference_name(head);
    return name.starts_with("refs/heads/") ? name.substr(11) : std::string();
}

std::string described(const Checkout& wanted) {
    if (!wanted.rev.empty()) return "no commit, tag or branch " + wanted.rev;
    return wanted.tag.empty() ? "no branch " + wanted.branch : "no tag " + wanted.tag;
}

}  // namespace

std::string sync(const Checkout& asked) {
    const Library& lib = library();
    const Repository held = open_or_make(lib, asked.path);
    git_repository* repository = held.get();
    Checkout wanted = asked;
    end_what_was_cut(lib, repository, asked.path);
    const auto head = reference(lib, repository, "HEAD");
    const bool any = wanted.branch.empty() && wanted.tag.empty() && wanted.rev.empty();
    std::optional<git_oid> target;
    if (head && !any && !wanted.update && (wanted.branch.empty() || !wanted.rev.empty()))
        target = target_of(lib, repository, wanted);
    // What is there already is not looked at, whoever works in it.
    if (target && *target == *head && !wanted.submodules && branch_of(lib, repository) == wanted.branch)
        return origin(lib, repository, wanted.url), mark(lib, repository, wanted, *target), hex(lib, *target);
    if (head) refuse_changes(lib, repository, asked.path, false);
    if (!target) {
        fetch(lib, repository, wanted.url, any ? &wanted.branch : nullptr);
        target = target_of(lib, repository, wanted);
    }
    if (!target)
        throw Error(fmt::format("{} has {}", wanted.url, described(wanted)))
            .help(fmt::format("git ls-remote {} shows what it has", wanted.url));
    const std::string local = "refs/heads/" + wanted.branch;
    if (head && !(*head == *target)) refuse_commits(lib, repository, asked.path, "HEAD");
    if (!wanted.branch.empty()) {
        const auto there = reference(lib, repository, local);
        if (there && !(*there == *target)) refuse_commits(lib, repository, asked.path, local);
    }
    // A refusal comes before anything is begun: then there is nothing to go on with, nor to take back.
    make_tree(lib, repository, asked.path, *target, GIT_CHECKOUT_DRY_RUN);
    point(lib, repository, underway, *target);
    make_tree(lib, repository, asked.path, *target);
    // A branch that HEAD is on is not moved under it.
    if (lib.set_head_detached(repository, &*target) != 0) fail(lib, "can not set HEAD");
    if (!wanted.branch.empty()) {
        point(lib, repository, local, *target);
        if (lib.set_head(repository, local.c_str()) != 0) fail(lib, "can not set HEAD");
    }
    mark(lib, repository, wanted, *target);
    point(lib, repository, ours, *target);
    if (wanted.submodules && lib.submodule_foreach(repository, update_one, const_cast<Library*>(&lib)) != 0)
        fail(lib, "can not update the submodules of " + asked.path);
    lib.reference_remove(repository, underway);
    return hex(lib, *target);
}

void ready() {
    library();
}

std::string tip(const std::string& url, const std::string& branch) {
    const Library& lib = library();
    git_remote* made = nullptr;
    if (lib.remote_create_detached(&made, url.c_str()) != 0) fail_at(lib, "use", url);
    const Remote remote(made, lib.remote_free);
    Keys keys{&lib};
    const auto calls = callbacks(keys);
    if (lib.remote_connect(made, GIT_DIRECTION_FETCH, &calls, nullptr, nullptr) != 0) fail_at(lib, "ask", url);
    const git_remote_head** heads = nullptr;
    std::size_t count = 0;
    if (lib.remote_ls(&heads, &count, made) != 0) fail_at(lib, "ask", url);
    const std::string name = branch.empty() ? "HEAD" : "refs/heads/" + branch;
    for (std::size_t i = 0; i < count; ++i)
        if (heads[i]->name == name) return hex(lib, heads[i]->oid);
    throw Error(fmt::format("{} has no branch {}", url, branch.empty() ? "that is its first" : branch))
        .help(fmt::format("git ls-remote --heads {} shows them", url));
}

void refuse_changes(const std::string& path) {
    const Library& lib = library();
    const Repository held = open(lib, path);
    if (reference(lib, held.get(), "HEAD") && !reference(lib, held.get(), underway))
        refuse_changes(lib, held.get(), path, false);
}

void refuse_local_work(const std::string& path) {
    const Library& lib = library();
    const Repository held = open(lib, path);
    if (!reference(lib, held.get(), "HEAD")) return;  // a first run that was cut
    if (reference(lib, held.get(), underway)) return;
    refuse_changes(lib, held.get(), path, true);
    git_strarray names{};
    if (lib.reference_list(&names, held.get()) != 0) fail(lib, "can not list the branches");
    std::vector<std::string> local{"HEAD"};
    for (std::size_t i = 0; i < names.count; ++i) {
        const std::string name = names.strings[i];
        if (name.starts_with("refs/heads/") || name == "refs/stash") local.push_back(name);
    }
    lib.strarray_dispose(&names);
    for (const std::string& name : local) refuse_commits(lib, held.get(), path, name);
}

namespace {

/// What a walk over a tree has found, and what stopped it.
struct Walk {
    const Library& lib;
    git_repository* repository;
    Files files{};
    std::string wrong{};
    std::size_t bytes = 0;
};

constexpr std::size_t most_bytes = 64 << 20, most_files = 10'000;

int take_entry(const char* root, const git_tree_entry* entry, void* payload) {
    auto& walk = *static_cast<Walk*>(payload);
    const std::string name = walk.lib.entry_name(entry), path = root + name;
    const auto mode = walk.lib.entry_mode(entry);
    if (name.empty() || name == "." || name == ".." || name.find('/') != name.npos || name.find('\0') != name.npos)
        return walk.wrong = "it has a path that leads out of it: " + path, -1;
    if (mode == GIT_FILEMODE_TREE) return 0;
    if (mode != GIT_FILEMODE_BLOB && mode != GIT_FILEMODE_BLOB_EXECUTABLE)
        return walk.wrong = path + (mode == GIT_FILEMODE_LINK ? " is a symbolic link" : " is a submodule"), -1;
    git_blob* blob = nullptr;
    if (walk.lib.blob_lookup(&blob, walk.repository, walk.lib.entry_id(entry)) != 0)
        return walk.wrong = last_message(walk.lib), -1;
    const Held<git_blob> held(blob, walk.lib.blob_free);
    const auto size = static_cast<std::size_t>(walk.lib.blob_size(blob));
    if ((walk.bytes += size) > most_bytes || walk.files.size() >= most_files)
        return walk.wrong = "it has more than 64 MiB, or 10000 files", -1;
    walk.files.emplace_back(path, std::string(static_cast<const char*>(walk.lib.blob_bytes(blob)), size));
    return 0;
}

}  // namespace

Files files_of(const std::string& url, const std::string& commit, const std::string& cache) {
    const Library& lib = library();
    git_repository* made = nullptr;
    if (lib.repository_init(&made, cache.c_str(), 1) != 0) fail(lib, "can not make " + cache);
    const Repository held(made, lib.repository_free);
    if (!commit_of(lib, made, commit)) fetch(lib, made, url, nullptr);
    git_object *found = nullptr, *tree = nullptr;
    const auto id = commit_of(lib, made, commit);
    if (!id || lib.revparse(&found, made, commit.c_str()) != 0)
        throw Error(fmt::format("{} has no commit {} in its branches and tags", url, commit))
            .help(fmt::format("git ls-remote {} shows them", url));
    const Object object(found, lib.object_free);
    if (lib.object_peel(&tree, found, GIT_OBJECT_TREE) != 0) fail(lib, "can not read " + commit);
    const Object root(tree, lib.object_free);
    Walk walk{lib, made};
    if (lib.tree_walk(reinterpret_cast<const git_tree*>(tree), GIT_TREEWALK_PRE, take_entry, &walk) != 0)
        throw Error(fmt::format("{} at {} can not be taken: {}", url, commit.substr(0, 12), walk.wrong));
    std::sort(walk.files.begin(), walk.files.end());
    return std::move(walk.files);
}

}  // namespace chaos::git
