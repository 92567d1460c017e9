// SPDX-License-Identifier: Apache-2.0
// What a firewall lets in, as a manifest writes it and as nft does.
#pragma once

#include <chaos/schema.hpp>
#include <span>

namespace chaos::resources {

/// What is let in, or refused, each in its one spelling: `ssh`, `8080/tcp`, `60000-61000/udp`, `icmp`, `all`, with
/// ` from NETWORKS` and ` on INTERFACES`. A mapping says the same in parts.
struct Openings {
    std::vector<std::string> items{};
    friend bool operator==(const Openings&, const Openings&) = default;
};

/// The rules that one of them comes to, in nft's words, without their verdict: what it matches.
std::vector<std::string> matches_of(const std::string& opening);

/// Whether one of them has this port of TCP, whoever may reach it.
bool covers_port(const std::string& opening, unsigned port);

}  // namespace chaos::resources

template <>
struct chaos::Codec<chaos::resources::Openings> {
    static constexpr std::string_view name = "list of services and ports",
                                      json = R"({"type":["array","string","object","integer"]})";
    static constexpr Merge merge = Merge::whole;
    static resources::Openings decode(const Value& value);
    static Value encode(const resources::Openings& openings) {
        return Value(Value::List(openings.items.begin(), openings.items.end()));
    }
};
