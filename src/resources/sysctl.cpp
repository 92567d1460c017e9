// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chaos/passes_boots.hpp>
#include <chaos/plan.hpp>
#include <map>

#include "beside.hpp"
#include "kinds.hpp"
#include "lines.hpp"
#include "paths.hpp"

namespace chaos::resources {
namespace {

constexpr std::string_view file_name = "60-chaos.conf";
constexpr const char* file = "/etc/sysctl.d/60-chaos.conf";
constexpr std::string_view heading = "# Kept by chaos, a line a key; other lines are left alone.";

struct Sysctl {
    std::string key{}, value{};
    Beside at_boot{};
    std::optional<TextMap> along{};
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

/// The parameters that the kernel sets along with this one, as they are: of each network device the one of its name;
/// and that redirects are accepted, where a host does not forward.
std::optional<TextMap> along_with(const Host& host, const std::string& key) {
    std::string family = "net.ipv4", name = "forwarding";
    if (key != "net.ipv4.ip_forward") {
        const auto conf = key.find(".conf.");
        if (conf == key.npos || !key.starts_with("net.ipv")) return std::nullopt;
        const auto device = std::string_view(key).substr(conf + 6);
        const auto dot = device.find('.');
        if (dot == device.npos || (device.substr(0, dot) != "all" && device.substr(0, dot) != "default"))
            return std::nullopt;
        family = key.substr(0, conf), name = device.substr(dot + 1);
    }
    TextMap along;
    const auto add = [&](const std::string& path) {
        std::string text;
        const auto other = swapped(std::string_view(path).substr(kernel_path("").size()));
        if (other != key && host.look(path, &text)) along.emplace_back(other, even(text));
    };
    const auto devices = kernel_path(family + ".conf");
    for (const auto& device : host.list(devices)) {
        add(fmt::format("{}/{}/{}", devices, device, name));
        if (name == "forwarding") add(fmt::format("{}/{}/accept_redirects", devices, device));
    }
    if (name == "forwarding" && family == "net.ipv4") add(kernel_path("net.ipv4.ip_forward"));
    std::sort(along.begin(), along.end());
    return along;
}

/// Of a file, or of what a link (99-sysctl.conf) leads to.
std::string text_of(const Host& host, const std::string& path) {
    std::string text;
    if (host.look(path, &text).kind != Entry::Kind::link) return text;
    auto above = path.substr(0, path.rfind('/'));
    std::string_view target = text;
    for (; target.starts_with("../"); target.remove_prefix(3)) above = above.substr(0, above.rfind('/'));
    const auto leads_to = target.starts_with('/') ? text : fmt::format("{}/{}", above, target);
    text.clear();
    return host.look(leads_to, &text).kind == Entry::Kind::file ? text : std::string();
}

/// What the files of sysctl.d set a key to at a boot, as systemd-sysctl reads them, with this value in ours.
std::optional<std::string> value_at_boot(const View& view, const std::string& key,
                                         const std::optional<std::string>& in_ours) {
    std::map<std::string, std::string> paths;  // of two files of one name the first directory's counts
    for (const char* directory :
         {"/etc/sysctl.d", "/run/sysctl.d", "/usr/local/lib/sysctl.d", "/usr/lib/sysctl.d", "/lib/sysctl.d"})
        for (const auto& name : view->list(directory))
            if (name.ends_with(".conf")) paths.emplace(name, fmt::format("{}/{}", directory, name));
    paths.emplace(file_name, file);
    std::optional<std::string> value;
    for (const auto& [name, path] : paths) {
        auto said = path == file ? in_ours : value_in(text_of(view.host(), path), key);
        if (said) value = std::move(said);
    }
    return value;
}

/// The value now, and what our file says of it, are two things that somebody may have changed, one without the other:
/// so each is compared, and goes back, by itself, though the one is written in words of the other.
std::optional<std::string> said_in_file(const void* spec) {
    const auto& it = *static_cast<const Sysctl*>(spec);
    auto said = it.at_boot.text(it.value);
    if (said) said = even(*said);
    return said;
}

void say_in_file(Sysctl& to, const std::optional<std::string>& said) {
    to.at_boot = Beside::of(said, even(to.value));
}

constexpr Field value_now(Field field) {
    field.copy = [](void* to, const void* from) {
        auto& it = *static_cast<Sysctl*>(to);
        const bool is_new = it.value.empty() && it.at_boot.same;  // of which our file says nothing of its own yet
        const auto said = said_in_file(to);
        it.value = static_cast<const Sysctl*>(from)->value;
        if (!is_new) say_in_file(it, said);
    };
    return field;
}

constexpr Field value_in_file(Field field) {
    field.same = [](const void* a, const void* b) { return said_in_file(a) == said_in_file(b); };
    field.copy = [](void* to, const void* from) { say_in_file(*static_cast<Sysctl*>(to), said_in_file(from)); };
    return field;
}

constexpr Field fields[] = {
    schema::key<&Sysctl::key>("key", "The parameter, with dots or with slashes.").example("net.core.somaxconn"),
    value_now(schema::property<&Sysctl::value>("value", "What it is set to; how blanks are written does not matter.")
                  .needed()
                  .example("4096")),
    value_in_file(
        schema::property<&Sysctl::at_boot>("at_boot",
                                           "What /etc/sysctl.d/60-chaos.conf sets it to at the next boot: true, the "
                                           "same; false, nothing; or another value.")
            .example("true")
            .otherwise("true")),
    schema::seen<&Sysctl::along>("along", "What the kernel sets along with it: those of each network device.")
        .example("{net.ipv4.conf.eth0.forwarding: 0}")
        .told_in_words(),
};

constexpr Schema sysctl = schema::of<Sysctl>("sysctl", "sysctl", Order::setting,
                                             "A parameter of the running kernel, set now and at every boot.", fields)
                              .body("value")
                              .requires_({.root = true})
                              .keyed(clean_key);

class SysctlType final : public TypedResource<Sysctl>, public PassesBoots {
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
        if (view->live()) found.along = along_with(view.host(), wanted.key);
        return found;
    }

