// SPDX-License-Identifier: Apache-2.0
#include "git_url.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chaos/error.hpp>

#include "text.hpp"

namespace chaos::git {
namespace {

using Way = Address::Way;

constexpr const char* forms = "write https://HOST/PATH, ssh://USER@HOST/PATH, USER@HOST:PATH, file:///PATH or /PATH";

/// Control characters would end a line of a protocol, or paint on a terminal.
bool is_clean(std::string_view text) {
    return std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

bool is_host(std::string_view text) {
    const auto usual = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
               c == '_' || c == ':' || c == '%';
    };
    return !text.empty() && text.front() != '-' && std::ranges::all_of(text, usual);
}

std::string unescaped(std::string_view text) {
    std::string out;
    for (; !text.empty(); text.remove_prefix(1)) {
        const auto code = text.size() > 2 && text[0] == '%' ? number<unsigned char>(text.substr(1, 2), 16)
                                                            : std::optional<unsigned char>();
        out += code ? static_cast<char>(*code) : text.front();
        if (code) text.remove_prefix(2);
    }
    return out;
}

/// USER:PASSWORD@HOST:PORT, with a host of IPv6 in brackets.
void take_authority(Address& address, std::string_view text, const std::string& url) {
    if (const auto at = text.rfind('@'); at != text.npos) {
        const auto who = text.substr(0, at);
        const auto colon = std::min(who.find(':'), who.size());
        address.user = unescaped(who.substr(0, colon));
        if (colon < who.size()) address.password = unescaped(who.substr(colon + 1));
        text.remove_prefix(at + 1);
    }
    if (text.starts_with('[') && text.find(']') != text.npos) {
        const auto end = std::min(text.find(']'), text.size());
        address.host = text.substr(1, end - 1);
        text.remove_prefix(std::min(end + 1, text.size()));
    } else {
        const auto end = std::min(text.find(':'), text.size());
        address.host = text.substr(0, end);
        text.remove_prefix(end);
    }
    std::ranges::transform(address.host, address.host.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    if (text.starts_with(':')) address.port = text.substr(1);
    const auto port = address.port.empty() ? 1 : number<std::uint16_t>(address.port);
    if (!is_host(address.host) || !port || *port == 0 || address.user.starts_with('-') || !is_clean(address.user) ||
        !is_clean(address.password) || (!text.empty() && text.front() != ':'))
        throw Error(fmt::format("{} names no host to ask", url)).help(forms);
}

Address with_scheme(std::string_view scheme, std::string_view rest, const std::string& url) {
    Address address;
    if (scheme == "file") {
        address.way = Way::file;
        if (rest.starts_with("localhost/")) rest.remove_prefix(9);
        if (!rest.starts_with('/')) throw Error(fmt::format("{} names no file of this host", url)).help(forms);
        return address.path = unescaped(rest), address;
    }
    if (scheme == "git")
        throw Error(fmt::format("{} would be asked without knowing who answers", url))
            .help("ask by https:// or ssh://: what git:// sends can be changed on its way");
    if (scheme != "https" && scheme != "http" && scheme != "ssh")
        throw Error(fmt::format("repositories are not fetched by {}://", scheme)).help(forms);
    address.way = scheme == "https" ? Way::https : scheme == "http" ? Way::http : Way::ssh;
    const auto end = std::min(rest.find('/'), rest.size());
    take_authority(address, rest.substr(0, end), url);
    address.path = rest.substr(end);
    if (address.way == Way::ssh) {
        address.path = unescaped(address.path);
        if (address.path.starts_with("/~")) address.path.erase(0, 1);  // as git has it: of a person's home
    }
    if (address.path.find_first_not_of('/') == address.path.npos)
        throw Error(fmt::format("{} names a host and no repository of it", url)).help(forms);
    while (address.path.ends_with('/')) address.path.pop_back();
    return address;
}

}  // namespace

Address address_of(const std::string& url) {
    if (!is_clean(url)) throw Error("the url has control characters in it").help(forms);
    const std::string_view text = url;
    if (const auto mark = text.find("://"); mark != text.npos)
        return with_scheme(text.substr(0, mark), text.substr(mark + 3), url);
    Address address;
    const auto colon = text.find(':'), slash = text.find('/');
    const bool helper = text.substr(std::min(colon, text.size())).starts_with("::");  // ext::COMMAND and its like
    if (colon != text.npos && colon < slash && !helper) {                             // git@host:path
        address.way = Way::ssh;
        const bool six = text.find('[') < colon;
        const auto end = six ? text.find("]:") + 1 : colon;
        if (six && end == 0) throw Error(fmt::format("{} names no host to ask", url)).help(forms);
        take_authority(address, text.substr(0, end), url);
        address.path = text.substr(end + 1);
        if (address.path.empty()) throw Error(fmt::format("{} names a host and no repository of it", url)).help(forms);
        return address;
    }
    if (!text.starts_with('/'))
        throw Error(fmt::format("{} is no url, nor a path that begins with /", url)).help(forms);
    return address.path = url, address;
}

std::string plain_url(const Address& address) {
    const bool six = address.host.find(':') != address.host.npos;
    return fmt::format("{}://{}{}{}{}{}{}", address.way == Way::http ? "http" : "https", six ? "[" : "", address.host,
                       six ? "]" : "", address.port.empty() ? "" : ":", address.port, address.path);
}

bool same_server(const Address& a, const Address& b) {
    const auto port = [](const Address& address) -> std::string {
        if (!address.port.empty()) return address.port;
        return address.way == Way::https ? "443" : address.way == Way::http ? "80" : "22";
    };
    return a.way == b.way && a.host == b.host && port(a) == port(b);
}

std::string submodule_url(const std::string& of_repository, const std::string& url) {
    std::string_view rest = url;
    if (!rest.starts_with("./") && !rest.starts_with("../")) return url;
    std::string base = of_repository;
    const auto mark = base.find("://");
    // The first character that may go: behind the host, or behind the colon of git@host:path.
    const std::size_t first = mark == base.npos ? 0 : std::min(base.find('/', mark + 3), base.size());
    while (base.size() > first && base.ends_with('/')) base.pop_back();
    while (!rest.empty()) {
        const auto end = std::min(rest.find('/'), rest.size());
        const auto part = rest.substr(0, end);
        rest.remove_prefix(std::min(end + 1, rest.size()));
        if (part == "." || part.empty()) continue;
        if (part != "..") {
            base.append(base.ends_with(':') ? "" : "/").append(part);
            continue;
        }
        const auto slash = base.find_last_of("/:");
        if (slash == base.npos || slash < first || base.ends_with(':'))
            throw Error(fmt::format("the submodule's url {} leads above {}", url, of_repository));
        base.erase(base[slash] == ':' ? slash + 1 : slash);
    }
    return base;
}

}  // namespace chaos::git
