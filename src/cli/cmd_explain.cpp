// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "commands.hpp"
#include "help.hpp"

namespace chaos::cli {

namespace {

struct ExplainView {
    std::string topic, text;
};
Json to_json(const ExplainView& view) {
    return Json::record({{"topic", view.topic.empty() ? Json() : Json(view.topic)}, {"text", view.text}});
}
std::string render(const ExplainView& view, Style style, bool) {
    return render_markdown(view.text, style);
}

void write_file(const std::string& path, std::string text) {
    if (!text.ends_with('\n')) text += '\n';
    const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    const bool well = file >= 0 && ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
    const int reason = errno;
    if (file >= 0) ::close(file);
    if (!well) throw Error(fmt::format("can not write {}: {}", path, std::strerror(reason)));
}

/// A page for each kind and fact, and one that lists them.
Exit write_reference(const Registry& registry, const std::string& directory) {
    ::mkdir(directory.c_str(), 0777);
    write_file(directory + "/README.md", explain(registry, ""));
    for (const ResourceType* type : registry.types)
        write_file(fmt::format("{}/{}.md", directory, type->schema().name), explain(registry, type->schema().name));
    std::string facts = "# Facts\n\nWhat is true of a host that nobody declares: `facts.NAME` in an expression.\n";
    for (const Fact& fact : registry.facts) facts += fmt::format("\n{}", explain(registry, fact.name));
    write_file(directory + "/facts.md", facts);
    write_file(directory + "/expressions.md", explain(registry, "expressions"));
    return Exit::well;
}

}  // namespace

Exit explain(Context& context) {
    const Registry registry{builtin_types(), builtin_facts()};
    if (!context.options.reference.empty()) return write_reference(registry, context.options.reference);
    const std::string topic = context.options.arguments.empty() ? "" : context.options.arguments[0];
    context.console.show(ExplainView{topic, explain(registry, topic)});
    return Exit::well;
}

Exit schema(Context& context) {
    context.console.result(json_schema({builtin_types(), builtin_facts()}) + '\n');
    return Exit::well;
}

}  // namespace chaos::cli
