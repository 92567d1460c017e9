// SPDX-License-Identifier: Apache-2.0
// Manifests to begin with. What is said of a kind and its attributes is what its schema says: nothing is told twice.
#include <fmt/format.h>
#include <algorithm>
#include <chaos/manifest.hpp>
#include <chaos/starter.hpp>
#include "declaration.hpp"
#include "utf8.hpp"

namespace chaos {

namespace {

struct Said {
    std::string_view attribute, value;  // the value as it is written, over lines where it has some
};
struct Thing {
    std::string_view key;
    std::vector<Said> says;
};
struct Part {
    std::string_view section;
    std::vector<Thing> things;
    std::string_view one_line{};  // instead of things: the whole of it
};
struct Recipe {
    Starter starter;
    std::string_view file, about;
    std::vector<Part> parts;
};

constexpr Starter all[] = {
    {"minimal", "One package, one file: to try things with."},
    {"workstation", "A machine of one person: tools, their account, their settings."},
    {"server", "A host on the network: ssh, kernel settings, what should not be there."},
    {"web", "A web server with one site, which reloads when its files change."},
    {"module", "A part to be used many times, with parameters, and a site that uses it."},
};

std::vector<Part> parts_of(std::string_view name) {
    if (name == "minimal")
        return {{"packages", {}, "[tree]"}, {"files", {{"/etc/motd", {{"content", "\"Welcome\\n\""}}}}, {}}};
    if (name == "workstation")
        return {
            {"timezone", {}, "UTC"},
            {"packages", {}, "[git, curl, vim]"},
            {"users", {{"robin", {{"comment", "Robin"}, {"shell", "bash"}}}}, {}},
            {"directories", {{"/home/robin/bin", {{"owner", "robin"}, {"group", "robin"}}}}, {}},
            {"files",
             {{"/home/robin/.inputrc",
               {{"content", "|\n      set completion-ignore-case on"}, {"owner", "robin"}, {"group", "robin"}}}},
             {}},
        };
    if (name == "server")
        return {
            {"packages", {}, "[openssh-server, rsync]"},
            {"files",
             {{"/etc/ssh/sshd_config.d/10-site.conf",
               {{"content", "|\n      PermitRootLogin no\n      X11Forwarding no"},
                {"mode", "0600"},
                {"validate", "sshd -t"}}},
              {"/etc/issue.net", {{"absent", "true"}}}},
             {}},
            {"directories", {{"/etc/cron.d", {{"mode", "0700"}}}}, {}},
            {"sysctl", {{"net.ipv4.tcp_syncookies", {{"value", "1"}}}}, {}},
            {"services", {{"ssh", {{"on_change", "reload"}, {"watch", "[\"file:/etc/ssh/sshd_config.d/*\"]"}}}}, {}},
        };
    if (name == "web")
        return {
            {"packages", {}, "[nginx]"},
            {"directories", {{"\"{{ vars.root }}\"", {{"mode", "0755"}}}}, {}},
            {"files",
             {{"\"{{ vars.root }}/index.html\"", {{"content", "\"<h1>It works</h1>\\n\""}}},
              {"/etc/nginx/conf.d/site.conf",
               {{"content",
                 "|\n      server {\n        listen {{ vars.port }};\n        root {{ vars.root }};\n      }"},
                {"validate", "nginx -t"}}}},
             {}},
            {"services", {{"nginx", {{"on_change", "reload"}, {"watch", "[\"file:/etc/nginx/*\"]"}}}}, {}},
        };
    return {{"files", {{"/etc/motd", {{"content", "\"{{ params.text }}, {{ host.name }}\\n\""}}}}, {}}};
}

/// The first sentence, on one line.
std::string sentence(std::string_view doc) {
    const auto end = doc.find(". ");
    return std::string(end == std::string_view::npos ? doc : doc.substr(0, end + 1));
}

std::string top_word(std::string_view word) {
    for (const Word& one : top_level_words())
        if (one.name == word) return std::string(one.doc);
    return {};
}

/// A line with what it means behind it, where there is room.
std::string remarked(std::string line, const std::string& doc, bool first_of_many) {
    constexpr std::size_t column = 38, widest = 118;
    const auto end = std::min(line.find('\n'), line.size());
    if (doc.empty() || first_of_many || end + 2 > column || column + doc.size() + 2 > widest || end < line.size())
        return line + "\n";
    return fmt::format("{:<{}}# {}\n", line, column, doc);
}

std::string thing_text(const Schema& schema, const Thing& thing, bool tell_more) {
    std::string text = fmt::format("  {}:\n", thing.key);
    for (const auto& [attribute, value] : thing.says) {
        const Field* field = schema.find(attribute);
        const Word* meta = find_meta(attribute);
        const std::string doc = field ? sentence(field->doc) : meta ? sentence(meta->doc) : "";
        text += remarked(fmt::format("    {}: {}", attribute, value), doc, false);
    }
    if (!tell_more) return text;
    for (const Field& field : schema.fields) {
        const bool said = std::any_of(thing.says.begin(), thing.says.end(),
                                      [&](const Said& one) { return schema.find(one.attribute) == &field; });
        if (said || field.role == Field::Role::key || field.role == Field::Role::seen || field.sample.empty() ||
            field.sample.find('\n') != std::string_view::npos)
            continue;
        text += remarked(fmt::format("    # {}: {}", field.name, field.sample), sentence(field.doc), false);
    }
    return text;
}

std::string part_text(const Registry& registry, const Part& part) {
    const ResourceType* type = registry.section(part.section);
    if (!type) throw Error(fmt::format("there is no section {} here", part.section));
    const Schema& schema = type->schema();
    std::string text = fmt::format("\n# {} More: chaos explain {}\n", sentence(schema.doc), schema.name);
    if (!part.one_line.empty()) return text + fmt::format("{}: {}\n", part.section, part.one_line);
    text += fmt::format("{}:\n", part.section);
    for (std::size_t i = 0; i < part.things.size(); ++i) text += thing_text(schema, part.things[i], i == 0);
    return text;
}

std::string head(std::string_view what, std::string_view next) {
    return fmt::format("# {}\n# {}\n", what, next);
}

constexpr std::string_view to_go_on = "What a change would do: chaos plan FILE. What kinds there are: chaos explain";

}  // namespace

std::span<const Starter> starters() {
    return all;
}

std::vector<StarterFile> starter(const Registry& registry, std::string_view name) {
    const auto found = std::find_if(std::begin(all), std::end(all), [&](const Starter& s) { return s.name == name; });
    if (found == std::end(all)) {
        std::vector<std::string_view> names;
        std::string listed;
        for (const Starter& one : all)
            names.push_back(one.name), listed += fmt::format("{}{}", listed.empty() ? "" : ", ", one.name);
        const auto near = nearest(name, names);
        throw Error(fmt::format("there is no template '{}'", name))
            .help(near.empty() ? "there are " + listed : fmt::format("did you mean {}? There are {}", near, listed));
    }
    std::string text = head(found->doc, to_go_on);
    text += fmt::format("\n# {}\nname: {}\n", top_word("name"), name == "module" ? "site" : name);
    if (name == "web")
        text +=
            fmt::format("\n# {} Over them: --var port=8080\nvars:\n  port: 80\n  root: /srv/www\n", top_word("vars"));
    std::string parts;
    for (const Part& part : parts_of(name)) parts += part_text(registry, part);
    if (name != "module") return {{"site.yml", text + parts}};
    text += fmt::format("\n# {}\nuse:\n  - {{module: greeting, with: {{text: Hello}}}}\n", top_word("use"));
    std::string module = head("A module: what it is given stands in params, and what it says is what a site says.",
                              "A site uses it: use: [{module: greeting, with: {text: Hello}}]");
    module +=
        fmt::format("\n# {}\nparams:\n  text: {{type: text, default: Welcome, doc: what the message begins with}}\n",
                    top_word("params"));
    module += parts;
    module += fmt::format("\n# {}\nexports:\n  message: \"{{{{ params.text }}}}\"\n", top_word("exports"));
    return {{"site.yml", text}, {"modules/greeting.yml", module}};
}

}  // namespace chaos
