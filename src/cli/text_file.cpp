// SPDX-License-Identifier: Apache-2.0
#include "text_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chaos/error.hpp>
#include <cstdlib>
#include <cstring>
#include <memory>

namespace chaos::cli {

namespace {

constexpr std::size_t most = (16 << 20) + 1;  // one more than a manifest may have: then it says so

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
    throw Error(fmt::format("can not {} '{}': {}", what, path, std::strerror(errno)));
}

std::string read_all(int file, const std::string& path) {
    std::string text(64 << 10, '\0');
    std::size_t size = 0;
    while (size < most) {
        if (size == text.size()) text.resize(text.size() * 2);
        const ssize_t got = ::read(file, text.data() + size, text.size() - size);
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
    return read_all(file.number(), path);
}

std::string read_standard_input() {
    return read_all(STDIN_FILENO, "standard input");
}

void replace_text_file(const std::string& written, const std::string& text) {
    const std::unique_ptr<char, decltype(&std::free)> real(::realpath(written.c_str(), nullptr), &std::free);
    if (!real) failed("write", written);
    const std::string path = real.get(), beside = path + ".chaos~";
    struct stat there {};
    if (::stat(path.c_str(), &there) != 0) failed("write", path);
    try {
        const File file(::open(beside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
        if (file.number() < 0) failed("write", beside);
        write_all(file.number(), text, beside);
        // Whose it is matters where root lays out the manifest of somebody else; others can not give away.
        if (::fchown(file.number(), there.st_uid, there.st_gid) != 0 && ::geteuid() == 0) failed("write", beside);
        if (::fchmod(file.number(), there.st_mode & 07777) != 0 || ::fsync(file.number()) != 0) failed("write", beside);
        if (::rename(beside.c_str(), path.c_str()) != 0) failed("write", path);
    } catch (const Error&) {
        ::unlink(beside.c_str());
        throw;
    }
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
