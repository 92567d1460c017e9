// SPDX-License-Identifier: Apache-2.0
#include <chaos/provenance.hpp>

#include "site.hpp"

namespace chaos::cli {

Exit compile(Context& context) {
    const World world = wire(context);
    const View view(world.subject());
    Provenance provenance;
    const Site site = read_manifests(context, world, view, manifests(context.options), &provenance, true);
    Diagnostics problems;
    const EmitOptions how{context.options.origin, context.console.json()};
    const std::string text = emit(site, context.sources, provenance, how, problems);
    stop_where(problems, Exit::failed);
    context.console.result(text);
    return Exit::well;
}

}  // namespace chaos::cli