    /// A value that was set by hand is gone; what the files say is set again.
    State after_boot(const View& view, const State& seen) const override {
        Sysctl spec = *seen.as<Sysctl>();
        const auto in_ours = spec.at_boot.text(spec.value);
        const auto value = value_at_boot(view, spec.key, in_ours);
        if (!value || even(*value) == even(spec.value)) return seen;
        spec.at_boot = Beside::of(in_ours, *value);
        spec.value = *value;
        return State::of(std::move(spec)).with_inputs(seen.inputs()).hiding(seen.hidden());
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

    /// What the kernel lets go only one way.
    Undo undo_of(const Change& change) const override {
        static constexpr std::array<std::string_view, 4> one_way = {
            "kernel.kexec_load_disabled", "kernel.modules_disabled", "kernel.unprivileged_bpf_disabled",
            "kernel.yama.ptrace_scope"};
        return std::ranges::find(one_way, change.id.key) != one_way.end() ? Undo::none : Undo::exact;
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
        for (int pass = 0; pass < 2; ++pass)  // one of them may have changed another along with it
            for (const Change& change : changes)
                if (const Sysctl* to = change.after.as<Sysctl>()) set(host, to->key, to->value);
    }

    /// The parameter itself first: the kernel sets others along with it once more.
    void undo_all(WritableHost& host, std::span<const Change> changes) const override {
        apply_all(host, changes);
        if (!host.live()) return;
        for (const Change& change : changes) {
            const Sysctl* to = change.after.as<Sysctl>();
            for (const auto& [key, value] : to && to->along ? *to->along : TextMap()) set(host, key, value);
        }
        for (const Change& change : changes)
            if (const Sysctl* to = change.after.as<Sysctl>()) set(host, to->key, to->value);
    }
    void apply(WritableHost& host, const Sysctl* from, const Sysctl* to, bool) const override {
        const Change change{
            {"sysctl", (to ? to : from)->key}, from ? State::of(*from) : State(), to ? State::of(*to) : State()};
        apply_all(host, std::span(&change, 1));
    }

private:
    static void set(WritableHost& host, const std::string& key, const std::string& value) {
        std::string running;
        const auto path = kernel_path(key);
        if (host.look(path, &running) && even(running) == even(value)) return;
        host.set_kernel(path, even(value));
    }
};

constexpr SysctlType type;

}  // namespace

const ResourceType& sysctl_type() {
    return type;
}

}  // namespace chaos::resources
