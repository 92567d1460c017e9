// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <chaos/schema.hpp>

namespace chaos {

const Field* Schema::find(std::string_view wanted) const {
    if (wanted.empty()) return nullptr;
    // Asked of every attribute of every resource, several times: most names differ in length or in their first letter.
    const auto is = [&](std::string_view one) {
        return one.size() == wanted.size() && one.front() == wanted.front() && one == wanted;
    };
    for (const Field& field : fields)
        if (is(field.name) || is(field.alias)) return &field;
    return nullptr;
}

const Field* Schema::key() const {
    for (const Field& field : fields)
        if (field.role == Field::Role::key) return &field;
    return nullptr;
}

std::string schema::clean_path(std::string_view path) {
    constexpr std::size_t longest_name = 255, longest_path = 4095;  // what every file system and the kernel take
    if (!path.starts_with('/'))
        throw Error(fmt::format("expected an absolute path, found '{}'", path))
            .help("write the whole path, beginning with /");
    std::string clean;
    for (std::size_t at = 0; at < path.size();) {
        const std::size_t end = std::min(path.find('/', at), path.size());
        const auto part = path.substr(at, end - at);
        if (part == "..") throw Error(fmt::format("'{}' has a '..' in it", path)).help("write the path it leads to");
        if (part.find('\0') != std::string_view::npos) throw Error("a path can not hold a zero byte");
        if (part.size() > longest_name)
            throw Error(
                fmt::format("a name in a path has {} bytes at most, and this one has {}", longest_name, part.size()));
        if (!part.empty() && part != ".") clean.append("/").append(part);
        at = end + 1;
    }
    if (clean.size() > longest_path)
        throw Error(fmt::format("a path has {} bytes at most, and this one has {}", longest_path, clean.size()));
    return clean.empty() ? "/" : clean;
}

}  // namespace chaos
