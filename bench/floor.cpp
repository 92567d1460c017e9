// SPDX-License-Identifier: Apache-2.0
//
// floor ROOT LIST: the least that a run without changes can do. It opens, stats, reads and compares the files of the
// list, and reads dpkg's status file, the accounts and the links of the units: what `chaos apply` has to look at as
// well. No YAML, no graph, no history, no second thread. bench/generate wrote the list, a line each:
// `file PATH MODE UID GID CONTENT`, `package NAME`, `service UNIT`, `user NAME UID HOME SHELL`.

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <charconv>
#include <cstdio>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

namespace {

std::string read_whole(const std::string& path) {
    std::string text;
    const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) return text;
    struct stat status {};
    if (fstat(file, &status) == 0) text.resize(static_cast<std::size_t>(status.st_size));
    const ssize_t got = read(file, text.data(), text.size());
    text.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
    close(file);
    return text;
}

/// What stands before the next `end`, taken off the front of `text`.
std::string_view take(std::string_view& text, char end) {
    const auto at = text.find(end);
    const std::string_view part = text.substr(0, at);
    text.remove_prefix(at == std::string_view::npos ? text.size() : at + 1);
    return part;
}

unsigned number(std::string_view text, int base = 10) {
    unsigned value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value, base);
    return value;
}

std::unordered_set<std::string_view> installed_packages(std::string_view status) {
    std::unordered_set<std::string_view> found;
    std::string_view package;
    while (!status.empty()) {
        const std::string_view line = take(status, '\n');
        if (line.starts_with("Package: ")) package = line.substr(9);
        if (line == "Status: install ok installed") found.insert(package);
    }
    return found;
}

std::unordered_map<std::string_view, std::string_view> accounts(std::string_view passwd) {
    std::unordered_map<std::string_view, std::string_view> found;
    while (!passwd.empty()) {
        std::string_view line = take(passwd, '\n');
        const std::string_view name = take(line, ':');
        found.emplace(name, line);
    }
    return found;
}

std::unordered_set<std::string> enabled_units(const std::string& directory) {
    std::unordered_set<std::string> found;
    DIR* stream = opendir(directory.c_str());
    if (!stream) return found;
    while (const dirent* entry = readdir(stream)) found.emplace(entry->d_name);
    closedir(stream);
    return found;
}

bool is_file(const std::string& root, std::string_view line) {
    std::string path = root;
    path += take(line, ' ');
    const unsigned mode = number(take(line, ' '), 8), uid = number(take(line, ' ')), gid = number(take(line, ' '));
    const int file = open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (file < 0) return false;
    struct stat found {};
    char buffer[4096];
    bool same = fstat(file, &found) == 0 && (found.st_mode & 07777U) == mode && found.st_uid == uid &&
                found.st_gid == gid && found.st_size == static_cast<off_t>(line.size() + 1);
    if (same) {
        const ssize_t got = read(file, buffer, sizeof buffer);
        same = got > 0 && std::string_view(buffer, static_cast<std::size_t>(got) - 1) == line;
    }
    close(file);
    return same;
}

bool is_user(const std::unordered_map<std::string_view, std::string_view>& known, std::string_view line) {
    const auto held = known.find(take(line, ' '));
    if (held == known.end()) return false;
    std::string_view entry = held->second;
    take(entry, ':');
    const unsigned uid = number(take(entry, ':'));
    take(entry, ':'), take(entry, ':');
    const std::string_view home = take(entry, ':'), shell = entry;
    const unsigned wanted = number(take(line, ' '));
    return uid == wanted && home == take(line, ' ') && shell == line;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 3) {
        std::fprintf(stderr, "usage: floor ROOT LIST\n");
        return 64;
    }
    const std::string root = argv[1];
    const std::string list = read_whole(argv[2]);
    const std::string status = read_whole(root + "/var/lib/dpkg/status"), passwd = read_whole(root + "/etc/passwd");
    const auto packages = installed_packages(status);
    const auto users = accounts(passwd);
    const auto enabled = enabled_units(root + "/etc/systemd/system/multi-user.target.wants");
    std::size_t differ = 0;
    for (std::string_view rest = list; !rest.empty();) {
        std::string_view line = take(rest, '\n');
        const std::string_view kind = take(line, ' ');
        bool same = false;
        if (kind == "file") same = is_file(root, line);
        if (kind == "package") same = packages.contains(line);
        if (kind == "user") same = is_user(users, line);
        if (kind == "service") {
            struct stat found {};
            std::string path = root + "/lib/systemd/system/";
            path += line;
            same = enabled.contains(std::string(line)) && lstat(path.c_str(), &found) == 0;
        }
        if (!same) ++differ;
    }
    std::printf("%zu differ\n", differ);
    return differ == 0 ? 0 : 2;
}
