// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chaos/plan.hpp>

#include "beside.hpp"
#include "kinds.hpp"
#include "lines.hpp"

namespace chaos::resources {
namespace {

constexpr const char* file = "/etc/hostname";
constexpr const char* kernel = "/proc/sys/kernel/hostname";

struct Hostname {
    std::string name{};
    Beside at_boot{};
};

constexpr Field fields[] = {
    schema::property<&Hostname::name>("name", "What the host is called, as far as the kernel is concerned.")
        .needed()
        .example("web1"),
    schema::property<&Hostname::at_boot>("at_boot",
                                         "What /etc/hostname says, for the next boot: true, the same; false, there is "
                                         "none; or another name.")
        .example("true")
        .otherwise("true"),
};

constexpr Schema hostname = schema::of<Hostname>("hostname", "hostname", Order::setting,
                                                 "The host's own name, now and after every boot.", fields)
                                .body("name")
                                .requires_({.root = true});

/// A name of RFC 1123: labels of letters, digits and inner hyphens, with dots between them; 64 characters are the
/// kernel's limit.
bool is_host_name(std::string_view name) {
    if (name.empty() || name.size() > 64) return false;
    for (std::size_t at = 0; at <= name.size();) {
        const auto end = std::min(name.find('.', at), name.size());
        const auto label = name.substr(at, end - at);
        const auto fits = [](char c) {
            return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
        };
        if (label.empty() || label.size() > 63 || label.front() == '-' || label.back() == '-') return false;
        if (!std::all_of(label.begin(), label.end(), fits)) return false;
        at = end + 1;
    }
    return true;
}

/// The first line that says something.
std::string name_in(std::string_view text) {
    for (const auto line : lines_of(text))
        if (const auto said = trimmed(line); !said.empty() && said.front() != '#') return std::string(said);
    return {};
}

/// The text with another name in it, and all else as it was.
std::string with_name(std::string_view text, const std::string& name) {
    std::string out;
    bool said = false;
    for (const auto line : lines_of(text)) {
        const auto word = trimmed(line);
        if (said || word.empty() || word.front() == '#')
            out.append(line).append("\n");
        else
            out.append(name).append("\n"), said = true;
    }
    return said ? out : out + name + "\n";
}

class HostnameType final : public TypedResource<Hostname> {
public:
    constexpr HostnameType() : TypedResource(hostname) {}

    std::optional<Hostname> observe(const View& view, const Hostname&, bool) const override {
        std::string text, running;
        const bool has_file = bool(view->look(file, &text));
        Hostname found{.name = name_in(text)};
        if (!view->live()) return has_file ? std::optional(found) : std::nullopt;
        if (!view->look(kernel, &running))
            throw Error(std::string(kernel) + " is not there: is /proc mounted?").help("mount -t proc proc /proc");
        std::optional<std::string> in_file;
        if (has_file) in_file = found.name;
        found.name = trimmed(running);
        found.at_boot = Beside::of(in_file, found.name);
        return found;
    }

    void review(const Resource& resource, Diagnostics& problems) const override {
        const Hostname& spec = *resource.wanted.as<Hostname>();
        if (resource.absent) return;
        refuse(spec.name, resource.where, problems);
        if (spec.at_boot.other) refuse(*spec.at_boot.other, resource.where, problems);
    }

    std::vector<Companion> resolve(const View&, std::span<Change> changes, Diagnostics& problems) const override {
        for (const Change& change : changes) {
            const Hostname* after = change.after.as<Hostname>();
            if (!after)
                problems.add(Error(change.where, "a host can not be without a name").help("give it another one"));
            else
                refuse(after->name, change.where, problems);
        }
        return {};
    }

    /// The file is its own, as long as it says what is in it.
    void claims(const State& state, std::vector<Claim>& claims) const override {
        const Hostname& spec = *state.as<Hostname>();
        if (spec.at_boot.text(spec.name)) claims.push_back({Claim::Role::provides, std::string("path:") + file});
    }

    Way way() const override { return Way::calls; }

    void apply(WritableHost& host, const Hostname*, const Hostname* to, bool) const override {
        if (!to) return host.remove(file);
        const auto in_file = to->at_boot.text(to->name);
        std::string text;
        const auto entry = host.look(file, &text);
        if (!in_file)
            host.remove(file);
        else if (!entry || name_in(text) != *in_file)
            host.write(file, Content(with_name(text, *in_file)), {.mode = entry ? entry.mode : 0644U});
        if (host.live()) host.set_kernel(kernel, to->name);
    }

private:
    static void refuse(const std::string& name, Place where, Diagnostics& problems) {
        if (!is_host_name(name))
            problems.add(Error(where, "'" + name + "' can not be a host's name")
                             .help("letters, digits and hyphens, with dots between labels; 64 characters at most"));
    }
};

constexpr HostnameType type;

}  // namespace

const ResourceType& hostname_type() {
    return type;
}

}  // namespace chaos::resources
