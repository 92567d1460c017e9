// SPDX-License-Identifier: Apache-2.0
// Whatever is a manifest is one when it is laid out, says the same, and is laid out the same once more.
#include <chaos/error.hpp>
#include <chaos/format.hpp>
#include <chaos/manifest.hpp>
#include <cstdio>
#include <cstdlib>

using namespace chaos;

namespace {

std::string formatted(const std::string& text) {
    Sources sources;
    return format_manifest(sources, sources.add("x", "/", text)).text;
}

Value parsed(const std::string& text) {
    Sources sources;
    return parse_yaml(sources, sources.add("x", "/", text));
}

bool same_text(const Value& a, const Value& b) {
    if (a.is_text()) return b.is_text() && a.text() == b.text() && a.quoted == b.quoted && a.tag == b.tag;
    return a == b;
}

/// Every comment, without the blanks around it, in its order: what a parser does not see. Only lines that are nothing
/// else: a # in a text is one, too.
std::string comments(const std::string& text) {
    std::string all;
    for (std::size_t at = 0; at < text.size(); at = std::min(text.find('\n', at), text.size()) + 1) {
        const auto begin = std::min(text.find_first_not_of(" \t", at), text.size());
        if (begin == text.size() || text[begin] != '#') continue;
        auto end = std::min(text.find('\n', begin), text.size());
        while (end > begin && (text[end - 1] == ' ' || text[end - 1] == '\t' || text[end - 1] == '\r')) --end;
        all += text.substr(begin, end - begin) + "\n";
    }
    return all;
}

[[noreturn]] void fail(const char* what, const std::string& text, const std::string& out) {
    std::printf("%s\n--- text\n%s\n--- laid out\n%s\n", what, text.c_str(), out.c_str());
    std::fflush(stdout);
    std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    const std::string text(reinterpret_cast<const char*>(data), size);
    std::string out;
    Value before;
    try {
        before = parsed(text);
    } catch (const Error&) {
        return 0;
    }
    try {
        out = formatted(text);
    } catch (const Error&) {
        fail("what is a manifest could not be laid out", text, out);
    }
    try {
        const Value after = parsed(out);
        if (!(after == before) || !same_text(after, before)) fail("it says something else", text, out);
        if (formatted(out) != out) fail("laid out twice, it differs", text, out);
    } catch (const Error&) {
        fail("it is no manifest any more", text, out);
    }
    if (text.find('\r') == std::string::npos && comments(text) != comments(out)) fail("comments differ", text, out);
    return 0;
}
