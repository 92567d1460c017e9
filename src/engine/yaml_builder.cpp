// SPDX-License-Identifier: Apache-2.0
// What YAML 1.2 refuses and yaml-cpp 0.7 lets pass is found by looking at the source where an event says it comes from.
#include "yaml_builder.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "utf8.hpp"
#include "yaml_hints.hpp"
#include "yaml_text.hpp"

namespace chaos {

namespace {

constexpr auto npos = std::string_view::npos;
constexpr std::size_t deepest = 64;

bool is_null_word(std::string_view text, std::size_t at) {
    if (at < text.size() && text[at] == '~') return true;
    for (const std::string_view word : {"null", "Null", "NULL"})
        if (text.substr(at).starts_with(word)) return true;
    return false;
}

}  // namespace

Builder::Builder(std::string_view text, std::uint16_t source) : text_(text), source_(source) {
    ascii_ = std::none_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
}

void Builder::OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (wants_key())
        throw Error(place(mark), "expected a key, found nothing").help("quote it if it is meant: \"null\"");
    Value value;
    value.blank = !said_null(mark);
    value.where = !value.blank                              ? place(mark)
                  : !open_.empty() && open_.back().is_map() ? open_.back().key.where
                                                            : blank_item(mark);
    if (value.blank && !open_.empty() && !open_.back().is_map() && open_.back().flow && !anchor)
        throw Error(value.where, "there is nothing between this and the next comma or bracket")
            .help("remove a comma; for an empty text write \"\"");
    finish(std::move(value), anchor, 1, 0, 1);
}

void Builder::OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) {
    const auto known = anchors_.find(anchor);
    if (known == anchors_.end())
        throw Error(place(mark), "this alias stands inside what it is an alias of: it would never end")
            .help("write out what is meant; quote it, if it is a text that begins with *");
    const auto& held = known->second;
    count(held.values, held.bytes, mark);
    if (open_.size() + held.depth > deepest) throw too_deep(mark);
    if (wants_key() && !held.value.is_text()) throw Error(place(mark), "a key is a text, and this alias is none");
    Value copy = held.value;
    finish(std::move(copy), 0, held.values, held.bytes, held.depth);
}

void Builder::OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, const std::string& text) {
    count(1, text.size(), mark);
    refuse_tab_before(mark);
    if (!wants_key()) refuse_unindented(mark);
    const auto at = content_of(mark);
    const char first = at < text_.size() ? text_[at] : '\0';
    const bool in_quotes = (first == '"' || first == '\'') && tag != "?";
    if (in_quotes && end_of_quotes(text_, at) == npos)
        throw Error(place_of({text_, at}, source_), "this quote is never closed")
            .help(fmt::format("close it with {}", first));
    const bool folds = first == '>' && tag != "?" && text_.substr(at, 3).find('+') != npos;
    Value value(text.empty() && in_quotes ? lines_alone(at) : folds ? with_last_lines(at, text) : text, place(mark));
    value.quoted = tag == "!" || (tag != "?" && (in_quotes || first == '|' || first == '>'));
    value.tag = tag_of(tag, mark, text);
    if (wants_key()) check_key(value, at, in_quotes);
    finish(std::move(value), anchor, 1, text.size(), 1);
}

void Builder::OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                              YAML::EmitterStyle::value style) {
    start(Value(Value::List{}, place(mark)), mark, tag, anchor, style);
}
void Builder::OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                         YAML::EmitterStyle::value style) {
    start(Value(Value::Map{}, place(mark)), mark, tag, anchor, style);
}
void Builder::OnMapEnd() {
    Frame& frame = open_.back();
    if (frame.merges) merge_keys(std::get<Value::Map>(frame.value.data));
    check_double_keys(frame.value.map());
    end();
}

Place Builder::place(const YAML::Mark& mark) const {
    auto column = static_cast<std::size_t>(mark.column);
    if (!ascii_) {
        const auto at = std::min(static_cast<std::size_t>(mark.pos), text_.size());
        column = characters(text_.substr(at - std::min(at, column), std::min(at, column)));
    }
    return {static_cast<std::uint32_t>(mark.line + 1),
            static_cast<std::uint16_t>(std::min<std::size_t>(column + 1, 65535)), source_};
}

Error Builder::too_deep(const YAML::Mark& mark) const {
    return Error(place(mark), fmt::format("more than {} levels of lists and mappings", deepest))
        .help("put what is inside into a file beside the manifest, and name it with source:");
}

