// SPDX-License-Identifier: Apache-2.0
// New inodes, made where nobody sees them, and on the disk before anybody does.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chaos/named.hpp>

#include "names.hpp"
#include "staged_parts.hpp"

namespace chaos::rollback {
namespace {

void write_all(int to, std::string_view bytes, const std::string& path) {
    while (!bytes.empty()) {
        const ssize_t put = ::write(to, bytes.data(), bytes.size());
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) fail(path, "be written", errno);
        bytes.remove_prefix(static_cast<std::size_t>(put));
    }
}

/// Where it is not known where the holes were, whole pages of zeros become some.
void write_with_holes(int to, std::string_view bytes, const std::string& path) {
    constexpr std::size_t page = 4096;
    std::size_t done = 0, at = 0;
    while (at < bytes.size()) {
        const std::string_view piece = bytes.substr(at, page);
        const bool hole = piece.size() == page && piece.find_first_not_of('\0') == piece.npos;
        at += piece.size();
        if (!hole) continue;
        write_all(to, bytes.substr(done, at - page - done), path);
        const off_t end = ::lseek(to, page, SEEK_CUR);
        if (end < 0 || ::ftruncate(to, end)) fail(path, "be written", errno);
        done = at;
    }
    write_all(to, bytes.substr(done), path);
}

/// What is sparse stays so: nothing was ever written there.
bool is_hole(int file, off_t from, off_t to) {
    const off_t data = ::lseek(file, from, SEEK_DATA);
    return data < 0 ? errno == ENXIO : data >= to;
}

void write_content(int to, const Content& content, const std::string& path) {
    if (content.held()) return write_with_holes(to, content.bytes(), path);
    const Descriptor from(::open(content.path().c_str(), O_RDONLY | O_CLOEXEC));
    if (!from) fail(content.path(), "be read", errno);
    struct stat kept {};
    if (::fstat(*from, &kept)) fail(content.path(), "be read", errno);
    const auto write = kept.st_blocks * 512 < kept.st_size ? write_with_holes : write_all;
    std::string piece(256 * 1024, '\0');
    Hasher hasher;
    off_t at = 0;
    for (;;) {
        const ssize_t got = ::pread(*from, piece.data(), piece.size(), at);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) fail(content.path(), "be read", errno);
        if (got == 0) break;
        const std::string_view part(piece.data(), static_cast<std::size_t>(got));
        hasher.add(part);
        at += got;
        if (!is_hole(*from, at - got, at)) {
            write(to, part, path);
        } else if (::lseek(to, got, SEEK_CUR) < 0 || ::ftruncate(to, at)) {
            fail(path, "be written", errno);
        }
    }
    if (hasher.finish() != content.digest())
        throw Error(fmt::format("{}: is not the content it was: expected digest {}", named(content.path()),
                                hex(content.digest())));
}

void set_modified(int descriptor, std::int64_t modified, const std::string& path) {
    constexpr std::int64_t second = 1'000'000'000;
    const std::int64_t seconds = modified / second - (modified % second < 0 ? 1 : 0);
    const struct timespec times[2] = {{0, UTIME_OMIT}, {seconds, modified - seconds * second}};
    const bool done = ::futimens(descriptor, times) == 0 ||
                      (errno == EBADF &&  // only named (O_PATH)
                       ::utimensat(AT_FDCWD, fmt::format("/proc/self/fd/{}", descriptor).c_str(), times, 0) == 0);
    if (!done) fail(path, "get its time", errno);
}

/// A file system may take less than it was given: then nothing is shown, and what would be left could not be told from
/// somebody else's.
void refuse_another(const Image& made, const Operation& operation) {
    const Image& wished = operation.after;
    const auto refuse = [&](const char* what, const std::string& has, const std::string& should) {
        throw Error(fmt::format("{}: its {} can not be {} here: it stays {}", named(operation.path), what, should, has))
            .help("the kernel or the file system allows no such value");
    };
    if (made.uid != wished.uid) refuse("owner", fmt::format("{}", made.uid), fmt::format("{}", wished.uid));
    if (made.gid != wished.gid) refuse("group", fmt::format("{}", made.gid), fmt::format("{}", wished.gid));
    if (wished.kind == Entry::Kind::link && made.target != wished.target) refuse("target", made.target, wished.target);
    if (wished.kind != Entry::Kind::link && made.mode != wished.mode)
        refuse("mode", fmt::format("{:04o}", made.mode), fmt::format("{:04o}", wished.mode));
}

}  // namespace

void StagedHost::Parts::make_stage_directory(const std::string& staged) {
    // Only the parts that are ours: what is above them was there when the name was chosen.
    const std::string directory = parent_of(staged);
    if (beneath.directory(directory) || name_of(staged).ends_with('~')) return;
    const auto make_one = [&](const std::string& path) {
        const Spot spot = beneath.spot(path);
        if (!spot) fail(path, "be made", ENOENT);
        if (::mkdirat(spot.at(), spot.name.c_str(), 0700) && errno != EEXIST) fail(path, "be made", errno);
        const Image made = capture(spot, Depth::names);
        if (made.kind != Entry::Kind::directory || made.uid != ::geteuid() || (made.mode & 077))
            throw Error(fmt::format("{}: expected a directory of ours, closed to others (0700)", named(path)));
    };
    if (!state_in_root.empty() && directory.starts_with(state_in_root + "/")) make_one(parent_of(directory));
    make_one(directory);
}

