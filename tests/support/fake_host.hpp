// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chaos/host.hpp>
#include <functional>
#include <map>
#include <set>

namespace chaos::test {

/// The power went: not an Error, and nobody is to catch it but the test that asked for it.
struct Crash {
    std::size_t change;  ///< Which one did not happen any more.
};

/// A host in memory. Copying one gives the same host in another universe: what is done to the copy is not seen here.
///
/// It queues as the real one does: what a kind changes is seen by looking through it, and by everybody else (shown(),
/// tools, services) from publish() on; run(), control() and set_kernel() publish first. Every name that is published,
/// every run(), control() and set_kernel() is one change: fail_at() and crash_at() count them.
class FakeHost final : public WritableHost {
public:
    struct Node {
        Entry::Kind kind = Entry::Kind::absent;
        std::uint32_t mode = 0, uid = 0, gid = 0;
        Content content{};
        std::string target{};
        std::uint64_t device = 0, inode = 0;
        std::int64_t modified = 0;
        bool synced = false;  ///< Its bytes survive a power cut.
        bool same_as(const Node& other) const;
    };
    /// What a command does; it sees the host as published, and changes it by the members of the scene.
    using Behaviour = std::function<Output(FakeHost&, const Command&)>;

    /// A small Debian: the usual directories, /etc/passwd and group with root, www-data (33) and nobody (65534).
    explicit FakeHost(bool live = true);
    FakeHost(const FakeHost&);
    FakeHost& operator=(const FakeHost&);

    // The scene: at once, not counted, as another process would do it. Missing parents are made.
    void put_file(const std::string& path, const std::string& text, std::uint32_t mode = 0644, std::uint32_t uid = 0,
                  std::uint32_t gid = 0);
    void put_directory(const std::string& path, std::uint32_t mode = 0755, std::uint32_t uid = 0,
                       std::uint32_t gid = 0);
    void put_link(const std::string& path, const std::string& target);
    void erase(const std::string& path);                                 ///< With all below.
    void put_kernel(const std::string& path, const std::string& value);  ///< `/proc/sys/kernel/hostname`
    void put_command(const std::string& name, Behaviour does);           ///< By argv[0].
    void put_unit(const std::string& name, const std::string& text, bool running = false);  ///< In /lib/systemd/system.
    void set_superuser(bool is) { world_.superuser = is; }
    void refuse(const std::string& path, const std::string& why);  ///< Looking at it or changing it is an Error.
    void mount(const std::string& path);  ///< From here on it is a file system of its own; nothing may be in it yet.

    // What happened.
    std::string text(const std::string& path) const;  ///< Content as published; throws Error where there is no file.
    std::string dump() const;  ///< Everything that undo must give back, a line each: tree, kernel, units. As published.
    const std::vector<Command>& ran() const { return world_.ran; }               ///< By run(), in order.
    const std::vector<std::string>& controlled() const { return world_.verbs; }  ///< `restart nginx.service`, ...
    std::size_t daemon_reloads() const { return world_.reloads; }
    std::size_t changes() const { return world_.changes; }
    std::size_t looks() const { return looks_; }  ///< How often anybody looked at a path, and
    std::size_t reads() const { return reads_; }  ///< how often content was asked for.
    const std::map<std::string, Node>& trash() const { return world_.trash; }

    // Faults. Counted from now, the first change being 1.
    void fail_at(std::size_t change);   ///< Throws Error instead; a publish then leaves nothing of itself.
    void crash_at(std::size_t change);  ///< Throws Crash instead; what was queued is lost, what was published stays.
    void heal();                        ///< No more faults.

    // Power. Names changed since sync() are a journal for each file system; none is ordered against another.
    void sync();
    /// Cuts the power and boots again: each file system keeps the first `kept(device, pending)` of its pending names;
    /// bytes nobody synced are gone. Kernel values are as they were put, services run as they are enabled.
    void cut(const std::function<std::size_t(std::uint64_t device, std::size_t pending)>& kept);
    std::map<std::uint64_t, std::size_t> pending() const;

    void publish();
    void discard();
    std::size_t queued() const { return world_.queue.size(); }

    // Host
    bool live() const override { return world_.live; }
    bool superuser() const override { return world_.superuser; }
    Entry look(const std::string& path, std::string* content = nullptr,
               std::size_t most = Content::in_memory) const override;
    std::vector<std::string> list(const std::string& path) const override;
    Content content(const std::string& path) const override;
    Output ask(const Command&) const override;  ///< In a copy of the host: effects are lost with it.
    const Services& services() const override { return bus_; }

    // WritableHost
    void write(const std::string& path, const Content&, const Meta&) override;
    void make_directory(const std::string& path, const Meta&) override;
    void make_link(const std::string& path, const std::string& target, const Meta& owner = {}) override;
    void set_meta(const std::string& path, const Meta&) override;
    void remove(const std::string& path) override;
    void remove_tree(const std::string& path) override;
    void set_kernel(const std::string& path, const std::string& value) override;
    std::string keep_in(const std::string& name) override;  ///< Where the scene has a /var/lib/chaos.
    void says(const std::string& line) override { said.push_back(line); }
    std::vector<std::string> said{};  ///< What a kind told whoever watches.
    Output run(const Command&) override;
    void control(UnitVerb, const std::string& unit) override;

private:
    using Tree = std::map<std::string, Node>;
    struct Service {
        std::string active = "inactive", sub = "dead", invocation{}, loaded_text{};
        std::uint64_t started_us = 0;
    };
    struct Renamed {
        std::string path;
        Node before;
    };
    struct World {
        bool live = true, superuser = true;
        Tree seen, shown;                ///< Through the queue, and as published.
        std::vector<std::string> queue;  ///< Paths, in the order of their last change.
        Tree trash;
        std::map<std::string, std::string> kernel, kernel_at_boot, refused;
        std::map<std::string, Behaviour> commands;
        std::map<std::string, Service> services;
        std::map<std::uint64_t, std::vector<Renamed>> journal;
        std::set<std::string> mounts;
        std::vector<Command> ran;
        std::vector<std::string> verbs;
        std::uint64_t next_inode = 100;
        std::int64_t clock = 0;
        std::size_t changes = 0, fail_at = 0, crash_at = 0, reloads = 0;
    };
    class Bus final : public Services {
    public:
        explicit Bus(const FakeHost& host) : host_(host) {}
        bool answers() const override { return host_.world_.live; }
        std::vector<Unit> units() const override;
        Unit unit(const std::string& name) const override;

    private:
        const FakeHost& host_;
    };

    std::string resolve(const Tree&, const std::string& path) const;
    const Node* find(const Tree&, const std::string& path) const;
    void queue(const std::string& path, Node node);
    void show(const std::string& path, Node node);
    void put(const std::string& path, Node node);
    void count();
    Node dressed(const Node* old, Node node, const Meta&) const;
    std::string unit_file(const std::string& unit) const;
    std::string unit_text(const std::string& unit) const;
    std::vector<std::pair<std::string, std::string>> install_links(const std::string& unit) const;
    std::uint64_t device_of(const std::string& path) const;

    World world_;
    Bus bus_;
    mutable std::atomic<std::size_t> looks_{0}, reads_{0};
};

}  // namespace chaos::test
