// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/content.hpp>
#include <chaos/error.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace chaos {

/// What is at a path, from one look: everything in it was true at the same moment.
struct Entry {
    enum class Kind : char { absent, file, directory, link, other } kind = Kind::absent;
    std::uint32_t mode = 0;  ///< The twelve permission bits.
    std::uint32_t uid = 0, gid = 0, links = 0;
    std::uint64_t size = 0, device = 0, inode = 0;
    std::int64_t modified = 0, changed = 0;  ///< Nanoseconds since 1970 (mtime, ctime).
    explicit operator bool() const { return kind != Kind::absent; }
};

/// A command to run: an argument vector, never a shell string. Searched in the host's own PATH; LC_ALL=C, nothing
/// inherited but what is said here; a session of its own; standard input is `input` and then ends.
struct Command {
    std::vector<std::string> argv;
    std::string input{}, directory{}, user{};
    std::vector<std::string> environment{};  ///< NAME=value
    int timeout_s = 600;                     ///< Then SIGTERM, ten seconds later SIGKILL, and an Error. 0: none.

    /// A file of its own, in memory: at `over`, which must be there, and by its name in `veil`.
    struct Own {
        std::string name, text, over{};
    };
    /// With files of its own it runs in a mount namespace of its own, in which this directory (which must be there)
    /// holds them, executable. Nobody else sees them, and nothing of them is left. Not for who only looks.
    std::string veil{};
    std::vector<Own> own{};
};

/// The kernel (or who rules this container) allows no mount namespace: a command with files of its own did not start.
class NoNamespace : public Error {
public:
    using Error::Error;
};

struct Output {
    int status = 0;  ///< Exit status; 128 + signal where one ended it.
    std::string out, err;
};

/// argv, exit status and the tail of stderr, as an Error shows a command that failed.
Error failed(const Command&, const Output&);

/// A unit as the service manager has it loaded.
struct Unit {
    std::string name, load, active,
        sub;  ///< nginx.service, loaded|not-found|masked, active|inactive|failed|..., running|exited|...
    std::string invocation{};  ///< InvocationID, 32 digits; empty where it never ran. Only from Services::unit().
    std::uint64_t started_us =
        0;  ///< CLOCK_MONOTONIC microseconds when the main process started; 0 where it does not run. Likewise.
    bool can_reload = false;  ///< Likewise.
    bool stale = false;       ///< NeedDaemonReload. Likewise.

    bool at_work() const { return !active.empty() && active != "inactive" && active != "failed"; }  ///< Or on its way.
};

/// The service manager as it is now. Kinds see this seam and not D-Bus, so that a test can stand in for it.
class Services {
public:
    virtual ~Services() = default;
    virtual bool answers() const = 0;                      ///< False on an image, in a container without systemd.
    virtual std::vector<Unit> units() const = 0;           ///< All that are loaded, in one call (0.5 ms).
    virtual Unit unit(const std::string& name) const = 0;  ///< One, in full; load is not-found where there is none.
};

/// The machine being managed: this one, or an image under a root directory. Paths are the managed system's own and can
/// not leave its root. A Host is never remote: a fleet carries chaos to the host, not the host's calls to chaos.
///
/// It only looks; WritableHost changes. Every member may be called from several threads at once. "Not there" is an
/// answer; anything else that went wrong (EACCES, EIO, ELOOP) is an Error, never an absence.
class Host {
public:
    virtual ~Host() = default;

    virtual bool live() const = 0;  ///< False for an image: no kernel of its own, no service manager to ask.
    virtual bool superuser() const = 0;

    /// One path walk: what is there, the last part not followed if it is a link. Where `content` is given, a link's
    /// target, or the bytes of a regular file of at most `most` bytes, are put there; it stays untouched otherwise.
    virtual Entry look(const std::string& path, std::string* content = nullptr,
                       std::size_t most = Content::in_memory) const = 0;

    /// Names in a directory, sorted, without . and ..; empty where there is none.
    virtual std::vector<std::string> list(const std::string& path) const = 0;

    /// Content of a regular file: in memory where small, by digest where big (remembered by device, inode, size, mtime,
    /// ctime).
    virtual Content content(const std::string& path) const = 0;

    /// Runs a command that only looks. Where the kernel can (Landlock) it is held to that.
    virtual Output ask(const Command&) const = 0;

    virtual const Services& services() const = 0;

    /// Where chaos keeps what it needs to take runs back, as a path in the root; empty where it lies elsewhere.
    virtual std::string state_directory() const { return "/var/lib/chaos"; }
};

/// Mode and owner. Owners are names, or decimal numbers where there is no name; resolved when it is published. Empty:
/// leave as it is, and for what is made anew the one who runs.
struct Meta {
    std::uint32_t mode = 0644;
    std::string owner{}, group{};
};

enum class UnitVerb : char { start, stop, restart, reload, enable, disable, mask, unmask };

/// A Host that can be changed. Only kinds' apply and src/rollback ever see one.
///
/// File changes stage and queue: src/rollback publishes the queue in plan order, at the end of the step or, for a run
/// of steps that only change files, of them all; run(), control() and set_kernel() publish what is queued first.
/// Looking sees through the queue, so that an apply reads as if it wrote. What is already as asked is not touched at
/// all.
class WritableHost : public Host {
public:
    virtual void write(const std::string& path, const Content&,
                       const Meta&) = 0;  ///< A regular file, whole or not at all; replaces a file or link.
    virtual void make_directory(const std::string& path,
                                const Meta&) = 0;  ///< Its parent must be there. One that is there gets the Meta.
    virtual void make_link(const std::string& path, const std::string& target, const Meta& owner = {}) = 0;
    virtual void set_meta(const std::string& path, const Meta&) = 0;  ///< Of what is there.
    virtual void remove(
        const std::string& path) = 0;  ///< A file, a link or an empty directory; nothing where there is none.
    virtual void remove_tree(
        const std::string& path) = 0;  ///< A directory with all in it: to the trash, from where it can come back.

    virtual void set_kernel(
        const std::string& path,
        const std::string& value) = 0;  ///< One write to a file of /proc/sys or /sys; live hosts only.
    /// Makes the directory NAME in the state directory, where whole files may be kept that are no part of the host's
    /// state, and answers its path in the root; empty where none can be.
    virtual std::string keep_in(const std::string& name) { return (void)name, std::string(); }

    /// Tells whoever watches the run. `waits`, where there is something new to tell: false where the run was asked to
    /// stop, so that waiting is over.
    virtual void says(const std::string& line) { (void)line; }
    virtual bool waits(const std::string& line) { return (line.empty() ? void() : says(line)), true; }

    virtual Output run(const Command&) = 0;                       ///< Fenced: a crash of chaos is not the end of it.
    virtual void control(UnitVerb, const std::string& unit) = 0;  ///< Waits for the job; daemon-reload is done before
                                                                  ///< it where a unit file changed.
};

}  // namespace chaos
