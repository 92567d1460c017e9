// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/error.hpp>
#include <chaos/probe.hpp>

namespace chaos {

/// One GET by libcurl, which is opened at first use; only https, certificates checked. Throws Error with what came
/// instead, or that there is no libcurl here.
HttpAnswer https_get(const std::string& url, std::int64_t timeout_s, std::size_t most_body);

}  // namespace chaos
