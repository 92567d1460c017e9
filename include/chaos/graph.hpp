// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace chaos {

/// Who must be there before whom: numbers of resources. Immutable, in compressed rows: 100,000 edges are two vectors.
class Graph {
public:
    struct Edge {
        std::uint32_t from, to;  ///< `to` needs `from`.
        friend auto operator<=>(const Edge&, const Edge&) = default;
    };
    Graph() : Graph(0, {}) {}
    Graph(std::size_t size, std::span<const Edge> edges);
    std::size_t size() const { return first_.size() - 1; }

    /// Those that need `i`.
    std::span<const std::uint32_t> after(std::size_t i) const {
        return {next_.data() + first_[i], next_.data() + first_[i + 1]};
    }

    std::vector<Edge> edges() const;

    /// A circle, first and last the same; empty where there is none.
    std::vector<std::uint32_t> cycle() const;

    /// For each node the number of its strongly connected component.
    std::vector<std::uint32_t> components() const;

private:
    std::vector<std::uint32_t> first_, next_;
};

}  // namespace chaos
