// SPDX-License-Identifier: Apache-2.0
// Filters that write and read JSON and YAML, encode and digest.
#include <fmt/format.h>
#include <algorithm>
#include <chaos/hashes.hpp>
#include <chaos/manifest.hpp>
#include <charconv>
#include <unordered_map>
#include "filters.hpp"
#include "utf8.hpp"

namespace chaos::language {

namespace {

class JsonWriter {
public:
    JsonWriter(const JsonStyle& style, Budget& budget) : style_(style), budget_(budget) {}
    std::string out;

    void write(const Datum& datum, int depth) {
        const Budget::Level level(budget_);
        budget_.spend(1);
        if (out.size() > Budget::longest_text) budget_.fits(out.size());
        switch (datum.kind()) {
            case Datum::Kind::undefined: require(datum); break;
            case Datum::Kind::none: out += "null"; break;
            case Datum::Kind::boolean: out += datum.boolean() ? "true" : "false"; break;
            case Datum::Kind::integer:
            case Datum::Kind::real: number(datum); break;
            case Datum::Kind::text: text(datum.text()); break;
            case Datum::Kind::list: list(datum, depth); break;
            case Datum::Kind::map: map(datum, depth); break;
            case Datum::Kind::object: throw Error(fmt::format("{} can not be written as JSON", name_of(datum)));
        }
    }

private:
    void number(const Datum& datum) {
        if (const auto* written = datum.written())
            out += *written;
        else if (datum.is(Datum::Kind::integer))
            out += std::to_string(datum.integer());
        else if (const std::string made = text_of(datum.real()); made.find_first_of("n") == std::string::npos)
            out += made;
        else
            out += made == "nan" ? "NaN" : made == "inf" ? "Infinity" : "-Infinity";
    }

    void text(const std::string& words) {
        out += '"';
        for (std::size_t at = 0; at < words.size();) {
            const std::size_t from = at;
            const auto code = decode_utf8(words, at);
            if (code == '"' || code == '\\')
                out += '\\', out += static_cast<char>(code);
            else if (const auto known = std::string_view("\b\f\n\r\t").find(static_cast<char>(code));
                     code < 0x20 && known != std::string_view::npos)
                out += '\\', out += "bfnrt"[known];
            else if (code < 0x20 || (style_.ascii && code >= 0x7F && code < 0x10000))
                out += fmt::format("\\u{:04x}", code);
            else if (style_.ascii && code >= 0x10000)
                out += fmt::format("\\u{:04x}\\u{:04x}", 0xD800 + ((code - 0x10000) >> 10),
                                   0xDC00 + ((code - 0x10000) & 0x3FF));
            else
                out += words.substr(from, at - from);
        }
        out += '"';
    }

    void line(int depth) {
        if (style_.indent < 0) return;
        out += '\n';
        out.append(static_cast<std::size_t>(style_.indent) * static_cast<std::size_t>(depth), ' ');
    }
    void comma() {
        auto mark = style_.comma;
        if (style_.indent >= 0) mark = stripped(mark, "", false, true);
        out += mark;
    }

    void list(const Datum& datum, int depth) {
        if (datum.size() == 0) return void(out += "[]");
        out += '[';
        for (std::size_t i = 0; i < datum.size(); ++i) {
            if (i) comma();
            line(depth + 1);
            write(datum.at(i), depth + 1);
        }
        line(depth);
        out += ']';
    }

    std::string key(const Datum& datum) {
        if (datum.is_text()) return datum.text();
        if (datum.is(Datum::Kind::boolean)) return datum.boolean() ? "true" : "false";
        if (datum.is(Datum::Kind::none)) return "null";
        if (!datum.is_number()) throw Error(fmt::format("{} can be no key of JSON", name_of(datum)));
        return text_of(datum, budget_);
    }

