// SPDX-License-Identifier: Apache-2.0
//
// floor ROOT MANIFEST_LIST: the least that a run without changes can do. It opens, stats, reads and compares the files
// of the list, reads dpkg's status file and looks at the symlinks of the units: what `chaos apply` has to look at as
// well. No YAML, no graph, no history. The list is what bench/generate wrote: `file PATH MODE CONTENT`, `package NAME`,
// `unit NAME`, a line each.

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace {

std::string read_whole(const char* path) {
    std::string text;
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return text;
    struct stat status {};
    if (fstat(file, &status) == 0) text.resize(static_cast<std::size_t>(status.st_size));
    const ssize_t got = read(file, text.data(), text.size());
    text.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
    close(file);
    return text;
}

/// The packages that are installed, from dpkg's status file.
std::unordered_set<std::string_view> installed(std::string_view status) {
    std::unordered_set<std::string_view> found;
    std::string_view package;
    while (!status.empty()) {
        const auto end = status.find('\n');
        const std::string_view line = status.substr(0, end);
        if (line.starts_with("Package: ")) package = line.substr(9);
        if (line == "Status: install ok installed") found.insert(package);
        status.remove_prefix(end == std::string_view::npos ? status.size() : end + 1);
    }
    return found;
}

std::string_view next_word(std::string_view& line) {
    const auto end = line.find(' ');
    const std::string_view word = line.substr(0, end);
    line.remove_prefix(end == std::string_view::npos ? line.size() : end + 1);
    return word;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 3) {
        std::fprintf(stderr, "usage: floor ROOT LIST\n");
        return 64;
    }
    const std::string root = argv[1];
    const std::string list = read_whole(argv[2]);
    const std::string status = read_whole((root + "/var/lib/dpkg/status").c_str());
    const auto packages = installed(status);
    std::size_t differ = 0;
    std::string_view rest = list;
    while (!rest.empty()) {
        const auto end = rest.find('\n');
        std::string_view line = rest.substr(0, end);
        rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
        const std::string_view kind = next_word(line);
        if (kind == "file") {
            const std::string path = root + std::string(next_word(line));
            const auto mode = static_cast<mode_t>(std::strtoul(std::string(next_word(line)).c_str(), nullptr, 8));
            const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
            struct stat found {};
            char buffer[4096];
            ssize_t got = 0;
            const bool same = file >= 0 && fstat(file, &found) == 0 && (found.st_mode & 07777U) == mode &&
                              (got = read(file, buffer, sizeof buffer)) > 0 &&
                              std::string_view(buffer, static_cast<std::size_t>(got) - 1) == line;
            if (!same) ++differ;
            if (file >= 0) close(file);
        } else if (kind == "package") {
            if (!packages.contains(line)) ++differ;
        } else if (kind == "unit") {
            struct stat found {};
            const std::string name(line);
            if (lstat((root + "/etc/systemd/system/multi-user.target.wants/" + name).c_str(), &found) != 0) ++differ;
        }
    }
    std::printf("%zu differ\n", differ);
    return differ == 0 ? 0 : 2;
}
