// SPDX-License-Identifier: Apache-2.0
// What stands ready to take a run back that nobody confirms (docs/confirm.md). A timer of systemd is gone after a
// reboot, so that there is a unit for that; and a run may replace or break this program, its libraries, the loader: so
// both start a copy that has all of them beside it.
#include "expiry.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chaos/bus.hpp>
#include <chaos/digest.hpp>
#include <chaos/process.hpp>
#include <cstring>
#include <map>

#include "descriptor.hpp"
#include "state_directory.hpp"

namespace chaos::rollback {
namespace {

constexpr const char* unit_directory = "/etc/systemd/system";
constexpr const char* wants_directory = "/etc/systemd/system/multi-user.target.wants";

std::string directory_of(const std::string& state_directory) {
    return state_directory + "/window";
}

/// Of the usual store; another one has units of its own.
std::string name_of(const std::string& state_directory, const char* stem) {
    if (state_directory == "/var/lib/chaos") return stem;
    return fmt::format("{}-{}", stem, hex(digest(state_directory)).substr(0, 8));
}

void remove_flat(const std::string& directory) {
    DIR* open = ::opendir(directory.c_str());
    if (!open) {
        if (errno == ENOENT) return;
        fail_on("can not remove", directory);
    }
    while (const dirent* entry = ::readdir(open))
        if (const std::string_view name = entry->d_name; name != "." && name != "..")
            ::unlink((directory + "/" + entry->d_name).c_str());
    ::closedir(open);
    if (::rmdir(directory.c_str()) != 0) fail_on("can not remove", directory);
}

void write_whole(const Descriptor& to, std::string_view bytes, const std::string& path) {
    while (!bytes.empty()) {
        const ssize_t put = ::write(*to, bytes.data(), bytes.size());
        if (put < 0 && errno == EINTR) continue;
        if (put <= 0) fail_on("can not write", path);
        bytes.remove_prefix(static_cast<std::size_t>(put));
    }
}

void copy(const std::string& from, const std::string& to) {
    const Descriptor source(::open(from.c_str(), O_RDONLY | O_CLOEXEC));
    if (!source) fail_on("can not read", from);
    const Descriptor target(::open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0500));
    if (!target) fail_on("can not write", to);
    std::string block(1 << 20, '\0');
    for (;;) {
        const ssize_t got = ::read(*source, block.data(), block.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) fail_on("can not read", from);
        if (got == 0) break;
        write_whole(target, std::string_view(block).substr(0, static_cast<std::size_t>(got)), to);
    }
    if (::fsync(*target) != 0) fail_on("can not sync", to);
}

/// One file that this process has mapped: under which name it goes into the copy, and where its bytes are.
struct Mapped {
    std::string name, bytes;
};

/// The loader and every library; each is read as it was mapped, whatever lies under its name now.
std::vector<Mapped> mapped_files(std::string& loader) {
    const auto base = ::getauxval(AT_BASE);
    std::map<std::string, std::string> files;  // by path
    char exe[4096];
    const ssize_t length = ::readlink("/proc/self/exe", exe, sizeof exe);
    const std::string program(exe, length > 0 ? static_cast<std::size_t>(length) : 0);
    const std::string maps = read_file("/proc/self/maps");
    std::string loader_path;
    for (std::size_t at = 0, end; (end = maps.find('\n', at)) != std::string::npos; at = end + 1) {
        const std::string line = maps.substr(at, end - at);
        const auto slash = line.find('/');
        if (slash == std::string::npos) continue;
        const std::string path = line.substr(slash);
        const std::string range = line.substr(0, line.find(' '));
        const auto from = std::stoull(range, nullptr, 16);
        if (from == base) loader_path = path;
        constexpr std::string_view deleted = " (deleted)";
        const bool gone = path.ends_with(deleted);
        if (path == program || path.find(".so") == std::string::npos) continue;
        files.emplace(path, gone ? "/proc/self/map_files/" + range : path);
    }
    std::vector<Mapped> all{{"chaos", "/proc/self/exe"}};
    for (const auto& [path, bytes] : files) {
        std::string name = path.substr(path.rfind('/') + 1);
        name = name.substr(0, name.find(" (deleted)"));
        if (path == loader_path) loader = "loader", name = loader;
        all.push_back({name, bytes});
    }
    return all;
}

/// The words that start the copy.
std::vector<std::string> command_of(const std::string& state_directory) {
    const std::string directory = directory_of(state_directory);
    std::vector<std::string> words;
    if (::access((directory + "/loader").c_str(), F_OK) == 0)
        words = {directory + "/loader", "--library-path", directory};
    words.insert(words.end(), {directory + "/chaos", "recover", "--unconfirmed", "--state-dir", state_directory});
    return words;
}

void copy_program(const std::string& state_directory) {
    const std::string directory = directory_of(state_directory), fresh = directory + ".new";
    remove_flat(fresh);
    remove_flat(directory);
    if (::mkdir(fresh.c_str(), 0700) != 0) fail_on("can not make", fresh);
    std::string loader;
    for (const Mapped& file : mapped_files(loader)) copy(file.bytes, fresh + "/" + file.name);
    durable::sync_directory(fresh);
    if (::rename(fresh.c_str(), directory.c_str()) != 0) fail_on("can not make", directory);
    durable::sync_directory(state_directory);
}

/// It may lie where nothing may be run, or lack what it needs: that is to be known now.
void try_copy(const std::string& state_directory) {
    Command command{command_of(state_directory)};
    command.argv.resize(command.argv.size() - 4);  // the words for the program itself
    command.argv.emplace_back("version");
    command.timeout_s = 60;
    Child child(command);
    child.release();
    const Output output = child.wait();
    if (output.status != 0) throw failed(command, output);
}

void write_boot_unit(const std::string& state_directory) {
    std::string line;
    for (const std::string& word : command_of(state_directory)) line += (line.empty() ? "" : " ") + word;
    const std::string unit = name_of(state_directory, "chaos-window") + ".service";
    // It requires nothing of a boot: one that ends for maintenance takes along only what requires what failed.
    const std::string text = fmt::format(
        R"([Unit]
Description=Take back the run of chaos that nobody confirmed
Documentation=man:chaos-confirm(1)
ConditionPathExists={0}/chaos
RequiresMountsFor={0}
DefaultDependencies=no
IgnoreOnIsolate=yes
After=basic.target dbus.service
Conflicts=shutdown.target
Before=shutdown.target

[Service]
Type=exec
ExecStart={1}
Restart=on-failure
RestartSec=30s
RestartPreventExitStatus=3 4
)",
        directory_of(state_directory), line);
    if (::mkdir(wants_directory, 0755) != 0 && errno != EEXIST) fail_on("can not make", wants_directory);
    durable::replace(fmt::format("{}/{}", unit_directory, unit), text, 0644);
    const std::string link = fmt::format("{}/{}", wants_directory, unit);
    if (::symlink(("../" + unit).c_str(), link.c_str()) != 0 && errno != EEXIST) fail_on("can not make", link);
    durable::sync_directory(wants_directory);
    durable::sync_directory(unit_directory);
}

