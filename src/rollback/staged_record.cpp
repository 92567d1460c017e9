// SPDX-License-Identifier: Apache-2.0
// A command whose writes are found, and then are what any other step asks for: they are recorded with what was there
// before, staged, published, and taken back like them. It ran over layers (layers.hpp), so that until then the host is
// as it was; a crash leaves nothing of it.
#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chaos/named.hpp>
#include <ctime>

#include "layers.hpp"
#include "staged_parts.hpp"

namespace chaos::rollback {
namespace {

constexpr const char* own_attribute = "trusted.overlay.";

struct CloseDirectory {
    void operator()(DIR* open) const { ::closedir(open); }
};

std::vector<std::string> names_in(const Descriptor& directory, const std::string& path) {
    const std::unique_ptr<DIR, CloseDirectory> list(::fdopendir(::fcntl(*directory, F_DUPFD_CLOEXEC, 0)));
    if (!list) fail(path, "be listed", errno);
    ::rewinddir(list.get());
    std::vector<std::string> names;
    while (const dirent* entry = ::readdir(list.get()))
        if (const std::string_view name = entry->d_name; name != "." && name != "..") names.emplace_back(name);
    std::sort(names.begin(), names.end());
    return names;
}

/// The mark of an overlay for a name that was removed.
bool is_whiteout(const Spot& spot) {
    struct stat found {};
    return ::fstatat(spot.at(), spot.name.c_str(), &found, AT_SYMLINK_NOFOLLOW) == 0 && S_ISCHR(found.st_mode) &&
           found.st_rdev == 0;
}

}  // namespace

/// Reads layers, and queues what makes the host as they say.
class StagedHost::Recording {
public:
    Recording(StagedHost& host, std::int64_t began) : host_(host), parts_(*host.parts_), began_(began) {}

    void read(const Layer& layer) {
        keeps_user_attributes_ = layer.keeps_user_attributes;
        const auto upper = std::make_shared<const Descriptor>(::fcntl(*layer.upper, F_DUPFD_CLOEXEC, 0));
        std::vector<Found> todo{{{upper, "."}, layer.path, false}};
        while (!todo.empty()) {
            Found here = std::move(todo.back());
            todo.pop_back();
            const auto inside = directory(here);
            std::vector<std::string> names = names_in(*inside, here.path);
            for (auto name = names.rbegin(); name != names.rend(); ++name) {
                Found next{{inside, *name}, (here.path == "/" ? "/" : here.path + "/") + *name, here.covers};
                if (take(next)) todo.push_back(std::move(next));
            }
        }
    }

private:
    struct Found {
        Spot spot;
        std::string path;
        bool covers;  ///< What was there before is hidden by it, as it is by what it is in.
    };

