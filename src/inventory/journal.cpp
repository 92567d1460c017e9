// SPDX-License-Identifier: Apache-2.0
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <chaos/journal.hpp>
#include <cstdint>
#include <cstring>

namespace chaos {

namespace {

constexpr sockaddr_un address{AF_UNIX, "/run/systemd/journal/socket"};

}  // namespace

Journal::~Journal() {
    if (socket_ >= 0) ::close(socket_);
}

void Journal::send(const Fields& fields) {
    if (socket_ < 0) {
        socket_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        const timeval patience{1, 0};  // a run does not wait for who writes about it
        ::setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    }
    const std::string text = to_journal(fields);
    ::sendto(socket_, text.data(), text.size(), MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&address),
             sizeof address);
}

std::string to_journal(const Journal::Fields& fields) {
    std::string text;
    for (const auto& [name, value] : fields) {
        text += name;
        if (value.find('\n') == std::string::npos) {
            text.append("=").append(value);
        } else {
            text += '\n';
            for (unsigned shift = 0; shift < 64; shift += 8)
                text += static_cast<char>(static_cast<std::uint64_t>(value.size()) >> shift & 0xff);
            text += value;
        }
        text += '\n';
    }
    return text;
}

}  // namespace chaos
