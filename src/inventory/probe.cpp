// SPDX-License-Identifier: Apache-2.0
// Asking a server whether it is there, over sockets of our own.
#include <fcntl.h>
#include <fmt/format.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstring>
#include <memory>

#include "descriptor.hpp"
#include "https.hpp"

namespace chaos {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t most_body = 64 << 10, most_head = 64 << 10;

/// Until when all of one try must be over.
class Deadline {
public:
    explicit Deadline(std::int64_t seconds) : seconds_(seconds), end_(Clock::now() + std::chrono::seconds(seconds)) {}

    /// Waits until a socket is ready for it. Throws Error where that takes too long.
    void wait(int socket, short events, const std::string& what) const {
        for (;;) {
            const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end_ - Clock::now()).count();
            pollfd asked{socket, events, 0};
            const int ready = left <= 0 ? 0 : ::poll(&asked, 1, static_cast<int>(left));
            if (ready > 0) return;
            if (ready < 0 && errno == EINTR) continue;
            if (ready < 0) throw Error(fmt::format("{}: {}", what, std::strerror(errno)));
            throw Error(fmt::format("{}: no answer in {} s", what, seconds_));
        }
    }

private:
    std::int64_t seconds_;
    Clock::time_point end_;
};

struct FreeAddresses {
    void operator()(addrinfo* list) const { ::freeaddrinfo(list); }
};

/// All addresses are tried, in the order of the resolver; why the last one failed is told.
Descriptor connected(const std::string& host, const std::string& port, const Deadline& deadline) {
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* list = nullptr;
    const int found = ::getaddrinfo(host.c_str(), port.c_str(), &hints, &list);
    const std::string where = fmt::format("{} port {}", host, port);
    if (found != 0)
        throw Error(fmt::format("{}: {}", where, found == EAI_SYSTEM ? std::strerror(errno) : ::gai_strerror(found)));
    const std::unique_ptr<addrinfo, FreeAddresses> addresses(list);
    std::string why = where + ": no address";
    for (const addrinfo* one = list; one; one = one->ai_next) {
        Descriptor socket(::socket(one->ai_family, one->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, one->ai_protocol));
        if (!socket) continue;
        if (::connect(socket.number(), one->ai_addr, one->ai_addrlen) == 0) return socket;
        if (errno == EINPROGRESS) try {
                deadline.wait(socket.number(), POLLOUT, where);
                int error = 0;
                socklen_t size = sizeof error;
                ::getsockopt(socket.number(), SOL_SOCKET, SO_ERROR, &error, &size);
                if (error == 0) return socket;
                errno = error;
            } catch (const Error& error) {
                why = error.what();
                continue;
            }
        why = fmt::format("{}: {}", where, std::strerror(errno));
    }
    throw Error(why);
}

void send_all(const Descriptor& socket, std::string_view text, const Deadline& deadline) {
    while (!text.empty()) {
        const ssize_t sent = ::send(socket.number(), text.data(), text.size(), MSG_NOSIGNAL);
        if (sent >= 0)
            text.remove_prefix(static_cast<std::size_t>(sent));
        else if (errno == EAGAIN)
            deadline.wait(socket.number(), POLLOUT, "the request");
        else if (errno != EINTR)
            throw Error(fmt::format("the request: {}", std::strerror(errno)));
    }
}

/// More of the answer; false at its end.
bool receive(const Descriptor& socket, std::string& into, const Deadline& deadline) {
    for (;;) {
        char block[8192];
        const ssize_t got = ::recv(socket.number(), block, sizeof block, 0);
        if (got > 0) return into.append(block, static_cast<std::size_t>(got)), true;
        if (got == 0) return false;
        if (errno == EAGAIN)
            deadline.wait(socket.number(), POLLIN, "the answer");
        else if (errno != EINTR)
            throw Error(fmt::format("the answer: {}", std::strerror(errno)));
    }
}

/// "HTTP/1.1 200 OK": the status. Throws Error where that is no answer of HTTP.
int status_of(std::string_view line) {
    int status = 0;
    if (line.starts_with("HTTP/1.") && line.size() >= 12 && line[8] == ' ')
        std::from_chars(line.data() + 9, line.data() + 12, status);
    if (status < 100 || status > 599) throw Error("what answers does not speak HTTP");
    return status;
}

/// A name of a header, whatever its case: its value, in small letters.
std::string header(std::string_view head, std::string_view name) {
    std::string low(head);
    for (char& c : low) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
    const auto at = low.find(fmt::format("\r\n{}:", name));
    if (at == std::string::npos) return {};
    const auto from = low.find_first_not_of(' ', at + name.size() + 3);
    return low.substr(from, low.find("\r\n", from) - from);
}

/// The pieces of a chunked body, as far as they came.
std::string joined(std::string_view chunks) {
    std::string body;
    while (!chunks.empty()) {
        std::size_t size = 0;
        const auto [end, error] = std::from_chars(chunks.data(), chunks.data() + chunks.size(), size, 16);
        const auto line_end = chunks.find("\r\n");
        if (error != std::errc() || size == 0 || line_end == std::string_view::npos) break;
        chunks.remove_prefix(line_end + 2);
        body += chunks.substr(0, size);
        chunks.remove_prefix(std::min(chunks.size(), size + 2));
    }
    return body;
}

HttpAnswer plain_get(const Url& url, std::int64_t timeout_s) {
    const Deadline deadline(timeout_s);
    const Descriptor socket = connected(url.host, url.port, deadline);
    const bool is_v6 = url.host.find(':') != std::string::npos;
    const std::string host = (is_v6 ? "[" + url.host + "]" : url.host) + (url.port == "80" ? "" : ":" + url.port);
    send_all(socket,
             fmt::format("GET {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: chaos/" CHAOS_VERSION
                         "\r\nAccept: */*\r\nConnection: close\r\n\r\n",
                         url.target, host),
             deadline);
    std::string text;
    std::size_t head_end = std::string::npos;
    while ((head_end = text.find("\r\n\r\n")) == std::string::npos)
        if (text.size() > most_head || !receive(socket, text, deadline))
            throw Error(text.empty() ? "the connection was closed without an answer"
                                     : "what answers does not speak HTTP");
    HttpAnswer answer;
    answer.status = status_of(text);
    const std::string head = text.substr(0, head_end + 2);
    text.erase(0, head_end + 4);
    std::size_t length = most_body;
    if (const std::string said = header(head, "content-length"); !said.empty())
        std::from_chars(said.data(), said.data() + said.size(), length);
    const bool chunked = header(head, "transfer-encoding").find("chunked") != std::string::npos;
    const std::size_t enough = std::min(chunked ? most_body : length, most_body);
    while (text.size() < enough && !(chunked && text.ends_with("0\r\n\r\n")) && receive(socket, text, deadline)) {
    }
    answer.body = chunked ? joined(text) : std::move(text);
    if (answer.body.size() > most_body) answer.body.resize(most_body);
    return answer;
}

}  // namespace

HttpAnswer http_get(const std::string& url, std::int64_t timeout_s) {
    const Url parts = parse_url(url);
    return parts.scheme == "http" ? plain_get(parts, timeout_s) : https_get(url, timeout_s, most_body);
}

void tcp_connect(const std::string& host, const std::string& port, std::int64_t timeout_s) {
    connected(host, port, Deadline(timeout_s));
}

}  // namespace chaos
