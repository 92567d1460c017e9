// SPDX-License-Identifier: Apache-2.0
// Asking servers that answer well, badly and not at all.
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chaos/error.hpp>
#include <chaos/probe.hpp>
#include <thread>

using namespace chaos;

namespace {

/// Answers each who comes with the same bytes, once it was asked something.
class Server {
public:
    explicit Server(std::string answer, bool hangs = false) : answer_(std::move(answer)) {
        listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        REQUIRE(::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
        REQUIRE(::listen(listener_, 8) == 0);
        socklen_t size = sizeof address;
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
        port_ = ntohs(address.sin_port);
        if (!hangs) thread_ = std::jthread([this] { serve(); });
    }
    ~Server() {
        ::shutdown(listener_, SHUT_RDWR);
        if (thread_.joinable()) thread_.join();
        ::close(listener_);
    }
    Server(const Server&) = delete;

    std::string port() const { return std::to_string(port_); }
    std::string url(const std::string& target = "/") const { return "http://127.0.0.1:" + port() + target; }
    const std::string& question() const { return question_; }

private:
    void serve() {
        for (;;) {
            const int guest = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
            if (guest < 0) return;
            char block[4096];
            question_.clear();
            while (question_.find("\r\n\r\n") == std::string::npos) {
                const ssize_t got = ::recv(guest, block, sizeof block, 0);
                if (got <= 0) break;
                question_.append(block, static_cast<std::size_t>(got));
            }
            [[maybe_unused]] const ssize_t sent = ::send(guest, answer_.data(), answer_.size(), MSG_NOSIGNAL);
            ::close(guest);
        }
    }

    std::string answer_, question_;
    int listener_ = -1;
    std::uint16_t port_ = 0;
    std::jthread thread_;
};

std::string came(const Server& server) {
    try {
        const HttpAnswer answer = http_get(server.url(), 5);
        return std::to_string(answer.status) + " " + answer.body;
    } catch (const Error& error) {
        return error.what();
    }
}

}  // namespace

TEST_CASE("a GET asks as HTTP has it, and gives back status and body") {
    const Server server("HTTP/1.1 404 Not Found\r\ncontent-LENGTH:  4\r\n\r\ngone and more");
    const HttpAnswer answer = http_get(server.url("/a?b=c"), 5);
    CHECK(answer.status == 404);
    CHECK(answer.body.starts_with("gone"));
    CHECK(server.question().starts_with("GET /a?b=c HTTP/1.1\r\nHost: 127.0.0.1:" + server.port() + "\r\n"));
}

TEST_CASE("a body in chunks is put together") {
    CHECK(came(Server(
              "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nwell\r\n6;x=y\r\n done!\r\n0\r\n\r\n")) ==
          "200 well done!");
}

TEST_CASE("an answer that is cut short is what came of it") {
    CHECK(came(Server("HTTP/1.0 200 OK\r\n\r\nall there is")) == "200 all there is");
    CHECK(came(Server("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n40\r\nwe")) == "200 we");
    CHECK(came(Server("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nwe")) == "200 we");
}

TEST_CASE("what does not speak HTTP is no answer") {
    CHECK(came(Server("SSH-2.0-OpenSSH_9.2\r\n")) == "what answers does not speak HTTP");
    CHECK(came(Server("SSH-2.0-OpenSSH_9.2\r\n\r\n")) == "what answers does not speak HTTP");
    CHECK(came(Server("HTTP/1.1 999 X\r\n\r\n")) == "what answers does not speak HTTP");
    CHECK(came(Server("")) == "the connection was closed without an answer");
}

TEST_CASE("a server that takes the connection and says nothing is given up") {
    const Server server("", true);
    CHECK_NOTHROW(tcp_connect("127.0.0.1", server.port(), 5));
    CHECK_THROWS_WITH_AS(http_get(server.url(), 1), "the answer: no answer in 1 s", Error);
}

TEST_CASE("a port that nobody listens on is refused") {
    std::string port;
    {
        const Server gone("");
        port = gone.port();
    }
    const std::string why = "127.0.0.1 port " + port + ": Connection refused";
    CHECK_THROWS_WITH_AS(tcp_connect("127.0.0.1", port, 5), why.c_str(), Error);
    CHECK_THROWS_WITH_AS(http_get("http://127.0.0.1:" + port, 5), why.c_str(), Error);
}