/// Whether systemd counts this process to that unit.
bool is_in(const std::string& unit) {
    return read_file("/proc/self/cgroup").find("/" + unit + "\n") != std::string::npos;
}

/// What watched an earlier window: a timer, and a process that was killed or could not end it, and that systemd starts
/// again and again. While one of them is there, no other of that name can be made. Nothing waits by now, so that the
/// one that ends a window itself finds that out, too.
void stop_watching(const std::string& state_directory) {
    constexpr int patience_s = 30;
    SystemdServices services;
    const std::string timer = name_of(state_directory, "chaos-expire");
    for (const std::string& unit :
         {timer + ".timer", timer + ".service", name_of(state_directory, "chaos-window") + ".service"}) {
        if (services.unit(unit).at_work() && !is_in(unit)) services.control(UnitVerb::stop, unit, patience_s);
    }
}

/// Without systemd: a process of its own session that nobody waits for.
void leave_behind(const std::vector<std::string>& words) {
    std::vector<char*> argv;
    for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    const pid_t child = ::fork();
    if (child < 0) throw Error(fmt::format("can not start a process: {}", std::strerror(errno)));
    if (child == 0) {
        ::setsid();
        if (::fork() != 0) ::_exit(0);
        const int nowhere = ::open("/dev/null", O_RDWR);
        for (int descriptor = 0; descriptor < 3; ++descriptor) ::dup2(nowhere, descriptor);
        if (::chdir("/") != 0) ::_exit(1);
        ::execv(argv[0], argv.data());
        ::_exit(127);
    }
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
}

bool is_plain(const std::string& path) {
    return std::all_of(path.begin(), path.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               std::string_view("/._-+").find(c) != std::string_view::npos;
    });
}

bool has_systemd(const Host& host) {
    return host.live() && host.superuser() && host.services().answers();
}

}  // namespace

bool is_armed(const std::string& state_directory) {
    return ::access(directory_of(state_directory).c_str(), F_OK) == 0;
}

void arm(const Host& host, const std::string& state_directory, std::int64_t seconds, Reporter& reporter) try {
    if (!host.live())
        throw Error("an image runs nothing: there is nobody who could confirm, and nothing that could take it back");
    if (!is_plain(state_directory))
        throw Error(
            fmt::format("the state directory has a character that a unit file can not have: {}", state_directory));
    const bool systemd = has_systemd(host);  // first: what it opens is copied, too
    copy_program(state_directory);
    try_copy(state_directory);
    keep_reserve(state_directory);
    if (!systemd) {
        reporter.says(std::string(host.superuser() ? "no systemd answers here" : "this is not root") +
                      ": a process waits for the end of the window, and a reboot is not covered "
                      "but by chaos recover");
        return leave_behind(command_of(state_directory));
    }
    stop_watching(state_directory);
    write_boot_unit(state_directory);
    SystemdServices services;
    services.start_later(name_of(state_directory, "chaos-expire"), seconds, command_of(state_directory),
                         "Take back the run of chaos that nobody confirms");
} catch (const Error& error) {
    try {
        disarm(host, state_directory);
    } catch (const Error&) {  // why it could not be armed is what counts
    }
    throw Error(
        fmt::format("nothing was changed: it can not be made sure that the run is taken back: {}", error.what()))
        .help("mend that; or say --no-confirm, and take it back yourself: chaos rollback");
}

void disarm(const Host& host, const std::string& state_directory) {
    const std::string unit = name_of(state_directory, "chaos-window") + ".service";
    if (has_systemd(host)) try {
            stop_watching(state_directory);
        } catch (const Error&) {  // it finds nothing that waits, and ends
        }
    bool removed = false;
    for (const std::string& path :
         {fmt::format("{}/{}", wants_directory, unit), fmt::format("{}/{}", unit_directory, unit)})
        if (host.live() && ::unlink(path.c_str()) == 0) removed = true;
    if (removed) durable::sync_directory(unit_directory);
    remove_flat(directory_of(state_directory) + ".new");
    remove_flat(directory_of(state_directory));
}

}  // namespace chaos::rollback
