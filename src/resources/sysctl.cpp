// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chaos/plan.hpp>

#include "beside.hpp"
#include "kinds.hpp"
#include "lines.hpp"
#include "paths.hpp"

namespace chaos::resources {
namespace {

constexpr const char* file = "/etc/sysctl.d/60-chaos.conf";
constexpr std::string_view heading = "# Kept by chaos, a line a key; other lines are left alone.";

struct Sysctl {
    std::string key{}, value{};
    Beside at_boot{};
};

/// Dots and slashes change places.
std::string swapped(std::string_view key) {
    std::string out(key);
    for (char& c : out) c = c == '.' ? '/' : c == '/' ? '.' : c;
    return out;
}

/// As sysctl.d(5) has it: the first separator decides. Clean is with dots; a dot inside a name is then a slash
/// (`net.ipv4.conf.eth0/100.forwarding`).
std::string clean_key(std::string_view key) {
    const auto first = key.find_first_of("./");
    const auto clean = first != std::string_view::npos && key[first] == '/' ? swapped(key) : std::string(key);
    const auto fits = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               std::string_view("._-/:@+").find(c) != std::string_view::npos;
    };
    if (first == std::string_view::npos || !std::all_of(clean.begin(), clean.end(), fits) || clean.front() == '.' ||
        clean.back() == '.' || clean.find("..") != std::string::npos)
        throw Error(fmt::format("'{}' is no kernel parameter", key))
            .help("write it with dots, as sysctl -a shows it: net.ipv4.ip_forward");
    return clean;
}

std::string kernel_path(const std::string& key) {
    return "/proc/sys/" + swapped(key);
}

/// The kernel shows tabs where people write blanks.
std::string even(std::string_view value) {
    std::string out;
    for (const char c : trimmed(value)) {
        const bool blank = c == ' ' || c == '\t';
        if (!blank)
            out += c;
        else if (out.back() != ' ')
            out += ' ';
    }
    return out;
}

/// Key and value of a line; an empty key where it sets nothing.
std::pair<std::string, std::string> setting(std::string_view line) {
    line = trimmed(line);
    const auto equals = line.find('=');
    if (line.empty() || line.front() == '#' || line.front() == ';' || equals == std::string_view::npos) return {};
    auto key = trimmed(line.substr(0, equals));
    if (key.starts_with('-')) key.remove_prefix(1);
    const auto first = key.find_first_of("./");
    const bool slashes = first != std::string_view::npos && key[first] == '/';
    return {slashes ? swapped(key) : std::string(key), even(line.substr(equals + 1))};
}

/// What a file of sysctl.d sets a key to: the last line counts.
std::optional<std::string> value_in(std::string_view text, const std::string& key) {
    std::optional<std::string> value;
    for (const auto line : lines_of(text))
        if (auto [name, said] = setting(line); name == key) value = std::move(said);
    return value;
}

/// The text with one key set, or without it; all other lines stay. Keys are sorted, so that one that went and came back
/// is where it was.
std::string with_value(std::string_view text, const std::string& key, const std::optional<std::string>& value) {
    std::string out;
    bool done = !value;
    const auto set = [&] { out += fmt::format("{} = {}\n", key, *value), done = true; };
    for (const auto line : lines_of(text)) {
        const auto name = setting(line).first;
        if (!done && name >= key) set();
        if (name != key) out.append(line).append("\n");
    }
    if (!done && out.empty()) out.append(heading).append("\n");
    if (!done) set();
    return out == std::string(heading) + "\n" ? "" : out;
}

constexpr Field fields[] = {
    schema::key<&Sysctl::key>("key", "The parameter, with dots or with slashes.").example("net.core.somaxconn"),
    schema::property<&Sysctl::value>("value", "What it is set to; how blanks are written does not matter.")
        .needed()
        .example("4096"),
    schema::property<&Sysctl::at_boot>("at_boot",
                                       "What /etc/sysctl.d/60-chaos.conf sets it to at the next boot: true, the same; "
                                       "false, nothing; or another value.")
        .example("true")
        .otherwise("true"),
};

constexpr Schema sysctl = schema::of<Sysctl>("sysctl", "sysctl", Order::setting,
                                             "A parameter of the running kernel, set now and at every boot.", fields)
                              .body("value")
                              .requires_({.root = true})
                              .keyed(clean_key);

class SysctlType final : public TypedResource<Sysctl> {
public:
    constexpr SysctlType() : TypedResource(sysctl) {}

    struct Kept {
        std::string text;
        static Kept read(const View& view) {
            Kept kept;
            view->look(file, &kept.text);
            return kept;
        }
    };

    std::optional<Sysctl> observe(const View& view, const Sysctl& wanted, bool) const override {
        Sysctl found{.key = wanted.key};
        const auto in_file = value_in(view.once<Kept>().text, wanted.key);
        std::string running;
        if (!view->live()) {
            if (!in_file) return std::nullopt;
            running = *in_file;
        } else if (!view->look(kernel_path(wanted.key), &running)) {
            return std::nullopt;
        }
        running = even(running);
        found.at_boot = Beside::of(in_file, running);
        found.value = running == even(wanted.value) ? wanted.value : running;
        return found;
    }

