// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <fmt/format.h>
#include <array>
#include <chaos/schema.hpp>
#include <charconv>

namespace chaos {

namespace {

struct Bytes {
    int family = AF_INET;
    std::array<unsigned char, 16> all{};
    int bits() const { return family == AF_INET ? 32 : 128; }
    std::string text() const {
        char words[INET6_ADDRSTRLEN];
        ::inet_ntop(family, all.data(), words, sizeof words);
        return words;
    }
};

std::optional<Bytes> bytes_of(std::string_view text) {
    Bytes bytes{.family = text.find(':') == std::string_view::npos ? AF_INET : AF_INET6};
    if (::inet_pton(bytes.family, std::string(text).c_str(), bytes.all.data()) != 1) return std::nullopt;
    return bytes;
}

Error unexpected(const Value& value, std::string_view expected) {
    return Error(value.where, value.is_text() ? fmt::format("expected {}, found '{}'", expected, value.text())
                                              : fmt::format("expected {}, found {}", expected, kind_of(value)));
}

}  // namespace

Address Codec<Address>::decode(const Value& value) {
    const auto bytes = value.is_text() ? bytes_of(value.text()) : std::nullopt;
    if (!bytes) throw unexpected(value, "an address").help("write it as in 192.0.2.1 or \"2001:db8::1\"");
    return {bytes->text()};
}

Cidr Codec<Cidr>::decode(const Value& value) {
    const std::string_view text = value.is_text() ? std::string_view(value.text()) : std::string_view();
    const auto slash = text.find('/');
    auto bytes = bytes_of(text.substr(0, slash));
    int length = -1;
    if (slash != std::string_view::npos) {
        const auto* last = text.data() + text.size();
        const auto [end, error] = std::from_chars(text.data() + slash + 1, last, length);
        if (error != std::errc() || end != last) length = -1;
    }
    if (bytes && slash == std::string_view::npos)
        throw unexpected(value, "a network").help(fmt::format("one address is {}/{}", bytes->text(), bytes->bits()));
    if (!bytes || length < 0 || length > bytes->bits())
        throw unexpected(value, "a network").help("write it as in 10.0.0.0/8 or \"2001:db8::/32\"");
    const auto written = bytes->all;
    for (int i = length; i < bytes->bits(); ++i)
        bytes->all[static_cast<std::size_t>(i / 8)] &= static_cast<unsigned char>(~(0x80U >> (i % 8)));
    if (written != bytes->all)
        throw unexpected(value, "a network, without the bits of a host")
            .help(fmt::format("write {}/{}", bytes->text(), length));
    return {fmt::format("{}/{}", bytes->text(), length)};
}

}  // namespace chaos
