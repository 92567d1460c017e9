// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <chaos/utf8.hpp>
#include <chaos/value.hpp>
#include <string>

using namespace chaos;

namespace {

/// A byte of JSON text by the letter of RFC 8259, without any haste.
std::string slowly(const std::string& text) {
    static constexpr char digits[] = "0123456789abcdef";
    std::string out = "\"";
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\')
            (out += '\\') += c;
        else if (c == '\n' || c == '\t' || c == '\r')
            (out += '\\') += c == '\n' ? 'n' : c == '\t' ? 't' : 'r';
        else if (byte < 0x20)
            ((out += "\\u00") += digits[byte >> 4]) += digits[byte & 15];
        else
            out += c;
    }
    return out + '"';
}

}  // namespace

TEST_CASE("each byte is written as JSON says it, wherever in a text it stands") {
    // Eight bytes are looked at at once: every byte at every place of them, alone, twice and beside its neighbours.
    for (int byte = 0; byte < 256; ++byte)
        for (std::size_t at = 0; at < 20; ++at) {
            std::string text(20, 'x');
            text[at] = static_cast<char>(byte);
            CAPTURE(byte);
            CAPTURE(at);
            REQUIRE(to_json(Value(text)) == slowly(text));
            text[(at + 3) % 20] = static_cast<char>(byte ^ 1);
            text[(at + 7) % 20] = '!';
            REQUIRE(to_json(Value(text)) == slowly(text));
            REQUIRE(to_json(Value(text.substr(at))) == slowly(text.substr(at)));
        }
    std::string out = "[";
    append_json(out, Value("a\"b"));
    CHECK(out == "[\"a\\\"b\"");
}

TEST_CASE("where a text stops being UTF-8 is found at every place") {
    CHECK(first_invalid_utf8("") == std::string::npos);
    CHECK(utf8_length("") == 0);
    for (std::size_t at = 0; at < 24; ++at) {
        CAPTURE(at);
        for (const std::string good : {"a", "ä", "€", "𐍈"}) {
            const std::string text = std::string(at, 'x') + good + std::string(9, 'y');
            CHECK(first_invalid_utf8(text) == std::string::npos);
            CHECK(utf8_length(good) == good.size());
            // Cut in the middle, and with its last byte spoiled.
            if (good.size() == 1) continue;
            CHECK(first_invalid_utf8(text.substr(0, at + good.size() - 1)) == at);
            std::string spoiled = text;
            spoiled[at + good.size() - 1] = 'z';
            CHECK(first_invalid_utf8(spoiled) == at);
        }
        for (const std::string bad : {"\x80", "\xC0\xAF", "\xE0\x80\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xFF"}) {
            CHECK(first_invalid_utf8(std::string(at, 'x') + bad + "yyyyyyyyy") == at);
            CHECK(utf8_length(bad) == 0);
        }
    }
}
