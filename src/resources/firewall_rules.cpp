// SPDX-License-Identifier: Apache-2.0
#include "firewall_rules.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <map>

#include "lines.hpp"

namespace chaos::resources {
namespace {

/// Names that mean the same on every host: /etc/services differs from one to the next.
struct Known {
    std::string_view name, ports;
};
constexpr Known known[] = {
    {"bacula", "9101-9103/tcp"},
    {"dhcp", "67/udp"},
    {"dns", "53/tcp,53/udp"},
    {"ftp", "21/tcp"},
    {"git", "9418/tcp"},
    {"http", "80/tcp"},
    {"http3", "443/udp"},
    {"https", "443/tcp"},
    {"imap", "143/tcp"},
    {"imaps", "993/tcp"},
    {"ipp", "631/tcp"},
    {"ipsec", "500/udp,4500/udp"},
    {"kerberos", "88/tcp,88/udp"},
    {"ldap", "389/tcp"},
    {"ldaps", "636/tcp"},
    {"mdns", "5353/udp"},
    {"mosh", "60000-61000/udp"},
    {"mqtt", "1883/tcp"},
    {"mysql", "3306/tcp"},
    {"nfs", "2049/tcp"},
    {"ntp", "123/udp"},
    {"openvpn", "1194/udp"},
    {"pop3", "110/tcp"},
    {"pop3s", "995/tcp"},
    {"postgresql", "5432/tcp"},
    {"rdp", "3389/tcp"},
    {"redis", "6379/tcp"},
    {"rsync", "873/tcp"},
    {"samba", "445/tcp,139/tcp,137/udp,138/udp"},
    {"smtp", "25/tcp"},
    {"smtps", "465/tcp"},
    {"snmp", "161/udp"},
    {"ssh", "22/tcp"},
    {"submission", "587/tcp"},
    {"syncthing", "22000/tcp,22000/udp,21027/udp"},
    {"syslog", "514/udp"},
    {"tftp", "69/udp"},
    {"vnc", "5900/tcp"},
    {"wireguard", "51820/udp"},
};

constexpr const char* how = "write it as in [ssh, 8080, 60000-61000/udp, icmp, {port: 22, from: [10.0.0.0/8]}]";

std::string_view ports_of(std::string_view name) {
    const auto found = std::find_if(std::begin(known), std::end(known), [&](const Known& k) { return k.name == name; });
    return found == std::end(known) ? std::string_view() : found->ports;
}

std::vector<std::string> split(std::string_view text, char separator) {
    std::vector<std::string> parts;
    while (!text.empty()) {
        const auto end = std::min(text.find(separator), text.size());
        if (const auto part = trimmed(text.substr(0, end)); !part.empty()) parts.emplace_back(part);
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return parts;
}

bool is_port(std::string_view text, unsigned& number) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc() && end == text.data() + text.size() && number >= 1 && number <= 65535;
}

/// `22`, `8000-8100/udp`: with its protocol, which is tcp where none is said. Empty where it is no port.
std::string clean_port(std::string_view text, std::string_view protocol) {
    if (const auto slash = text.find('/'); slash != std::string_view::npos)
        protocol = text.substr(slash + 1), text = text.substr(0, slash);
    if (protocol != "tcp" && protocol != "udp") return {};
    const auto dash = text.find('-');
    unsigned first = 0, last = 0;
    if (!is_port(text.substr(0, dash), first)) return {};
    if (dash == std::string_view::npos) return fmt::format("{}/{}", first, protocol);
    if (!is_port(text.substr(dash + 1), last) || last <= first) return {};
    return fmt::format("{}-{}/{}", first, last, protocol);
}

/// One word of what is let in: a name, or ports.
std::string clean_what(std::string_view word, std::string_view protocol, Place where) {
    if (word == "icmp" || word == "all") return std::string(word);
    if (!ports_of(word).empty()) {
        if (protocol.empty()) return std::string(word);
        throw Error(where, fmt::format("'{}' says its protocol itself", word)).help("take protocol away");
    }
    if (auto port = clean_port(word, protocol.empty() ? "tcp" : protocol); !port.empty()) return port;
    const bool is_number = word.find_first_not_of("0123456789-/tcpud") == word.npos;
    std::string near;
    for (const Known& one : known)
        if (!word.empty() && (one.name.starts_with(word.substr(0, 3)) || word.starts_with(one.name)))
            near += fmt::format("{}{}", near.empty() ? "" : " or ", one.name);
    throw Error(where, is_number ? fmt::format("expected a port from 1 to 65535, or a range of them, found '{}'", word)
                                 : fmt::format("no service is known as '{}'", word))
        .help(near.empty() || is_number ? "write its port, as in 8080, 8000-8100 or 51820/udp"
                                        : fmt::format("did you mean {}? else write its port, as in 8080/tcp", near));
}

std::string clean_network(const std::string& text, Place where) {
    Value value(text, where);
    if (text.find('/') != text.npos) return Codec<Cidr>::decode(value).text;
    return Codec<Address>::decode(value).text;
}

std::string clean_interface(const std::string& text, Place where) {
    constexpr std::size_t most = 15;
    if (text.empty() || text.size() > most || text.find_first_of("\"\\ /\n{}") != text.npos)
        throw Error(where, fmt::format("'{}' can be no network interface", text)).help("ip link shows them");
    return text;
}

struct Parts {
    std::vector<std::string> what{}, from{}, on{};

