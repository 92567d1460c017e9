// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <doctest/doctest.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

/// A directory of a test's own, gone with all in it at the end.
class Scratch {
public:
    Scratch() {
        char name[] = "/tmp/chaos-test-XXXXXX";
        REQUIRE(mkdtemp(name));
        path_ = name;
    }
    ~Scratch() {
        nftw(
            path_.c_str(), [](const char* path, const struct stat*, int, FTW*) { return std::remove(path); }, 16,
            FTW_DEPTH | FTW_PHYS);
    }
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;

    std::string operator/(const std::string& name) const { return path_ + "/" + name; }
    const std::string& path() const { return path_; }

private:
    std::string path_;
};

inline std::string slurp(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

inline void spill(const std::string& path, const std::string& bytes) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

inline bool there(const std::string& path) {
    struct stat it {};
    return lstat(path.c_str(), &it) == 0;
}
