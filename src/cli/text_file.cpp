// SPDX-License-Identifier: Apache-2.0
#include "text_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chaos/error.hpp>
#include <chaos/named.hpp>
#include <cstring>

#include "text.hpp"

namespace chaos::cli {

namespace {

constexpr std::size_t manifest = (16 << 20) + 1;  // one more than a manifest may have: then it says so

class File {
public:
    explicit File(int descriptor) : descriptor_(descriptor) {}
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    ~File() {
        if (descriptor_ >= 0) ::close(descriptor_);
    }
    int number() const { return descriptor_; }

private:
    int descriptor_;
};

[[noreturn]] void failed(std::string_view what, const std::string& path) {
    throw Error(fmt::format("can not {} {}: {}", what, quoted_name(path), std::strerror(errno)));
}

std::string read_all(int file, const std::string& path, std::size_t most) {
    std::string text(64 << 10, '\0');
    std::size_t size = 0;
    while (size < most) {
        if (size == text.size()) text.resize(text.size() * 2);
        const ssize_t got = ::read(file, text.data() + size, std::min(text.size(), most) - size);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) failed("read", path);
        if (got == 0) break;
        size += static_cast<std::size_t>(got);
    }
    text.resize(size);
    return text;
}

void write_all(int file, const std::string& text, const std::string& path) {
    for (std::size_t done = 0; done < text.size();) {
        const ssize_t put = ::write(file, text.data() + done, text.size() - done);
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) failed("write", path);
        done += static_cast<std::size_t>(put);
    }
}

}  // namespace

std::string read_text_file(const std::string& path) {
    const File file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (file.number() < 0) failed("read", path);
    return read_all(file.number(), path, manifest);
}

std::string read_standard_input() {
    return read_all(STDIN_FILENO, "standard input", manifest);
}

std::string read_bounded_file(const std::string& path, std::size_t bound) {
    const File file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    struct stat about {};
    if (file.number() < 0 || ::fstat(file.number(), &about) != 0) failed("read", path);
    if (!S_ISREG(about.st_mode)) throw Error(fmt::format("{}: expected a file", escape(path)));
    std::string text = read_all(file.number(), path, bound + 1);
    if (text.size() > bound)
        throw Error(fmt::format("{}: expected at most {}, found more", escape(path), size_of(bound)));
    return text;
}

void make_text_file(const std::string& path, const std::string& text) {
    for (auto slash = path.find('/', 1); slash != std::string::npos; slash = path.find('/', slash + 1))
        if (::mkdir(path.substr(0, slash).c_str(), 0777) != 0 && errno != EEXIST) failed("make", path.substr(0, slash));
    const File file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
    if (file.number() < 0) failed("make", path);
    write_all(file.number(), text, path);
}

bool is_there(const std::string& path) {
    struct stat there {};
    return ::lstat(path.c_str(), &there) == 0;
}

}  // namespace chaos::cli