    /// What became of a directory itself, and of what it hides; then it can be entered.
    std::shared_ptr<const Descriptor> directory(Found& found) {
        auto inside = std::make_shared<const Descriptor>(
            ::openat(found.spot.at(), found.spot.name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
        if (!*inside) fail(found.path, "be listed", errno);
        Image image = capture(found.spot, Depth::meta);
        found.covers |= extended_from(image.extended)[std::string(own_attribute) + "opaque"] == "y";
        const Image before = before_of(found.path, image);
        // Whoever looks for a name in it would find what the link leads to, until that is done: and take it for ours.
        if (before.kind == Entry::Kind::link && !names_in(*inside, found.path).empty())
            throw Error(
                fmt::format("{}: it made a directory, and something in it, in the place of a link, which can not "
                            "be recorded; nothing of what it wrote stays",
                            named(found.path)))
                .help("leave out 'record', and say 'undo:' how it is taken back");
        clean(image, before);
        if (!before.same_as(image)) host_.restore(found.path, image);
        if (found.covers && before.kind == Entry::Kind::directory) {
            const std::vector<std::string> stays = names_in(*inside, found.path);
            for (const std::string& name : parts_.looking.list(found.path))
                if (!std::binary_search(stays.begin(), stays.end(), name))
                    remove((found.path == "/" ? "/" : found.path + "/") + name);
        }
        return inside;
    }

    /// True where there may be more in it.
    bool take(const Found& found) {
        const std::string& state = parts_.state_in_root;
        if (!state.empty() && (found.path == state || found.path.starts_with(state + "/")))
            throw Error(
                fmt::format("{}: it wrote to what chaos keeps; nothing of what it wrote stays", named(found.path)));
        if (is_whiteout(found.spot)) return remove(found.path), false;
        std::string bytes;
        Image image = capture(found.spot, Depth::content, &bytes);
        if (image.kind == Entry::Kind::directory) return true;
        if (image.kind == Entry::Kind::other)
            throw Error(fmt::format("{}: it made a device, socket or pipe, which can not be recorded; nothing of what "
                                    "it wrote stays",
                                    named(found.path)))
                .help("leave out 'record', and say 'undo:' how it is taken back");
        const Image before = before_of(found.path, image);
        clean(image, before);
        if (!differ(before, image)) return false;
        if (before.kind == Entry::Kind::directory) host_.remove_tree(found.path);
        Content content;
        if (image.kind == Entry::Kind::file && image.size <= Content::in_memory) {
            content = Content(std::move(bytes));
        } else if (image.kind == Entry::Kind::file) {
            Descriptor& open = open_.emplace_back(
                ::openat(found.spot.at(), found.spot.name.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
            if (!open) fail(found.path, "be read", errno);
            content = Content(fmt::format("/proc/self/fd/{}", *open), image.size, image.content);
        }
        parts_.queue.add({Wish::Verb::restore, found.path, std::move(content), {}, {}, image, {}, true, parts_.step});
        return false;
    }

    void remove(const std::string& path) {
        const Image before = before_of(path, {});
        if (before.kind == Entry::Kind::directory)
            host_.remove_tree(path);
        else if (before)
            host_.remove(path);
    }

    /// What the command saw there, or somebody's that came while it ran: that is not to be lost.
    Image before_of(const std::string& path, const Image& made) const {
        const Spot spot = parts_.beneath.spot(path);
        if (!spot) return {};
        const std::array<const Image*, 1> like = {&made};
        Image before = made.kind == Entry::Kind::file ? capture_like(spot, like) : capture(spot, Depth::meta);
        if (before && before.kind != Entry::Kind::directory && before.changed > began_)
            throw Error(fmt::format("{}: was changed by somebody else while the command ran", named(path)))
                .help("run it again");
        return before;
    }

    /// Without what the overlay notes for itself, and with what it could not hold.
    void clean(Image& image, const Image& before) const {
        Extended attributes = extended_from(image.extended);
        std::erase_if(attributes, [](const auto& each) { return each.first.starts_with(own_attribute); });
        if (!keeps_user_attributes_ && before.kind == image.kind)
            for (const auto& [name, value] : extended_from(before.extended))
                if (name.starts_with("user.")) attributes.emplace(name, value);
        image.extended = to_text(attributes);
    }

    StagedHost& host_;
    Parts& parts_;
    std::int64_t began_;
    bool keeps_user_attributes_ = true;
    std::vector<Descriptor> open_;  ///< Big files, until they are published.
};

Output StagedHost::record(const Command& command) {
    publish();
    if (!superuser())
        throw Error("what a command writes can be recorded by root alone").help("leave out 'record', or run as root");
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    const std::string over = parts_->state + "/layers";
    if (::mkdir(over.c_str(), 0700) && errno != EEXIST) fail(over, "be made", errno);
    Output output;
    const std::vector<Layer> layers = run_over_layers(parts_->beneath, over, [&](const std::string& root) {
        output = parts_->run_fenced(command, root, Leftovers::end);
    });
    if (output.status != 0) return output;  // and nothing of it stays
    const std::lock_guard guard(parts_->mutex);
    Recording recording(*this, now.tv_sec * 1'000'000'000LL + now.tv_nsec);
    for (const Layer& layer : layers) recording.read(layer);
    publish();
    return output;
}

}  // namespace chaos::rollback
