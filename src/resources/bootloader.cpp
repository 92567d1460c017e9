// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <chaos/plan.hpp>

#include "account_files.hpp"
#include "kinds.hpp"
#include "lines.hpp"
#include "paths.hpp"
#include "settings.hpp"

namespace chaos::resources {

enum class Loader : char { none, grub, refind, systemd_boot };

}  // namespace chaos::resources

namespace chaos {

constexpr std::string_view loader_words[] = {"none", "grub", "refind", "systemd-boot"};
template <>
struct Codec<resources::Loader> : WordCodec<resources::Loader, loader_words> {
    static constexpr std::string_view name = "grub, refind or systemd-boot",
                                      json = R"({"enum":["grub","refind","systemd-boot"]})";
    static constexpr Merge merge = Merge::whole;
};

}  // namespace chaos

namespace chaos::resources {
namespace {

constexpr const char* drop_in = "/etc/default/grub.d/90-chaos.cfg";
constexpr const char* main_file = "/etc/default/grub";
constexpr const char* command_line = "GRUB_CMDLINE_LINUX";
constexpr const char* also_command_line = "GRUB_CMDLINE_LINUX_DEFAULT";

struct Bootloader {
    std::optional<Loader> name{};
    std::optional<std::vector<std::string>> cmdline{};
    std::optional<std::string> menu_timeout{};
    std::optional<Content> text{};
};

constexpr Field fields[] = {
    schema::property<&Bootloader::name>("name",
                                        "Which one it is. An apply only asks for it: it never installs one, nor "
                                        "writes a boot sector.")
        .example("grub"),
    schema::property<&Bootloader::cmdline>("cmdline", "Words of the kernel's command line. Adds: others stay.")
        .example("[quiet, audit=1]")
        .otherwise("as it is"),
    schema::property<&Bootloader::menu_timeout>("menu_timeout", "Seconds that the menu waits; -1: for ever.")
        .example("3")
        .otherwise("as it is"),
    schema::seen<&Bootloader::text>("text", "The file that is written, to the byte.").example("\"GRUB_TIMEOUT=5\\n\""),
};

constexpr Schema bootloader =
    schema::of<Bootloader>("bootloader", "bootloader", Order::setting,
                           "The boot loader that is installed: the kernel's command line and the menu. Its "
                           "configuration is made anew when one of them changes.",
                           fields)
        .body("name")
        .requires_({.root = true});

/// Debian and what comes of it read drop-ins; elsewhere the one file is set.
bool has_drop_ins(const Host& host) {
    return bool(host.look("/etc/debian_version"));
}

std::string path_of(const Host& host) {
    return has_drop_ins(host) ? drop_in : main_file;
}

/// What makes the configuration, and where it lies; nothing where grub is not installed.
std::optional<Command> generator(const Host& host) {
    if (host.look("/usr/sbin/update-grub")) return Command{{"update-grub"}};
    for (const char* directory : {"/boot/grub", "/boot/grub2"}) {
        const std::string tool = directory == std::string_view("/boot/grub") ? "grub-mkconfig" : "grub2-mkconfig";
        for (const char* bin : {"/usr/bin/", "/usr/sbin/"})
            if (host.look(bin + tool) && host.look(directory))
                return Command{{tool, "-o", fmt::format("{}/grub.cfg", directory)}};
    }
    return std::nullopt;
}

Loader installed(const Host& host) {
    for (const char* efi : {"/boot/efi/EFI/refind", "/boot/EFI/refind", "/efi/EFI/refind"})
        if (host.look(efi)) return Loader::refind;
    for (const char* path : {"/boot/loader/loader.conf", "/efi/loader/loader.conf", "/boot/efi/loader/loader.conf"})
        if (host.look(path)) return Loader::systemd_boot;
    return generator(host) ? Loader::grub : Loader::none;
}

std::vector<std::string> words_of(std::string_view text) {
    std::vector<std::string> words;
    while (!(text = trimmed(text)).empty()) {
        const auto word = text.substr(0, text.find_first_of(" \t"));
        words.emplace_back(word);
        text.remove_prefix(word.size());
    }
    std::sort(words.begin(), words.end());
    words.erase(std::unique(words.begin(), words.end()), words.end());
    return words;
}

/// What the files but ours have in a variable, as a shell reads them one after the other.
std::string said_elsewhere(const Host& host, const std::string& variable) {
    std::vector<std::string> paths{main_file};
    if (has_drop_ins(host))
        for (const auto& name : host.list("/etc/default/grub.d"))
            if (name.ends_with(".cfg")) paths.push_back("/etc/default/grub.d/" + name);
    std::string value;
    for (const auto& path : paths) {
        if (path == path_of(host)) continue;
        const auto file = shared_file(host, path);
        const auto said = assigned(file.said(), variable);
        if (!said) continue;
        std::string next = *said;
        for (const std::string& self : {"${" + variable + "}", "$" + variable})
            for (auto at = next.find(self); at != next.npos; at = next.find(self, at + value.size()))
                next.replace(at, self.size(), value);
        value = next;
    }
    return value;
}

/// What our file adds to the command line.
std::vector<std::string> own_words(const Host& host, std::string_view text) {
    auto words = words_of(assigned(text, command_line).value_or(""));
    if (has_drop_ins(host)) std::erase(words, std::string("$") + command_line);
    return words;
}

std::vector<std::string> words_on(const Host& host, std::string_view own) {
    auto words = words_of(said_elsewhere(host, command_line) + " " + said_elsewhere(host, also_command_line) + " " +
                          (has_drop_ins(host) ? "" : assigned(own, also_command_line).value_or("")));
    const auto mine = own_words(host, own);
    words.insert(words.end(), mine.begin(), mine.end());
    std::sort(words.begin(), words.end());
    words.erase(std::unique(words.begin(), words.end()), words.end());
    return words;
}

class BootloaderType final : public TypedResource<Bootloader> {
public:
    constexpr BootloaderType() : TypedResource(bootloader) {}

