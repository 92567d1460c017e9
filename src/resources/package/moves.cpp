// SPDX-License-Identifier: Apache-2.0
#include "moves.hpp"

#include <fmt/format.h>

namespace chaos::resources {

std::string size_text(std::uint64_t bytes) {
    if (bytes < 10'000) return fmt::format("{} B", bytes);
    if (bytes < 10'000'000) return fmt::format("{} kB", bytes / 1000);
    return fmt::format("{} MB", bytes / 1'000'000);
}

bool is_solved_here(const Packages& packages) {
    return packages.keeper == Packages::Keeper::apt && solver::available();
}

std::string name_of(const Packages::Package& one, const Packages& packages) {
    const bool native = one.architecture == packages.architecture || one.architecture == "all";
    return native ? one.name : one.name + ":" + one.architecture;
}

TextMap told(const solver::Move& move) {
    TextMap all;
    if (!move.why.empty()) all.emplace_back("why", move.why);
    if (move.download) all.emplace_back("download", size_text(move.download));
    if (move.installed) all.emplace_back("installed", size_text(move.installed));
    return all;
}

std::string listed(const std::vector<std::string>& words, const char* between) {
    constexpr std::size_t most = 8;
    std::string text;
    for (std::size_t i = 0; i < words.size() && i < most; ++i) text += (i ? between : "") + words[i];
    return words.size() > most ? text + fmt::format("{}{} more", between, words.size() - most) : text;
}

}  // namespace chaos::resources
