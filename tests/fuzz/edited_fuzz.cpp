// SPDX-License-Identifier: Apache-2.0
// Whatever becomes of a manifest, what is parsed of the edit alone is what is parsed of the whole.
#include <chaos/error.hpp>
#include <chaos/manifest.hpp>
#include <cstdlib>
#include <random>

#include "../../src/engine/yaml_edited.hpp"
#include "../engine/same_value.hpp"

namespace {

std::optional<chaos::ParsedYaml> whole(const std::string& text) {
    try {
        return chaos::parse_whole(text, 0);
    } catch (const chaos::Error&) {
        return std::nullopt;
    }
}

void compare(const std::string& before, const std::string& after) {
    auto old = whole(before);
    if (!old || !old->alone) return;
    const auto edited = chaos::parse_edited({before, std::move(old->value)}, after, 0);
    if (!edited) return;
    const auto expected = whole(after);
    if (!expected || !expected->alone || !chaos::test::same(*edited, expected->value)) std::abort();
}

}  // namespace

/// Some edits of each input, which depend on all of it: a part is put in place of another.
extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    const std::string text(reinterpret_cast<const char*>(data), size);
    std::uint64_t seed = 14695981039346656037U;
    for (const char c : text) seed = (seed ^ static_cast<unsigned char>(c)) * 1099511628211U;
    std::mt19937_64 random(seed);
    const auto below = [&](std::size_t n) { return n == 0 ? 0 : static_cast<std::size_t>(random() % n); };
    const auto line = [&] { return text.find('\n', below(text.size())) + 1; };  // npos + 1 is 0
    for (int round = 0; round < 4; ++round) {
        const bool lines = round % 2 == 0;
        const std::size_t at = lines ? line() : below(text.size()), from = lines ? line() : below(text.size());
        std::string after = text;
        after.replace(at, below(3) == 0 ? 0 : below(lines ? 80 : 8), text.substr(from, below(lines ? 120 : 12)));
        compare(text, after);
        compare(after, text);
    }
    return 0;
}
