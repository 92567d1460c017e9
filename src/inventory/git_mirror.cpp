// SPDX-License-Identifier: Apache-2.0
// What is asked about a remote, by a process of its own: this side asks, git_work.cpp answers.
#include <chaos/git_mirror.hpp>

#include <dirent.h>
#include <fmt/format.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chaos/error.hpp>
#include <chaos/process.hpp>
#include <chaos/value.hpp>
#include <cstring>

#include "git_refs.hpp"

namespace chaos::git {
namespace {

Value::Entry said(const char* name, std::string value) {
    return {Value(std::string(name)), Value(std::move(value))};
}

Value::Map question(const char* verb, const std::string& url, const Access& access) {
    return {said("do", verb),
            said("url", url),
            said("username", access.username),
            said("token file", access.token_file),
            said("certificate", access.certificate),
            said("certificate key", access.certificate_key),
            said("ca", access.ca),
            said("ssh key", access.ssh_key),
            said("known hosts", access.known_hosts),
            said("proxy", access.proxy),
            said("stall", std::to_string(access.stall_s)),
            said("timeout", std::to_string(access.timeout_s)),
            said("most bytes", std::to_string(access.most_bytes)),
            said("most fetched", std::to_string(access.most_file))};
}

std::string text(const Value& answer, std::string_view name) {
    const Value* value = answer.find(name);
    return value && value->is_text() ? value->text() : std::string();
}

/// This program again. It watches its time itself; the margin is for one that no longer can.
Value ask(Value::Map question, const Access& access) {
    Command command{.argv = own_command(), .input = to_json(Value(std::move(question)))};
    command.argv.emplace_back("git-work");
    constexpr std::int64_t margin_s = 20, longest_s = 7 * 24 * 3600;
    command.timeout_s = static_cast<int>(std::clamp<std::int64_t>(access.timeout_s, 1, longest_s) + margin_s);
    Child child(command);
    child.release();
    const Output output = child.wait();
    Value answer;
    try {
        answer = from_json(output.out);
    } catch (const Error&) {
        constexpr int killed = 128;
        if (output.status > killed)
            throw Error(fmt::format("what talked to the repository was ended by signal {}", output.status - killed))
                .help("did it need more memory than it may have? are there very large files in its history?");
        throw failed(command, output);
    }
    const std::string wrong = text(answer, "error"), hint = text(answer, "hint");
    if (wrong.empty() && answer.is_map()) return answer;
    if (!text(answer, "busy").empty()) throw Busy(wrong);
    if (!text(answer, "too large").empty()) {
        TooLarge error(wrong);
        error.hint = hint;
        throw error;
    }
    if (!text(answer, "unanswered").empty()) {
        Unanswered error(wrong);
        error.hint = hint;
        throw error;
    }
    throw Error(wrong.empty() ? "what talked to the repository gave no answer" : wrong).help(std::string(hint));
}

Tip tip_in(const Value& answer) {
    return {text(answer, "ref"), text(answer, "commit"), text(answer, "tag")};
}

bool is_empty(const std::string& directory) {
    const std::unique_ptr<DIR, int (*)(DIR*)> opened(::opendir(directory.c_str()), ::closedir);
    if (!opened) throw Error(fmt::format("can not look into {}: {}", directory, std::strerror(errno)));
    int names = 0;
    while (::readdir(opened.get())) ++names;
    return names <= 2;  // . and ..
}

void empty(const std::string& directory) {
    ::nftw(
        directory.c_str(),
        [](const char* path, const struct stat*, int, FTW* where) { return where->level > 0 ? ::remove(path), 0 : 0; },
        32, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

}  // namespace

Tip tip(const std::string& url, const std::string& ref, const Access& access) {
    if (const Address address = address_of(url); address.way == Address::Way::file)
        if (auto tip = tip_in_files(address.path, ref)) return *tip;
    constexpr std::int64_t most_s = 120;  // a few thousand bytes: who sends them one by one does not answer
    Access brief = access;
    brief.timeout_s = std::min(access.timeout_s, most_s);
    Value::Map asked = question("mirror tip", url, brief);
    asked.push_back(said("ref", ref));
    return tip_in(ask(std::move(asked), brief));
}

Tip fetch(const std::string& cache, const std::string& url, const std::string& ref, const Access& access) {
    Value::Map asked = question("mirror fetch", url, access);
    asked.push_back(said("ref", ref));
    asked.push_back(said("cache", cache));
    return tip_in(ask(std::move(asked), access));
}

void fetch_commit(const std::string& cache, const std::string& url, const std::string& commit, const Access& access) {
    Value::Map asked = question("mirror fetch commit", url, access);
    asked.push_back(said("commit", commit));
    asked.push_back(said("cache", cache));
    ask(std::move(asked), access);
}

Access access_for(const std::string& url, const std::string& of, Access access) {
    if (!same_server(address_of(url), address_of(of)))
        access.username = access.token_file = access.certificate = access.certificate_key = "";
    return access;
}

void check_out(const std::string& cache, const std::string& url, const std::string& commit,
               const std::string& directory, const Limits& limits, const Access& access) {
    struct stat about {};
    if (::lstat(directory.c_str(), &about) < 0 || !S_ISDIR(about.st_mode) || about.st_uid != ::geteuid() ||
        !is_empty(directory))
        throw Error(fmt::format("{} was expected to be an empty directory of our own", directory));
    Value::Map asked = question("mirror check out", url, access);
    asked.push_back(said("cache", cache));
    asked.push_back(said("commit", commit));
    asked.push_back(said("directory", directory));
    asked.push_back(said("most file", std::to_string(limits.most_file)));
    asked.push_back(said("most bytes of files", std::to_string(limits.most_bytes)));
    asked.push_back(said("most files", std::to_string(limits.most_files)));
    asked.push_back(said("submodules", limits.submodules ? "true" : "false"));
    try {
        ask(std::move(asked), access);
    } catch (const Error&) {
        empty(directory);
        throw;
    }
}

}  // namespace chaos::git
