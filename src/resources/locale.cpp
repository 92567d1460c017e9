// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <chaos/plan.hpp>

#include "account_files.hpp"
#include "kinds.hpp"
#include "lines.hpp"
#include "paths.hpp"
#include "settings.hpp"
#include "text_list.hpp"

namespace chaos::resources {
namespace {

using Names = std::vector<std::string>;

constexpr const char* list_file = "/etc/locale.gen";
constexpr const char* supported_file = "/usr/share/i18n/SUPPORTED";
constexpr const char* archive = "/usr/lib/locale/locale-archive";
constexpr std::string_view definitions = "/usr/share/i18n/locales";

struct Locale {
    std::optional<std::string> lang{};
    std::optional<TextMap> variables{};
    std::optional<std::vector<std::string>> generate{};
    std::optional<TextList> pending{};
    std::optional<Content> file{}, list{};
};

constexpr Field fields[] = {
    schema::property<&Locale::lang>("lang",
                                    "LANG: the language of messages, and how dates, numbers and text are written.")
        .example("pt_BR.UTF-8")
        .otherwise("as it is"),
    schema::property<&Locale::variables>("variables", "LANGUAGE, and LC_... for what shall not be as in LANG.")
        .example("{LC_TIME: en_US.UTF-8}")
        .otherwise("as they are"),
    schema::property<&Locale::generate>("generate",
                                        "Locales that are there to be chosen: compiled, and active in /etc/locale.gen. "
                                        "What lang and variables name is added.")
        .example("[en_US.UTF-8, pt_BR.UTF-8]")
        .otherwise("as they are"),
    // A property, so that what was listed and not compiled is known, and comes back.
    schema::property<&Locale::pending>("pending", "What is active in /etc/locale.gen and not compiled. Only ever seen.")
        .example("[]")
        .otherwise("as it is"),
    schema::seen<&Locale::file>("file", "The file of lang and variables, to the byte.").example("\"LANG=C.UTF-8\\n\""),
    schema::seen<&Locale::list>("list", "/etc/locale.gen, to the byte.").example("\"# en_US.UTF-8 UTF-8\\n\""),
};

constexpr Schema locale =
    schema::of<Locale>(
        "locale", "locale", Order::setting,
        "The language of the host, in /etc/default/locale or /etc/locale.conf: sessions that begin later "
        "have it.",
        fields)
        .body("lang")
        .requires_({.root = true});

bool is_debian(const Host& host) {
    return bool(host.look("/etc/debian_version"));
}

std::string path_of(const Host& host) {
    return is_debian(host) ? "/etc/default/locale" : "/etc/locale.conf";
}

bool is_variable(std::string_view name) {
    return name == "LANGUAGE" || (name.starts_with("LC_") && name.size() > 3);
}

TextMap variables_in(std::string_view text) {
    TextMap map;
    for (const auto& key : assigned_keys(text))
        if (is_variable(key)) map.emplace_back(key, *assigned(text, key));
    std::sort(map.begin(), map.end());
    return map;
}

/// The libc has these built in.
bool is_built_in(std::string_view name) {
    return name == "C" || name == "POSIX" || name == "C.UTF-8" || name == "C.utf8";
}

bool could_be_locale(std::string_view name) {
    const auto fits = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               std::string_view("_.@-").find(c) != std::string_view::npos;
    };
    return !name.empty() && name.front() != '-' && name.front() != '.' && std::all_of(name.begin(), name.end(), fits);
}

/// A line of locale.gen: `pt_BR.UTF-8 UTF-8`, and whether a # stands before it.
struct Line {
    std::string name, charset;
    bool active = false;
    explicit operator bool() const { return !charset.empty(); }
};

Line line_of(std::string_view line) {
    line = trimmed(line);
    Line found{.name = {}, .charset = {}, .active = !line.starts_with('#')};
    while (!line.empty() && (line.front() == '#' || line.front() == ' ' || line.front() == '\t')) line.remove_prefix(1);
    const auto blank = line.find_first_of(" \t");
    if (blank == line.npos) return {};
    const auto charset = trimmed(line.substr(blank));
    const bool two_words = could_be_locale(line.substr(0, blank)) && could_be_locale(charset);
    if (!two_words || charset.find_first_of(" \t") != charset.npos) return {};
    return found.name = line.substr(0, blank), found.charset = charset, found;
}

/// How a manifest names it: the charset only where the name does not say it.
std::string name_of(const Line& line) {
    const auto dot = line.name.find('.');
    const auto end = std::min(line.name.find('@'), line.name.size());
    if (dot != line.name.npos && line.name.substr(dot + 1, end - dot - 1) == line.charset) return line.name;
    return line.name + " " + line.charset;
}

/// `en_US`, `en_US.UTF-8` or `de_DE ISO-8859-1` as a line; what says no charset has the one that is listed for it.
Line wanted_line(const Host& host, std::string_view wanted) {
    if (const Line line = line_of(wanted)) return line;
    const auto dot = wanted.find('.');
    if (dot != wanted.npos) {
        const auto end = std::min(wanted.find('@'), wanted.size());
        return {std::string(wanted), std::string(wanted.substr(dot + 1, end - dot - 1)), true};
    }
    for (const char* path : {supported_file, list_file}) {
        const auto file = shared_file(host, path);
        for (const auto line : lines_of(file.said()))
            if (const Line one = line_of(line); one && one.name == wanted) return one;
    }
    return {};
}

/// As `localedef --list-archive` and the names of directories write it: the charset in small letters and digits.
std::string compiled_name(const Line& line) {
    auto name = line.name;
    const auto dot = name.find('.');
    if (dot == name.npos) return name;
    const auto end = std::min(name.find('@'), name.size());
    std::string charset;
    for (const char c : name.substr(dot + 1, end - dot - 1)) {
        if (c >= 'A' && c <= 'Z') charset += static_cast<char>(c - 'A' + 'a');
        if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) charset += c;
    }
    return name.substr(0, dot + 1) + charset + name.substr(end);
}

