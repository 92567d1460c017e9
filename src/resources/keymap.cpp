// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <chaos/plan.hpp>

#include "beside.hpp"
#include "kinds.hpp"
#include "paths.hpp"
#include "settings.hpp"

namespace chaos::resources {
namespace {

constexpr const char* console_file = "/etc/vconsole.conf";
constexpr const char* debian_file = "/etc/default/keyboard";

struct Keymap {
    std::optional<std::string> layout{}, model{}, variant{}, options{};
    Beside console{};
    std::optional<Content> file{}, console_text{};
};

constexpr Field fields[] = {
    schema::property<&Keymap::layout>("layout", "The keyboard's layout: us, de, or us,ru for two of them.")
        .example("br")
        .otherwise("as it is"),
    schema::property<&Keymap::model>("model", "Which keyboard it is.").example("pc105").otherwise("as it is"),
    schema::property<&Keymap::variant>("variant", "A variant of the layout.").example("dvorak").otherwise("as it is"),
    schema::property<&Keymap::options>("options", "What else XKB is told.")
        .example("\"caps:escape,compose:ralt\"")
        .otherwise("as they are"),
    schema::property<&Keymap::console>(
        "console",
        "The keymap of the text console in /etc/vconsole.conf: true, that of the layout; "
        "false, none is said; or another one.")
        .example("br-abnt2")
        .otherwise("true"),
    schema::seen<&Keymap::file>("file", "/etc/default/keyboard, to the byte.").example("\"XKBLAYOUT=us\\n\""),
    schema::seen<&Keymap::console_text>("console_text", "/etc/vconsole.conf, to the byte.").example("\"KEYMAP=us\\n\""),
};

constexpr Schema keymap =
    schema::of<Keymap>(
        "keymap", "keymap", Order::setting,
        "The keyboard of consoles and graphical sessions, from the next boot on (`setupcon` or `loadkeys` "
        "sets a console at once).",
        fields)
        .body("layout")
        .requires_({.root = true});

/// Attributes and the variables that hold them.
struct Setting {
    std::string_view name, variable;
    std::optional<std::string> Keymap::*member;
};
constexpr Setting settings[] = {{"layout", "XKBLAYOUT", &Keymap::layout},
                                {"model", "XKBMODEL", &Keymap::model},
                                {"variant", "XKBVARIANT", &Keymap::variant},
                                {"options", "XKBOPTIONS", &Keymap::options}};

bool is_debian(const Host& host) {
    return bool(host.look("/etc/debian_version"));
}

/// The file of XKB's variables: systemd has them beside the keymap of the console.
std::string xkb_file(const Host& host) {
    return is_debian(host) ? debian_file : console_file;
}

/// The first of the layouts: what a console can have.
std::string first_of(const std::string& layout) {
    return layout.substr(0, layout.find(','));
}

bool fits(std::string_view text) {
    return std::ranges::all_of(text, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               std::string_view("_-.,:+()").find(c) != std::string_view::npos;
    });
}

class KeymapType final : public TypedResource<Keymap> {
public:
    constexpr KeymapType() : TypedResource(keymap) {}

    std::optional<Keymap> observe(const View& view, const Keymap& wanted, bool whole) const override {
        const Host& host = view.host();
        const auto file = shared_file(host, xkb_file(host)), console = shared_file(host, console_file);
        Keymap found{.console_text = console.content()};
        if (is_debian(host)) found.file = file.content();
        for (const auto& [name, variable, member] : settings)
            if (whole || wanted.*member || member == &Keymap::layout)
                found.*member = assigned(file.said(), variable).value_or("");
        // A layout of XKB that systemd's file does not say is that of its keymap.
        if (!is_debian(host) && found.layout->empty()) found.layout = assigned(console.said(), "KEYMAP").value_or("");
        auto keymap_said = assigned(console.said(), "KEYMAP");
        if (keymap_said && keymap_said->empty()) keymap_said.reset();
        found.console = Beside::of(keymap_said, first_of(*found.layout));
        return found;
    }

