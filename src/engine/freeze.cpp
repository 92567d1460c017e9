// SPDX-License-Identifier: Apache-2.0
// The kept form of a parsed document: a head that names the program's version, a digest of the rest, then the values
// depth first. Parsing YAML costs a hundred nanoseconds a byte, reading this form a few.
#include <chaos/digest.hpp>
#include <chaos/manifest.hpp>
#include <cstring>

namespace chaos {

namespace {

constexpr std::string_view head = "chaos " CHAOS_VERSION " document 1\n";
constexpr int deepest = 256;
constexpr std::size_t digest_size = 16;

constexpr unsigned quoted = 4, blank = 8, secret = 16, tag_shift = 5;

class Writer {
public:
    std::string out;

    void value(const Value& value) {
        out += static_cast<char>(value.data.index() | (value.quoted ? quoted : 0U) | (value.blank ? blank : 0U) |
                                 (value.secret ? secret : 0U) | static_cast<unsigned>(value.tag) << tag_shift);
        place(value.where);
        switch (value.data.index()) {
            case 1: text(value.text()); break;
            case 2:
                number(value.list().size());
                for (const Value& item : value.list()) this->value(item);
                break;
            case 3:
                number(value.map().size());
                for (const auto& entry : value.map()) this->value(entry.key), this->value(entry.value);
                break;
            default: break;
        }
    }

private:
    void number(std::uint64_t n) {
        for (; n >= 0x80; n >>= 7) out += static_cast<char>(n | 0x80);
        out += static_cast<char>(n);
    }
    // Lines mostly grow by nothing or one from value to value; an alias may lead back.
    void place(Place at) {
        const auto step = static_cast<std::int64_t>(at.line) - line_;
        line_ = at.line;
        number(static_cast<std::uint64_t>(step) << 1 ^ static_cast<std::uint64_t>(step >> 63));
        number(at.column);
    }
    void text(std::string_view bytes) { number(bytes.size()), out += bytes; }

    std::int64_t line_ = 0;
};

/// Reads what Writer wrote; `ok` turns false, and stays so, at the first byte that can not be.
class Thawer {
public:
    Thawer(std::string_view bytes, std::uint16_t source) : rest_(bytes), source_(source) {}
    bool ok = true;
    bool at_end() const { return rest_.empty(); }

    void value(Value& into, int depth = 0) {
        if (rest_.empty() || depth > deepest) return fail();
        const auto flags = static_cast<unsigned char>(rest_.front());
        rest_.remove_prefix(1);
        into.quoted = flags & quoted, into.blank = flags & blank, into.secret = flags & secret;
        into.tag = static_cast<Value::Tag>(flags >> tag_shift & 3);
        place(into.where);
        switch (flags & 3) {
            case 1: {
                const auto size = number();
                if (size > rest_.size()) return fail();
                into.data.emplace<std::string>(rest_.substr(0, size));
                rest_.remove_prefix(size);
                break;
            }
            case 2: {
                auto& list = into.data.emplace<Value::List>(count());
                for (Value& item : list)
                    if (ok) value(item, depth + 1);
                break;
            }
            case 3: {
                auto& map = into.data.emplace<Value::Map>(count());
                for (auto& entry : map)
                    if (ok) value(entry.key, depth + 1), value(entry.value, depth + 1);
                break;
            }
            default: break;
        }
    }

private:
    void fail() { ok = false, rest_ = {}; }
    std::uint64_t number() {
        std::uint64_t n = 0;
        for (unsigned shift = 0; shift < 64 && !rest_.empty(); shift += 7) {
            const auto byte = static_cast<unsigned char>(rest_.front());
            rest_.remove_prefix(1);
            n |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
            if (byte < 0x80) return n;
        }
        return fail(), 0;
    }
    // Each value takes three bytes or more, so a count can not ask for more memory than a few times the input.
    std::size_t count() {
        const auto n = number();
        return n > rest_.size() / 3 ? (fail(), 0) : n;
    }
    void place(Place& at) {
        const auto step = number();
        line_ += static_cast<std::int64_t>(step >> 1 ^ (~(step & 1) + 1));
        at = {static_cast<std::uint32_t>(line_), static_cast<std::uint16_t>(number()), source_};
    }

    std::string_view rest_;
    std::uint16_t source_;
    std::int64_t line_ = 0;
};

std::string digest_bytes(std::string_view bytes) {
    const Digest sum = digest(bytes);
    std::string out(digest_size, '\0');
    std::memcpy(out.data(), &sum.high, 8);
    std::memcpy(out.data() + 8, &sum.low, 8);
    return out;
}

}  // namespace

std::string freeze(const Value& value) {
    Writer writer;
    writer.value(value);
    return std::string(head) + digest_bytes(writer.out) + writer.out;
}

std::optional<Value> thaw(std::string_view frozen, std::uint16_t source) {
    if (!frozen.starts_with(head) || frozen.size() < head.size() + digest_size) return std::nullopt;
    const auto body = frozen.substr(head.size() + digest_size);
    if (frozen.substr(head.size(), digest_size) != digest_bytes(body)) return std::nullopt;
    Thawer thawer(body, source);
    std::optional<Value> value(std::in_place);
    thawer.value(*value);
    if (!thawer.ok || !thawer.at_end()) value.reset();
    return value;
}

}  // namespace chaos
