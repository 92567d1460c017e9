// SPDX-License-Identifier: Apache-2.0
// What tools may touch, as it was at one moment, and what they did touch.
#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <algorithm>

#include <cerrno>
#include <charconv>
#include <memory>

#include "staged_parts.hpp"

namespace chaos::rollback {
namespace {

struct CloseDirectory {
    void operator()(DIR* open) const { ::closedir(open); }
};

struct Place {
    std::string path;
    Spot spot;
    int below;  ///< How many levels of entries are looked at.
};

/// Of an entry that only counts by being there: what does not change whenever somebody works with it.
Image name_only(Image image) {
    image.size = 0, image.modified = 0;
    return image;
}

void scan_below(Place root, bool with_content, Scan& found, std::vector<Content>* contents) {
    std::vector<Place> todo;
    std::string bytes;
    std::uint64_t device = 0;
    const auto take = [&](Place place) {
        bytes.clear();
        Image image = capture(place.spot, with_content ? Depth::content : Depth::names, contents ? &bytes : nullptr);
        if (!image) return;
        if (device == 0) device = image.device;
        const bool enter = image.kind == Entry::Kind::directory && image.device == device && place.below > 0;
        if (with_content && contents && image.kind == Entry::Kind::file && image.size <= Content::in_memory)
            contents->emplace_back(bytes);
        const std::string path = place.path;
        if (enter) todo.push_back(std::move(place));
        found.insert_or_assign(path, with_content ? std::move(image) : name_only(std::move(image)));
    };
    take(std::move(root));
    while (!todo.empty()) {
        const Place here = std::move(todo.back());
        todo.pop_back();
        const int opened =
            ::openat(here.spot.at(), here.spot.name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (opened < 0 && (errno == ENOENT || errno == ENOTDIR)) continue;  // gone meanwhile
        if (opened < 0) fail(here.path, "be listed", errno);
        const auto directory = std::make_shared<const Descriptor>(opened);
        const std::unique_ptr<DIR, CloseDirectory> list(::fdopendir(::dup(opened)));
        if (!list) fail(here.path, "be listed", errno);
        while (const dirent* entry = ::readdir(list.get())) {
            const std::string name = entry->d_name;
            if (name == "." || name == "..") continue;
            take({here.path == "/" ? "/" + name : here.path + "/" + name, {directory, name}, here.below - 1});
        }
    }
}

}  // namespace

Image StagedHost::image(const std::string& path, std::string* content) const {
    const Spot spot = parts_->spot_of(clean_path(path));
    return spot ? capture(spot, Depth::content, content) : Image();
}

static bool is_own(const std::string& path, const std::string& state) {
    return path == state || (path.starts_with(state) && path[state.size()] == '/');
}

static bool is_backup(const std::string& path) {
    static constexpr std::string_view backups[] = {"/etc/passwd-",   "/etc/group-",     "/etc/shadow-",
                                                   "/etc/gshadow-",  "/etc/subuid-",    "/etc/subgid-",
                                                   "/etc/.pwd.lock", "/etc/ld.so.cache"};
    return std::find(std::begin(backups), std::end(backups), path) != std::end(backups);
}

Scan StagedHost::scan(const Footprint& footprint, std::vector<Content>* contents) const {
    constexpr int all = 1'000'000, two_levels = 2;
    Scan found;
    const auto each = [&](std::span<const std::string_view> paths, bool with_content) {
        for (const std::string_view path : paths) {
            std::string clean = clean_path(std::string(path));
            Spot spot = parts_->beneath.spot(clean);
            if (spot)
                scan_below({std::move(clean), std::move(spot), with_content ? all : two_levels}, with_content, found,
                           contents);
        }
    };
    each(footprint.names, false);
    each(footprint.contents, true);  // the fuller look is the one that stays
    // Our own state, and what the account tools write beside their files for themselves, are nobody's effects.
    std::erase_if(
        found, [&](const auto& entry) { return is_own(entry.first, parts_->state_in_root) || is_backup(entry.first); });
    return found;
}

std::vector<Operation> StagedHost::changed(const Scan& before, const Scan& after) {
    std::vector<Operation> out;
    const auto add = [&](const std::string& path, const Image& from, const Image& to) {
        Operation operation;
        operation.path = path, operation.before = from, operation.after = to, operation.effect = true;
        out.push_back(std::move(operation));
    };
    auto old = before.begin();
    auto now = after.begin();
    while (old != before.end() || now != after.end()) {
        if (now == after.end() || (old != before.end() && old->first < now->first)) {
            add(old->first, old->second, {}), ++old;
        } else if (old == before.end() || now->first < old->first) {
            add(now->first, {}, now->second), ++now;
        } else {
            if (!old->second.same_as(now->second)) add(old->first, old->second, now->second);
            ++old, ++now;
        }
    }
    return out;
}

std::string to_text(const Scan& scan) {
    std::string out;
    for (const auto& [path, image] : scan) {
        fmt::format_to(std::back_inserter(out), "{} {} {}\n", path.size(), path, to_text(image));
    }
    return out;
}

Scan scan_from_text(std::string_view text) {
    Scan out;
    while (!text.empty()) {
        std::size_t length = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), length);
        const std::size_t at = static_cast<std::size_t>(end - text.data()) + 1;
        if (error != std::errc() || at > text.size() || text.size() - at < length + 1)
            throw Error("expected a scan: length, path and image on each line");
        std::string path(text.substr(at, length));
        const std::size_t line = text.find('\n', at + length);
        if (line == text.npos) throw Error("expected a scan: its last line is cut");
        out.emplace_hint(out.end(), std::move(path),
                         image_from_text(text.substr(at + length + 1, line - at - length - 1)));
        text.remove_prefix(line + 1);
    }
    return out;
}

}  // namespace chaos::rollback
