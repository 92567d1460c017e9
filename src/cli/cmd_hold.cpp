// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "clock.hpp"
#include "gitops_view.hpp"

namespace chaos::cli {

namespace {

constexpr std::int64_t usual_s = 8 * 3600, longest_s = 30 * 86400;

/// As the store has ids: whatever the spelling, and patterns as they are.
std::string meant(const std::string& word, const Registry& registry) {
    if (word == "all" || word.find('*') != std::string::npos) return word;
    return to_text(parse_id(word, registry));
}

}  // namespace

Exit hold(Context& context) {
    const World world = wire(context.options);
    const std::int64_t now = seconds_now();
    const auto& words = context.options.arguments;
    if (!words.empty() && world.host->live() && !world.host->superuser())
        throw Error("what is on hold is kept with the host's history, and this is not root")
            .help("sudo chaos hold ...");
    for (const std::string& word : words) {
        const std::string what = meant(word, world.registry);
        if (context.options.release) {
            if (!end_hold(world.state_directory, what, now))
                throw Error(fmt::format("{} is not on hold", escape(what))).help("chaos hold");
            continue;
        }
        const std::int64_t until =
            context.options.until.empty() ? now + usual_s : time_from("until", context.options.until, now);
        if (until <= now) throw Usage(fmt::format("--until: '{}' is over already", escape(context.options.until)));
        if (until > now + longest_s) throw Usage("a hold ends by itself, after 30d at the latest");
        add_hold(world.state_directory, {what, who(), context.options.message, now, until}, now);
    }
    if (words.empty() && context.options.release) throw Usage("chaos hold --release needs what is on hold");
    context.console.show(HoldsView{holds(world.state_directory, now)});
    return Exit::well;
}

}  // namespace chaos::cli
