// SPDX-License-Identifier: Apache-2.0
// A repository that a host follows, from a scenario: git_mirror tip|fetch|check_out [NAME=VALUE]...
#include <chaos/error.hpp>
#include <chaos/git.hpp>
#include <chaos/git_mirror.hpp>
#include <cstdio>
#include <map>

using namespace chaos;

namespace {

void say(const git::Tip& tip) {
    std::printf("%s %s %s\n", tip.ref.c_str(), tip.commit.c_str(), tip.tag.c_str());
}

}  // namespace

int main(int count, char** words) {
    const std::string verb = count > 1 ? words[1] : "";
    if (verb == "git-work") return git::answer_as_process();
    std::map<std::string, std::string> given;
    for (int i = 2; i < count; ++i) {
        const std::string word = words[i];
        const auto equals = word.find('=');
        given[word.substr(0, equals)] = equals == word.npos ? "" : word.substr(equals + 1);
    }
    const auto number = [&](const char* name, auto usual) -> decltype(usual) {
        return given.contains(name) ? static_cast<decltype(usual)>(std::stoull(given[name])) : usual;
    };
    git::Access access{given["username"], given["token_file"], given["certificate"], given["certificate_key"],
                       given["ca"],       given["ssh_key"],    given["known_hosts"], given["proxy"]};
    access.stall_s = number("stall_s", access.stall_s);
    access.timeout_s = number("timeout_s", access.timeout_s);
    access.most_bytes = number("most_bytes", access.most_bytes);
    access.most_file = number("most_fetched", access.most_file);
    git::Limits limits;
    limits.most_file = number("most_file", limits.most_file);
    try {
        if (verb == "tip") return say(git::tip(given["url"], given["ref"], access)), 0;
        if (verb == "fetch") return say(git::fetch(given["cache"], given["url"], given["ref"], access)), 0;
        if (verb != "check_out") return std::fprintf(stderr, "git_mirror tip|fetch|check_out [NAME=VALUE]...\n"), 64;
        git::check_out(given["cache"], given["url"], given["commit"], given["directory"], limits, access);
        return 0;
    } catch (const Error& error) {
        const bool busy = dynamic_cast<const Busy*>(&error);
        return std::fprintf(stderr, "%s\n%s\n", error.what(), error.hint.c_str()), busy ? 75 : 1;
    }
}