/// One more name of the file that it was a name of: of what others still call it by, or of what this run made of that.
/// Only where that is as it was, to its time. Else it becomes a file of its own, and that is said.
bool StagedHost::Parts::join(const Spot& spot, const Image& wished, const std::string& path) {
    if (wished.kind != Entry::Kind::file || wished.others.empty()) return false;
    if (const auto ours = made_again.find(wished.others); ours != made_again.end())
        return rejoin(spot, *ours->second, wished);
    bool gone = false;
    const Descriptor others = open_others(spot.at(), wished, gone);
    if (others && rejoin(spot, *others, wished)) return true;
    if (!gone)
        journal.says(fmt::format("{} had other names, and is a file of its own now: none of them is found as it was",
                                 named(path)));
    return false;
}

/// Created closed, then content, owner, mode, attributes, time: at no moment may somebody read what he shall not.
Image StagedHost::Parts::make(const Spot& spot, const Image& wished, const Content& content, const std::string& path,
                              std::uint32_t flags) {
    const char* const name = spot.name.c_str();
    const bool directory = wished.kind == Entry::Kind::directory;
    if (join(spot, wished, path)) return capture(spot, Depth::names);
    Descriptor made;
    if (wished.kind == Entry::Kind::file) {
        made = Descriptor(::openat(spot.at(), name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
        if (!made) fail(path, "be staged", errno);
        if (flags && !give_flags(*made, flags))
            journal.says(
                fmt::format("{} has lost flags that chattr gave it: its new content can not have them", named(path)));
        write_content(*made, content, path);
    } else {
        if (directory ? ::mkdirat(spot.at(), name, 0700) : ::symlinkat(wished.target.c_str(), spot.at(), name))
            fail(path, "be staged", errno);
        made = Descriptor(::openat(spot.at(), name, O_PATH | O_NOFOLLOW | O_CLOEXEC));
        if (!made) fail(path, "be staged", errno);
    }
    change_meta(*made, wished, path);
    if (wished.modified && wished.kind != Entry::Kind::link) set_modified(*made, wished.modified, path);
    const auto is_whole = [](const auto& each) { return each.second.whole; };
    if (wished.kind == Entry::Kind::file && !std::all_of(file_systems.begin(), file_systems.end(), is_whole)) {
        const auto system = file_systems.find(region_of(spot.at()).device);
        if (system != file_systems.end() && !system->second.whole && ::fsync(*made)) fail(path, "be synced", errno);
    }
    if (wished.kind == Entry::Kind::file && !wished.others.empty())
        made_again[wished.others] = Descriptor(::openat(spot.at(), name, O_PATH | O_NOFOLLOW | O_CLOEXEC));
    return capture(*made, path);
}

void StagedHost::Parts::stage(Move& move) {
    const Operation& operation = move.operation;
    const Manner manner = manner_of(operation);
    if (manner == Manner::in_place) return;
    Spot spot = near.spot(operation.staged);
    if (manner == Manner::from_trash) {
        const Descriptor tree(spot ? ::openat(spot.at(), spot.name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC) : -1);
        if (!tree) fail(operation.staged, "be brought back", ENOENT);
        return change_meta(*tree, operation.after, operation.path);
    }
    if (!spot) make_stage_directory(operation.staged), spot = near.spot(operation.staged);
    if (!spot) fail(operation.staged, "be staged", ENOENT);
    if (near.is_fresh()) touch(spot.at(), parent_of(operation.staged));
    if (manner == Manner::to_trash || manner == Manner::disappear || manner == Manner::empty_away) return;
    move.made = make(spot, operation.after, move.content, operation.path, operation.before.flags);
    refuse_another(move.made, operation);
}

void StagedHost::Parts::stage(std::vector<Move>& moves) {
    const Near::Pass pass(near);
    for (Move& move : moves) stage(move);
}

/// The disk takes its time: what this knows may be asked for, and grow, meanwhile. Descriptors stay open.
StagedHost::Parts::ToSync StagedHost::Parts::to_be_synced() const {
    const std::lock_guard guard(mutex);
    ToSync all;
    for (const auto& [device, system] : file_systems)
        all.emplace_back(system.whole ? *system.descriptor : -1, system.directories);
    return all;
}

void StagedHost::Parts::sync(const ToSync& all) try {
    const std::lock_guard guard(syncing);
    if (sync_failed) throw Error(*sync_failed);
    for (const auto& [whole, directories] : all) {
        if (whole >= 0 && ::syncfs(whole)) fail(beneath.path_of(whole), "be synced (syncfs)", errno);
        for (const std::string& path : directories) {
            const Descriptor directory = beneath.directory(path);
            if (!directory) continue;
            const Descriptor open(::openat(*directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
            if (!open || ::fsync(*open)) fail(path, "be synced", errno);
        }
    }
} catch (const Error& error) {
    sync_failed = error;
    throw;
}

void StagedHost::sync() {
    parts_->sync();
}

}  // namespace chaos::rollback
