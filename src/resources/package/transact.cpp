// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "apt.hpp"
#include "package.hpp"

namespace chaos::resources {
namespace {

void mark(WritableHost& host, const std::string& verb, const std::vector<std::string>& packages) {
    if (packages.empty()) return;
    Command command{{"apt-mark", verb}};
    command.argv.insert(command.argv.end(), packages.begin(), packages.end());
    apt::must(host, command);
}

/// By standard input: an answer may be a password.
void answer_questions(WritableHost& host, std::span<const Change> changes) {
    Command command{{"debconf-set-selections"}};
    for (const Change& change : changes)
        if (const auto* after = change.after.as<Package>(); after && changes_version(change))
            for (const auto& [question, answer] : after->debconf)
                command.input += fmt::format("{} {} string {}\n", after->name, question, answer);
    if (!command.input.empty()) apt::must(host, command);
}

/// `name` or `name=version`: true where there is nothing to do.
bool is_there(const Packages& packages, const std::string& one) {
    const auto equals = one.find('=');
    const auto* there = packages.find(one.substr(0, equals));
    return there && there->installed() && !Packages::broken(*there) &&
           (equals == one.npos || there->version == one.substr(equals + 1));
}

void finish(WritableHost& host, std::span<const Change> changes, bool purged) {
    const View view(host);
    const auto& packages = view.once<Packages>();
    std::vector<std::string> automatic, manual, hold, purge;
    for (const Change& change : changes) {
        const auto* there = packages.find(change.id.key);
        if (!there) continue;
        const auto* after = change.after.as<Package>();
        if (!after) {
            if (!purged && change.before && change.before.as<Package>()->purge) purge.push_back(change.id.key);
            continue;
        }
        if (after->automatic && there->automatic != *after->automatic)
            (*after->automatic ? automatic : manual).push_back(change.id.key);
        if (after->hold.value_or(false) && there->want != "hold") hold.push_back(change.id.key);
    }
    mark(host, "auto", automatic);
    mark(host, "manual", manual);
    mark(host, "hold", hold);
    if (purge.empty()) return;
    Command command{{"dpkg", "--purge"}};
    command.environment = {"DEBIAN_FRONTEND=noninteractive"};
    command.argv.insert(command.argv.end(), purge.begin(), purge.end());
    apt::must(host, command);
}

/// One call of apt-get for all; marks before it (holds go) and after it (holds come, who came along).
void transact(WritableHost& host, std::span<const Change> changes, apt::Request request) {
    apt::repair(host);
    answer_questions(host, changes);
    {
        const View view(host);
        const auto& packages = view.once<Packages>();
        std::erase_if(request.install, [&](const std::string& one) { return is_there(packages, one); });
        std::erase_if(request.remove, [&](const std::string& one) {
            const auto* there = packages.find(one);
            return !there || (there->status == "config-files" && !request.purge);
        });
        std::vector<std::string> held;
        for (const Change& change : changes)
            if (const auto* there = packages.find(change.id.key); there && there->want == "hold")
                if (changes_version(change) || !change.after.as<Package>()->hold.value_or(true))
                    held.push_back(change.id.key);
        mark(host, "unhold", held);
    }
    if (!request.install.empty() && !apt::has_all_lists(host)) apt::must(host, apt::update());
    if (!request.install.empty() || !request.remove.empty()) apt::must(host, apt::command(request, false));
    finish(host, changes, request.purge);
}

}  // namespace

void apply_packages(WritableHost& host, std::span<const Change> changes) {
    transact(host, changes, apt::request_for(changes, false));
}

void undo_packages(WritableHost& host, std::span<const Change> changes) {
    apt::repair(host);
    auto request = apt::request_for(changes, true);
    const auto needed = needed_by_others(host, request.remove);
    std::vector<std::string> automatic;
    for (const Change& change : changes)
        if (needed.contains(change.id.key) && change.before.as<Package>()->automatic.value_or(false))
            automatic.push_back(change.id.key);
    std::erase_if(request.remove, [&](const std::string& name) { return needed.contains(name); });
    transact(host, changes, std::move(request));
    const View view(host);
    std::erase_if(automatic, [&](const auto& name) { return !view.once<Packages>().find(name); });
    mark(host, "auto", automatic);
}

}  // namespace chaos::resources
