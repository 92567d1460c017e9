// SPDX-License-Identifier: Apache-2.0
// Filters of IP addresses and networks: 192.0.2.1, 192.0.2.0/24, 2001:db8::1/64.
#include <arpa/inet.h>
#include <fmt/format.h>
#include <charconv>
#include <cstring>
#include "filters.hpp"

namespace chaos::language {

namespace {

/// An address of one of the two families, with the length of its network where one was written.
struct Address {
    int family = AF_INET;
    std::array<unsigned char, 16> bytes{};
    int prefix = 32;
    bool network = false;  // a prefix was written

    int bits() const { return family == AF_INET ? 32 : 128; }
    std::string text() const {
        char words[INET6_ADDRSTRLEN];
        ::inet_ntop(family, bytes.data(), words, sizeof words);
        return words;
    }
    Address masked(bool ones) const {
        Address out = *this;
        for (int i = prefix; i < bits(); ++i) {
            const auto bit = static_cast<unsigned char>(0x80U >> (i % 8));
            auto& byte = out.bytes[static_cast<std::size_t>(i / 8)];
            byte = static_cast<unsigned char>(ones ? byte | bit : byte & ~bit);
        }
        return out;
    }
    bool contains(const Address& other) const {
        if (family != other.family || other.prefix < prefix) return false;
        Address same = other;
        same.prefix = prefix;
        return same.masked(false).bytes == masked(false).bytes;
    }
};

std::optional<Address> address_of(std::string_view text) {
    Address out;
    const auto slash = text.find('/');
    const std::string host(text.substr(0, slash));
    out.family = host.find(':') == std::string::npos ? AF_INET : AF_INET6;
    out.prefix = out.bits();
    if (::inet_pton(out.family, host.c_str(), out.bytes.data()) != 1) return std::nullopt;
    if (slash == std::string_view::npos) return out;
    out.network = true;
    const auto length = text.substr(slash + 1);
    const auto [end, error] = std::from_chars(length.data(), length.data() + length.size(), out.prefix);
    if (error == std::errc() && end == length.data() + length.size() && out.prefix >= 0 && out.prefix <= out.bits())
        return out;
    Address mask;  // 255.255.255.0
    if (out.family != AF_INET || ::inet_pton(AF_INET, std::string(length).c_str(), mask.bytes.data()) != 1)
        return std::nullopt;
    int ones = 0;
    while (ones < 32 && (mask.bytes[static_cast<std::size_t>(ones / 8)] & (0x80U >> (ones % 8)))) ++ones;
    mask.prefix = ones;
    if (mask.masked(false).bytes != mask.bytes) return std::nullopt;
    out.prefix = ones;
    return out;
}

/// The n-th address of the network; from its end where negative.
Address nth(const Address& network, std::int64_t number) {
    Address out = number < 0 ? network.masked(true) : network.masked(false);
    std::int64_t carry = number < 0 ? number + 1 : number;
    for (int i = network.bits() / 8; i-- > 0 && carry != 0;) {
        carry += out.bytes[static_cast<std::size_t>(i)];
        out.bytes[static_cast<std::size_t>(i)] = static_cast<unsigned char>(carry & 0xFF);
        carry >>= 8;
    }
    if (carry != 0 || !network.contains(out)) throw Error("the network has no such address");
    return out;
}

Datum none() {
    return Datum::of(false);
}

bool is_private(const Address& address) {
    for (const char* range : {"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"})
        if (address_of(range)->contains(address)) return true;
    return false;
}

std::string with_prefix(const Address& address) {
    return fmt::format("{}/{}", address.text(), address.prefix);
}

Datum asked(const Address& address, const Datum& query, Evaluator& evaluator) {
    if (query.is_integral()) return Datum::of(with_prefix(nth(address, query.integer())));
    const std::string what = evaluator.text(query);
    if (what.empty()) return Datum::of(address.network ? with_prefix(address) : address.text());
    if (what == "address" || what == "ip") return Datum::of(address.text());
    if (what == "network") return Datum::of(address.masked(false).text());
    if (what == "broadcast")
        return address.family == AF_INET && address.prefix < 31 ? Datum::of(address.masked(true).text()) : none();
    if (what == "prefix") return Datum::of(std::int64_t{address.prefix});
    if (what == "host" || what == "host/prefix") return Datum::of(with_prefix(address));
    if (what == "subnet" || what == "network/prefix" || what == "cidr")
        return Datum::of(with_prefix(address.masked(false)));
    if (what == "version") return Datum::of(std::int64_t{address.family == AF_INET ? 4 : 6});
    if (what == "private") return is_private(address) ? asked(address, Datum::of(""), evaluator) : none();
    if (what == "public") return is_private(address) ? none() : asked(address, Datum::of(""), evaluator);
    if (what == "netmask") {
        Address mask;
        mask.family = address.family, mask.prefix = address.prefix;
        mask.bytes.fill(0xFF);
        return Datum::of(mask.masked(false).text());
    }
    if (what == "size") {
        const int bits = address.bits() - address.prefix;
        if (bits > 62) throw Error("this network has more addresses than fit in 64 bits");
        return Datum::of(std::int64_t{1} << bits);
    }
    if (const auto network = address_of(what))
        return network->contains(address) ? asked(address, Datum::of(""), evaluator) : none();
    throw Error(fmt::format("ipaddr knows no '{}'", what))
        .help(
            "it knows address, network, netmask, broadcast, prefix, subnet, host, size, version, private, public, a "
            "network, a number");
}

Datum addresses(Call& call, int family) {
    const Datum query = call.given[0] ? call.at(0) : Datum::of("");
    const auto one = [&](const Datum& subject) {
        if (!subject.is_text()) return none();
        const auto address = address_of(subject.text());
        if (!address || (family && address->family != family)) return none();
        return asked(*address, query, call.evaluator);
    };
    if (!call.subject.is_list()) return one(call.subject);
    List out;
    for (const Datum& item : call.items())
        if (Datum found = one(item); !found.is(Datum::Kind::boolean)) out.push_back(std::move(found));
    return Datum::of(std::move(out));
}

constexpr Filter filters[] = {
    {"ipaddr", "query=''",
     "What is asked of an address (of a list: of those that are some): address, network, netmask, broadcast, prefix, "
     "subnet, host, size, version, private, public, a network it is to be in, the number of an address. False where it "
     "is none.",
     [](Call& c) { return addresses(c, 0); }, true},
    {"ipv4", "query=''", "The same, of IPv4 alone.", [](Call& c) { return addresses(c, AF_INET); }, true},
    {"ipv6", "query=''", "The same, of IPv6 alone.", [](Call& c) { return addresses(c, AF_INET6); }, true},
};

}  // namespace

Filters address_filters() {
    return filters;
}

}  // namespace chaos::language
