// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/utsname.h>

#include <algorithm>
#include <array>
#include <chaos/steady.hpp>
#include <chaos/witness.hpp>
#include <map>
#include <mutex>
#include <set>
#include <utility>

namespace chaos {

namespace {

using How = Sight::How;

constexpr std::string_view letters = "eltnuk";
constexpr std::string_view head = "chaos sight 1";

/// Files of the kernel have no times that tell anything.
bool is_of_the_kernel(std::string_view path) {
    return path.starts_with("/proc/") || path.starts_with("/sys/");
}

Digest stamp_of(const Entry& entry, bool with_times) {
    std::array<std::uint64_t, 9> said{static_cast<std::uint64_t>(entry.kind), entry.mode, entry.uid, entry.gid};
    if (entry.kind == Entry::Kind::directory || entry.kind == Entry::Kind::file || entry.kind == Entry::Kind::link)
        said[4] = entry.device, said[5] = entry.inode;
    if (with_times)
        said[6] = entry.size, said[7] = static_cast<std::uint64_t>(entry.modified),
        said[8] = static_cast<std::uint64_t>(entry.changed);
    return digest({reinterpret_cast<const char*>(said.data()), sizeof said});
}

/// As it is at a path: of files and links everything, of a directory and of what is of the kernel what stays.
Digest stamp_at(const std::string& path, const Entry& entry) {
    const bool times = entry.kind == Entry::Kind::file || entry.kind == Entry::Kind::link;
    if (!is_of_the_kernel(path)) return stamp_of(entry, times);
    const Entry plain{entry.kind, entry.mode};
    return stamp_of(plain, false);
}

Digest stamp_of(const std::vector<std::string>& names) {
    Hasher hasher;
    for (const std::string& name : names) hasher.add(name).add({"", 1});
    return hasher.finish();
}

/// One that does not run may be unloaded at any time: that is no change.
Digest stamp_of(const Unit& unit) {
    if (unit.active == "inactive") return {};
    return digest(fmt::format("{}\n{}\n{}", unit.load, unit.active, unit.sub));
}

/// What is total of the memory stays; what is free never does.
Digest stamp_of_text(const std::string& path, const std::string& text) {
    if (path != "/proc/meminfo") return digest(text);
    return digest(text.substr(0, text.find('\n')));
}

Digest stamp_of_kernel() {
    utsname names{};
    ::uname(&names);
    return digest(fmt::format("{}\n{}\n{}", names.nodename, names.release, names.machine));
}

std::string invocation_of(const std::string& unit) {
    return "/run/systemd/units/invocation:" + unit;
}

constexpr const char* boot_id = "/proc/sys/kernel/random/boot_id";

/// What the answer of a command comes from, where that is known: some files, and what lies in some directories.
struct Answered {
    std::string_view command;
    std::array<const char*, 3> files, directories;
};
constexpr Answered answered[] = {
    {"apt-config dump",
     {"/etc/apt/apt.conf", "/usr/bin/apt-config", nullptr},
     {"/etc/apt/apt.conf.d", nullptr, nullptr}},
    {"localedef --list-archive", {"/usr/lib/locale/locale-archive", nullptr, nullptr}, {nullptr, nullptr, nullptr}},
};

}  // namespace

struct Witness::Parts {
    /// Hands on, and notes which units were asked about.
    class Asked final : public Services {
    public:
        Asked(const Services& real, const Witness& witness) : real_(real), witness_(witness) {}
        bool answers() const override { return real_.answers(); }
        std::vector<Unit> units() const override {
            auto all = real_.units();
            const std::lock_guard lock(witness_.parts_->one_at_a_time);
            for (const Unit& unit : all) witness_.parts_->note(unit.name, unit);
            return all;
        }
        Unit unit(const std::string& name) const override {
            witness_.heed_unit(name);
            Unit unit = real_.unit(name);
            const std::lock_guard lock(witness_.parts_->one_at_a_time);
            witness_.parts_->note(name, unit);
            return unit;
        }

    private:
        const Services& real_;
        const Witness& witness_;
    };

