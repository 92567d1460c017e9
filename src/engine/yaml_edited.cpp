// SPDX-License-Identifier: Apache-2.0
// Only what was edited is parsed, and the rest is taken from an earlier parse. Why that gives what the whole parse
// gives: yaml-cpp's scanner and parser, and the Builder, are machines that read forwards. Where a line begins with a
// key of a block mapping, or with the dash of a block list, their whole state is the columns and kinds of the blocks
// that are open: no bracket or quote is, a key that could still become one has been decided on, and anchors and
// directives there are none (a text that has them is not taken). So
//
// - up to such a place in lines that both texts begin with, and that line with them, all is as it was: what looks ahead
//   looks no further than the line's own key or dash;
// - a parser that is given lines which open blocks of the same kinds at the same columns, and then the text from there
//   on, is in the state of one that has read all before. Its events, moved to their places in the text, go to a Builder
//   that holds what is open, and that looks around in the whole of the new text;
// - where it comes, in lines that both texts end with, to a place that was one before, with the same blocks open, it is
//   in the state of then: what is left says what it said, on lines that moved.
//
// What is bounded or checked over the whole (values, double keys) is looked at for the whole. The tests compare both.
#include "yaml_edited.hpp"

#include <algorithm>
#include <istream>

#include "yaml_blocks.hpp"
#include "yaml_builder.hpp"

namespace chaos {

namespace {

constexpr auto npos = std::string_view::npos;

/// What both texts begin with and end with, in whole lines.
struct Edit {
    std::size_t from = 0;                 ///< Where they begin to differ.
    std::size_t end_before = 0, end = 0;  ///< From where on both say the same, in the old text and the new.
    std::uint32_t lines = 0;              ///< Of what both begin with.
    std::int64_t moved = 0;               ///< How many lines the end is further down.
};

Edit edit_of(std::string_view before, std::string_view after) {
    Edit edit;
    const std::size_t shorter = std::min(before.size(), after.size());
    const auto first =
        std::mismatch(before.begin(), before.begin() + static_cast<std::ptrdiff_t>(shorter), after.begin());
    const auto same = static_cast<std::size_t>(first.first - before.begin());
    edit.from = same == 0 ? 0 : before.rfind('\n', same - 1) + 1;  // npos + 1 is 0
    const auto rest = static_cast<std::ptrdiff_t>(shorter - edit.from);
    const auto last = std::mismatch(before.rbegin(), before.rbegin() + rest, after.rbegin());
    std::size_t ends = static_cast<std::size_t>(last.first - before.rbegin());
    const auto begins_line = [&](std::string_view text) {
        return ends == text.size() || text[text.size() - ends - 1] == '\n';
    };
    if (!begins_line(before) || !begins_line(after)) {
        const auto line = after.find('\n', after.size() - ends);
        ends = line == npos ? 0 : after.size() - line - 1;
    }
    edit.end_before = before.size() - ends, edit.end = after.size() - ends;
    const auto count = [](std::string_view text) { return std::count(text.begin(), text.end(), '\n'); };
    edit.lines = static_cast<std::uint32_t>(count(after.substr(0, edit.from)));
    edit.moved = count(after.substr(edit.from, edit.end - edit.from)) -
                 count(before.substr(edit.from, edit.end_before - edit.from));
    return edit;
}

/// Lines that open what is open around the last entry of a path. The first keeps the parser from taking what may follow
/// for a byte order mark.
std::string opening(const YamlPath& path) {
    std::string lines = "#\n";
    for (std::size_t i = 0; i + 1 < path.size(); ++i)
        lines +=
            std::string(path[i].container->where.column - 1U, ' ') + (path[i].container->is_map() ? "k:\n" : "-\n");
    return lines;
}

/// What is open there, with the entries before it.
std::vector<Builder::Frame> open_at(const YamlPath& path) {
    std::vector<Builder::Frame> open;
    for (const YamlEntry& step : path) {
        Builder::Frame frame;
        frame.value.where = step.container->where;
        const auto entries = static_cast<std::ptrdiff_t>(step.entry);
        const auto taken = [&](auto& from) {
            return std::decay_t<decltype(from)>(std::make_move_iterator(from.begin()),
                                                std::make_move_iterator(from.begin() + entries));
        };
        if (auto* map = std::get_if<Value::Map>(&step.container->data)) {
            frame.value.data = taken(*map);
            if (open.size() + 1 < path.size()) frame.key = std::move((*map)[step.entry].key), frame.has_key = true;
        } else {
            frame.value.data = taken(std::get<Value::List>(step.container->data));
        }
        open.push_back(std::move(frame));
    }
    return open;
}

/// The parser can stop: where this was, all is as it was.
struct Met {
    YamlPath path;
};
/// There is something that ends the document.
struct Over {};

/// Hands the events of a text that begins with opening lines to a Builder of the whole text.
class Relay : public YAML::EventHandler {
public:
    Relay(Builder& builder, const TextLines& before, Value& value, const Edit& edit)
        : builder_(builder), before_(before), value_(value), edit_(edit) {}

