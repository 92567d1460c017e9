// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chaos/capture.hpp>

namespace chaos {

namespace {

/// What a manifest may say, and no secret.
State sayable(const Schema& schema, const State& found) {
    const auto spec = schema.clone(found.spec());
    for (const Field& field : schema.fields)
        if (field.role == Field::Role::seen || (field.role == Field::Role::property && field.secret))
            field.clear(spec.get());
    return State(spec);
}

}  // namespace

Catalog capture(const ResourceType& type, const View& view) {
    const Schema& schema = type.schema();
    std::vector<Wish> wishes;
    std::vector<std::string> keys = type.asked_for(view);
    if (schema.clean)
        for (std::string& key : keys) key = schema.clean(key);
    std::sort(keys.begin(), keys.end());
    keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
    for (const std::string& key : keys) wishes.push_back({only_named(schema, key), true});
    std::vector<State> found(wishes.size());
    type.observe_all(view, wishes, found);
    Catalog catalog;
    for (std::size_t i = 0; i < found.size(); ++i) {
        if (!found[i]) continue;
        Resource resource;
        resource.id = {schema.name, keys[i]};
        resource.type = &type;
        resource.wanted = type.as_written(view, sayable(schema, found[i]));
        catalog.push_back(std::move(resource));
    }
    return catalog;
}

}  // namespace chaos
