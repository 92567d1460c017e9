// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <chaos/plan.hpp>
#include <cstring>

#include "connections.hpp"
#include "firewall_rules.hpp"
#include "kinds.hpp"
#include "lines.hpp"
#include "paths.hpp"
#include "text_list.hpp"

namespace chaos::resources {

enum class Policy : char { accept, drop, reject };

}  // namespace chaos::resources

namespace chaos {

constexpr std::string_view policy_words[] = {"accept", "drop", "reject"};
template <>
struct Codec<resources::Policy> : WordCodec<resources::Policy, policy_words> {
    static constexpr std::string_view name = "accept, drop or reject", json = R"({"enum":["accept","drop","reject"]})";
    static constexpr Merge merge = Merge::whole;
};

}  // namespace chaos

namespace chaos::resources {
namespace {

constexpr const char* file_path = "/etc/chaos/firewall.nft";
constexpr const char* unit_name_ = "chaos-firewall.service";
constexpr const char* unit_path = "/etc/systemd/system/chaos-firewall.service";
constexpr const char* link_path = "/etc/systemd/system/sysinit.target.wants/chaos-firewall.service";

/// nftables.service empties all tables when it starts, reloads and stops: ours comes after it, and again with it.
/// Nothing ends it when the host goes down: the network is closed after it.
constexpr std::string_view unit_text =
    "# Kept by chaos: the firewall at boot.\n"
    "[Unit]\n"
    "Description=Firewall kept by chaos\n"
    "Documentation=man:nft(8)\n"
    "DefaultDependencies=no\n"
    "Wants=network-pre.target\n"
    "Before=network-pre.target\n"
    "After=nftables.service systemd-modules-load.service local-fs.target\n"
    "PartOf=nftables.service\n"
    "ReloadPropagatedFrom=nftables.service\n"
    "\n"
    "[Service]\n"
    "Type=oneshot\n"
    "RemainAfterExit=yes\n"
    "ExecStart=/usr/sbin/nft -f /etc/chaos/firewall.nft\n"
    "ExecReload=/usr/sbin/nft -f /etc/chaos/firewall.nft\n"
    "ExecStop=/usr/sbin/nft \"add table inet chaos; delete table inet chaos\"\n"
    "\n"
    "[Install]\n"
    "WantedBy=sysinit.target\n";

struct Firewall {
    std::optional<Policy> policy = Policy::drop;
    std::optional<Openings> allow = Openings{}, deny = Openings{};
    std::optional<TextList> rules = TextList{};
    std::optional<bool> at_boot = true;
    std::optional<Content> table{}, file{}, unit{};
    std::optional<bool> linked{};
};

constexpr Field fields[] = {
    schema::property<&Firewall::policy>("policy",
                                        "What becomes of what nothing here speaks of: drop it without a "
                                        "word, reject it with one, or accept it.")
        .example("drop")
        .otherwise("drop"),
    schema::property<&Firewall::allow>("allow",
                                       "What is let in: services by name, ports, icmp; from networks, on "
                                       "interfaces.")
        .example("[ssh, 8080, 60000-61000/udp, \"5432/tcp from 10.0.0.0/8\"]")
        .otherwise("nothing"),
    schema::property<&Firewall::deny>("deny", "What is dropped before that.")
        .example("[all from 192.0.2.0/24]")
        .otherwise("nothing"),
    schema::property<&Firewall::rules>("rules", "Rules in nft's own words, before both: for what these can not say.")
        .example("[udp dport 53 limit rate 10/second accept]")
        .otherwise("none"),
    schema::property<&Firewall::at_boot>("at_boot",
                                         "Loaded at every boot before the network is up, by "
                                         "chaos-firewall.service.")
        .example("true")
        .otherwise("true"),
    schema::seen<&Firewall::table>("table", "The table as the kernel has it, in nft's words.")
        .example("\"table inet chaos {\\n}\\n\""),
    schema::seen<&Firewall::file>("file", "What is loaded at boot.").example("\"table inet chaos {\\n}\\n\""),
    schema::seen<&Firewall::unit>("unit", "The unit that loads it.").example("\"[Unit]\\n\""),
    schema::seen<&Firewall::linked>("linked", "Whether that unit starts at boot.").example("true"),
};

constexpr Schema firewall =
    schema::of<Firewall>("firewall", "firewall", Order::setting,
                         "What may reach this host over the network: the table `inet chaos` of nftables, and no "
                         "other. Answers to what the host asked, its own loopback, and connections that are open stay.",
                         fields)
        .body("allow")
        .requires_({.root = true});

/// What every host needs to go on being on a network.
constexpr std::string_view always[] = {
    "ct state established,related accept",
    "ct state invalid drop",
    "iifname \"lo\" accept",
    "ip saddr . tcp sport . tcp dport @kept4 accept",
    "ip6 saddr . tcp sport . tcp dport @kept6 accept",
    "icmp type { destination-unreachable, time-exceeded, parameter-problem } accept",
    "icmpv6 type { destination-unreachable, packet-too-big, time-exceeded, parameter-problem, nd-router-solicit, "
    "nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert, mld-listener-query } accept",
    "udp sport 67 udp dport 68 accept",
    "ip6 saddr fe80::/10 udp sport 547 udp dport 546 accept",
};

/// Rules by what they are there for, in their order.
struct Rules {
    struct One {
        const std::string* said = nullptr;  ///< The entry it is of; null for those that are always there.
        std::string text{};
    };
    std::vector<One> all{};
};

Rules rules_of(const Firewall& spec) {
    Rules rules;
    for (const auto text : always) rules.all.push_back({nullptr, std::string(text)});
    if (spec.rules)
        for (const auto& text : spec.rules->items)
            if (!text.starts_with('(')) rules.all.push_back({&text, text});  // else it is what compare() remarked
    if (spec.deny)
        for (const auto& one : spec.deny->items)
            for (const auto& match : matches_of(one)) rules.all.push_back({&one, match + "drop"});
    if (spec.allow)
        for (const auto& one : spec.allow->items)
            for (const auto& match : matches_of(one)) rules.all.push_back({&one, match + "accept"});
    if (spec.policy == Policy::reject) rules.all.push_back({nullptr, "reject"});
    return rules;
}

/// Connections that were open before the kernel began to keep track of them are told to it, for a day: see kept().
std::string text_of(const Firewall& spec) {
    std::string text =
        "table inet chaos {\n"
        "\tset kept4 {\n\t\ttype ipv4_addr . inet_service . inet_service\n\t\tflags timeout\n\t\ttimeout 1d\n\t}\n\n"
        "\tset kept6 {\n\t\ttype ipv6_addr . inet_service . inet_service\n\t\tflags timeout\n\t\ttimeout 1d\n\t}\n\n"
        "\tchain input {\n";
    text += fmt::format("\t\ttype filter hook input priority filter; policy {};\n",
                        spec.policy == Policy::accept ? "accept" : "drop");
    for (const auto& rule : rules_of(spec).all) text += fmt::format("\t\t{}\n", rule.text);
    return text + "\t}\n}\n";
}

/// Whole, at once, and with what is in its sets.
std::string file_of(const Firewall& spec) {
    return "# Kept by chaos.\nadd table inet chaos\nflush table inet chaos\n" + text_of(spec);
}

bool can_look(const Host& host) {
    return host.live() && (host.look("/usr/sbin/nft") || host.look("/usr/bin/nft"));
}

/// The table as the kernel has it, without what is in its sets; nothing where there is none.
std::optional<std::string> table_now(const Host& host) {
    if (!can_look(host)) return std::nullopt;
    const Command command{{"nft", "-s", "-t", "list", "table", "inet", "chaos"}};
    const auto output = host.ask(command);
    if (output.status == 0) return output.out;
    if (output.err.find("No such file or directory") != output.err.npos) return std::nullopt;
    if (!host.superuser()) throw Error("the firewall can only be looked at by root").help("sudo chaos ...");
    throw failed(command, output);
}

/// How this kernel and this nft write it: loaded into a network namespace of its own, where nobody is, and listed.
/// What can not be loaded is told here, before anything is touched.
std::string in_words_of_kernel(const Host& host, const Firewall& spec) {
    const Command command{.argv = {"unshare", "--net", "sh", "-c", "nft -f - && exec nft -s -t list table inet chaos"},
                          .input = text_of(spec)};
    const auto output = host.ask(command);
    if (output.status == 0) return output.out;
    std::string why = output.err.substr(0, output.err.find('\n'));
    if (const auto error = why.find("Error: "); error != why.npos) why.erase(0, error + 7);
    for (const auto line : lines_of(output.err))  // nft shows the rule below its error
        if (line.starts_with('\t') && line.find('^') == line.npos)
            throw Error(fmt::format("nft does not take the rule '{}': {}", trimmed(line), why))
                .help("man nft tells its words; interfaces are named by iifname");
    throw Error(fmt::format("nft does not take these rules: {}", why)).help("man nft tells its words");
}

/// The rules of the chain, a line each; `policy` gets what it does with the rest.
std::vector<std::string> chain_of(std::string_view table, std::string_view& policy) {
    std::vector<std::string> rules;
    bool inside = false, begun = false;
    for (const auto line : lines_of(table)) {
        const auto text = trimmed(line);
        if (text.starts_with("chain ")) {
            inside = text.starts_with("chain input "), begun = false;
            if (!inside) rules.push_back(fmt::format("({} of somebody else)", text.substr(0, text.rfind(' '))));
        } else if (text == "}") {
            inside = false;
        } else if (inside && !begun) {
            begun = true;
            if (const auto at = text.find("policy "); at != text.npos)
                policy = text.substr(at + 7), policy.remove_suffix(1);
        } else if (inside && !text.empty()) {
            rules.emplace_back(text);
        }
    }
    return rules;
}

/// What of `wanted` is there, and what is there beside it. `goal` is how `wanted` would stand there.
Firewall compare(const Firewall& wanted, std::string_view goal, std::string_view there) {
    std::string_view policy, goal_policy;
    const auto lines = chain_of(there, policy), goal_lines = chain_of(goal, goal_policy);
    const auto rules = rules_of(wanted).all;
    std::vector<bool> used(lines.size());
    std::vector<const std::string*> missing;
    bool lacks_own = goal_lines.size() != rules.size(), rejects = false;
    for (std::size_t i = 0; i < goal_lines.size() && i < rules.size(); ++i) {
        std::size_t at = 0;
        while (at < lines.size() && (used[at] || lines[at] != goal_lines[i])) ++at;
        if (at < lines.size())
            used[at] = true;
        else if (rules[i].said)
            missing.push_back(rules[i].said);
        else
            lacks_own = true;
        rejects = rejects || (at < lines.size() && rules[i].text == "reject");
    }
    const auto left_of = [&](const std::vector<std::string>& said) {
        std::vector<std::string> left;
        for (const auto& one : said)
            if (std::find(missing.begin(), missing.end(), &one) == missing.end()) left.push_back(one);
        return left;
    };
    Firewall found{.policy = policy == "accept" ? Policy::accept : rejects ? Policy::reject : Policy::drop};
    if (wanted.allow) found.allow->items = left_of(wanted.allow->items);
    if (wanted.deny) found.deny->items = left_of(wanted.deny->items);
    if (wanted.rules) found.rules->items = left_of(wanted.rules->items);
    bool same = !lacks_own && missing.empty();
    for (std::size_t i = 0; i < lines.size(); ++i)
        if (!used[i]) found.rules->items.push_back(lines[i]), same = false;
    if (lacks_own) found.rules->items.emplace_back("(rules of every firewall are missing)");
    if (same && policy == goal_policy && lines != goal_lines) found.rules->items.emplace_back("(in another order)");
    return found;
}

/// Open connections, for the sets `kept4` and `kept6`: the kernel follows connections only from the first packet that
/// a rule asks it about, and one that is idle now would else be cut by its next one.
std::string kept(const Host& host) {
    constexpr std::size_t most = 20'000;
    std::string four, six;
    std::size_t count = 0;
    for (const auto& one : connections(host)) {
        if (one.listens || one.remote.starts_with("127.") || ++count > most) continue;
        std::string& into = one.remote.find(':') == std::string::npos ? four : six;
        into += fmt::format("{}{} . {} . {}", into.empty() ? "" : ", ", one.remote, one.remote_port, one.port);
    }
    std::string text;
    if (!four.empty()) text += fmt::format("add element inet chaos kept4 {{ {} }}\n", four);
    if (!six.empty()) text += fmt::format("add element inet chaos kept6 {{ {} }}\n", six);
    return text;
}

class FirewallType final : public TypedResource<Firewall> {
public:
    constexpr FirewallType() : TypedResource(firewall) {}

