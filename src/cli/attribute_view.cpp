// SPDX-License-Identifier: Apache-2.0
#include "attribute_view.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chaos/located.hpp>

#include "diff.hpp"

namespace chaos::cli {

namespace {

std::string scalar(const Value& value) {
    if (value.secret) return std::string(hidden);
    if (value.is_null()) return "null";
    return value.is_text() ? value.text() : to_json(value);
}

/// The items of a list or mapping as texts.
std::vector<std::string> items_of(const Value& value) {
    std::vector<std::string> items;
    if (value.is_list())
        for (const Value& item : value.list()) items.push_back(scalar(item));
    if (value.is_map())
        for (const Value::Entry& entry : value.map()) items.push_back(scalar(entry.key) + "=" + scalar(entry.value));
    return items;
}

/// What `a` has and `b` has not.
std::vector<std::string> without(const std::vector<std::string>& a, std::vector<std::string> b) {
    std::sort(b.begin(), b.end());
    std::vector<std::string> rest;
    for (const std::string& item : a)
        if (!std::binary_search(b.begin(), b.end(), item)) rest.push_back(item);
    return rest;
}

/// A content that is kept by reference (Codec<Content>) or has no lines to show: how big it is, and which.
std::string by_size(const Value& value) {
    if (value.is_map())
        if (const Value* size = value.find("size"), *sum = value.find("digest"); size && sum)
            return fmt::format("{}, digest {}", size_of(std::strtoull(size->text().c_str(), nullptr, 10)),
                               sum->text().substr(0, 12));
    if (!value.is_text()) return in_line(value);
    return fmt::format("{}, digest {}", size_of(value.text().size()), hex(digest(value.text())).substr(0, 12));
}

/// A file that is used where it lies: where that is, how big it is, and which.
std::string by_place(const Value& value) {
    const Value* path = value.is_map() ? value.find("path") : nullptr;
    return path ? fmt::format("{}, {}", scalar(*path), by_size(value)) : in_line(value);
}

/// As a manifest calls it: a file has its name there by the field that gives it.
std::string_view written_name(const Schema& schema, const Field& field) {
    if (field.type == Codec<Located>::name)
        for (const Field& one : schema.fields)
            if (one.role == Field::Role::source && one.into == field.name) return one.name;
    return field.name;
}

/// What is told along with a change: `nginx needs it; download 53 kB, installed 287 kB`.
std::string in_words(const Value& value) {
    if (!value.is_map()) return in_line(value);
    std::string why, rest;
    for (const Value::Entry& entry : value.map())
        if (scalar(entry.key) == "why")
            why = scalar(entry.value);
        else
            rest += (rest.empty() ? "" : ", ") + scalar(entry.key) + " " + scalar(entry.value);
    return why + (why.empty() || rest.empty() ? "" : "; ") + rest;
}

void set_content(AttributeView& view, const Value* before, const Value* after, const Detail& detail) {
    if (before) view.before = by_size(*before);
    if (after) view.after = by_size(*after);
    const auto lines = [](const Value* value) { return !value || (value->is_text() && is_text(value->text())); };
    if (!lines(before) || !lines(after)) return;
    if (before) view.before = size_of(before->text().size());
    if (after) view.after = size_of(after->text().size());
    Diff diff =
        unified_diff(before ? before->text() : std::string(), after ? after->text() : std::string(), detail.diff_lines);
    view.diff = std::move(diff.lines), view.left_out = diff.left_out;
}

AttributeView attribute(const Field* field, const std::string& name, const Value* before, const Value* after,
                        const Detail& detail) {
    AttributeView view;
    view.name = name;
    view.secret = (field && field->secret) || (before && before->secret) || (after && after->secret);
    if (view.secret) {
        if (before) view.before = hidden;
        if (after) view.after = hidden;
    } else if (field && field->merge == Merge::text) {
        set_content(view, before, after, detail);
    } else if (field && field->type == Codec<Located>::name) {
        if (before) view.before = by_place(*before);
        if (after) view.after = by_place(*after);
    } else if (field && field->told) {
        if (before) view.before = in_words(*before);
        if (after) view.after = in_words(*after);
    } else {
        if (before) view.before = in_line(*before);
        if (after) view.after = in_line(*after);
        const auto has_several = [](const Value* value) { return value && (value->is_list() || value->is_map()); };
        const bool set = field && (field->merge == Merge::members || field->merge == Merge::keys);
        if ((set || !field) && (has_several(before) || has_several(after))) {
            const auto old = before ? items_of(*before) : std::vector<std::string>();
            const auto now = after ? items_of(*after) : std::vector<std::string>();
            view.several = true, view.added = without(now, old), view.removed = without(old, now);
        }
    }
    return view;
}

bool shown(const Field* field, const Detail& detail) {
    if (!field) return true;
    // What is seen beside the properties are whole files, for undoing; but a mapping says what a change makes where.
    if (field->role == Field::Role::seen) return field->merge == Merge::keys;
    return field->role == Field::Role::property || (detail.options && field->role == Field::Role::option);
}

}  // namespace

std::string in_line(const Value& value) {
    if (value.secret) return std::string(hidden);
    if (!value.is_list() && !value.is_map()) return scalar(value);
    std::string out;
    for (const std::string& item : items_of(value)) out += (out.empty() ? "" : ", ") + item;
    return out;
}

std::vector<AttributeView> attributes(const Schema* schema, const Value& before, const Value& after,
                                      const Detail& detail) {
    std::vector<AttributeView> views;
    const auto consider = [&](const std::string& name) {
        const Field* field = schema ? schema->find(name) : nullptr;
        if (!shown(field, detail)) return;
        const Value* old = before.is_map() ? before.find(name) : nullptr;
        const Value* now = after.is_map() ? after.find(name) : nullptr;
        // What the later state leaves open stays as it is: nothing to show.
        const bool differs = now && (!old || !(*old == *now));
        if (!before.is_null() && !after.is_null() && !differs) return;
        // Empty where nothing was: nothing to tell.
        if (before.is_null() && now && !now->is_null() && in_line(*now).empty()) return;
        views.push_back(attribute(field, name, old, now, detail));
        if (field) views.back().name = written_name(*schema, *field);
    };
    if (after.is_map())
        for (const Value::Entry& entry : after.map()) consider(entry.key.text());
    else if (before.is_map())
        for (const Value::Entry& entry : before.map()) consider(entry.key.text());
    return views;
}

Json to_json(const AttributeView& view) {
    return Json::record({{"name", view.name},
                         {"before", view.before},
                         {"after", view.after},
                         {"added", view.added},
                         {"removed", view.removed},
                         {"diff", view.diff},
                         {"lines_left_out", view.left_out},
                         {"secret", view.secret}});
}

namespace {

std::string painted(std::string_view line, Style style) {
    const std::string text = escape(line, true);
    switch (line.empty() ? ' ' : line[0]) {
        case '+': return style.green(text);
        case '-': return style.red(text);
        case '@': return style.cyan(text);
        case '\\': return style.dim(text.substr(1));
        default: return text;
    }
}

}  // namespace

std::string render(const AttributeView& view, Style style, std::size_t indent) {
    const std::string margin(indent, ' ');
    std::string out = fmt::format("{}{}: ", margin, escape(view.name));
    const auto value = [&](const std::optional<std::string>& text) { return text ? escape(*text) : "(not set)"; };
    if (view.several && view.before && (!view.added.empty() || !view.removed.empty())) {
        std::string items;
        for (const std::string& item : view.removed) items += ' ' + style.red("-" + escape(item));
        for (const std::string& item : view.added) items += ' ' + style.green("+" + escape(item));
        out += items.substr(1);
    } else if (view.before && view.after && (view.before != view.after || view.secret)) {
        out += view.secret ? fmt::format("{} (changes)", hidden)
                           : fmt::format("{} -> {}", style.red(value(view.before)), style.green(value(view.after)));
    } else {
        out += value(view.after ? view.after : view.before);
    }
    out += '\n';
    for (const std::string& line : view.diff) out += margin + "  " + painted(line, style) + '\n';
    if (view.left_out)
        out +=
            style.dim(fmt::format("{}  ... {} more (chaos diff shows them)\n", margin, count(view.left_out, "line")));
    return out;
}

}  // namespace chaos::cli
