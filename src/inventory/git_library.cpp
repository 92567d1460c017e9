// SPDX-License-Identifier: Apache-2.0
#include "git_library.hpp"

#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <chaos/error.hpp>
#include <cstdlib>

namespace chaos::git {
namespace {

std::string home() {
    if (const char* said = std::getenv("HOME")) return said;
    const passwd* me = ::getpwuid(::getuid());
    return me && me->pw_dir ? me->pw_dir : "/";
}

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

/// For libgit2's own https; reading them takes longer than all else of a start.
bool trust_certificates(const Library& lib) {
    constexpr const char* certificates = "/etc/ssl/certs/ca-certificates.crt";
    return ::access(certificates, R_OK) == 0 &&
           lib.opts(GIT_OPT_SET_SSL_CERT_LOCATIONS, certificates, static_cast<const char*>(nullptr)) == 0;
}

}  // namespace

Library::Library() : SharedLibrary({"libgit2.so." LIBGIT2_SOVERSION}) {
    if (!whole()) return;
    init();
    // What people and hosts configure decides nothing here.
    for (int level = GIT_CONFIG_LEVEL_PROGRAMDATA; level <= GIT_CONFIG_LEVEL_GLOBAL; ++level)
        opts(GIT_OPT_SET_SEARCH_PATH, level, "");
}

const Library& library() {
    static const Library opened;
    if (!opened.whole())
        throw Error("checkouts need libgit2 (libgit2.so." LIBGIT2_SOVERSION "), and this host does not have it")
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

git_remote_callbacks callbacks(Keys& keys) {
    [[maybe_unused]] static const bool trusted = trust_certificates(*keys.lib);
    git_remote_callbacks calls = GIT_REMOTE_CALLBACKS_INIT;
    calls.credentials = credentials, calls.payload = &keys;
    return calls;
}

[[noreturn]] void fail_at(const Library& lib, const char* doing, const std::string& url) {
    throw Error(fmt::format("can not {} {}: {}", doing, url, last_message(lib)))
        .help(fmt::format("try it as who owns the checkout: git ls-remote {}", url));
}

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

}  // namespace chaos::git
