// SPDX-License-Identifier: Apache-2.0
// Extended attributes as bytes: the text form of an image, and what chmod makes of an ACL.
#include <cstring>

#include "inode.hpp"

namespace chaos::rollback {
namespace {

constexpr const char* capability = "security.capability";
constexpr const char* access_acl = "system.posix_acl_access";

std::uint32_t number_at(std::string_view text, std::size_t at) {
    std::uint32_t number = 0;
    if (text.size() < at + sizeof number) throw Error("expected extended attributes of an image, not this");
    std::memcpy(&number, text.data() + at, sizeof number);
    return number;
}

void append(std::string& out, std::string_view part) {
    const auto length = static_cast<std::uint32_t>(part.size());
    out.append(reinterpret_cast<const char*>(&length), sizeof length).append(part);
}

}  // namespace

std::string to_text(const Extended& attributes) {
    std::string out;
    for (const auto& [name, value] : attributes) append(out, name), append(out, value);
    return out;
}

Extended extended_from(std::string_view text) {
    const auto take = [&] {
        const std::uint32_t length = number_at(text, 0);
        if (text.size() - 4 < length) throw Error("expected extended attributes of an image, not this");
        std::string part(text.substr(4, length));
        text.remove_prefix(4 + length);
        return part;
    };
    Extended out;
    while (!text.empty()) {
        std::string name = take();
        out[std::move(name)] = take();
    }
    return out;
}

std::string with_mode(const std::string& extended, std::uint32_t mode) {
    Extended attributes = extended_from(extended);
    const auto acl = attributes.find(access_acl);
    if (acl == attributes.end()) return extended;
    // A version number, then entries of tag (16 bits), permissions (16) and id (32).
    enum : std::uint16_t { user_object = 0x01, group_object = 0x04, mask = 0x10, other = 0x20 };
    std::string& text = acl->second;
    bool masked = false;
    const auto tag_at = [&](std::size_t at) { return static_cast<std::uint16_t>(number_at(text, at) & 0xffffU); };
    for (std::size_t at = 4; at + 8 <= text.size(); at += 8) masked |= tag_at(at) == mask;
    for (std::size_t at = 4; at + 8 <= text.size(); at += 8) {
        const std::uint16_t tag = tag_at(at);
        std::uint16_t bits = 0;
        if (tag == user_object)
            bits = mode >> 6 & 7U;
        else if (tag == (masked ? mask : group_object))
            bits = mode >> 3 & 7U;
        else if (tag == other)
            bits = mode & 7U;
        else
            continue;
        std::memcpy(text.data() + at + 2, &bits, sizeof bits);
    }
    return to_text(attributes);
}

std::string without_capabilities(const std::string& extended) {
    if (extended.find(capability) == extended.npos) return extended;
    Extended attributes = extended_from(extended);
    attributes.erase(capability);
    return to_text(attributes);
}

}  // namespace chaos::rollback
