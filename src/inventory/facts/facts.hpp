// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/fact.hpp>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace chaos::facts {

/// A mapping of texts.
Value map_of(std::initializer_list<std::pair<std::string_view, std::string>> entries);
void add(Value::Map& map, std::string_view key, Value value);

// Parsers: texts in, what they say out.

struct System {
    std::string id, family, version, codename, name;
};
System parse_os_release(std::string_view text);
std::string parse_elf_machine(std::string_view file);   ///< x86_64, aarch64, ...; empty where it is no ELF file.
std::string parse_cpu_model(std::string_view cpuinfo);  ///< Of the first one.
std::size_t parse_cpu_list(std::string_view list);      ///< How many `0-3,8` are.
std::uint64_t parse_meminfo(std::string_view meminfo, std::string_view key);  ///< In bytes; 0 where it is not there.
std::string parse_fqdn(std::string_view hosts, std::string_view hostname);
std::string parse_container(std::string_view systemd, std::string_view environment_of_first);
std::string parse_virtualization(std::string_view vendor, std::string_view product, std::string_view cpu);

struct Route {
    std::string interface, gateway;
};
Route parse_default_route(std::string_view proc_net_route);  ///< IPv4; the one with the lowest metric.
Route parse_default_route_6(std::string_view proc_net_ipv6_route);
std::vector<std::string> parse_nameservers(std::string_view resolv_conf);

// Readers, one a fact.

Value read_os(const View&);
Value read_arch(const View&);
Value read_kernel(const View&);
Value read_cpu(const View&);
Value read_memory(const View&);
Value read_free_memory(const View&);
Value read_disks(const View&);
Value read_hostname(const View&);
Value read_fqdn(const View&);
Value read_machine_id(const View&);
Value read_virtualization(const View&);
Value read_container(const View&);
Value read_package_manager(const View&);
Value read_service_manager(const View&);
Value read_network(const View&);
Value read_users(const View&);
Value read_user(const View&);
Value read_local(const View&);

}  // namespace chaos::facts
