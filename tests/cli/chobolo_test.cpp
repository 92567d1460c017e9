// SPDX-License-Identifier: Apache-2.0
// docs/chobolo.md, held to the program: each row's example is a manifest that it reads.
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chaos/process.hpp>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <vector>

using namespace chaos;

namespace {

std::string variable(const char* name) {
    const char* value = std::getenv(name);
    REQUIRE_MESSAGE(value, name << " is set by meson");
    return value;
}

std::string text_of(const std::string& path) {
    std::ifstream file(path);
    REQUIRE_MESSAGE(file, path);
    std::stringstream bytes;
    bytes << file.rdbuf();
    return bytes.str();
}

/// A root that says what system it is, with nothing else in it; and a place for manifests.
class Root {
public:
    explicit Root(const std::string& os) {
        char name[] = "/tmp/chaos-chobolo-XXXXXX";
        REQUIRE(::mkdtemp(name));
        path = name;
        for (const char* below : {"/etc", "/usr", "/usr/lib", "/usr/lib/systemd", "/usr/lib/systemd/system"})
            ::mkdir((path + below).c_str(), 0755);
        write("/etc/os-release", os);
        write("/etc/hostname", "web1\n");
        write("/etc/passwd", "root:x:0:0:root:/root:/bin/bash\n");
        write("/etc/group", "root:x:0:\n");
        for (const char* unit : {"NetworkManager", "NetworkManager-dispatcher"})
            write("/usr/lib/systemd/system/" + std::string(unit) + ".service",
                  "[Install]\nWantedBy=multi-user.target\n");
        write("/usr/lib/systemd/system/NetworkManager-wait.service", "[Service]\n");
    }
    ~Root() {
        Child child(Command{{"rm", "-rf", path}});
        child.release();
        child.wait();
    }
    Root(const Root&) = delete;

    std::string write(const std::string& name, const std::string& text) const {
        std::ofstream(path + name) << text;
        return path + name;
    }
    /// Both outputs, without the paths of this run.
    std::string check(const std::string& manifest, int& status) const {
        Command command{{variable("CHAOS_PROGRAM"), "check", "--root", path, manifest}};
        command.environment = {"XDG_CACHE_HOME=" + path + "/cache", "HOME=" + path};
        Child child(command);
        child.release();
        const auto output = child.wait();
        status = output.status;
        return output.out + output.err;
    }

    std::string path;
};

const char* const debian = "ID=debian\nNAME=\"Debian GNU/Linux\"\nVERSION_ID=12\n";
const char* const arch = "ID=arch\nNAME=\"Arch Linux\"\n";

struct Row {
    std::string key, example;
};

std::vector<Row> rows() {
    std::vector<Row> found;
    std::istringstream lines(text_of(variable("CHAOS_SOURCE") + "/docs/chobolo.md"));
    for (std::string line; std::getline(lines, line);) {
        if (!line.starts_with("| `")) continue;
        const auto second = line.find("` | `"), third = line.find("` | ", second + 5);
        REQUIRE_MESSAGE(third != std::string::npos, line);
        found.push_back({line.substr(3, second - 3), line.substr(second + 5, third - second - 5)});
    }
    return found;
}

/// Lines that begin so say what no kind of this program stands for yet; what is indented below one goes with it.
}  // namespace

TEST_CASE("every example of docs/chobolo.md is read, on Debian and on Arch") {
    const auto all = rows();
    CHECK(all.size() > 25);
    for (const char* os : {debian, arch}) {
        const Root root(os);
        for (const Row& row : all) {
            int status = 0;
            // A manifest of a name alone declares nothing, which is a mistake of its own.
            const auto said = root.check(
                root.write("/site.yml", row.example + (row.key == "hostname" ? "\n" : "\nhostname: t\n")), status);
            CHECK_MESSAGE(status == 0, row.key << ": " << said);
        }
    }
}

TEST_CASE("docs/chobolo.md has every section that is a module of chaos") {
    const auto text = text_of(variable("CHAOS_SOURCE") + "/docs/chobolo.md");
    const auto listed = text_of(variable("CHAOS_SOURCE") + "/src/engine/meson.build");
    const auto start = listed.find("shipped_modules = [") + 19;
    std::istringstream names(listed.substr(start, listed.find(']', start) - start));
    for (std::string name; std::getline(names, name, ',');) {
        name = name.substr(name.find('\'') + 1);
        name = name.substr(0, name.find('\''));
        CHECK_MESSAGE(text.find("| `" + name + "` |") != std::string::npos, name);
    }
}

TEST_CASE("a Ch-obolo as its author wrote it is read on Arch and on Debian, and says what a host can not have") {
    const std::string golden = variable("CHAOS_SOURCE") + "/tests/cli/chobolo/";
    const std::pair<const char*, const char*> systems[] = {{"debian", debian}, {"arch", arch}};
    for (const auto& [name, os] : systems) {
        const Root root(os);
        root.write("/dex.yml", text_of(golden + "dex.yml"));
        root.write("/secrets_dex.yml", text_of(variable("CHAOS_SOURCE") + "/tests/cli/chobolo/secrets_dex.yml"));
        root.write("/netrc.j2", "machine example.org login dex password {{ netrc }}\n");
        int status = 0;
        std::string said = root.check(root.path + "/dex.yml", status);
        for (std::size_t at; (at = said.find(root.path + "/")) != std::string::npos;)
            said.erase(at, root.path.size() + 1);
        if (const auto at = said.find(root.path); at != std::string::npos) said.replace(at, root.path.size(), "ROOT");
        CHECK(status == 0);
        const std::string answer = golden + name + ".txt";
        if (std::getenv("CHAOS_ACCEPT"))
            std::ofstream(answer) << said;
        else
            CHECK(said == text_of(answer));
    }
}
