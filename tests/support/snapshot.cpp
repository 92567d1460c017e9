// SPDX-License-Identifier: Apache-2.0
//
// snapshot DIRECTORY [IGNORE_FILE]: what a tree is, one line a thing, so that `diff` of two says what is not equal.
//
// Equal means what docs/store.md says: type, content, mode, owner, ACL and other extended attributes, flags, groups of
// hard links, link targets, mtime of regular files; the lines of the account files as sets. IGNORE_FILE: a shell
// pattern a line, each with its reason after a '#'; what it matches, and what is beneath, is left out. Other file
// systems are not entered.

#include <dirent.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <linux/fs.h>
#include <sodium.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iostream>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace {

constexpr std::array<std::string_view, 6> account_files = {"/etc/passwd",  "/etc/group",  "/etc/shadow",
                                                           "/etc/gshadow", "/etc/subuid", "/etc/subgid"};
constexpr unsigned long lasting_flags =
    FS_IMMUTABLE_FL | FS_APPEND_FL | FS_NODUMP_FL | FS_NOATIME_FL | FS_SYNC_FL | FS_DIRSYNC_FL | FS_NOCOW_FL;

[[noreturn]] void fail(const std::string& path) {
    throw std::system_error(errno, std::generic_category(), path);
}

/// One word: what is not plain is escaped.
std::string word(std::string_view text) {
    std::string out;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        char buffer[5];
        std::snprintf(buffer, sizeof buffer, "\\x%02x", byte);
        if (byte <= ' ' || byte == '\\' || byte == 0x7f)
            out += buffer;
        else
            out += c;
    }
    return out;
}

std::string hex(std::string_view bytes) {
    std::string out;
    char buffer[3];
    for (const char c : bytes) {
        std::snprintf(buffer, sizeof buffer, "%02x", static_cast<unsigned char>(c));
        out += buffer;
    }
    return out;
}

std::string read_whole(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream text;
    if (!(text << file.rdbuf()) && !file.eof() && file.tellg() != 0) fail(path);
    return text.str();
}

std::string digest(const std::string& path) {
    const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOATIME);
    if (file < 0) fail(path);
    crypto_generichash_state state;
    crypto_generichash_init(&state, nullptr, 0, 16);
    std::array<unsigned char, 65536> buffer;
    ssize_t got = 0;
    while ((got = read(file, buffer.data(), buffer.size())) > 0)
        crypto_generichash_update(&state, buffer.data(), static_cast<unsigned long long>(got));
    close(file);
    if (got < 0) fail(path);
    std::string out(16, '\0');
    crypto_generichash_final(&state, reinterpret_cast<unsigned char*>(out.data()), out.size());
    return hex(out);
}

std::string attributes(const std::string& path) {
    std::string names(65536, '\0');
    const ssize_t length = llistxattr(path.c_str(), names.data(), names.size());
    if (length < 0 && errno == ENOTSUP) return {};
    if (length < 0) fail(path);
    std::map<std::string, std::string> found;
    for (const char* name = names.data(); name < names.data() + length; name += std::strlen(name) + 1) {
        std::string value(65536, '\0');
        const ssize_t size = lgetxattr(path.c_str(), name, value.data(), value.size());
        if (size < 0) fail(path);
        value.resize(static_cast<std::size_t>(size));
        found[name] = hex(value);
    }
    std::string out;
    for (const auto& [name, value] : found) out += " xattr:" + word(name) + "=" + value;
    return out;
}

std::string flags(const std::string& path) {
    const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
    if (file < 0) return {};
    unsigned long value = 0;
    const bool known = ioctl(file, FS_IOC_GETFLAGS, &value) == 0;
    close(file);
    value &= lasting_flags;
    return known && value != 0 ? " flags=" + std::to_string(value) : "";
}

class Snapshot {
public:
    Snapshot(std::string root, std::vector<std::string> ignored)
        : root_(std::move(root)), ignored_(std::move(ignored)) {
        struct stat status {};
        if (lstat((root_ + "/").c_str(), &status) != 0) fail(root_);
        device_ = status.st_dev;
    }

    void run() {
        entry("/");
        // A list of directories still to enter, not recursion; sorted, so that the first name of a link group is the
        // same.
        for (std::vector<std::string> open{"/"}; !open.empty();) {
            const std::string directory = std::move(open.back());
            open.pop_back();
            std::vector<std::string> deeper;
            for (const std::string& name : names(directory)) {
                const std::string path = (directory == "/" ? "" : directory) + "/" + name;
                if (!ignored(path) && entry(path)) deeper.push_back(path);
            }
            open.insert(open.end(), deeper.rbegin(), deeper.rend());
        }
    }

private:
    std::vector<std::string> names(const std::string& directory) const {
        DIR* handle = opendir((root_ + directory).c_str());
        if (handle == nullptr) fail(directory);
        std::vector<std::string> found;
        while (const dirent* one = readdir(handle))
            if (std::string_view(one->d_name) != "." && std::string_view(one->d_name) != "..")
                found.emplace_back(one->d_name);
        closedir(handle);
        std::sort(found.begin(), found.end());
        return found;
    }

