// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <chaos/starter.hpp>

#include "commands.hpp"
#include "site.hpp"
#include "text_file.hpp"

namespace chaos::cli {

namespace {

struct InitView {
    std::string_view name;
    std::vector<std::string> files;
    std::string next;
};

Json to_json(const InitView& view) {
    return Json::record({{"template", view.name}, {"files", view.files}, {"next", view.next}});
}

std::string render(const InitView& view, Style style, bool) {
    std::string out;
    for (const std::string& file : view.files) out += fmt::format("made {}\n", escape(file));
    return out + style.dim("next: ") + view.next + '\n';
}

}  // namespace

Exit init(Context& context) {
    const auto& arguments = context.options.arguments;
    const std::string name = arguments.empty() ? "minimal" : arguments[0];
    const std::string site = arguments.size() < 2 ? "site.yml" : arguments[1];
    std::vector<StarterFile> files;
    try {
        files = starter({builtin_types(), builtin_facts()}, name);
    } catch (const Error& error) {
        Usage usage(error.what());
        usage.hint = error.hint;
        throw usage;
    }
    InitView view{name, {}, fmt::format("chaos plan {}", quoted(site))};
    const std::string directory = site.substr(0, site.rfind('/') + 1);  // npos + 1 is 0
    for (std::size_t i = 0; i < files.size(); ++i) view.files.push_back(i == 0 ? site : directory + files[i].name);
    for (const std::string& file : view.files)
        if (is_there(file))
            throw Error(fmt::format("{} is there already", escape(file)))
                .help(fmt::format("name another file: chaos init {} other.yml", quoted(name)));
    for (StarterFile& file : files)
        if (const auto at = file.text.find("chaos plan FILE"); at != std::string::npos)
            file.text.replace(at + 11, 4, quoted(site));
    for (std::size_t i = 0; i < files.size(); ++i) make_text_file(view.files[i], files[i].text);
    context.console.show(view);
    return Exit::well;
}

}  // namespace chaos::cli