    std::string text() const {
        std::string out = fmt::format("{}", fmt::join(what, ","));
        if (!from.empty()) out += fmt::format(" from {}", fmt::join(from, ","));
        if (!on.empty()) out += fmt::format(" on {}", fmt::join(on, ","));
        return out;
    }
};

/// `22,80/tcp from 10.0.0.0/8 on eth0`.
Parts parts_of(const std::string& text, Place where) {
    Parts parts;
    std::vector<std::string>* into = &parts.what;
    for (const auto& word : split(text, ' ')) {
        if (word == "from" || word == "on") {
            into = word == "from" ? &parts.from : &parts.on;
            continue;
        }
        for (const auto& one : split(word, ','))
            into->push_back(into == &parts.what   ? clean_what(one, {}, where)
                            : into == &parts.from ? clean_network(one, where)
                                                  : clean_interface(one, where));
    }
    if (parts.what.empty()) throw Error(where, fmt::format("'{}' does not say what is let in", text)).help(how);
    return parts;
}

std::vector<std::string> texts_of(const Value& value) {
    if (value.is_text()) return split(value.text(), ',');
    std::vector<std::string> texts;
    for (const Value& one : value.list()) texts.push_back(one.text());
    return texts;
}

/// `{port: 22, from: [...]}`.
Parts parts_of(const Value& mapping) {
    Parts parts;
    std::string protocol;
    if (const Value* said = mapping.find("protocol"))
        if (protocol = said->text(); protocol != "tcp" && protocol != "udp")
            throw Error(said->where, fmt::format("expected tcp or udp, found '{}'", protocol)).help("protocol: udp");
    for (const auto& [key, value] : mapping.map()) {
        const auto& name = key.text();
        if (name == "port" || name == "ports" || name == "service")
            for (const auto& one : texts_of(value)) parts.what.push_back(clean_what(one, protocol, value.where));
        else if (name == "from")
            for (const auto& one : texts_of(value)) parts.from.push_back(clean_network(one, value.where));
        else if (name == "on")
            for (const auto& one : texts_of(value)) parts.on.push_back(clean_interface(one, value.where));
        else if (name != "protocol")
            throw Error(key.where, fmt::format("an entry of a firewall has no '{}'", name))
                .help("it has port or service, protocol, from and on");
    }
    if (parts.what.empty() && protocol.empty() && !(parts.from.empty() && parts.on.empty())) parts.what = {"all"};
    if (parts.what.empty()) throw Error(mapping.where, "this does not say which port or service").help(how);
    return parts;
}

/// `{ a, b }`, or a alone.
std::string one_of(const std::vector<std::string>& items) {
    return items.size() == 1 ? items.front() : fmt::format("{{ {} }}", fmt::join(items, ", "));
}

/// What a name or a number stands for, by protocol.
std::map<std::string, std::vector<std::string>> ports_by_protocol(const std::vector<std::string>& what) {
    std::map<std::string, std::vector<std::string>> ports;
    const auto add = [&](std::string_view port) {
        const auto slash = port.find('/');
        auto& into = ports[std::string(port.substr(slash + 1))];
        if (std::find(into.begin(), into.end(), port.substr(0, slash)) == into.end())
            into.emplace_back(port.substr(0, slash));
    };
    for (const auto& word : what) {
        if (word == "icmp" || word == "all") continue;
        const auto named = ports_of(word);
        for (const auto& one : split(named.empty() ? std::string_view(word) : named, ',')) add(one);
    }
    return ports;
}

}  // namespace

std::vector<std::string> matches_of(const std::string& opening) {
    const Parts parts = parts_of(opening, {});
    std::vector<std::string> four, six;
    for (const auto& one : parts.from) (one.find(':') == one.npos ? four : six).push_back(one);
    std::string on;
    if (!parts.on.empty()) {
        std::vector<std::string> quoted;
        for (const auto& one : parts.on) quoted.push_back("\"" + one + "\"");
        on = "iifname " + one_of(quoted) + " ";
    }
    std::vector<std::string> sources;
    if (!four.empty()) sources.push_back(on + "ip saddr " + one_of(four) + " ");
    if (!six.empty()) sources.push_back(on + "ip6 saddr " + one_of(six) + " ");
    if (sources.empty()) sources.push_back(on);
    const bool all = std::find(parts.what.begin(), parts.what.end(), "all") != parts.what.end();
    const bool icmp = std::find(parts.what.begin(), parts.what.end(), "icmp") != parts.what.end();
    std::vector<std::string> rules;
    for (const auto& source : sources) {
        if (all) {
            rules.push_back(source);
            continue;
        }
        for (const auto& [protocol, ports] : ports_by_protocol(parts.what))
            rules.push_back(fmt::format("{}{} dport {} ", source, protocol, one_of(ports)));
        if (icmp) rules.push_back(source + "meta l4proto { 1, 58 } ");
    }
    return rules;
}

bool covers_port(const std::string& opening, unsigned port) {
    const Parts parts = parts_of(opening, {});
    if (std::find(parts.what.begin(), parts.what.end(), "all") != parts.what.end()) return true;
    const auto ports = ports_by_protocol(parts.what);
    const auto tcp = ports.find("tcp");
    if (tcp == ports.end()) return false;
    return std::any_of(tcp->second.begin(), tcp->second.end(), [&](const std::string& one) {
        unsigned first = 0, last = 0;
        const auto dash = one.find('-');
        if (!is_port(std::string_view(one).substr(0, dash), first)) return false;
        if (dash == one.npos || !is_port(std::string_view(one).substr(dash + 1), last)) last = first;
        return first <= port && port <= last;
    });
}

}  // namespace chaos::resources

chaos::resources::Openings chaos::Codec<chaos::resources::Openings>::decode(const Value& value) {
    using namespace resources;
    Openings openings;
    const auto add = [&](const Value& one) {
        auto text = one.is_map() ? parts_of(one).text() : parts_of(one.text(), one.where).text();
        if (std::find(openings.items.begin(), openings.items.end(), text) == openings.items.end())
            openings.items.push_back(std::move(text));
    };
    if (value.is_list())
        for (const Value& one : value.list()) add(one);
    else
        add(value);
    return openings;
}
