// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/error.hpp>
#include <chaos/value.hpp>
#include <optional>
#include <unordered_map>

#include "yaml_library.hpp"

namespace chaos {

constexpr std::size_t most_values_of_yaml = 1'000'000;

/// Builds one Value out of the events of one document, and refuses what YAML 1.2 refuses and yaml-cpp lets pass. What
/// an event says of its place (its mark) is one of the whole text.
class Builder : public YAML::EventHandler {
public:
    /// A list or mapping that is not at its end.
    struct Frame {
        Value value, key;
        bool has_key = false, flow = false, merges = false;
        YAML::anchor_t anchor = 0;
        std::size_t values = 1, bytes = 0, depth = 0;
        bool is_map() const { return value.is_map(); }
    };

    Builder(std::string_view text, std::uint16_t source);
    Value root;
    bool done = false;

    /// False where something says what something else, elsewhere, is: an anchor, an alias, a merge key; and where a
    /// list or mapping has a tag, so that its place is not where its first entry begins.
    bool alone() const { return alone_; }
    /// From the outermost. Who puts some there before the first event goes on where these are as they stand.
    std::vector<Frame>& open() { return open_; }
    /// A key of a mapping comes next, or the end of it.
    bool wants_key() const { return !open_.empty() && open_.back().is_map() && !open_.back().has_key; }
    Place place(const YAML::Mark& mark) const;

    void OnDocumentStart(const YAML::Mark&) override {}
    void OnDocumentEnd() override {}
    void OnAnchor(const YAML::Mark&, const std::string&) override { alone_ = false; }
    void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override;
    void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override;
    void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  const std::string& text) override;
    void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                         YAML::EmitterStyle::value style) override;
    void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                    YAML::EmitterStyle::value style) override;
    void OnSequenceEnd() override { end(); }
    void OnMapEnd() override;

private:
    struct Anchored {
        Value value;
        std::size_t values, bytes, depth;
    };

    Error too_deep(const YAML::Mark& mark) const;
    void count(std::size_t values, std::size_t bytes, const YAML::Mark& mark);
    std::size_t content_of(const YAML::Mark& mark) const;
    bool said_null(const YAML::Mark& mark) const;
    void refuse_tab_before(const YAML::Mark& mark) const;
    std::string lines_alone(std::size_t quote) const;
    void refuse_unindented(const YAML::Mark& mark) const;
    Place blank_item(const YAML::Mark& mark) const;
    Value::Tag tag_of(const std::string& tag, const YAML::Mark& mark, const std::string& text) const;
    std::string with_last_lines(std::size_t at, std::string text) const;
    void check_key(const Value& key, std::size_t at, bool in_quotes) const;
    void start(Value container, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
               YAML::EmitterStyle::value style);
    void end();
    void finish(Value value, YAML::anchor_t anchor, std::size_t values, std::size_t bytes, std::size_t depth);

    std::string_view text_;
    std::uint16_t source_;
    bool ascii_ = true, alone_ = true;
    std::vector<Frame> open_;
    std::unordered_map<YAML::anchor_t, Anchored> anchors_;
    std::size_t values_ = 0, bytes_ = 0;
};

}  // namespace chaos
