// SPDX-License-Identifier: Apache-2.0
#include "beside.hpp"
#include <fcntl.h>
#include <fmt/format.h>
#include <glob.h>
#include <sys/stat.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <chaos/beside.hpp>
#include <chaos/error.hpp>
#include <chaos/named.hpp>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace chaos::beside {

namespace {

class File {
public:
    explicit File(const std::string& path) : path_(path), fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {
        if (fd_ < 0) fail(errno);
        struct stat about {};
        if (::fstat(fd_, &about) < 0) fail(errno);
        if (!S_ISREG(about.st_mode))
            throw Error(fmt::format("{} is {}, not a regular file", quoted_name(path),
                                    S_ISDIR(about.st_mode) ? "a directory" : "something else"));
        size = static_cast<std::uint64_t>(about.st_size);
    }
    ~File() {
        if (fd_ >= 0) ::close(fd_);
    }
    File(const File&) = delete;
    File& operator=(const File&) = delete;

    std::uint64_t size = 0;

    /// The next bytes; none at the end.
    std::size_t next(char* into, std::size_t most) {
        while (true) {
            const auto got = ::read(fd_, into, most);
            if (got >= 0) return static_cast<std::size_t>(got);
            if (errno != EINTR) fail(errno);
        }
    }

private:
    [[noreturn]] void fail(int why) {
        if (fd_ >= 0) ::close(std::exchange(fd_, -1));
        throw Error(fmt::format("can not read {}: {}", quoted_name(path_), std::strerror(why)));
    }
    const std::string& path_;
    int fd_;
};

}  // namespace

std::string join(std::string_view directory, std::string_view path) {
    if (path.starts_with('/') || directory.empty() || directory == ".") return std::string(path);
    while (path.starts_with("./")) path.remove_prefix(2);
    return fmt::format("{}{}{}", directory, directory.ends_with('/') ? "" : "/", path);
}

std::string read(const std::string& path, std::uint64_t most) {
    note(Asked::file, path);
    File file(path);
    if (file.size > most)
        throw Error(fmt::format("{} has {} bytes, more than {}", quoted_name(path), file.size, most))
            .help("put big content beside the manifest, and name it with source:");
    std::string bytes(file.size + 1, '\0');
    std::size_t have = 0;
    while (const auto got = file.next(bytes.data() + have, bytes.size() - have)) {
        have += got;
        if (have > most) throw Error(fmt::format("{} grows while it is read", quoted_name(path)));
        if (have == bytes.size()) bytes.resize(have * 2);
    }
    bytes.resize(have);
    return bytes;
}

std::string read_stream(const std::string& path, std::uint64_t most) {
    note(Asked::file, path);
    if (struct stat about{}; ::stat(path.c_str(), &about) == 0 && !S_ISREG(about.st_mode)) note_passing();
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    std::string bytes;
    char block[4096];
    ssize_t got = fd < 0 ? -1 : 1;
    while (got > 0 && bytes.size() <= most) {
        got = ::read(fd, block, sizeof block);
        if (got > 0) bytes.append(block, static_cast<std::size_t>(got));
        if (got < 0 && errno == EINTR) got = 1;
    }
    const int why = errno;
    if (fd >= 0) ::close(fd);
    if (got < 0) throw Error(fmt::format("can not read {}: {}", quoted_name(path), std::strerror(why)));
    if (bytes.size() > most) throw Error(fmt::format("{} has more than {} bytes", quoted_name(path), most));
    return bytes;
}

Located located(const std::string& path) {
    note(Asked::file, path);
    File file(path);
    Hasher hasher;
    std::uint64_t size = 0;
    std::string block(1 << 16, '\0');
    while (const auto got = file.next(block.data(), block.size()))
        hasher.add(std::string_view(block).substr(0, got)), size += got;
    return {real_path(path), size, hasher.finish(), {}};
}

Content content(const std::string& path) {
    note(Asked::file, path);
    if (const auto size = File(path).size; size > Content::in_memory) {
        auto big = located(path);
        return Content(std::move(big.path), big.size, big.digest);
    }
    return Content(read(path, Content::in_memory));
}

bool exists(const std::string& path) {
    note(Asked::file, path);
    struct stat about {};
    return ::stat(path.c_str(), &about) == 0 || errno != ENOENT;
}

std::string real_path(const std::string& path) {
    note(Asked::name, path);
    char* found = ::realpath(path.c_str(), nullptr);
    if (!found) throw Error(fmt::format("can not read {}: {}", quoted_name(path), std::strerror(errno)));
    std::string out(found);
    std::free(found);
    return out;
}

bool is_glob(std::string_view path) {
    return path.find_first_of("*?[") != std::string_view::npos;
}

std::vector<std::string> glob(const std::string& pattern) {
    note(Asked::names, pattern);
    glob_t found{};
    std::vector<std::string> paths;
    if (::glob(pattern.c_str(), GLOB_NOSORT, nullptr, &found) == 0)
        paths.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
    ::globfree(&found);
    std::sort(paths.begin(), paths.end());
    return paths;
}

}  // namespace chaos::beside
