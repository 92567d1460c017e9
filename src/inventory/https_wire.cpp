// SPDX-License-Identifier: Apache-2.0
// Git's "smart http", by libcurl: libgit2's own has no client certificates, no other proxies and no end of waiting.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <chaos/error.hpp>
#include <chaos/url.hpp>
#include <cstring>
#include <optional>

#include "descriptor.hpp"
#include "git_wire.hpp"
#include "https_library.hpp"

namespace chaos::git {
namespace {

constexpr const char* refs_type = "application/x-git-upload-pack-advertisement";
constexpr const char* pack_type = "application/x-git-upload-pack-result";
constexpr const char* request_type = "Content-Type: application/x-git-upload-pack-request";

/// A secret of one line. Throws Error where it is none, or anybody may read it.
std::string token_of(const std::string& file) {
    const Descriptor opened(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
    struct stat about {};
    if (!opened || ::fstat(opened.number(), &about) < 0)
        throw Error(fmt::format("the token in {} can not be read: {}", file, std::strerror(errno)))
            .help("write it there, for nobody else to read: install -m 0600 /dev/stdin " + file);
    if (about.st_mode & S_IRWXO)
        throw Error(fmt::format("the token in {} may be read by anybody", file)).help("chmod o= " + file);
    std::string text(4096, '\0');
    const ssize_t got = ::read(opened.number(), text.data(), text.size());
    text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' ')) text.pop_back();
    const auto odd = [](char c) { return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f; };
    if (text.empty() || text.size() >= 4000 || std::ranges::any_of(text, odd))
        throw Error(fmt::format("{} was expected to hold one token, and has {}", file,
                                text.empty() ? "nothing" : "more than a word"));
    return text;
}

void readable(const std::string& file, const char* what) {
    if (!file.empty() && ::access(file.c_str(), R_OK) != 0)
        throw Error(fmt::format("{} {} can not be read: {}", what, file, std::strerror(errno)));
}

class HttpsWire final : public Wire {
public:
    HttpsWire(const Address&, const Access&);
    ~HttpsWire() override { end(); }

    bool forgets() const override { return true; }
    void offer_two() override { two_ = true; }
    void begin(Asks) override;
    void write(std::string_view bytes) override { request_.append(bytes); }
    std::size_t read(char* into, std::size_t room) override;

private:
    struct EndMulti {
        const Curl* library;
        void operator()(CURLM* multi) const { library->multi_end(multi); }
    };
    struct EndList {
        const Curl* library;
        void operator()(curl_slist* list) const { library->list_free(list); }
    };

    void start();
    void end();
    void pump();
    void finish(CURLcode);
    void follow(const char* to);
    void check_type() const;
    long status() const;
    void identify();
    [[noreturn]] void refuse(long status) const;
    [[noreturn]] void went_away(std::string_view how) const;
    [[noreturn]] void fail(CURLcode) const;
    static std::size_t keep(char* bytes, std::size_t size, std::size_t count, void* wire);