    explicit Parts(const Witness& witness) : services(witness.host_.services(), witness), begun(steady_before()) {}

    Asked services;
    std::int64_t begun;
    mutable std::mutex one_at_a_time{};
    std::map<std::pair<How, std::string>, Digest> things{};
    struct Seen {
        Digest stamp;
        bool active = false;
    };
    std::map<std::string, Seen> units{};  ///< All that are loaded; those that were asked for are in `heeded`.
    std::set<std::string> heeded{}, costly{};
    bool fresh = false;

    void note(const std::string& name, const Unit& unit) {  // under the lock
        units.try_emplace(name, Seen{stamp_of(unit), unit.active == "active"});
    }
    /// systemd makes this link anew at each start, and takes it away when the unit becomes inactive or fails
    /// (unit_notify() in its unit.c): while it is the same, what was active still is, and no bus need be asked.
    bool is_told_by_its_link(const std::string& name, const Seen& seen) const {
        const auto link = things.find({How::entry, invocation_of(name)});
        return seen.active && link != things.end() && link->second != stamp_at(link->first.second, {});
    }
    void note(How how, const std::string& name, Digest stamp) {
        const std::lock_guard lock(one_at_a_time);
        if (name.find('\n') != name.npos) costly.insert("a name of two lines");
        things.try_emplace({how, name}, stamp);
    }
    void note(const std::string& path, const Entry& entry) {
        const bool steady = entry.kind != Entry::Kind::file || is_of_the_kernel(path) || entry.changed < begun;
        note(How::entry, path, stamp_at(path, entry));
        if (steady) return;
        const std::lock_guard lock(one_at_a_time);
        fresh = true;
    }
};

Witness::Witness(const Host& host) : host_(host), parts_(std::make_unique<Parts>(*this)) {
    if (!host.live()) return;
    parts_->note(How::kernel, "kernel", stamp_of_kernel());
    look(boot_id, std::make_unique<std::string>().get());
}

Witness::~Witness() = default;

Entry Witness::look(const std::string& path, std::string* content, std::size_t most) const {
    if (!content || !is_of_the_kernel(path)) {
        const Entry entry = host_.look(path, content, most);
        parts_->note(path, entry);
        return entry;
    }
    std::string text;
    const Entry entry = host_.look(path, &text, most);
    parts_->note(entry.kind == Entry::Kind::file ? How::text : How::entry, path,
                 entry.kind == Entry::Kind::file ? stamp_of_text(path, text) : stamp_at(path, entry));
    if (entry.kind == Entry::Kind::file || entry.kind == Entry::Kind::link) *content = std::move(text);
    return entry;
}

std::vector<std::string> Witness::list(const std::string& path) const {
    const Entry before = host_.look(path);
    auto names = host_.list(path);
    if (before.kind == Entry::Kind::directory && !is_of_the_kernel(path)) {
        parts_->note(How::listing, path, stamp_of(before, true));
        const std::lock_guard lock(parts_->one_at_a_time);
        parts_->fresh |= before.changed >= parts_->begun;
    } else {
        parts_->note(How::names, path, stamp_of(names));
    }
    return names;
}

Content Witness::content(const std::string& path) const {
    if (is_of_the_kernel(path)) heed_change(path);
    parts_->note(path, host_.look(path));  // before it is read: what changes meanwhile is told by its times
    return host_.content(path);
}

Output Witness::ask(const Command& command) const {
    const std::string words = fmt::format("{}", fmt::join(command.argv, " "));
    for (const Answered& known : answered) {
        if (words != known.command || !command.user.empty()) continue;
        for (const char* path : known.files)
            if (path) look(path);
        for (const char* path : known.directories)
            for (const std::string& name : path ? list(path) : std::vector<std::string>())
                look(fmt::format("{}/{}", path, name));
        return host_.ask(command);
    }
    constexpr std::size_t enough = 60;
    heed_change("the command " + (words.size() > enough ? words.substr(0, enough) + "..." : words));
    return host_.ask(command);
}

const Services& Witness::services() const {
    return parts_->services;
}

Cache* Witness::cache() const {
    const auto* remembering = dynamic_cast<const Remembering*>(&host_);
    return remembering ? remembering->cache() : nullptr;
}

const Past* Witness::past() const {
    const auto* recalling = dynamic_cast<const Recalling*>(&host_);
    return recalling ? recalling->past() : nullptr;
}

void Witness::heed_unit(const std::string& name) const {
    if (!host_.live()) return;
    look(invocation_of(name));
    const std::lock_guard lock(parts_->one_at_a_time);
    parts_->heeded.insert(name);
}

void Witness::heed_change(const std::string& what) const {
    std::string line = what;
    std::replace(line.begin(), line.end(), '\n', ' ');
    const std::lock_guard lock(parts_->one_at_a_time);
    parts_->costly.insert(std::move(line));
}

Sight Witness::sight() const {
    const std::lock_guard lock(parts_->one_at_a_time);
    Sight sight{{}, {parts_->costly.begin(), parts_->costly.end()}, parts_->fresh};
    for (const auto& [name, stamp] : parts_->things) sight.things.push_back({name.first, name.second, stamp});
    for (const std::string& name : parts_->heeded) {
        const auto held = parts_->units.find(name);
        const Parts::Seen seen = held == parts_->units.end() ? Parts::Seen() : held->second;
        if (!parts_->is_told_by_its_link(name, seen)) sight.things.push_back({How::unit, name, seen.stamp});
    }
    return sight;
}

namespace {

/// One bulk question for all units, at the first of them.
class Now {
public:
    explicit Now(const Host& host) : host_(host) {}