void Builder::count(std::size_t values, std::size_t bytes, const YAML::Mark& mark) {
    values_ += values, bytes_ += bytes;
    if (values_ > most_values_of_yaml)
        throw Error(place(mark), fmt::format("more than {} values, aliases counted", most_values_of_yaml))
            .help("divide the manifest with include:, or put big content beside it with source:");
    if (bytes_ > 4 * most_bytes_of_yaml)
        throw Error(place(mark), "the aliases make more than 64 MiB out of this manifest")
            .help("put big content beside the manifest with source:");
}

/// Where the content begins: yaml-cpp marks a value at its anchor or tag.
std::size_t Builder::content_of(const YAML::Mark& mark) const {
    auto at = std::min(static_cast<std::size_t>(mark.pos), text_.size());
    while (at < text_.size() && (text_[at] == '&' || text_[at] == '!')) {
        at = std::min(text_.find_first_of(" \n,]}", at), text_.size());
        at = std::min(text_.find_first_not_of(" \n", at), text_.size());
    }
    return at;
}

bool Builder::said_null(const YAML::Mark& mark) const {
    const auto at = content_of(mark);
    if (!is_null_word(text_, at)) return false;
    if (open_.empty() || !open_.back().is_map() || open_.back().flow) return true;
    // `g:` with nothing, and then a line that begins with null
    const Place key = open_.back().key.where;
    return static_cast<std::uint32_t>(mark.line + 1) == key.line || mark.column + 1 > key.column;
}

/// Of a line that is no part of a bracket: yaml-cpp takes a tab for a blank.
void Builder::refuse_tab_before(const YAML::Mark& mark) const {
    if (!open_.empty() && open_.back().flow) return;
    const auto at = std::min(static_cast<std::size_t>(mark.pos), text_.size());
    const auto start = line_at({text_, at}).start;
    const auto blanks = text_.substr(start, at - start);
    const auto tab = blanks.find('\t');
    if (tab != npos && blanks.find_first_not_of(" \t") == npos)
        throw Error(place_of({text_, start + tab}, source_), "a tab can not indent").help("indent with spaces");
}

/// Quotes around nothing but line ends: the first is a blank, and then each is itself. yaml-cpp drops them.
std::string Builder::lines_alone(std::size_t quote) const {
    const auto inside = text_.substr(quote + 1, end_of_quotes(text_, quote) - quote - 2);
    const auto lines = std::count(inside.begin(), inside.end(), '\n');
    if (lines == 0 || inside.find_first_not_of(" \t\n") != npos) return {};
    return lines == 1 ? " " : std::string(static_cast<std::size_t>(lines) - 1, '\n');
}

/// A value on a line of its own, no further in than what it is the value of.
void Builder::refuse_unindented(const YAML::Mark& mark) const {
    if (open_.empty() || open_.back().flow) return;
    const Frame& parent = open_.back();
    const Place over = parent.is_map() ? parent.key.where : parent.value.where, where = place(mark);
    if (where.line == over.line || where.column > over.column) return;
    throw Error(where, parent.is_map() ? fmt::format("what belongs to '{}' must be indented more than it",
                                                     printable(parent.key.text()))
                                       : "what belongs to an item must be indented more than its dash")
        .note(over, "it is here")
        .help("indent this line, or give it a key of its own: KEY: VALUE");
}

Place Builder::blank_item(const YAML::Mark& mark) const {
    const auto at = static_cast<std::size_t>(mark.pos);
    const auto dash = at ? text_.find_last_of("-[,:", at - 1) : npos;
    return dash == npos ? place(mark) : place_of({text_, dash}, source_);
}

Value::Tag Builder::tag_of(const std::string& tag, const YAML::Mark& mark, const std::string& text) const {
    if (tag == "?" || tag == "!" || tag.empty()) return Value::Tag::none;
    const auto known = tag == "!secret" ? Value::Tag::secret : tag == "!file" ? Value::Tag::file : Value::Tag::none;
    if (known == Value::Tag::none)
        throw Error(place(mark), fmt::format("the tag {} means nothing here", printable(tag)))
            .help("the tags are !secret NAME and !file PATH; quote the value if it begins with !");
    if (text.empty())
        throw Error(place(mark), fmt::format("{} is followed by nothing", tag))
            .help(known == Value::Tag::file ? "write !file PATH" : "write !secret NAME");
    if (wants_key()) throw Error(place(mark), fmt::format("a key can not be {}", tag));
    return known;
}

