// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/history.hpp>

#include "store_handle.hpp"

namespace chaos::rollback {

/// What was there before chaos first touched it, as the table `origins` has it: of the host, not of a site. A row holds
/// what one run came to own; each of its attributes has a life of its own, and a row of which only a part ends is cut
/// in two. An origin is needed as long as somebody owns the resource, and by nobody else: so it follows the states.

enum class Owned : char { newly, before };
/// Of what `it` owns, what was not known yet. Owned::newly: nothing is known.
void remember_origin(Store::Handle&, const OwnedRecord& it, Owned);
/// Nobody owns it any more.
void end_origin(Database&, const std::string& type, const std::string& key, std::int64_t run);
/// As it is once these runs are taken back, from `by` on; the states are so already.
void reinstate_origins(Database&, const std::vector<std::int64_t>& taken_back, std::int64_t by);
/// What lives of it: null where there was nothing, else the attributes that are known.
Value origin_of(Database&, const BlobSource&, const std::string& type, const std::string& key);

}  // namespace chaos::rollback
