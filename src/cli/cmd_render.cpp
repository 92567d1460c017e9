// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>
#include <chaos/template.hpp>

#include <cerrno>
#include <climits>
#include <cstring>

#include "problems.hpp"
#include "world.hpp"

namespace chaos::cli {

namespace {

struct RenderView {
    std::string file;
    Value text;
};
Json to_json(const RenderView& view) {
    return Json::record({{"template", view.file},
                         {"secret", view.text.secret},
                         {"text", view.text.secret ? Json() : Json(view.text.text())}});
}
std::string render(const RenderView& view, Style, bool) {
    return view.text.secret ? "(secret)\n" : view.text.text();
}

Json as_json(const Value& value) {
    if (value.secret || value.is_null()) return Json();
    if (value.is_list()) {
        Json list = Json::list();
        for (const Value& item : value.list()) list.add(as_json(item));
        return list;
    }
    if (value.is_map()) {
        Json record = Json::record({});
        for (const Value::Entry& entry : value.map()) record.add(entry.key.text(), as_json(entry.value));
        return record;
    }
    const std::string_view type = untyped_name(value);
    if (type == "true or false") return value.text() == "true";
    return type == "a number" ? Json::number(value.text()) : Json(value.text());
}

struct EvalView {
    std::string expression;
    Value value;
};
Json to_json(const EvalView& view) {
    return Json::record({{"expression", view.expression},
                         {"type", untyped_name(view.value)},
                         {"secret", view.value.secret},
                         {"value", as_json(view.value)}});
}

/// Secrets in it hidden, for people.
Value shown(const Value& value) {
    if (value.secret) return Value(std::string("(secret)"));
    Value out = value;
    if (value.is_list())
        for (Value& item : std::get<Value::List>(out.data)) item = shown(item);
    if (value.is_map())
        for (auto& entry : std::get<Value::Map>(out.data)) entry.value = shown(entry.value);
    return out;
}

std::string render(const EvalView& view, Style, bool) {
    const Value value = shown(view.value);
    if (value.is_text()) return value.text() + (value.text().ends_with('\n') ? "" : "\n");
    return value.is_null() ? "null\n" : to_yaml(value);
}

std::string read_whole(const std::string& path) {
    const int file = path == "-" ? ::dup(STDIN_FILENO) : ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    std::string text;
    char block[65536];
    ssize_t got = file < 0 ? -1 : 1;
    while (got > 0 && text.size() < (16U << 20))
        if (got = ::read(file, block, sizeof block); got > 0) text.append(block, static_cast<std::size_t>(got));
    const int reason = errno;
    if (file >= 0) ::close(file);
    if (got < 0) throw Usage(fmt::format("can not read {}: {}", escape(path), std::strerror(reason)));
    return text;
}

/// What --vars names; nothing where it names nothing.
Value variables(Context& context) {
    const std::string& path = context.options.vars_file;
    if (path.empty()) return Value();
    std::string text = read_whole(path);
    const auto source = context.sources.add(path, ".", std::move(text));
    return parse_yaml(context.sources, source);
}

template <class Act>
void guarded(Act act) {
    try {
        act();
    } catch (const Error& error) {
        throw Problems{{error}, Exit::usage};
    }
}

}  // namespace

Exit render(Context& context) {
    World world = wire(context.options);
    const View view(*world.host);
    if (!context.options.facts) world.registry.facts.clear();
    const ReadContext reading = reading_of(context, world, view);
    guarded([&] {
        const std::string& file = context.options.arguments[0];
        const TemplateBlanks blanks{context.options.trim_blocks, context.options.lstrip_blocks};
        context.console.show(
            RenderView{file, render_template(context.sources, file, variables(context), reading, blanks)});
    });
    return Exit::well;
}

Exit eval(Context& context) {
    const World world = wire(context.options);
    const View view(*world.host);
    const ReadContext reading = reading_of(context, world, view);
    guarded([&] {
        const std::string& text = context.options.arguments[0];
        context.console.show(EvalView{text, evaluate_expression(context.sources, text, variables(context), reading)});
    });
    return Exit::well;
}

}  // namespace chaos::cli