    std::optional<Firewall> observe(const View& view, const Firewall& wanted, bool) const override {
        const Host& host = view.host();
        std::string file, unit;
        const bool has_file = bool(host.look(file_path, &file)), has_unit = bool(host.look(unit_path, &unit));
        const bool linked = bool(host.look(link_path));
        const auto table = table_now(host);
        if (!table && !has_file && !has_unit && !linked) return std::nullopt;
        Firewall found{.policy = Policy::accept};
        if (table && wanted.table && wanted.table->bytes() == *table)
            found = wanted;  // a state that was looked at once
        else if (table)
            found = compare(wanted, in_words_of_kernel(host, wanted), *table);
        else if (!host.live() && has_file)
            found = compare(wanted, text_of(wanted), file);
        found.table = found.file = found.unit = std::nullopt;
        if (host.live()) found.table = Content(table.value_or(""));
        if (has_file) found.file = Content(file);
        if (has_unit) found.unit = Content(unit);
        found.linked = linked;
        found.at_boot = has_file && file == file_of(wanted) && unit == unit_text && linked;
        return found;
    }

    void review(const Resource& resource, Diagnostics& problems) const override {
        const Firewall& spec = *resource.wanted.as<Firewall>();
        if (resource.absent || !spec.rules) return;
        for (const auto& rule : spec.rules->items)
            if (rule.empty() || rule.find_first_of("\n;") != rule.npos || rule.starts_with('#') ||
                std::count(rule.begin(), rule.end(), '{') != std::count(rule.begin(), rule.end(), '}'))
                problems.add(Error(resource.where, fmt::format("expected one rule of nft, found '{}'", rule))
                                 .help("each rule is an item of the list: rules: [\"tcp dport 22 limit rate 3/minute "
                                       "accept\"]"));
    }

