// SPDX-License-Identifier: Apache-2.0
// What recorded commands wrote, as changes of files, links and directories: to be shown.
#include <fmt/format.h>

#include <algorithm>
#include <chaos/recording.hpp>
#include <ctime>
#include <map>

#include "store.hpp"

namespace chaos::rollback {
namespace {

/// A command that was given a secret may have written it.
bool holds_a_secret(const Value& value) {
    if (value.secret) return true;
    if (value.is_map())
        return std::any_of(value.map().begin(), value.map().end(),
                           [](const Value::Entry& entry) { return holds_a_secret(entry.value); });
    return value.is_list() && std::any_of(value.list().begin(), value.list().end(), holds_a_secret);
}

std::string_view kind_of(const Image& image) {
    return image.kind == Entry::Kind::directory ? "directory" : image.kind == Entry::Kind::link ? "link" : "file";
}

std::string time_of(const Image& image) {
    const std::time_t seconds = image.modified / 1'000'000'000 - (image.modified % 1'000'000'000 < 0 ? 1 : 0);
    std::tm parts{};
    gmtime_r(&seconds, &parts);
    return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02} UTC", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday,
                       parts.tm_hour, parts.tm_min, parts.tm_sec);
}

/// The time of a content goes with it, and is told where it is all that was changed.
void add_time(Value& attributes, const Image& image) {
    Value::Map all = attributes.map();
    all.push_back({Value("modified"), Value(time_of(image))});
    attributes = Value(std::move(all));
}

Value attributes_of(const Image& image, const Store& store, bool secret) {
    if (!image) return {};
    Value::Map all;
    const auto add = [&](const char* name, std::string text) { all.push_back({Value(name), Value(std::move(text))}); };
    if (image.kind == Entry::Kind::link) {
        add("to", image.target);
        return Value(std::move(all));
    }
    if (image.kind == Entry::Kind::file && image.size <= Content::in_memory) {
        if (auto bytes = store.blob(image.content)) {
            add("content", std::move(*bytes));
            all.back().value.secret = secret;
        }
    }
    add("mode", fmt::format("{:04o}", image.mode));
    add("owner", std::to_string(image.uid));
    add("group", std::to_string(image.gid));
    return Value(std::move(all));
}

}  // namespace
}  // namespace chaos::rollback

namespace chaos {

using namespace rollback;

std::vector<ChangeRecord> recorded_writes(const History& history, std::int64_t run) {
    const auto* const store = dynamic_cast<const Store*>(&history);
    if (!store) return {};
    std::map<std::int64_t, const ChangeRecord*> commands;  // by step
    const std::vector<ChangeRecord> all = store->changes(run);
    for (const ChangeRecord& change : all)
        if (change.type == "exec") commands[change.step] = &change;
    std::vector<ChangeRecord> writes;
    if (commands.empty()) return writes;
    for (const Operation& operation : store->operations(run)) {
        const auto command = commands.find(operation.step);
        if (command == commands.end() || operation.effect) continue;
        const ChangeRecord& by = *command->second;
        const bool secret = holds_a_secret(by.before) || holds_a_secret(by.after);
        ChangeRecord write;
        write.run = run, write.step = operation.step;
        write.key = operation.path;
        write.result = by.result;
        const bool other = operation.before && operation.after && kind_of(operation.before) != kind_of(operation.after);
        if (operation.before) {
            write.type = kind_of(operation.before);
            write.before = attributes_of(operation.before, *store, secret);
            if (other) writes.push_back(write), write.before = {};
        }
        if (operation.after) {
            write.type = kind_of(operation.after);
            write.after = attributes_of(operation.after, *store, secret);
        }
        if (differ_in_time_alone(operation.before, operation.after))
            add_time(write.before, operation.before), add_time(write.after, operation.after);
        writes.push_back(std::move(write));
    }
    std::stable_sort(writes.begin(), writes.end(),
                     [](const ChangeRecord& a, const ChangeRecord& b) { return a.key < b.key; });
    return writes;
}

}  // namespace chaos
