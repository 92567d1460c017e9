// SPDX-License-Identifier: Apache-2.0
// What can not be staged: commands, the service manager, the kernel's own files.
#include <fcntl.h>
#include <fmt/format.h>
#include <mntent.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chaos/bus.hpp>
#include <chaos/process.hpp>
#include <csignal>
#include <iterator>

#include "processes.hpp"
#include "staged_parts.hpp"

namespace chaos::rollback {
namespace {

constexpr const char* names[] = {"start", "stop", "restart", "reload", "enable", "disable", "mask", "unmask"};

/// Until it has ended, however that is told.
class Fenced {
public:
    Fenced(Journal& journal, int pid, const Command& command) : journal_(journal), pid_(pid) {
        journal_.fence(pid, command);
    }
    ~Fenced() {
        try {
            journal_.lift(pid_);
        } catch (const Error&) {  // it stays fenced: whoever comes next looks whether it lives
        }
    }
    Fenced(const Fenced&) = delete;

private:
    Journal& journal_;
    int pid_;
};

/// In a scope it outlives the unit or the session that chaos was started from. Without systemd the fence is its
/// session.
void enclose(const Child& child, std::int64_t run, const Command& command) {
    SystemdServices services;
    if (!services.answers()) return;
    // Its first word and no more: others may look at the descriptions of units.
    services.enclose(fmt::format("chaos-run-{}-{}.scope", run, child.pid()), child.pid(),
                     fmt::format("{} for run {} of chaos", command.argv.front(), run));
}

/// Whatever it left behind would go on in a world that nobody sees.
void end_what_is_left(const Process& leader, const std::string& scope) {
    std::vector<Process> left = session_of(leader);
    if (!scope.empty())
        for (const Process& member : members_of(scope)) left.push_back(member);
    constexpr int patience_ms = 10'000;
    if (left.empty()) return;
    send(left, SIGTERM);
    if (wait_for_end(left, patience_ms)) return;
    send(left, SIGKILL);
    wait_for_end(left, patience_ms);
}

}  // namespace

Output StagedHost::Parts::run_fenced(const Command& command, const std::string& root, Leftovers leftovers) {
    Child child(command, root);
    if (looking.live()) enclose(child, run, command);
    // Known before it does anything: if we are killed now, whoever takes the lock waits for it.
    const Fenced fenced(journal, child.pid(), command);
    const std::optional<Process> leader = leftovers == Leftovers::end ? process(child.pid()) : std::nullopt;
    const std::string scope = leader ? scope_of(child.pid()) : std::string();
    child.release();
    Output output = child.wait();
    if (leader) end_what_is_left(*leader, scope);
    return output;
}

/// A command may write anywhere, and syncs what it likes: dpkg the content of files and what it knows of packages, but
/// not the names of the files. Nothing of it counts as done before each file system of a disk was synced.
void StagedHost::Parts::touch_everywhere() {
    const std::lock_guard guard(mutex);
    if (std::exchange(touched_everywhere, true)) return;
    touch(*beneath.nearest("/"), "/");
    const auto close = [](FILE* table) { ::endmntent(table); };
    const std::unique_ptr<FILE, decltype(close)> mounts(::setmntent("/proc/self/mounts", "re"), close);
    if (!mounts) return;  // then there is one, as in the least of roots
    std::string text(64 * 1024, '\0');
    mntent entry{};
    while (::getmntent_r(mounts.get(), &entry, text.data(), static_cast<int>(text.size()))) {
        constexpr std::string_view of_disks[] = {"ext2", "ext3",     "ext4", "xfs",    "btrfs",
                                                 "f2fs", "bcachefs", "zfs",  "overlay"};
        if (std::find(std::begin(of_disks), std::end(of_disks), std::string_view(entry.mnt_type)) == std::end(of_disks))
            continue;  // what is looked up elsewhere may wait for a network, or be mounted by looking
        const std::string inside = beneath.inside(entry.mnt_dir);
        const Descriptor open(inside.empty() ? -1 : ::open(entry.mnt_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        if (open) touch(*open, inside);
    }
}

std::string StagedHost::state_directory() const {
    return parts_->state_in_root;
}

std::string StagedHost::keep_in(const std::string& name) {
    if (parts_->state_in_root.empty()) return {};
    const std::lock_guard guard(parts_->mutex);
    std::string directory = parts_->state_in_root + "/" + name;
    parts_->make_stage_directory(directory + "/any");
    return directory;
}

void StagedHost::says(const std::string& line) {
    parts_->journal.says(line);
}

bool StagedHost::waits(const std::string& line) {
    if (!line.empty()) parts_->journal.says(line);
    return !parts_->journal.asked_to_stop();
}

Output StagedHost::run(const Command& command) {
    publish();
    parts_->touch_everywhere();
    return parts_->run_fenced(command, parts_->beneath.root(), Leftovers::stay);
}

void StagedHost::control(UnitVerb verb, const std::string& unit) {
    publish();
    if (verb >= UnitVerb::enable) parts_->touch_everywhere();  // it lays links
    if (!live()) return control_offline(parts_->beneath.root(), verb, unit);
    SystemdServices services;
    if (!services.answers())
        throw Error(fmt::format("{}: can not {}: no service manager answers here", unit,
                                names[static_cast<std::size_t>(verb)]));
    {
        const std::lock_guard guard(parts_->mutex);  // nobody steers a unit before what changed of it was read
        if (std::exchange(parts_->units_changed, false)) services.daemon_reload();
    }
    services.control(verb, unit);
}

void StagedHost::set_kernel(const std::string& path, const std::string& value) {
    publish();
    const std::string clean = clean_path(path);
    if (!live()) throw Error(fmt::format("{}: an image has no kernel of its own to set it in", clean));
    if (!clean.starts_with("/proc/sys/") && !clean.starts_with("/sys/"))
        throw Error(fmt::format("expected a path below /proc/sys or /sys, not {}", clean));
    if (clean == "/proc/sys/kernel/hostname") {  // containers mount /proc/sys read-only, and may name themselves
        if (::sethostname(value.data(), value.size()) != 0) fail(clean, fmt::format("be set to \"{}\"", value), errno);
        return;
    }
    const Spot spot = parts_->beneath.spot(clean);
    if (!spot) fail(clean, "be set", ENOENT);
    const Descriptor open(::openat(spot.at(), spot.name.c_str(), O_WRONLY | O_NOFOLLOW | O_CLOEXEC));
    if (!open) fail(clean, "be set", errno);
    // One write: the kernel takes each as a value of its own.
    const ssize_t put = ::write(*open, value.data(), value.size());
    if (put < 0) fail(clean, fmt::format("be set to \"{}\"", value), errno);
    if (static_cast<std::size_t>(put) != value.size())
        throw Error(fmt::format("{}: the kernel took {} of {} bytes of \"{}\"", clean, put, value.size(), value));
}

}  // namespace chaos::rollback
