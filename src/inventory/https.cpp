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

struct FreeList {
    const Curl* library;
    void operator()(curl_slist* list) const { library->list_free(list); }
};

/// One question, as `prepare` makes it, to its end.
template <class Prepare>
HttpAnswer ask(const Curl& library, const std::string& url, std::int64_t timeout_s, std::size_t most_body,
               Prepare&& prepare) {
    const Easy easy = make_easy(library);
    Body body{{}, most_body};
    char why[CURL_ERROR_SIZE] = {};
    const auto set = [&](CURLoption option, auto value) { set_option(library, easy, option, value); };
    set(CURLOPT_URL, url.c_str());
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_TIMEOUT, static_cast<long>(timeout_s));
    set(CURLOPT_USERAGENT, "chaos/" CHAOS_VERSION);
    set(CURLOPT_WRITEFUNCTION, &keep);
    set(CURLOPT_WRITEDATA, static_cast<void*>(&body));
    set(CURLOPT_ERRORBUFFER, static_cast<char*>(why));
    prepare(set);
    const CURLcode code = library.perform(easy.get());
    if (code == CURLE_OPERATION_TIMEDOUT) throw Error(fmt::format("no answer in {} s", timeout_s));
    if (code != CURLE_OK) throw Error(*why ? why : library.words(code));
    long status = 0;
    library.ask(easy.get(), CURLINFO_RESPONSE_CODE, &status);
    return {static_cast<int>(status), std::move(body.text)};
}

}  // namespace

HttpAnswer https_get(const std::string& url, std::int64_t timeout_s, std::size_t most_body) {
    const Curl& library = curl("install libcurl4, or ask by http, tcp or a command");
    return ask(library, url, timeout_s, most_body, [](auto&& set) {
        set(CURLOPT_PROXY, "");  // what answers is to be this server
    });
}

HttpAnswer http_post(const std::string& url, const std::vector<std::string>& headers, const std::string& body,
                     std::int64_t timeout_s) {
    const Curl& library = curl("install libcurl4, or tell by a command");
    curl_slist* list = nullptr;
    for (const std::string& header : headers)
        if (curl_slist* longer = library.list_append(list, header.c_str())) list = longer;
    const std::unique_ptr<curl_slist, FreeList> held(list, FreeList{&library});
    return ask(library, url, timeout_s, 64 << 10, [&](auto&& set) {
        set(CURLOPT_HTTPHEADER, list);
        set(CURLOPT_POSTFIELDSIZE, static_cast<long>(body.size()));
        set(CURLOPT_POSTFIELDS, body.c_str());
        set(CURLOPT_PROTOCOLS_STR, "http,https");
    });
}

}  // namespace chaos
