// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chaos/durable.hpp>
#include <chaos/gitops/drifting.hpp>
#include <chaos/gitops/outside.hpp>
#include <chaos/hashes.hpp>
#include <chaos/probe.hpp>
#include <chaos/process.hpp>
#include <cstring>

namespace chaos::gitops {

namespace {

Value text(std::string words) {
    return Value(std::move(words));
}

std::string in_hex(const std::string& bytes) {
    std::string digits;
    for (const char byte : bytes) digits += fmt::format("{:02x}", static_cast<unsigned char>(byte));
    return digits;
}

Value::Entry entry(const char* name, Value value) {
    return {text(name), std::move(value)};
}

std::string quoted(std::string_view words) {
    std::string out;
    for (const char c : words) {
        if (c == '\\' || c == '"') out += '\\';
        if (c == '\n')
            out += "\\n";
        else
            out += c;
    }
    return out;
}

/// For others to read (0644), in one move; the directory is somebody else's.
void publish(const std::string& path, std::string_view words) {
    const std::string beside = path + ".chaos~";
    ::unlink(beside.c_str());
    const int file = ::open(beside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
    const bool well = file >= 0 && ::fchmod(file, 0644) == 0 &&
                      ::write(file, words.data(), words.size()) == static_cast<ssize_t>(words.size());
    const int reason = errno;
    if (file >= 0) ::close(file);
    if (well && ::rename(beside.c_str(), path.c_str()) == 0) return;
    const int last = well ? errno : reason;
    ::unlink(beside.c_str());
    throw Error(fmt::format("can not write {}: {}", path, std::strerror(last)));
}

void append(const std::string& path, const std::string& line) {
    // Of a pipe nobody need be at the other end.
    const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0640);
    const bool well = file >= 0 && ::write(file, line.data(), line.size()) == static_cast<ssize_t>(line.size());
    const int reason = errno;
    if (file >= 0) ::close(file);
    if (!well) throw Error(fmt::format("can not write {}: {}", path, std::strerror(reason)));
}

void run_command(const Settings& settings, const std::string& event) {
    Command command{settings.command->list};
    command.input = event;
    command.timeout_s = 60;
    Child child(command);
    child.release();
    const Output output = child.wait();
    if (output.status != 0) throw failed(command, output);
}

void post(const Settings& settings, const std::string& event) {
    std::vector<std::string> headers{"Content-Type: application/json"};
    if (settings.webhook_secret) {
        const auto secret = durable::read(settings.webhook_secret->text);
        if (!secret) throw Error(fmt::format("there is no {}", settings.webhook_secret->text));
        headers.push_back("X-Chaos-Signature-256: sha256=" +
                          in_hex(language::hmac_sha256(secret->substr(0, secret->find('\n')), event)));
    }
    constexpr int tries = 3, timeout_s = 10;
    for (int i = 1;; ++i) try {
            const HttpAnswer answer = http_post(*settings.webhook, headers, event, timeout_s);
            if (answer.status / 100 == 2) return;
            throw Error(fmt::format("the webhook answered {}", answer.status));
        } catch (const Error&) {
            if (i == tries) throw;
            ::sleep(static_cast<unsigned>(i));
        }
}

/// The events that nobody took yet, oldest first, and this one.
void tell_webhook(const Settings& settings, const std::string& directory, const std::string& event) {
    constexpr std::size_t most = 100;
    const std::string path = directory + "/untold";
    std::string waiting = durable::read(path).value_or("") + event;
    std::size_t lines = 0;
    for (const char c : waiting) lines += c == '\n';
    for (; lines > most; --lines) waiting.erase(0, waiting.find('\n') + 1);
    durable::replace(path, waiting);
    while (!waiting.empty()) {
        const std::size_t end = waiting.find('\n');
        post(settings, waiting.substr(0, end));
        waiting.erase(0, end + 1);
        durable::replace(path, waiting);
    }
    ::unlink(path.c_str());
}

}  // namespace

std::string to_json(const Event& event) {
    const auto said = [](const std::string& words) { return chaos::to_json(Value(words)); };
    return fmt::format(
        R"({{"event": {}, "host": {}, "url": {}, "ref": {}, "commit": {}, "subject": {}, "author": {}, "run": {}, )"
        R"("drifted": {}, "message": {}, "at": {}}})"
        "\n",
        said(event.kind), said(event.host), said(event.url), said(event.ref), said(event.commit), said(event.subject),
        said(event.author), event.run, event.drifted, said(event.message), event.at);
}

std::string to_log_record(const Event& event) {
    const bool bad = event.kind == "failure" || event.kind == "unreachable";
    const bool odd = event.kind == "drift";
    const auto attribute = [](const char* key, std::string value) {
        return Value(Value::Map{entry("key", text(key)),
                                entry("value", Value(Value::Map{entry("stringValue", text(std::move(value)))}))});
    };
    return chaos::to_json(Value(Value::Map{
               entry("timeUnixNano", text(std::to_string(event.at) + "000000000")),
               entry("severityText", text(bad   ? "ERROR"
                                          : odd ? "WARN"
                                                : "INFO")),
               entry("body", Value(Value::Map{entry("stringValue", text(event.message))})),
               entry("attributes",
                     Value(Value::List{
                         attribute("host.name", event.host), attribute("event.name", "chaos.gitops." + event.kind),
                         attribute("vcs.repository.url.full", event.url), attribute("vcs.ref.head.name", event.ref),
                         attribute("vcs.ref.head.revision", event.commit),
                         attribute("chaos.run", std::to_string(event.run)),
                         attribute("chaos.drifted", std::to_string(event.drifted))}))})) +
           '\n';
}

std::string metrics(const Settings& settings, const Memory& memory, std::int64_t now) {
    std::string out;
    const auto add = [&](const char* name, const char* help, std::int64_t value, const std::string& labels = {}) {
        out += fmt::format("# HELP chaos_gitops_{0} {1}\n# TYPE chaos_gitops_{0} gauge\nchaos_gitops_{0}{2} {3}\n",
                           name, help, labels, value);
    };
    add("info", "The repository that is followed, and the commit that the host is at.", 1,
        fmt::format("{{url=\"{}\",ref=\"{}\",commit=\"{}\"}}", quoted(settings.url), quoted(settings.ref),
                    quoted(memory.good)));
    add("last_success_timestamp_seconds", "When a commit was applied well last.", memory.good_at);
    add("last_contact_timestamp_seconds", "When the repository answered last.", memory.asked);
    add("last_scan_timestamp_seconds", "When the host was compared with the manifest last.", memory.scanned);
    add("synced", "Whether the host is at the commit that the ref is at.",
        !memory.good.empty() && memory.good == memory.seen);
    add("failed", "Whether the commit that the ref is at could not be applied.",
        !memory.failed.empty() && memory.failed == memory.seen);
    add("drifted_resources", "Resources that are not as the manifest says, and were left so.", memory.drifted);
    add("left_resources", "Resources that drift again and again, and are left so for a while.",
        static_cast<std::int64_t>(Drifting::read(memory.left).left(now).size()));
    add("contact_failures", "How often in a row the repository did not answer.", memory.failures);
    add("suspended", "Whether nothing is followed at present.",
        memory.suspended_until < 0 || memory.suspended_until > now);
    add("held", "Whether a person took a run back, and the host stays so.", memory.held_by_run != 0);
    out += fmt::format(
        "# HELP chaos_gitops_run_duration_seconds How long the last run took.\n# TYPE "
        "chaos_gitops_run_duration_seconds "
        "gauge\nchaos_gitops_run_duration_seconds {}.{:03}\n",
        memory.duration_ms / 1000, memory.duration_ms % 1000);
    return out;
}

std::vector<std::string> tell_outside(const Settings& settings, const std::string& directory, const Memory& memory,
                                      const Event& event) {
    std::vector<std::string> wrong;
    const auto try_to = [&](auto&& tell) {
        try {
            tell();
        } catch (const std::exception& error) {
            wrong.emplace_back(error.what());
        }
    };
    if (settings.metrics) try_to([&] { publish(settings.metrics->text, metrics(settings, memory, event.at)); });
    if (event.kind.empty()) return wrong;
    if (settings.events) try_to([&] { append(settings.events->text, to_log_record(event)); });
    if (event.kind == "applied") return wrong;  // pages nobody
    const std::string said = to_json(event);
    if (settings.command) try_to([&] { run_command(settings, said); });
    if (settings.webhook) try_to([&] { tell_webhook(settings, directory, said); });
    return wrong;
}

}  // namespace chaos::gitops