    void map(const Datum& datum, int depth) {
        if (datum.size() == 0) return void(out += "{}");
        std::vector<std::pair<std::string, std::size_t>> keys;
        for (std::size_t i = 0; i < datum.size(); ++i) keys.emplace_back(key(datum.key_at(i)), i);
        if (style_.sorted)
            std::stable_sort(keys.begin(), keys.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
        out += '{';
        bool first = true;
        for (const auto& [name, i] : keys) {
            if (!std::exchange(first, false)) comma();
            line(depth + 1);
            text(name);
            out += style_.colon;
            write(datum.at(i), depth + 1);
        }
        line(depth);
        out += '}';
    }

    const JsonStyle& style_;
    Budget& budget_;
};

/// YAML: blocks of `indent`, what fits on a line in brackets where asked for.
class YamlWriter {
public:
    YamlWriter(int indent, bool flow_leaves, bool sorted, Budget& budget)
        : indent_(static_cast<std::size_t>(indent)), flow_leaves_(flow_leaves), sorted_(sorted), budget_(budget) {}
    std::string out;

    void document(const Datum& datum) {
        if (is_block(datum))
            block(datum, 0);
        else
            flow(datum, false), out += '\n';
    }

private:
    bool is_block(const Datum& datum) const {
        if ((!datum.is_list() && !datum.is_map()) || datum.size() == 0) return false;
        if (!flow_leaves_) return true;
        for (std::size_t i = 0; i < datum.size(); ++i)
            if (const Datum item = datum.at(i); item.is_list() || item.is_map()) return true;
        return false;
    }

    std::vector<std::size_t> order(const Datum& map) const {
        std::vector<std::size_t> numbers(map.size());
        for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = i;
        if (sorted_)
            std::stable_sort(numbers.begin(), numbers.end(), [&](std::size_t a, std::size_t b) {
                return text_of(map.key_at(a), budget_) < text_of(map.key_at(b), budget_);
            });
        return numbers;
    }

    void block(const Datum& datum, std::size_t depth, bool begun = false) {
        const Budget::Level level(budget_);
        budget_.fits(out.size());
        const auto start = [&] {
            if (!std::exchange(begun, false)) out.append(depth, ' ');
        };
        if (datum.is_list()) {
            for (std::size_t i = 0; i < datum.size(); ++i) {
                start();
                out += "- ";
                const Datum item = datum.at(i);
                if (is_block(item))
                    block(item, depth + 2, true);
                else
                    flow(item, false), out += '\n';
            }
            return;
        }
        for (const auto i : order(datum)) {
            start();
            const Datum value = datum.at(i);
            flow(datum.key_at(i), false);
            if (is_block(value)) {
                out += ":\n";
                block(value, depth + (value.is_list() ? 0 : indent_));
            } else {
                out += ": ";
                flow(value, false), out += '\n';
            }
        }
    }

    void flow(const Datum& datum, bool inside) {
        const Budget::Level level(budget_);
        budget_.spend(1);
        if (datum.is_text()) return text(datum.text(), inside);
        if (!datum.is_list() && !datum.is_map()) return scalar(datum);
        bool first = true;
        out += datum.is_map() ? '{' : '[';
        if (datum.is_map())
            for (const auto i : order(datum)) {
                if (!std::exchange(first, false)) out += ", ";
                flow(datum.key_at(i), true), out += ": ", flow(datum.at(i), true);
            }
        else
            for (std::size_t i = 0; i < datum.size(); ++i) {
                if (!std::exchange(first, false)) out += ", ";
                flow(datum.at(i), true);
            }
        out += datum.is_map() ? '}' : ']';
    }

    void scalar(const Datum& datum) {
        if (datum.is(Datum::Kind::object)) throw Error(fmt::format("{} can not be written as YAML", name_of(datum)));
        if (datum.is(Datum::Kind::none)) return void(out += "null");
        if (datum.is(Datum::Kind::boolean)) return void(out += datum.boolean() ? "true" : "false");
        out += text_of(datum, budget_);
    }

    void text(const std::string& words, bool inside) {
        if (is_plain(words, inside)) return void(out += words);
        if (words.find_first_of("\n\t\r") == std::string::npos && first_control(words) == std::string::npos) {
            out += '\'';
            for (const char c : words) out += c == '\'' ? "''" : std::string(1, c);
            out += '\'';
            return;
        }
        JsonStyle style;
        style.ascii = false;
        out += json_of(Datum::of(words), style, budget_);
    }

    static std::size_t first_control(const std::string& words) {
        const auto found =
            std::find_if(words.begin(), words.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; });
        return found == words.end() ? std::string::npos : static_cast<std::size_t>(found - words.begin());
    }

