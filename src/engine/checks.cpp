// SPDX-License-Identifier: Apache-2.0
#include "checks.hpp"
#include <fmt/format.h>
#include <algorithm>
#include <chaos/confirm.hpp>
#include <chaos/schema.hpp>
#include <charconv>
#include "utf8.hpp"

namespace chaos {

namespace {

using Kind = Check::Kind;

struct Row {
    std::string_view word;
    Kind kind;
    std::string_view sample;
};
constexpr Row kinds[] = {{"command", Kind::command, "command: [pg_isready, -q]"},
                         {"http", Kind::http, "http: \"http://127.0.0.1:8080/healthz\""},
                         {"tcp", Kind::tcp, "tcp: \"127.0.0.1:22\""},
                         {"unit", Kind::unit, "unit: nginx"},
                         {"file", Kind::file, "file: /run/app/ready"}};

constexpr std::string_view shape = "write it as in - {tcp: \"127.0.0.1:22\", within: 30s}";
constexpr std::int64_t longest_s = 3600;

const Row* row_of(std::string_view word) {
    const auto* found =
        std::find_if(std::begin(kinds), std::end(kinds), [&](const Row& row) { return row.word == word; });
    return found == std::end(kinds) ? nullptr : found;
}

std::string_view word_of(Kind kind) {
    return std::find_if(std::begin(kinds), std::end(kinds), [&](const Row& row) { return row.kind == kind; })->word;
}

Error unknown(const Value& key) {
    const std::string& word = key.text();
    Error error(key.where, fmt::format("a check has no '{}'", printable(word)));
    if (word == "url") return std::move(error).help("write http: URL");
    if (word == "service") return std::move(error).help("write unit: NAME");
    if (word == "port") return std::move(error).help("write tcp: \"HOST:PORT\"");
    if (word == "path" || word == "exists") return std::move(error).help("write file: PATH");
    if (word == "cmd" || word == "exec" || word == "run") return std::move(error).help("write command: COMMAND");
    if (word == "retries" || word == "retry" || word == "interval")
        return std::move(error).help("it is tried again until it is over: within: 30s");
    return std::move(error).help(
        "it has one of command, http, tcp, unit and file; and within, timeout, expect, contains, user, doc, when");
}

std::int64_t seconds_of(const Value& value, std::string_view word) {
    const std::int64_t seconds = Codec<Seconds>::decode(value).count;
    if (seconds < 1 || seconds > longest_s)
        throw Error(value.where, fmt::format("{} is a time from 1s to 1h, found '{}'", word, value.text()));
    return seconds;
}

std::vector<int> statuses_of(const Value& value) {
    std::vector<int> statuses;
    for (const Value& item : items_in(value)) {
        const std::string& text = item.text();
        int status = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), status);
        if (error != std::errc() || end != text.data() + text.size() || status < 100 || status > 599)
            throw Error(item.where, fmt::format("expected a status of http, 100 to 599, found '{}'", printable(text)))
                .help("write it as in expect: 200, or expect: [200, 204]");
        statuses.push_back(status);
    }
    return statuses;
}

/// What its kind makes of the text after its word.
void read_subject(Check& check, const Value& said) {
    if (check.kind == Kind::command) {
        check.argv = Codec<Words>::decode(said).list;
        if (check.argv.empty() || check.argv.front().empty()) throw Error(said.where, "this command has no words");
        for (const std::string& word : check.argv) check.subject += (check.subject.empty() ? "" : " ") + word;
        return;
    }
    check.subject = said.text();
    if (check.secret && check.subject.empty()) return;  // its key is lacking: nothing is known of it
    switch (check.kind) {
        case Kind::http: parse_url(check.subject); break;
        case Kind::tcp: parse_endpoint(check.subject); break;
        case Kind::file: check.subject = Codec<Path>::decode(said).text; break;
        case Kind::unit:
            if (check.subject.empty() || check.subject.find_first_of(" /*\n") != std::string::npos)
                throw Error(fmt::format("'{}' is no name of a unit", printable(check.subject)));
            if (check.subject.find('.') == std::string::npos) check.subject += ".service";
            break;
        case Kind::command: break;
    }
}

