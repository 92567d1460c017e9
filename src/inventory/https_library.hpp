// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <curl/curl.h>

#include <chaos/shared_library.hpp>
#include <memory>

// What https*.cpp share of libcurl: nobody else knows it.
namespace chaos {

/// libcurl of whichever TLS, opened when something first wants it: few hosts have such checks, or follow a repository.
struct Curl : SharedLibrary {
    Curl() : SharedLibrary({"libcurl.so.4", "libcurl-gnutls.so.4"}) {}

    // Spelled out: the header's own names are macros that check their arguments, and functions of any arguments.
    using Init = CURLcode (*)(long);
    using Make = CURL* (*)();
    using Set = CURLcode (*)(CURL*, CURLoption, ...);
    using Perform = CURLcode (*)(CURL*);
    using Ask = CURLcode (*)(CURL*, CURLINFO, ...);
    using End = void (*)(CURL*);
    using Words = const char* (*)(CURLcode);
    using MultiInfo = CURLMsg* (*)(CURLM*, int*);
    Init init = find<Init>("curl_global_init");
    Make make = find<Make>("curl_easy_init");
    Set set = find<Set>("curl_easy_setopt");
    Perform perform = find<Perform>("curl_easy_perform");
    Ask ask = find<Ask>("curl_easy_getinfo");
    End end = find<End>("curl_easy_cleanup");
    Words words = find<Words>("curl_easy_strerror");
    decltype(&curl_multi_init) multi_make = find<decltype(&curl_multi_init)>("curl_multi_init");
    decltype(&curl_multi_cleanup) multi_end = find<decltype(&curl_multi_cleanup)>("curl_multi_cleanup");
    decltype(&curl_multi_add_handle) multi_add = find<decltype(&curl_multi_add_handle)>("curl_multi_add_handle");
    decltype(&curl_multi_remove_handle) multi_remove =
        find<decltype(&curl_multi_remove_handle)>("curl_multi_remove_handle");
    decltype(&curl_multi_perform) multi_perform = find<decltype(&curl_multi_perform)>("curl_multi_perform");
    decltype(&curl_multi_poll) multi_poll = find<decltype(&curl_multi_poll)>("curl_multi_poll");
    MultiInfo multi_info = find<MultiInfo>("curl_multi_info_read");
    decltype(&curl_slist_append) list_append = find<decltype(&curl_slist_append)>("curl_slist_append");
    decltype(&curl_slist_free_all) list_free = find<decltype(&curl_slist_free_all)>("curl_slist_free_all");
};

/// The library, begun. Throws Error with the hint where this host has none.
const Curl& curl(const char* without_it);

struct EndCurl {
    void operator()(CURL* easy) const;
};
using Easy = std::unique_ptr<CURL, EndCurl>;

Easy make_easy(const Curl&);

[[noreturn]] void set_failed(const Curl&, CURLcode);

/// Sets one option. Throws Error where this libcurl does not take it.
template <class T>
void set_option(const Curl& library, const Easy& easy, CURLoption option, T value) {
    const CURLcode code = library.set(easy.get(), option, value);
    if (code != CURLE_OK) set_failed(library, code);
}

}  // namespace chaos
