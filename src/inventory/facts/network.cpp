// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <fmt/format.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <limits>
#include <map>
#include <memory>

#include "../text.hpp"
#include "facts.hpp"

namespace chaos::facts {
namespace {

struct Interface {
    bool up = false;
    std::vector<std::string> addresses;  ///< 10.0.0.1/8
};

std::string address_text(const sockaddr& address) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    const void* bytes = address.sa_family == AF_INET
                            ? static_cast<const void*>(&reinterpret_cast<const sockaddr_in&>(address).sin_addr)
                            : static_cast<const void*>(&reinterpret_cast<const sockaddr_in6&>(address).sin6_addr);
    return ::inet_ntop(address.sa_family, bytes, text.data(), text.size()) ? text.data() : "";
}

int prefix_of(const sockaddr& mask, int family) {
    int bits = 0;
    if (family == AF_INET) return std::popcount(reinterpret_cast<const sockaddr_in&>(mask).sin_addr.s_addr);
    for (const unsigned char byte : reinterpret_cast<const sockaddr_in6&>(mask).sin6_addr.s6_addr)
        bits += std::popcount(byte);
    return bits;
}

std::map<std::string, Interface> read_interfaces() {
    ifaddrs* all = nullptr;
    if (::getifaddrs(&all) < 0)
        throw Error(fmt::format("can not read the network interfaces: {}", std::strerror(errno)));
    const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> owner(all, &::freeifaddrs);
    std::map<std::string, Interface> interfaces;
    for (const ifaddrs* each = all; each; each = each->ifa_next) {
        Interface& interface = interfaces[each->ifa_name];
        interface.up = each->ifa_flags & IFF_UP;
        if (!each->ifa_addr) continue;
        const int family = each->ifa_addr->sa_family;
        if (family != AF_INET && family != AF_INET6) continue;
        std::string text = address_text(*each->ifa_addr);
        if (each->ifa_netmask) text += fmt::format("/{}", prefix_of(*each->ifa_netmask, family));
        interface.addresses.push_back(std::move(text));
    }
    return interfaces;
}

Value list_of(const std::vector<std::string>& texts) {
    Value::List list;
    for (const std::string& text : texts) list.emplace_back(text);
    return Value(std::move(list));
}

/// The blanks of a row of /proc/net, however many, as one.
std::vector<std::string_view> columns(std::string_view row) {
    std::vector<std::string_view> result;
    while (!row.empty()) {
        const std::size_t end = std::min(row.find_first_of(" \t"), row.size());
        if (end > 0) result.push_back(row.substr(0, end));
        row.remove_prefix(std::min(end + 1, row.size()));
    }
    return result;
}

constexpr unsigned route_up = 1, route_reject = 0x200;

}  // namespace

Route parse_default_route(std::string_view text) {
    Route route;
    std::uint32_t lowest = std::numeric_limits<std::uint32_t>::max();
    for_lines(text, [&](std::string_view line) {
        const auto column = columns(line);
        if (column.size() < 8 || column[1] != "00000000" || column[7] != "00000000") return;
        const auto flags = number<unsigned>(column[3], 16);
        const auto metric = number<std::uint32_t>(column[6]);
        const auto gateway = number<std::uint32_t>(column[2], 16);  // in the machine's own byte order
        if (!flags || !metric || !gateway || !(*flags & route_up) || (*flags & route_reject)) return;
        if (!route.interface.empty() && *metric >= lowest) return;
        lowest = *metric;
        std::array<char, INET_ADDRSTRLEN> address{};
        const in_addr bytes{*gateway};
        ::inet_ntop(AF_INET, &bytes, address.data(), address.size());
        route = {std::string(column[0]), *gateway ? address.data() : ""};
    });
    return route;
}

Route parse_default_route_6(std::string_view text) {
    const std::string zeros(32, '0');
    Route route;
    std::uint32_t lowest = std::numeric_limits<std::uint32_t>::max();
    for_lines(text, [&](std::string_view line) {
        const auto column = columns(line);
        if (column.size() < 10 || column[0] != zeros || column[1] != "00" || column[9] == "lo") return;
        const auto metric = number<std::uint32_t>(column[5], 16);
        const auto flags = number<unsigned>(column[8], 16);
        if (!metric || !flags || !(*flags & route_up) || (*flags & route_reject) || column[4].size() != 32) return;
        if (!route.interface.empty() && *metric >= lowest) return;
        lowest = *metric;
        in6_addr bytes{};
        for (std::size_t i = 0; i < 16; ++i)
            bytes.s6_addr[i] = static_cast<std::uint8_t>(number<unsigned>(column[4].substr(2 * i, 2), 16).value_or(0));
        std::array<char, INET6_ADDRSTRLEN> address{};
        ::inet_ntop(AF_INET6, &bytes, address.data(), address.size());
        route = {std::string(column[9]), column[4] == zeros ? "" : address.data()};
    });
    return route;
}

std::vector<std::string> parse_nameservers(std::string_view text) {
    std::vector<std::string> servers;
    for_lines(text, [&](std::string_view line) {
        const auto column = columns(line);
        if (column.size() >= 2 && column[0] == "nameserver") servers.emplace_back(column[1]);
    });
    return servers;
}

Value read_network(const View& view) {
    const bool live = view->live();
    const auto interfaces = live ? read_interfaces() : std::map<std::string, Interface>();
    Value::Map by_name;
    for (const auto& [name, interface] : interfaces) {
        const std::string at = "/sys/class/net/" + name;
        Value one = map_of({{"mac", read_line(view.host(), at + "/address")},
                            {"mtu", read_line(view.host(), at + "/mtu")},
                            {"up", interface.up ? "true" : "false"}});
        add(std::get<Value::Map>(one.data), "addresses", list_of(interface.addresses));
        add(by_name, name, std::move(one));
    }

    Route route;
    if (live) route = parse_default_route(read_text(view.host(), "/proc/net/route").value_or(""));
    const bool six = live && route.interface.empty();
    if (six) route = parse_default_route_6(read_text(view.host(), "/proc/net/ipv6_route").value_or(""));
    std::string address;
    if (const auto found = interfaces.find(route.interface); found != interfaces.end()) {
        for (const std::string& each : found->second.addresses) {
            const bool fits = (each.find(':') != each.npos) == six && !each.starts_with("fe80:");
            if (address.empty() && fits) address = each.substr(0, each.find('/'));
        }
    }

    Value::Map network;
    add(network, "interfaces", Value(std::move(by_name)));
    add(network, "default", map_of({{"interface", route.interface}, {"gateway", route.gateway}, {"address", address}}));
    add(network, "dns", list_of(parse_nameservers(read_text(view.host(), "/etc/resolv.conf").value_or(""))));
    return Value(std::move(network));
}

}  // namespace chaos::facts
