// SPDX-License-Identifier: Apache-2.0
#include "secret_places.hpp"

#include <fmt/format.h>

namespace chaos {

void keep_to_owner(const Schema& schema, Value::Map& attributes) {
    const Field* mode = schema.find("mode");
    const Field* option = schema.find("secret");
    if (!mode || !option || option->role != Field::Role::option) return;
    bool secret = false;
    for (const auto& [key, value] : attributes) {
        const Field* field = schema.find(key.text());
        if (field == mode) return;
        secret |= field == option ? value.is_text() && Codec<bool>::decode(value) : holds_secret(value);
    }
    if (secret) attributes.push_back({Value(std::string(mode->name)), Value(std::string("0600"))});
}

void refuse_where_shown(const Schema& schema, const Field* field, const Value& key, const Value& value) {
    const Place where = value.where ? value.where : key.where;
    if (!field)
        throw Error(where, fmt::format("'{}' is shown to all: a secret can not stand there", key.text()))
            .help("a secret can be the content of a file, in env or stdin of an exec, or a password");
    const bool own_file = field->role == Field::Role::option || schema.find("secret");  // nobody else need read it
    if (field->name == "url") return;  // it may have a password in it, and is then hidden as a whole
    if (field->secret || field->merge == Merge::keys || (field->merge == Merge::text && own_file)) return;
    const bool command = field->type == "command";
    throw Error(where, command
                           ? fmt::format("a secret can not be a word of '{}': everybody on the host sees the "
                                         "words of commands",
                                         field->name)
                           : fmt::format("a secret can not be the '{}' of a {}: it is shown", field->name, schema.name))
        .help(command ? "give it by env: {NAME: !secret NAME}, by stdin, or in a file"
                      : "a secret can be the content of a file, in env or stdin of an exec, or a password");
}

}  // namespace chaos
