// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <fmt/format.h>
#include <ftw.h>
#include <linux/fs.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <chaos/digest.hpp>
#include <chaos/durable.hpp>
#include <chaos/gitops/repository.hpp>
#include <chaos/gitops/trust.hpp>
#include <cstring>

namespace chaos::gitops {

namespace {

constexpr std::uint64_t most_of_signers = 1 << 20;
constexpr std::size_t most_commits = 1'000'000;

std::string brief(const std::string& commit) {
    return commit.substr(0, 12);
}

std::optional<std::string> list_at(const std::string& cache, const std::string& commit) {
    return git::file_at(cache, commit, signers_path, most_of_signers);
}

Signers signers_at(const std::string& commit, std::string text) {
    return {std::move(text), fmt::format("{} of {}", signers_path, brief(commit))};
}

std::string signer_of_commit(const std::string& cache, const std::string& hash, const Signers& signers,
                             const std::string& scratch) {
    const git::Commit commit = git::commit_at(cache, hash);
    return signer_of({"commit " + brief(hash), commit.payload, commit.signature}, signers, scratch);
}

/// A signed tag of the ref's own name, or a signed commit.
std::string signer_of_tip(const std::string& cache, const git::Tip& tip, const Signers& signers,
                          const std::string& scratch) {
    if (!tip.tag.empty()) {
        const git::Commit tag = git::tag_at(cache, tip.tag);
        if (!tag.signature.empty()) {
            if ("refs/tags/" + tag.name != tip.ref)
                throw Error(fmt::format("{} is the signed tag {} under another name", tip.ref, tag.name));
            return signer_of({"tag " + tag.name, tag.payload, tag.signature}, signers, scratch);
        }
    }
    return signer_of_commit(cache, tip.commit, signers, scratch);
}

void refuse_rewind(const std::string& cache, const Settings& settings, const Memory& memory, const git::Tip& tip) {
    if (memory.good.empty() || git::descends(cache, memory.good, tip.commit)) return;
    const bool back = git::descends(cache, tip.commit, memory.good);
    const std::string moved =
        memory.url == settings.url ? std::string() : fmt::format("{} was followed before, and ", memory.url);
    throw Rewound(fmt::format("{}{} {}: {} does not come from {}, which this host is at", moved, tip.ref,
                              back ? "went back" : "was rewritten", brief(tip.commit), brief(memory.good)));
}

int remove_one(const char* path, const struct stat*, int, FTW*) {
    return ::remove(path);
}

}  // namespace

std::string cache_in(const std::string& directory) {
    return directory + "/repository.git";
}

git::Access access_of(const Settings& settings) {
    const auto path = [](const std::optional<Path>& said) { return said ? said->text : std::string(); };
    git::Access access;
    access.username = settings.username.value_or("");
    access.token_file = path(settings.token_file);
    access.certificate = path(settings.certificate), access.certificate_key = path(settings.certificate_key);
    access.ca = path(settings.ca);
    access.ssh_key = path(settings.ssh_key), access.known_hosts = path(settings.known_hosts);
    access.proxy = settings.proxy.value_or("");
    return access;
}

git::Tip fetch(const std::string& directory, const Settings& settings) {
    return git::fetch(cache_in(directory), settings.url, settings.ref, access_of(settings));
}

std::string trust(const std::string& directory, const Settings& settings, Memory& memory, const git::Tip& tip,
                  bool rewind) {
    const std::string cache = cache_in(directory);
    if (!rewind && !settings.allow_rewind) refuse_rewind(cache, settings, memory, tip);
    if (!settings.verify) return memory.trusted.clear(), memory.signers.clear(), memory.signers_of.clear(), "";
    const auto own = durable::read(settings.verify->text);
    if (!own) throw Error(fmt::format("there is no {}, which says who may sign", settings.verify->text));
    const std::string digest_of_own = hex(digest(*own));
    if (memory.signers_of != digest_of_own) memory.signers.clear(), memory.trusted.clear();
    Signers signers{*own, settings.verify->text};
    std::optional<std::string> list;
    if (!memory.signers.empty()) {
        list = list_at(cache, memory.signers);
        if (list) signers = signers_at(memory.signers, *list);
    }
    // A commit that changes who may sign is signed by who may before; what it comes from is vouched for by that.
    const bool follows = !memory.trusted.empty() && git::descends(cache, memory.trusted, tip.commit);
    if (follows)
        for (const git::Commit& commit : git::history(cache, memory.trusted, tip.commit, most_commits)) {
            auto now = list_at(cache, commit.hash);
            if (now == list || commit.hash == tip.commit) continue;
            signer_of_commit(cache, commit.hash, signers, directory);
            signers = now ? signers_at(commit.hash, *now) : Signers{*own, settings.verify->text};
            list = std::move(now);
        }
    const std::string who = signer_of_tip(cache, tip, signers, directory);
    memory.trusted = tip.commit, memory.signers_of = digest_of_own;
    memory.signers = list_at(cache, tip.commit) ? tip.commit : std::string();
    return who;
}

void trust_to_look(const std::string& directory, const Settings& settings, const Memory& memory, const git::Tip& tip,
                   const std::string& commit) {
    const std::string cache = cache_in(directory);
    if (settings.verify && !memory.trusted.empty() && git::descends(cache, commit, memory.trusted)) return;
    Memory nobodys = memory;
    trust(directory, settings, nobodys, git::descends(cache, commit, tip.commit) ? tip : git::Tip{{}, commit}, true);
}

void remove_tree(const std::string& path) {
    constexpr int descriptors = 32;
    if (::nftw(path.c_str(), remove_one, descriptors, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) != 0 && errno != ENOENT)
        throw Error(fmt::format("can not remove {}: {}", path, std::strerror(errno)));
}

std::string check_out(const std::string& directory, const std::string& name, const Settings& settings,
                      const std::string& commit) {
    const std::string place = directory + '/' + name, mark = place + ".commit", fresh = place + ".new";
    const std::string whole = commit + (settings.submodules ? "\n" : " without submodules\n");
    if (durable::read(mark) == whole && ::access(place.c_str(), F_OK) == 0) return place;
    remove_tree(fresh);
    durable::make_directory(fresh);
    git::Limits limits;
    limits.submodules = settings.submodules;
    git::check_out(cache_in(directory), settings.url, commit, fresh, limits, access_of(settings));
    ::unlink(mark.c_str());  // from here to the end it is no commit's for sure
    durable::sync_all(fresh);
    const int moved = ::access(place.c_str(), F_OK) == 0
                          ? static_cast<int>(::syscall(SYS_renameat2, AT_FDCWD, fresh.c_str(), AT_FDCWD, place.c_str(),
                                                       RENAME_EXCHANGE))
                          : ::rename(fresh.c_str(), place.c_str());
    if (moved != 0) throw Error(fmt::format("can not make {}: {}", place, std::strerror(errno)));
    remove_tree(fresh);
    durable::replace(mark, whole);
    return place;
}

std::string choose(const std::string& site, const std::vector<std::string>& paths, const std::string& commit) {
    for (const std::string& path : paths) {
        struct stat about {};
        if (::stat((site + '/' + path).c_str(), &about) == 0 && S_ISREG(about.st_mode)) return path;
    }
    throw Error(fmt::format("{} has none of {}, and one of them is to be this host's manifest", brief(commit),
                            fmt::join(paths, ", ")))
        .help("say where it is with path: in /etc/chaos/gitops.yml, or --path");
}

}  // namespace chaos::gitops
