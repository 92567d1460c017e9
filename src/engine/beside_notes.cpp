// SPDX-License-Identifier: Apache-2.0
// What was read beside a manifest, and whether it is so still.
#include <chaos/beside.hpp>

#include <fmt/format.h>
#include <sys/stat.h>

#include <array>
#include <chaos/error.hpp>
#include <chaos/steady.hpp>

#include "beside.hpp"

namespace chaos::beside {

namespace {

constexpr std::int64_t second = 1'000'000'000;

thread_local Notes* taking = nullptr;

std::int64_t nanoseconds(const timespec& time) {
    return time.tv_sec * second + time.tv_nsec;
}

Digest stamp_of(const struct stat& about) {
    const std::array<std::uint64_t, 8> said{about.st_dev,
                                            about.st_ino,
                                            about.st_mode,
                                            about.st_uid,
                                            about.st_gid,
                                            static_cast<std::uint64_t>(about.st_size),
                                            static_cast<std::uint64_t>(nanoseconds(about.st_mtim)),
                                            static_cast<std::uint64_t>(nanoseconds(about.st_ctim))};
    return digest({reinterpret_cast<const char*>(said.data()), sizeof said});
}

Digest stamp_of_file(const std::string& path, std::int64_t* changed = nullptr) {
    struct stat about {};
    if (::stat(path.c_str(), &about) != 0) return digest(fmt::format("{}", errno));
    if (changed) *changed = nanoseconds(about.st_ctim);
    return stamp_of(about);
}

}  // namespace

Digest stamp(Asked asked, const std::string& path) {
    switch (asked) {
        case Asked::file: return stamp_of_file(path);
        case Asked::name: try { return digest(real_path(path));
            } catch (const Error&) {
                return {};
            }
        case Asked::names: {
            Hasher hasher;
            for (const std::string& name : glob(path)) hasher.add(name).add({"", 1});
            return hasher.finish();
        }
    }
    return {};
}

Notes::Notes() : begun_(steady_before()) {
    taking = this;
}

Notes::~Notes() {
    taking = nullptr;
}

void note(Asked asked, const std::string& path) {
    Notes* notes = std::exchange(taking, nullptr);  // to stamp is no question
    if (!notes) return;
    const auto [held, first] = notes->all_.try_emplace({asked, path});
    std::int64_t changed = 0;
    if (first) held->second = asked == Asked::file ? stamp_of_file(path, &changed) : stamp(asked, path);
    if (changed >= notes->begun_) notes->tell_all_ = false;
    taking = notes;
}

void note_passing() {
    if (taking) taking->tell_all_ = false;
}

}  // namespace chaos::beside
