// SPDX-License-Identifier: Apache-2.0
#include "failure.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <ctime>

#include "../lines.hpp"

namespace chaos::resources {
namespace {

/// By what the package manager says.
struct Way {
    std::string_view said;
    Remedy remedy;
};
constexpr Remedy old_lists{"the lists are older than the archive: apt-get update", true};
constexpr Remedy no_names{"names are not resolved here: mend that", true};
constexpr Remedy no_answer{"a repository does not answer: mend that", true};
constexpr Remedy in_the_way{"chaos plan tells what stands in the way"};
constexpr Way ways_out[] = {
    {"No space left on device", {"make room (df -h)", true}},
    {"Read-only file system", {"mount that file system to be written", true}},
    {"which is also in package", {"two packages bring the same file: leave one of them out"}},
    {"Hash Sum mismatch", old_lists},
    {"404  Not Found", old_lists},
    {"Temporary failure resolving", no_names},
    {"Could not resolve host", no_names},
    {"Failed to fetch", no_answer},
    {"failed retrieving file", no_answer},
    {"Cannot download", no_answer},
    {"couldn't be verified because the public key", {"give its repository the key: signed_by"}},
    {"unmet dependencies", in_the_way},
    {"held broken packages", in_the_way},
};

/// The last lines, without empty ones around them.
std::string_view end_of(std::string_view text) {
    constexpr int most = 15;
    constexpr std::size_t longest = 4000;
    const auto last = text.find_last_not_of(" \t\r\n");
    text = text.substr(0, last == text.npos ? 0 : last + 1);
    std::size_t at = text.size();
    for (int lines = 0; lines < most && at != 0; ++lines) {
        const auto before = text.rfind('\n', at - 1);
        at = before == text.npos ? 0 : before;
    }
    auto end = text.substr(at);
    if (end.size() > longest) end.remove_prefix(end.size() - longest);
    while (end.starts_with('\n')) end.remove_prefix(1);
    return end;
}

bool is_shown(std::string_view word, bool verbs_are_options) {
    if (!word.starts_with('-')) return true;
    static constexpr std::string_view ours[] = {"-y", "-q", "--xmlout", "--noconfirm", "--no-confirm", "--"};
    if (!verbs_are_options || word.starts_with("--force-")) return false;
    return std::find(std::begin(ours), std::end(ours), word) == std::end(ours);
}

/// A file beside what is kept of packages. That it can not be written (a full disk) is not what failed.
std::string keep(WritableHost& host, const std::string& printed) try {
    constexpr std::size_t kept = 10;
    const auto directory = host.keep_in("packages/failed");
    if (directory.empty()) return {};
    const auto now = std::time(nullptr);
    std::tm parts{};
    ::gmtime_r(&now, &parts);
    const auto path = fmt::format("{}/{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", directory, parts.tm_year + 1900,
                                  parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
    if (host.run({{"install", "-m", "600", "/dev/stdin", path}, printed}).status != 0) return {};
    auto there = host.list(directory);
    if (there.size() > kept) {
        Command remove{{"rm", "-f", "--"}};
        there.resize(there.size() - kept);  // their names are times
        for (const auto& name : there) remove.argv.push_back(directory + "/" + name);
        host.run(remove);
    }
    return path;
} catch (const Error&) {
    return {};
}

}  // namespace

std::string as_typed(const Command& command) {
    constexpr std::size_t most = 9;
    const auto& argv = command.argv;
    const bool verbs_are_options = argv.front() == "dpkg" || argv.front() == "pacman";
    std::string text = argv.front();
    std::size_t shown = 0, left = 0;
    for (std::size_t i = 1; i < argv.size(); ++i) {
        if (argv[i] == "-o") {
            ++i;
        } else if (is_shown(argv[i], verbs_are_options)) {
            if (shown < most)
                ++shown, text += " " + argv[i];
            else
                ++left;
        }
    }
    return left ? fmt::format("{} and {} more", text, left) : text;
}

std::string package_at_fault(std::string_view said) {
    const auto word_after = [&](std::string_view mark) {
        const auto at = said.find(mark);
        if (at == said.npos) return std::string_view();
        const auto rest = said.substr(at + mark.size());
        return rest.substr(0, rest.find_first_of(" \n"));
    };
    if (const auto name = word_after("error processing package "); !name.empty())
        return std::string(name.substr(0, name.find(':')));
    auto archive = word_after("error processing archive ");
    archive = archive.substr(archive.rfind('/') + 1);
    return std::string(archive.substr(0, archive.find('_')));
}

TransactionFailed::TransactionFailed(const std::string& told, Remedy remedy, std::string printed)
    : Error(told), printed_(std::move(printed)), remedy_(remedy) {
    hint = hint_when(Doing::applying);
}

std::string TransactionFailed::hint_when(Doing doing) const {
    if (remedy_.mend.empty()) return hint;
    if (!remedy_.again) return std::string(remedy_.mend);
    return fmt::format("{}, then {}", remedy_.mend, doing == Doing::applying ? "apply again" : "try that again");
}

TransactionFailed transaction_failed(const Command& command, const Output& output) {
    const auto package = package_at_fault(output.err);
    const auto tail = end_of(output.err.find_first_not_of(" \t\r\n") == output.err.npos ? output.out : output.err);
    const auto told =
        fmt::format("{} ended with status {}{}{}", as_typed(command), output.status, tail.empty() ? "" : ":\n", tail);
    auto printed = fmt::format("{}\n{}{}", fmt::join(command.argv, " "), output.out, output.err);
    const std::string said = output.err + output.out;
    for (const Way& way : ways_out)
        if (said.find(way.said) != said.npos) return {told, way.remedy, std::move(printed)};
    Error error(told);
    if (!package.empty() && said.find("script subprocess") != said.npos)
        error.hint = fmt::format(
            "a script of package {} fails on this host: mend what it wants, or leave the package out", package);
    return {error, std::move(printed)};
}

Error explained(WritableHost& host, std::span<const Change> changes, const TransactionFailed& failed, Doing doing) {
    Error told(failed);
    told.hint = failed.hint_when(doing);
    const auto package = package_at_fault(failed.what());
    for (const Change& change : changes)
        if (!package.empty() && change.id.key.substr(0, change.id.key.find(':')) == package) told.where = change.where;
    const bool secret = std::any_of(changes.begin(), changes.end(),
                                    [](const Change& one) { return (one.before.hidden() | one.after.hidden()) != 0; });
    if (const auto path = secret ? std::string() : keep(host, failed.printed()); !path.empty())
        told.notes.push_back({{}, "all that it printed is in " + path});
    return told;
}

}  // namespace chaos::resources