    /// The events of `opening` are dropped, and the start of the block that `path` ends in; `at` and `line`: where the
    /// text goes on behind it.
    void begin(std::string_view opening, const YamlPath& path, std::size_t at, std::uint32_t line) {
        bytes_ = static_cast<int>(at) - static_cast<int>(opening.size());
        lines_ = static_cast<int>(line) - static_cast<int>(path.size());
        for (std::size_t i = 0; i + 1 < path.size(); ++i) dropped_ += path[i].container->is_map() ? 2 : 1;
    }

    void OnDocumentStart(const YAML::Mark&) override {
        if (builder_.done) throw Over{};
    }
    void OnDocumentEnd() override {}
    void OnAnchor(const YAML::Mark& mark, const std::string& name) override { builder_.OnAnchor(moved(mark), name); }
    void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override { builder_.OnNull(moved(mark), anchor); }
    void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override { builder_.OnAlias(moved(mark), anchor); }
    void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  const std::string& text) override {
        if (opens(mark, builder_.wants_key())) return;
        builder_.OnScalar(moved(mark), tag, anchor, text);
    }
    void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                         YAML::EmitterStyle::value style) override {
        if (opens(mark, false)) return;
        builder_.OnSequenceStart(moved(mark), tag, anchor, style);
    }
    void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                    YAML::EmitterStyle::value style) override {
        if (opens(mark, false)) return;
        builder_.OnMapStart(moved(mark), tag, anchor, style);
    }
    void OnSequenceEnd() override { builder_.OnSequenceEnd(); }
    void OnMapEnd() override { builder_.OnMapEnd(); }

private:
    YAML::Mark moved(YAML::Mark mark) const {
        mark.pos += bytes_, mark.line += lines_;
        return mark;
    }

    /// True for an event of the opening. Throws Met where the parser is where it was before.
    bool opens(const YAML::Mark& mark, bool key) {
        if (dropped_ > 0) return --dropped_, true;
        const YAML::Mark here = moved(mark);
        const auto& open = builder_.open();
        const bool entry = !open.empty() && !open.back().flow && (key || !open.back().is_map());
        if (entry && static_cast<std::size_t>(here.pos) >= edit_.end) meet(builder_.place(here));
        return false;
    }
    void meet(Place here) {
        const std::int64_t line = here.line - edit_.moved;
        YamlPath path = last_entry(value_, before_, static_cast<std::uint32_t>(line));
        if (path.empty() || path.back().where().line != line || path.back().where().column != here.column) return;
        const auto& open = builder_.open();
        const auto same = [](const YamlEntry& step, const Builder::Frame& frame) {
            return !frame.flow && frame.is_map() == step.container->is_map() &&
                   frame.value.where.column == step.container->where.column;
        };
        if (std::equal(path.begin(), path.end(), open.begin(), open.end(), same)) throw Met{std::move(path)};
    }

    Builder& builder_;
    const TextLines& before_;
    Value& value_;
    const Edit& edit_;
    int bytes_ = 0, lines_ = 0, dropped_ = 1;
};

