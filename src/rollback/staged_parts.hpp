// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <set>

#include "inode.hpp"
#include "meanwhile.hpp"
#include "owners.hpp"
#include "staged_host.hpp"

namespace chaos::rollback {

/// What was asked for, not published yet.
struct Wish {
    enum class Verb : char { file, link, directory, meta, remove, remove_tree, restore } verb{};
    std::string path;
    Content content{};
    std::string target{};
    Meta meta{};
    Image image{};            ///< restore
    std::string trash{};      ///< restore
    bool over_other = false;  ///< The name was removed before in this queue: whatever lies there may go.
    std::int64_t step = 0;
    mutable Content found{};  ///< restore: what content_of() found, which is asked for more than once.
    bool makes() const { return verb != Verb::remove && verb != Verb::remove_tree && (verb != Verb::restore || image); }
};

/// What is queued, in order, and by path. A name whose tree is removed first can be there twice: the latest counts.
class Queue {
public:
    bool empty() const { return live_ == 0; }
    void clear() { *this = Queue(); }
    void add(Wish);
    Wish* find(const std::string& path);
    const Wish* find(const std::string& path) const { return const_cast<Queue*>(this)->find(path); }
    bool gone(const std::string& path) const;  ///< It, or a directory above it, is removed with all in it.
    std::vector<const Wish*> below(const std::string& directory) const;     ///< Directly.
    std::vector<std::string> trees_in(const std::string& directory) const;  ///< Removed ones, directly in it.
    std::vector<const Wish*> in_order() const;
    /// Where it, or the tree that it is in, lies until a restore from the trash is shown; empty where none is queued.
    std::string in_trash(const std::string& path) const;

private:
    void drop(std::size_t place);

    std::deque<std::optional<Wish>> wishes_;  // it never has room for twice as many
    std::map<std::string, std::size_t> by_path_;
    std::set<std::string> trees_;
    std::map<std::string, std::string> returning_;  ///< Trees, and where in the trash they lie.
    std::size_t live_ = 0;
};

/// A name about to be changed by a publish.
struct Move {
    Operation operation;
    Content content;  ///< Of the new inode, where it is a file.
    Image made;       ///< The new inode, once it is staged.
};

/// How an Operation is done, from what it says.
enum class Manner : char {
    in_place,  ///< Mode, owner, attributes.
    to_trash,
    from_trash,
    appear,      ///< From the stage to a free name.
    swap,        ///< With the stage.
    disappear,   ///< To the stage.
    empty_away,  ///< rmdir.
};
Manner manner_of(const Operation&);

/// The old inode in the stage is all there is of a content that is too big for a blob.
inline bool is_to_be_adopted(const Operation& operation) {
    return !operation.effect && !operation.staged.empty() && operation.before.kind == Entry::Kind::file &&
           operation.before.size > Content::in_memory;
}

bool is_unit_file(const std::string& path);  ///< The service manager has to be told of it.

/// Processes that a command left behind, when it has ended.
enum class Leftovers : char { stay, end };

/// A file system a run touched. Its descriptor is older than what was written: an error of it is reported to it.
struct FileSystem {
    Descriptor descriptor;
    bool whole = true;                  ///< syncfs is known to be enough. Else files and directories one by one.
    std::set<std::string> directories;  ///< Then: whose names changed.
};

/// The lowest directory that is there of those a name is to be in.
struct Surroundings {
    std::string directory;
    bool apart = false;  ///< Nothing can be renamed into it.
    Region region;
};

struct StagedHost::Parts {
    Parts(const Host& host, const std::string& root, std::string state_directory, std::int64_t of_run, Journal&);

    const Host& looking;
    Beneath beneath;
    mutable Near near{beneath};  ///< Within a Near::Pass alone.
    std::string state;           ///< As the machine has it.
    std::string state_in_root;   ///< Empty where it is outside.
    std::int64_t run, step = 0;
    Journal& journal;
    std::string nonce;  ///< Names of another process of the same run are other names.
    std::uint64_t counter = 0;

