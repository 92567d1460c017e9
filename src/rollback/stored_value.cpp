// SPDX-License-Identifier: Apache-2.0
#include "stored_value.hpp"

#include <chaos/error.hpp>
#include <chaos/marks.hpp>
#include <chaos/utf8.hpp>

namespace chaos::rollback {
namespace {

constexpr std::size_t longest = 256;
constexpr std::string_view blob_mark = "$blob", secret_mark = "$secret", map_mark = "$map";

bool fits(const std::string& text) {
    return text.size() <= longest && first_invalid_utf8(text) == std::string::npos;
}

// True where JSON as it is says all there is to say: nearly always, and then nothing is copied.
bool plain(const Value& value) {
    if (value.secret || looks_marked(value)) return false;
    if (value.is_text()) return fits(value.text());
    if (value.is_list()) {
        for (const Value& member : value.list())
            if (!plain(member)) return false;
    } else if (value.is_map()) {
        for (const auto& [key, member] : value.map())
            if (key.secret || !plain(member)) return false;
    }
    return true;
}

// JSON has no bytes that are not UTF-8: such a text is closed by itself.
Value sealed(const Value& value, BlobSink& blobs) {
    const bool is_text = value.is_text();
    const std::string open = is_text ? "t" + value.text() : "j" + to_json(without_secrecy(value));
    return marked(secret_mark, Value(blobs.sealed(open)));
}

Value unsealed(const std::string& text, const BlobSource& blobs) {
    const std::string open = blobs.opened(text);
    if (open.starts_with('t')) return Value(open.substr(1));
    if (!open.starts_with('j')) throw Error("the store has a secret that this program does not know how to read");
    return from_json(std::string_view(open).substr(1));
}

// Recursion is as deep as a value is nested, which a manifest bounds.
Value mark(const Value& value, BlobSink& blobs) {
    Value out;
    if (value.secret) return sealed(value, blobs);
    if (value.is_text()) {
        if (fits(value.text())) {
            out = Value(value.text());
        } else {
            const Digest name = digest(value.text());
            blobs.put(name, value.text());
            out = marked(blob_mark, Value(hex(name)));
        }
    } else if (value.is_list()) {
        Value::List list;
        for (const Value& member : value.list()) list.push_back(mark(member, blobs));
        out = Value(std::move(list));
    } else if (value.is_map()) {
        Value::Map map;
        for (const auto& [key, member] : value.map()) map.push_back({key, mark(member, blobs)});
        out = Value(std::move(map));
        if (looks_marked(value)) out = marked(map_mark, std::move(out));
    }
    return out;
}

// As it is in a State: nothing of how or where it was written.
Value bare(Value value) {
    value.quoted = false, value.where = {};
    if (auto* list = std::get_if<Value::List>(&value.data))
        for (Value& member : *list) member = bare(std::move(member));
    if (auto* map = std::get_if<Value::Map>(&value.data))
        for (auto& [key, member] : *map) key.quoted = false, key.where = {}, member = bare(std::move(member));
    return value;
}

Value unmark(Value value, const BlobSource& blobs, bool verbatim = false) {
    // Whether it was quoted said how to read what a manifest wrote; what is stored is canonical.
    value.quoted = false;
    value.where = {};  // and a place in the JSON is no place in a manifest: only what has none may hold what was seen
    if (auto* list = std::get_if<Value::List>(&value.data)) {
        for (Value& member : *list) member = unmark(std::move(member), blobs);
        return value;
    }
    auto* map = std::get_if<Value::Map>(&value.data);
    if (!map) return value;
    if (!verbatim && looks_marked(value)) {
        const std::string key = (*map)[0].key.text();
        Value inner = std::move((*map)[0].value);
        if (key == blob_mark) return Value(blobs.bytes(digest_from_hex(inner.text())));
        if (key == map_mark) return unmark(std::move(inner), blobs, true);
        if (key != secret_mark)
            throw Error("the store has a value marked '" + key + "', which this program does not know");
        if (inner.is_text())
            inner = bare(unsealed(inner.text(), blobs));
        else
            inner = unmark(std::move(inner), blobs);
        inner.secret = true;
        return inner;
    }
    for (auto& [key, member] : *map) {
        key.where = {};
        key.quoted = false;
        member = unmark(std::move(member), blobs);
    }
    return value;
}

}  // namespace

bool append_plain(std::string& out, const Value& value) {
    if (!plain(value)) return false;
    append_json(out, value);
    return true;
}

std::string to_stored(const Value& value, BlobSink& blobs) {
    std::string out;
    if (!append_plain(out, value)) append_json(out, mark(value, blobs));
    return out;
}

Value from_stored(std::string_view json, const BlobSource& blobs) {
    return from_stored(from_json(json), blobs);
}

Value from_stored(Value said, const BlobSource& blobs) {
    return unmark(std::move(said), blobs);
}

// What stands between the quotes at the front, taken off with them.
std::string_view Names::text() {
    std::size_t end = 0;
    do {
        end = rest_.find('"', end + 1);
        if (end == std::string_view::npos) return rest_ = {}, rest_;
        std::size_t slashes = 0;
        while (rest_[end - 1 - slashes] == '\\') ++slashes;  // the opening quote ends this
        if (slashes % 2 == 0) break;
    } while (true);
    const auto inside = rest_.substr(1, end - 1);
    rest_.remove_prefix(end + 1);
    return inside;
}

bool Names::next() {
    while (!rest_.empty()) {
        switch (rest_.front()) {
            case '"': {
                const auto word = text();
                if (depth_ != 1 || !rest_.starts_with(':')) continue;
                name_ = word;
                return true;
            }
            case '{':
            case '[': ++depth_; break;
            case '}':
            case ']': --depth_; break;
            default: break;
        }
        rest_.remove_prefix(1);
    }
    return false;
}

}  // namespace chaos::rollback
