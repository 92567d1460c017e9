// SPDX-License-Identifier: Apache-2.0
// After a run: what must stay is adopted, the rest of the stage goes.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chaos/named.hpp>
#include <utility>

#include "names.hpp"
#include "staged_parts.hpp"

namespace chaos::rollback {
namespace {

/// Only what bears one of our names is ever removed with all in it.
bool is_stage(const std::string& path, const std::string& state) {
    return name_of(path).starts_with(".chaos-") || (!state.empty() && parent_of(path) == state + "/stage");
}

/// One stretch of bytes; by the kernel where it can (a reflink where there is), else, as between two file systems, by
/// hand.
void copy_range(int in, int out, off_t from, off_t to, const std::string& path) {
    while (from < to) {
        off_t at = from;
        const auto most = static_cast<std::size_t>(to - from);
        ssize_t got = ::copy_file_range(in, &from, out, &at, most, 0);
        if (got < 0 && (errno == EXDEV || errno == EINVAL || errno == EOPNOTSUPP || errno == ENOSYS)) {
            std::array<char, 65536> piece;
            got = ::pread(in, piece.data(), std::min(most, piece.size()), from);
            if (got > 0) got = ::pwrite(out, piece.data(), static_cast<std::size_t>(got), from);
            if (got > 0) from += got;
        }
        if (got < 0 && errno != EINTR) fail(path, "be kept", errno);
        if (got == 0) return;  // shorter than it was: its digest will say so
    }
}

/// What is sparse stays so.
void copy(const Spot& from, const Spot& to, const std::string& path) {
    const Descriptor in(::openat(from.at(), from.name.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
    if (!in) fail(path, "be kept", errno);
    const Descriptor out(
        ::openat(to.at(), to.name.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!out) fail(path, "be kept", errno);
    const off_t size = ::lseek(*in, 0, SEEK_END);
    if (size < 0 || ::ftruncate(*out, size)) fail(path, "be kept", errno);
    for (off_t hole = 0; hole < size;) {
        const off_t data = ::lseek(*in, hole, SEEK_DATA);
        if (data < 0 && errno == ENXIO) break;  // nothing but a hole to the end
        hole = data < 0 ? -1 : ::lseek(*in, data, SEEK_HOLE);
        if (hole < 0) fail(path, "be kept", errno);
        copy_range(*in, *out, data, hole, path);
    }
    if (::fsync(*out)) fail(path, "be kept", errno);
}

}  // namespace

void StagedHost::adopt(const std::vector<Operation>& operations) {
    const std::lock_guard guard(parts_->mutex);
    const std::string objects = parts_->state + "/objects";
    Spot to{nullptr, ""};
    for (const Operation& operation : operations) {
        const Image& before = operation.before;
        if (!is_to_be_adopted(operation)) continue;
        Spot staged = parts_->beneath.spot(operation.staged);
        if (!staged) continue;
        if (!to) {
            if (::mkdir(objects.c_str(), 0700) && errno != EEXIST) fail(objects, "be made", errno);
            Descriptor open(::open(objects.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
            if (!open) fail(objects, "be opened", errno);
            to.directory = std::make_shared<const Descriptor>(std::move(open));
        }
        to.name = hex(before.content);
        if (capture(to, Depth::names)) continue;
        const std::array<const Image*, 1> known = {&before};
        Image kept = capture_like(staged, known);
        if (!kept) staged.name += ".old", kept = capture_like(staged, known);  // see replace()
        if (kept.kind != Entry::Kind::file || kept.content != before.content) continue;
        struct stat links {};
        const bool only_name =
            ::fstatat(staged.at(), staged.name.c_str(), &links, AT_SYMLINK_NOFOLLOW) == 0 && links.st_nlink == 1;
        if (only_name && region_of(staged.at()) == region_of(to.at())) {
            // Closed to everybody first: in objects/ it has no owner but root, and no attributes that matter.
            if (::fchmodat(staged.at(), staged.name.c_str(), 0600, 0) ||
                ::fchownat(staged.at(), staged.name.c_str(), ::geteuid(), ::getegid(), AT_SYMLINK_NOFOLLOW))
                fail(operation.path, "be kept", errno);
            move_name(staged, to, operation.path);
            continue;
        }
        const Spot part{to.directory, to.name + ".part"};
        copy(staged, part, operation.path);
        if (::renameat(part.at(), part.name.c_str(), to.at(), to.name.c_str())) fail(operation.path, "be kept", errno);
    }
    if (to) {
        const Descriptor open(::open(objects.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        if (!open || ::syncfs(*open)) fail(objects, "be synced", errno);
    }
}

void StagedHost::adopt() {
    const std::lock_guard guard(parts_->mutex);
    adopt(std::exchange(parts_->replaced_big, {}));
}

void StagedHost::sweep(const std::vector<std::string>& stage_directories) {
    const std::lock_guard guard(parts_->mutex);
    for (const std::string& path : stage_directories) {
        if (!is_stage(path, parts_->state_in_root))
            throw Error(fmt::format("{}: expected a stage directory of a run, and will not remove this", named(path)));
        const Spot spot = parts_->beneath.spot(path);
        if (!spot) continue;
        parts_->touch(spot.at(), parent_of(path));
        clear(spot, path);
        clear({spot.directory, spot.name + ".old"}, path);  // beside a target, see replace()
    }
    parts_->sync();
}

}  // namespace chaos::rollback
