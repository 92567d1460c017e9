// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <chaos/gitops/units.hpp>
#include <chaos/template.hpp>

namespace chaos::gitops {

namespace {

/// Hardened as far as a configuration engine can be: what it is told to make are mounts, packages, users and units of
/// the host. No option here gives it a mount namespace (ProtectSystem=, PrivateTmp=, ReadOnlyPaths=...): a mount that
/// it makes would be nobody else's.
constexpr std::string_view hardening = R"(KeyringMode=private
LockPersonality=yes
RestrictRealtime=yes
UMask=0077
OOMPolicy=continue
Nice=5
)";

/// A service of ours: what it is for, what more [Unit] says, its command, what more [Service] says.
std::string service(std::string_view description, std::string_view unit, const std::string& command,
                    std::string_view more) {
    return fmt::format(R"(# Written by chaos gitops enable.
[Unit]
Description={}
Documentation=man:chaos-gitops(1)
{}
[Service]
ExecStart={}
{}TimeoutStartSec=infinity
{})",
                       description, unit, command, more, hardening);
}

constexpr std::string_view follows = "ConditionPathExists=/etc/chaos/gitops.yml\n";

std::string service_unit(const std::string& program) {
    return service("Make this host what its repository says",
                   std::string(follows) + "Wants=network-online.target\nAfter=network-online.target\n",
                   program + " gitops reconcile --scheduled", R"(Type=oneshot
# it waits for a word, or somebody else is at work: both are told by status
SuccessExitStatus=2 75
)");
}

/// It looks at what the last turn saw, so a boot's first turn may come before or after it.
std::string watch_unit(const std::string& program) {
    return service("Put right at once what drifts from what the repository says", follows, program + " watch",
                   "Type=exec\nRestart=on-failure\nRestartSec=60s\n") +
           "\n[Install]\nWantedBy=multi-user.target\n";
}

constexpr std::string_view socket_unit = R"(# Written by chaos gitops enable.
[Unit]
Description=Ask the repository of this host now: whoever connects is told what came of it
Documentation=man:chaos-gitops(1)

[Socket]
ListenStream=/run/chaos-reconcile.sock
SocketMode=0600
Accept=yes
MaxConnections=4
TriggerLimitIntervalSec=30s
TriggerLimitBurst=20

[Install]
WantedBy=sockets.target
)";

std::string socket_service(const std::string& program) {
    return service("Ask the repository of this host now", "CollectMode=inactive-or-failed\n",
                   program + " gitops reconcile --yes", R"(Type=oneshot
StandardInput=null
StandardOutput=socket
StandardError=socket
SuccessExitStatus=2 75
)");
}

Value text(std::string words) {
    return Value(std::move(words));
}

Value map(std::initializer_list<std::pair<std::string, Value>> entries) {
    Value::Map all;
    for (const auto& [key, value] : entries) all.push_back({Value(key), value});
    return Value(std::move(all));
}

Value file(std::string content, const char* mode) {
    return map({{"content", text(std::move(content))}, {"mode", text(mode)}});
}

Value runs(const std::string& unit, bool does) {
    return map({{"enabled", text(does ? "true" : "false")},
                {"running", text(does ? "true" : "false")},
                {"watch", Value(Value::List{text("file:/etc/systemd/system/" + unit)})}});
}

constexpr std::string_view site_name = "chaos-gitops";

}  // namespace

std::string timer_unit(const Settings& settings) {
    return fmt::format(R"(# Written by chaos gitops enable.
[Unit]
Description=Make this host what its repository says, every {0} s
Documentation=man:chaos-gitops(1)

[Timer]
# after it was enabled, and after each boot: what a host that was off has missed it asks for soon
OnActiveSec=10s
OnUnitInactiveSec={0}s
AccuracySec=1s
RandomizedDelaySec={1}s
FixedRandomDelay=yes

[Install]
WantedBy=timers.target
)",
                       settings.interval.count, settings.splay.count);
}

std::string manifest_to_follow(const Settings& settings, const std::string& program, bool at_work) {
    const std::string units = "/etc/systemd/system/";
    Value files = map({{settings_file, file(to_text(settings), "0600")},
                       {units + "chaos-pull.service", file(service_unit(program), "0644")},
                       {timer_file, file(timer_unit(settings), "0644")},
                       {units + "chaos-reconcile.socket", file(std::string(socket_unit), "0644")},
                       {units + "chaos-reconcile@.service", file(socket_service(program), "0644")}});
    Value services = map({});
    const auto add = [](Value& to, std::string name, Value what) {
        std::get<Value::Map>(to.data).push_back({text(std::move(name)), std::move(what)});
    };
    for (const std::string& unit : units_of(settings))
        if (unit == "chaos-watch.service") add(files, units + unit, file(watch_unit(program), "0644"));
    for (const std::string& unit : units_of(settings)) add(services, unit, runs(unit, at_work));
    return "# Written by chaos gitops enable.\n" +
           to_yaml(map({{"name", text(std::string(site_name))}, {"files", files}, {"services", services}}));
}

std::vector<std::string> units_of(const Settings& settings) {
    std::vector<std::string> units{"chaos-pull.timer", "chaos-reconcile.socket"};
    if (settings.watch) units.emplace_back("chaos-watch.service");
    return units;
}

std::string manifest_to_stop() {
    return fmt::format("# Written by chaos gitops disable.\nname: {}\n", site_name);
}

}  // namespace chaos::gitops
