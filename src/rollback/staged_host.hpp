// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/recording.hpp>
#include <chaos/resource.hpp>
#include <functional>
#include <map>
#include <span>

#include "image.hpp"

namespace chaos::rollback {

/// Every path of a footprint with its Image, by path: what tools may touch, as it was at one moment.
using Scan = std::map<std::string, Image>;
std::string to_text(const Scan&);
Scan scan_from_text(std::string_view);

/// Where a StagedHost asks and tells. Implemented by the transaction, over the store.
class Journal {
public:
    virtual ~Journal() = default;

    enum class Durable : char { now, with_intend };
    /// Called once per publish, before anything is staged: it numbers the operations. Whoever takes the run back knows
    /// by the stage directories what to sweep: nothing is staged before they are durable.
    virtual void announce(std::span<Operation* const>, const std::vector<std::string>& stage_directories, Durable) = 0;
    /// Called once per publish, before anything is shown: when it returns, the operations and the bytes of their
    /// before-images (`blobs`) are durable. By another thread, while they are staged, where Durable::now was said.
    virtual void intend(std::span<Operation* const>, const std::vector<Content>& blobs) = 0;
    virtual Content blob(Digest) const = 0;  ///< Bytes of an image. Throws Error where they are lost.

    /// A child is about to run (it waits until this returns), and has ended.
    virtual void fence(int pid, const Command&) = 0;
    virtual void lift(int pid) = 0;

    virtual void says(const std::string& line) { (void)line; }  ///< To whoever watches.
    virtual bool asked_to_stop() const { return false; }
};

/// The host as a run changes it: looking is another Host's, seen through the queue; changes are staged apart and
/// published at once.
///
/// The protocol (store.md section 1; the rules are numbered there):
///   write, remove, ...   queue one Operation a path; a later one on the same path replaces it
///   publish()            look at each target, drop what is as asked already -> Journal::announce -> stage new inodes
///                        in a 0700 directory on the target's mount -> syncfs (of few after Journal::intend; of
///                        many, that goes on beside the staging, and the validations beside the sync) -> validations,
///                        in a private view -> look again -> RENAME_EXCHANGE / RENAME_NOREPLACE, verify what came
///                        out, swap back and stop where it is not what was looked at
///   sync()               before the run is committed
///   adopt(), sweep()     after it
///
/// Every name changes in one rename (or one unlink of an empty directory): new directories, too, are made complete in
/// the stage. Only mode, owner and extended attributes of what stays are changed in place; unpublish() knows the states
/// between. A new inode has exactly what was asked for: no default ACL of its directory, no setgid group. One that
/// replaces a file keeps what nobody spoke of: owner, ACL and extended attributes; capabilities only where the content
/// stays, since they were given to that content.
class StagedHost final : public WritableHost, public Recorder {
public:
    StagedHost(const Host& looking, std::string root, std::string state_directory, std::int64_t run, Journal&);
    ~StagedHost() override;

    // Looking: as `looking` has it, under what is queued.
    bool live() const override;
    bool superuser() const override;
    Entry look(const std::string& path, std::string* content, std::size_t most) const override;
    std::vector<std::string> list(const std::string& path) const override;
    Content content(const std::string& path) const override;
    Output ask(const Command&) const override;
    const Services& services() const override;
    std::string state_directory() const override;

    void write(const std::string& path, const Content&, const Meta&) override;
    void make_directory(const std::string& path, const Meta&) override;
    void make_link(const std::string& path, const std::string& target, const Meta& owner) override;
    void set_meta(const std::string& path, const Meta&) override;
    void remove(const std::string& path) override;
    void remove_tree(const std::string& path) override;
    void set_kernel(const std::string& path, const std::string& value) override;
    std::string keep_in(const std::string& name) override;
    void says(const std::string& line) override;
    bool waits(const std::string& line) override;
    Output run(const Command&) override;
    Output record(const Command&) override;
    void control(UnitVerb, const std::string& unit) override;

    /// Queues: the path shall be as in this image, to the extended attributes and the mtime. Content comes from
    /// Journal::blob; a removed tree from the trash, where its Operation's `staged` says that it lies.
    void restore(const std::string& path, const Image&, const std::string& trash = {});

    /// Which step of the run what is queued from now on belongs to.
    void step(std::int64_t number);

    /// Commands that must succeed before what is queued becomes visible; each distinct one runs once, in a mount
    /// namespace in which the new files are in place (`%s` in a word: a copy's path). Throws Error with the command's
    /// words; nothing is published then.
    void validate(const Command&, const std::string& path);

    /// Shows what is queued. On an Error nothing of this publish stays visible, and nothing is queued any more.
    void publish() { publish({}); }

    /// The same. Before anything is shown, `holds` is asked, and may throw, where a target was changed since `since`
    /// (nanoseconds since 1970): what is kept of it may be newer than what the plan was made for. While much that is
    /// staged is synced, `meanwhile` is done, which may write to the journal, but not for good: this may throw yet.
    struct Planned {
        std::function<void()> holds{};
        std::int64_t since = 0;
        std::function<void()> meanwhile{};
    };
    void publish(const Planned&);
    void discard();  ///< Forgets what is queued.

    /// Validations of the last publish that could not be tried apart (no right to make a namespace, no overlay, and no
    /// `%s` in them): to be run now that the files are in place. A failure is a failed step.
    std::vector<Command> unvalidated() const;

    /// Recovery: brings these operations of this run back, newest first, by the table of rule 7 (their stage may still
    /// hold the old inodes). Idempotent; the caller syncs. Answers those whose path is somebody's by now: left as they
    /// are, and so is the old inode in the stage (adopt() keeps it). Goes on after an Error, and throws the first.
    std::vector<Operation> unpublish(std::vector<Operation> operations);

    /// Before the sweep: moves the old inodes of big files, whose bytes are in no blob, to <state>/objects/DIGEST.
    /// Idempotent. Those that were written to meanwhile through an open descriptor are no before-image any more and go.
    void adopt(const std::vector<Operation>& operations);
    void adopt();  ///< The same of what this has published itself: nothing has to be read.

    /// As on disk, not through the queue; in a tree that is to come back from the trash, as it lies there.
    Image image(const std::string& path, std::string* content = nullptr) const;
    Scan scan(const Footprint&, std::vector<Content>* contents) const;  ///< contents: of regular files, where wanted.
    static std::vector<Operation> changed(const Scan& before, const Scan& after);

    void sync();  ///< syncfs of every file system this run touched.
    void sweep(const std::vector<std::string>&
                   stage_directories);         ///< Removes them; idempotent; what must be kept was adopted before.
    std::vector<std::string> touched() const;  ///< Stage directories made so far, the trash not among them.

private:
    class Recording;
    struct Parts;
    std::unique_ptr<Parts> parts_;
};

}  // namespace chaos::rollback
