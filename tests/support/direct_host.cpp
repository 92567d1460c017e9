// SPDX-License-Identifier: Apache-2.0
#include "direct_host.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <chaos/process.hpp>
#include <chaos/system/accounts.hpp>
#include <cstring>
#include <filesystem>
#include <fstream>

namespace chaos::test {

namespace {

void succeed(int result, const std::string& path) {
    if (result != 0) throw Error(path + ": " + std::strerror(errno));
}

}  // namespace

void DirectHost::write(const std::string& path, const Content& content, const Meta& meta) {
    const auto staged = path + ".direct~";
    {
        std::ofstream file(staged, std::ios::trunc);
        file << content.bytes();
        file.close();
        if (!file) throw Error(staged + " could not be written");
    }
    set_meta(staged, meta);
    succeed(::rename(staged.c_str(), path.c_str()), path);
}

void DirectHost::make_directory(const std::string& path, const Meta& meta) {
    std::filesystem::create_directory(path);
    set_meta(path, meta);
}

void DirectHost::make_link(const std::string& path, const std::string& target, const Meta&) {
    std::filesystem::remove(path);
    std::filesystem::create_symlink(target, path);
}

void DirectHost::set_meta(const std::string& path, const Meta& meta) {
    const View view(*this);
    const auto& accounts = view.once<Accounts>();
    const auto* user = accounts.user(meta.owner);
    const auto* group = accounts.group(meta.group);
    const auto id = [](const std::string& text) {
        return text.empty() || text.find_first_not_of("0123456789") != text.npos
                   ? -1U
                   : static_cast<unsigned>(std::stoul(text));
    };
    succeed(::chown(path.c_str(), user ? user->uid : id(meta.owner), group ? group->gid : id(meta.group)), path);
    succeed(::chmod(path.c_str(), meta.mode), path);
}

void DirectHost::remove(const std::string& path) {
    std::filesystem::remove(path);
}
void DirectHost::remove_tree(const std::string& path) {
    std::filesystem::remove_all(path);
}
void DirectHost::set_kernel(const std::string& path, const std::string& value) {
    std::ofstream(path) << value << '\n';
}

Output DirectHost::run(const Command& command) {
    ran.push_back(command.argv);
    Child child(command);
    child.release();
    return child.wait();
}

void DirectHost::control(UnitVerb verb, const std::string& unit) {
    if (systemd_.unit(unit).stale) systemd_.daemon_reload();
    systemd_.control(verb, unit);
}

}  // namespace chaos::test