void move_lines(Value& value, std::int64_t lines) {
    value.where.line = static_cast<std::uint32_t>(value.where.line + lines);
    if (auto* list = std::get_if<Value::List>(&value.data))
        for (Value& item : *list) move_lines(item, lines);
    if (auto* map = std::get_if<Value::Map>(&value.data))
        for (auto& entry : *map) move_lines(entry.key, lines), move_lines(entry.value, lines);
}

std::size_t values_in(const Value& value) {
    std::size_t count = value.is_null() ? 0 : 1;
    if (value.is_list())
        for (const Value& item : value.list()) count += values_in(item);
    if (value.is_map())
        for (const auto& entry : value.map()) count += values_in(entry.key) + values_in(entry.value);
    return count;
}

/// What follows where the parser was met, and the ends of all that is open.
void take_rest(Builder& builder, const YamlPath& path, std::int64_t lines) {
    for (std::size_t i = path.size(); i-- > 0;) {
        auto& open = builder.open().back().value.data;
        const std::size_t from = path[i].entry + (i + 1 < path.size() ? 1 : 0);
        if (auto* map = std::get_if<Value::Map>(&path[i].container->data)) {
            for (std::size_t at = from; at < map->size(); ++at) {
                auto& entry = std::get<Value::Map>(open).emplace_back(std::move((*map)[at]));
                if (lines != 0) move_lines(entry.key, lines), move_lines(entry.value, lines);
            }
            builder.OnMapEnd();
        } else {
            auto& list = std::get<Value::List>(path[i].container->data);
            for (std::size_t at = from; at < list.size(); ++at) {
                auto& item = std::get<Value::List>(open).emplace_back(std::move(list[at]));
                if (lines != 0) move_lines(item, lines);
            }
            builder.OnSequenceEnd();
        }
    }
}

/// A byte order mark, or a line that may be a directive: they say how what follows is read.
bool has_directives(std::string_view text) {
    return text.starts_with('%') || text.starts_with("\xEF\xBB\xBF") || text.find("\n%") != npos;
}

/// Parses on from an entry to where all is as it was, or to the end. False where that is no end.
bool parse_from(const YamlPath& path, const TextLines& before, Value& value, std::string_view text, const Edit& edit,
                Builder& builder) {
    const auto line = path.back().where().line - 1;
    const std::size_t at = before.starts[line];
    const std::string first = opening(path);
    Relay relay(builder, before, value, edit);
    relay.begin(first, path, at, line);
    builder.open() = open_at(path);
    TextBuffer buffer(first, text.substr(at));
    std::istream stream(&buffer);
    YAML::Parser parser(stream);
    try {
        parser.HandleNextDocument(relay);
        return !parser.HandleNextDocument(relay) && builder.done;
    } catch (const Over&) {
        return false;
    } catch (const Met& met) {
        take_rest(builder, met.path, edit.moved);
        return true;
    }
}

}  // namespace

std::optional<Value> parse_edited(Before before, std::string_view text, std::uint16_t source) {
    if (has_directives(before.text) || has_directives(text)) return std::nullopt;
    if (before.text == text) return std::move(before.value);
    const TextLines lines(before.text);
    const Edit edit = edit_of(before.text, text);
    const YamlPath path = last_entry(before.value, lines, edit.lines);
    if (path.empty()) return std::nullopt;
    Builder builder(text, source);
    try {
        if (!parse_from(path, lines, before.value, text, edit, builder)) return std::nullopt;
    } catch (const Error&) {
        return std::nullopt;
    } catch (const YAML::Exception&) {
        return std::nullopt;
    }
    if (!builder.alone()) return std::nullopt;
    // Each value that counts takes a byte or more.
    if (text.size() > most_values_of_yaml && values_in(builder.root) > most_values_of_yaml) return std::nullopt;
    return std::move(builder.root);
}

}  // namespace chaos
