// SPDX-License-Identifier: Apache-2.0
#include "private_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chaos/error.hpp>
#include <cstring>

#include "text.hpp"

namespace chaos::cli {

namespace {

[[noreturn]] void fail(const char* doing, const std::string& path, int why) {
    throw Error(fmt::format("can not {} {}: {}", doing, escape(path), std::strerror(why)));
}

struct File {
    int descriptor;
    ~File() {
        if (descriptor >= 0) ::close(descriptor);
    }
};

}  // namespace

void write_private_file(const std::string& path, const std::string& text) {
    std::string part = path + ".XXXXXX";
    const File file{::mkostemp(part.data(), O_CLOEXEC)};  // 0600
    if (file.descriptor < 0) fail("write", path, errno);
    std::size_t done = 0;
    bool well = true;
    while (well && done < text.size()) {
        const ssize_t put = ::write(file.descriptor, text.data() + done, text.size() - done);
        if (put > 0) done += static_cast<std::size_t>(put);
        well = put > 0 || errno == EINTR;
    }
    if (well && ::fsync(file.descriptor) == 0 && ::rename(part.c_str(), path.c_str()) == 0) return;
    const int why = errno;
    ::unlink(part.c_str());
    fail("write", path, why);
}

std::string read_bounded_file(const std::string& path, std::size_t most) {
    const File file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
    struct stat about {};
    if (file.descriptor < 0 || ::fstat(file.descriptor, &about) != 0) fail("read", path, errno);
    if (!S_ISREG(about.st_mode)) throw Error(fmt::format("{}: expected a file", escape(path)));
    std::string text;
    char block[65536];
    for (ssize_t got = 0; (got = ::read(file.descriptor, block, sizeof block)) != 0;) {
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) fail("read", path, errno);
        text.append(block, static_cast<std::size_t>(got));
        if (text.size() > most)
            throw Error(fmt::format("{}: expected at most {}, found more", escape(path), size_of(most)));
    }
    return text;
}

}  // namespace chaos::cli
