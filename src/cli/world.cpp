// SPDX-License-Identifier: Apache-2.0
#include "world.hpp"

#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <thread>

#include <chaos/file_cache.hpp>
#include <chaos/transaction.hpp>

#include "text.hpp"

namespace chaos::cli {

namespace {

std::string variable(const char* name) {
    const char* value = std::getenv(name);
    return value ? value : "";
}

/// `name`, where it is an absolute path; else `otherwise` below the person's home.
std::string person_s(const char* name, const std::string& otherwise) {
    const std::string set = variable(name);
    if (!set.empty() && set[0] == '/') return set + "/chaos";
    std::string home = variable("HOME");
    if (home.empty() || home[0] != '/') {
        const passwd* entry = getpwuid(geteuid());
        home = entry && entry->pw_dir ? entry->pw_dir : "/nonexistent";
    }
    return home + otherwise + "/chaos";
}

/// An image carries its own history; a person without root keeps it at home.
std::string state_directory_of(const Options& options, const RootHost& host) {
    if (!options.state_directory.empty()) {
        struct stat there {};
        if (::stat(options.state_directory.c_str(), &there) == 0 && !S_ISDIR(there.st_mode))
            throw Usage("--state-dir: expected a directory, found something else at '" +
                        escape(options.state_directory) + "'");
        return options.state_directory;
    }
    if (host.root() != "/") return state_directory_in(host.root());
    return geteuid() == 0 ? "/var/lib/chaos" : person_s("XDG_STATE_HOME", "/.local/state");
}

}  // namespace

World wire(const Options& options) {
    World world;
    world.registry = {builtin_types(), builtin_facts()};
    world.cache =
        std::make_unique<FileCache>(geteuid() == 0 ? "/var/cache/chaos" : person_s("XDG_CACHE_HOME", "/.cache"));
    world.host = std::make_unique<RootHost>(options.root, world.cache.get());
    world.state_directory = state_directory_of(options, *world.host);
    return world;
}

std::string who() {
    const std::string behind = variable("SUDO_USER");
    if (geteuid() == 0 && !behind.empty()) return behind;
    const passwd* entry = getpwuid(getuid());
    return entry ? entry->pw_name : std::to_string(getuid());
}

unsigned processors() {
    return std::max(1U, std::thread::hardware_concurrency());
}

}  // namespace chaos::cli
