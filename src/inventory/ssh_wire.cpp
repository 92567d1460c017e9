// SPDX-License-Identifier: Apache-2.0
// Git over ssh, by OpenSSH's own program: the libssh2 of libgit2 knows neither half of the keys people have, nor a
// file of known hosts. No configuration of a person or of the host decides anything here, and no shell is on this side.
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chaos/error.hpp>
#include <csignal>
#include <cstring>
#include <vector>

#include "descriptor.hpp"
#include "git_wire.hpp"
#include "text.hpp"

extern "C" char** environ;

namespace chaos::git {
namespace {

/// One word for the shell on the other side.
std::string quoted(std::string_view text) {
    std::string out = "'";
    for (const char c : text) out.append(c == '\'' ? "'\\''" : std::string(1, c));
    return out + "'";
}

/// A path as a value of ssh's configuration, where % and blanks mean something.
std::string as_value(std::string_view path) {
    std::string out;
    for (const char c : path) out.append(c == '%' ? "%%" : c == '"' ? "\\\"" : std::string(1, c));
    return '"' + out + '"';
}

std::vector<std::string> command_of(const Address& address, const Access& access) {
    std::vector<std::string> argv{"ssh", "-F", "none", "-T", "-x"};
    const auto option = [&](std::string value) { argv.insert(argv.end(), {"-o", std::move(value)}); };
    for (const char* each :
         {"BatchMode=yes", "StrictHostKeyChecking=yes", "UpdateHostKeys=no", "CheckHostIP=no", "ForwardAgent=no",
          "ClearAllForwardings=yes", "ControlMaster=no", "ControlPath=none", "PasswordAuthentication=no",
          "KbdInteractiveAuthentication=no", "LogLevel=ERROR", "ServerAliveCountMax=3"})
        option(each);
    option(fmt::format("ConnectTimeout={}", access.stall_s));
    option(fmt::format("ServerAliveInterval={}", std::max<std::int64_t>(1, access.stall_s / 3)));
    if (!access.ssh_key.empty()) {
        option("IdentitiesOnly=yes");
        option("IdentityAgent=none");
        option("IdentityFile=" + as_value(access.ssh_key));
    }
    if (!access.known_hosts.empty()) {
        option("UserKnownHostsFile=" + as_value(access.known_hosts));
        option("GlobalKnownHostsFile=none");
    }
    if (!address.port.empty()) argv.insert(argv.end(), {"-p", address.port});
    if (!address.user.empty()) argv.insert(argv.end(), {"-l", address.user});
    argv.insert(argv.end(), {"--", address.host, "git-upload-pack " + quoted(address.path)});
    return argv;
}

class SshWire final : public Wire {
public:
    SshWire(const Address&, const Access&);
    ~SshWire() override;

    bool forgets() const override { return false; }
    void begin(Asks) override;
    void write(std::string_view bytes) override;
    std::size_t read(char* into, std::size_t room) override;

private:
    /// Waits until it can be written to, or read from; takes what it complains of meanwhile.
    void wait_for(int descriptor, short event);
    void take_complaints();
    [[noreturn]] void explain();