    /// All that is written is decided here: the table in the kernel's words, the file, the unit.
    std::vector<Companion> resolve(const View& view, std::span<Change> changes, Diagnostics& problems) const override {
        Parents parents(view);
        for (std::size_t i = 0; i < changes.size(); ++i) {
            Change& change = changes[i];
            const Firewall *before = change.before.as<Firewall>(), *after = change.after.as<Firewall>();
            if (!after) continue;
            Firewall goal = *after;
            if (before && is_of(*before, goal)) continue;  // as a record has it: to the byte
            const bool boot = goal.at_boot.value_or(true);
            goal.table = goal.file = goal.unit = std::nullopt;
            try {
                if (can_look(view.host())) goal.table = Content(in_words_of_kernel(view.host(), goal));
            } catch (Error& error) {
                error.where = change.where;
                problems.add(std::move(error));
            }
            if (boot) goal.file = Content(file_of(goal)), goal.unit = Content(std::string(unit_text));
            goal.linked = boot;
            change.after = State::of(std::move(goal)).with_inputs(change.after.inputs());
            if (!boot) continue;
            for (const char* path : {file_path, link_path}) parents.above(path, i, change.where, problems);
        }
        return parents.take();
    }

    void claims(const State&, std::vector<Claim>& claims) const override {
        for (const char* path : {file_path, unit_path, link_path}) claim_path(path, {}, {}, claims);
        claims.push_back({Claim::Role::provides, std::string("unit:") + unit_name_});
    }

