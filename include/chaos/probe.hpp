// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/check.hpp>

namespace chaos {

/// What a server said to a GET.
struct HttpAnswer {
    int status = 0;
    std::string body;  ///< The first 64 KiB of it.
};

/// One GET, redirects not followed. Plain http goes over a socket of our own; https needs libcurl, which is opened at
/// first use. Throws Error with what came instead.
HttpAnswer http_get(const std::string& url, std::int64_t timeout_s);

/// One POST by libcurl, redirects not followed; the environment's proxy holds. headers: "Name: value". Throws Error
/// with what came instead.
HttpAnswer http_post(const std::string& url, const std::vector<std::string>& headers, const std::string& body,
                     std::int64_t timeout_s);

/// Connects and hangs up. Throws Error with what came instead.
void tcp_connect(const std::string& host, const std::string& port, std::int64_t timeout_s);

}  // namespace chaos
