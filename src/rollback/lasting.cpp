// SPDX-License-Identifier: Apache-2.0
// Whether what is recorded lasts as long as what it is about (store.md H13).
#include <fmt/format.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include <chaos/error.hpp>
#include <chaos/lasting.hpp>

#include "beneath.hpp"
#include "mounts.hpp"
#include "state_directory.hpp"

namespace chaos {

namespace {

/// Of a path that may not be there yet: the directory that is, with no link in it.
std::string nearest(std::string path) {
    struct stat found {};
    while (path.size() > 1 && ::stat(path.c_str(), &found) != 0) path = rollback::parent_of(path);
    char* const real = ::realpath(path.c_str(), nullptr);
    std::string there = real ? real : path;
    std::free(real);
    return there;
}

bool is_memory(const std::string& path) {
    struct statfs found {};
    if (::statfs(path.c_str(), &found) != 0) return false;
    const auto type = static_cast<std::int64_t>(found.f_type) & 0xFFFFFFFF;
    return type == TMPFS_MAGIC || type == RAMFS_MAGIC;
}

/// What the next boot makes nothing of, in words: memory, or a layer in memory over something else. Empty where a file
/// there lasts.
std::string passing(const std::string& path) {
    const std::string there = nearest(path);
    if (is_memory(there)) return "in memory";
    std::string_view options;
    std::size_t longest = 0;
    const auto mounts = rollback::mounts();
    for (const auto& mount : mounts) {
        const bool holds = mount.point == "/" || there == mount.point || there.starts_with(mount.point + "/");
        if (!holds || mount.point.size() < longest) continue;
        longest = mount.point.size();
        options = mount.type == "overlay" ? std::string_view(mount.options) : std::string_view();
    }
    while (!options.empty()) {
        const auto end = options.find(',');
        const auto option = options.substr(0, end);
        options.remove_prefix(end == options.npos ? options.size() : end + 1);
        if (option == "volatile") return "on an overlay that is volatile";
        constexpr std::string_view upper = "upperdir=";
        if (option.starts_with(upper) && is_memory(std::string(option.substr(upper.size()))))
            return "on an overlay whose upper layer is in memory";
    }
    return {};
}

/// A directory above the state, in the root, that the image mounts something on at boot, and that has nothing on it
/// now: what lies there is hidden then.
std::string not_mounted(const std::string& root, std::string_view state) {
    const rollback::Beneath beneath(root);
    const auto etc = beneath.directory("/etc");
    const std::string path = etc ? beneath.outside(beneath.path_of(*etc)) + "/fstab" : "";
    if (etc && ::access(path.c_str(), R_OK) != 0) return {};
    std::string text = etc ? rollback::read_file(path) : "";
    const auto mounts = rollback::mounts();
    for (std::string_view rest = text; !rest.empty();) {
        std::string_view line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(line.size() + 1, rest.size()));
        std::string_view words[2];
        for (auto& word : words) {
            line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
            word = line.substr(0, line.find_first_of(" \t"));
            line.remove_prefix(word.size());
        }
        const std::string point(words[1]);
        if (words[0].starts_with('#') || point.size() < 2 || point[0] != '/') continue;
        if (state != point && !state.starts_with(point + "/")) continue;
        const std::string here = nearest(root + point);
        const auto is_it = [&](const rollback::Mount& mount) { return mount.point == here; };
        if (std::none_of(mounts.begin(), mounts.end(), is_it)) return point;
    }
    return {};
}

}  // namespace

void refuse_what_would_not_last(const std::string& root, const std::string& state_directory) {
    struct stat store {};
    if (::stat((state_directory + "/store.db").c_str(), &store) == 0) return;  // that was decided
    const std::string lies = passing(state_directory);
    if (!lies.empty() && passing(root).empty())
        throw Error(fmt::format("{} lies {}: after the next boot nothing would be known of this run, and nothing "
                                "could be taken back",
                                state_directory, lies))
            .help(fmt::format("--state-dir DIR names a directory on a disk; --state-dir {} is this one all the same",
                              state_directory));
    if (root == "/" || !state_directory.starts_with(root + "/")) return;
    const std::string point = not_mounted(root, std::string_view(state_directory).substr(root.size()));
    if (!point.empty())
        throw Error(fmt::format("{0} of {1} is a file system of its own, and is not mounted: what is recorded in {2} "
                                "would be hidden when it boots",
                                point, root, state_directory))
            .help(fmt::format("mount it at {}{} first; --state-dir {} is this one all the same", root, point,
                              state_directory));
}

}  // namespace chaos
