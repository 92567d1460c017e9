// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chaos/process.hpp>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

namespace chaos {

/// A directory for one test: a root to apply to, manifests, and what is recorded.
class Sandbox {
public:
    Sandbox() {
        char name[] = "/tmp/chaos-cli-XXXXXX";
        REQUIRE(mkdtemp(name));
        path_ = name;
        for (const char* below : {"/root", "/root/etc", "/root/var", "/root/var/lib"})
            ::mkdir((path_ + below).c_str(), 0755);
        write("root/etc/passwd", "root:x:0:0:root:/root:/bin/bash\n");
        write("root/etc/group", "root:x:0:\n");
    }
    ~Sandbox() {
        Command command{{"rm", "-rf", path_}};
        Child child(command);
        child.release();
        child.wait();
    }
    Sandbox(const Sandbox&) = delete;

    std::string write(const std::string& name, const std::string& text) const {
        std::ofstream(path_ + "/" + name) << text;
        return path_ + "/" + name;
    }
    std::optional<std::string> read(const std::string& name) const {
        std::ifstream file(path_ + "/" + name);
        if (!file) return std::nullopt;
        std::stringstream bytes;
        bytes << file.rdbuf();
        return bytes.str();
    }
    std::string root() const { return path_ + "/root"; }

    Output chaos(std::vector<std::string> words) const {
        const char* program = std::getenv("CHAOS_PROGRAM");
        REQUIRE_MESSAGE(program, "CHAOS_PROGRAM names the built program");
        words.insert(words.begin(), program);
        Command command{words};
        command.environment = {"XDG_CACHE_HOME=" + path_ + "/cache", "HOME=" + path_};
        Child child(command);
        child.release();
        return child.wait();
    }
    /// As a shell would: $chaos is the program.
    Output shell(const std::string& line) const {
        const char* program = std::getenv("CHAOS_PROGRAM");
        REQUIRE_MESSAGE(program, "CHAOS_PROGRAM names the built program");
        Command command{{"/bin/sh", "-c", line}};
        command.environment = {"XDG_CACHE_HOME=" + path_ + "/cache", "HOME=" + path_, std::string("chaos=") + program};
        Child child(command);
        child.release();
        return child.wait();
    }
    /// With --root, after the command.
    Output in_root(std::vector<std::string> words) const {
        words.insert(words.begin() + 1, {"--root", root()});
        return chaos(words);
    }

private:
    std::string path_;
};

}  // namespace chaos