/// A folded text that keeps its last blank lines: yaml-cpp gives one of them less.
std::string Builder::with_last_lines(std::size_t at, std::string text) const {
    std::size_t blank = 0, depth = 0;
    bool begun = false;
    for (auto from = text_.find('\n', at); from != npos && ++from < text_.size(); from = text_.find('\n', from)) {
        const auto line = text_.substr(from, std::min(text_.find('\n', from), text_.size()) - from);
        const auto first = std::min(line.find_first_not_of(' '), line.size());
        if (first == line.size() && !(begun && first > depth)) {
            ++blank;
            continue;
        }
        if (!begun) depth = first, begun = true;
        if (first < depth || text.empty()) break;
        blank = 0;
    }
    const auto end = text.find_last_not_of('\n');
    if (end == npos) return text;
    text.resize(end + 1);
    return text.append(1 + blank, '\n');
}

/// A key of a block mapping is followed by its colon; yaml-cpp takes a line without one for a key with nothing.
void Builder::check_key(const Value& key, std::size_t at, bool in_quotes) const {
    if (open_.back().flow) return;
    auto end = in_quotes ? end_of_quotes(text_, at) : at + key.text().size();
    while (end < text_.size() && text_[end] == ' ') ++end;
    if (end < text_.size() && text_[end] == ':') return;
    if (!in_quotes && key.text().starts_with('-') && key.text().size() > 1)
        throw Error(key.where, fmt::format("expected 'key: value', found '{}'", key.text()))
            .help(fmt::format("'-' needs a space after it: - {}", key.text().substr(1)));
    const auto before = at ? text_.find_last_not_of(' ', at - 1) : npos;
    if (before != npos && text_[before] == '?' && before + 1 < at)
        throw Error(key.where, "a key with '?' before it is not understood")
            .help(fmt::format("write {}: VALUE, without the '?'", key.text()));
    throw Error(key.where, fmt::format("expected ':' after '{}'", key.text()))
        .help(fmt::format("write {}: VALUE, or indent it if it belongs to the line above", key.text()));
}

void Builder::start(Value container, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                    YAML::EmitterStyle::value style) {
    if (tag != "?" && tag != "!" && !tag.empty())
        throw Error(place(mark), fmt::format("the tag {} is only for a single value", printable(tag)))
            .help("write it before each value");
    if (wants_key()) {
        if (Error error{""};
            unquoted_braces(line_at({text_, static_cast<std::size_t>(mark.pos)}), source_, text_, error))
            throw error;
        if (Error error{""}; unclosed_bracket(text_, source_, error)) throw error;
        throw Error(place(mark), fmt::format("a key is a text, found {}", kind_of(container)))
            .help("quote it, if it is a text; give it a key, if it belongs to the line above");
    }
    if (tag == "!") alone_ = false;
    if (open_.size() >= deepest) throw too_deep(mark);
    count(1, 0, mark);
    refuse_tab_before(mark);
    Frame frame;
    frame.value = std::move(container), frame.flow = style == YAML::EmitterStyle::Flow, frame.anchor = anchor;
    if (frame.flow) refuse_unindented(mark);
    open_.push_back(std::move(frame));
}

void Builder::end() {
    Frame frame = std::move(open_.back());
    open_.pop_back();
    finish(std::move(frame.value), frame.anchor, frame.values, frame.bytes, frame.depth + 1);
}

void Builder::finish(Value value, YAML::anchor_t anchor, std::size_t values, std::size_t bytes, std::size_t depth) {
    if (anchor) anchors_[anchor] = {value, values, bytes, depth};
    if (open_.empty()) {
        root = std::move(value), done = true;
        return;
    }
    Frame& frame = open_.back();
    frame.values += values, frame.bytes += bytes, frame.depth = std::max(frame.depth, depth);
    if (!frame.is_map()) {
        std::get<Value::List>(frame.value.data).push_back(std::move(value));
    } else if (!frame.has_key) {
        if (!value.quoted && value.text() == "<<") frame.merges = true, alone_ = false;
        frame.key = std::move(value), frame.has_key = true;
    } else {
        std::get<Value::Map>(frame.value.data).push_back({std::move(frame.key), std::move(value)});
        frame.has_key = false;
    }
}

}  // namespace chaos
