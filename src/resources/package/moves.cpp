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

Reason reason_of(const solver::Move& move) {
    return {move.why, move.download, move.installed};
}

void tell(Package& coming, const Reason& reason) {
    TextMap comes;
    if (!reason.why.empty()) comes.emplace_back("why", reason.why);
    if (reason.fetched) {
        comes.emplace_back("download", size_text(reason.fetched));
        coming.fetched = static_cast<std::int64_t>(reason.fetched);
    }
    if (reason.takes) {
        comes.emplace_back("installed", size_text(reason.takes));
        coming.takes = static_cast<std::int64_t>(reason.takes);
    }
    if (!comes.empty()) coming.comes = std::move(comes);
}

State with_why(const State& going, const std::string& why) {
    if (!going || why.empty()) return going;
    Package one = *going.as<Package>();
    one.goes = TextMap{{"why", why}};
    return State::of(std::move(one));
}

std::string listed(const std::vector<std::string>& words, const char* between) {
    constexpr std::size_t most = 8;
    std::string text;
    for (std::size_t i = 0; i < words.size() && i < most; ++i) text += (i ? between : "") + words[i];
    return words.size() > most ? text + fmt::format("{}{} more", between, words.size() - most) : text;
}

}  // namespace chaos::resources
