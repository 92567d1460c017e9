// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <chaos/gitops/settings.hpp>
#include <chaos/manifest.hpp>
#include <chaos/state.hpp>
#include <chaos/template.hpp>
#include <chaos/url.hpp>

namespace chaos {

namespace {

constexpr std::string_view following_words[] = {"upgrade", "heal", "notify"};

}  // namespace

template <>
struct Codec<gitops::Following> : WordCodec<gitops::Following, following_words> {
    static constexpr std::string_view name = "upgrade, heal or notify",
                                      json = R"({"enum":["upgrade","heal","notify"]})";
};

gitops::Candidates Codec<gitops::Candidates>::decode(const Value& value) {
    gitops::Candidates paths;
    const auto add = [&](const Value& one) {
        const std::string& text = one.text();
        if (text.empty()) throw Error(one.where, "expected a path in the repository, found nothing");
        if (text.front() == '/')
            throw Error(one.where, fmt::format("expected a path in the repository, found '{}'", text))
                .help("write it without the first slash");
        if (("/" + text + "/").find("/../") != std::string::npos)
            throw Error(one.where, fmt::format("'{}' leads out of the repository", text));
        paths.list.push_back(text);
    };
    if (value.is_list())
        for (const Value& one : value.list()) add(one);
    else
        add(value);
    if (paths.list.empty()) throw Error(value.where, "expected a path or a list of them, found an empty list");
    return paths;
}

Value Codec<gitops::Candidates>::encode(const gitops::Candidates& paths) {
    Value::List list;
    for (const std::string& path : paths.list) list.emplace_back(path);
    return Value(std::move(list));
}

namespace gitops {

namespace {

using namespace schema;

constexpr Field fields[] = {
    property<&Settings::url>("url",
                             "The repository: https://, ssh:// (or user@host:path), file://. A password does not "
                             "belong in it: see token_file.")
        .needed()
        .example("https://git.example.org/infra.git"),
    property<&Settings::ref>("ref", "The branch or tag that is followed.")
        .example("main")
        .otherwise("the branch that the repository has first"),
    property<&Settings::path>("path",
                              "Where the manifest is: the first of these that the repository has. `{{ host.name }}` "
                              "and other expressions may be in it; with `{{ group }}` it is tried with each of "
                              "host.groups.")
        .example("[hosts/{{ host.name }}.yml, site.yml]")
        .otherwise("hosts/{{ host.name }}.yml, groups/{{ group }}.yml, site.yml"),
    property<&Settings::mode>("mode",
                              "upgrade: new commits are applied. heal: that, and what drifted is put right. notify: "
                              "nothing is changed, and status, metrics and hooks tell.")
        .example("heal")
        .otherwise("upgrade"),
    property<&Settings::interval>("interval", "How often the repository is asked.").example("5m").otherwise("5m"),
    property<&Settings::splay>("splay", "Up to so much later, so that hosts do not ask all at once.")
        .example("30s")
        .otherwise("30s"),
    property<&Settings::full_scan>("full_scan",
                                   "How often the whole host is compared with the manifest, whatever seems unchanged.")
        .example("6h")
        .otherwise("6h"),
    property<&Settings::watch>("watch",
                               "Whether the host is watched between these times as well (chaos watch): drift is put "
                               "right, or told, within a second.")
        .example("true")
        .otherwise("false"),
    property<&Settings::verify>("verify",
                                "Who may sign: a file of ssh's allowed signers, or of public keys of OpenPGP. Commits "
                                "(or tags) that none of them signed are refused.")
        .example("/etc/chaos/signers")
        .otherwise("nothing need be signed"),
    property<&Settings::allow_rewind>("allow_rewind",
                                      "Whether a branch may go back, or be rewritten. Without it that is refused.")
        .example("false")
        .otherwise("false"),
    property<&Settings::submodules>("submodules", "Whether submodules are fetched, too.")
        .example("true")
        .otherwise("true"),
    property<&Settings::username>("username", "The name that goes with the token, where the server wants one.")
        .example("deploy")
        .otherwise("the token goes as a bearer's"),
    property<&Settings::token_file>("token_file", "A file whose first line is the token, or password, for https.")
        .example("/etc/chaos/git-token"),
    property<&Settings::certificate>("certificate", "A certificate of this host for https, as PEM.")
        .example("/etc/chaos/git.crt"),
    property<&Settings::certificate_key>("certificate_key", "Its key.").example("/etc/chaos/git.key"),
    property<&Settings::ca>("ca", "The authorities that sign the server's certificate, as PEM.")
        .example("/etc/chaos/git-ca.crt")
        .otherwise("those of the system"),
    property<&Settings::ssh_key>("ssh_key", "The private key for ssh.")
        .example("/etc/chaos/git-key")
        .otherwise("root's own, as ssh finds it"),
    property<&Settings::known_hosts>("known_hosts",
                                     "The server's ssh keys, pinned: no other one is spoken to. `ssh-keyscan` prints "
                                     "them; compare before you trust.")
        .example("/etc/chaos/git-known-hosts")
        .otherwise("root's own and /etc/ssh/ssh_known_hosts"),
    property<&Settings::proxy>("proxy", "A proxy for https: http://HOST:PORT, or socks5h://HOST:PORT.")
        .example("http://proxy.example.org:3128"),
    property<&Settings::metrics>("metrics", "A file for the textfile collector of Prometheus's node_exporter.")
        .example("/var/lib/prometheus/node-exporter/chaos.prom"),
    property<&Settings::events>("events",
                                "A file to which each event is added as a line of JSON, as OpenTelemetry's log data "
                                "model has it.")
        .example("/var/log/chaos-events.jsonl"),
    property<&Settings::webhook>("webhook", "A URL that is sent each failure, drift and recovery, as JSON.")
        .example("https://alerts.example.org/chaos"),
    property<&Settings::webhook_secret>("webhook_secret",
                                        "A file whose first line signs them: the header X-Chaos-Signature-256 is "
                                        "`sha256=` and the HMAC of the body.")
        .example("/etc/chaos/webhook-secret"),
    property<&Settings::command>("command",
                                 "A command that is run at each failure, drift and recovery; the event is its standard "
                                 "input, as JSON. No shell.")
        .example("[/usr/local/bin/page, --quiet]"),
};

constexpr Schema declared = schema::of<Settings>("gitops.yml", "gitops.yml", Order::setting,
                                                 "How this host follows a repository: /etc/chaos/gitops.yml.", fields);

void check(const Settings& settings, const Value& said, Diagnostics& problems) {
    const auto place = [&](std::string_view name) {
        const Value* value = said.find(name);
        return value ? value->where : said.where;
    };
    constexpr std::int64_t shortest = 10, longest = 7 * 86400;
    if (settings.interval.count < shortest || settings.interval.count > longest)
        problems.add(Error(place("interval"), "expected a time from 10s to 7d").help("write interval: 5m"));
    if (settings.splay.count > longest) problems.add(Error(place("splay"), "expected a time of at most 7d"));
    if (settings.certificate.has_value() != settings.certificate_key.has_value())
        problems.add(Error(place(settings.certificate ? "certificate" : "certificate_key"),
                           "a certificate and its key go together")
                         .help(settings.certificate ? "add certificate_key: FILE" : "add certificate: FILE"));
    if (without_passwords(settings.url) != settings.url)
        problems.add(Error(place("url"), "the url has a password in it, which everybody who looks would see")
                         .help("put it into a file that only root can read, and name that: token_file: FILE"));
    if (settings.url.starts_with("http://") && !settings.verify)
        problems.add(Error(place("url"), "what comes by http:// anybody on its way can change, and it is done as root")
                         .help("write https://, or say who signs: verify: FILE"));
    if (settings.webhook_secret && !settings.webhook)
        problems.add(Error(place("webhook_secret"), "there is no webhook that it would sign").help("add webhook: URL"));
}

}  // namespace

const Schema& settings_schema() {
    return declared;
}

Settings read_settings(Sources& sources, const std::string& name, std::string text, Diagnostics& problems) {
    return settings_from(parse_yaml(sources, sources.add(name, name.substr(0, name.rfind('/')), std::move(text))),
                         problems);
}

Settings settings_from(const Value& said, Diagnostics& problems) {
    const State state = decode(declared, said, problems);
    if (!state) return {};
    const Settings settings = *state.as<Settings>();
    if (problems.ok()) check(settings, said, problems);
    return settings;
}

std::string to_text(const Settings& settings) {
    const State given = State::of(settings), plain = State::of(Settings{});
    const Value all = encode(declared, given), otherwise = encode(declared, plain);
    Value::Map said;
    for (const auto& entry : all.map()) {
        const Value* usual = otherwise.find(entry.key.text());
        if (usual && *usual == entry.value && entry.key.text() != "interval") continue;
        said.push_back(entry);
    }
    return "# How this host follows a repository. chaos gitops --help tells what may stand here.\n" +
           to_yaml(Value(std::move(said)));
}

std::string settings_reference() {
    std::string text = "| | | |\n|---|---|---|\n";
    for (const Field& field : fields)
        text += fmt::format("| `{}` | {} | {}{} |\n", field.name, field.type, field.doc,
                            field.fallback.empty() ? std::string() : fmt::format(" (otherwise: {})", field.fallback));
    return text;
}

}  // namespace gitops
}  // namespace chaos
