// SPDX-License-Identifier: Apache-2.0
// What is asked for, and looking through it.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/random.h>

#include <algorithm>
#include <cerrno>
#include <chaos/named.hpp>
#include <functional>

#include "staged_parts.hpp"

namespace chaos::rollback {
namespace {

using Verb = Wish::Verb;
using Guard = std::lock_guard<std::recursive_mutex>;

std::string read_small(const Content& content) {
    if (content.held()) return content.bytes();
    const Descriptor open(::open(content.path().c_str(), O_RDONLY | O_CLOEXEC));
    if (!open) fail(content.path(), "be read", errno);
    std::string bytes(content.size(), '\0');
    for (std::size_t done = 0; done < bytes.size();) {
        const ssize_t got = ::read(*open, bytes.data() + done, bytes.size() - done);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) fail(content.path(), "be read", errno);
        if (got == 0) throw Error(fmt::format("{}: became shorter while it was read", named(content.path())));
        done += static_cast<std::size_t>(got);
    }
    return bytes;
}

std::string random_name() {
    unsigned char bytes[6];
    if (::getrandom(bytes, sizeof bytes, 0) != sizeof bytes) fail("getrandom", "give random bytes", errno);
    std::string out;
    for (const unsigned char byte : bytes) out += fmt::format("{:02x}", byte);
    return out;
}

}  // namespace

StagedHost::Parts::Parts(const Host& host, const std::string& root, std::string state_directory, std::int64_t of_run,
                         Journal& to)
    : looking(host), beneath(root), state(std::move(state_directory)), run(of_run), journal(to), nonce(random_name()) {
    if (const Descriptor found(::open(state.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)); found)
        state_in_root = beneath.path_of(*found);
    else
        fail(state, "be opened as the state directory", errno);
}

const Owners& StagedHost::Parts::owners_now() const {
    if (!owners) {
        constexpr std::size_t most = 64U << 20U;
        std::string passwd, group;
        looking.look("/etc/passwd", &passwd, most);
        looking.look("/etc/group", &group, most);
        owners.emplace(passwd, group);
    }
    return *owners;
}

/// What lies in a tree that comes back from the trash is looked at there, until that is shown.
std::string StagedHost::Parts::lies_at(const std::string& path) const {
    const std::string thrown = queue.in_trash(path);
    return thrown.empty() || (!queue.gone(path) && beneath.spot(path)) ? path : thrown;
}

/// A large content that goes back was recorded with the place where it lay: by now it is among the objects.
Content StagedHost::Parts::kept(const Content& content) const {
    if (content.held() || state_in_root.empty()) return content;
    const std::string name = "/objects/" + hex(content.digest());
    const bool is_kept = looking.look(state_in_root + name).kind == Entry::Kind::file;
    return is_kept ? Content(state + name, content.size(), content.digest()) : content;
}

Content StagedHost::Parts::content_of(const Wish& wish) const {
    if (wish.verb != Verb::restore) return wish.content;
    if (wish.image.kind != Entry::Kind::file) return {};
    for (const Content& known : {std::cref(wish.content), std::cref(wish.found)})  // the one is of what a command wrote
        if (known.size() == wish.image.size && known.digest() == wish.image.content) return known;
    // Where only mode, owner or attributes go back, nobody kept the content: it is what lies there.
    const std::string there = lies_at(wish.path);
    const Spot spot = beneath.spot(there);
    const Image now = spot ? capture(spot, Depth::names) : Image();
    const bool may_be = now.kind == Entry::Kind::file && now.size == wish.image.size;
    const bool lies_there = may_be && capture(spot, Depth::content).content == wish.image.content;
    return wish.found = lies_there ? looking.content(there) : journal.blob(wish.image.content);
}

