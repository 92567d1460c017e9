// SPDX-License-Identifier: Apache-2.0
//
// protocol DIRECTORY: replaces every file of DIRECTORY/srv durably, by the bare system calls of the protocol of
// docs/store.md and nothing else: what chaos' own time is compared with. The record is a file, written and synced where
// the store would commit.

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

namespace {

int must(int result, const char* what) {
    if (result < 0) throw std::system_error(errno, std::generic_category(), what);
    return result;
}

void commit(int record, const std::string& text) {
    must(static_cast<int>(::write(record, text.data(), text.size())), "write");
    must(::fdatasync(record), "fdatasync");
}

void replace_all(const std::string& root) {
    const int files = must(::open((root + "/srv").c_str(), O_RDONLY | O_DIRECTORY), "srv");
    const int record = must(::open((root + "/record").c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600), "record");
    std::vector<std::string> names;
    DIR* listed = ::opendir((root + "/srv").c_str());
    if (!listed) throw std::system_error(errno, std::generic_category(), "srv");
    while (const dirent* entry = ::readdir(listed))
        if (entry->d_name[0] != '.') names.emplace_back(entry->d_name);
    ::closedir(listed);
    std::string before;
    std::vector<struct stat> seen(names.size());
    for (std::size_t i = 0; i < names.size(); ++i) {  // looked at, and kept
        const int file = must(::openat(files, names[i].c_str(), O_RDONLY | O_NOFOLLOW), "open");
        must(::fstat(file, &seen[i]), "fstat");
        std::string bytes(static_cast<std::size_t>(seen[i].st_size), '\0');
        must(static_cast<int>(::read(file, bytes.data(), bytes.size())), "read");
        before += bytes;
        ::close(file);
    }
    commit(record, before);
    must(::mkdir((root + "/stage").c_str(), 0700), "stage");
    const int stage = must(::open((root + "/stage").c_str(), O_RDONLY | O_DIRECTORY), "stage");
    for (std::size_t i = 0; i < names.size(); ++i) {
        const int file = must(::openat(stage, names[i].c_str(), O_WRONLY | O_CREAT | O_EXCL, 0600), "create");
        const std::string text = "the new content of " + names[i] + "\n";
        must(static_cast<int>(::write(file, text.data(), text.size())), "write");
        must(::fchown(file, seen[i].st_uid, seen[i].st_gid), "fchown");
        must(::fchmod(file, seen[i].st_mode & 07777), "fchmod");
        ::close(file);
    }
    must(::syncfs(stage), "syncfs");
    for (std::size_t i = 0; i < names.size(); ++i) {
        struct stat now {};
        must(::fstatat(files, names[i].c_str(), &now, AT_SYMLINK_NOFOLLOW), "stat");
        must(::renameat2(stage, names[i].c_str(), files, names[i].c_str(), RENAME_EXCHANGE), "exchange");
        must(::fstatat(stage, names[i].c_str(), &now, AT_SYMLINK_NOFOLLOW), "stat");
        if (now.st_ino != seen[i].st_ino) throw std::runtime_error("somebody changed " + names[i]);
    }
    must(::syncfs(stage), "syncfs");
    commit(record, "committed");
    for (const std::string& name : names) must(::unlinkat(stage, name.c_str(), 0), "unlink");
    must(::rmdir((root + "/stage").c_str()), "rmdir");
    must(::syncfs(files), "syncfs");
    commit(record, "swept");
}

}  // namespace

int main(int argc, char** argv) try {
    if (argc != 2) {
        std::fputs("usage: protocol DIRECTORY\n", stderr);
        return 64;
    }
    replace_all(argv[1]);
    return 0;
} catch (const std::exception& error) {
    std::fprintf(stderr, "protocol: %s\n", error.what());
    return 1;
}
