// SPDX-License-Identifier: Apache-2.0
#include "holding.hpp"

#include "text.hpp"

namespace chaos::cli {

std::string in_words(const Hold& hold) {
    return chaos::to_text(hold, date_of(hold.until * 1'000'000'000));
}

}  // namespace chaos::cli
