// SPDX-License-Identifier: Apache-2.0
#include "commands.hpp"

namespace chaos::cli {

namespace {

struct VersionView {
    std::string version = CHAOS_VERSION;
};

Json to_json(const VersionView& view) {
    return Json::record({{"version", view.version}});
}
std::string render(const VersionView& view, Style, bool) {
    return "chaos " + view.version + '\n';
}

}  // namespace

Exit version(Context& context) {
    context.console.show(VersionView{});
    return Exit::well;
}

}  // namespace chaos::cli
