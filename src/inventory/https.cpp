// SPDX-License-Identifier: Apache-2.0
#include "https.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "https_library.hpp"

namespace chaos {
namespace {

struct Body {
    std::string text;
    std::size_t most;
};

std::size_t keep(char* bytes, std::size_t size, std::size_t count, void* held) {
    Body& body = *static_cast<Body*>(held);
    const std::size_t room = body.most - std::min(body.most, body.text.size());
    body.text.append(bytes, std::min(size * count, room));
    return size * count;
}

}  // namespace

HttpAnswer https_get(const std::string& url, std::int64_t timeout_s, std::size_t most_body) {
    const Curl& library = curl("install libcurl4, or ask by http, tcp or a command");
    const Easy easy = make_easy(library);
    Body body{{}, most_body};
    char why[CURL_ERROR_SIZE] = {};
    const auto set = [&](CURLoption option, auto value) { set_option(library, easy, option, value); };
    set(CURLOPT_URL, url.c_str());
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_TIMEOUT, static_cast<long>(timeout_s));
    set(CURLOPT_PROXY, "");  // what answers is to be this server
    set(CURLOPT_USERAGENT, "chaos/" CHAOS_VERSION);
    set(CURLOPT_WRITEFUNCTION, &keep);
    set(CURLOPT_WRITEDATA, static_cast<void*>(&body));
    set(CURLOPT_ERRORBUFFER, static_cast<char*>(why));
    const CURLcode code = library.perform(easy.get());
    if (code == CURLE_OPERATION_TIMEDOUT) throw Error(fmt::format("no answer in {} s", timeout_s));
    if (code != CURLE_OK) throw Error(*why ? why : library.words(code));
    long status = 0;
    library.ask(easy.get(), CURLINFO_RESPONSE_CODE, &status);
    return {static_cast<int>(status), std::move(body.text)};
}

}  // namespace chaos