    void review(const Resource& resource, Diagnostics& problems) const override {
        const Keymap& spec = *resource.wanted.as<Keymap>();
        if (resource.absent)
            return problems.add(Error(resource.where, "a host can not be without a keymap").help("keymap: us"));
        for (const auto& [name, variable, member] : settings)
            if (spec.*member && !fits(*(spec.*member)))
                problems.add(
                    Error(resource.where, fmt::format("'{}' can be no {} of a keyboard", *(spec.*member), name))
                        .help("write it as XKB does: man 7 xkeyboard-config"));
        if (spec.layout && spec.layout->empty())
            problems.add(Error(resource.where, "a keyboard has a layout").help("keymap: us"));
        if (spec.console.other && !fits(*spec.console.other))
            problems.add(Error(resource.where, "'" + *spec.console.other + "' can be no keymap of a console")
                             .help("localectl list-keymaps"));
    }

    std::vector<Companion> resolve(const View& view, std::span<Change> changes, Diagnostics& problems) const override {
        constexpr std::string_view symbols = "/usr/share/X11/xkb/symbols";
        Parents parents(view);
        for (std::size_t i = 0; i < changes.size(); ++i) {
            const Keymap* after = changes[i].after.as<Keymap>();
            if (!after) continue;
            parents.above(shared_file(view.host(), xkb_file(view.host())).path, i, changes[i].where, problems);
            const auto& layout = after->layout.value_or("");
            const auto known = is_debian(view.host()) ? view->list(std::string(symbols)) : std::vector<std::string>();
            for (std::size_t at = 0; !known.empty() && at <= layout.size();) {
                const auto end = std::min(layout.find(',', at), layout.size());
                const auto one = layout.substr(at, std::min(layout.find('(', at), end) - at);
                if (!one.empty() && std::find(known.begin(), known.end(), one) == known.end())
                    problems.add(Error(changes[i].where, fmt::format("there is no layout '{}'", one))
                                     .help(fmt::format("see what there is: ls {}", symbols)));
                at = end + 1;
            }
        }
        return parents.take();
    }

    void claims(const State&, std::vector<Claim>& claims) const override {
        claims.push_back({Claim::Role::needs, "package:keyboard-configuration"});
        for (const char* path : {debian_file, console_file}) claim_path(path, {}, {}, claims);
    }

    void apply(WritableHost& host, const Keymap*, const Keymap* to, bool) const override {
        if (!to) return;
        TextMap xkb, console;
        for (const auto& [name, variable, member] : settings)
            if (to->*member) xkb.emplace_back(variable, *(to->*member));
        const auto keymap_said = to->console.text(first_of(to->layout.value_or("")));
        console.emplace_back("KEYMAP", keymap_said.value_or(""));
        const bool one_file = shared_file(host, console_file).path == shared_file(host, debian_file).path;
        if (is_debian(host) && one_file) {  // newer ones link the second to the first
            xkb.insert(xkb.end(), console.begin(), console.end());
            return set(host, debian_file, xkb, to->file);
        }
        if (is_debian(host)) {
            set(host, debian_file, xkb, to->file);
        } else {
            // A console's keymap says the layout where nothing else does.
            const auto file = shared_file(host, console_file);
            if (!assigned(file.said(), "XKBLAYOUT") && to->console.same && xkb.size() == 1) xkb.clear();
            console.insert(console.end(), xkb.begin(), xkb.end());
        }
        set(host, console_file, console, to->console_text);
    }

private:
    /// Sets what is given (an empty one goes); bytes that were seen and say the same come back.
    static void set(WritableHost& host, const char* path, const TextMap& wanted, const std::optional<Content>& seen) {
        const auto file = shared_file(host, path);
        const auto says = [&](std::string_view text) {
            return std::ranges::all_of(
                wanted, [&](const auto& entry) { return assigned(text, entry.first).value_or("") == entry.second; });
        };
        const auto bare = [&](std::string text) {
            for (const auto& [key, value] : wanted) text = assign(text, key, std::nullopt);
            return text;
        };
        if (seen && says(seen->bytes()) && bare(seen->bytes()) == bare(std::string(file.said())))
            return put(host, file, seen->bytes(), true);
        if (says(file.said())) return;
        std::string text(file.said());
        for (const auto& [key, value] : wanted)
            if (assigned(text, key).value_or("") != value)
                text = assign(text, key, value.empty() ? std::nullopt : std::optional(value));
        put(host, file, text);
    }
};

constexpr KeymapType type;

}  // namespace

const ResourceType& keymap_type() {
    return type;
}

}  // namespace chaos::resources
