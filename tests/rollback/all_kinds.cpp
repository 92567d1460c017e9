// SPDX-License-Identifier: Apache-2.0
#include "all_kinds.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstring>
#include <fstream>
#include <map>
#include <stdexcept>

namespace chaos::test {
namespace {

void must(int result, const std::string& what) {
    if (result != 0) throw std::runtime_error(what + ": " + std::strerror(errno));
}

void directory(const std::string& path, unsigned mode = 0755) {
    must(::mkdir(path.c_str(), 0700), path);
    must(::chmod(path.c_str(), mode), path);
}

/// user::rw-, user:1000:rw-, group::r--, mask::rw-, other::---
void give_acl(const std::string& path) {
    struct Entry {
        std::uint16_t tag, bits;
        std::uint32_t id;
    };
    constexpr std::uint32_t none = 0xffffffff, version = 2;
    const std::array<Entry, 5> entries = {{{1, 6, none}, {2, 6, 1000}, {4, 4, none}, {0x10, 6, none}, {0x20, 0, none}}};
    std::string text(4 + sizeof entries, '\0');
    std::memcpy(text.data(), &version, 4);
    std::memcpy(text.data() + 4, entries.data(), sizeof entries);
    must(::setxattr(path.c_str(), "system.posix_acl_access", text.data(), text.size(), 0), path);
}

void give_capability(const std::string& path) {
    const std::array<std::uint32_t, 5> net_bind = {0x02000001, 1U << 10, 0, 0, 0};
    must(::setxattr(path.c_str(), "security.capability", net_bind.data(), sizeof net_bind, 0), path);
}

std::string attributes(const std::string& path) {
    std::array<char, 4096> names{}, value{};
    const ssize_t length = ::llistxattr(path.c_str(), names.data(), names.size());
    std::map<std::string, std::string> sorted;
    for (const char* name = names.data(); name < names.data() + std::max<ssize_t>(length, 0);
         name += strlen(name) + 1) {
        const ssize_t size = ::lgetxattr(path.c_str(), name, value.data(), value.size());
        std::string& digits = sorted[name];
        for (ssize_t i = 0; i < size; ++i)
            digits += fmt::format("{:02x}", static_cast<unsigned char>(value[static_cast<std::size_t>(i)]));
    }
    std::string out;
    for (const auto& [name, digits] : sorted) out += fmt::format(" {}={}", name, digits);
    return out;
}

std::vector<std::string> entries(const std::string& path) {
    std::vector<std::string> out;
    DIR* const open = ::opendir(path.c_str());
    if (!open) throw std::runtime_error(path);
    while (const dirent* entry = ::readdir(open))
        if (const std::string name = entry->d_name; name != "." && name != "..") out.push_back(name);
    ::closedir(open);
    std::sort(out.begin(), out.end());
    return out;
}

void describe(const std::string& root, const std::string& path, std::map<std::pair<dev_t, ino_t>, std::string>& first,
              std::string& out) {
    struct stat found {};
    must(::lstat((root + path).c_str(), &found), path);
    out += fmt::format("{} {:o} {}:{}{}", path, found.st_mode, found.st_uid, found.st_gid, attributes(root + path));
    if (S_ISREG(found.st_mode)) {
        const auto known = first.emplace(std::pair(found.st_dev, found.st_ino), path).first;
        out += fmt::format(" links {} with {} at {}.{:09} {}", found.st_nlink, known->second, found.st_mtim.tv_sec,
                           found.st_mtim.tv_nsec, hex(digest(file_at(root + path))));
    }
    if (S_ISLNK(found.st_mode)) {
        std::array<char, PATH_MAX> target{};
        if (::readlink((root + path).c_str(), target.data(), target.size()) < 0) throw std::runtime_error(path);
        out += fmt::format(" -> {}", target.data());
    }
    out += '\n';
    if (!S_ISDIR(found.st_mode) || path == "/var/lib/chaos") return;
    for (const std::string& name : entries(root + path)) describe(root, path + "/" + name, first, out);
}

}  // namespace

void put_file(const std::string& path, const std::string& bytes, unsigned mode) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
    must(::chmod(path.c_str(), mode), path);
}

