// SPDX-License-Identifier: Apache-2.0
// Any bytes are a manifest or an Error with a place; what was parsed survives being kept.
#include <chaos/manifest.hpp>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    chaos::Sources sources;
    const auto source = sources.add("x", "/", std::string(reinterpret_cast<const char*>(data), size));
    try {
        const chaos::Value value = chaos::parse_yaml(sources, source);
        const auto back = chaos::thaw(chaos::freeze(value), source);
        if (!back || !(*back == value)) std::abort();
    } catch (const chaos::Error& error) {
        if (!error.where || render(error, sources).empty()) std::abort();
    }
    return 0;
}
