// SPDX-License-Identifier: Apache-2.0
#include "apply_saved.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chaos/durable.hpp>
#include <chaos/fence.hpp>
#include <chaos/keeping.hpp>
#include <set>

#include "interrupts.hpp"
#include "lasting_history.hpp"
#include "revision.hpp"
#include "saved_plan.hpp"
#include "text_file.hpp"

namespace chaos::cli {

namespace {

std::string machine_of(const Host& host) {
    std::string id;
    host.look("/etc/machine-id", &id);
    id = id.substr(0, id.find('\n'));
    return id.find_first_not_of("0123456789abcdef") == id.npos ? id : std::string();
}

/// Which resources a plan changes, in the order of its steps.
std::vector<std::uint32_t> order_of(const Plan& plan) {
    std::vector<std::uint32_t> order;
    for (const Step& step : plan) order.insert(order.end(), step.resources.begin(), step.resources.end());
    return order;
}

std::vector<char> marks(std::size_t size, const std::vector<std::uint32_t>& numbers) {
    std::vector<char> marked(size, 0);
    for (const std::uint32_t i : numbers) marked[i] = 1;
    return marked;
}

/// A catalog as it was, with what is there now: what a plan is made of, and compared by.
void look(Context& context, const View& view, const History* history, Planned& planned) {
    Diagnostics problems;
    const unsigned jobs = context.options.jobs ? context.options.jobs : processors();
    planned.observed = observe(planned.site.catalog, view, problems, jobs, false, forbid_writes);
    stop_where(problems, Exit::failed);
    set_inputs(planned.site.catalog, view, history, planned.observed, planned.goal);
}

/// What is not as it was seen.
std::vector<std::uint32_t> moved(const SavedPlan& saved, const SealKey& key) {
    const Planned& planned = saved.planned;
    const auto changes = marks(planned.site.catalog.size(), saved.order);
    std::vector<std::uint32_t> numbers;
    for (std::uint32_t i = 0; i < planned.site.catalog.size(); ++i) {
        const Schema& schema = planned.site.catalog[i].type->schema();
        const State &now = planned.observed[i], &then = planned.goal[i];
        const bool hears_the_same = now.inputs() == saved.inputs[i].first && then.inputs() == saved.inputs[i].second;
        // What only took note of something that moved is not what moved; it is left out with it, by the edges.
        const bool listens = changes[i] && !planned.site.catalog[i].watches.empty();
        if (digest_of(key, schema, now, changes[i] != 0) != saved.digests[i] || (listens && !hears_the_same))
            numbers.push_back(i);
    }
    return numbers;
}

/// These and, of what changes, all that comes after them.
std::vector<char> with_what_waits(const SavedPlan& saved, const std::vector<std::uint32_t>& first) {
    const auto changes = marks(saved.planned.site.catalog.size(), saved.order);
    auto out = marks(saved.planned.site.catalog.size(), first);
    std::vector<std::uint32_t> open = first;
    while (!open.empty()) {
        const std::uint32_t i = open.back();
        open.pop_back();
        for (const std::uint32_t next : saved.planned.graph.after(i))
            if (!out[next] && changes[next]) out[next] = 1, open.push_back(next);
        for (std::uint32_t next = 0; next < out.size(); ++next) {
            const Resource& resource = saved.planned.site.catalog[next];
            const bool came_along = resource.companion && resource.because == i;
            if (came_along && !out[next]) out[next] = 1, open.push_back(next);
        }
    }
    return out;
}

/// The plan without some resources, as --skip would have made it.
void leave_out(SavedPlan& saved, const std::vector<char>& out) {
    Planned &from = saved.planned, to;
    std::vector<std::uint32_t> number(out.size(), UINT32_MAX);
    std::uint32_t next = 0;
    for (std::size_t i = 0; i < out.size(); ++i)
        if (!out[i]) number[i] = next++;
    std::vector<Graph::Edge> edges;
    for (const Graph::Edge& edge : from.graph.edges())
        if (!out[edge.from] && !out[edge.to]) edges.push_back({number[edge.from], number[edge.to]});
    Catalog catalog;
    for (std::size_t i = 0; i < out.size(); ++i) {
        if (out[i]) continue;
        Resource resource = from.site.catalog[i];
        std::vector<std::uint32_t> watches;
        for (const std::uint32_t watched : resource.watches)
            out[watched] ? resource.passed_over.push_back(from.site.catalog[watched].id)
                         : watches.push_back(number[watched]);
        resource.watches = std::move(watches);
        resource.because = resource.companion && !out[resource.because] ? number[resource.because] : 0;
        catalog.push_back(std::move(resource));
        to.observed.push_back(from.observed[i]), to.goal.push_back(from.goal[i]);
    }
    std::vector<std::uint32_t> order;
    for (const std::uint32_t i : saved.order)
        if (!out[i]) order.push_back(number[i]);
    saved.order = std::move(order);
    from.site.catalog = std::move(catalog), from.site.whole = false;
    from.graph = Graph(next, edges);
    from.observed = std::move(to.observed), from.goal = std::move(to.goal);
}

std::vector<std::string> ids_of(const Catalog& catalog, const std::vector<char>& which) {
    std::vector<std::string> ids;
    for (std::size_t i = 0; i < catalog.size(); ++i)
        if (which[i]) ids.push_back(to_text(catalog[i].id));
    return ids;
}

/// What does not change stays as it is, whatever of it the plan was not about.
void settle_the_rest(SavedPlan& saved) {
    const auto changes = marks(saved.planned.site.catalog.size(), saved.order);
    for (std::size_t i = 0; i < changes.size(); ++i)
        if (!changes[i]) saved.planned.goal[i] = saved.planned.observed[i];
}

/// What only the reading of a manifest, or another plan, understands.
void refuse_options(const Options& options) {
    constexpr std::string_view understood[] = {"root",       "state-dir",  "continue", "yes",      "jobs",
                                               "on-failure", "json",       "color",    "verbose",  "quiet",
                                               "confirm",    "no-confirm", "dry-run",  "removals", "require-undo"};
    for (const std::string& option : options.given)
        if (std::find(std::begin(understood), std::end(understood), option) == std::end(understood))
            throw Usage(fmt::format("--{} is for reading a manifest, and {} is a saved plan", option,
                                    escape(options.arguments[0])));
}

/// Makes the plan of what is there now, less what moved; answers what was left out. Throws Problems.
std::vector<std::string> bring_up_to_date(Context& context, const World& world, const View& view, const SealKey& key,
                                          const History* history, SavedPlan& saved) {
    Planned& planned = saved.planned;
    if (history) check_owners(planned.site, *history, saved.moved);
    look(context, view, history, planned);
    std::vector<std::string> left;
    if (const auto numbers = moved(saved, key); !numbers.empty()) {
        std::vector<Error> errors;
        for (const std::uint32_t i : numbers) {
            const Resource& resource = planned.site.catalog[i];
            errors.push_back(Error(resource.where,
                                   fmt::format("{} is not as it was when the plan was saved", to_text(resource.id))));
        }
        errors.back().hint = "look again: chaos plan; or do the rest of it: chaos apply --continue " +
                             quoted(context.options.arguments[0]);
        if (!context.options.go_on) throw Problems{errors, Exit::failed};
        say(context.console, errors, context.sources);
        const auto out = with_what_waits(saved, numbers);
        left = ids_of(planned.site.catalog, out);
        leave_out(saved, out);
        set_inputs(planned.site.catalog, view, history, planned.observed, planned.goal);
    }
    settle_the_rest(saved);
    planned.plan = chaos::plan(planned.site.catalog, planned.graph, planned.observed, planned.goal);
    if (order_of(planned.plan) != saved.order)
        throw Problems{
            {Error("the plan comes out differently from what was shown: another run, or a restart, came between")
                 .help("make it again: chaos plan -o FILE")},
            Exit::failed};
    check_planned(planned, view, world.registry, history);
    return left;
}

}  // namespace

void save_plan(Context& context, const World& world, const View& view, const Planned& planned, const History* history) {
    const SealKey key = key_of_host(world.state_directory);
    SavedPlan saved;
    saved.planned = planned;
    saved.moved = context.options.moved;
    saved.manifest = fmt::format("{}", fmt::join(context.options.arguments, " "));
    saved.revision = revision_of(context.options.arguments.front());
    saved.order = order_of(planned.plan);
    // As `apply` will look: what came along was decided, and was not looked at yet.
    Planned again = planned;
    look(context, view, history, again);
    const auto changes = marks(planned.site.catalog.size(), saved.order);
    for (std::size_t i = 0; i < planned.site.catalog.size(); ++i) {
        saved.digests.push_back(
            digest_of(key, planned.site.catalog[i].type->schema(), again.observed[i], changes[i] != 0));
        saved.inputs.emplace_back(again.observed[i].inputs(), again.goal[i].inputs());
    }
    durable::write_out(context.options.output, to_text(saved, context.sources, key, machine_of(*world.host)));
}

bool names_saved_plan(const Options& options) {
    if (options.arguments.size() != 1) return false;
    char head[16] = {};
    const int file = ::open(options.arguments[0].c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    const ssize_t got = file < 0 ? 0 : ::read(file, head, sizeof head - 1);
    if (file >= 0) ::close(file);
    return got > 0 && is_saved_plan({head, static_cast<std::size_t>(got)});
}

Exit apply_saved(Context& context) {
    refuse_options(context.options);
    const World world = wire(context.options);
    const std::string text = read_bounded_file(context.options.arguments[0], largest_plan);
    if (!has_key_of_host(world.state_directory))
        throw Error("the plan was saved on another machine: this one never saved any")
            .help("make it here: chaos plan -o FILE");
    const SealKey key = key_of_host(world.state_directory);
    const std::string machine = machine_of(*world.host);
    const auto read = [&] { return saved_plan_from(text, world.registry, context.sources, key, machine); };
    auto view = std::make_unique<View>(*world.host);
    if (context.options.dry_run) {
        SavedPlan saved = read();
        demand(saved.planned.site, *world.host, false);
        const auto history = look_at_history(context, world);
        bring_up_to_date(context, world, *view, key, history.get(), saved);
        PlanView shown = view_of(saved.planned.site.catalog, saved.planned.plan, context.sources, {});
        shown.title = saved.planned.site.name;
        shown.checks = asked_of(saved.planned.site, context.sources);
        shown.confirmation = confirmation_for(context, world, saved.planned);
        context.console.show(shown);
        return shown.changes.empty() ? Exit::well : Exit::pending;
    }
    SavedPlan saved = read();
    demand(saved.planned.site, *world.host, true);
    demand_lasting_history(context.options, world);
    Work work(context, world);
    if (recover_first(context, *work)) view = std::make_unique<View>(*world.host);
    const auto left = bring_up_to_date(context, world, *view, key, &work->history(), saved);
    view.reset();  // never outlives a change
    auto shown = carry_out(context, world, work, saved.planned, {who(), saved.manifest, saved.revision});
    const Exit exit = shown ? tell(context, std::move(*shown)) : Exit::pending;
    if (left.empty()) return exit;
    context.console.remark(fmt::format("left out: {}\n", listed(left, 20)));
    return exit == Exit::well ? Exit::in_part : exit;
}

}  // namespace chaos::cli
