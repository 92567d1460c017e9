// SPDX-License-Identifier: Apache-2.0
#include "text.hpp"

namespace chaos {

std::optional<std::string> read_text(const Host& host, std::string path) {
    try {
        for (int links = 0; links < 8; ++links) {
            std::string content;
            const Entry entry = host.look(path, &content);
            if (entry.kind == Entry::Kind::file && entry.size <= Content::in_memory) return content;
            if (entry.kind != Entry::Kind::link || content.empty()) return std::nullopt;
            path = content[0] == '/' ? content : path.substr(0, path.rfind('/') + 1) + content;
        }
    } catch (const Error&) {
        // not to be read is not known
    }
    return std::nullopt;
}

std::string read_line(const Host& host, const std::string& path) {
    const std::string text = read_text(host, path).value_or("");
    std::string line;
    for_lines(text, [&](std::string_view each) {
        if (line.empty()) line = each;
    });
    return line;
}

}  // namespace chaos