    Digest stamp(const Sight::Thing& thing) {
        std::string text;
        switch (thing.how) {
            case How::entry: return stamp_at(thing.name, host_.look(thing.name));
            case How::listing: return stamp_of(host_.look(thing.name), true);
            case How::text: host_.look(thing.name, &text); return stamp_of_text(thing.name, text);
            case How::names: return stamp_of(host_.list(thing.name));
            case How::unit: return unit(thing.name);
            case How::kernel: return stamp_of_kernel();
        }
        return {};
    }

private:
    Digest unit(const std::string& name) {
        if (!asked_)
            for (const Unit& unit : host_.services().units()) units_.emplace(unit.name, stamp_of(unit));
        asked_ = true;
        const auto held = units_.find(name);
        return held == units_.end() ? Digest() : held->second;
    }

    const Host& host_;
    std::map<std::string, Digest> units_{};
    bool asked_ = false;
};

}  // namespace

std::optional<std::string> moved(const Sight& sight, const Host& host) {
    Now now(host);
    for (const Sight::Thing& thing : sight.things) try {
            if (now.stamp(thing) != thing.stamp) return thing.name;
        } catch (const Error&) {
            return thing.name;
        }
    return std::nullopt;
}

std::string to_text(const Sight& sight) {
    std::string text = fmt::format("{}{}\n", head, sight.fresh ? " fresh" : "");
    for (const std::string& what : sight.costly) text += fmt::format("c {}\n", what);
    for (const Sight::Thing& thing : sight.things)
        text += fmt::format("{} {} {}\n", letters[static_cast<std::size_t>(thing.how)], hex(thing.stamp), thing.name);
    return text;
}

Sight read_sight(std::string_view text) {
    Sight sight;
    constexpr std::size_t digits = 32, name_at = 2 + digits + 1;
    bool first = true;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        const std::string_view line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (std::exchange(first, false)) {
            if (!line.starts_with(head)) break;
            sight.fresh = line.ends_with(" fresh");
            continue;
        }
        if (line.starts_with("c ")) {
            sight.costly.emplace_back(line.substr(2));
            continue;
        }
        const auto how = line.empty() ? letters.npos : letters.find(line[0]);
        if (how == letters.npos || line.size() < name_at) throw Error("this is no record of what was seen");
        sight.things.push_back(
            {static_cast<How>(how), std::string(line.substr(name_at)), digest_from_hex(line.substr(2, digits))});
        if (text.empty()) return sight;
    }
    throw Error("this is no record of what was seen");
}

}  // namespace chaos