    std::optional<Bootloader> observe(const View& view, const Bootloader& wanted, bool whole) const override {
        const Host& host = view.host();
        const auto file = shared_file(host, path_of(host));
        Bootloader found{.name = installed(host), .text = file.content()};
        // Where none is, none is asked for: check says so.
        if (found.name == Loader::none && wanted.name) found.name = wanted.name;
        if (whole || wanted.cmdline) found.cmdline = words_on(host, file.said());
        if (whole || wanted.menu_timeout)
            found.menu_timeout = assigned(file.said(), "GRUB_TIMEOUT").value_or(said_elsewhere(host, "GRUB_TIMEOUT"));
        return found;
    }

    void review(const Resource& resource, Diagnostics& problems) const override {
        const Bootloader& spec = *resource.wanted.as<Bootloader>();
        if (resource.absent)
            return problems.add(Error(resource.where, "a boot loader is never removed").help("take this entry out"));
        if (spec.name == Loader::none)
            problems.add(Error(resource.where, "expected one of grub, refind, systemd-boot, found 'none'")
                             .help("leave the section out where there is none"));
        for (const auto& word : spec.cmdline.value_or(std::vector<std::string>()))
            if (word.empty() || word.find_first_of(std::string_view(" \t\n\"'\\$`\0", 9)) != word.npos)
                problems.add(Error(resource.where, "'" + word + "' can be no word of a kernel's command line")
                                 .help("one word an item, without quotes: [quiet, console=ttyS0]"));
        if (spec.menu_timeout && *spec.menu_timeout != "-1" &&
            !(is_number(*spec.menu_timeout) && spec.menu_timeout->size() < 6))
            problems.add(Error(resource.where,
                               "expected whole seconds or -1 as menu_timeout, found '" + *spec.menu_timeout + "'")
                             .help("menu_timeout: 3"));
    }

    std::vector<Companion> resolve(const View& view, std::span<Change> changes, Diagnostics& problems) const override {
        const Loader there = installed(view.host());
        Parents parents(view);
        for (std::size_t i = 0; i < changes.size(); ++i) {
            const Change& change = changes[i];
            const Bootloader *before = change.before.as<Bootloader>(), *after = change.after.as<Bootloader>();
            if (!after) continue;
            const auto name = [](Loader one) { return loader_words[static_cast<std::size_t>(one)]; };
            if (after->name && before && after->name != before->name)
                problems.add(Error(change.where, fmt::format("the boot loader of this host is {}, and not {}: an apply "
                                                             "installs none",
                                                             name(there), name(*after->name)))
                                 .help(fmt::format("bootloader: {}", name(there))));
            else if (there != Loader::grub && there != Loader::none)
                problems.add(Error(change.where,
                                   fmt::format("cmdline and menu_timeout are set for grub; here is {}", name(there)))
                                 .help("manage its own file under files: /etc/kernel/cmdline, or refind_linux.conf"));
            else
                parents.above(path_of(view.host()), i, change.where, problems);
        }
        return parents.take();
    }

