// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

/// A directory of its own that is gone after the test.
class Scratch {
public:
    Scratch() {
        char name[] = "/tmp/chaos-inventory-XXXXXX";
        path_ = ::mkdtemp(name);
    }
    ~Scratch() {
        ::nftw(
            path_.c_str(), [](const char* path, const struct stat*, int, FTW*) { return ::remove(path); }, 16,
            FTW_DEPTH | FTW_PHYS);
    }
    Scratch(const Scratch&) = delete;

    const std::string& path() const { return path_; }
    std::string operator/(const std::string& name) const { return path_ + "/" + name; }

    void directory(const std::string& name) const { ::mkdir((path_ + "/" + name).c_str(), 0755); }
    void file(const std::string& name, const std::string& bytes) const {
        std::ofstream(path_ + "/" + name, std::ios::binary) << bytes;
    }
    void link(const std::string& name, const std::string& target) const {
        if (::symlink(target.c_str(), (path_ + "/" + name).c_str()) < 0) std::perror("symlink");
    }
    std::string read(const std::string& name) const {
        std::ifstream in(path_ + "/" + name, std::ios::binary);
        return {std::istreambuf_iterator<char>(in), {}};
    }

private:
    std::string path_;
};