    const Curl& curl_;
    Address at_;
    Access access_;
    std::string token_{};
    Patience patience_;
    std::unique_ptr<CURLM, EndMulti> multi_;
    std::unique_ptr<curl_slist, EndList> headers_;
    Easy easy_{};
    Asks asks_ = Asks::refs;
    std::string request_{}, received_{}, refusal_{};
    std::size_t taken_ = 0;  ///< Of what was received.
    std::uint64_t bytes_ = 0;
    int moves_ = 0;
    bool started_ = false, over_ = false, two_ = false;
    std::optional<Error> wrong_{};  ///< What a callback of libcurl could not throw.
    char why_[CURL_ERROR_SIZE] = {};
};

HttpsWire::HttpsWire(const Address& address, const Access& access)
    : curl_(curl("apt-get install libcurl4, or follow the repository by ssh")),
      at_(address),
      access_(access),
      patience_(access),
      multi_(curl_.multi_make(), EndMulti{&curl_}),
      headers_(nullptr, EndList{&curl_}) {
    if (!multi_) throw Error("libcurl does not begin");
    if (!access.token_file.empty()) {
        if (!address.password.empty())
            throw Error(fmt::format("there is a password in the url of {}, and a token as well", address.host))
                .help("take the password out of the url");
        token_ = token_of(access.token_file);
    }
    const bool secret = !token_.empty() || !address.password.empty() || !access.certificate.empty();
    if (secret && address.way == Address::Way::http)
        throw Error(fmt::format("who we are is not told to {} by http, where anybody may listen", address.host))
            .help("write https:// in its url");
    readable(access.certificate, "the certificate");
    readable(access.certificate_key, "the key of the certificate,");
    readable(access.ca, "the certificates of who signs,");
}

void HttpsWire::begin(Asks asks) {
    end();
    asks_ = asks;
    request_.clear(), received_.clear(), refusal_.clear();
    taken_ = 0;
    started_ = over_ = false;
}

void HttpsWire::end() {
    if (easy_) curl_.multi_remove(multi_.get(), easy_.get());
    easy_.reset();
    headers_.reset();
}

std::size_t HttpsWire::keep(char* bytes, std::size_t size, std::size_t count, void* held) {
    HttpsWire& wire = *static_cast<HttpsWire*>(held);
    const std::size_t length = size * count;
    constexpr std::size_t enough = 4096;
    if (wire.status() != 200) {
        const std::size_t room = enough - std::min(enough, wire.refusal_.size());
        wire.refusal_.append(bytes, std::min(length, room));
        return length;
    }
    try {
        if (wire.received_.empty()) wire.check_type();
        if ((wire.bytes_ += length) > wire.access_.most_bytes) refuse_more(wire.access_);
        wire.received_.append(bytes, length);
    } catch (const Error& error) {
        wire.wrong_ = error;
        return 0;
    }
    return length;
}

long HttpsWire::status() const {
    long status = 0;
    curl_.ask(easy_.get(), CURLINFO_RESPONSE_CODE, &status);
    return status;
}

void HttpsWire::identify() {
    const auto set = [&](CURLoption option, auto value) { set_option(curl_, easy_, option, value); };
    const std::string& name = access_.username.empty() ? at_.user : access_.username;
    if (!token_.empty() && name.empty()) {
        set(CURLOPT_HTTPAUTH, static_cast<long>(CURLAUTH_BEARER));
        set(CURLOPT_XOAUTH2_BEARER, token_.c_str());
    } else if (!name.empty()) {
        set(CURLOPT_HTTPAUTH, static_cast<long>(CURLAUTH_BASIC));
        set(CURLOPT_USERNAME, name.c_str());
        set(CURLOPT_PASSWORD, token_.empty() ? at_.password.c_str() : token_.c_str());
    }
    if (!access_.certificate.empty()) {
        set(CURLOPT_SSLCERT, access_.certificate.c_str());
        set(CURLOPT_SSLKEY, (access_.certificate_key.empty() ? access_.certificate : access_.certificate_key).c_str());
    }
    if (!access_.ca.empty()) {
        set(CURLOPT_CAINFO, access_.ca.c_str());
        set(CURLOPT_CAPATH, static_cast<const char*>(nullptr));
    }
}

void HttpsWire::start() {
    easy_ = make_easy(curl_);
    const auto set = [&](CURLoption option, auto value) { set_option(curl_, easy_, option, value); };
    const bool refs = asks_ == Asks::refs;
    const std::string url = plain_url(at_) + (refs ? "/info/refs?service=git-upload-pack" : "/git-upload-pack");
    set(CURLOPT_URL, url.c_str());
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_CONNECTTIMEOUT, static_cast<long>(access_.stall_s));
    set(CURLOPT_PROXY, access_.proxy.c_str());                  // empty: none, whatever the environment says
    set(CURLOPT_USERAGENT, "git/2 (chaos/" CHAOS_VERSION ")");  // some servers show git one thing, and people another
    set(CURLOPT_WRITEFUNCTION, &keep);
    set(CURLOPT_WRITEDATA, static_cast<void*>(this));
    set(CURLOPT_ERRORBUFFER, static_cast<char*>(why_));
    identify();
    if (two_) headers_.reset(curl_.list_append(nullptr, "Git-Protocol: version=2"));
    if (!refs) {
        const auto add = [&](const char* line) { headers_.reset(curl_.list_append(headers_.release(), line)); };
        add(request_type);
        add("Expect:");  // no waiting for leave to send: the head of what we want is short
    }
    if (headers_) set(CURLOPT_HTTPHEADER, headers_.get());
    if (!refs) {
        set(CURLOPT_POST, 1L);
        set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request_.size()));
        set(CURLOPT_POSTFIELDS, request_.data());
    }
    if (curl_.multi_add(multi_.get(), easy_.get()) != CURLM_OK) throw Error("libcurl does not begin");
    started_ = true, over_ = false;
}

std::size_t HttpsWire::read(char* into, std::size_t room) {
    if (!started_) start();
    patience_.progress();
    while (taken_ == received_.size() && !over_) {
        received_.clear(), taken_ = 0;
        pump();
    }
    // Git says itself where its answer ends: who still reads behind that did not get all of it.
    if (taken_ == received_.size()) went_away("its answer ended too early");
    const std::size_t count = std::min(room, received_.size() - taken_);
    std::copy_n(received_.data() + taken_, count, into);
    taken_ += count;
    return count;
}

