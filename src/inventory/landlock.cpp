// SPDX-License-Identifier: Apache-2.0
#include "landlock.hpp"

#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <chaos/fence.hpp>

#include <cerrno>
#include <cstdint>

#include "descriptor.hpp"

namespace chaos {
namespace {

// Newer than the headers of Debian 12; the kernel's ABI is asked before it is used. Ioctls on devices stay allowed:
// blkid and lsblk look with them, and what changes a disk needs it open for writing.
constexpr std::uint64_t truncate = 1ULL << 14;

constexpr std::uint64_t writing = LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |
                                  LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_CHAR |
                                  LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |
                                  LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |
                                  LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM;

/// /dev/null, the real one: writing there changes nothing, and half of all programs do.
void allow_null(int ruleset, std::uint64_t access) {
    const Descriptor null(::open("/dev/null", O_PATH | O_NOFOLLOW | O_CLOEXEC));
    struct stat st;
    if (!null || ::fstat(null.number(), &st) < 0 || !S_ISCHR(st.st_mode) || st.st_rdev != makedev(1, 3)) return;
    landlock_path_beneath_attr rule{};
    rule.allowed_access = access;
    rule.parent_fd = null.number();
    ::syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
}

/// What this kernel can forbid of writing; nothing where it has no Landlock.
std::uint64_t forbidden() {
    const long abi = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (abi < 1) return 0;
    return writing | (abi >= 2 ? LANDLOCK_ACCESS_FS_REFER : 0) | (abi >= 3 ? truncate : 0);
}

Descriptor ruleset_of(std::uint64_t access) {
    landlock_ruleset_attr attributes{};
    attributes.handled_access_fs = access;
    Descriptor ruleset(
        static_cast<int>(::syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes.handled_access_fs, 0)));
    if (ruleset) allow_null(ruleset.number(), access & (LANDLOCK_ACCESS_FS_WRITE_FILE | truncate));
    return ruleset;
}

bool restrict_to(const Descriptor& ruleset) {
    if (::syscall(SYS_landlock_restrict_self, ruleset.number(), 0) == 0) return true;
    // Without privilege only for a process that can gain none.
    if (errno != EPERM || ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) return false;
    return ::syscall(SYS_landlock_restrict_self, ruleset.number(), 0) == 0;
}

}  // namespace

bool landlock_forbid_writes() {
    const std::uint64_t access = forbidden();
    if (access == 0) return false;
    const Descriptor ruleset = ruleset_of(access);
    return ruleset && restrict_to(ruleset);
}

bool landlock_forbid_writes_but(const std::vector<std::string>& directories) {
    const std::uint64_t access = forbidden();
    if (access == 0) return false;
    const Descriptor ruleset = ruleset_of(access);
    if (!ruleset) return false;
    for (const std::string& each : directories) {
        const Descriptor directory(::open(each.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
        landlock_path_beneath_attr rule{};
        rule.allowed_access = access;
        rule.parent_fd = directory.number();
        if (!directory || ::syscall(SYS_landlock_add_rule, ruleset.number(), LANDLOCK_RULE_PATH_BENEATH, &rule, 0) < 0)
            return false;
    }
    return restrict_to(ruleset);
}

bool forbid_writes() {
    return landlock_forbid_writes();
}

}  // namespace chaos
