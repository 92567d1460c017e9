// SPDX-License-Identifier: Apache-2.0
#include "yaml_last.hpp"

#include <fmt/format.h>

#include <chaos/digest.hpp>
#include <chaos/manifest.hpp>

namespace chaos {

namespace {

constexpr std::size_t least = 4096;  // below that, a text is parsed as quickly
constexpr std::string_view head = "chaos " CHAOS_VERSION " text 1\n";

}  // namespace

LastText::LastText(Cache* cache, const Source& source, std::string_view text)
    : cache_(text.size() < least ? nullptr : cache), text_(text) {
    if (cache_) name_ = "text-" CHAOS_VERSION "-" + hex(digest(source.directory + '\0' + source.name));
}

std::optional<Before> LastText::read(std::uint16_t source) const {
    auto last = cache_ ? cache_->get(name_) : std::nullopt;
    if (!last || !last->starts_with(head)) return std::nullopt;
    const auto end = last->find('\n', head.size());
    if (end == last->npos) return std::nullopt;
    const auto parse = cache_->get(last->substr(head.size(), end - head.size()));
    if (!parse) return std::nullopt;
    auto value = thaw(*parse, source);
    if (!value) return std::nullopt;
    return Before{last->substr(end + 1), std::move(*value)};
}

void LastText::keep(const std::string& parse) {
    if (cache_) cache_->put(name_, fmt::format("{}{}\n{}", head, parse, text_));
}

}  // namespace chaos
