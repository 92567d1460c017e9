// SPDX-License-Identifier: Apache-2.0
#include "json.hpp"

#include <fmt/format.h>

#include "text.hpp"

namespace chaos::cli {

Json Json::number(std::string spelled) {
    Json json;
    json.data_ = Spelled{std::move(spelled)};
    return json;
}

Json Json::record(std::vector<Field> fields) {
    Json json;
    json.data_ = std::move(fields);
    return json;
}

Json Json::list(std::vector<Json> items) {
    Json json;
    json.data_ = std::move(items);
    return json;
}

Json& Json::add(Json item) {
    std::get<std::vector<Json>>(data_).push_back(std::move(item));
    return *this;
}

Json& Json::add(std::string name, Json value) {
    std::get<std::vector<Field>>(data_).emplace_back(std::move(name), std::move(value));
    return *this;
}

const Json* Json::find(std::string_view name) const {
    if (const auto* fields = std::get_if<std::vector<Field>>(&data_))
        for (const Field& field : *fields)
            if (field.first == name) return &field.second;
    return nullptr;
}

std::string json_text(std::string_view text) {
    std::string out = "\"";
    for (std::size_t i = 0; i < text.size();) {
        const auto byte = static_cast<unsigned char>(text[i]);
        const std::size_t length = utf8_length(text.substr(i));
        if (length == 0)
            out += "\xEF\xBF\xBD";
        else if (byte == '"' || byte == '\\')
            out += '\\', out += text[i];
        else if (byte == '\n')
            out += "\\n";
        else if (byte == '\t')
            out += "\\t";
        else if (byte < 0x20 || byte == 0x7F)
            out += fmt::format("\\u{:04x}", byte);
        else
            out += text.substr(i, length);
        i += length ? length : 1;
    }
    return out += '"';
}

void Json::write(std::string& out, int depth, bool indented) const {
    const auto line = [&](int at) {
        if (indented) out += '\n', out.append(static_cast<std::size_t>(2 * at), ' ');
    };
    if (const auto* flag = std::get_if<bool>(&data_)) out += *flag ? "true" : "false";
    if (const auto* number = std::get_if<std::int64_t>(&data_)) out += std::to_string(*number);
    if (const auto* number = std::get_if<Spelled>(&data_)) out += number->number;
    if (const auto* text = std::get_if<std::string>(&data_)) out += json_text(*text);
    if (data_.index() == 0) out += "null";
    if (const auto* items = std::get_if<std::vector<Json>>(&data_)) {
        out += '[';
        for (std::size_t i = 0; i < items->size(); ++i) {
            if (i) out += indented ? "," : ", ";
            line(depth + 1);
            (*items)[i].write(out, depth + 1, indented);
        }
        if (!items->empty()) line(depth);
        out += ']';
    }
    if (const auto* fields = std::get_if<std::vector<Field>>(&data_)) {
        out += '{';
        for (std::size_t i = 0; i < fields->size(); ++i) {
            if (i) out += indented ? "," : ", ";
            line(depth + 1);
            out += json_text((*fields)[i].first) + ": ";
            (*fields)[i].second.write(out, depth + 1, indented);
        }
        if (!fields->empty()) line(depth);
        out += '}';
    }
}

std::string Json::text(bool indented) const {
    std::string out;
    write(out, 0, indented);
    return out;
}

Json or_null(const std::string& text) {
    return text.empty() ? Json() : Json(text);
}

}  // namespace chaos::cli
