// SPDX-License-Identifier: Apache-2.0
#include "connections.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "lines.hpp"

namespace chaos::resources {

namespace {

/// An address as /proc/net/tcp writes it: words of four bytes, each in the machine's order.
std::string address_of(std::string_view hex) {
    std::vector<unsigned> bytes;
    for (std::size_t word = 0; word + 8 <= hex.size(); word += 8)
        for (int byte = 3; byte >= 0; --byte) {
            unsigned value = 0;
            const char* from = hex.data() + word + static_cast<std::size_t>(byte) * 2;
            std::from_chars(from, from + 2, value, 16);
            bytes.push_back(value);
        }
    const bool mapped = bytes.size() == 16 && bytes[10] == 0xff && bytes[11] == 0xff &&
                        std::all_of(bytes.begin(), bytes.begin() + 10, [](unsigned b) { return b == 0; });
    if (mapped) bytes.erase(bytes.begin(), bytes.begin() + 12);
    if (bytes.size() == 4) return fmt::format("{}.{}.{}.{}", bytes[0], bytes[1], bytes[2], bytes[3]);
    std::string text;
    for (std::size_t i = 0; i + 1 < bytes.size(); i += 2)
        text += fmt::format("{}{:x}", i ? ":" : "", bytes[i] * 256 + bytes[i + 1]);
    return text;
}

}  // namespace

std::vector<Connection> connections(const Host& host) {
    constexpr std::size_t most = 64 << 20;
    std::vector<Connection> found;
    for (const char* path : {"/proc/net/tcp", "/proc/net/tcp6"}) {
        std::string text;
        if (!host.live() || !host.look(path, &text, most)) continue;
        for (const auto line : lines_of(text)) {
            std::vector<std::string_view> words;
            for (std::string_view rest = trimmed(line); !rest.empty() && words.size() < 4;) {
                const auto word = rest.substr(0, rest.find(' '));
                words.push_back(word);
                rest = trimmed(rest.substr(word.size()));
            }
            if (words.size() < 4 || (words[3] != "01" && words[3] != "0A")) continue;
            Connection one{.listens = words[3] == "0A"};
            const auto port_of = [](std::string_view end) {
                unsigned port = 0;
                const auto text_of_port = end.substr(end.find(':') + 1);
                std::from_chars(text_of_port.data(), text_of_port.data() + text_of_port.size(), port, 16);
                return port;
            };
            one.port = port_of(words[1]), one.remote_port = port_of(words[2]);
            one.remote = address_of(words[2].substr(0, words[2].find(':')));
            found.push_back(std::move(one));
        }
    }
    return found;
}

}  // namespace chaos::resources
