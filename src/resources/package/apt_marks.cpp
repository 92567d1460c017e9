// SPDX-License-Identifier: Apache-2.0
#include "apt_marks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chaos/system/packages.hpp>
#include <chaos/view.hpp>

#include "../lines.hpp"
#include "manners.hpp"

namespace chaos::resources::apt {
namespace {

constexpr const char *states_file = "/var/lib/apt/extended_states", *lock = "/var/lib/dpkg/lock-frontend";
constexpr std::string_view field = "Auto-Installed:";

std::string_view value_in(std::string_view paragraph, std::string_view name) {
    while (!paragraph.empty()) {
        const auto line = next_line(paragraph);
        if (line.starts_with(name) && line.substr(name.size()).starts_with(": ")) return line.substr(name.size() + 2);
    }
    return {};
}

/// Nothing is left to say where it said no more than the mark.
std::string unmarked(std::string_view paragraph) {
    std::string rest;
    bool says_more = false;
    while (!paragraph.empty()) {
        const auto line = next_line(paragraph);
        if (line.starts_with(field)) continue;
        says_more = says_more || !(line.starts_with("Package:") || line.starts_with("Architecture:"));
        rest += fmt::format("{}\n", line);
    }
    return says_more ? rest + fmt::format("{} 0\n", field) : std::string();
}

std::string marked(std::string_view paragraph) {
    std::string all;
    while (!paragraph.empty())
        if (const auto line = next_line(paragraph); !line.starts_with(field)) all += fmt::format("{}\n", line);
    return all + fmt::format("{} 1\n", field);
}

/// Under the lock that apt and dpkg take, and only where the file still is what was read; written beside and renamed,
/// as apt itself does it: nobody ever sees a half of it. In perl, which is on every host of dpkg: a process of its own
/// can hold the lock, and flock(1) takes another kind. Of a struct flock all but the type is zero, wherever it stands.
constexpr const char* locked_write = R"perl(
use strict; use Fcntl; use IO::Handle;
my ($lock, $file, $size) = @ARGV;
local $/;
my $said = <STDIN>;
sysopen my $held, $lock, O_RDWR | O_CREAT, 0640 or die "$lock: $!\n";
my $whole = pack 's s x60', F_WRLCK, 0;
if (!fcntl $held, F_SETLK, $whole) { print STDERR "E: Could not get lock $lock\n"; exit 100 }
my $now = '';
if (open my $old, '<', $file) { $now = <$old> // '' }
exit 75 if $now ne substr $said, 0, $size;
open my $new, '>', "$file.chaos" or die "$file.chaos: $!\n";
(print $new substr $said, $size) && $new->flush && $new->sync && close $new or die "$file.chaos: $!\n";
chmod 0644, "$file.chaos";
rename "$file.chaos", $file or die "$file: $!\n";
)perl";

/// False where somebody else has written it meanwhile, or was about to.
bool put(WritableHost& host, const std::string& before, const std::string& text) {
    constexpr int is_another = 75, was_locked = 100;
    const Command command{{"perl", "-e", locked_write, lock, states_file, std::to_string(before.size())},
                          before + text};
    const auto output = run_when_free(host, command);
    if (output.status != 0 && output.status != is_another && output.status != was_locked)
        throw Error(fmt::format("the marks of packages can not be written: {}", trimmed(output.err)))
            .help("apt-mark showauto");
    return output.status == 0;
}

}  // namespace

std::string with_marks(std::string_view states, std::vector<Marked> packages, bool automatic) {
    std::string all;
    while (!states.empty()) {
        const auto end = states.find("\n\n");
        const auto paragraph = states.substr(0, end == states.npos ? end : end + 1);
        states.remove_prefix(end == states.npos ? states.size() : end + 2);
        if (trimmed(paragraph).empty()) continue;
        const auto name = value_in(paragraph, "Package"), architecture = value_in(paragraph, "Architecture");
        const auto asked = std::find_if(packages.begin(), packages.end(), [&](const Marked& one) {
            return one.name == name && (architecture.empty() || one.architecture == architecture);
        });
        auto said = asked == packages.end() ? std::string(paragraph)
                    : automatic             ? marked(paragraph)
                                            : unmarked(paragraph);
        if (asked != packages.end()) packages.erase(asked);
        if (!said.empty()) all += said + (said.ends_with('\n') ? "\n" : "\n\n");
    }
    if (automatic)
        for (const Marked& one : packages)
            all += fmt::format("Package: {}\nArchitecture: {}\n{} 1\n\n", one.name, one.architecture, field);
    return all;
}

void mark_automatic(WritableHost& host, const std::vector<std::string>& packages, bool automatic) {
    const View view(host);
    const auto& installed = view.once<Packages>();
    std::vector<Marked> changing;
    for (const auto& name : packages) {
        const auto* there = installed.find(name);
        if (!there || there->automatic == automatic) continue;
        // apt has the native architecture for what is of all of them
        changing.push_back({there->name, there->architecture == "all" ? installed.architecture : there->architecture});
    }
    if (changing.empty()) return;
    constexpr int tries = 5;
    for (int i = 0; i < tries; ++i) {
        std::string text;
        constexpr std::size_t most = 64 << 20;
        host.look(states_file, &text, most);
        if (put(host, text, with_marks(text, changing, automatic))) return;
    }
    throw Error(fmt::format("{} is changed by somebody else all the time", states_file))
        .help("wait for that to end, then try again");
}

}  // namespace chaos::resources::apt
