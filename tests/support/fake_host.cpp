// SPDX-License-Identifier: Apache-2.0
#include "support/fake_host.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

namespace chaos::test {
namespace {

std::string parent_of(const std::string& path) {
    const auto cut = path.rfind('/');
    return cut == 0 || cut == std::string::npos ? "/" : path.substr(0, cut);
}

std::string below(const std::string& path) {
    return path == "/" ? path : path + "/";
}

bool is_number(const std::string& text) {
    return !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
}

std::vector<std::string> split(const std::string& text, char at) {
    std::vector<std::string> parts;
    for (std::size_t begin = 0; begin <= text.size();) {
        const auto end = std::min(text.find(at, begin), text.size());
        parts.push_back(text.substr(begin, end - begin));
        begin = end + 1;
    }
    return parts;
}

/// The third field of the line of passwd or group that has this name.
std::optional<std::uint32_t> id_of(const std::string& table, const std::string& name) {
    for (const auto& line : split(table, '\n')) {
        const auto fields = split(line, ':');
        if (fields.size() > 2 && fields[0] == name && is_number(fields[2]))
            return static_cast<std::uint32_t>(std::stoul(fields[2]));
    }
    return std::nullopt;
}

std::string_view name_of(Entry::Kind kind) {
    switch (kind) {
        case Entry::Kind::absent: return "absent";
        case Entry::Kind::file: return "file";
        case Entry::Kind::directory: return "directory";
        case Entry::Kind::link: return "link";
        case Entry::Kind::other: break;
    }
    return "other";
}

std::string_view name_of(UnitVerb verb) {
    static constexpr std::string_view names[] = {"start",  "stop",    "restart", "reload",
                                                 "enable", "disable", "mask",    "unmask"};
    return names[static_cast<std::size_t>(verb)];
}

}  // namespace

bool FakeHost::Node::same_as(const Node& other) const {
    return kind == other.kind && mode == other.mode && uid == other.uid && gid == other.gid && target == other.target &&
           (kind != Entry::Kind::file || content == other.content);
}

FakeHost::FakeHost(bool live) : bus_(*this) {
    world_.live = live;
    put("/", {.kind = Entry::Kind::directory, .mode = 0755});
    for (const char* path : {"/etc", "/etc/systemd/system", "/etc/sysctl.d", "/home", "/lib/systemd/system", "/proc",
                             "/root", "/run", "/sys", "/tmp", "/usr/lib", "/usr/share/zoneinfo", "/var/lib"})
        put_directory(path);
    put_file("/etc/passwd",
             "root:x:0:0:root:/root:/bin/bash\n"
             "www-data:x:33:33:www-data:/var/www:/usr/sbin/nologin\n"
             "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n");
    put_file("/etc/group", "root:x:0:\nwww-data:x:33:\nnogroup:x:65534:\n");
    sync();
}

FakeHost::FakeHost(const FakeHost& other) : world_(other.world_), bus_(*this) {}

FakeHost& FakeHost::operator=(const FakeHost& other) {
    world_ = other.world_;
    return *this;
}

// ---------------------------------------------------------------- the scene

std::uint64_t FakeHost::device_of(const std::string& path) const {
    std::uint64_t device = 1, number = 1;
    std::size_t longest = 0;
    for (const auto& root : world_.mounts) {
        ++number;
        if ((path == root || path.starts_with(below(root))) && root.size() > longest)
            device = number, longest = root.size();
    }
    return device;
}

/// Changes what everybody sees, and remembers for a power cut what was there.
void FakeHost::show(const std::string& path, Node node) {
    node.device = device_of(path);
    const auto old = world_.shown.find(path);
    world_.journal[node.device].push_back({path, old == world_.shown.end() ? Node{} : old->second});
    if (node.kind == Entry::Kind::absent)
        world_.shown.erase(path);
    else
        world_.shown[path] = std::move(node);
}

/// As another process does it: not through the queue.
void FakeHost::put(const std::string& where, Node node) {
    const auto path = resolve(world_.shown, where);
    if (path != "/" && !world_.shown.contains(parent_of(path))) put_directory(parent_of(path));
    node.inode = ++world_.next_inode;
    node.modified = ++world_.clock;
    node.device = device_of(path);
    world_.seen[path] = node;
    show(path, std::move(node));
}

void FakeHost::put_file(const std::string& path, const std::string& text, std::uint32_t mode, std::uint32_t uid,
                        std::uint32_t gid) {
    put(path, {.kind = Entry::Kind::file, .mode = mode, .uid = uid, .gid = gid, .content = Content(text)});
}

void FakeHost::put_directory(const std::string& path, std::uint32_t mode, std::uint32_t uid, std::uint32_t gid) {
    put(path, {.kind = Entry::Kind::directory, .mode = mode, .uid = uid, .gid = gid});
}

void FakeHost::put_link(const std::string& path, const std::string& target) {
    put(path, {.kind = Entry::Kind::link, .mode = 0777, .target = target});
}

void FakeHost::erase(const std::string& where) {
    const auto path = resolve(world_.shown, where);
    std::vector<std::string> doomed;
    for (auto i = world_.shown.lower_bound(path); i != world_.shown.end(); ++i)
        if (i->first == path || i->first.starts_with(below(path))) doomed.push_back(i->first);
    for (auto i = doomed.rbegin(); i != doomed.rend(); ++i) world_.seen.erase(*i), show(*i, {});
}

void FakeHost::put_kernel(const std::string& path, const std::string& value) {
    world_.kernel[path] = value;
    world_.kernel_at_boot[path] = value;
}

void FakeHost::put_command(const std::string& name, Behaviour does) {
    world_.commands[name] = std::move(does);
}

void FakeHost::put_unit(const std::string& name, const std::string& text, bool running) {
    put_file("/lib/systemd/system/" + name, text);
    Service service;
    service.loaded_text = unit_text(name);
    if (running) {
        service.active = "active", service.sub = "running";
        service.invocation = fmt::format("{:032x}", ++world_.next_inode);
        service.started_us = static_cast<std::uint64_t>(++world_.clock);
    }
    world_.services[name] = service;
}

void FakeHost::refuse(const std::string& path, const std::string& why) {
    world_.refused[path] = why;
}

void FakeHost::mount(const std::string& path) {
    world_.mounts.insert(path);
    put_directory(path);
}

// ---------------------------------------------------------------- what happened

std::string FakeHost::text(const std::string& path) const {
    const Node* node = find(world_.shown, path);
    if (!node || node->kind != Entry::Kind::file) throw Error(path + " is no file");
    return node->content.bytes();
}

std::string FakeHost::dump() const {
    std::string all;
    for (const auto& [path, node] : world_.shown) {
        all += fmt::format("{} {} {:04o} {}:{}", path, name_of(node.kind), node.mode, node.uid, node.gid);
        if (node.kind == Entry::Kind::link) all += " -> " + node.target;
        if (node.kind == Entry::Kind::file) all += fmt::format(" {:?}", node.content.bytes());
        all += '\n';
    }
    for (const auto& [path, value] : world_.kernel) all += fmt::format("{} = {:?}\n", path, value);
    for (const auto& [name, service] : world_.services)
        if (service.active != "inactive" || !unit_file(name).empty())
            all += fmt::format("{} {}\n", name, service.active);
    return all;
}

// ---------------------------------------------------------------- faults and power

void FakeHost::fail_at(std::size_t change) {
    world_.fail_at = world_.changes + change;
}
void FakeHost::crash_at(std::size_t change) {
    world_.crash_at = world_.changes + change;
}
void FakeHost::heal() {
    world_.fail_at = world_.crash_at = 0;
}

void FakeHost::count() {
    const auto number = ++world_.changes;
    if (number == world_.crash_at) {
        discard();
        throw Crash{number};
    }
    if (number == world_.fail_at) throw Error(fmt::format("change {} failed, as asked", number));
}

void FakeHost::sync() {
    for (auto& [path, node] : world_.shown) node.synced = true;
    for (auto& [path, node] : world_.seen) node.synced = true;
    world_.journal.clear();
}

std::map<std::uint64_t, std::size_t> FakeHost::pending() const {
    std::map<std::uint64_t, std::size_t> all;
    for (const auto& [device, names] : world_.journal) all[device] = names.size();
    return all;
}

void FakeHost::cut(const std::function<std::size_t(std::uint64_t, std::size_t)>& kept) {
    for (auto& [device, names] : world_.journal) {
        const auto keep = std::min(kept(device, names.size()), names.size());
        for (; names.size() > keep; names.pop_back()) {
            auto& last = names.back();
            if (last.before.kind == Entry::Kind::absent)
                world_.shown.erase(last.path);
            else
                world_.shown[last.path] = last.before;
        }
    }
    for (auto& [path, node] : world_.shown)
        if (node.kind == Entry::Kind::file && !node.synced) node.content = Content();
    heal();
    discard();
    sync();
    world_.kernel = world_.kernel_at_boot;
    for (auto& [name, service] : world_.services) {
        const auto links = install_links(name);
        const bool enabled = std::any_of(links.begin(), links.end(),
                                         [this](const auto& link) { return world_.shown.contains(link.first); });
        service = {};
        service.loaded_text = unit_text(name);
        if (enabled) service.active = "active", service.sub = "running";
    }
}

// ---------------------------------------------------------------- the queue

void FakeHost::queue(const std::string& path, Node node) {
    const auto refused = world_.refused.find(path);
    if (refused != world_.refused.end()) throw Error(path + ": " + refused->second);
    std::erase(world_.queue, path);
    world_.queue.push_back(path);
    if (node.kind == Entry::Kind::absent) {
        world_.seen.erase(path);
        return;
    }
    node.modified = ++world_.clock;
    node.device = device_of(path);
    world_.seen[path] = std::move(node);
}

void FakeHost::publish() {
    const auto journal = world_.journal;
    const auto shown = world_.shown;
    const auto queue = std::exchange(world_.queue, {});
    try {
        for (const auto& path : queue) {
            count();
            const auto node = world_.seen.find(path);
            Node next = node == world_.seen.end() ? Node{} : node->second;
            next.synced = true;  // the protocol syncs what is staged before it shows it
            show(path, std::move(next));
        }
    } catch (const Error&) {
        world_.shown = shown;
        world_.journal = journal;
        discard();
        throw;
    }
}

void FakeHost::discard() {
    world_.queue.clear();
    world_.seen = world_.shown;
}

// ---------------------------------------------------------------- looking

/// Follows links in all parts but the last.
std::string FakeHost::resolve(const Tree& tree, const std::string& path) const {
    if (!path.starts_with('/')) throw Error("an absolute path was expected, not " + path);
    std::string done;
    std::vector<std::string> parts = split(path, '/');
    std::reverse(parts.begin(), parts.end());
    for (int followed = 0; !parts.empty();) {
        const std::string part = parts.back();
        parts.pop_back();
        if (part.empty() || part == ".") continue;
        if (part == "..") {
            done = done.empty() ? done : done.substr(0, done.rfind('/'));
            continue;
        }
        done += "/" + part;
        const auto node = tree.find(done);
        if (parts.empty() || node == tree.end() || node->second.kind != Entry::Kind::link) continue;
        if (++followed > 40) throw Error(path + ": too many levels of symbolic links");
        auto target = split(node->second.target, '/');
        done = node->second.target.starts_with('/') ? "" : done.substr(0, done.rfind('/'));
        parts.insert(parts.end(), target.rbegin(), target.rend());
    }
    return done.empty() ? "/" : done;
}

const FakeHost::Node* FakeHost::find(const Tree& tree, const std::string& path) const {
    const auto node = tree.find(resolve(tree, path));
    return node == tree.end() ? nullptr : &node->second;
}

Entry FakeHost::look(const std::string& path, std::string* content, std::size_t most) const {
    ++looks_;
    if (content) ++reads_;
    if (const auto refused = world_.refused.find(path); refused != world_.refused.end())
        throw Error(path + ": " + refused->second);
    if (const auto value = world_.kernel.find(path); value != world_.kernel.end()) {
        if (content) *content = value->second + "\n";
        return {.kind = Entry::Kind::file, .mode = 0644, .links = 1};
    }
    const Node* node = find(world_.seen, path);
    if (!node) return {};
    Entry entry{.kind = node->kind, .mode = node->mode, .uid = node->uid, .gid = node->gid, .links = 1};
    entry.device = node->device, entry.inode = node->inode;
    entry.modified = entry.changed = node->modified;
    if (node->kind == Entry::Kind::file) {
        entry.size = node->content.size();
        if (content && entry.size <= most) *content = node->content.bytes();
    }
    if (node->kind == Entry::Kind::link && content) *content = node->target;
    return entry;
}

std::vector<std::string> FakeHost::list(const std::string& path) const {
    ++looks_;
    auto directory = resolve(world_.seen, path);
    for (const Node* node; (node = find(world_.seen, directory)) && node->kind == Entry::Kind::link;)
        directory = resolve(world_.seen,
                            node->target.starts_with('/') ? node->target : below(parent_of(directory)) + node->target);
    const auto prefix = below(directory);
    std::set<std::string> names;
    for (auto i = world_.seen.upper_bound(prefix); i != world_.seen.end() && i->first.starts_with(prefix); ++i)
        names.insert(i->first.substr(prefix.size(), i->first.find('/', prefix.size()) - prefix.size()));
    for (auto i = world_.kernel.upper_bound(prefix); i != world_.kernel.end() && i->first.starts_with(prefix); ++i)
        names.insert(i->first.substr(prefix.size(), i->first.find('/', prefix.size()) - prefix.size()));
    return {names.begin(), names.end()};
}

Content FakeHost::content(const std::string& path) const {
    ++reads_;
    const Node* node = find(world_.seen, path);
    if (!node || node->kind != Entry::Kind::file) throw Error(path + " is no regular file");
    return node->content;
}

Output FakeHost::ask(const Command& command) const {
    FakeHost copy(*this);
    copy.discard();
    const auto behaviour = copy.world_.commands.find(command.argv.at(0));
    if (behaviour == copy.world_.commands.end()) return {127, "", command.argv[0] + ": command not found\n"};
    return Behaviour(behaviour->second)(copy, command);
}

// ---------------------------------------------------------------- changing

FakeHost::Node FakeHost::dressed(const Node* old, Node node, const Meta& meta) const {
    const auto id = [this](const std::string& name, const char* table, const char* what) {
        if (is_number(name)) return static_cast<std::uint32_t>(std::stoul(name));
        const Node* lines = find(world_.seen, table);
        if (const auto found = id_of(lines ? lines->content.bytes() : "", name)) return *found;
        throw Error(fmt::format("there is no {} {}", what, name));
    };
    node.mode = node.kind == Entry::Kind::link ? 0777 : meta.mode;
    node.uid = !meta.owner.empty() ? id(meta.owner, "/etc/passwd", "user") : old ? old->uid : 0;
    node.gid = !meta.group.empty() ? id(meta.group, "/etc/group", "group") : old ? old->gid : 0;
    return node;
}

void FakeHost::write(const std::string& where, const Content& content, const Meta& meta) {
    const auto path = resolve(world_.seen, where);
    const Node* old = find(world_.seen, path);
    if (old && old->kind == Entry::Kind::directory) throw Error(path + " is a directory");
    const Node* parent = find(world_.seen, parent_of(path));
    if (!parent || parent->kind != Entry::Kind::directory) throw Error(parent_of(path) + " is no directory");
    Node node = dressed(old, {.kind = Entry::Kind::file, .content = content}, meta);
    if (old && old->same_as(node)) return;
    node.inode = ++world_.next_inode;
    queue(path, std::move(node));
}

void FakeHost::make_directory(const std::string& where, const Meta& meta) {
    const auto path = resolve(world_.seen, where);
    const Node* old = find(world_.seen, path);
    if (old && old->kind != Entry::Kind::directory) throw Error(path + " is there and no directory");
    const Node* parent = find(world_.seen, parent_of(path));
    if (!parent || parent->kind != Entry::Kind::directory) throw Error(parent_of(path) + " is no directory");
    Node node = dressed(old, {.kind = Entry::Kind::directory}, meta);
    if (old && old->same_as(node)) return;
    node.inode = old ? old->inode : ++world_.next_inode;
    queue(path, std::move(node));
}

void FakeHost::make_link(const std::string& where, const std::string& target, const Meta& owner) {
    const auto path = resolve(world_.seen, where);
    const Node* old = find(world_.seen, path);
    if (old && old->kind == Entry::Kind::directory) throw Error(path + " is a directory");
    const Node* parent = find(world_.seen, parent_of(path));
    if (!parent || parent->kind != Entry::Kind::directory) throw Error(parent_of(path) + " is no directory");
    Node node = dressed(old, {.kind = Entry::Kind::link, .target = target}, owner);
    if (old && old->same_as(node)) return;
    node.inode = ++world_.next_inode;
    queue(path, std::move(node));
}

void FakeHost::set_meta(const std::string& where, const Meta& meta) {
    const auto path = resolve(world_.seen, where);
    const Node* old = find(world_.seen, path);
    if (!old) throw Error(path + " is not there");
    Node node = dressed(old, *old, meta);
    if (!old->same_as(node)) queue(path, std::move(node));
}

void FakeHost::remove(const std::string& where) {
    const auto path = resolve(world_.seen, where);
    const Node* old = find(world_.seen, path);
    if (!old) return;
    if (old->kind == Entry::Kind::directory && !list(path).empty()) throw Error(path + " is not empty");
    queue(path, {});
}

void FakeHost::remove_tree(const std::string& where) {
    const auto path = resolve(world_.seen, where);
    std::vector<std::string> doomed;
    for (auto i = world_.seen.lower_bound(path); i != world_.seen.end(); ++i)
        if (i->first == path || i->first.starts_with(below(path))) doomed.push_back(i->first);
    for (auto i = doomed.rbegin(); i != doomed.rend(); ++i) {
        world_.trash[*i] = world_.seen[*i];
        queue(*i, {});
    }
}

void FakeHost::set_kernel(const std::string& path, const std::string& value) {
    publish();
    if (!world_.live) throw Error("an image has no kernel");
    const auto old = world_.kernel.find(path);
    if (old == world_.kernel.end()) throw Error(path + " is not there");
    if (const auto refused = world_.refused.find(path); refused != world_.refused.end())
        throw Error(path + ": " + refused->second);
    if (old->second == value) return;
    count();
    old->second = value;
}

std::string FakeHost::keep_in(const std::string& name) {
    if (!find(world_.shown, "/var/lib/chaos")) return {};
    put_directory("/var/lib/chaos/" + name, 0700);
    return "/var/lib/chaos/" + name;
}

Output FakeHost::run(const Command& command) {
    publish();
    count();
    world_.ran.push_back(command);
    const auto behaviour = world_.commands.find(command.argv.at(0));
    if (behaviour == world_.commands.end()) return {127, "", command.argv[0] + ": command not found\n"};
    return Behaviour(behaviour->second)(*this, command);  // a copy: it may put commands itself
}

// ---------------------------------------------------------------- units

std::string FakeHost::unit_file(const std::string& unit) const {
    auto name = unit;
    if (const auto at = unit.find('@'); at != std::string::npos)
        name = unit.substr(0, at + 1) + unit.substr(unit.rfind('.'));
    for (const char* directory :
         {"/etc/systemd/system/", "/run/systemd/system/", "/lib/systemd/system/", "/usr/lib/systemd/system/"})
        for (const auto& candidate : {unit, name})
            if (const Node* node = find(world_.shown, directory + candidate)) {
                if (node->kind == Entry::Kind::file || node->target == "/dev/null") return directory + candidate;
            }
    return {};
}

/// The unit and its drop-ins, as the service manager would load them now.
std::string FakeHost::unit_text(const std::string& unit) const {
    const auto file = unit_file(unit);
    const Node* node = file.empty() ? nullptr : find(world_.shown, file);
    std::string all = node && node->kind == Entry::Kind::file ? node->content.bytes() : "";
    const auto prefix = "/etc/systemd/system/" + unit + ".d/";
    for (auto i = world_.shown.lower_bound(prefix); i != world_.shown.end() && i->first.starts_with(prefix); ++i)
        if (i->second.kind == Entry::Kind::file) all += "\n" + i->second.content.bytes();
    return all;
}

/// Path and target of each link that `enable` makes.
std::vector<std::pair<std::string, std::string>> FakeHost::install_links(const std::string& unit) const {
    std::vector<std::pair<std::string, std::string>> links;
    const auto file = unit_file(unit);
    for (const auto& line : split(unit_text(unit), '\n')) {
        const auto equals = line.find('=');
        if (equals == std::string::npos) continue;
        const auto key = line.substr(0, equals);
        for (const auto& word : split(line.substr(equals + 1), ' ')) {
            if (word.empty()) continue;
            if (key == "WantedBy") links.push_back({"/etc/systemd/system/" + word + ".wants/" + unit, file});
            if (key == "RequiredBy") links.push_back({"/etc/systemd/system/" + word + ".requires/" + unit, file});
            if (key == "Alias") links.push_back({"/etc/systemd/system/" + word, file});
        }
    }
    return links;
}

std::vector<Unit> FakeHost::Bus::units() const {
    std::vector<Unit> all;
    for (const auto& [name, service] : host_.world_.services) {
        auto one = unit(name);
        one.invocation.clear(), one.started_us = 0, one.can_reload = one.stale = false;
        all.push_back(std::move(one));
    }
    return all;
}

Unit FakeHost::Bus::unit(const std::string& name) const {
    const auto file = host_.unit_file(name);
    const Node* node = file.empty() ? nullptr : host_.find(host_.world_.shown, file);
    Unit unit{.name = name, .load = "loaded", .active = "inactive", .sub = "dead"};
    if (!node) unit.load = "not-found";
    if (node && node->kind == Entry::Kind::link) unit.load = "masked";
    const auto text = host_.unit_text(name);
    unit.can_reload = text.find("ExecReload=") != std::string::npos;
    const auto service = host_.world_.services.find(name);
    if (service == host_.world_.services.end()) return unit;
    unit.active = service->second.active, unit.sub = service->second.sub;
    unit.invocation = service->second.invocation, unit.started_us = service->second.started_us;
    unit.stale = service->second.loaded_text != text;
    return unit;
}

void FakeHost::control(UnitVerb verb, const std::string& unit) {
    publish();
    const bool of_files = verb >= UnitVerb::enable;
    if (!of_files && !world_.live) throw Error("no service manager answers");
    count();
    world_.verbs.push_back(fmt::format("{} {}", name_of(verb), unit));
    if (std::any_of(world_.services.begin(), world_.services.end(),
                    [this](const auto& one) { return one.second.loaded_text != unit_text(one.first); })) {
        ++world_.reloads;
        for (auto& [name, service] : world_.services) service.loaded_text = unit_text(name);
    }
    const auto file = unit_file(unit);
    const auto state = bus_.unit(unit);
    const auto mask = "/etc/systemd/system/" + unit;
    switch (verb) {
        case UnitVerb::mask:
            if (find(world_.shown, mask) && find(world_.shown, mask)->kind == Entry::Kind::file)
                throw Error(mask + " is there");
            return put_link(mask, "/dev/null");
        case UnitVerb::unmask:
            if (const Node* node = find(world_.shown, mask); node && node->target == "/dev/null") erase(mask);
            return;
        case UnitVerb::disable:
            if (state.load == "masked") return;  // systemd ignores it, and says nothing
            for (const auto& [path, target] : install_links(unit)) erase(path);
            return;
        default: break;
    }
    if (state.load == "not-found" && verb != UnitVerb::stop) throw Error("unit " + unit + " not found");
    if (state.load == "masked" && verb != UnitVerb::stop) throw Error("unit " + unit + " is masked");
    if (verb == UnitVerb::enable) {
        for (const auto& [path, target] : install_links(unit)) put_link(path, target);
        return;
    }
    Service& service = world_.services[unit];
    service.loaded_text = unit_text(unit);
    if (verb == UnitVerb::stop) {
        service.active = "inactive", service.sub = "dead", service.started_us = 0;
    } else if (verb == UnitVerb::reload) {
        if (service.active != "active") throw Error("unit " + unit + " is not active");
        if (!state.can_reload) throw Error("unit " + unit + " can not be reloaded");
    } else if (verb == UnitVerb::restart || service.active != "active") {
        service.active = "active", service.sub = "running";
        service.invocation = fmt::format("{:032x}", ++world_.next_inode);
        service.started_us = static_cast<std::uint64_t>(++world_.clock);
    }
}

}  // namespace chaos::test
