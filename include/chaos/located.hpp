// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/digest.hpp>
#include <chaos/schema.hpp>

namespace chaos {

/// A file beside a manifest that is used where it lies: by path, size and digest, never as bytes. The same wherever it
/// lies. A `source` field whose `into` is of this type gives one.
struct Located {
    std::string path{};  ///< Absolute, on the machine that runs chaos.
    std::uint64_t size = 0;
    chaos::Digest digest{};
    std::string note{};  ///< What a kind found out about it, so that it need not lie there any more; never compared.
    friend bool operator==(const Located& a, const Located& b) { return a.size == b.size && a.digest == b.digest; }
};

template <>
struct Codec<Located> {
    static constexpr std::string_view name = "file that is used where it lies", json = R"({"type":"object"})";
    static constexpr Merge merge = Merge::whole;
    static Located decode(const Value& value);
    static Value encode(const Located& file);
};

}  // namespace chaos
