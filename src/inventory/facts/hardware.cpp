// SPDX-License-Identifier: Apache-2.0
#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#endif
#include <fmt/format.h>

#include <array>
#include <cstring>

#include "../text.hpp"
#include "facts.hpp"

namespace chaos::facts {
namespace {

/// What a hypervisor calls itself to its guest's processor; empty on bare metal.
std::string cpu_hypervisor() {
#if defined(__x86_64__) || defined(__i386__)
    unsigned a = 0, b = 0, c = 0, d = 0;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & (1U << 31))) return {};
    std::array<unsigned, 3> words{};
    __cpuid(0x40000000, a, words[0], words[1], words[2]);
    std::array<char, 13> name{};
    std::memcpy(name.data(), words.data(), 12);
    return name.data();
#else
    return {};
#endif
}

const char* truth(bool value) {
    return value ? "true" : "false";
}

}  // namespace

std::string parse_cpu_model(std::string_view cpuinfo) {
    std::string model;
    for_lines(cpuinfo, [&](std::string_view line) {
        const std::size_t colon = line.find(':');
        if (!model.empty() || colon == line.npos) return;
        const auto key = fields<1>(line.substr(0, colon), '\t')[0];
        if (key != "model name" && key != "Model" && key != "cpu model" && key != "uarch") return;
        for_words(line.substr(colon + 1), '\n', [&](std::string_view word) { model = word; });
    });
    return model;
}

std::size_t parse_cpu_list(std::string_view list) {
    std::size_t count = 0;
    for_words(list, ',', [&](std::string_view range) {
        const auto ends = fields<2>(range, '-');
        const auto first = number<std::size_t>(ends[0]);
        const auto last = ends[1].empty() ? first : number<std::size_t>(ends[1]);
        if (first && last && *last >= *first) count += *last - *first + 1;
    });
    return count;
}

std::uint64_t parse_meminfo(std::string_view meminfo, std::string_view key) {
    std::uint64_t bytes = 0;
    for_lines(meminfo, [&](std::string_view line) {
        const auto field = fields<2>(line, ':');
        if (field[0] != key) return;
        bool first = true;
        for_words(field[1], ' ', [&](std::string_view word) {
            if (first) bytes = number<std::uint64_t>(word).value_or(0) * 1024;
            first = false;
        });
    });
    return bytes;
}

std::string parse_virtualization(std::string_view vendor, std::string_view product, std::string_view cpu) {
    // The firmware first: it knows whose cloud it is, where the processor says only kvm.
    constexpr std::pair<std::string_view, const char*> vendors[] = {
        {"Amazon EC2", "amazon"},         {"Google", "google"},       {"VMware", "vmware"}, {"innotek GmbH", "oracle"},
        {"Oracle Corporation", "oracle"}, {"Parallels", "parallels"}, {"Xen", "xen"},       {"Bochs", "bochs"}};
    constexpr std::pair<std::string_view, const char*> processors[] = {
        {"KVMKVMKVM", "kvm"},       {"Linux KVM Hv", "kvm"},       {"TCGTCGTCGTCG", "qemu"},
        {"VMwareVMware", "vmware"}, {"Microsoft Hv", "microsoft"}, {"XenVMMXenVMM", "xen"},
        {"bhyve bhyve ", "bhyve"},  {"VBoxVBoxVBox", "oracle"},    {"ACRNACRNACRN", "acrn"}};
    for (const auto& [name, kind] : vendors) {
        // Real machines of these makers have names of their own.
        if (name == "Google" ? product == "Google Compute Engine"
            : name == "Amazon EC2" || name == "Oracle Corporation"
                ? vendor.starts_with(name) && (!cpu.empty() || product == "VirtualBox")
                : vendor.starts_with(name))
            return kind;
    }
    for (const auto& [name, kind] : processors) {
        if (cpu == name) return kind;
    }
    if (vendor == "QEMU") return "qemu";
    return cpu.empty() ? "none" : "vm-other";
}

std::string parse_container(std::string_view systemd, std::string_view environment_of_first) {
    std::string name;
    for_lines(systemd, [&](std::string_view line) { name = line; });
    for_words(environment_of_first, '\0', [&](std::string_view variable) {
        if (name.empty() && variable.starts_with("container=")) name = variable.substr(10);
    });
    return name;
}

Value read_cpu(const View& view) {
    const std::size_t count = parse_cpu_list(read_line(view.host(), "/sys/devices/system/cpu/online"));
    const std::string model = parse_cpu_model(read_text(view.host(), "/proc/cpuinfo").value_or(""));
    return map_of({{"count", fmt::to_string(count)}, {"model", model}});
}

Value read_memory(const View& view) {
    const auto text = read_text(view.host(), "/proc/meminfo");
    return map_of({{"total", fmt::to_string(parse_meminfo(text.value_or(""), "MemTotal"))}});
}

Value read_free_memory(const View& view) {
    const auto text = read_text(view.host(), "/proc/meminfo");
    return Value(fmt::to_string(parse_meminfo(text.value_or(""), "MemAvailable")));
}

Value read_disks(const View& view) {
    Value::Map disks;
    for (const std::string& name : view->list("/sys/block")) {
        if (name.starts_with("loop") || name.starts_with("ram") || name.starts_with("zram") || name.starts_with("dm-"))
            continue;
        const std::string at = "/sys/block/" + name;
        const auto sectors = number<std::uint64_t>(read_line(view.host(), at + "/size"));
        if (!sectors || *sectors == 0) continue;  // a drive without a medium
        add(disks, name,
            map_of({{"size", fmt::to_string(*sectors * 512)},
                    {"model", read_line(view.host(), at + "/device/model")},
                    {"rotational", truth(read_line(view.host(), at + "/queue/rotational") == "1")},
                    {"removable", truth(read_line(view.host(), at + "/removable") == "1")}}));
    }
    return Value(std::move(disks));
}

Value read_virtualization(const View& view) {
    if (!view->live()) return Value(std::string());
    std::string found =
        parse_virtualization(read_line(view.host(), "/sys/class/dmi/id/sys_vendor"),
                             read_line(view.host(), "/sys/class/dmi/id/product_name"), cpu_hypervisor());
    if (found == "none" && read_line(view.host(), "/sys/hypervisor/type") == "xen") found = "xen";
    const std::string tree = read_text(view.host(), "/proc/device-tree/hypervisor/compatible").value_or("");
    if (found == "none" && tree.starts_with("linux,kvm")) found = "kvm";
    return Value(std::move(found));
}

Value read_container(const View& view) {
    if (!view->live()) return Value(std::string());
    std::string found = parse_container(read_line(view.host(), "/run/systemd/container"),
                                        read_text(view.host(), "/proc/1/environ").value_or(""));
    if (found.empty() && view->look("/run/.containerenv")) found = "podman";
    if (found.empty() && view->look("/.dockerenv")) found = "docker";
    return Value(found.empty() ? std::string("none") : std::move(found));
}

}  // namespace chaos::facts
