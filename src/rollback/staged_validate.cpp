// SPDX-License-Identifier: Apache-2.0
// Validations: commands that see the new files in place, before anybody else does.
#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <cerrno>
#include <chaos/process.hpp>
#include <exception>
#include <thread>

#include "staged_parts.hpp"

namespace chaos::rollback {
namespace {

/// The namespace can not be made here: no right to, or no overlay. Not an Error of the validation.
struct NoView {};

void need(bool done) {
    if (!done) throw NoView{};
}

void write_whole(int to, const Content& content) {
    const Descriptor from(content.held() ? -1 : ::open(content.path().c_str(), O_RDONLY | O_CLOEXEC));
    std::string_view bytes = content.held() ? std::string_view(content.bytes()) : std::string_view();
    std::string piece(64 * 1024, '\0');
    for (;;) {
        if (bytes.empty() && from) {
            const ssize_t got = ::read(*from, piece.data(), piece.size());
            need(got >= 0);
            bytes = std::string_view(piece).substr(0, static_cast<std::size_t>(got));
        }
        if (bytes.empty()) return;
        const ssize_t put = ::write(to, bytes.data(), bytes.size());
        need(put > 0);
        bytes.remove_prefix(static_cast<std::size_t>(put));
    }
}

/// What is changed in one directory that is there, as a layer over it: copies of new files, marks for removed ones.
class Layer {
public:
    Layer(int above, const std::string& name, Descriptor original) : original_(std::move(original)) {
        struct stat found {};
        need(::fstat(*original_, &found) == 0 && ::mkdirat(above, name.c_str(), 0700) == 0);
        top_ = Descriptor(::openat(above, name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        need(top_ && ::fchown(*top_, found.st_uid, found.st_gid) == 0 && ::fchmod(*top_, found.st_mode & 07777U) == 0);
    }

    void add(const std::string& relative, const Move& move) const {
        const Image& image = move.operation.after;
        const char* const name = relative.c_str();
        ::unlinkat(*top_, name, 0);  // a later one of the same name
        switch (image.kind) {
            case Entry::Kind::absent: need(::mknodat(*top_, name, S_IFCHR, ::makedev(0, 0)) == 0); return;
            case Entry::Kind::directory: need(::mkdirat(*top_, name, 0700) == 0 || errno == EEXIST); break;
            case Entry::Kind::link: need(::symlinkat(image.target.c_str(), *top_, name) == 0); break;
            case Entry::Kind::file: {
                const Descriptor file(::openat(*top_, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
                need(static_cast<bool>(file));
                write_whole(*file, move.content);
                break;
            }
            case Entry::Kind::other: throw NoView{};
        }
        need(::fchownat(*top_, name, image.uid, image.gid, AT_SYMLINK_NOFOLLOW) == 0);
        if (image.kind != Entry::Kind::link) need(::fchmodat(*top_, name, image.mode, 0) == 0);
    }

    void show(const std::string& over) const {
        // By descriptor: a path may hold a comma or a colon, and the one below may lie under another layer by now.
        const std::string options = fmt::format("lowerdir=/proc/self/fd/{}:/proc/self/fd/{}", *top_, *original_);
        need(::mount("overlay", over.c_str(), "overlay", MS_RDONLY, options.c_str()) == 0);
    }

private:
    Descriptor original_, top_;
};

/// In a thread with mounts of its own: every directory with changed names, covered by them.
void make_view(const std::string& root, const std::string& scratch, const std::vector<Move>& moves) {
    need(::unshare(CLONE_NEWNS) == 0 && ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0);
    const Beneath beneath(root);  // of this namespace: the other one's directories can not be covered here
    const std::string at = beneath.outside(scratch);
    need(::mount("chaos", at.c_str(), "tmpfs", MS_NOSUID | MS_NODEV, "mode=0700") == 0);
    const Descriptor above(::open(at.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    need(static_cast<bool>(above));
    std::map<std::string, Layer> layers;  // by path: what lies above comes first
    for (const Move& move : moves) {
        const Operation& operation = move.operation;
        if (manner_of(operation) == Manner::in_place || manner_of(operation) == Manner::from_trash) continue;
        std::string parent = parent_of(operation.path);
        std::size_t cut = 0;
        Descriptor found;
        while (!(found = beneath.directory(parent))) parent = parent_of(parent), ++cut;
        std::string relative = name_of(operation.path);
        for (std::string up = parent_of(operation.path); cut > 0; --cut, up = parent_of(up))
            relative = name_of(up) + "/" + relative;
        const std::string real = beneath.path_of(*found);
        need(real != "/");  // nobody who is there already would see it
        auto layer = layers.find(real);
        if (layer == layers.end())
            layer = layers.try_emplace(real, *above, std::to_string(layers.size()), std::move(found)).first;
        layer->second.add(relative, move);
    }
    for (const auto& [path, layer] : layers) layer.show(beneath.outside(path));
}

Command with_path(Command command, const std::string& path) {
    for (std::string& word : command.argv)
        for (std::size_t at = 0; (at = word.find("%s", at)) != word.npos; at += path.size()) word.replace(at, 2, path);
    return command;
}

bool names_file(const Command& command) {
    return std::any_of(command.argv.begin(), command.argv.end(),
                       [](const std::string& word) { return word.find("%s") != word.npos; });
}

void try_one(const Command& command, const std::string& root) {
    Child child(command, root);
    child.release();
    const Output output = child.wait();
    if (output.status != 0) throw failed(command, output);
}

}  // namespace

void StagedHost::Parts::validate(const std::vector<Move>& moves) {
    if (validations.empty()) return;
    std::map<std::string, std::string> staged;
    std::string scratch;
    for (const Move& move : moves) {
        if (move.operation.staged.empty()) continue;
        staged[move.operation.path] = move.operation.staged;
        if (scratch.empty() && !name_of(move.operation.staged).ends_with('~') &&
            manner_of(move.operation) != Manner::from_trash)
            scratch = parent_of(move.operation.staged) + "/view-" + nonce;
    }
    const std::string root = beneath.root();
    const auto each_once = [&](const auto& path_for, const auto& use) {
        std::set<std::vector<std::string>> seen;
        for (const auto& [command, path] : validations) {
            const Command one = with_path(command, path_for(path));
            if (seen.insert(one.argv).second) use(one, names_file(command));
        }
    };
    bool apart = false;
    std::exception_ptr failure;
    if (!scratch.empty()) {
        make_stage_directory(scratch);
        const Spot spot = beneath.spot(scratch);
        if (spot && ::mkdirat(spot.at(), spot.name.c_str(), 0700) && errno != EEXIST) fail(scratch, "be made", errno);
        // Mounts belong to a thread: when it ends, they are gone, and nobody but its children ever saw them.
        std::thread([&] {
            try {
                make_view(root, scratch, moves);
                apart = true;
                each_once([](const std::string& path) { return path; },
                          [&](const Command& command, bool) { try_one(command, root); });
            } catch (const NoView&) {
            } catch (...) {
                failure = std::current_exception();
            }
        }).join();
    }
    if (failure) std::rethrow_exception(failure);
    if (apart) return;
    const auto copy_of = [&](const std::string& path) { return staged.contains(path) ? staged.at(path) : path; };
    each_once(copy_of, [&](const Command& command, bool by_name) {
        if (by_name)
            try_one(command, root);
        else
            unvalidated.push_back(command);
    });
}

}  // namespace chaos::rollback