    /// True where every reader of YAML takes it for the text it is.
    static bool is_plain(const std::string& words, bool inside) {
        if (words.empty() || words.front() == ' ' || words.back() == ' ') return false;
        const std::string low = lower(words);
        for (const std::string_view word : {"true", "false", "yes", "no", "on", "off", "null", "~", "y", "n", "none",
                                            "<<", "=", ".inf", "-.inf", "+.inf", ".nan"})
            if (low == word) return false;
        if (std::string_view("-?:,[]{}#&*!|>'\"%@`").find(words[0]) != std::string_view::npos) {
            const bool dash = (words[0] == '-' || words[0] == '?' || words[0] == ':') && words.size() > 1 &&
                              words[1] != ' ' && words[0] == '-' && words[1] != '-';
            if (!dash || inside) return false;
        }
        if ((words[0] >= '0' && words[0] <= '9') || words[0] == '.' || words[0] == '+' || words[0] == '-') {
            if (words.find_first_not_of("0123456789.eExXoO+-_:abcdefABCDEFtTzZ ") == std::string::npos) return false;
        }
        if (words.find(": ") != std::string::npos || words.find(" #") != std::string::npos || words.back() == ':')
            return false;
        if (inside && words.find_first_of(",[]{}?:") != std::string::npos) return false;
        return first_control(words) == std::string::npos && words.find("---") != 0;
    }