    void review(const Resource& resource, Diagnostics& problems) const override {
        const Sysctl& spec = *resource.wanted.as<Sysctl>();
        if (resource.absent) return;
        for (const auto& value : {std::optional(spec.value), spec.at_boot.other}) {
            if (!value) continue;
            const auto clean = trimmed(*value);
            const auto breaks = [](char c) { return static_cast<unsigned char>(c) < ' ' && c != '\t'; };
            if (clean.empty())
                problems.add(Error(resource.where, spec.key + " needs a value").help("write " + spec.key + ": VALUE"));
            else if (std::any_of(clean.begin(), clean.end(), breaks))
                problems.add(Error(resource.where, "expected one line as the value of " + spec.key + ", found more")
                                 .help("values with blanks between them are one line: \"4096 131072 6291456\""));
        }
    }

    std::vector<Companion> resolve(const View& view, std::span<Change> changes, Diagnostics& problems) const override {
        for (Change& change : changes) {
            const Sysctl *before = change.before.as<Sysctl>(), *after = change.after.as<Sysctl>();
            if (after && !before && view->live())
                problems.add(Error(change.where, "this kernel has no parameter " + change.id.key)
                                 .help("see what it has: sysctl -a; one of a module is there when that is loaded"));
            // A parameter can not be without a value: it is not set any more, and keeps the one it has until the next
            // boot.
            if (!after && view->live()) {
                Sysctl left = *before;
                left.at_boot = {false, std::nullopt};
                change.after = State::of(std::move(left));
            }
        }
        return {};
    }

    /// Files that are read later win at the next boot.
    void check(const View& view, std::span<const Change> changes, Diagnostics& problems) const override {
        std::vector<std::pair<std::string, std::string>> later;
        for (const auto& name : view->list("/etc/sysctl.d"))
            if (name.ends_with(".conf") && "/etc/sysctl.d/" + name > file)
                if (std::string text; view->look("/etc/sysctl.d/" + name, &text).kind == Entry::Kind::file)
                    later.emplace_back("/etc/sysctl.d/" + name, std::move(text));
        if (std::string text; view->look("/etc/sysctl.conf", &text).kind == Entry::Kind::file)
            later.emplace_back("/etc/sysctl.conf", std::move(text));
        for (const Change& change : changes) {
            const Sysctl* after = change.after.as<Sysctl>();
            if (!after || !after->at_boot.text(after->value)) continue;
            for (const auto& [path, text] : later)
                if (const auto value = value_in(text, after->key); value && *value != even(after->value))
                    problems.note(Error(change.where, fmt::format("{} sets {} to {} and is read later: it wins at boot",
                                                                  path, after->key, *value))
                                      .help("take the line out of " + path));
        }
    }

    /// What the kernel lets go only one way, and what changes others along with it.
    Undo undo_of(const Change& change) const override {
        static constexpr std::array<std::string_view, 4> one_way = {
            "kernel.kexec_load_disabled", "kernel.modules_disabled", "kernel.unprivileged_bpf_disabled",
            "kernel.yama.ptrace_scope"};
        const auto& key = change.id.key;
        if (std::ranges::find(one_way, key) != one_way.end()) return Undo::none;
        const bool spreads = key == "net.ipv4.ip_forward" || key.starts_with("net.ipv4.conf.all.") ||
                             key.starts_with("net.ipv6.conf.all.") || key.ends_with(".conf.all.forwarding");
        return spreads ? Undo::effort : Undo::exact;
    }

    Way way() const override { return Way::calls; }
    bool batches() const override { return true; }

    void apply_all(WritableHost& host, std::span<const Change> changes) const override {
        std::string text;
        host.look(file, &text);
        const auto before = text;
        for (const Change& change : changes) {
            const Sysctl* to = change.after.as<Sysctl>();
            std::optional<std::string> line;
            if (to) line = to->at_boot.text(even(to->value));
            if (value_in(text, change.id.key) != line) text = with_value(text, change.id.key, line);
        }
        if (text.empty())
            host.remove(file);
        else if (text != before)
            host.write(file, Content(text), {.mode = 0644});
        if (!host.live()) return;
        for (const Change& change : changes)
            if (const Sysctl* to = change.after.as<Sysctl>()) set(host, *to);
    }
    void apply(WritableHost& host, const Sysctl* from, const Sysctl* to, bool) const override {
        const Change change{
            {"sysctl", (to ? to : from)->key}, from ? State::of(*from) : State(), to ? State::of(*to) : State()};
        apply_all(host, std::span(&change, 1));
    }

private:
    static void set(WritableHost& host, const Sysctl& to) {
        std::string running;
        const auto path = kernel_path(to.key);
        if (host.look(path, &running) && even(running) == even(to.value)) return;
        host.set_kernel(path, even(to.value));
    }
};

constexpr SysctlType type;

}  // namespace

const ResourceType& sysctl_type() {
    return type;
}

}  // namespace chaos::resources