void read_option(Check& check, const Value& key, const Value& value) {
    const std::string& word = key.text();
    const bool fits = word == "expect"     ? check.kind == Kind::http
                      : word == "contains" ? check.kind != Kind::tcp && check.kind != Kind::unit
                      : word == "user"     ? check.kind == Kind::command
                                           : true;
    if (!fits) throw Error(key.where, fmt::format("a check of {} has no '{}'", word_of(check.kind), word));
    if (word == "expect")
        check.expect = statuses_of(value);
    else if (word == "contains")
        check.contains = value.text();
    else if (word == "user")
        check.user = value.text();
    else if (word == "doc")
        check.doc = value.text();
    else if (word == "within")
        check.within_s = seconds_of(value, word);
    else if (word == "timeout")
        check.timeout_s = seconds_of(value, word);
    else
        throw unknown(key);
}

/// The key of the item that says what is asked. Throws Error where there is none, or more.
const Value::Entry& asked(const Value& item) {
    const Value::Entry* found = nullptr;
    for (const Value::Entry& entry : item.map()) {
        if (!row_of(entry.key.text())) continue;
        if (found)
            throw Error(entry.key.where, fmt::format("a check asks one thing, and this asks two: {} and {}",
                                                     found->key.text(), entry.key.text()))
                .note(found->key.where, "the other one is here")
                .help("make two items of it");
        found = &entry;
    }
    if (found) return *found;
    for (const Value::Entry& entry : item.map())
        if (entry.key.text() != "within" && entry.key.text() != "timeout" && entry.key.text() != "doc" &&
            entry.key.text() != "when" && entry.key.text() != "expect" && entry.key.text() != "contains" &&
            entry.key.text() != "user")
            throw unknown(entry.key);
    throw Error(item.where, "this does not say what is asked").help(std::string(shape));
}

}  // namespace

std::optional<Check> read_check(const Value& item, Scope& scope) {
    if (!item.is_map())
        throw Error(item.where, fmt::format("checks takes mappings, found {}", kind_of(item))).help(std::string(shape));
    const Value::Entry& subject = asked(item);
    if (const Value* when = item.find("when")) {
        scope.stand_in(when->where), scope.deciding = true;
        const bool holds = decide(*when, scope);
        scope.deciding = false;
        if (!holds) return std::nullopt;
    }
    Check check;
    check.kind = row_of(subject.key.text())->kind;
    check.where = subject.key.where;
    Value::Map written;
    const auto resolved = [&](const Value::Entry& entry) {
        if (entry.value.is_null())
            throw Error(entry.key.where, fmt::format("'{}' has no value", entry.key.text()))
                .help("remove it, or give it one");
        Value value = entry.value;
        scope.stand_in(entry.value.where);
        substitute(value, scope);
        const bool secret = holds_secret(value);
        if (secret && (check.kind != Kind::http && entry.key.text() != "contains"))
            throw Error(entry.value.where,
                        check.kind == Kind::command
                            ? "a secret can not be a word of a command: everybody on the host sees "
                              "the words of commands"
                            : fmt::format("'{}' of a check is shown: a secret can not stand there", entry.key.text()))
                .help("a secret can be in the URL of http, and in contains");
        check.secret = check.secret || secret;
        written.push_back({entry.key, secret ? entry.value : value});
        return value;
    };
    const Value said = resolved(subject);
    try {
        read_subject(check, said);
    } catch (Error& error) {
        if (!error.where) error.where = subject.value.where;
        if (check.secret) throw Error(error.where, "this is no URL that can be asked; it has a secret in it");
        throw;
    }
    for (const Value::Entry& entry : item.map())
        if (&entry != &subject && entry.key.text() != "when") {
            const Value value = resolved(entry);
            try {
                read_option(check, entry.key, value);
            } catch (Error& error) {
                if (!error.where) error.where = entry.value.where;
                throw;
            }
        }
    check.written = Value(std::move(written), item.where);
    return check;
}