    Address at_;
    Access access_;
    Patience patience_;
    pid_t pid_ = -1;
    Descriptor in_, out_, complaints_;
    std::string said_{};
    std::uint64_t bytes_ = 0;
};

SshWire::SshWire(const Address& address, const Access& access) : at_(address), access_(access), patience_(access) {
    if (!access.proxy.empty())
        throw Error(fmt::format("{} is asked by ssh, and that goes through no proxy of http", address.host))
            .help("take the proxy away, or follow the repository by https");
    const auto need = [](const std::string& file, const char* what) {
        if (!file.empty() && ::access(file.c_str(), R_OK) != 0)
            throw Error(fmt::format("{} {} can not be read: {}", what, file, std::strerror(errno)));
    };
    need(access.ssh_key, "the key");
    need(access.known_hosts, "the known hosts in");
}

SshWire::~SshWire() {
    if (pid_ < 0) return;
    in_.close(), out_.close(), complaints_.close();
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
}

void SshWire::begin(Asks asks) {
    if (asks == Asks::pack) return;  // the talk goes on
    int in[2], out[2], err[2];
    if (::pipe2(in, O_CLOEXEC) < 0) throw Error(fmt::format("no pipe for ssh: {}", std::strerror(errno)));
    Descriptor theirs_in(in[0]);
    in_ = Descriptor(in[1]);
    if (::pipe2(out, O_CLOEXEC) < 0) throw Error(fmt::format("no pipe for ssh: {}", std::strerror(errno)));
    Descriptor theirs_out(out[1]);
    out_ = Descriptor(out[0]);
    if (::pipe2(err, O_CLOEXEC) < 0) throw Error(fmt::format("no pipe for ssh: {}", std::strerror(errno)));
    Descriptor theirs_err(err[1]);
    complaints_ = Descriptor(err[0]);
    for (const Descriptor* each : {&in_, &out_, &complaints_}) ::fcntl(each->number(), F_SETFL, O_NONBLOCK);

    const std::vector<std::string> words = command_of(at_, access_);
    std::vector<char*> argv;
    for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t usual;
    ::sigemptyset(&usual);
    ::sigaddset(&usual, SIGPIPE);
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, theirs_in.number(), 0);
    ::posix_spawn_file_actions_adddup2(&actions, theirs_out.number(), 1);
    ::posix_spawn_file_actions_adddup2(&actions, theirs_err.number(), 2);
    ::posix_spawnattr_init(&attributes);
    ::posix_spawnattr_setsigdefault(&attributes, &usual);
    ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
    const int failed = ::posix_spawnp(&pid_, "ssh", &actions, &attributes, argv.data(), environ);
    ::posix_spawnattr_destroy(&attributes);
    ::posix_spawn_file_actions_destroy(&actions);
    if (failed == 0) return;
    pid_ = -1;
    throw Error(fmt::format("{} is asked by ssh, and that can not be run: {}", at_.host, std::strerror(failed)))
        .help(failed == ENOENT ? "apt-get install openssh-client" : "");
}

void SshWire::take_complaints() {
    std::array<char, 4096> block;
    constexpr std::size_t enough = 16 << 10;
    for (ssize_t got = 0; complaints_ && (got = ::read(complaints_.number(), block.data(), block.size())) != -1;) {
        if (got == 0) return complaints_.close();
        if (said_.size() < enough) said_.append(block.data(), static_cast<std::size_t>(got));
    }
}

void SshWire::wait_for(int descriptor, short event) {
    for (;;) {
        std::array<pollfd, 2> wanted{pollfd{descriptor, event, 0}, pollfd{complaints_.number(), POLLIN, 0}};
        if (::poll(wanted.data(), wanted.size(), patience_.left_ms()) < 0 && errno != EINTR)
            throw Error(fmt::format("can not wait for ssh: {}", std::strerror(errno)));
        if (wanted[1].revents) take_complaints();
        if (wanted[0].revents) return;
    }
}

void SshWire::write(std::string_view bytes) {
    patience_.progress();
    while (!bytes.empty()) {
        wait_for(in_.number(), POLLOUT);
        const ssize_t put = ::write(in_.number(), bytes.data(), bytes.size());
        if (put < 0 && (errno == EAGAIN || errno == EINTR)) continue;
        if (put < 0) explain();
        bytes.remove_prefix(static_cast<std::size_t>(put));
        patience_.progress();
    }
}

std::size_t SshWire::read(char* into, std::size_t room) {
    patience_.progress();
    for (;;) {
        wait_for(out_.number(), POLLIN);
        const ssize_t got = ::read(out_.number(), into, room);
        if (got < 0 && (errno == EAGAIN || errno == EINTR)) continue;
        if (got <= 0) explain();  // git ends a talk by what it says, not by going away
        if ((bytes_ += static_cast<std::uint64_t>(got)) > access_.most_bytes) refuse_more(access_);
        return static_cast<std::size_t>(got);
    }
}

/// It is gone: why, from what it said and how it ended.
void SshWire::explain() {
    // What it holds open no longer, it has said all of.
    while (complaints_) {
        pollfd wanted{complaints_.number(), POLLIN, 0};
        if (::poll(&wanted, 1, patience_.left_ms()) > 0) take_complaints();
    }
    const auto has = [&](const char* words) { return said_.find(words) != said_.npos; };
    const std::string known = access_.known_hosts.empty() ? "~/.ssh/known_hosts" : access_.known_hosts;
    const std::string port = at_.port.empty() ? "" : "-p " + at_.port + " ";
    if (has("HOST IDENTIFICATION HAS CHANGED") || has("has changed and you have requested strict checking"))
        throw Error(fmt::format("{} is not who it was: its key is not the one in {}", at_.host, known))
            .help(
                "somebody may stand between. If its administrator says that the key is a new one, take the old one out "
                "of that file and the new one in");
    if (has("host key is known for") || has("Host key verification failed"))
        throw Error(fmt::format("{} is not known: {} has no key of it", at_.host, known))
            .help(fmt::format("ssh-keyscan {}{} >> {}, and compare it with what its administrator says", port, at_.host,
                              known));
    if (has("Permission denied"))
        throw Error(fmt::format("{} does not let us in{}", at_.host,
                                access_.ssh_key.empty() ? "" : " with the key " + access_.ssh_key))
            .help(has("bad permissions")
                      ? "others can read that key, so ssh does not use it: chmod 600 " + access_.ssh_key
                      : "does it have the public half of the key? one with a passphrase can not be "
                        "used: nobody is asked");
    std::string last;
    for_lines(said_, [&](std::string_view line) {
        if (last.size() < 300) last.append(last.empty() ? "" : "; ").append(line);
    });
    if (bytes_ > 0)
        throw Error(fmt::format("{} went away in the middle of it{}{}", at_.host, last.empty() ? "" : ": ", last))
            .help("trying later may do");
    throw Error(fmt::format("can not talk to {} by ssh: {}", at_.host, last.empty() ? "it says nothing" : last));
}

}  // namespace

std::unique_ptr<Wire> ssh_wire(const Address& address, const Access& access) {
    return std::make_unique<SshWire>(address, access);
}

}  // namespace chaos::git
