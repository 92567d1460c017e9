// SPDX-License-Identifier: Apache-2.0
#include "mounts.hpp"

#include <charconv>
#include <fstream>
#include <string_view>

namespace chaos::rollback {
namespace {

/// Up to the next space; what the kernel wrote as \040 is what it stands for.
std::string word_of(std::string_view& rest) {
    std::string word;
    while (!rest.empty() && rest[0] != ' ') {
        int octal = 0;
        if (rest[0] == '\\' && rest.size() > 3 &&
            std::from_chars(rest.data() + 1, rest.data() + 4, octal, 8).ec == std::errc()) {
            word += static_cast<char>(octal);
            rest.remove_prefix(4);
        } else {
            word += rest[0];
            rest.remove_prefix(1);
        }
    }
    if (!rest.empty()) rest.remove_prefix(1);
    return word;
}

}  // namespace

std::vector<Mount> mounts() {
    std::vector<Mount> found;
    std::ifstream table("/proc/thread-self/mountinfo");
    for (std::string line; std::getline(table, line);) {
        std::string_view rest = line;
        for (int field = 0; field < 4; ++field) word_of(rest);
        Mount mount{word_of(rest), {}, {}};
        if (const auto end = rest.find("- "); end != rest.npos) {
            rest.remove_prefix(end + 2);
            mount.type = word_of(rest);
            word_of(rest);  // what is mounted
            mount.options = word_of(rest);
        }
        found.push_back(std::move(mount));
    }
    return found;
}

}  // namespace chaos::rollback
