// SPDX-License-Identifier: Apache-2.0
// Any bytes are a template that gives a text, or an Error with a place.
#include <cstdlib>

#include "../../src/engine/template.hpp"
#include "../engine/no_names.hpp"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    using namespace chaos;
    Sources sources;
    Templates templates(sources);
    test::NoNames names(sources);
    const Value with(
        Value::Map{{std::string("name"), Value(std::string("nginx"))},
                   {std::string("port"), Value(std::string("8080"))},
                   {std::string("words"), Value(Value::List{std::string("b"), std::string("a")})},
                   {std::string("site"), Value(Value::Map{{std::string("host"), Value(std::string("a"))}})}});
    const language::Blanks blanks{size % 2 == 1, size % 3 == 1};
    try {
        const auto& file = templates.add("x", "/proc/self/fdinfo", {reinterpret_cast<const char*>(data), size}, blanks);
        render(templates, file, blanks, names, with);
    } catch (const Error& error) {
        if (!error.where || render(error, sources).empty()) std::abort();
    }
    return 0;
}
