// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <linux/magic.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chaos/error.hpp>
#include <chaos/lasting.hpp>
#include <fstream>
#include <initializer_list>

#include "scratch.hpp"

using namespace chaos;

namespace {

/// A root, and a mount in memory beside it, in a mount namespace of this test's own.
struct Machine {
    Machine() {
        for (const char* name : {"root", "root/etc", "root/var", "root/var/lib", "memory", "upper", "lower"})
            REQUIRE(::mkdir((scratch / name).c_str(), 0755) == 0);
    }
    std::string refusal(const std::string& root, const std::string& state) const {
        try {
            refuse_what_would_not_last(root, state);
            return "";
        } catch (const Error& error) {
            return std::string(error.what()) + "; " + error.hint;
        }
    }
    void fstab(const std::string& text) const { std::ofstream(scratch / "root/etc/fstab") << text; }

    Scratch scratch;
};

/// What was found wrong by a child of ours, which may mount; 77: it may not.
template <class Work>
int in_child(const Work& work) {
    const pid_t child = ::fork();
    if (child == 0) {
        const bool may =
            ::unshare(CLONE_NEWNS) == 0 && ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
        ::_exit(may ? work() : 77);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

bool says(const std::string& text, std::initializer_list<const char*> parts) {
    for (const char* part : parts)
        if (text.find(part) == std::string::npos) return std::fprintf(stderr, "%s: no %s\n", text.c_str(), part), false;
    return true;
}

}  // namespace

TEST_CASE("A history that a boot would take away is refused where what it is about would stay") {
    const Machine machine;
    const auto at = [&](const char* name) { return machine.scratch / name; };
    struct statfs disk {};
    REQUIRE(::statfs(at("root").c_str(), &disk) == 0);
    if (disk.f_type == TMPFS_MAGIC) {
        MESSAGE("skipped: the tests' own directories are in memory");
        return;
    }
    const int status = in_child([&] {
        int wrong = 0, number = 0;
        const auto check = [&](bool well) { ++number, wrong = wrong ? wrong : well ? 0 : number; };
        if (::mount("memory", at("memory").c_str(), "tmpfs", 0, nullptr)) return 77;
        for (const char* name : {"memory/root", "memory/root/var", "memory/upper", "memory/work", "memory/made"})
            ::mkdir(at(name).c_str(), 0755);
        const auto layers =
            "lowerdir=" + at("lower") + ",upperdir=" + at("memory/upper") + ",workdir=" + at("memory/work");
        ::mkdir(at("live").c_str(), 0755);
        if (::mount("live", at("live").c_str(), "overlay", 0, layers.c_str())) return 77;

        check(machine.refusal(at("root"), at("root/var/lib/chaos")).empty());
        check(says(machine.refusal(at("root"), at("memory/var/lib/chaos")),
                   {"lies in memory", "nothing could be taken back", "--state-dir DIR"}));
        check(
            says(machine.refusal(at("root"), at("live/var/lib/chaos")), {"an overlay whose upper layer is in memory"}));
        // What goes with the host it is about is as good as that.
        check(machine.refusal(at("memory/root"), at("memory/root/var/lib/chaos")).empty());
        check(machine.refusal(at("live"), at("live/var/lib/chaos")).empty());
        // A store that is there was wanted there.
        std::ofstream(at("memory/made/store.db")) << "x";
        check(machine.refusal(at("root"), at("memory/made")).empty());
        ::umount2(at("live").c_str(), MNT_DETACH), ::umount2(at("memory").c_str(), MNT_DETACH);
        return wrong;
    });
    if (status == 77)
        MESSAGE("skipped: a mount of the test's own needs root, and overlays");
    else
        CHECK(status == 0);
}

TEST_CASE("A history below a mount point of an image that nothing is mounted on is refused") {
    const Machine machine;
    const auto root = machine.scratch / "root", state = root + "/var/lib/chaos";
    CHECK(machine.refusal(root, state) == "");
    machine.fstab("# /dev/sda9 /var ext4\n/dev/sda1 / ext4 defaults 0 1\n/dev/sda2 /variable ext4\nnone none swap\n");
    CHECK(machine.refusal(root, state) == "");
    machine.fstab("/dev/sda1 / ext4\nUUID=1-2\t/var   ext4 defaults 0 2");
    CHECK(says(machine.refusal(root, state), {"/var of ", "is not mounted", "mount it at ", "/root/var first"}));
    CHECK(machine.refusal(root, machine.scratch / "elsewhere") == "");
}