    void check(const View& view, std::span<const Change> changes, Diagnostics& problems) const override {
        for (const Change& change : changes) {
            const Firewall* after = change.after.as<Firewall>();
            if (!after) continue;
            if (view->live() && !can_look(view.host()))
                problems.note(Error(change.where, "there is no nft yet: something of this run has to bring it")
                                  .help("packages: [nftables]"));
            if (after->policy != Policy::accept) warn_of_lockout(view.host(), *after, change.where, problems);
        }
    }

    Way way() const override { return Way::calls; }

    void apply(WritableHost& host, const Firewall*, const Firewall* to, bool) const override {
        const auto put = [&](const char* path, const std::optional<Content>& content) {
            if (content)
                host.write(path, *content, {.mode = 0644});
            else
                host.remove(path);
        };
        // Also where its file is gone: what a rollback puts back it does before, and the unit goes on without.
        const bool runs =
            host.live() && host.services().answers() && host.services().unit(unit_name_).active == "active";
        const bool boots = to && to->unit && to->linked.value_or(false);
        if (runs && !boots) host.control(UnitVerb::stop, unit_name_);
        put(file_path, to ? to->file : std::nullopt);
        put(unit_path, to ? to->unit : std::nullopt);
        if (to && to->linked.value_or(false))
            host.make_link(link_path, unit_path);
        else
            host.remove(link_path);
        if (!host.live()) return;
        load(host, to);
        if (boots && !runs && host.services().answers()) host.control(UnitVerb::start, unit_name_);
    }

private:
    /// True where the goal is a state that was once looked at: then it has all its parts, and they go together.
    static bool is_of(const Firewall& before, const Firewall& goal) {
        return goal.table && before.table != goal.table && goal.linked;
    }

