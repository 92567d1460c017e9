// SPDX-License-Identifier: Apache-2.0
#include "run_names.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace chaos::cli {

bool stands(const RunRecord& run) {
    return run.state == RunState::committed || run.state == RunState::partial;
}

RunRecord run_of(const History* history, std::int64_t number) {
    if (auto run = history ? history->run(number) : std::nullopt) return *run;
    const bool gone = history && number > 0 && number <= history->pruned();
    throw Problems{{Error(gone ? fmt::format("run {} was let go of (chaos history prune)", number)
                               : fmt::format("there is no run {}", number))
                        .help("chaos history")},
                   Exit::usage};
}

const Schema* schema_of(const Registry& registry, const std::string& type) {
    const ResourceType* known = registry.type(type);
    return known ? &known->schema() : nullptr;
}

namespace {

bool claims(const OwnedRecord& owned, const std::string& name, const Registry& registry) {
    const ResourceType* type = registry.type(owned.type);
    if (!type || owned.attributes.is_null()) return false;
    Diagnostics problems;
    const State state = decode(type->schema(), owned.attributes, problems);
    if (!problems.ok()) return false;
    const auto names = claimed(*type, state, {Claim::Role::provides, Claim::Role::brings});
    return std::find(names.begin(), names.end(), name) != names.end();
}

std::vector<RecordedId> at_path(const std::string& path, const History& history, const Registry& registry) {
    std::set<RecordedId> found;
    for (RecordedId& id : history.recorded_at(path)) found.insert(std::move(id));
    for (const OwnedRecord& owned : history.owned())
        if (owned.key == path || claims(owned, "path:" + path, registry)) found.insert({owned.type, owned.key});
    return {found.begin(), found.end()};
}

}  // namespace

std::vector<RecordedId> meant(const std::string& word, const History* history, const Registry& registry) {
    std::string path;
    try {
        if (!word.starts_with('/')) {
            const ResourceId id = parse_id(word, registry);
            return {{std::string(id.type), id.key}};
        }
        path = schema::clean_path(word);  // `//etc/./motd/` is no other path
    } catch (const Error& error) {
        throw Problems{{error}, Exit::usage};
    }
    return history ? at_path(path, *history, registry) : std::vector<RecordedId>();
}

}  // namespace chaos::cli
