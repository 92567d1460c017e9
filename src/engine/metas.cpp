// SPDX-License-Identifier: Apache-2.0
#include "metas.hpp"

#include <fmt/format.h>
#include <algorithm>

#include "checks.hpp"

namespace chaos {

namespace {

std::vector<Value> items(const Value& value) {
    return value.is_list() ? value.list() : std::vector<Value>{value};
}

/// Attributes that are given when it is made: `true` for all of them, and it then stays when it leaves the
/// manifest.
void once(Resource& resource, const Value& value) {
    const Schema& schema = resource.type->schema();
    if (value.is_text() && !schema.find(value.text())) {
        if (!Codec<bool>::decode(value)) return;
        resource.keep = true;  // what was made of it since is somebody else's
        for (const Field& field : schema.fields)
            if (field.role == Field::Role::property) resource.once.push_back(&field);
    } else {
        for (const Value& item : items(value)) {
            const Field* field = schema.find(said_by(schema, item.text()));
            if (!field || field->role != Field::Role::property)
                throw Error(item.where,
                            fmt::format("{} has no attribute '{}' that could be given once", schema.name, item.text()))
                    .help("name attributes of it, as in once: [password], or say once: true for all of them");
            resource.once.push_back(field);
        }
    }
    for (const Field* field : resource.once)
        if (field->required)
            throw Error(value.where, fmt::format("'{}' of a {} can not be left out, so it can not be given once",
                                                 field->name, schema.name))
                .help("remove 'once'");
}

/// `3`, or `{times: 3, wait: 5s}`.
Retry retry(const Resource& resource, const Value& value) {
    if (resource.type->way() == Way::files)
        throw Error(value.where, fmt::format("a {} is put in place by one move: there is nothing to try again",
                                             resource.type->schema().name))
            .help("remove this line");
    Retry retry;
    const Value* times = value.is_text() ? &value : nullptr;
    if (!value.is_text())
        for (const auto& [key, said] : value.map()) {
            if (key.text() == "times")
                times = &said;
            else if (key.text() == "wait")
                retry.wait_s = static_cast<int>(std::min<std::int64_t>(Codec<Seconds>::decode(said).count, 86400));
            else
                throw Error(key.where, fmt::format("retry has no '{}'", key.text())).help("it has times and wait");
        }
    constexpr std::int64_t most = 100;
    const std::int64_t count = times ? Codec<std::int64_t>::decode(*times) : 0;
    if (count < 1 || count > most)
        throw Error(times ? times->where : value.where, "retry is how often it is tried again: 1 to 100 times")
            .help("write it as in retry: 3, or retry: {times: 3, wait: 10s}");
    retry.times = static_cast<int>(count);
    return retry;
}

bool adds(const Field& field) {
    return field.role == Field::Role::property && (field.merge == Merge::members || field.merge == Merge::keys);
}

/// The attributes whose members are all there shall be: those that otherwise add.
void exact(Resource& resource, const Value& value) {
    const Schema& schema = resource.type->schema();
    std::string adding;
    for (const Field& field : schema.fields)
        if (adds(field)) adding += (adding.empty() ? "" : ", ") + std::string(field.name);
    for (const Value& item : items(value)) {
        const Field* field = schema.find(item.text());
        if (!field || !adds(*field))
            throw Error(item.where, field ? fmt::format("'{}' is the whole of it anyway", field->name)
                                          : fmt::format("{} has no '{}'", schema.name, item.text()))
                .help(adding.empty() ? fmt::format("nothing of a {} adds to what is there", schema.name)
                                     : "attributes that add to what is there: " + adding);
        resource.exact.push_back(field);
    }
}
}  // namespace

bool read_meta(Resource& resource, Links& said, const std::string& name, Value value) {
    if (name == "doc")
        resource.doc = value.text();
    else if (name == "tags")
        for (const Value& tag : items(value)) resource.tags.push_back(tag.text());
    else if (name == "keep")
        resource.keep = Codec<bool>::decode(value);
    else if (name == "protect")
        resource.protect = Codec<bool>::decode(value);
    else if (name == "audit")
        resource.audit = Codec<bool>::decode(value);
    else if (name == "exact")
        exact(resource, value);
    else if (name == "once")
        once(resource, value);
    else if (name == "confirm")
        resource.confirm = read_window(value);
    else if (name == "retry")
        resource.retry = retry(resource, value);
    else if (name == "needs")
        return said.needs = std::move(value), true;
    else if (name == "before")
        return said.before = std::move(value), true;
    else if (name == "watch")
        return said.watch = std::move(value), true;
    else if (name == "notify")
        return said.notify = std::move(value), true;
    return false;
}

}  // namespace chaos
