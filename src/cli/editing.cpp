// SPDX-License-Identifier: Apache-2.0
#include "editing.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/magic.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chaos/schema.hpp>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <vector>

extern char** environ;

namespace chaos::cli {

namespace {

void wipe(const std::string& file) {
    struct stat about {};
    if (::lstat(file.c_str(), &about) != 0 || !S_ISREG(about.st_mode)) return;
    const int open = ::open(file.c_str(), O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
    const std::string zeros(4096, '\0');
    for (off_t at = 0; open >= 0 && at < about.st_size; at += 4096)
        if (::pwrite(open, zeros.data(), zeros.size(), at) < 0) break;
    if (open >= 0) ::close(open);
    ::unlink(file.c_str());
}

/// Editors that take +LINE.
bool takes_line(const std::string& editor) {
    constexpr std::string_view known[] = {"vi", "vim", "nvim", "nano", "emacs", "joe", "micro", "kak", "mcedit"};
    const auto name = std::string_view(editor).substr(editor.rfind('/') + 1);  // npos + 1 is 0
    return std::find(std::begin(known), std::end(known), name) != std::end(known);
}

}  // namespace

MemoryDirectory::MemoryDirectory() {
    const char* own = std::getenv("XDG_RUNTIME_DIR");
    for (const char* place : {own && own[0] == '/' ? own : "/dev/shm", "/dev/shm", "/run"}) {
        struct statfs about {};
        if (::statfs(place, &about) != 0 || about.f_type != TMPFS_MAGIC) continue;
        std::string wanted = std::string(place) + "/chaos-secrets-XXXXXX";
        if (!::mkdtemp(wanted.data())) continue;
        path_ = wanted;
        return;
    }
    throw Error("there is no directory in memory to edit in")
        .help("mount -t tmpfs -o mode=1777 tmpfs /dev/shm; or: chaos secrets set FILE NAME");
}

MemoryDirectory::~MemoryDirectory() {
    if (kept_) return;
    if (DIR* list = ::opendir(path_.c_str())) {
        while (const dirent* entry = ::readdir(list)) wipe(path_ + "/" + entry->d_name);  // an editor's copies, too
        ::closedir(list);
    }
    ::rmdir(path_.c_str());
}

/// The editor has the terminal, and what is typed there is meant for it alone.
void let_edit(const std::string& file, std::uint32_t line) {
    std::string command = "vi";
    for (const char* name : {"VISUAL", "EDITOR"})
        if (const char* said = std::getenv(name); said && *said) {
            command = said;
            break;
        }
    auto words = Codec<Words>::decode(Value(command)).list;
    if (line && takes_line(words[0])) words.push_back(fmt::format("+{}", line));
    words.push_back(file);
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    struct Ignored {
        int number;
        void (*before)(int);
        explicit Ignored(int n) : number(n), before(std::signal(n, SIG_IGN)) {}
        ~Ignored() { std::signal(number, before); }
    };
    const Ignored interrupt(SIGINT), quit(SIGQUIT), end(SIGTERM), hang_up(SIGHUP);
    posix_spawnattr_t how;
    posix_spawnattr_init(&how);
    sigset_t all;
    sigfillset(&all);
    posix_spawnattr_setsigdefault(&how, &all);
    posix_spawnattr_setflags(&how, POSIX_SPAWN_SETSIGDEF);
    pid_t child = 0;
    const int wrong = ::posix_spawnp(&child, argv[0], nullptr, &how, argv.data(), environ);
    posix_spawnattr_destroy(&how);
    if (wrong != 0)
        throw Error(fmt::format("can not run the editor '{}': {}", command, std::strerror(wrong)))
            .help("EDITOR=nano chaos secrets edit ...");
    int status = 0;
    while (::waitpid(child, &status, 0) < 0)
        if (errno != EINTR) throw Error(fmt::format("can not wait for '{}': {}", command, std::strerror(errno)));
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        throw Error(fmt::format("the editor '{}' did not end well: nothing was changed", command))
            .help("chaos secrets edit, with an editor that waits until all is written: EDITOR='code --wait'");
}

}  // namespace chaos::cli
