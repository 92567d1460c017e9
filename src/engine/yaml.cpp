// SPDX-License-Identifier: Apache-2.0
// By events, never by Node: Load and LoadAll lose text and hang (docs/design.md).
#include <fmt/format.h>
#include <chaos/digest.hpp>
#include <chaos/manifest.hpp>
#include <istream>
#include "yaml_builder.hpp"
#include "yaml_hints.hpp"
#include "yaml_last.hpp"
#include "yaml_text.hpp"

namespace chaos {

namespace {

constexpr auto npos = std::string_view::npos;

/// Where a second document begins, which there must not be.
class Nothing : public YAML::EventHandler {
public:
    std::optional<YAML::Mark> found;
    void OnDocumentStart(const YAML::Mark& mark) override { saw(mark); }
    void OnDocumentEnd() override {}
    void OnNull(const YAML::Mark& mark, YAML::anchor_t) override { saw(mark); }
    void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override { saw(mark); }
    void OnScalar(const YAML::Mark& mark, const std::string&, YAML::anchor_t, const std::string&) override {
        saw(mark);
    }
    void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t,
                         YAML::EmitterStyle::value) override {
        saw(mark);
    }
    void OnSequenceEnd() override {}
    void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {
        saw(mark);
    }
    void OnMapEnd() override {}

private:
    void saw(const YAML::Mark& mark) {
        if (!found) found = mark;
    }
};

void expect_end(YAML::Parser& parser, std::string_view text, const Builder& first, std::uint16_t source) {
    Nothing rest;
    std::size_t at = npos;
    try {
        if (parser.HandleNextDocument(rest)) at = rest.found ? static_cast<std::size_t>(rest.found->pos) : text.size();
    } catch (const YAML::Exception& e) {
        at = rest.found ? static_cast<std::size_t>(rest.found->pos) : static_cast<std::size_t>(std::max(e.mark.pos, 0));
    }
    if (at == npos) return;
    const Place where = place_of({text, at}, source);
    if (line_at({text, at}).text.starts_with("---") || text.substr(0, at).rfind("\n---") != npos)
        throw Error(where, "a second document begins here").help("one manifest a file; use include: for more");
    throw Error(where, fmt::format("{} that began at {}:{} ended before this", kind_of(first.root),
                                   first.root.where.line, first.root.where.column))
        .help(fmt::format("is the indentation of line {} right?", first.root.where.line));
}

ParsedYaml parse(std::string_view text, std::uint16_t source) {
    if (text.find_first_not_of(" \n") != npos && text[text.find_first_not_of(" \n")] == ',')
        throw Error(place_of({text, text.find(',')}, source), "a manifest can not begin with a comma")
            .help("remove it");
    Builder builder(text, source);
    TextBuffer buffer(text, {});
    std::istream stream(&buffer);
    YAML::Parser parser(stream);
    try {
        parser.HandleNextDocument(builder);
    } catch (const YAML::Exception& e) {
        const auto at = e.mark.is_null() ? text.size() : static_cast<std::size_t>(std::max(e.mark.pos, 0));
        throw explain_syntax({text, at}, source, e.msg);
    }
    expect_end(parser, text, builder, source);
    return {std::move(builder.root), builder.alone()};
}

}  // namespace

ParsedYaml parse_whole(std::string_view text, std::uint16_t source) {
    try {
        return parse(text, source);
    } catch (const Error&) {
        const auto spaced = without_blank_tabs(text);
        if (spaced == text) throw;
        return {parse(spaced, source).value, false};
    }
}

Value parse_yaml(Sources& sources, std::uint16_t source, Cache* cache) {
    const Source& said = sources[Place{1, 1, source}];
    const std::string& raw = said.text;
    std::string key;
    if (cache && raw.size() > 512) {  // below that, parsing is as quick as looking
        key = "manifest-" CHAOS_VERSION "-" + hex(digest(raw));
        if (const auto kept = cache->get(key))
            if (auto value = thaw(*kept, source)) return std::move(*value);
    }
    if (raw.size() > most_bytes_of_yaml) check_bytes(raw, source);
    std::string room;
    const std::string_view text = normal(raw, room);
    check_bytes(text, source);
    if (!has_content(text))
        throw Error(Place{1, 1, source}, "this manifest is empty")
            .help("say what shall be true, as in packages: [git]");
    std::optional<Value> edited;
    LastText last(key.empty() ? nullptr : cache, said, text);
    if (auto before = last.read(source)) edited = parse_edited(std::move(*before), text, source);
    ParsedYaml parsed = edited ? ParsedYaml{std::move(*edited), true} : parse_whole(text, source);
    if (!key.empty()) cache->put(key, freeze(parsed.value));
    if (parsed.alone) last.keep(key);
    return std::move(parsed.value);
}

}  // namespace chaos
