// SPDX-License-Identifier: Apache-2.0
#include "settled.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <chaos/gitops/noticing.hpp>
#include <charconv>
#include <cstring>

#include "clock.hpp"

extern char** environ;

namespace chaos::cli {

namespace {

constexpr std::string_view letters = "fnm";  ///< Of beside::Asked.
constexpr std::size_t digits = 32;

/// What of the environment the program reads.
bool is_read(std::string_view variable) {
    for (const std::string_view prefix : {"CHAOS_", "SOPS_", "XDG_", "HOME=", "SUDO_", "TZ=", "LANG=", "LC_"})
        if (variable.starts_with(prefix)) return true;
    return false;
}

/// What was asked for, by whom and where: the name of what is kept of it.
std::string said(const Context& context) {
    char here[4096] = "";
    if (!::getcwd(here, sizeof here)) here[0] = '\0';
    std::string all = fmt::format("{}\n{}\n{}", ::geteuid(), here, context.console.style().colour());
    for (const std::string& word : context.options.words) all += '\0' + word;
    for (char** variable = environ; *variable; ++variable)
        if (is_read(*variable)) all += '\0' + std::string(*variable);
    return "settled-" + hex(digest(all));
}

/// A line of a kept text, taken off it.
std::string_view line_of(std::string_view& text) {
    const auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    return line;
}

/// Whether all that was asked beside the manifests is so still; the lines end with an empty one.
bool is_so_beside(std::string_view& text) {
    for (auto line = line_of(text); !line.empty(); line = line_of(text)) {
        const auto asked = letters.find(line[0]);
        if (asked == letters.npos || line.size() < 2 + digits + 1) return false;
        const std::string path(line.substr(2 + digits + 1));
        const auto now = beside::stamp(static_cast<beside::Asked>(asked), path);
        if (now != digest_from_hex(line.substr(2, digits))) return false;
    }
    return true;
}

}  // namespace

Settled::Settled(Context& context, const World& world)
    : context_(context), world_(world), name_(said(context)), circumstances_(circumstances()), witness_(*world.host) {}

Settled::~Settled() = default;

std::string Settled::circumstances() const {
    return gitops::circumstances(world_.state_directory, seconds_now());
}

bool Settled::says_it_again() try {
    if (context_.options.full) return false;
    const auto kept = world_.cache->get(name_);
    if (!kept) return false;
    std::string_view rest = *kept;
    if (line_of(rest) != circumstances_) return false;
    std::size_t length = 0;
    const auto size = line_of(rest);
    if (std::from_chars(size.data(), size.data() + size.size(), length).ec != std::errc() || length > rest.size())
        return false;
    const std::string_view answer = rest.substr(0, length);
    rest.remove_prefix(length);
    if (!is_so_beside(rest) || moved(read_sight(rest), *world_.host)) return false;
    context_.console.result(answer);
    return true;
} catch (const Error&) {  // it is not what was kept
    return false;
}

void Settled::keep() {
    const auto answer = context_.console.transcript();
    const Sight sight = witness_.sight();
    if (!answer || !notes_.tell_all() || sight.fresh || !sight.costly.empty()) return;
    if (circumstances() != circumstances_) return;
    std::string text = fmt::format("{}\n{}\n{}", circumstances_, answer->size(), *answer);
    for (const auto& [asked, stamp] : notes_.all()) {
        if (asked.second.find('\n') != std::string::npos) return;
        text += fmt::format("{} {} {}\n", letters[static_cast<std::size_t>(asked.first)], hex(stamp), asked.second);
    }
    world_.cache->put(name_, text + '\n' + to_text(sight));
}

}  // namespace chaos::cli