std::int64_t read_window(const Value& value) {
    if (value.is_text()) {
        const std::string& text = value.text();
        const bool is_time = !text.empty() && text.front() >= '0' && text.front() <= '9';
        if (!is_time) return Codec<bool>::decode(value) ? standard_window_s : 0;
    }
    const std::int64_t seconds = Codec<Seconds>::decode(value).count;
    if (seconds < shortest_window_s || seconds > longest_window_s)
        throw Error(value.where, fmt::format("confirm is a time from 1s to 7d, found '{}'", value.text()));
    return seconds;
}

std::string to_text(const Check& check) {
    return fmt::format("{} {}", word_of(check.kind), check.secret ? "(a secret)" : printable(check.subject));
}

std::string wish_of(const Check& check) {
    std::string wish;
    switch (check.kind) {
        case Kind::command: wish = "that it ends with status 0"; break;
        case Kind::http:
            wish = check.expect.empty() ? "an answer with a status from 200 to 299"
                                        : fmt::format("an answer with status {}", fmt::join(check.expect, " or "));
            break;
        case Kind::tcp: wish = "that a connection is taken"; break;
        case Kind::unit: wish = "that it is active"; break;
        case Kind::file: wish = "that it is there"; break;
    }
    if (!check.contains.empty())
        wish += check.secret ? ", with a secret in it" : fmt::format(", with '{}' in it", printable(check.contains));
    return wish;
}

namespace {

std::string port_of(const std::string& text) {
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (error != std::errc() || end != text.data() + text.size() || port == 0)
        throw Error(fmt::format("expected a port, 1 to 65535, found '{}'", printable(text)));
    return text;
}

/// HOST, HOST:PORT or [ADDRESS]:PORT; the port is empty where it is not said.
std::pair<std::string, std::string> split_host(const std::string& text) {
    if (text.starts_with('[')) {
        const auto end = text.find(']');
        const std::string rest = end == std::string::npos ? "?" : text.substr(end + 1);
        if (!rest.empty() && rest[0] != ':') throw Error(fmt::format("expected [ADDRESS]:PORT, found '{}'", text));
        return {text.substr(1, end - 1), rest.empty() ? "" : port_of(rest.substr(1))};
    }
    const auto colon = text.find(':');
    if (colon != text.rfind(':'))
        throw Error(fmt::format("an IPv6 address stands in brackets, found '{}'", printable(text)))
            .help("write it as in \"[::1]:22\"");
    return {text.substr(0, colon), colon == std::string::npos ? "" : port_of(text.substr(colon + 1))};
}

}  // namespace

Url parse_url(const std::string& text) {
    Url url;
    const auto scheme_end = text.find("://");
    url.scheme = text.substr(0, scheme_end == std::string::npos ? 0 : scheme_end);
    if (url.scheme != "http" && url.scheme != "https")
        throw Error(fmt::format("expected a URL that begins with http:// or https://, found '{}'", printable(text)));
    const auto bad = [](char c) { return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f; };
    if (std::any_of(text.begin(), text.end(), bad))
        throw Error("a URL has no blanks and no control characters").help("write a blank as %20");
    const auto host_at = scheme_end + 3, host_end = std::min(text.find_first_of("/?#", host_at), text.size());
    const std::string authority = text.substr(host_at, host_end - host_at);
    if (authority.find('@') != std::string::npos)
        throw Error("a name and a password in a URL are not understood: they would be shown").help("remove them");
    std::tie(url.host, url.port) = split_host(authority);
    if (url.host.empty()) throw Error(fmt::format("this URL has no host: '{}'", printable(text)));
    if (url.port.empty()) url.port = url.scheme == "http" ? "80" : "443";
    url.target = text.substr(host_end, text.find('#', host_end) - host_end);
    if (!url.target.starts_with('/')) url.target.insert(0, "/");
    return url;
}

std::pair<std::string, std::string> parse_endpoint(const std::string& text) {
    if (!text.empty() && text.find_first_not_of("0123456789") == std::string::npos) return {"localhost", port_of(text)};
    auto endpoint = split_host(text);
    if (endpoint.first.empty() || endpoint.second.empty())
        throw Error(fmt::format("expected HOST:PORT, found '{}'", printable(text)))
            .help("write it as in tcp: \"127.0.0.1:22\"");
    return endpoint;
}

}  // namespace chaos