    void claims(const State&, std::vector<Claim>& claims) const override {
        for (const char* package : {"grub-common", "grub2-common", "grub", "grub-pc", "grub-efi-amd64"})
            claims.push_back({Claim::Role::needs, std::string("package:") + package});
        claims.push_back({Claim::Role::provides, std::string("path:") + drop_in});
        claims.push_back({Claim::Role::needs, "path:/etc/default/grub.d"});
    }

    void check(const View& view, std::span<const Change> changes, Diagnostics& problems) const override {
        for (const Change& change : changes)
            if (change.after && installed(view.host()) == Loader::none)
                problems.note(
                    Error(change.where, "no boot loader is installed here: what is set counts from when one is"));
    }

    Way way() const override { return Way::opaque; }
    Footprint footprint() const override {
        static constexpr std::string_view contents[] = {"/boot/grub/grub.cfg", "/boot/grub2/grub.cfg"};
        return {.contents = contents};
    }

    void apply(WritableHost& host, const Bootloader*, const Bootloader* to, bool) const override {
        if (!to) return;
        const auto file = shared_file(host, path_of(host));
        const auto text = wanted_text(host, file, *to);
        if (text == file.said() && (file.text || text.empty())) return;
        put(host, file, text, to->text && to->text->bytes() == text);
        if (const auto command = generator(host)) must(host, *command);
    }

private:
    static bool says(const Host& host, std::string_view text, const Bootloader& to) {
        if (to.cmdline && words_on(host, text) != *to.cmdline) return false;
        return !to.menu_timeout ||
               assigned(text, "GRUB_TIMEOUT").value_or(said_elsewhere(host, "GRUB_TIMEOUT")) == *to.menu_timeout;
    }

    static std::string bare(std::string_view text) {
        return assign(assign(text, command_line, std::nullopt), "GRUB_TIMEOUT", std::nullopt);
    }

    static std::string wanted_text(const Host& host, const SharedFile& file, const Bootloader& to) {
        if (to.text && says(host, to.text->bytes(), to) && bare(to.text->bytes()) == bare(file.said()))
            return to.text->bytes();
        if (says(host, file.said(), to)) return std::string(file.said());
        std::string text(file.said());
        if (to.cmdline) text = with_words(host, std::move(text), *to.cmdline);
        if (to.menu_timeout) {
            const auto elsewhere = said_elsewhere(host, "GRUB_TIMEOUT");
            const bool ours = has_drop_ins(host) && *to.menu_timeout == elsewhere;
            text = assign(text, "GRUB_TIMEOUT",
                          ours || to.menu_timeout->empty() ? std::nullopt : std::optional(*to.menu_timeout));
        }
        return text;
    }

    /// The words that others do not say, in the order they are in, new ones after them.
    static std::string with_words(const Host& host, std::string text, const std::vector<std::string>& wanted) {
        const auto is_in = [](const std::vector<std::string>& words, const std::string& word) {
            return std::find(words.begin(), words.end(), word) != words.end();
        };
        const auto elsewhere =
            words_of(said_elsewhere(host, command_line) + " " + said_elsewhere(host, also_command_line) + " " +
                     (has_drop_ins(host) ? "" : assigned(text, also_command_line).value_or("")));
        std::vector<std::string> words;
        const auto said = assigned(text, command_line).value_or("");
        for (std::string_view rest = said; !(rest = trimmed(rest)).empty();) {
            std::string word(rest.substr(0, rest.find_first_of(" \t")));
            rest.remove_prefix(word.size());
            if (is_in(wanted, word) && !is_in(words, word)) words.push_back(std::move(word));
        }
        for (const auto& word : wanted)
            if (!is_in(words, word) && !is_in(elsewhere, word)) words.push_back(word);
        if (!has_drop_ins(host))
            return assign(text, command_line,
                          words.empty() && !assigned(text, command_line)
                              ? std::nullopt
                              : std::optional(fmt::format("{}", fmt::join(words, " "))));
        if (words.empty()) return assign(text, command_line, std::nullopt);
        // The variable is the shell's to put in: written as it is, not quoted.
        text = assign(text, command_line, std::nullopt);
        return text + fmt::format("{0}=\"${0} {1}\"\n", command_line, fmt::join(words, " "));
    }
};

constexpr BootloaderType type;

}  // namespace

const ResourceType& bootloader_type() {
    return type;
}

}  // namespace chaos::resources