std::string file_at(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

std::string manifest(const std::string& root) {
    std::string out;
    std::map<std::pair<dev_t, ino_t>, std::string> first;
    describe(root, "", first, out);
    return out;
}

void make_all_kinds(const std::string& root) {
    const std::string etc = root + "/etc/", srv = root + "/srv/";
    directory(root + "/etc");
    put_file(etc + "passwd", "root:x:0:0:root:/root:/bin/sh\nwww:x:1000:1001::/:/bin/false\n");
    put_file(etc + "group", "root:x:0:\nweb:x:1001:\n");
    put_file(etc + "conf", "old\n", 0640);
    must(::chown((etc + "conf").c_str(), 1000, 1001), "conf");
    give_acl(etc + "conf");
    must(::setxattr((etc + "conf").c_str(), "user.note", "kept", 4, 0), "conf");
    put_file(etc + "old", "goes\n", 0600);
    put_file(etc + "hard1", "one inode\n");
    must(::link((etc + "hard1").c_str(), (etc + "hard2").c_str()), "hard2");
    must(::symlink("a", (etc + "link").c_str()), "link");
    must(::symlink("away", (etc + "oldlink").c_str()), "oldlink");
    put_file(etc + "suid", "program\n", 04755);
    put_file(etc + "capable", "program\n", 0755);
    give_capability(etc + "capable");
    put_file(etc + "capable2", "program\n", 0755);
    give_capability(etc + "capable2");
    directory(etc + "dir.d", 02750);
    give_acl(etc + "dir.d");
    directory(etc + "gone.d", 0711);
    put_file(etc + "gone.d/f", "f\n");
    directory(etc + "tree.d", 0700);
    directory(etc + "tree.d/sub");
    put_file(etc + "tree.d/sub/f", "in a tree\n");
    put_file(etc + "big", std::string((1U << 20U) + 77, 'b'));
    put_file(etc + "to_directory", "was a file\n");
    directory(etc + "to_file");
    must(::mkfifo((etc + "pipe").c_str(), 0600), "pipe");
    put_file(etc + "back", "now\n", 0644);
    put_file(etc + "same", "same\n", 0644);
    put_file(srv + "data", "old data\n", 0604);
    directory(srv + "tree");
    put_file(srv + "tree/f", "f\n");
    must(::link((srv + "tree/f").c_str(), (srv + "tree/g").c_str()), "g");
    directory(srv + "tree/sub");
    must(::symlink("../f", (srv + "tree/sub/l").c_str()), "l");
}

void change_all_kinds(rollback::StagedHost& host) {
    host.step(1);
    host.write("/etc/new", Content("new\n"), {0640, "www", "web"});
    host.write("/etc/conf", Content("new content\n"), {0600});
    host.remove("/etc/old");
    host.write("/etc/hard1", Content("another inode\n"), {0644});
    host.make_link("/etc/link", "b", {});
    host.make_link("/etc/newlink", "/etc/new", {0777, "www", ""});
    host.remove("/etc/oldlink");
    host.set_meta("/etc/suid", {02750, "www", "web"});
    host.set_meta("/etc/capable", {0700, "www", ""});
    host.write("/etc/capable2", Content("another program\n"), {0755});
    host.set_meta("/etc/dir.d", {0700, "1000", "1001"});
    host.make_directory("/etc/new.d", {02775, "", "web"});
    host.make_directory("/etc/new.d/deep", {0700});
    host.write("/etc/new.d/deep/x", Content("x\n"), {0644});
    host.step(2);
    host.remove("/etc/gone.d/f");
    host.remove("/etc/gone.d");
    host.remove_tree("/etc/tree.d");
    host.write("/etc/big", Content(std::string((1U << 20U) + 99, 'c')), {0644});
    host.remove("/etc/to_directory");
    host.make_directory("/etc/to_directory", {0755});
    host.remove("/etc/to_file");
    host.write("/etc/to_file", Content("a file now\n"), {0644});
    host.remove("/etc/pipe");
    host.write("/etc/same", Content("same\n"), {0644});
    host.write("/srv/data", Content("new data\n"), {0644});
    host.write("/srv/fresh", Content("fresh\n"), {0644});
    host.remove_tree("/srv/tree");
    host.make_directory("/srv/tree", {0750});
    host.write("/srv/tree/f", Content("another f\n"), {0644});
}

}  // namespace chaos::test
