// SPDX-License-Identifier: Apache-2.0
// A JSON schema of manifests, for editors: as wide as the language, so that nothing right is underlined, and as narrow
// as that allows. Wherever a value may stand, so may an expression; a scalar may be typed as YAML types it.
#include <fmt/format.h>
#include <algorithm>
#include <chaos/manifest.hpp>
#include "declaration.hpp"
#include "shipped.hpp"

namespace chaos {

namespace {

std::string quoted(std::string_view text) {
    return to_json(Value(std::string(text)));
}

void add(std::string& list, const std::string& one) {
    list += list.empty() ? one : "," + one;
}

bool has(std::string_view json, std::string_view word) {
    return json.find(word) != std::string_view::npos;
}

/// What may stand beside a type's own form: expressions, `null`, and how YAML may type its scalars.
std::string alternatives(std::string_view own) {
    std::string any;
    const auto allow = [&](std::string_view schema) { add(any, fmt::format(R"({{"$ref":"#/$defs/{}"}})", schema)); };
    allow("expression");
    if (has(own, "\"enum\"")) return any + R"(,{"type":"null"})";
    if (has(own, "boolean")) allow("yes_or_no");
    if (has(own, "integer")) allow("number");
    if (has(own, "array") && has(own, "\"items\"")) allow("scalars");
    if (has(own, "\"string\"") || has(own, "\"array\"")) allow("scalar");
    return any + R"(,{"type":"null"})";
}

/// A value as JSON of its own type: `true` and `12` where that is what the type is.
std::string typed(const Field& field, const Value& value) {
    if (!value.is_text()) return to_json(value);
    const std::string& text = value.text();
    if (has(field.json, "boolean") && (text == "true" || text == "false")) return text;
    const bool digits = !text.empty() && text.size() < 16 && text.find_first_not_of("0123456789") == std::string::npos;
    if (has(field.json, "integer") && !has(field.json, "string") && digits && (text == "0" || text[0] != '0'))
        return text;
    return quoted(text);
}

/// What holds where an attribute is not written, where that is one value.
std::string default_of(const Schema& schema, const Field& field) {
    if (field.role != Field::Role::property && field.role != Field::Role::option) return {};
    if (!field.get || !schema.make || field.required) return {};
    const auto spec = schema.make();
    if (!field.given(spec.get())) return {};
    const Value value = field.get(spec.get());
    const bool says = value.is_text() && !value.text().empty();
    return says ? fmt::format(R"("default":{},)", typed(field, value)) : std::string();
}

/// The sample, as a manifest would have it.
std::string example_of(const Field& field) {
    if (field.sample.empty()) return {};
    try {
        Sources sources;
        const auto source = sources.add("sample", "/", fmt::format("v: {}\n", field.sample));
        const Value read = parse_yaml(sources, source);
        const Value* value = read.find("v");
        if (!value || value->is_null() || value->tag != Value::Tag::none) return {};
        return fmt::format(R"("examples":[{}],)", typed(field, *value));
    } catch (const Error&) {
        return {};
    }
}

std::string value_schema(const Schema& schema, const Field& field) {
    std::string doc(field.doc);
    if (!field.fallback.empty()) doc += fmt::format(" Otherwise: {}.", field.fallback);
    return fmt::format(R"({{"description":{},{}{}"anyOf":[{},{}]}})", quoted(doc), default_of(schema, field),
                       example_of(field), field.json, alternatives(field.json));
}

struct Shape {
    std::string_view word, json;
};

constexpr std::string_view ids = R"({"$ref":"#/$defs/ids"})", condition = R"({"$ref":"#/$defs/condition"})",
                           flag = R"({"$ref":"#/$defs/flag"})", window = R"({"type":["boolean","string"]})",
                           anything = "{}";

constexpr Shape meta_shapes[] = {
    {"doc", R"({"type":"string"})"},
    {"tags", R"({"type":["array","string"],"items":{"$ref":"#/$defs/scalar"}})"},
    {"when", condition},
    {"each", R"({"type":["string","array","object"]})"},
    {"as", R"({"type":"string"})"},
    {"needs", ids},
    {"before", ids},
    {"watch", ids},
    {"notify", ids},
    {"absent", flag},
    {"keep", flag},
    {"protect", flag},
    {"raw", flag},
    {"audit", flag},
    {"confirm", window},
    {"exact", R"({"type":["array","string"],"items":{"type":"string"}})"},
    {"once", R"({"type":["boolean","array","string"]})"},
    {"user", R"({"type":"string"})"},
    {"retry", R"({"type":["integer","string","object"]})"},
    {"timeout", R"({"type":["string","integer"]})"},
    {"name_on", R"({"type":"object","additionalProperties":{"type":["string","null"]}})"},
};

constexpr Shape top_shapes[] = {
    {"name", R"({"type":"string","pattern":"^[^/ \\t\\n{}*]+$"})"},
    {"chaos", R"({"type":"string"})"},
    {"doc", R"({"type":"string"})"},
    {"include", R"({"$ref":"#/$defs/files"})"},
    {"overlay", R"({"$ref":"#/$defs/files"})"},
    {"vars", R"({"type":"object"})"},
    {"blocks", R"({"type":"array","items":{"$ref":"#/$defs/block"}})"},
    {"absent", R"({"$ref":"#/$defs/sections"})"},
    {"without", ids},
    {"protect", ids},
    {"exclusive", R"({"type":["array","string"],"items":{"type":"string"}})"},
    {"params", R"({"type":"object"})"},
    {"exports", R"({"type":"object"})"},
    {"use", R"({"$ref":"#/$defs/uses"})"},
    {"secrets", R"({"type":["string","array","object"]})"},
    {"assert",
     R"({"type":["array","object"],"items":{"type":"object","properties":{"that":{"$ref":"#/$defs/condition"},"say":{"type":"string"},"warn":{"$ref":"#/$defs/flag"}},"required":["that"]}})"},
    {"checks",
     R"({"type":["array","object"],"items":{"type":"object","properties":{"http":{"description":"A URL that is asked for by GET.","type":"string"},"tcp":{"description":"HOST:PORT that takes a connection.","type":["string","integer"]},"unit":{"description":"A unit that is active.","type":"string"},"file":{"description":"A path where something is.","type":"string"},"command":{"description":"A command that ends with status 0.","type":["string","array"]},"within":{"description":"It is tried again until then. Otherwise: 30s.","type":"string"},"timeout":{"description":"How long one try may take. Otherwise: 10s.","type":"string"},"expect":{"description":"Statuses of http. Otherwise: 200 to 299.","type":["integer","string","array"]},"contains":{"description":"A text that must be in the answer, the output or the file.","type":"string"},"user":{"description":"Who runs the command.","type":"string"},"doc":{"type":"string"},"when":{"$ref":"#/$defs/condition"}},"additionalProperties":false}})"},
    {"confirm", window},
    {"imports",
     R"({"type":["array","string"],"items":{"anyOf":[{"type":"string"},{"type":"object","properties":{"file":{"type":"string"},"strategy":{"enum":["combine","override","merge"]},"merge_keys":{"type":["array","string"]}},"required":["file"],"additionalProperties":false}]}})"},
    {"partitioning",
     R"({"type":"object","properties":{"disk":{"type":"string"},"partitions":{"type":"array"}},"additionalProperties":false})"},
    {"restrictions",
     R"({"type":"object","properties":{"allow_list":{"type":"object"},"black_list":{"type":"object"}},"additionalProperties":false})"},
    {"strategy", R"({"enum":["merge","override","strict"]})"},
};

/// A word of the language with what it means: `{"description": ..., ...}`.
template <class Shapes>
std::string word_schema(const Word& word, const Shapes& shapes, std::string_view sign = {}) {
    const auto shape =
        std::find_if(std::begin(shapes), std::end(shapes), [&](const Shape& one) { return one.word == word.name; });
    const std::string_view json = shape == std::end(shapes) ? anything : shape->json;
    const auto rest = json.substr(1, json.size() - 2);
    return fmt::format(R"({}:{{"description":{}{}{}}})", quoted(fmt::format("{}{}", word.name, sign)), quoted(word.doc),
                       rest.empty() ? "" : ",", rest);
}

/// The meta attributes that a kind has no attribute of its own for.
std::string metas_beside(const Schema* schema, std::string_view but = {}) {
    std::string all;
    for (const Word& word : meta_attributes())
        if (word.name != but && (!schema || !schema->find(word.name))) {
            add(all, word_schema(word, meta_shapes));
            constexpr std::string_view lists[] = {"tags", "needs", "before", "watch", "notify"};
            if (std::find(std::begin(lists), std::end(lists), word.name) == std::end(lists) || !schema) continue;
            add(all, word_schema(word, meta_shapes, "+"));
        }
    return all;
}

std::string body_schema(const Schema& schema, bool with_key) {
    std::string properties = metas_beside(&schema);
    for (const Field& field : schema.fields) {
        if (field.role == Field::Role::seen || (field.role == Field::Role::key && !with_key)) continue;
        const auto value = value_schema(schema, field);
        add(properties, fmt::format("{}:{}", quoted(field.name), value));
        if (!field.alias.empty()) add(properties, fmt::format("{}:{}", quoted(field.alias), value));
        const bool unites = field.merge == Merge::members || field.merge == Merge::keys;
        if (unites || field.role == Field::Role::resource || field.role == Field::Role::names)
            add(properties, fmt::format("{}:{}", quoted(std::string(field.name) + "+"), value));
    }
    if (schema.name == "service") add(properties, fmt::format(R"("dense_service":{})", flag));  // of Ch-obolo
    const Field* key = schema.key();
    return fmt::format(R"({{"type":"object","properties":{{{}}},{}"additionalProperties":false}})", properties,
                       with_key && key ? fmt::format(R"("required":[{}],)", quoted(key->name)) : "");
}

/// What stands for a body: a scalar where the kind has a main attribute, nothing, or an expression.
std::string short_body(const Schema& schema) {
    const Field* main = schema.main.empty() ? nullptr : schema.find(schema.main);
    if (!main) return R"({"$ref":"#/$defs/expression"},{"type":"null"})";
    return value_schema(schema, *main);
}

std::string section_schema(const Schema& schema) {
    const auto doc = quoted(schema.doc);
    if (!schema.key())
        return fmt::format(R"({{"description":{},"anyOf":[{},{}]}})", doc, body_schema(schema, true),
                           short_body(schema));
    return fmt::format(R"({{"description":{},"anyOf":[{{"$ref":"#/$defs/expression"}},)"
                       R"({{"type":"array","items":{{"anyOf":[{{"$ref":"#/$defs/scalar"}},{}]}}}},)"
                       R"({{"type":"object","additionalProperties":{{"anyOf":[{},{}]}}}}]}})",
                       doc, body_schema(schema, true), body_schema(schema, false), short_body(schema));
}

/// What is used in many places. An `expression` is any text with braces in it.
std::string definitions(const std::string& bodies, const std::string& references) {
    return fmt::format(
        R"("$defs":{{
"expression":{{"type":"string","pattern":"\\{{\\{{"}},
"scalar":{{"type":["string","number","boolean"]}},
"scalars":{{"type":"array","items":{{"$ref":"#/$defs/scalar"}}}},
"number":{{"type":["integer","string"],"pattern":"^[-+]?[0-9]+$"}},
"yes_or_no":{{"enum":["yes","no","on","off","true","false","Yes","No","On","Off","True","False","YES","NO","ON","OFF","TRUE","FALSE"]}},
"flag":{{"anyOf":[{{"type":"boolean"}},{{"$ref":"#/$defs/yes_or_no"}},{{"$ref":"#/$defs/expression"}}]}},
"condition":{{"type":["string","boolean","array"],"items":{{"type":["string","boolean"]}}}},
"ids":{{"type":["array","string"],"items":{{"anyOf":[{{"type":"string"}},{{"type":"object","minProperties":1,"maxProperties":1}}]}}}},
"files":{{"type":["array","string","object"],"items":{{"anyOf":[{{"type":"string"}},{{"type":"object","required":["file"]}}]}}}},
"uses":{{"type":["array","string","object"],"items":{{"anyOf":[{{"type":"string"}},{{"type":"object","properties":{{"module":{{"description":"Its name.","type":"string"}},"with":{{"description":"Its parameters.","type":["object","string"]}},{4}}},"required":["module"]}}]}}}},
{0},
"sections":{{"type":"object","properties":{{{1}}},"additionalProperties":false}},
"block":{{"type":"object","properties":{{{2},"absent":{{"$ref":"#/$defs/sections"}},"use":{{"$ref":"#/$defs/uses"}},{3}}},"additionalProperties":false}}
}})",
        bodies, references, metas_beside(nullptr, "absent"), references, metas_beside(nullptr));
}

/// The parameters of a module that comes with chaos; each takes its own form, or an expression.
std::string module_schema(const ShippedModule& module) {
    const Value manifest = read_shipped(module);
    std::string properties;
    for (const ShownParam& param : params_of(manifest))
        properties += fmt::format(R"({}{}:{{"description":{}}})", properties.empty() ? "" : ",", quoted(param.name),
                                  quoted(param.doc));
    const auto body =
        fmt::format(R"({{"type":"object","properties":{{{}}},"additionalProperties":false}})", properties);
    const auto doc = quoted(manifest.find("doc")->text());
    if (entry_param(manifest).empty())
        return fmt::format(R"({{"description":{},"anyOf":[{},{{"type":["string","array"]}}]}})", doc, body);
    return fmt::format(
        R"({{"description":{0},"anyOf":[{{"type":"array","items":{1}}},{{"type":"object","additionalProperties":{1}}}]}})",
        doc, body);
}

}  // namespace

std::string json_schema(const Registry& registry) {
    std::string bodies, references, tops;
    const auto section = [&](std::string_view name, const std::string& schema) {
        bodies += fmt::format("{}{}:{}", bodies.empty() ? "" : ",\n", quoted("section " + std::string(name)), schema);
        add(references, fmt::format(R"({}:{{"$ref":"#/$defs/section%20{}"}})", quoted(name), name));
    };
    for (const ResourceType* type : registry.types) section(type->schema().section, section_schema(type->schema()));
    for (const ShippedModule& module : shipped_modules())
        if (!registry.section(module.name)) section(module.name, module_schema(module));
    for (const Word& word : top_level_words()) add(tops, word_schema(word, top_shapes));
    return fmt::format(
        R"({{"$schema":"https://json-schema.org/draft/2020-12/schema","title":"chaos manifest","type":"object",
"patternProperties":{{"^x-":{{}}}},"additionalProperties":false,
"properties":{{{},
{}}},
{}}}
)",
        tops, references, definitions(bodies, references));
}

}  // namespace chaos
