// SPDX-License-Identifier: Apache-2.0
#include "run_file.hpp"

#include <fmt/format.h>

#include <chaos/digest.hpp>
#include <charconv>

#include "portable_value.hpp"

namespace chaos::cli {

namespace {

constexpr std::string_view head = "chaos run 1 ";

Value text(std::string_view it) {
    return Value(std::string(it));
}

Value number(std::int64_t it) {
    return Value(std::to_string(it));
}

std::size_t secrets_of(const Value& value) {
    if (value.secret) return 1;
    std::size_t all = 0;
    if (value.is_list())
        for (const Value& member : value.list()) all += secrets_of(member);
    if (value.is_map())
        for (const auto& [key, member] : value.map()) all += secrets_of(member);
    return all;
}

const Value& in(const Value& record, std::string_view name) {
    const Value* found = record.find(name);
    if (!found) throw Error(fmt::format("expected '{}' in a run, found none", name));
    return *found;
}

std::string text_in(const Value& record, std::string_view name) {
    return in(record, name).text();
}

std::int64_t number_in(const Value& record, std::string_view name) {
    const std::string& word = in(record, name).text();
    std::int64_t it = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), it);
    if (error != std::errc() || end != word.data() + word.size() || it < 0)
        throw Error(fmt::format("expected a number for '{}' in a run, found '{}'", name, word));
    return it;
}

template <class Enum>
Enum word_in(const Value& record, std::string_view name, Enum last) {
    const std::string& word = in(record, name).text();
    for (int i = 0; i <= static_cast<int>(last); ++i)
        if (to_text(static_cast<Enum>(i)) == word) return static_cast<Enum>(i);
    throw Error(fmt::format("expected a {} in a run that this program knows, found '{}'", name, word));
}

Value::Map fields(std::initializer_list<std::pair<std::string_view, Value>> all) {
    Value::Map map;
    for (const auto& [name, value] : all) map.push_back({text(name), value});
    return map;
}

Value value_of(const RunRecord& run) {
    return Value(fields({{"number", number(run.number)},
                         {"state", text(to_text(run.state))},
                         {"verb", text(run.verb)},
                         {"site", text(run.site)},
                         {"who", text(run.who)},
                         {"manifest", text(run.manifest)},
                         {"started", number(run.started)},
                         {"ended", number(run.ended)},
                         {"changes", number(run.changes)},
                         {"note", to_portable(text(run.note), nullptr)},
                         {"revision", text(run.revision)},
                         {"author", to_portable(text(run.author), nullptr)},
                         {"message", to_portable(text(run.message), nullptr)},
                         {"about", text(run.about)}}));
}

Value value_of(const ChangeRecord& change) {
    return Value(fields({{"step", number(change.step)},
                         {"type", text(change.type)},
                         {"key", to_portable(text(change.key), nullptr)},
                         {"before", to_portable(change.before, nullptr)},
                         {"after", to_portable(change.after, nullptr)},
                         {"triggered", number(change.triggered)},
                         {"undo", number(static_cast<int>(change.undo))},
                         {"result", text(to_text(change.result))},
                         {"where", text(change.where)}}));
}

RunRecord run_from(const Value& it) {
    RunRecord run;
    run.number = number_in(it, "number");
    run.state = word_in(it, "state", RunState::stuck);
    run.verb = text_in(it, "verb"), run.site = text_in(it, "site"), run.who = text_in(it, "who");
    run.manifest = text_in(it, "manifest");
    run.started = number_in(it, "started"), run.ended = number_in(it, "ended"), run.changes = number_in(it, "changes");
    run.note = from_portable(in(it, "note"), nullptr).text();
    if (it.find("author")) {  // files of an older chaos have neither
        run.author = from_portable(in(it, "author"), nullptr).text();
        run.message = from_portable(in(it, "message"), nullptr).text();
    }
    run.revision = text_in(it, "revision"), run.about = text_in(it, "about");
    return run;
}

ChangeRecord change_from(const Value& it, std::int64_t run) {
    ChangeRecord change;
    change.run = run;
    change.step = number_in(it, "step");
    change.type = text_in(it, "type"), change.key = from_portable(in(it, "key"), nullptr).text();
    for (auto [name, to] : {std::pair{"before", &change.before}, {"after", &change.after}}) {
        *to = from_portable(in(it, name), nullptr);
        if (!to->is_null() && !to->is_map())
            throw Error(fmt::format("expected attributes for '{}' in a run, found {}", name, kind_of(*to)));
    }
    change.triggered = number_in(it, "triggered") != 0;
    const auto undo = number_in(it, "undo");
    if (undo > static_cast<int>(Undo::repacked))
        throw Error("expected a kind of undo that this program knows in a run");
    change.undo = static_cast<Undo>(undo);
    change.result = word_in(it, "result", ChangeRecord::Result::kept);
    change.where = text_in(it, "where");
    return change;
}

}  // namespace

std::size_t secrets_in(const RunFile& file) {
    std::size_t all = 0;
    for (const ChangeRecord& change : file.changes) all += secrets_of(change.before) + secrets_of(change.after);
    return all;
}

std::string to_text(const RunFile& file) {
    Value::List changes;
    for (const ChangeRecord& change : file.changes) changes.push_back(value_of(change));
    const std::string body = to_json(Value(fields({{"program", text(file.program)},
                                                   {"host", text(file.host)},
                                                   {"run", value_of(file.run)},
                                                   {"changes", Value(std::move(changes))}}))) +
                             "\n";
    return fmt::format("{}{}\n{}", head, hex(digest(body)), body);
}

RunFile run_file_from(std::string_view written) {
    constexpr std::size_t digits = 32;
    if (!written.starts_with(head) || written.size() <= head.size() + digits || written[head.size() + digits] != '\n')
        throw Error("expected a run that `chaos history export` wrote, found something else");
    const auto said = written.substr(head.size(), digits), body = written.substr(head.size() + digits + 1);
    if (hex(digest(body)) != said)
        throw Error("the run is not as it was written: its digest is another").help("export it again");
    const Value all = from_json(body);
    RunFile file;
    file.program = text_in(all, "program"), file.host = text_in(all, "host");
    file.run = run_from(in(all, "run"));
    for (const Value& change : in(all, "changes").list()) file.changes.push_back(change_from(change, file.run.number));
    return file;
}

}  // namespace chaos::cli
