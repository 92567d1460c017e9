// SPDX-License-Identifier: Apache-2.0
// Modules from elsewhere, as a person fetches them.
#include <doctest/doctest.h>

#include <chaos/process.hpp>
#include <cstdlib>
#include <fstream>

using namespace chaos;

namespace {

/// A repository with a module, and a site that uses it.
class Site {
public:
    Site() {
        char name[] = "/tmp/chaos-modules-XXXXXX";
        REQUIRE(::mkdtemp(name));
        path_ = name;
        shell(
            "mkdir root site; git init -q -b main remote; cd remote; mkdir modules; "
            "printf 'params: {port: {type: port}}\\nfiles: {/etc/web.conf: \"{{ params.port }}\"}\\n' > web.yml; "
            "printf 'hostname: inner\\n' > modules/inner.yml; git add .; git commit -qm 1");
        std::ofstream(path_ + "/site/site.yml")
            << "use: [{module: web, from: 'file://" + path_ + "/remote', rev: " + rev() + ", with: {port: 80}}]\n";
    }
    ~Site() { shell("rm -rf " + path_); }
    Site(const Site&) = delete;

    std::string shell(const std::string& line) const {
        Command command{{"/bin/sh", "-ec", line}};
        command.directory = path_;
        command.environment = {"HOME=/nonexistent",    "GIT_AUTHOR_NAME=t",       "GIT_AUTHOR_EMAIL=t@t",
                               "GIT_COMMITTER_NAME=t", "GIT_COMMITTER_EMAIL=t@t", "GIT_CONFIG_NOSYSTEM=1"};
        Child child(command);
        child.release();
        const auto output = child.wait();
        REQUIRE_MESSAGE(output.status == 0, line << ": " << output.err);
        return output.out.substr(0, output.out.find('\n'));
    }
    std::string rev() const { return shell("git -C remote rev-parse HEAD"); }
    std::string kept() const { return path_ + "/site/.chaos/modules/" + rev(); }

    /// Exit status and all that was said.
    std::string chaos(const std::string& verb, int wanted) const {
        const char* program = std::getenv("CHAOS_PROGRAM");
        REQUIRE_MESSAGE(program, "CHAOS_PROGRAM names the built program");
        Command command{
            {"/bin/sh", "-c", std::string(program) + " " + verb + " --root " + path_ + "/root site/site.yml 2>&1"}};
        command.directory = path_;
        command.environment = {"XDG_CACHE_HOME=" + path_ + "/cache", "HOME=" + path_};
        Child child(command);
        child.release();
        const auto output = child.wait();
        CHECK_MESSAGE(output.status == wanted, verb << ": " << output.out);
        return output.out;
    }

private:
    std::string path_;
};

bool has(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a module from elsewhere is fetched once, and nothing but fetching goes for it") {
    const Site site;
    CHECK(has(site.chaos("check", 64), "was not fetched"));
    CHECK(has(site.chaos("modules list", 2), "missing"));
    CHECK(has(site.chaos("modules fetch", 0), "fetched"));
    site.shell("mv remote gone");
    CHECK(has(site.chaos("check", 0), "1 resource declared"));
    site.shell("mv gone remote");
    CHECK(has(site.chaos("modules fetch", 0), "here"));
    CHECK(site.shell("cat site/.chaos/.gitignore") == "*");
}

TEST_CASE("a kept module that was changed, in whatever way, is refused") {
    const Site site;
    site.chaos("modules fetch", 0);
    for (const char* change : {"printf x >> web.yml", "ln -s /etc/passwd link", "touch more"}) {
        site.shell("cd " + site.kept() + "; " + change);
        CHECK(site.chaos("check", 64) != "");
        CHECK(has(site.chaos("modules list", 2), "changed"));
        CHECK(has(site.chaos("modules fetch", 1), "rm -r"));
        site.shell("rm -r " + site.kept());
        site.chaos("modules fetch", 0);
        CHECK(has(site.chaos("check", 0), "nothing wrong"));
    }
}

TEST_CASE("a lock that says something else is not overwritten") {
    const Site site;
    site.chaos("modules fetch", 0);
    site.shell("rm -r " + site.kept() + "; sed -i 's/128:..../128:0000/' site/chaos.lock");
    CHECK(has(site.chaos("modules fetch", 1), "is not what chaos.lock says"));
    CHECK(has(site.chaos("check", 64), "was not fetched"));
}
