// SPDX-License-Identifier: Apache-2.0
// Facts that were written down on one host and are read on another.
#include <fmt/format.h>
#include <algorithm>
#include <chaos/recorded.hpp>
#include <charconv>
#include "beside.hpp"
#include "filters.hpp"
#include "scope.hpp"
#include "utf8.hpp"

namespace chaos {

namespace {

constexpr std::int64_t version = 1;
constexpr std::uint64_t largest = 4 << 20;

/// A value without what is secret in it.
Value shown(Value value) {
    if (value.is_list()) {
        auto& list = std::get<Value::List>(value.data);
        std::erase_if(list, [](const Value& item) { return item.secret; });
        for (Value& item : list) item = shown(std::move(item));
    } else if (value.is_map()) {
        auto& map = std::get<Value::Map>(value.data);
        std::erase_if(map, [](const Value::Entry& entry) { return entry.value.secret; });
        for (auto& entry : map) entry.value = shown(std::move(entry.value));
    }
    return value;
}

Value bare(std::string text) {
    return Value(std::move(text));
}

Value text(std::string words) {
    Value value(std::move(words));
    value.quoted = true;
    return value;
}

/// The lines of a file of accounts: no passwords, and not what the column `without` says of people.
Value lines_of(const Host& host, const std::string& path, std::size_t without) {
    std::string all;
    host.look(path, &all);
    Value::List lines;
    for (std::string_view rest = all; !rest.empty();) {
        std::string_view line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(line.size() + 1, rest.size()));
        std::string kept;
        for (std::size_t column = 0; !line.empty(); ++column) {
            const auto word = line.substr(0, line.find(':'));
            const bool ends = word.size() == line.size();
            kept += column == 1 ? "x" : column == without ? std::string() : std::string(word);
            kept += ends ? "" : ":";
            line.remove_prefix(ends ? line.size() : word.size() + 1);
        }
        if (!kept.empty() && first_invalid_utf8(kept) == std::string::npos) lines.push_back(text(std::move(kept)));
    }
    return Value(std::move(lines));
}

std::string joined(const Value& lines) {
    std::string all;
    for (const Value& line : lines.list()) all += line.text() + '\n';
    return all;
}

const Value& part(const Value& record, std::string_view name, const std::string& file) {
    const Value* found = record.find(name);
    if (!found)
        throw Error(record.where, fmt::format("'{}' is not in {}", name, printable(file)))
            .help("record the facts again, on the host: chaos facts -o FILE");
    return *found;
}

/// Of this form and version, or an Error that says what it is.
void check_form(const Value& record, const std::string& file) {
    const Value* form = record.is_map() ? record.find("chaos") : nullptr;
    if (!form || !form->is_text() || form->text() != "facts")
        throw Error(record.where, fmt::format("{} holds no recorded facts", printable(file)))
            .help("record them on the host: chaos facts -o FILE");
    const Value& said = part(record, "version", file);
    std::int64_t number = 0;
    const std::string& digits = said.text();
    std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (number != version)
        throw Error(said.where,
                    fmt::format("these facts are of version {}, and chaos " CHAOS_VERSION " reads version {}",
                                printable(digits), version))
            .help("record the facts again, on the host: chaos facts -o FILE");
}

[[noreturn]] void refuse(std::string_view what) {
    throw Error(fmt::format("{} can not be looked at: this is not the host, its facts were recorded", what))
        .help("run it on the host itself, without --facts");
}

}  // namespace

std::string record_facts(const ReadContext& context, Sources& sources) {
    Scope scope(sources, context);
    Value::Map facts;
    Value::List passing;
    for (const Fact& fact : context.registry.facts) {
        Value value = fact.read(context.view);
        if (!value.secret) facts.push_back({text(std::string(fact.name)), shown(std::move(value))});
        if (fact.passing) passing.push_back(text(std::string(fact.name)));
    }
    const Value record(Value::Map{{text("chaos"), text("facts")},
                                  {text("version"), bare(std::to_string(version))},
                                  {text("host"), shown(*scope.root("host"))},
                                  {text("live"), bare(context.view.host().live() ? "true" : "false")},
                                  {text("facts"), Value(std::move(facts))},
                                  {text("passing"), Value(std::move(passing))},
                                  {text("passwd"), lines_of(context.view.host(), "/etc/passwd", 4)},
                                  {text("group"), lines_of(context.view.host(), "/etc/group", ~std::size_t(0))}});
    language::Budget budget;
    language::JsonStyle style;
    style.ascii = false, style.indent = 2;
    return language::json_of(language::Datum::borrow(record), style, budget) + "\n";
}

RecordedHost read_recorded(Sources& sources, const std::string& path) {
    std::string bytes = beside::read(path, largest);
    const auto slash = path.rfind('/');
    const auto source = sources.add(path, slash == std::string::npos ? "." : path.substr(0, slash + 1), bytes);
    const Value record = parse_yaml(sources, source);
    check_form(record, path);
    RecordedHost host;
    host.file = path;
    host.facts = part(record, "facts", path), host.facts.map();
    host.host = part(record, "host", path), host.host.map();
    const Value& name = part(host.host, "name", path);
    if (!name.is_null()) name.text();
    for (const Value& group : part(host.host, "groups", path).list()) group.text();
    host.passwd = joined(part(record, "passwd", path)), host.group = joined(part(record, "group", path));
    host.live = Codec<bool>::decode(part(record, "live", path));
    return host;
}

Entry UnseenHost::look(const std::string& path, std::string* content, std::size_t) const {
    const std::string* kept = path == "/etc/passwd"  ? &recorded_.passwd
                              : path == "/etc/group" ? &recorded_.group
                                                     : nullptr;
    if (!kept) refuse(path);
    if (content) *content = *kept;
    Entry entry;
    entry.kind = Entry::Kind::file, entry.size = kept->size();
    return entry;
}

std::vector<std::string> UnseenHost::list(const std::string& path) const {
    refuse(path);
}

Content UnseenHost::content(const std::string& path) const {
    refuse(path);
}

Output UnseenHost::ask(const Command& command) const {
    refuse(command.argv.empty() ? std::string("a command") : "the answer of " + command.argv.front());
}

const Services& UnseenHost::services() const {
    refuse("the service manager");
}

}  // namespace chaos
