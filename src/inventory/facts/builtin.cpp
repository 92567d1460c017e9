// SPDX-License-Identifier: Apache-2.0
#include "facts.hpp"

#include <chaos/registry.hpp>

namespace chaos {
std::vector<Fact> builtin_facts() {
    using namespace facts;
    return {
        {"os", "id (debian), family (debian, redhat, arch, suse, alpine), version, codename and name of the system.",
         false, read_os},
        {"arch", "The machine, as uname has it: x86_64, aarch64.", false, read_arch},
        {"kernel", "release: of the running kernel; empty in an image.", false, read_kernel},
        {"cpu", "count: processors online; model: the name of the first.", false, read_cpu},
        {"memory", "total: bytes.", false, read_memory},
        {"free_memory", "Bytes that could be had now without swapping.", true, read_free_memory},
        {"disks", "By name: size in bytes, model, rotational and removable (true or false).", false, read_disks},
        {"hostname", "The host's own name, without a domain.", false, read_hostname},
        {"fqdn", "Its full name, from /etc/hosts; without one there, hostname. DNS is not asked.", false, read_fqdn},
        {"machine_id", "/etc/machine-id; empty where there is none yet.", false, read_machine_id},
        {"virtualization", "kvm, vmware, xen, amazon...; none on bare metal. Empty in an image.", false,
         read_virtualization},
        {"container", "docker, podman, lxc, systemd-nspawn...; none outside of one. Empty in an image.", false,
         read_container},
        {"package_manager", "apt, dnf, zypper, pacman, apk; none where there is none that is known.", false,
         read_package_manager},
        {"service_manager", "systemd, openrc, runit, sysvinit; none where there is none that is known.", false,
         read_service_manager},
        {"network",
         "interfaces: by name, mac, up, mtu and addresses; default: interface, gateway and address of the default "
         "route; "
         "dns: name servers.",
         true, read_network},
        {"users", "By name: uid, gid, home and shell, as in /etc/passwd.", false, read_users},
        {"user", "name, uid and home of who runs chaos.", false, read_user},
        {"local", "Your own: what /etc/chaos/facts.d/NAME.yml (or .json) says is local.NAME.", false, read_local},
    };
}

}  // namespace chaos
