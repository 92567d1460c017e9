// SPDX-License-Identifier: Apache-2.0
#include "nowhere.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <unordered_map>

#include "beneath.hpp"

namespace chaos::rollback {

bool comes_by_path(const ResourceType& type, const State& state, const std::string& key) {
    const auto names = claimed(type, state, {Claim::Role::provides});
    return std::find(names.begin(), names.end(), "path:" + key) != names.end();
}

std::vector<std::uint32_t> lying_nowhere(std::vector<Coming> coming,
                                         const std::function<bool(const std::string&)>& is_there) {
    const auto shorter = [](const Coming& a, const Coming& b) { return a.path.size() < b.path.size(); };
    std::sort(coming.begin(), coming.end(), shorter);  // a directory before what is in it
    std::set<std::string> come;
    const auto comes_in = [&](std::string path) {  // a tree comes back with the directories in it
        while (path.size() > 1 && !come.contains(path)) path.resize(path.rfind('/'));
        return path.size() > 1;
    };
    std::unordered_map<std::string, bool> known;
    std::vector<std::uint32_t> nowhere;
    for (auto& [path, number] : coming) {
        const std::string directory = parent_of(path);
        bool has_place = comes_in(directory);
        if (!has_place) {
            const auto [held, fresh] = known.try_emplace(directory, false);
            if (fresh) held->second = is_there(directory);
            has_place = held->second;
        }
        if (has_place)
            come.insert(std::move(path));
        else
            nowhere.push_back(number);
    }
    return nowhere;
}

std::string why_nowhere(const std::string& path) {
    return fmt::format("{}, which it was in, is not there", parent_of(path));
}

}  // namespace chaos::rollback
