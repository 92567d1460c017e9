// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chaos/error.hpp>
#include <chaos/gitops/watching.hpp>
#include <cstring>
#include <utility>

namespace chaos::gitops {

namespace {

constexpr std::uint32_t wanted = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_CLOSE_WRITE | IN_ATTRIB |
                                 IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;
constexpr const char* everything = "*";

std::string parent_of(const std::string& path) {
    const auto slash = path.rfind('/');
    return slash == 0 || slash == path.npos ? "/" : path.substr(0, slash);
}

std::string last_of(const std::string& path) {
    return path.substr(path.rfind('/') + 1);
}

}  // namespace

Watching::Watching() : descriptor_(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)) {
    if (descriptor_ < 0) throw Error(fmt::format("can not watch files: {}", std::strerror(errno)));
}

Watching::~Watching() {
    ::close(descriptor_);
}

bool Watching::add_directory(const std::string& directory, const std::string& name) {
    const int watch = ::inotify_add_watch(descriptor_, directory.c_str(), wanted);
    if (watch < 0) return false;
    names_[watch].insert(name);
    return true;
}

/// The directory that holds it; where that is not there, the first above it that is.
bool Watching::add(const std::string& path) {
    for (std::string below = path;;) {
        const std::string directory = parent_of(below);
        if (add_directory(directory, last_of(below))) return true;
        if ((errno != ENOENT && errno != ENOTDIR) || directory == "/") return false;
        below = directory;
    }
}

std::size_t Watching::watch(const Sight& sight, const std::vector<std::string>& also) {
    const auto before = std::exchange(names_, {});
    std::size_t lost = 0;
    for (const std::string& path : also) lost += !add(path);
    for (const Sight::Thing& thing : sight.things) {
        if (thing.how == Sight::How::entry && !thing.name.starts_with("/proc/") && !thing.name.starts_with("/sys/"))
            lost += !add(thing.name);
        if (thing.how == Sight::How::listing) lost += !add_directory(thing.name, everything);
    }
    for (const auto& [watch, names] : before)
        if (!names_.contains(watch)) ::inotify_rm_watch(descriptor_, watch);
    return lost;
}

bool Watching::drain() {
    bool told = false;
    alignas(inotify_event) std::array<char, 64 << 10> block;
    for (;;) {
        const ssize_t got = ::read(descriptor_, block.data(), block.size());
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return told;
        for (ssize_t at = 0; at < got;) {
            const auto* event = reinterpret_cast<const inotify_event*>(block.data() + at);
            at += static_cast<ssize_t>(sizeof(inotify_event) + event->len);
            if (event->mask & IN_Q_OVERFLOW) told = true;
            const auto held = names_.find(event->wd);
            if (held == names_.end() || (event->mask & IN_IGNORED)) continue;
            const bool itself = event->mask & (IN_DELETE_SELF | IN_MOVE_SELF);
            told |= itself || held->second.contains(everything) ||
                    (event->len > 0 && held->second.contains(static_cast<const char*>(event->name)));
        }
    }
}

}  // namespace chaos::gitops