Names compiled(const Host& host) {
    auto names = host.list("/usr/lib/locale");
    if (!host.look(archive)) return names;
    const auto output = host.ask({{"localedef", "--list-archive"}});
    if (output.status != 0) throw failed({{"localedef", "--list-archive"}}, output);
    for (const auto line : lines_of(output.out)) names.emplace_back(trimmed(line));
    return names;
}

/// Whether what is compiled is listed here; elsewhere packages bring locales compiled.
bool has_list(const Host& host) {
    return host.look(list_file) || is_debian(host) || host.look("/etc/arch-release");
}

bool holds(const Names& names, const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

/// Names of the active lines, as `asked` spells them; on hosts without a list, what is asked for.
Names active_in(const Host& host, std::string_view list, const Names& asked) {
    if (!has_list(host)) return asked;
    Names names;
    for (const auto text : lines_of(list))
        if (const Line line = line_of(text); line && line.active) names.push_back(name_of(line));
    for (const auto& wish : asked)
        if (const Line line = wanted_line(host, wish)) std::replace(names.begin(), names.end(), name_of(line), wish);
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    return names;
}

/// The list with these active and no others: a line that is there gets or loses its #, what has none comes at the end.
std::string with_active(std::string_view list, const std::vector<Line>& wanted) {
    std::vector<bool> done(wanted.size(), false);
    const auto number_of = [&](const Line& line) {
        const auto found = std::find_if(wanted.begin(), wanted.end(), [&](const Line& one) {
            return one.name == line.name && one.charset == line.charset;
        });
        return static_cast<std::size_t>(found - wanted.begin());
    };
    Names lines;
    for (const auto text : lines_of(list)) {
        const Line line = line_of(text);
        lines.emplace_back(text);
        if (!line || !line.active) continue;
        if (const auto number = number_of(line); number < wanted.size())
            done[number] = true;
        else
            lines.back() = "# " + std::string(text);
    }
    for (std::string& text : lines) {
        const Line line = line_of(text);
        if (!line || line.active) continue;
        if (const auto number = number_of(line); number < wanted.size() && !done[number])
            done[number] = true, text = fmt::format("{} {}", line.name, line.charset);
    }
    std::string out;
    for (const auto& text : lines) out += text + "\n";
    for (std::size_t i = 0; i < wanted.size(); ++i)
        if (!done[i]) out += fmt::format("{} {}\n", wanted[i].name, wanted[i].charset);
    return out;
}

/// Every locale that it names: in lang and in variables (LANGUAGE names languages, with colons between them).
Names named_by(const Locale& spec) {
    Names names;
    if (spec.lang) names.push_back(*spec.lang);
    for (const auto& [variable, value] : spec.variables.value_or(TextMap()))
        if (variable != "LANGUAGE") names.push_back(value);
    std::erase_if(names, [](const std::string& name) { return name.empty() || is_built_in(name); });
    return names;
}

class LocaleType final : public TypedResource<Locale> {
public:
    constexpr LocaleType() : TypedResource(locale) {}

    std::optional<Locale> observe(const View& view, const Locale& wanted, bool whole) const override {
        const Host& host = view.host();
        const auto file = shared_file(host, path_of(host)), list = shared_file(host, list_file);
        Locale found{.file = file.content(), .list = list.content()};
        if (whole || wanted.lang) found.lang = assigned(file.said(), "LANG").value_or("");
        if (whole || wanted.variables) found.variables = variables_in(file.said());
        if (whole || wanted.generate || wanted.lang || wanted.variables) {
            const auto there = compiled(host);
            found.generate.emplace(), found.pending.emplace();
            for (auto& name : active_in(host, list.said(), wanted.generate.value_or(Names()))) {
                const Line line = wanted_line(host, name);
                if (line && holds(there, compiled_name(line)))
                    found.generate->push_back(std::move(name));
                else if (has_list(host))
                    found.pending->items.push_back(std::move(name));
            }
        }
        return found;
    }

    void review(const Resource& resource, Diagnostics& problems) const override {
        const Locale& spec = *resource.wanted.as<Locale>();
        if (resource.absent) {
            problems.add(Error(resource.where, "a host can not be without a locale").help("locale: C.UTF-8"));
            return;
        }
        const auto refuse = [&](const std::string& name) {
            problems.add(Error(resource.where, "'" + name + "' can not be a locale")
                             .help("write it as in en_US.UTF-8, de_DE@euro or C.UTF-8"));
        };
        if (spec.lang && !could_be_locale(*spec.lang)) refuse(*spec.lang);
        for (const auto& name : spec.generate.value_or(Names()))
            if (!could_be_locale(name) && !line_of(name)) refuse(name);
        for (const auto& [variable, value] : spec.variables.value_or(TextMap())) {
            if (!is_variable(variable))
                problems.add(Error(resource.where, "'" + variable + "' is no variable of a locale")
                                 .help("LC_TIME, LC_MESSAGES and the other LC_..., LANGUAGE; LANG is lang:"));
            else if (variable == "LANGUAGE" ? value.find_first_of(" \t\n\"'$`\\") != value.npos
                                            : !could_be_locale(value))
                refuse(value);
        }
    }

    /// What is chosen is there to be chosen.
    std::vector<Companion> resolve(const View& view, std::span<Change> changes, Diagnostics& problems) const override {
        const Host& host = view.host();
        Parents parents(view);
        for (std::size_t i = 0; i < changes.size(); ++i) {
            Change& change = changes[i];
            if (!change.after) continue;
            Locale goal = *change.after.as<Locale>();
            const Locale& before = *change.before.as<Locale>();
            auto known = goal.generate.value_or(Names());
            for (const auto& name : chosen_anew(goal, before)) {
                const Line line = wanted_line(host, name);
                const auto same = [&](const auto& one) { return one == name || (line && one == name_of(line)); };
                const bool there = line && std::ranges::count(compiled(host), compiled_name(line)) > 0;
                if (!there && std::none_of(known.begin(), known.end(), same)) known.push_back(name);
            }
            if (goal.generate || !known.empty()) {
                std::sort(known.begin(), known.end());
                goal.generate = std::move(known);
            }
            if (goal.generate && goal.pending)
                std::erase_if(goal.pending->items, [&](const auto& name) { return holds(*goal.generate, name); });
            const bool has_definitions = !host.list(std::string(definitions)).empty();
            for (const auto& name : goal.generate.value_or(Names()))
                if (has_definitions && !holds(before.generate.value_or(Names()), name))
                    refuse_unknown(host, name, change.where, problems);
            parents.above(shared_file(host, path_of(host)).path, i, change.where, problems);
            change.after = State::of(std::move(goal)).with_inputs(change.after.inputs());
        }
        return parents.take();
    }

    void claims(const State&, std::vector<Claim>& claims) const override {
        claims.push_back({Claim::Role::needs, "package:locales"});
        claims.push_back({Claim::Role::needs, "package:glibc-locale-source"});
        for (const char* path : {"/etc/locale.gen", "/etc/locale.conf", "/etc/default/locale"})
            claim_path(path, {}, {}, claims);
    }

    void check(const View& view, std::span<const Change> changes, Diagnostics& problems) const override {
        for (const Change& change : changes)
            if (change.after && !missing(view.host(), *change.after.as<Locale>()).empty() &&
                view->list(std::string(definitions)).empty())
                problems.note(Error(change.where,
                                    "locales can not be compiled yet: something of this run has to bring "
                                    "their definitions")
                                  .help(hint(view.host())));
    }

    Way way() const override { return Way::opaque; }
    Footprint footprint() const override {
        static constexpr std::string_view contents[] = {"/usr/lib/locale"};
        return {.contents = contents};
    }

    /// What goes is forgotten before it leaves the list, and what comes is compiled once it is in it: so that wherever
    /// a run is cut, looking at the list tells.
    void apply(WritableHost& host, const Locale* from, const Locale* to, bool) const override {
        if (!to) return;
        const Names listed = to->generate.value_or(Names()), left = to->pending.value_or(TextList{}).items;
        for (const auto& name : left) forget(host, name);
        if (from && from->generate && to->generate)
            for (const auto& name : *from->generate)
                if (!holds(listed, name)) forget(host, name);
        set_variables(host, *to);
        if (to->generate) set_list(host, *to);
        for (const Line& line : missing(host, *to)) compile(host, line);
    }

private:
    static Names chosen_anew(const Locale& goal, const Locale& before) {
        auto names = named_by(goal);
        const auto old = named_by(before);
        std::erase_if(names, [&](const auto& name) { return std::find(old.begin(), old.end(), name) != old.end(); });
        return names;
    }

    static std::string hint(const Host& host) {
        return is_debian(host) ? "packages: [locales]" : "packages: [glibc-locale-source]";
    }

    static void refuse_unknown(const Host& host, const std::string& name, Place where, Diagnostics& problems) {
        const Line line = wanted_line(host, name);
        const auto at = line.name.find_first_of(".");
        const auto modifier = line.name.find('@');
        const std::string input =
            line.name.substr(0, at) +
            (at != line.name.npos && modifier != line.name.npos ? line.name.substr(modifier) : "");
        if (!line || !host.look(std::string(definitions) + "/" + input))
            problems.add(Error(where, fmt::format("there is no locale '{}' to compile", name))
                             .help(std::string("see what there is: less ") + supported_file));
    }

    static std::vector<Line> lines_for(const Host& host, const Locale& spec) {
        std::vector<Line> lines;
        for (const auto& name : spec.generate.value_or(Names()))
            if (Line line = wanted_line(host, name)) lines.push_back(std::move(line));
        return lines;
    }

    static std::vector<Line> missing(const Host& host, const Locale& spec) {
        auto lines = lines_for(host, spec);
        if (lines.empty()) return lines;
        const auto there = compiled(host);
        std::erase_if(lines, [&](const Line& line) {
            return std::find(there.begin(), there.end(), compiled_name(line)) != there.end();
        });
        return lines;
    }

    static void set_variables(WritableHost& host, const Locale& to) {
        const auto file = shared_file(host, path_of(host));
        const auto says = [&](std::string_view text) {
            return (!to.lang || assigned(text, "LANG").value_or("") == *to.lang) &&
                   (!to.variables || variables_in(text) == *to.variables);
        };
        if (says(file.said())) return;
        const auto bare = [&](std::string text) {
            if (to.lang) text = assign(text, "LANG", std::nullopt);
            if (to.variables)
                for (const auto& [name, value] : variables_in(text)) text = assign(text, name, std::nullopt);
            return text;
        };
        if (to.file && says(to.file->bytes()) && bare(to.file->bytes()) == bare(std::string(file.said())))
            return put(host, file, to.file->bytes(), true);
        std::string text(file.said());
        if (to.lang) text = assign(text, "LANG", to.lang->empty() ? std::nullopt : to.lang);
        if (to.variables) {
            for (const auto& [name, value] : variables_in(text))
                if (std::ranges::none_of(*to.variables, [&](const auto& entry) { return entry.first == name; }))
                    text = assign(text, name, std::nullopt);
            for (const auto& [name, value] : *to.variables) text = assign(text, name, value);
        }
        put(host, file, text);
    }

    static void set_list(WritableHost& host, const Locale& to) {
        const auto list = shared_file(host, list_file);
        if (!has_list(host)) return;
        auto wanted = lines_for(host, to);
        for (const auto& name : to.pending.value_or(TextList{}).items)
            if (Line line = wanted_line(host, name)) wanted.push_back(std::move(line));
        const bool as_before = to.list && with_active(to.list->bytes(), wanted) == to.list->bytes() &&
                               evenly(to.list->bytes()) == evenly(list.said());
        if (as_before)
            put(host, list, to.list->bytes(), true);
        else
            put(host, list, with_active(list.said(), wanted));
    }

    /// The lines that name no locale: what two lists have in common where only what is active differs.
    static Names evenly(std::string_view text) {
        Names lines;
        for (const auto line : lines_of(text))
            if (!line_of(line)) lines.emplace_back(line);
        return lines;
    }

    static void compile(WritableHost& host, const Line& line) {
        if (host.list(std::string(definitions)).empty())
            throw Error(fmt::format("the locale {} can not be compiled: {} is empty", line.name, definitions))
                .help(hint(host));
        const auto dot = std::min(line.name.find('.'), line.name.size());
        const auto modifier = std::min(line.name.find('@'), line.name.size());
        const auto input = line.name.substr(0, std::min(dot, modifier)) + line.name.substr(modifier);
        Command command{{"localedef", "-i", input, "-c", "-f", line.charset}};
        if (host.look("/usr/share/locale/locale.alias"))
            command.argv.insert(command.argv.end(), {"-A", "/usr/share/locale/locale.alias"});
        command.argv.push_back(line.name);
        must(host, command);
    }

    static void forget(WritableHost& host, const std::string& wanted) {
        const Line line = wanted_line(host, wanted);
        const auto name = line ? compiled_name(line) : wanted;
        const bool archived = holds(compiled(host), name) && !holds(host.list("/usr/lib/locale"), name);
        if (archived) must(host, {{"localedef", "--delete-from-archive", name}});
    }
};

constexpr LocaleType type;

}  // namespace

const ResourceType& locale_type() {
    return type;
}

}  // namespace chaos::resources
