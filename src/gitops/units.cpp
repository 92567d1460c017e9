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

std::string service_unit(const std::string& program) {
    return fmt::format(R"(# Written by chaos gitops enable.
[Unit]
Description=Make this host what its repository says
Documentation=man:chaos-gitops(1)
ConditionPathExists=/etc/chaos/gitops.yml
Wants=network-online.target
After=network-online.target

[Service]
Type=oneshot
ExecStart={} gitops reconcile --scheduled
# it waits for a word, or somebody else is at work: both are told by status
SuccessExitStatus=2 75
TimeoutStartSec=infinity
{})",
                       program, hardening);
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
    return fmt::format(R"(# Written by chaos gitops enable.
[Unit]
Description=Ask the repository of this host now
Documentation=man:chaos-gitops(1)
CollectMode=inactive-or-failed

[Service]
Type=oneshot
ExecStart={} gitops reconcile --yes
StandardInput=null
StandardOutput=socket
StandardError=socket
SuccessExitStatus=2 75
TimeoutStartSec=infinity
{})",
                       program, hardening);
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

Value runs(const std::string& unit) {
    return map({{"enabled", text("true")},
                {"running", text("true")},
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

std::string manifest_to_follow(const Settings& settings, const std::string& program) {
    const std::string units = "/etc/systemd/system/";
    return "# Written by chaos gitops enable.\n" +
           to_yaml(map({{"name", text(std::string(site_name))},
                        {"files", map({{settings_file, file(to_text(settings), "0600")},
                                       {units + "chaos-pull.service", file(service_unit(program), "0644")},
                                       {timer_file, file(timer_unit(settings), "0644")},
                                       {units + "chaos-reconcile.socket", file(std::string(socket_unit), "0644")},
                                       {units + "chaos-reconcile@.service", file(socket_service(program), "0644")}})},
                        {"services", map({{"chaos-pull.timer", runs("chaos-pull.timer")},
                                          {"chaos-reconcile.socket", runs("chaos-reconcile.socket")}})}}));
}

std::string manifest_to_stop() {
    return fmt::format("# Written by chaos gitops disable.\nname: {}\n", site_name);
}

}  // namespace chaos::gitops