    /// In one move, whatever was there.
    static void load(WritableHost& host, const Firewall* to) {
        const bool none = !to || (to->table && to->table->bytes().empty());
        if (none && !can_look(host)) return;
        std::string script = "add table inet chaos\ndelete table inet chaos\n";
        if (!none) script += (to->table ? to->table->bytes() : text_of(*to)) + kept(host);
        const Command command{.argv = {"nft", "-f", "-"}, .input = std::move(script)};
        if (const auto output = host.run(command); output.status != 0) throw failed(command, output);
    }

    /// Who is connected now stays so; a new connection to the same port might not come in.
    static void warn_of_lockout(const Host& host, const Firewall& spec, Place where, Diagnostics& problems) {
        const auto all = connections(host);
        for (const auto& one : all) {
            if (one.listens || one.remote.starts_with("127.") || one.remote == "0:0:0:0:0:0:0:1") continue;
            const bool comes_in =
                std::any_of(all.begin(), all.end(), [&](const auto& o) { return o.listens && o.port == one.port; });
            const auto& openings = spec.allow->items;
            const bool covered = std::any_of(openings.begin(), openings.end(),
                                             [&](const auto& opening) { return covers_port(opening, one.port); });
            const bool may_be = std::any_of(spec.rules->items.begin(), spec.rules->items.end(), [&](const auto& rule) {
                return rule.find(std::to_string(one.port)) != rule.npos;
            });
            if (!comes_in || covered || may_be) continue;
            problems.note(Error(where, fmt::format("{} is connected to port {}: that stays, but nobody will come in by "
                                                   "it anew",
                                                   one.remote, one.port))
                              .help(one.port == 22 ? "allow: [ssh]" : fmt::format("allow: [{}]", one.port)));
            return;
        }
    }
};

constexpr FirewallType type;

}  // namespace

const ResourceType& firewall_type() {
    return type;
}

}  // namespace chaos::resources
