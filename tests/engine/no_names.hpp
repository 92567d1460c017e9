// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "../../src/engine/expression.hpp"

namespace chaos::test {

/// A world without vars, facts and host: for what a template says by itself.
class NoNames final : public Names {
public:
    explicit NoNames(const Sources& sources) : sources_(sources) {}
    const Value* root(std::string_view) override { return nullptr; }
    const Value* member(std::string_view, std::string_view) override { return nullptr; }
    bool has(std::string_view) const override { return false; }
    std::vector<std::string> members(std::string_view) const override { return {}; }
    Value call(std::string_view function, std::span<const Value>) override {
        throw Error("there is no function '" + std::string(function) + "'");
    }
    const Sources& sources() const override { return sources_; }

private:
    const Sources& sources_;
};

}  // namespace chaos::test
