// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>

#include "store_handle.hpp"

namespace chaos::rollback {

/// A content that something recorded needs.
struct Reference {
    Digest content;
    std::int64_t run = 0;  ///< The newest run that needs it; `always`: as long as its owner lives.
    std::string who;       ///< "run 3: file:/etc/motd".
    bool certain = true;   ///< It was put there. Of the bytes of an image that is not always so.

    static constexpr std::int64_t always = INT64_MAX;
};

/// Tells `each` of every content that is referred to, and `broken` of what can not be read. Any word of 32 hexadecimal
/// digits counts: one too many keeps a content, one too few would lose it.
void each_reference(const Store::Handle&, const std::function<void(const Reference&)>& each,
                    const std::function<void(const std::string& who, const std::string& why)>& broken);

}  // namespace chaos::rollback
