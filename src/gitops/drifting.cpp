// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <chaos/gitops/drifting.hpp>
#include <charconv>
#include <utility>

namespace chaos::gitops {

/// `SINCE TIME TIME... ID`: ids have blanks in them, numbers never.
Drifting Drifting::read(std::string_view text) {
    Drifting drifting;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        std::string_view line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        Known known;
        bool first = true;
        for (std::int64_t number = 0;;) {
            const auto [stop, error] = std::from_chars(line.data(), line.data() + line.size(), number);
            const auto length = static_cast<std::size_t>(stop - line.data());
            if (error != std::errc() || length == line.size() || *stop != ' ') break;
            if (std::exchange(first, false))
                known.since = number;
            else
                known.repairs.push_back(number);
            line.remove_prefix(length + 1);
        }
        known.id = line;
        if (!first && !known.id.empty()) drifting.known_.push_back(std::move(known));
    }
    return drifting;
}

std::string Drifting::text() const {
    std::string text;
    for (const Known& known : known_) {
        text += fmt::format("{} ", known.since);
        for (const std::int64_t time : known.repairs) text += fmt::format("{} ", time);
        text += known.id + '\n';
    }
    return text;
}

bool Drifting::repaired(const std::string& id, std::int64_t now) {
    const auto is_over = [now](std::int64_t time, std::int64_t length) { return time > now || time + length <= now; };
    for (Known& known : known_) {
        std::erase_if(known.repairs, [&](std::int64_t time) { return is_over(time, within_s); });
        if (is_over(known.since, left_s)) known.since = 0;
    }
    std::erase_if(known_, [](const Known& known) { return known.repairs.empty() && known.since == 0; });
    auto known = std::find_if(known_.begin(), known_.end(), [&](const Known& each) { return each.id == id; });
    if (known == known_.end()) known = known_.insert(known_.end(), Known{id});
    known->repairs.push_back(now);
    if (static_cast<std::int64_t>(known->repairs.size()) < most || known->since != 0) return false;
    known->since = now;
    return true;
}

std::vector<Left> Drifting::left(std::int64_t now) const {
    std::vector<Left> all;
    for (const Known& known : known_)
        if (known.since != 0 && known.since <= now && now < known.since + left_s)
            all.push_back({known.id, static_cast<std::int64_t>(known.repairs.size()), known.since + left_s});
    return all;
}

std::int64_t Rate::wait_ms(std::int64_t now) const {
    if (static_cast<std::int64_t>(last_.size()) < burst) return 0;
    return std::max<std::int64_t>(0, last_.front() + burst * each_ms - now);
}

void Rate::acted(std::int64_t now) {
    last_.push_back(now);
    if (static_cast<std::int64_t>(last_.size()) > burst) last_.erase(last_.begin());
}

}  // namespace chaos::gitops