    std::size_t indent_;
    bool flow_leaves_, sorted_;
    Budget& budget_;
};

}  // namespace

std::string json_of(const Datum& datum, const JsonStyle& style, Budget& budget) {
    JsonWriter writer(style, budget);
    writer.write(datum, 0);
    budget.text(writer.out.size());
    return std::move(writer.out);
}

std::string yaml_of(const Datum& datum, int indent, bool flow_leaves, bool sorted, Budget& budget) {
    YamlWriter writer(indent, flow_leaves, sorted, budget);
    writer.document(datum);
    budget.text(writer.out.size());
    return std::move(writer.out);
}

namespace {

int indent_of(const Call& call, std::size_t i, int otherwise) {
    constexpr std::int64_t most = 40;
    const std::int64_t wanted = call.has(i) ? call.integer(i) : otherwise;
    if (wanted > most) throw Error(fmt::format("an indent is {} blanks at most, found {}", most, wanted));
    return static_cast<int>(std::max<std::int64_t>(wanted, -1));
}

/// JSON that is harmless in HTML, as Jinja2 has it.
Datum to_safe_json(Call& call) {
    JsonStyle style;
    style.sorted = true, style.indent = indent_of(call, 0, -1);
    std::string out;
    for (const char c : json_of(call.subject, style, call.budget())) {
        if (c == '<' || c == '>' || c == '&' || c == '\'')
            out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
        else
            out += c;
    }
    return Datum::of(std::move(out), true);
}

Datum to_json(Call& call) {
    JsonStyle style;
    style.indent = indent_of(call, 0, -1);
    style.sorted = call.flag(1, false), style.ascii = call.flag(2, true);
    return Datum::of(json_of(call.subject, style, call.budget()));
}

Datum to_nice_json(Call& call) {
    JsonStyle style;
    style.indent = indent_of(call, 0, 4);
    style.sorted = call.flag(1, true), style.ascii = call.flag(2, true);
    return Datum::of(json_of(call.subject, style, call.budget()));
}

Datum to_yaml(Call& call, bool nice) {
    const int indent = std::max(indent_of(call, 0, nice ? 4 : 2), 2);
    return Datum::of(yaml_of(call.subject, indent, !nice, call.flag(1, true), call.budget()));
}

/// What was read is data: no tag of a manifest in it, and 1e5 is a number.
/// Of a name that JSON has twice the last counts, as in Python.
void last_of_each(Value::Map& map) {
    std::unordered_map<std::string, std::size_t> at;
    std::size_t kept = 0;
    for (std::size_t i = 0; i < map.size(); ++i) {
        const auto [held, is_new] = at.try_emplace(map[i].key.text(), kept);
        if (!is_new)
            map[held->second].value = std::move(map[i].value);
        else if (kept++ != i)
            map[kept - 1] = std::move(map[i]);
    }
    map.resize(kept);
}

void check_data(Value& value) {
    value.where = {};  // that is a line of the text, not of the manifest
    if (value.tag != Value::Tag::none) throw Error("tags like !file are for manifests");
    if (value.is_list())
        for (Value& item : std::get<Value::List>(value.data)) check_data(item);
    if (value.is_map()) {
        last_of_each(std::get<Value::Map>(value.data));
        for (auto& entry : std::get<Value::Map>(value.data)) entry.key.where = {}, check_data(entry.value);
    }
    if (!value.is_text() || value.quoted || value.text().find_first_of("eE") == std::string::npos) return;
    double number = 0;
    const char* end = value.text().data() + value.text().size();
    const auto read = std::from_chars(value.text().data(), end, number);
    if (read.ptr == end && read.ec == std::errc()) value.data = fmt::format("{}", number);
    if (read.ptr != end || read.ec != std::errc::result_out_of_range) return;
    if (value.text().find("e-") == std::string::npos && value.text().find("E-") == std::string::npos)
        throw Error(fmt::format("the number {} is too big", printable(value.text())));
    value.data = std::string("0.0");
}

Datum from_text(Call& call, bool json) {
    if (!call.subject.is_text()) return call.subject;  // what is no text has been read already
    const std::string text = call.own_text();
    call.budget().spend(text.size());
    if (text.size() > Budget::longest_text) call.budget().text(text.size());
    try {
        Sources sources;
        const auto source = json ? std::uint16_t{0} : sources.add("the text", "/", text);
        Value value = json ? chaos::from_json(text) : parse_yaml(sources, source);
        check_data(value);
        return Datum::of(std::make_shared<const Value>(std::move(value)));
    } catch (const Error& error) {
        const std::string where = error.where && !call.subject.secret
                                      ? fmt::format(" (line {}, column {})", error.where.line, error.where.column)
                                      : "";
        if (call.subject.secret) throw Error(fmt::format("this secret text is no {}", json ? "JSON" : "YAML"));
        throw Error(fmt::format("this text is no {}: {}{}", json ? "JSON" : "YAML", error.what(), where));
    }
}

Datum hashed(Call& call) {
    const std::string name = call.text(0, "sha1");
    if (auto digest = hash(name, call.own_text())) return Datum::of(*std::move(digest));
    throw Error(fmt::format("there is no hash '{}'", printable(name)))
        .help("there are sha256, sha512, sha1, md5 and blake2b");
}

Datum decoded(Call& call) {
    auto bytes = from_base64(stripped(call.own_text()));
    if (!bytes) throw Error("this text is no base64");
    if (first_invalid_utf8(*bytes) != std::string::npos)
        throw Error("what this base64 holds is no text").help("binary content goes beside the manifest, with source:");
    return Datum::of(*std::move(bytes));
}

constexpr Filter filters[] = {
    {"b64decode", "", "The text that base64 holds.", decoded, true},
    {"b64encode", "", "In base64.", [](Call& c) { return Datum::of(to_base64(c.own_text())); }, true},
    {"checksum", "", "The SHA-1 of the text.", [](Call& c) { return Datum::of(*hash("sha1", c.own_text())); }, true},
    {"from_json", "", "What a text of JSON says.", [](Call& c) { return from_text(c, true); }, true},
    {"from_yaml", "", "What a text of YAML says, by the rules of a manifest.",
     [](Call& c) { return from_text(c, false); }, true},
    {"hash", "hashtype='sha1'", "A digest in hexadecimal: sha256, sha512, sha1, md5, blake2b.", hashed, true},
    {"to_json", "indent=none, sort_keys=false, ensure_ascii=true", "As JSON.", to_json, true},
    {"to_nice_json", "indent=4, sort_keys=true, ensure_ascii=true", "As JSON for people.", to_nice_json, true},
    {"to_nice_yaml", "indent=4, sort_keys=true", "As YAML, a line for each entry.",
     [](Call& c) { return to_yaml(c, true); }, true},
    {"to_yaml", "indent=2, sort_keys=true", "As YAML, what has nothing below it on one line.",
     [](Call& c) { return to_yaml(c, false); }, true},
    {"tojson", "indent=none", "As JSON that is harmless in HTML; keys are sorted.", to_safe_json},
};

}  // namespace

Filters data_filters() {
    return filters;
}

}  // namespace chaos::language
