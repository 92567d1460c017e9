// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "site.hpp"

namespace chaos::cli {

namespace {

struct FactsView {
    std::string path;  ///< What was asked for; empty: all.
    Value value;
};

Json as_json(const Value& value) {
    if (value.secret) return Json();
    if (value.is_text()) return value.text();
    if (value.is_list()) {
        Json list = Json::list();
        for (const Value& item : value.list()) list.add(as_json(item));
        return list;
    }
    if (!value.is_map()) return Json();
    Json record = Json::record({});
    for (const Value::Entry& entry : value.map()) record.add(entry.key.text(), as_json(entry.value));
    return record;
}

/// Everything under `path`, a line for each scalar. No deeper than facts are.
void lines_of(const std::string& path, const Value& value, std::string& out) {
    if (value.is_map())
        for (const Value::Entry& entry : value.map())
            lines_of(path.empty() ? entry.key.text() : path + '.' + entry.key.text(), entry.value, out);
    else if (value.is_list())
        for (std::size_t i = 0; i < value.list().size(); ++i)
            lines_of(fmt::format("{}[{}]", path, i), value.list()[i], out);
    else
        out += fmt::format("{}: {}\n", escape(path), value.is_text() ? escape(value.text()) : "null");
}

Json to_json(const FactsView& view) {
    return as_json(view.value);
}

std::string render(const FactsView& view, Style, bool) {
    if (!view.path.empty() && view.value.is_text()) return escape(view.value.text()) + '\n';
    std::string out;
    lines_of(view.path, view.value, out);
    return out;
}

Error no_fact(const std::string& path, std::string_view part, const std::vector<std::string_view>& names) {
    const std::string_view near = nearest(part, names);
    Usage error(fmt::format("there is no fact '{}'", escape(path)));
    std::vector<std::string> there(names.begin(), names.end());
    error.hint = near.empty() ? "there is: " + listed(there, 30) : fmt::format("did you mean '{}'?", near);
    return error;
}

/// `path` below `value`, at its dots.
const Value& below(const Value& root, std::string_view rest, const std::string& path) {
    const Value* value = &root;
    while (!rest.empty()) {
        const std::string_view part = rest.substr(0, rest.find('.'));
        rest.remove_prefix(std::min(rest.size(), part.size() + 1));
        const Value* next = value->is_map() ? value->find(part) : nullptr;
        std::vector<std::string_view> names;
        if (value->is_map())
            for (const Value::Entry& entry : value->map()) names.push_back(entry.key.text());
        std::size_t number = 0;
        if (value->is_list() && !part.empty() && part.find_first_not_of("0123456789") == part.npos && part.size() < 9)
            if (number = std::stoul(std::string(part)); number < value->list().size()) next = &value->list()[number];
        if (!next) throw Problems{{no_fact(path, part, names)}, Exit::usage};
        value = next;
    }
    return *value;
}

}  // namespace

namespace {

/// All of them, for a machine that is not this host.
Exit record(Context& context, const World& world, const View& view) {
    const std::string& path = context.options.output;
    if (!context.options.arguments.empty()) throw Usage("--output writes all facts: take the path away");
    const std::string text = record_facts(reading_of(context, world, view), context.sources);
    if (path == "-") return context.console.result(text), Exit::well;
    write_file(path, text);
    context.console.remark(fmt::format("{} holds the facts of this host.\nnext: chaos check --facts {} MANIFEST\n",
                                       escape(path), quoted(path)));
    return Exit::well;
}

}  // namespace

Exit facts(Context& context) {
    const World world = wire(context.options);
    const View view(*world.host);
    if (!context.options.output.empty()) return record(context, world, view);
    FactsView shown;
    if (context.options.arguments.empty()) {
        Value::Map all;
        for (const Fact& fact : world.registry.facts) all.push_back({std::string(fact.name), fact.read(view)});
        shown.value = Value(std::move(all));
    } else {
        std::string path = context.options.arguments[0];
        if (path.starts_with("facts.")) path.erase(0, 6);
        const std::string_view name = std::string_view(path).substr(0, path.find('.'));
        std::vector<std::string_view> names;
        for (const Fact& fact : world.registry.facts) {
            names.push_back(fact.name);
            if (fact.name == name) shown.path = path;
            if (fact.name == name)
                shown.value =
                    below(fact.read(view),
                          path.size() > name.size() ? std::string_view(path).substr(name.size() + 1) : "", path);
        }
        if (shown.path.empty()) throw Problems{{no_fact(path, name, names)}, Exit::usage};
    }
    context.console.show(shown);
    return Exit::well;
}

}  // namespace chaos::cli