/// A turn of the transfer; waits where nothing came.
void HttpsWire::pump() {
    int running = 0, left = 0;
    if (curl_.multi_perform(multi_.get(), &running) != CURLM_OK) throw Error("libcurl does not go on");
    if (const CURLMsg* message = curl_.multi_info(multi_.get(), &left); message && message->msg == CURLMSG_DONE)
        return finish(message->data.result);
    if (!received_.empty()) return patience_.progress();
    curl_.multi_poll(multi_.get(), nullptr, 0, patience_.left_ms(), nullptr);
}

void HttpsWire::finish(CURLcode code) {
    if (wrong_) throw *std::exchange(wrong_, std::nullopt);
    const char* to = nullptr;
    curl_.ask(easy_.get(), CURLINFO_REDIRECT_URL, &to);
    if (code == CURLE_OK && to) return follow(to);
    if (code != CURLE_OK) fail(code);
    over_ = true;
    if (status() != 200) refuse(status());
    check_type();
}

/// Before the first byte is believed: a page for people is no answer to git.
void HttpsWire::check_type() const {
    const char* type = nullptr;
    curl_.ask(easy_.get(), CURLINFO_CONTENT_TYPE, &type);
    if (!type || !std::string_view(type).starts_with(asks_ == Asks::refs ? refs_type : pack_type))
        throw Error(fmt::format("what answers is no git server: it sends {}", type ? type : "something without a type"))
            .help("is that the repository's url? git ls-remote " + plain_url(at_));
}

/// Within the server; anywhere else a token would be shown to whoever the first one names.
void HttpsWire::follow(const char* to) {
    std::string url(to);
    constexpr std::string_view behind = "/info/refs?service=git-upload-pack";
    if (url.ends_with(behind)) url.resize(url.size() - behind.size());
    Address moved;
    try {
        moved = address_of(url);
    } catch (const Error&) {
        throw Error(std::string("it sends us elsewhere, and not to a repository"));
    }
    const std::string there =
        moved.way == Address::Way::https || moved.way == Address::Way::http ? plain_url(moved) : moved.host;
    constexpr int most_moves = 5;
    if (asks_ != Asks::refs || ++moves_ > most_moves || !same_server(moved, at_))
        throw Error(fmt::format("it has moved to {}, and that is not followed", there))
            .help("if that is where it shall come from, write that as its url");
    at_.path = moved.path;
    end();
    refusal_.clear();
    start();
}

void HttpsWire::refuse(long status) const {
    const bool known = !token_.empty() || !at_.password.empty() || !access_.certificate.empty();
    if (status == 401 || status == 403)
        throw Error(
            fmt::format("it {} ({})", known ? "does not let us in as who we say we are" : "asks who we are", status))
            .help(known ? "is the token still good, and allowed to read this repository?"
                        : "give it a token, or a client certificate");
    if (status == 400 && refusal_.find("SSL certificate") != refusal_.npos)
        throw Error(fmt::format("it {}", access_.certificate.empty()
                                             ? "wants a client certificate"
                                             : "does not let us in with the certificate " + access_.certificate))
            .help("a certificate (PEM) and its key, signed by whom the server trusts");
    if (status == 404 || status == 410)
        throw Error(fmt::format("there is no such repository, or none that is shown to us ({})", status))
            .help(known ? "is that its url, and may who we are read it?"
                        : "is that its url? some servers say so as well where they want a token");
    if (status == 407) throw Error(fmt::format("the proxy {} asks who we are", without_passwords(access_.proxy)));
    throw Error(fmt::format("it answered {}", status))
        .help(status >= 500 ? "the server is in trouble: trying later may do" : "");
}

void HttpsWire::went_away(std::string_view how) const {
    throw Error(fmt::format("{} went away in the middle of it: {}", at_.host, how)).help("trying later may do");
}

void HttpsWire::fail(CURLcode code) const {
    const std::string_view said = *why_ ? why_ : curl_.words(code);
    if (said.find("certificate required") != said.npos)
        throw Error(std::string("it wants a client certificate"))
            .help("a certificate (PEM) and its key, signed by whom the server trusts");
    switch (code) {
        case CURLE_PEER_FAILED_VERIFICATION:
            throw Error(fmt::format("{} is not who it should be: {}", at_.host, said))
                .help(access_.ca.empty() ? "is it signed by an authority of its own? then name that one's certificate"
                                         : "it must be signed by who is in " + access_.ca);
        case CURLE_PARTIAL_FILE:
        case CURLE_GOT_NOTHING:
        case CURLE_RECV_ERROR:
        case CURLE_HTTP2:
        case CURLE_HTTP2_STREAM: went_away(said);
        default: throw Error(fmt::format("can not talk to {}: {}", at_.host, said));
    }
}

}  // namespace

std::unique_ptr<Wire> https_wire(const Address& address, const Access& access) {
    return std::make_unique<HttpsWire>(address, access);
}

}  // namespace chaos::git