    mutable std::recursive_mutex mutex;
    Queue queue;
    std::vector<std::pair<Command, std::string>> validations;
    std::vector<Command> unvalidated;
    std::vector<std::string> stages;
    std::size_t announced = 0;  ///< The first so many of them the journal knows.
    std::map<Region, std::string> stage_of;
    std::map<std::string, Surroundings> surroundings;  ///< By the directory that was asked for; of one look.
    std::map<std::uint64_t, FileSystem> file_systems;
    std::map<std::string, Descriptor> made_again;  ///< By Image::others: inodes that had more names than one.
    mutable std::optional<Owners> owners;          ///< As on disk; forgotten at every publish.
    std::vector<Operation> replaced_big;           ///< Shown, with a before-image that is in no blob.
    std::mutex syncing;
    std::optional<Error> sync_failed;  ///< Every later sync fails by it (rule 9): the kernel tells an error once.
    bool units_changed = false;
    bool touched_everywhere = false;

    // staged_queue.cpp
    const Owners& owners_now() const;
    std::string lies_at(const std::string& path) const;
    Spot spot_of(const std::string& path) const { return beneath.spot(lies_at(path)); }
    Image wished(const Wish&, const Image& before) const;
    Content kept(const Content&) const;
    Content content_of(const Wish&) const;

    // staged_look.cpp: what will be done, before anything is
    std::vector<Move> look(std::vector<Content>& blobs);  ///< blobs: the bytes of before-images, each once.
    std::optional<Move> look_at(const Wish&, bool gone, std::vector<Content>& blobs);
    std::vector<Move> look_at_tree(const Wish&, std::vector<Content>& blobs);
    void expand_tree(const Wish&, const Image& top, std::vector<Move>&, std::vector<Content>& blobs);
    const Surroundings& surroundings_of(const std::string& path);
    std::string stage_name(const std::string& path);
    void check_parents(const std::vector<Move>&) const;
    void touch(int directory, const std::string& changed_directory);

    // staged_run.cpp
    void touch_everywhere();

    // staged_refuse.cpp
    void refuse_fixed(const std::vector<Move>&) const;
    void refuse_what_does_not_fit(const std::vector<Move>&, const std::vector<Content>& blobs);

    // staged_stage.cpp: new inodes, seen by nobody
    void stage(std::vector<Move>&);
    void stage(Move&);
    bool join(const Spot&, const Image& wished, const std::string& path);
    Image make(const Spot&, const Image& wished, const Content&, const std::string& path, std::uint32_t flags = 0);
    void make_stage_directory(const std::string& staged);
    using ToSync = std::vector<std::pair<int, std::set<std::string>>>;  ///< File systems, or directories of them.
    ToSync to_be_synced() const;                                        ///< All that was touched so far.
    void sync(const ToSync&);                                           ///< By any thread, without the mutex.
    void sync() { sync(to_be_synced()); }

    // staged_run.cpp
    Output run_fenced(const Command&, const std::string& root, Leftovers);

    // staged_publish.cpp
    std::unique_ptr<Meanwhile> record(std::vector<Move>&, const std::vector<Content>& blobs);
    void publish(std::vector<Move>&, const std::vector<Content>& blobs, const Planned&);
    std::unique_ptr<Meanwhile> sync_staged(Meanwhile* recorded, const Planned&);
    void look_again(const std::vector<Move>&) const;
    void look_again(const Move&) const;
    void show(Move&);
    void validate(const std::vector<Move>&);

    // staged_unpublish.cpp
    std::vector<Operation> unpublish(std::vector<Operation>);
    bool bring_back(const Operation&, std::span<const Image* const> earlier);
    bool is_in_trash(const std::string& path, std::span<const Operation> operations) const;
    bool bring_back_attributes(const Operation&, const Spot&);
    bool bring_back_tree(const Operation&, const Spot&);
    bool remake(const Operation&, const Spot& target, const Image& now);
};

}  // namespace chaos::rollback
