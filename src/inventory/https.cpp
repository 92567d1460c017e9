// SPDX-License-Identifier: Apache-2.0
// The only file that knows libcurl.
#include "https.hpp"

#include <curl/curl.h>
#include <dlfcn.h>
#include <fmt/format.h>

#include <memory>

namespace chaos {
namespace {

/// libcurl of whichever TLS, opened when a check first wants it: few hosts have such a check.
struct Library {
    void* handle = open();
    bool whole = handle != nullptr;

    static void* open() {
        for (const char* name : {"libcurl.so.4", "libcurl-gnutls.so.4"})
            if (void* found = ::dlopen(name, RTLD_NOW | RTLD_LOCAL)) return found;
        return nullptr;
    }

    template <class Pointer>
    Pointer find(const char* name) {
        void* address = handle ? ::dlsym(handle, name) : nullptr;
        if (!address) whole = false;
        return reinterpret_cast<Pointer>(address);
    }

    // Spelled out: the header's own names are macros that check their arguments, and functions of any arguments.
    using Init = CURLcode (*)(long);
    using Make = CURL* (*)();
    using Set = CURLcode (*)(CURL*, CURLoption, ...);
    using Perform = CURLcode (*)(CURL*);
    using Ask = CURLcode (*)(CURL*, CURLINFO, ...);
    using End = void (*)(CURL*);
    using Words = const char* (*)(CURLcode);
    Init init = find<Init>("curl_global_init");
    Make make = find<Make>("curl_easy_init");
    Set set = find<Set>("curl_easy_setopt");
    Perform perform = find<Perform>("curl_easy_perform");
    Ask ask = find<Ask>("curl_easy_getinfo");
    End end = find<End>("curl_easy_cleanup");
    Words words = find<Words>("curl_easy_strerror");
};

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

struct End {
    const Library* library;
    void operator()(CURL* easy) const { library->end(easy); }
};

}  // namespace

HttpAnswer https_get(const std::string& url, std::int64_t timeout_s, std::size_t most_body) {
    // Never closed: TLS libraries leave threads and handlers behind.
    static const Library library;
    if (!library.whole)
        throw Error("https needs libcurl, and this host has none")
            .help("install libcurl4, or ask by http, tcp or a command");
    static const CURLcode begun = library.init(CURL_GLOBAL_DEFAULT);
    const std::unique_ptr<CURL, End> easy(begun == CURLE_OK ? library.make() : nullptr, End{&library});
    if (!easy) throw Error("libcurl does not begin");
    Body body{{}, most_body};
    char why[CURL_ERROR_SIZE] = {};
    const auto set = [&](CURLoption option, auto value) {
        const CURLcode code = library.set(easy.get(), option, value);
        if (code != CURLE_OK) throw Error(fmt::format("libcurl: {}", library.words(code)));
    };
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
