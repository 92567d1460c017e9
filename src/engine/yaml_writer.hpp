// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/value.hpp>
#include <string>
#include <string_view>

namespace chaos {

/// Writes values as YAML that every reader takes for the texts they are.
class Yaml {
public:
    explicit Yaml(std::string& out) : out_(out) {}

    static std::string scalar(const Value&);

    /// `key:` and what it holds, at an indentation.
    void entry(const Value& key, const Value& value, std::size_t indent);
    void item(const Value&);

private:
    void block(std::string_view words, std::size_t indent);
    void flow(const Value&);

    std::string& out_;
};

}  // namespace chaos
