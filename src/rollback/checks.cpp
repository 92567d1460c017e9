// SPDX-License-Identifier: Apache-2.0
// What must answer before a run counts.
#include "checks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chaos/probe.hpp>
#include <chrono>
#include <thread>
#include <utility>

namespace chaos::rollback {
namespace {

using Clock = std::chrono::steady_clock;

/// What came, where that is not what was wished; empty where it is.
using Came = std::string;

Came contains(const Check& check, const std::string& text, std::string_view what) {
    if (check.contains.empty() || text.find(check.contains) != std::string::npos) return {};
    return fmt::format("{} is not in {}", check.secret ? "the secret" : fmt::format("'{}'", check.contains), what);
}

Came ask_http(const Check& check) {
    const HttpAnswer answer = http_get(check.subject, check.timeout_s);
    const bool fits = check.expect.empty()
                          ? answer.status >= 200 && answer.status <= 299
                          : std::find(check.expect.begin(), check.expect.end(), answer.status) != check.expect.end();
    return fits ? contains(check, answer.body, "the answer") : fmt::format("status {}", answer.status);
}

Came ask_unit(const Check& check, const Host& host) {
    if (!host.services().answers()) return "no systemd answers here";
    const Unit unit = host.services().unit(check.subject);
    if (unit.active == "active") return {};
    return unit.load == "loaded" ? fmt::format("{} ({})", unit.active, unit.sub) : unit.load;
}

Came ask_file(const Check& check, const Host& host) {
    const Entry entry = host.look(check.subject);
    if (!entry) return "there is nothing";
    if (check.contains.empty()) return {};
    if (entry.kind != Entry::Kind::file) return "it is no regular file";
    std::string text;
    host.look(check.subject, &text);
    return contains(check, text, "it");
}

Came ask_command(const Check& check, StagedHost& host) {
    Command command{check.argv};
    command.user = check.user;
    command.timeout_s = static_cast<int>(check.timeout_s);
    const Output output = host.run(command);
    if (output.status != 0) return failed(command, output).what();
    return contains(check, output.out, "what it printed");
}

Came ask_once(const Check& check, StagedHost& host) try {
    switch (check.kind) {
        case Check::Kind::command: return ask_command(check, host);
        case Check::Kind::http: return ask_http(check);
        case Check::Kind::tcp: {
            const auto [name, port] = parse_endpoint(check.subject);
            return tcp_connect(name, port, check.timeout_s), Came();
        }
        case Check::Kind::unit: return ask_unit(check, host);
        case Check::Kind::file: return ask_file(check, host);
    }
    return {};
} catch (const Error& error) {
    return error.hint.empty() ? Came(error.what()) : fmt::format("{} ({})", error.what(), error.hint);
}

bool stopped(const std::atomic<bool>* stop) {
    return stop && stop->load();
}

void pause(std::chrono::milliseconds how_long, const std::atomic<bool>* stop) {
    for (const auto end = Clock::now() + how_long; Clock::now() < end && !stopped(stop);)
        std::this_thread::sleep_for(std::min<Clock::duration>(std::chrono::milliseconds(50), end - Clock::now()));
}

}  // namespace

void ask(const Check& check, StagedHost& host, Reporter& reporter, const std::atomic<bool>* stop) {
    if (!host.live() && check.kind != Check::Kind::file && check.kind != Check::Kind::command)
        return reporter.says(fmt::format("{} is not asked: an image runs nothing", to_text(check)));
    const auto end = Clock::now() + std::chrono::seconds(check.within_s);
    auto rest = std::chrono::milliseconds(100);
    for (bool told = false;;) {
        const Came came = ask_once(check, host);
        if (came.empty()) return;
        if (Clock::now() + rest >= end || stopped(stop)) {
            Error error(check.where, fmt::format("the check {} did not answer in {} s: expected {}; came: {}",
                                                 to_text(check), check.within_s, wish_of(check), came));
            if (!check.doc.empty()) error.hint = "what it means: " + check.doc;
            throw error;
        }
        if (!std::exchange(told, true))
            reporter.says(fmt::format("waiting for {}, up to {} s", to_text(check), check.within_s));
        pause(rest, stop);
        rest = std::min(rest * 2, std::chrono::milliseconds(1000));
    }
}

}  // namespace chaos::rollback
