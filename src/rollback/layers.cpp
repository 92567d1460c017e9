// SPDX-License-Identifier: Apache-2.0
#include "layers.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <exception>
#include <iterator>
#include <memory>
#include <set>
#include <string_view>
#include <thread>

#include "inode.hpp"
#include "mounts.hpp"

namespace chaos::rollback {
namespace {

void need(bool done, const std::string& what) {
    if (!done)
        throw Error(fmt::format("what it writes can not be recorded here: {}: {}", what, std::strerror(errno)))
            .help("leave out 'record', and say 'undo:' how it is taken back");
}

/// Of the kernel, or in memory: nothing of it is there after a boot.
bool is_passing(std::string_view type) {
    static constexpr std::string_view types[] = {
        "autofs",   "binfmt_misc", "bpf",        "cgroup",    "cgroup2", "configfs", "debugfs", "devpts",
        "devtmpfs", "efivarfs",    "fusectl",    "hugetlbfs", "mqueue",  "nsfs",     "proc",    "pstore",
        "ramfs",    "rpc_pipefs",  "securityfs", "selinuxfs", "smackfs", "sysfs",    "tmpfs",   "tracefs"};
    return std::find(std::begin(types), std::end(types), type) != std::end(types);
}

Descriptor open_directory(const std::string& path) {
    return Descriptor(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

/// The layers of one command, and the root that they make together.
class Layers {
public:
    /// In a thread that has no mounts of its own yet.
    Layers(const std::string& root, const std::string& over) : root_(root), at_(over), top_(over + "/root") {
        need(::unshare(CLONE_NEWNS) == 0 && ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0,
             "mounts of its own");
        std::vector<Mount> known = mounts();
        need(::mount("chaos", at_.c_str(), "tmpfs", MS_NODEV, "mode=0700") == 0, "a file system in memory");
        need(::mkdir(top_.c_str(), 0700) == 0, top_);
        need(cover("/"), "an overlay of " + root_);
        // What lies over something comes after it; of those on one point, the last is the one that is seen.
        std::set<std::string> seen;
        std::erase_if(known, [&](const Mount& mount) { return !is_below(mount.point); });
        for (const Mount& mount : known) seen.insert(mount.point);
        for (const std::string& point : seen) add(point, known);
    }

    const std::string& root() const { return top_; }
    std::vector<Layer> take() { return std::move(layers_); }

private:
    bool is_below(const std::string& point) const {
        if (point == at_ || point.starts_with(at_ + "/") || point == "/") return false;
        return root_ == "/" || point.starts_with(root_ + "/");
    }

    void add(const std::string& point, const std::vector<Mount>& known) {
        const auto last = std::find_if(known.rbegin(), known.rend(), [&](const Mount& m) { return m.point == point; });
        const std::string path = root_ == "/" ? point : point.substr(root_.size());
        const std::string target = top_ + path;
        struct stat there {
        }, here{};
        if (::stat(point.c_str(), &there) || ::lstat(target.c_str(), &here)) return;  // under another one
        if (is_passing(last->type)) {  // with what lies in it of its like
            const auto holds = [&](const std::string& above) { return point.starts_with(above + "/"); };
            if (std::any_of(shared_.begin(), shared_.end(), holds)) return;
            need(::mount(point.c_str(), target.c_str(), nullptr, MS_BIND | MS_REC, nullptr) == 0, point);
            shared_.push_back(point);
            return;
        }
        if (S_ISDIR(there.st_mode) && cover(path)) return;
        const bool bound = ::mount(point.c_str(), target.c_str(), nullptr, MS_BIND, nullptr) == 0;
        if (!bound && errno == ENOENT) return;  // it was removed where it came from
        need(bound && ::mount(nullptr, target.c_str(), nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY, nullptr) == 0, point);
    }

    bool cover(const std::string& path) {
        const std::string own = fmt::format("{}/{}", at_, layers_.size()), work = own + ".work";
        const Descriptor lower = open_directory(root_ == "/" ? path : root_ + path);
        if (!lower) return false;
        need(::mkdir(own.c_str(), 0700) == 0 && ::mkdir(work.c_str(), 0700) == 0, own);
        Descriptor upper = open_directory(own);
        const Descriptor working = open_directory(work);
        need(upper && working, own);
        const auto directory = std::make_shared<const Descriptor>(::fcntl(*lower, F_DUPFD_CLOEXEC, 0));
        change_meta(*upper, capture({directory, "."}, Depth::meta), path);
        // Renames are copies, and chmod copies: then each file of a layer is whole, and stands for itself.
        const std::string options = fmt::format(
            "lowerdir=/proc/self/fd/{},upperdir=/proc/self/fd/{},workdir=/proc/self/fd/{},"
            "redirect_dir=nofollow,metacopy=off,index=off",
            *lower, *upper, *working);
        if (::mount("overlay", (top_ + path).c_str(), "overlay", 0, options.c_str())) return false;
        const bool keeps = ::fsetxattr(*working, "user.chaos", "", 0, 0) == 0;
        layers_.push_back({path, std::move(upper), keeps});
        return true;
    }

    std::string root_, at_, top_;
    std::vector<std::string> shared_;  ///< Points of those that are as they are, with what is in them.
    std::vector<Layer> layers_;
};

}  // namespace

std::vector<Layer> run_over_layers(const Beneath& beneath, const std::string& over,
                                   const std::function<void(const std::string& root)>& run) {
    std::vector<Layer> found;
    std::exception_ptr failure;
    // Mounts belong to a thread: when it ends they are gone, and nobody but its children ever saw them.
    std::thread([&] {
        try {
            Layers layers(beneath.root(), over);
            run(layers.root());
            found = layers.take();
        } catch (...) {
            failure = std::current_exception();
        }
    }).join();
    if (failure) std::rethrow_exception(failure);
    return found;
}

}  // namespace chaos::rollback
