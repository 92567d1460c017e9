// SPDX-License-Identifier: Apache-2.0
#include "https_library.hpp"

#include <fmt/format.h>

#include <chaos/error.hpp>

namespace chaos {
namespace {

const Curl& opened() {
    // Never closed: TLS libraries leave threads and handlers behind.
    static const Curl library;
    return library;
}

}  // namespace

const Curl& curl(const char* without_it) {
    const Curl& library = opened();
    if (!library.whole()) throw Error("https needs libcurl, and this host has none").help(without_it);
    static const CURLcode begun = library.init(CURL_GLOBAL_DEFAULT);
    if (begun != CURLE_OK) throw Error("libcurl does not begin");
    return library;
}

void EndCurl::operator()(CURL* easy) const {
    opened().end(easy);
}

Easy make_easy(const Curl& library) {
    Easy easy(library.make());
    if (!easy) throw Error("libcurl does not begin");
    return easy;
}

void set_failed(const Curl& library, CURLcode code) {
    throw Error(fmt::format("libcurl: {}", library.words(code)));
}

}  // namespace chaos