Image StagedHost::Parts::wished(const Wish& wish, const Image& before) const {
    Image after;
    switch (wish.verb) {
        case Verb::remove:
        case Verb::remove_tree: return after;
        case Verb::restore:
            after = wish.image;
            after.device = after.inode = 0, after.born = 0;
            return after;
        case Verb::meta: after = before; break;
        case Verb::file:
            after.kind = Entry::Kind::file;
            after.content = wish.content.digest();
            after.size = wish.content.size();
            break;
        case Verb::link:
            after.kind = Entry::Kind::link;
            after.target = wish.target;
            after.size = wish.target.size();
            break;
        case Verb::directory: after.kind = Entry::Kind::directory; break;
    }
    const bool same_kind = before.kind == after.kind;
    after.mode = after.kind == Entry::Kind::link ? 0777 : wish.meta.mode & 07777U;
    after.uid = !wish.meta.owner.empty() ? owners_now().user(wish.meta.owner) : same_kind ? before.uid : ::geteuid();
    after.gid = !wish.meta.group.empty() ? owners_now().group(wish.meta.group) : same_kind ? before.gid : ::getegid();
    if (same_kind) {
        after.extended = with_mode(before.extended, after.mode);
        if (after.content != before.content) after.extended = without_capabilities(after.extended);
    }
    after.device = after.inode = 0, after.born = 0, after.modified = 0;
    return after;
}

StagedHost::StagedHost(const Host& looking, std::string root, std::string state_directory, std::int64_t run,
                       Journal& journal)
    : parts_(std::make_unique<Parts>(looking, root, std::move(state_directory), run, journal)) {}
StagedHost::~StagedHost() = default;

bool StagedHost::live() const {
    return parts_->looking.live();
}
bool StagedHost::superuser() const {
    return parts_->looking.superuser();
}
const Services& StagedHost::services() const {
    return parts_->looking.services();
}
Output StagedHost::ask(const Command& command) const {
    return parts_->looking.ask(command);
}

Entry StagedHost::look(const std::string& path, std::string* content, std::size_t most) const {
    const Guard guard(parts_->mutex);
    const Queue& queue = parts_->queue;
    if (queue.empty()) return parts_->looking.look(path, content, most);
    const std::string clean = clean_path(path);
    const Wish* const wish = queue.find(clean);
    const std::string there = parts_->lies_at(clean);
    const bool gone = there == clean && queue.gone(clean);
    if (!wish) return gone ? Entry{} : parts_->looking.look(there, content, most);
    if (!wish->makes()) return {};
    const Entry now = gone ? Entry{} : parts_->looking.look(there, nullptr, 0);
    Image before;
    before.kind = now.kind;
    before.mode = now.mode, before.uid = now.uid, before.gid = now.gid, before.size = now.size;
    const Image after = parts_->wished(*wish, before);
    if (wish->verb == Verb::meta) {
        Entry changed = parts_->looking.look(there, content, most);
        changed.mode = after.mode, changed.uid = after.uid, changed.gid = after.gid;
        return changed;
    }
    if (content && after.kind == Entry::Kind::link) *content = after.target;
    if (content && after.kind == Entry::Kind::file && after.size <= most)
        *content = read_small(parts_->content_of(*wish));
    Entry out;
    out.kind = after.kind;
    out.mode = after.mode, out.uid = after.uid, out.gid = after.gid;
    out.links = 1, out.size = after.size, out.modified = after.modified;
    return out;
}

std::vector<std::string> StagedHost::list(const std::string& path) const {
    const Guard guard(parts_->mutex);
    const Queue& queue = parts_->queue;
    if (queue.empty()) return parts_->looking.list(path);
    const std::string clean = clean_path(path);
    std::vector<std::string> on_disk;
    std::string there = queue.in_trash(clean);
    if (there.empty() || (!queue.gone(clean) && parts_->looking.look(clean))) there = clean;
    if (there != clean || !queue.gone(clean)) on_disk = parts_->looking.list(there);
    std::set<std::string> names(on_disk.begin(), on_disk.end());
    for (const std::string& tree : queue.trees_in(clean)) names.erase(name_of(tree));
    for (const Wish* wish : queue.below(clean)) {
        if (wish->makes())
            names.insert(name_of(wish->path));
        else
            names.erase(name_of(wish->path));
    }
    return {names.begin(), names.end()};
}

