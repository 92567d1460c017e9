// SPDX-License-Identifier: Apache-2.0
// What can not be done on this file system, told before anything is touched: names that are fixed, room that is not
// there.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <chaos/named.hpp>
#include <map>

#include "staged_parts.hpp"

namespace chaos::rollback {
namespace {

constexpr std::uint64_t mebibyte = 1 << 20;

/// What a publish writes to one file system.
struct Need {
    std::uint64_t bytes = 0, inodes = 0;
    std::string path;  ///< One of them.
};

std::uint64_t flags_of(int directory, const char* name) {
    struct statx found {};
    if (::statx(directory, name, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_NO_AUTOMOUNT, STATX_TYPE, &found)) return 0;
    return found.stx_attributes & (STATX_ATTR_IMMUTABLE | STATX_ATTR_APPEND);
}

Error fixed(const std::string& path, const std::string& what, std::uint64_t flags) {
    const bool immutable = flags & STATX_ATTR_IMMUTABLE;
    return Error(fmt::format("{}: {} is {}, so it can not be changed", named(path), named(what),
                             immutable ? "immutable" : "append-only"))
        .help(fmt::format("chattr -{} {}", immutable ? 'i' : 'a', named(what)));
}

std::uint64_t in_blocks(std::uint64_t bytes, std::uint64_t block) {
    return (bytes + block - 1) / block * block;
}

}  // namespace

void StagedHost::Parts::refuse_fixed(const std::vector<Move>& moves) const {
    struct Above {
        Spot spot;
        std::uint64_t flags = 0;
    };
    std::map<std::string, Above> directories;
    for (const Move& move : moves) {
        const std::string& path = move.operation.path;
        const auto [found, fresh] = directories.try_emplace(parent_of(path));
        Above& above = found->second;
        if (fresh) above.spot = beneath.spot(path);
        if (!above.spot) continue;  // in a directory that this publish makes
        if (fresh) above.flags = flags_of(above.spot.at(), "");
        const Image& before = move.operation.before;
        if (const auto flags = before ? flags_of(above.spot.at(), name_of(path).c_str()) : 0)
            throw fixed(path, path, flags);
        if (manner_of(move.operation) == Manner::in_place) continue;
        // A name may be added where names can only be added.
        const std::uint64_t flags = before ? above.flags : above.flags & ~std::uint64_t{STATX_ATTR_APPEND};
        if (flags) throw fixed(path, parent_of(path), flags);
    }
}

/// A fifth more than is written must be free, and a MiB for the store: a file system that is full in the middle of a
/// run can be hard to undo on.
void StagedHost::Parts::refuse_what_does_not_fit(const std::vector<Move>& moves, const std::vector<Content>& blobs) {
    std::map<std::uint64_t, Need> needs;
    const auto add = [&](std::uint64_t device, std::uint64_t bytes, const std::string& path) {
        Need& need = needs[device];
        need.bytes += bytes, ++need.inodes;
        if (need.path.empty()) need.path = path;
    };
    for (const Move& move : moves) {
        const Operation& operation = move.operation;
        const Manner manner = manner_of(operation);
        if (manner != Manner::appear && manner != Manner::swap) continue;
        const Surroundings& above = surroundings_of(operation.path);
        const bool writes = operation.after.kind == Entry::Kind::file;
        add(above.region.device, writes ? operation.after.size : 0, above.directory);
    }
    std::uint64_t kept = mebibyte;
    for (const Content& blob : blobs) kept += blob.size();
    struct stat store {};
    if (::stat(state.c_str(), &store) == 0) add(store.st_dev, kept, {});
    for (const auto& [device, need] : needs) {
        const std::string where = need.path.empty() ? state : beneath.outside(need.path);
        struct statvfs found {};
        if (::statvfs(where.c_str(), &found) || found.f_blocks == 0) continue;  // it does not say
        const std::uint64_t free = std::uint64_t{found.f_bavail} * found.f_frsize;
        const std::uint64_t wanted =
            in_blocks(need.bytes + need.bytes / 5 + need.inodes * found.f_frsize, found.f_frsize);
        if (wanted > free)
            throw Error(fmt::format("{}: this needs {} KiB on that file system, and {} KiB are free", named(where),
                                    wanted / 1024, free / 1024))
                .help(fmt::format("make room there: df -h {}", named(where)));
        if (found.f_files != 0 && found.f_favail < need.inodes)
            throw Error(fmt::format("{}: this needs {} inodes on that file system, and {} are free", named(where),
                                    need.inodes, found.f_favail))
                .help(fmt::format("remove files there: df -i {}", named(where)));
    }
}

}  // namespace chaos::rollback
