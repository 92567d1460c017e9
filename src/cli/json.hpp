// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace chaos::cli {

/// What --json prints. A record keeps its fields in the order in which they were written; a field is always there, null
/// where there is nothing to say.
class Json {
public:
    using Field = std::pair<std::string, Json>;

    Json() = default;
    Json(std::nullptr_t) {}
    Json(bool flag) : data_(flag) {}
    Json(int number) : data_(static_cast<std::int64_t>(number)) {}
    Json(std::int64_t number) : data_(number) {}
    Json(std::size_t number) : data_(static_cast<std::int64_t>(number)) {}
    Json(std::string text) : data_(std::move(text)) {}
    Json(std::string_view text) : data_(std::string(text)) {}
    Json(const char* text) : data_(std::string(text)) {}
    template <class T>
    Json(const std::optional<T>& held) {
        if (held) *this = Json(*held);
    }
    template <class T>
    Json(const std::vector<T>& items) {
        std::vector<Json> list;
        for (const T& item : items) list.emplace_back(item);
        data_ = std::move(list);
    }
    static Json number(std::string spelled);  ///< As it was written: 1.20 stays 1.20.
    static Json record(std::vector<Field> fields);
    static Json list(std::vector<Json> items = {});

    Json& add(Json item);                           ///< To a list.
    Json& add(std::string name, Json value);        ///< To a record.
    const Json* find(std::string_view name) const;  ///< A record's field; null where there is none.

    /// One line, or indented by two. Bytes that are no UTF-8 become U+FFFD: JSON has no other text.
    std::string text(bool indented = true) const;

private:
    void write(std::string& out, int depth, bool indented) const;
    struct Spelled {
        std::string number;
    };
    std::variant<std::monostate, bool, std::int64_t, std::string, std::vector<Json>, std::vector<Field>, Spelled> data_;
};

/// A text; null where there is nothing to say.
Json or_null(const std::string& text);

/// Text as JSON writes it, quotes included.
std::string json_text(std::string_view text);

}  // namespace chaos::cli
