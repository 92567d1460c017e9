// SPDX-License-Identifier: Apache-2.0
#include "world.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <glob.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <thread>

#include <chaos/file_cache.hpp>
#include <chaos/transaction.hpp>

#include "problems.hpp"

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

namespace {

World without_a_host() {
    World world;
    world.registry = {builtin_types(), builtin_facts()};
    world.cache =
        std::make_unique<FileCache>(geteuid() == 0 ? "/var/cache/chaos" : person_s("XDG_CACHE_HOME", "/.cache"));
    return world;
}

bool is_directory(const std::string& path) {
    struct stat there {};
    return ::stat(path.c_str(), &there) == 0 && S_ISDIR(there.st_mode);
}

/// What a shell makes of `--facts hosts/*.json`: the second and all that follow are words of their own.
bool is_recorded(const std::string& path) {
    if (!path.ends_with(".json")) return false;
    char head[64] = {};
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    const ssize_t got = file < 0 ? 0 : ::read(file, head, sizeof head - 1);
    if (file >= 0) ::close(file);
    return got > 0 && std::strstr(head, "\"chaos\": \"facts\"");
}

std::vector<std::string> matching(const std::string& pattern) {
    glob_t found{};
    std::vector<std::string> paths;
    if (::glob(pattern.c_str(), 0, nullptr, &found) == 0) paths.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
    ::globfree(&found);
    return paths;
}

}  // namespace

std::vector<std::string> recorded_files(const Options& options) {
    std::vector<std::string> files;
    for (const std::string& said : options.recorded) {
        const std::string pattern = is_directory(said) ? said + "/*.json" : said;
        const auto found = matching(pattern);
        if (found.empty() && pattern.find_first_of("*?[") != std::string::npos)
            throw Usage(fmt::format("--facts: no file matches '{}'", escape(pattern)));
        found.empty() ? files.push_back(said) : (void)files.insert(files.end(), found.begin(), found.end());
    }
    if (!files.empty())
        std::copy_if(options.arguments.begin(), options.arguments.end(), std::back_inserter(files), is_recorded);
    return files;
}

std::vector<std::string> manifests(const Options& options) {
    std::vector<std::string> paths = options.arguments;
    if (!options.recorded.empty()) std::erase_if(paths, is_recorded);
    return paths;
}

ReadContext reading_of(const Context& context, const World& world, const View& view) {
    ReadContext reading{world.registry, view, world.cache.get(), context.options.host_name, context.options.vars};
    reading.groups = context.options.groups;
    reading.recorded = world.recorded ? &*world.recorded : nullptr;
    return reading;
}

std::string name_of(const RecordedHost& host, const Options& options) {
    if (!options.host_name.empty()) return options.host_name;
    const Value* name = host.host.find("name");
    return name && name->is_text() ? name->text() : host.file;
}

World wire_recorded(Context& context, const std::string& file) {
    if (context.options.root != "/") throw Usage("--facts and --root: the facts say which host it is");
    World world = without_a_host();
    try {
        world.recorded = read_recorded(context.sources, file);
    } catch (const Error& error) {
        throw Problems{{error}, Exit::usage};
    }
    world.unseen = std::make_unique<UnseenHost>(*world.recorded);
    return world;
}

World wire(Context& context) {
    const auto files = recorded_files(context.options);
    if (files.empty()) return wire(context.options);
    if (files.size() > 1)
        throw Usage(fmt::format("chaos {} takes the facts of one host, found those of {}", context.options.command,
                                files.size()));
    return wire_recorded(context, files.front());
}

World wire(const Options& options) {
    World world = without_a_host();
    world.host = std::make_unique<RootHost>(options.root, world.cache.get());
    world.state_directory = state_directory_of(options, *world.host);
    const std::string& root = world.host->root();
    if (root == "/")
        world.host->keep_state_in(world.state_directory);
    else
        world.host->keep_state_in(
            world.state_directory.starts_with(root + "/") ? world.state_directory.substr(root.size()) : std::string());
    return world;
}

void write_file(const std::string& path, std::string text) {
    if (!text.ends_with('\n')) text += '\n';
    const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    const bool well = file >= 0 && ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
    const int reason = errno;
    if (file >= 0) ::close(file);
    if (!well) throw Error(fmt::format("can not write {}: {}", escape(path), std::strerror(reason)));
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