    bool ignored(const std::string& path) const {
        return std::any_of(ignored_.begin(), ignored_.end(),
                           [&](const std::string& pattern) { return fnmatch(pattern.c_str(), path.c_str(), 0) == 0; });
    }

    /// Prints one; true where it is a directory to enter.
    bool entry(const std::string& path) {
        const std::string real = root_ + path;
        struct stat status {};
        if (lstat(real.c_str(), &status) != 0) fail(path);
        char head[64];
        std::snprintf(head, sizeof head, "%04o %u:%u", status.st_mode & 07777U, status.st_uid, status.st_gid);
        std::string line = word(path) + ' ' + type(status.st_mode) + ' ' + head + details(path, real, status);
        if (S_ISREG(status.st_mode) || S_ISDIR(status.st_mode)) line += flags(real);
        std::cout << line << attributes(real) << '\n';
        return S_ISDIR(status.st_mode) && status.st_dev == device_;
    }

    static const char* type(mode_t mode) {
        switch (mode & S_IFMT) {
            case S_IFREG: return "file";
            case S_IFDIR: return "directory";
            case S_IFLNK: return "link";
            case S_IFCHR: return "character-device";
            case S_IFBLK: return "block-device";
            case S_IFIFO: return "pipe";
            default: return "socket";
        }
    }

    std::string details(const std::string& path, const std::string& real, const struct stat& status) {
        if (S_ISLNK(status.st_mode)) {
            std::string target(4096, '\0');
            const ssize_t length = readlink(real.c_str(), target.data(), target.size());
            if (length < 0) fail(path);
            return " -> " + word(target.substr(0, static_cast<std::size_t>(length)));
        }
        if (S_ISCHR(status.st_mode) || S_ISBLK(status.st_mode))
            return " " + std::to_string(major(status.st_rdev)) + ":" + std::to_string(minor(status.st_rdev));
        if (!S_ISREG(status.st_mode)) return {};
        if (std::find(account_files.begin(), account_files.end(), path) != account_files.end())
            return lines_as_set(path, real);
        std::string out = " " + digest(real) + " size=" + std::to_string(status.st_size) +
                          " mtime=" + std::to_string(status.st_mtim.tv_sec) + "." +
                          std::to_string(status.st_mtim.tv_nsec);
        if (status.st_nlink > 1) {
            const auto [group, first] = groups_.try_emplace({status.st_dev, status.st_ino}, path);
            out += first ? " links=" + std::to_string(status.st_nlink) : " same-as=" + word(group->second);
        }
        return out;
    }

    static std::string lines_as_set(const std::string& path, const std::string& real) {
        std::istringstream text(read_whole(real));
        std::vector<std::string> lines;
        for (std::string line; std::getline(text, line);) lines.push_back(line);
        std::sort(lines.begin(), lines.end());
        for (const std::string& line : lines) std::cout << path << " line " << word(line) << '\n';
        return {};
    }

    std::string root_;
    std::vector<std::string> ignored_;
    dev_t device_ = 0;
    std::map<std::pair<dev_t, ino_t>, std::string> groups_;
};

std::vector<std::string> read_ignored(const char* path) {
    std::vector<std::string> patterns;
    std::istringstream text(read_whole(path));
    for (std::string line; std::getline(text, line);) {
        const auto hash = line.find('#');
        const auto end = line.find_last_not_of(" \t", hash == 0 ? 0 : hash - 1);
        if (hash == 0 || line.empty()) continue;
        if (hash == std::string::npos) throw std::runtime_error(std::string(path) + ": without a reason: " + line);
        const std::string pattern = line.substr(0, end + 1);
        patterns.push_back(pattern);
        patterns.push_back(pattern + "/*");
    }
    return patterns;
}

}  // namespace

int main(int argc, char** argv) try {
    if (argc < 2 || argc > 3) {
        std::cerr << "usage: snapshot DIRECTORY [IGNORE_FILE]\n";
        return 64;
    }
    std::ios::sync_with_stdio(false);
    if (sodium_init() < 0) throw std::runtime_error("libsodium does not start");
    std::string root = argv[1];
    while (!root.empty() && root.back() == '/') root.pop_back();
    Snapshot(root, argc > 2 ? read_ignored(argv[2]) : std::vector<std::string>{}).run();
    std::cout.flush();
    return std::cout ? 0 : 1;
} catch (const std::exception& error) {
    std::cerr << "snapshot: " << error.what() << '\n';
    return 1;
}
