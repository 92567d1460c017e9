// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/value.hpp>

namespace chaos::test {

/// True where nothing tells them apart: what they say, how it was written, and where.
inline bool same(const Value& a, const Value& b) {
    if (a.data.index() != b.data.index() || !(a.where == b.where) || a.quoted != b.quoted || a.blank != b.blank ||
        a.secret != b.secret || a.tag != b.tag)
        return false;
    if (a.is_text()) return a.text() == b.text();
    if (a.is_list()) {
        if (a.list().size() != b.list().size()) return false;
        for (std::size_t i = 0; i < a.list().size(); ++i)
            if (!same(a.list()[i], b.list()[i])) return false;
    }
    if (a.is_map()) {
        if (a.map().size() != b.map().size()) return false;
        for (std::size_t i = 0; i < a.map().size(); ++i)
            if (!same(a.map()[i].key, b.map()[i].key) || !same(a.map()[i].value, b.map()[i].value)) return false;
    }
    return true;
}

}  // namespace chaos::test
