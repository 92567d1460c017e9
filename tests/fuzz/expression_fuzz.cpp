// SPDX-License-Identifier: Apache-2.0
// Any text with braces in it gives a value or an Error; the frozen form of anything is refused or read, never more.
#include <chaos/manifest.hpp>
#include <cstdlib>

#include "../../src/engine/expression.hpp"

namespace {

class Few final : public chaos::Names {
public:
    explicit Few(const chaos::Sources& sources) : sources_(sources) {}
    const chaos::Value* root(std::string_view name) override { return name == "item" ? &item_ : nullptr; }
    const chaos::Value* member(std::string_view, std::string_view name) override { return item_.find(name); }
    bool has(std::string_view root) const override { return root == "vars"; }
    std::vector<std::string> members(std::string_view) const override { return {"item", "a"}; }
    chaos::Value call(std::string_view, std::span<const chaos::Value>) override {
        throw chaos::Error("no such function");
    }
    const chaos::Sources& sources() const override { return sources_; }

private:
    const chaos::Sources& sources_;
    chaos::Value item_{
        chaos::Value::Map{{std::string("a"), chaos::Value(chaos::Value::List{std::string("b"), std::string("1")})}}};
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    const std::string text(reinterpret_cast<const char*>(data), size);
    chaos::thaw(text, 0);
    chaos::Sources sources;
    const auto source = sources.add("x", "/", text);
    Few names(sources);
    chaos::Value value(text, {1, 1, source});
    try {
        chaos::substitute(value, names);
    } catch (const chaos::Error& error) {
        if (!error.where || render(error, sources).empty()) std::abort();
    }
    return 0;
}
