// SPDX-License-Identifier: Apache-2.0
// The process that talks to a remote and reads what it sends.
#include "git_work.hpp"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chaos/error.hpp>
#include <csignal>

#include "git_cache.hpp"
#include "git_refs.hpp"
#include "git_remote.hpp"
#include "landlock.hpp"
#include "text.hpp"

namespace chaos::git {
namespace {

constexpr std::uint64_t most_memory = 4ULL << 30;
constexpr std::size_t window = 32 << 20, mapped = 512 << 20, most_objects = 20'000'000;

std::string text(const Value& question, std::string_view name) {
    const Value* value = question.find(name);
    return value ? value->text() : std::string();
}

std::uint64_t count(const Value& question, std::string_view name) {
    const auto value = number<std::uint64_t>(text(question, name));
    if (!value) throw Error("this is no question to git");
    return *value;
}

Access access_of(const Value& question) {
    Access access;
    access.username = text(question, "username");
    access.token_file = text(question, "token file");
    access.certificate = text(question, "certificate");
    access.certificate_key = text(question, "certificate key");
    access.ca = text(question, "ca");
    access.ssh_key = text(question, "ssh key");
    access.known_hosts = text(question, "known hosts");
    access.proxy = text(question, "proxy");
    access.stall_s = static_cast<std::int64_t>(count(question, "stall"));
    access.timeout_s = static_cast<std::int64_t>(count(question, "timeout"));
    access.most_bytes = count(question, "most bytes");
    access.most_file = count(question, "most fetched");
    return access;
}

void bound(__rlimit_resource what, rlim_t most) {
    rlimit now{};
    if (::getrlimit(what, &now) < 0) return;
    now.rlim_cur = now.rlim_max = std::min(now.rlim_max, most);
    ::setrlimit(what, &now);
}

/// Whoever sends us something that breaks libgit2 has this process: little memory, an end with who asked, and nothing
/// to write but these directories.
void confine(const Access& access, const std::vector<std::string>& directories) {
    const pid_t asker = ::getppid();
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != asker) ::_exit(1);
    std::signal(SIGPIPE, SIG_IGN);
    std::signal(SIGXFSZ, SIG_IGN);
    ::umask(077);
    bound(RLIMIT_CORE, 0);
    // Packs are not larger than what came, but for what they are completed with.
    bound(RLIMIT_FSIZE, access.most_bytes + access.most_bytes / 8 + (64 << 20));
#ifndef __SANITIZE_ADDRESS__  // its shadow takes terabytes
    bound(RLIMIT_AS, most_memory);
#endif
    landlock_forbid_writes_but(directories);
}

const Library& bounded_library() {
    const Library& lib = library();
    lib.opts(GIT_OPT_SET_MWINDOW_SIZE, window);
    lib.opts(GIT_OPT_SET_MWINDOW_MAPPED_LIMIT, mapped);
    lib.opts(GIT_OPT_SET_PACK_MAX_OBJECTS, most_objects);
    return lib;
}

/// Asked without libgit2 where that is enough.
Tip tip_of(const std::string& url, const std::string& ref, const Access& access) {
    if (const auto wire = wire_to(address_of(url), access)) try {
            if (auto tip = tip_over(*wire, ref)) return *tip;
        } catch (const Error& why) {
            throw cannot_ask(url, why);
        }
    return Connection(bounded_library(), nullptr, url, access).resolve(ref);
}

Value::Entry said(const char* name, std::string value) {
    return {Value(std::string(name)), Value(std::move(value))};
}

Value::Map answer_of(const Tip& tip) {
    return {said("ref", tip.ref), said("commit", tip.commit), said("tag", tip.tag)};
}

}  // namespace

Value::Map mirror_answer(const Value& question) {
    const std::string verb = text(question, "do"), url = text(question, "url"), cache = text(question, "cache");
    const Access access = access_of(question);
    if (verb == "mirror tip") {
        confine(access, {});
        return answer_of(tip_of(url, text(question, "ref"), access));
    }
    if (verb == "mirror fetch") {
        make_cache(cache);
        confine(access, {cache});
        bounded_library();
        return answer_of(fetch_into(cache, url, text(question, "ref"), access));
    }
    if (verb == "mirror fetch commit") {
        make_cache(cache);
        confine(access, {cache});
        bounded_library();
        fetch_commit_into(cache, url, text(question, "commit"), access);
        return {said("commit", text(question, "commit"))};
    }
    if (verb != "mirror check out") throw Error("this is no question to git");
    const std::string directory = text(question, "directory");
    confine(access, {cache, directory});
    bounded_library();
    const Limits limits{count(question, "most file"), count(question, "most bytes of files"),
                        count(question, "most files"), text(question, "submodules") == "true"};
    write_tree(cache, url, text(question, "commit"), directory, limits, access);
    return {said("commit", text(question, "commit"))};
}

}  // namespace chaos::git