Content StagedHost::content(const std::string& path) const {
    const Guard guard(parts_->mutex);
    const std::string clean = clean_path(path);
    const Wish* const wish = parts_->queue.find(clean);
    const bool file =
        wish && (wish->verb == Verb::file || (wish->verb == Verb::restore && wish->image.kind == Entry::Kind::file));
    if (file) return parts_->content_of(*wish);
    const std::string there = parts_->lies_at(clean);
    if ((wish && wish->verb != Verb::meta) || (!wish && there == clean && parts_->queue.gone(clean)))
        throw Error(fmt::format("{}: expected a regular file", named(path)));
    return parts_->looking.content(there);
}

void StagedHost::write(const std::string& path, const Content& content, const Meta& meta) {
    const Guard guard(parts_->mutex);
    parts_->queue.add({Verb::file, clean_path(path), parts_->kept(content), {}, meta, {}, {}, false, parts_->step});
}

void StagedHost::make_directory(const std::string& path, const Meta& meta) {
    const Guard guard(parts_->mutex);
    parts_->queue.add({Verb::directory, clean_path(path), {}, {}, meta, {}, {}, false, parts_->step});
}

void StagedHost::make_link(const std::string& path, const std::string& target, const Meta& owner) {
    const Guard guard(parts_->mutex);
    if (target.empty()) throw Error(fmt::format("{}: expected a target of the link, not an empty one", named(path)));
    parts_->queue.add({Verb::link, clean_path(path), {}, target, owner, {}, {}, false, parts_->step});
}

void StagedHost::set_meta(const std::string& path, const Meta& meta) {
    const Guard guard(parts_->mutex);
    const std::string clean = clean_path(path);
    Wish* const queued = parts_->queue.find(clean);
    if (!queued && (!parts_->queue.gone(clean) || parts_->lies_at(clean) != clean)) {
        parts_->queue.add({Verb::meta, clean, {}, {}, meta, {}, {}, false, parts_->step});
        return;
    }
    if (!queued || !queued->makes())
        throw Error(fmt::format("{}: is to be removed and can not get a mode", named(path)));
    if (queued->verb == Verb::restore) {
        if (queued->image.kind != Entry::Kind::link) queued->image.mode = meta.mode & 07777U;
        queued->image.extended = with_mode(queued->image.extended, queued->image.mode);
        if (!meta.owner.empty()) queued->image.uid = parts_->owners_now().user(meta.owner);
        if (!meta.group.empty()) queued->image.gid = parts_->owners_now().group(meta.group);
        return;
    }
    queued->meta.mode = meta.mode;
    if (!meta.owner.empty()) queued->meta.owner = meta.owner;
    if (!meta.group.empty()) queued->meta.group = meta.group;
}

void StagedHost::remove(const std::string& path) {
    const Guard guard(parts_->mutex);
    parts_->queue.add({Verb::remove, clean_path(path), {}, {}, {}, {}, {}, false, parts_->step});
}

void StagedHost::remove_tree(const std::string& path) {
    const Guard guard(parts_->mutex);
    parts_->queue.add({Verb::remove_tree, clean_path(path), {}, {}, {}, {}, {}, false, parts_->step});
}

void StagedHost::restore(const std::string& path, const Image& image, const std::string& trash) {
    const Guard guard(parts_->mutex);
    parts_->queue.add({Verb::restore, clean_path(path), {}, {}, {}, image, trash, true, parts_->step});
}

void StagedHost::validate(const Command& command, const std::string& path) {
    const Guard guard(parts_->mutex);
    parts_->validations.emplace_back(command, clean_path(path));
}

void StagedHost::step(std::int64_t number) {
    const Guard guard(parts_->mutex);
    parts_->step = number;
}

void StagedHost::discard() {
    const Guard guard(parts_->mutex);
    parts_->queue.clear();
    parts_->validations.clear();
}

std::vector<Command> StagedHost::unvalidated() const {
    const Guard guard(parts_->mutex);
    return parts_->unvalidated;
}

std::vector<std::string> StagedHost::touched() const {
    const Guard guard(parts_->mutex);
    return parts_->stages;
}

}  // namespace chaos::rollback
