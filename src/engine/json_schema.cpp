// SPDX-License-Identifier: Apache-2.0
// A JSON schema of manifests, for editors: as wide as the language, so that nothing right is underlined (language-notes
// F17).
#include <fmt/format.h>
#include <chaos/manifest.hpp>

namespace chaos {

namespace {

std::string quoted(std::string_view text) {
    return to_json(Value(std::string(text)));
}

/// Its own form, or an expression; scalars also as YAML types them.
std::string value_schema(const Field& field) {
    std::string own(field.json);
    return fmt::format(R"({{"description":{},"anyOf":[{},{{"type":["string","number","boolean","null"]}}]}})",
                       quoted(field.doc), own);
}

constexpr std::string_view meta =
    R"("doc":{"type":"string"},"tags":{"type":["array","string"]},"when":{"type":["string","boolean","array"]},)"
    R"("each":{"type":["string","array","object"]},"as":{"type":"string"},"needs":{"type":["array","string"]},)"
    R"("before":{"type":["array","string"]},"watch":{"type":["array","string"]},"notify":{"type":["array","string"]},)"
    R"("absent":{"type":["boolean","string"]},"keep":{"type":"boolean"},"protect":{"type":"boolean"},)"
    R"("raw":{"type":"boolean"},"audit":{"type":["boolean","string"]},"exact":{"type":["array","string"]})";

std::string body_schema(const Schema& schema, bool with_key) {
    std::string properties(meta), members;
    for (const Field& field : schema.fields) {
        if (field.role == Field::Role::seen || (field.role == Field::Role::key && !with_key)) continue;
        properties += fmt::format(",{}:{}", quoted(field.name), value_schema(field));
        if (!field.alias.empty()) properties += fmt::format(",{}:{}", quoted(field.alias), value_schema(field));
        if (field.merge == Merge::members || field.role == Field::Role::resource)
            members += fmt::format(",{}:{}", quoted(std::string(field.name) + "+"), value_schema(field));
    }
    return fmt::format(R"({{"type":"object","properties":{{{}{}}},"additionalProperties":false}})", properties,
                       members);
}

std::string section_schema(const Schema& schema) {
    const auto doc = quoted(schema.doc);
    constexpr std::string_view scalar = R"({"type":["string","number","boolean","null","array"]})";
    if (!schema.key())
        return fmt::format(R"({{"description":{},"anyOf":[{},{}]}})", doc, body_schema(schema, true), scalar);
    return fmt::format(
        R"({{"description":{},"anyOf":[{{"type":"string"}},{{"type":"array","items":{{"anyOf":[{{"type":["string","number"]}},{}]}}}},)"
        R"({{"type":"object","additionalProperties":{{"anyOf":[{},{}]}}}}]}})",
        doc, body_schema(schema, true), body_schema(schema, false), scalar);
}

}  // namespace

std::string json_schema(const Registry& registry) {
    std::string sections;
    for (const ResourceType* type : registry.types)
        sections += fmt::format("{}{}:{}", sections.empty() ? "" : ",\n", quoted(type->schema().section),
                                section_schema(type->schema()));
    return fmt::format(
        R"({{"$schema":"http://json-schema.org/draft-07/schema#","title":"chaos manifest","type":"object",
"definitions":{{"sections":{{"type":"object","properties":{{{0}}}}}}},
"patternProperties":{{"^x-":{{}}}},"additionalProperties":false,
"properties":{{"name":{{"type":"string"}},"chaos":{{"type":"string"}},"doc":{{"type":"string"}},
"include":{{"type":["array","string"]}},"overlay":{{"type":["array","string"]}},"vars":{{"type":"object"}},
"absent":{{"$ref":"#/definitions/sections"}},"without":{{"type":["array","string"]}},"exclusive":{{"type":["array","string"]}},
"use":{{"type":["array","string"],"items":{{"type":["string","object"]}}}},"params":{{"type":"object"}},
"exports":{{"type":"object"}},"strategy":{{"enum":["merge","override","strict"]}},
"assert":{{"type":["array","object"]}},
"protect":{{"type":["array","string"]}},"blocks":{{"type":"array","items":{{"type":"object"}}}},
{0}}}}}
)",
        sections);
}

}  // namespace chaos
