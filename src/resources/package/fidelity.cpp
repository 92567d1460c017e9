// SPDX-License-Identifier: Apache-2.0
// apt hands what it is about to do to programs before it starts dpkg (DPkg::Pre-Install-Pkgs, third version of that
// protocol), and stops where one of them fails. Ours is a few words of shell of what every Debian has, so that an image
// can be changed as well; it knows the plan by its digest.
#include "fidelity.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chaos/digest.hpp>
#include <set>

namespace chaos::resources::apt {
namespace {

/// What the hook says; in the words of the command itself it stands in two pieces, and so is not found there.
constexpr std::string_view mark = "this is not what chaos planned";

/// apt tells `name old-version architecture multi-arch < version architecture multi-arch FILE`, - where there is none;
/// and again what it will configure. Of that, name and version. The first word names our options, so it is one that
/// nobody else begins with.
constexpr fmt::format_string<const std::string&> hook =
    R"sh(umask 077; all=$(sed -e '1,/^$/d' -e '/\*\*CONFIGURE\*\*$/d' )sh"
    R"sh(-e 's/^\([^ ]*\) [^ ]* [^ ]* [^ ]* [^ ]* \([^ ]*\) .*/\1 \2/' | LC_ALL=C sort -u); )sh"
    R"sh([ "$(printf '%s\n' "$all" | b2sum -l 128)" = '{}  -' ] || )sh"
    R"sh({{ echo 'this is not' 'what chaos planned' >&2; exit 1; }})sh";

std::set<std::string> lines_of(const Request& request) {
    std::set<std::string> lines;
    const auto bare = [](std::string_view name) { return std::string(name.substr(0, name.find(':'))); };
    for (const std::string& one : request.install) {
        const auto equals = one.find('=');
        lines.insert(bare(one.substr(0, equals)) + " " + one.substr(equals + 1));
    }
    for (const std::string& one : request.remove) lines.insert(bare(one) + " -");
    return lines;
}

std::string joined(const std::set<std::string>& lines, const char* between) {
    std::string text;
    for (const auto& line : lines) text += (text.empty() ? "" : between) + line;
    return text;
}

std::string without(const std::set<std::string>& some, const std::set<std::string>& others) {
    std::set<std::string> rest;
    std::set_difference(some.begin(), some.end(), others.begin(), others.end(), std::inserter(rest, rest.end()));
    return rest.empty() ? "nothing" : joined(rest, ", ");
}

}  // namespace

std::vector<std::string> held_to(const Request& request) {
    const auto sum = hex(digest(joined(lines_of(request), "\n") + "\n"));
    return {"-o", "DPkg::Pre-Install-Pkgs::=" + fmt::format(hook, sum), "-o", "DPkg::Tools::Options::umask::Version=3"};
}

bool was_stopped(const Error& error) {
    return std::string_view(error.what()).find(mark) != std::string_view::npos;
}

Error other_than_planned(const Request& request, const Answer& apt) {
    std::set<std::string> theirs;
    for (const Move& move : apt.moves)
        theirs.insert(move.name.substr(0, move.name.find(':')) + " " +
                      (move.kind == Move::Kind::remove ? "-" : move.version));
    const auto ours = lines_of(request);
    return Error(fmt::format("apt would do something else than what was planned, and was stopped before it changed "
                             "anything: of the plan it leaves out {}, beside the plan it does {}. Planned: {}. apt: {}",
                             without(ours, theirs), without(theirs, ours), joined(ours, ", "), joined(theirs, ", ")))
        .help("plan again: what is installed, or what the archive has, changed meanwhile");
}

}  // namespace chaos::resources::apt
