// SPDX-License-Identifier: Apache-2.0
#include "options.hpp"

#include <fmt/format.h>

#include <boost/program_options.hpp>
#include <chaos/confirm.hpp>
#include <chaos/schema.hpp>
#include <charconv>

#include "commands.hpp"

namespace chaos::cli {

namespace po = boost::program_options;

namespace {

constexpr OptionSpec known[] = {
    {"help", 'h', ""},
    {"json", 0, ""},
    {"root", 0, "DIR"},
    {"state-dir", 0, "DIR"},
    {"only", 0, "TAG|ID", true},
    {"skip", 0, "TAG|ID", true},
    {"var", 0, "NAME=VALUE", true},
    {"vars", 0, "FILE"},
    {"facts", 0, "FILE", true},
    {"trim-blocks", 0, ""},
    {"lstrip-blocks", 0, ""},
    {"host", 0, "NAME"},
    {"groups", 0, "NAME,..."},
    {"output", 'o', "FILE"},
    {"no-origin", 0, ""},
    {"all", 0, ""},
    {"age-key", 0, "FILE", true},
    {"passphrase-file", 0, "FILE"},
    {"recipient", 0, "KEY", true},
    {"add", 0, "KEY", true},
    {"remove", 0, "KEY", true},
    {"raw", 0, ""},
    {"yes", 'y', ""},
    {"jobs", 'j', "N"},
    {"on-failure", 0, "undo|stop|continue"},
    {"prune", 0, ""},
    {"no-prune", 0, ""},
    {"removals", 0, ""},
    {"security-only", 0, ""},
    {"allow-removals", 0, ""},
    {"refresh", 0, "auto|always|never"},
    {"moved", 0, ""},
    {"full", 0, ""},
    {"dry-run", 'n', ""},
    {"confirm", 0, "TIME"},
    {"no-confirm", 0, ""},
    {"status", 0, ""},
    {"most", 0, "N"},
    {"format", 0, "FORMAT"},
    {"reference", 0, "DIR"},
    {"man", 0, ""},
    {"check", 0, ""},
    {"completion", 0, "bash|zsh|fish"},
    {"theirs", 0, ""},
    {"ours", 0, ""},
    {"merge", 0, ""},
    {"early", 0, ""},
    {"accept", 0, ""},
    {"unconfirmed", 0, ""},
    {"diff", 0, ""},
    {"continue", 0, ""},
    {"keep", 0, "N"},
    {"older-than", 0, "TIME"},
    {"size", 0, "SIZE"},
    {"color", 0, "auto|always|never"},
    {"verbose", 'v', ""},
    {"quiet", 'q', ""},
    {"ref", 0, "REF"},
    {"path", 0, "PATH", true},
    {"interval", 0, "TIME"},
    {"splay", 0, "TIME"},
    {"auto-upgrade", 0, ""},
    {"self-heal", 0, ""},
    {"notify-only", 0, ""},
    {"watch", 0, ""},
    {"verify", 0, "FILE"},
    {"username", 0, "NAME"},
    {"token-file", 0, "FILE"},
    {"certificate", 0, "FILE"},
    {"certificate-key", 0, "FILE"},
    {"ca", 0, "FILE"},
    {"ssh-key", 0, "FILE"},
    {"known-hosts", 0, "FILE"},
    {"proxy", 0, "URL"},
    {"allow-rewind", 0, ""},
    {"scheduled", 0, ""},
    {"until", 0, "TIME"},
    {"for", 0, "TIME"},
    {"message", 'm', "TEXT"},
    {"release", 0, ""},
};

/// `chaos render --facts` asks for the facts of this host; all else names a file with those of another.
bool facts_stand_alone(const std::vector<std::string>& words) {
    const auto verb = std::find_if(words.begin(), words.end(), [](const auto& word) { return find_command(word); });
    return verb != words.end() && *verb == "render";
}

po::options_description description(bool bare_facts) {
    po::options_description all;
    for (const OptionSpec& option : known) {
        std::string names(option.name);
        if (option.letter) names += ',', names += option.letter;
        if (option.argument.empty() || (bare_facts && option.name == "facts"))
            all.add_options()(names.c_str(), "");
        else
            all.add_options()(names.c_str(), po::value<std::string>(), "");
    }
    all.add_options()("word", po::value<std::string>(), "");
    return all;
}

[[noreturn]] void refuse(std::string_view option, std::string_view expected, std::string_view found) {
    throw Usage(fmt::format("--{}: expected {}, found '{}'", option, expected, escape(found)));
}

std::size_t number(std::string_view option, std::string_view text, std::size_t least, std::size_t most) {
    std::size_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || value < least || value > most)
        refuse(option, fmt::format("a number from {} to {}", least, most), text);
    return value;
}

template <class T, std::size_t n>
T choice(std::string_view option, std::string_view text, const std::pair<std::string_view, T> (&choices)[n]) {
    std::string expected;
    for (const auto& [word, value] : choices) {
        if (word == text) return value;
        expected += (expected.empty() ? "" : &word == &choices[n - 1].first ? " or " : ", ") + std::string(word);
    }
    refuse(option, expected, text);
}

constexpr std::pair<std::string_view, OnFailure> on_failure[] = {
    {"undo", OnFailure::undo}, {"stop", OnFailure::stop}, {"continue", OnFailure::go_on}};
constexpr std::pair<std::string_view, Refresh> refreshes[] = {
    {"auto", Refresh::automatic}, {"always", Refresh::always}, {"never", Refresh::never}};
constexpr std::pair<std::string_view, Color> colors[] = {
    {"auto", Color::automatic}, {"always", Color::always}, {"never", Color::never}};

std::int64_t seconds(std::string_view option, const std::string& text) {
    std::int64_t count = -1;
    try {
        count = Codec<Seconds>::decode(Value(text)).count;
    } catch (const Error&) {  // refused below
    }
    if (count < shortest_window_s || count > longest_window_s) refuse(option, "a time from 1s to 7d, as in 5m", text);
    return count;
}

using Units = std::span<const std::pair<std::string_view, std::int64_t>>;
constexpr std::pair<std::string_view, std::int64_t> times[] = {
    {"s", 1}, {"m", 60}, {"min", 60}, {"h", 3600}, {"d", 86400}, {"w", 7 * 86400}, {"y", 365 * 86400}};
constexpr std::pair<std::string_view, std::int64_t> sizes[] = {
    {"", 1},          {"B", 1},         {"K", 1 << 10},     {"KiB", 1 << 10}, {"M", 1 << 20},
    {"MiB", 1 << 20}, {"G", 1LL << 30}, {"GiB", 1LL << 30}, {"T", 1LL << 40}, {"TiB", 1LL << 40}};

/// A whole number with its unit.
std::int64_t quantity(std::string_view option, std::string_view text, Units units, std::string_view expected) {
    constexpr std::int64_t largest = 8'000'000'000;  // as seconds, 250 years: as nanoseconds they still have room
    const std::int64_t most = option == "size" ? INT64_MAX : largest;
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    const std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
    for (const auto& [name, times_it] : units)
        if (error == std::errc() && value >= 0 && name == unit && value <= most / times_it) return value * times_it;
    refuse(option, expected, text);
}

/// `a,b` as its words; none of nothing.
std::vector<std::string> words_of(std::string_view list) {
    std::vector<std::string> words;
    while (!list.empty()) {
        const std::string_view word = list.substr(0, list.find(','));
        if (word.empty()) refuse("groups", "names with commas between them, as in web,europe", list);
        words.emplace_back(word);
        list.remove_prefix(std::min(list.size(), word.size() + 1));
    }
    return words;
}

/// What an attribute of /etc/chaos/gitops.yml is called as an option; and what says its mode.
constexpr std::string_view of_following[] = {"ref",      "path",        "interval",    "splay",           "verify",
                                             "username", "token-file",  "certificate", "certificate-key", "ca",
                                             "ssh-key",  "known-hosts", "proxy"};
constexpr std::pair<std::string_view, std::string_view> modes[] = {
    {"auto-upgrade", "upgrade"}, {"self-heal", "heal"}, {"notify-only", "notify"}};

/// --for says how long; until when is another option.
void check_length(const std::string& said) {
    try {
        if (Codec<Seconds>::decode(Value(said)).count > 0) return;
    } catch (const Error&) {  // no length of time: said below
    }
    Usage error(fmt::format("--for: expected a length of time as 90m or 8h, found '{}'", escape(said)));
    error.hint = "a date goes with --until: --until '2026-11-21 14:00'";
    throw error;
}

void set_following(Options& options, std::string_view name, const std::string& value) {
    if (std::find(std::begin(of_following), std::end(of_following), name) != std::end(of_following)) {
        std::string attribute(name);
        std::replace(attribute.begin(), attribute.end(), '-', '_');
        options.following.emplace_back(std::move(attribute), value);
    }
    for (const auto& [option, mode] : modes) {
        if (option != name) continue;
        for (const auto& [attribute, said] : options.following)
            if (attribute == "mode" && said != mode)
                throw Usage("expected one of --auto-upgrade, --self-heal and --notify-only, found two");
        options.following.emplace_back("mode", mode);
    }
    if (name == "watch") options.following.emplace_back("watch", "true");
    if (name == "allow-rewind") options.rewind = true;
    if (name == "scheduled") options.scheduled = true;
    if (name == "release") options.release = true;
    if (name == "message") options.message = value;
    if (name == "until" || name == "for") {
        if (!options.until.empty()) throw Usage("--until and --for say the same thing: one of them is enough");
        if (name == "for") check_length(value);
        options.until = value;
    }
}

void set(Options& options, std::string_view name, const std::string& value) {
    set_following(options, name, value);
    if (name == "help") options.help = true;
    if (name == "json") options.json = true;
    if (name == "root") options.root = value;
    if (name == "state-dir") options.state_directory = value;
    if (name == "only") options.only.push_back(value);
    if (name == "skip") options.skip.push_back(value);
    if (name == "host") options.host_name = value;
    if (name == "age-key") options.age_keys.push_back(value);
    if (name == "passphrase-file") options.passphrase_file = value;
    if (name == "recipient" || name == "add") options.recipients.push_back(value);
    if (name == "remove") options.removed_recipients.push_back(value);
    if (name == "raw") options.raw = true;
    if (name == "vars") options.vars_file = value;
    if (name == "facts" && value.empty()) options.facts = true;
    if (name == "facts" && !value.empty()) options.recorded.push_back(value);
    if (name == "groups") options.groups = words_of(value);
    if (name == "output") options.output = value;
    if (name == "no-origin") options.origin = false;
    if (name == "all") options.all_edges = true;
    if (name == "trim-blocks") options.trim_blocks = true;
    if (name == "lstrip-blocks") options.lstrip_blocks = true;
    if (name == "yes") options.yes = true;
    if (name == "jobs") options.jobs = static_cast<unsigned>(number(name, value, 1, 1024));
    if (name == "on-failure") options.on_failure = choice(name, value, on_failure);
    if (name == "prune") options.prune = true;
    if (name == "no-prune") options.prune = false;
    if (name == "removals") options.removals = true;
    if (name == "security-only") options.security_only = true;
    if (name == "allow-removals") options.allow_removals = true;
    if (name == "refresh") options.refresh = choice(name, value, refreshes);
    if (name == "moved") options.moved = true;
    if (name == "full") options.full = true;
    if (name == "dry-run") options.dry_run = true;
    if (name == "most") options.most = number(name, value, 0, 1'000'000'000);
    if (name == "format") options.format = value;
    if (name == "reference") options.reference = value;
    if (name == "man") options.man = true;
    if (name == "completion") options.completion = value;
    if (name == "check") options.check = true;
    if (name == "theirs" || name == "ours" || name == "merge") {
        if (options.resolution != Resolution::none)
            throw Usage("expected one of --theirs, --ours and --merge, found two");
        options.resolution = name == "theirs" ? Resolution::theirs
                             : name == "ours" ? Resolution::ours
                                              : Resolution::merge;
    }
    if (name == "early") options.early = true;
    if (name == "accept") options.accept = true;
    if (name == "unconfirmed") options.unconfirmed = true;
    if (name == "status") options.status = true;
    if (name == "confirm") options.confirm = seconds(name, value);
    if (name == "no-confirm") options.confirm = 0;
    if (name == "diff") options.diff = true;
    if (name == "continue") options.go_on = true;
    if (name == "keep") options.retention.keep = number(name, value, 1, 1'000'000'000);
    if (name == "older-than") options.retention.seconds = quantity(name, value, times, "a time, as in 90d or 12h");
    if (name == "size") options.retention.bytes = quantity(name, value, sizes, "a size, as in 500MiB or 1GiB");
    if (name == "color") options.color = choice(name, value, colors);
    if (name == "verbose") options.verbose = true;
    if (name == "quiet") options.quiet = true;
    if (name == "var") {
        const std::size_t equals = value.find('=');
        if (equals == 0 || equals == std::string::npos) refuse(name, "NAME=VALUE", value);
        options.vars.emplace_back(value.substr(0, equals), value.substr(equals + 1));
    }
}

Usage unknown(const std::string& written) {
    const std::string_view word =
        std::string_view(written).substr(std::min(written.find_first_not_of('-'), written.size()));
    std::vector<std::string_view> names;
    for (const OptionSpec& option : known) names.push_back(option.name);
    Usage error(fmt::format("unknown option '{}'", escape(written)));
    const std::string_view near = nearest(word.substr(0, word.find('=')), names);
    error.hint = near.empty() ? "chaos help" : fmt::format("did you mean --{}?", near);
    return error;
}

}  // namespace

std::span<const OptionSpec> option_table() {
    return known;
}

Options parse_options(const std::vector<std::string>& words) {
    Options options;
    options.words = words;
    try {
        const po::options_description all = description(facts_stand_alone(words));
        po::positional_options_description everything;
        everything.add("word", -1);
        // No guessing: a script that says --rem must not change its meaning when an option is added.
        const int style = po::command_line_style::default_style & ~po::command_line_style::allow_guessing;
        for (const auto& option :
             po::command_line_parser(words).options(all).positional(everything).style(style).run().options) {
            const std::string value = option.value.empty() ? std::string() : option.value.front();
            if (option.string_key == "word") {
                (options.command.empty() ? options.command : options.arguments.emplace_back()) = value;
                continue;
            }
            const auto spec = std::find_if(std::begin(known), std::end(known),
                                           [&](const OptionSpec& s) { return s.name == option.string_key; });
            const bool again =
                std::find(options.given.begin(), options.given.end(), option.string_key) != options.given.end();
            if (again && !spec->repeats && !spec->argument.empty())
                throw Usage(fmt::format("--{} is given twice", option.string_key));
            options.given.push_back(option.string_key);
            const auto other = option.string_key == "confirm"      ? "no-confirm"
                               : option.string_key == "no-confirm" ? "confirm"
                                                                   : "";
            if (std::find(options.given.begin(), options.given.end(), other) != options.given.end())
                throw Usage("--confirm and --no-confirm say the contrary of each other");
            set(options, option.string_key, value);
        }
    } catch (const po::unknown_option& e) {
        throw unknown(e.get_option_name());
    } catch (const po::error_with_option_name& e) {
        // "the required argument for option '--root' is missing", "option '--json' does not take any arguments"
        throw Usage(e.what());
    } catch (const po::error& e) {
        throw Usage(e.what());
    }
    return options;
}

}  // namespace chaos::cli
