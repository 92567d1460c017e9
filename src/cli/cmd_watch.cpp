// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <poll.h>

#include <chaos/bus.hpp>
#include <chaos/gitops/drifting.hpp>
#include <chaos/gitops/noticing.hpp>
#include <chaos/gitops/watching.hpp>
#include <utility>

#include "clock.hpp"
#include "follow.hpp"

namespace chaos::cli {

namespace {

constexpr std::int64_t quiet_ms = 150, longest_ms = 600;  ///< What comes in a burst is one change.
constexpr std::int64_t pause_ms = 300, later_ms = 60'000;
constexpr int most_tries = 4;

/// A host that is watched between the turns of its timer: what the last look saw tells what is worth hearing of.
class Watch {
public:
    explicit Watch(Context& context) : context_(context) {}

    [[noreturn]] void for_ever() {
        for (int tries = 0;;) {
            const bool rests = arm() && !moved_;
            if (std::exchange(decided_, false)) tries = 0;
            // What can not be put right now (it is suspended, held, or fails) is tried when something else happens, and
            // after a while.
            if (rests || tries == most_tries) {
                await(rests ? -1 : later_ms);
                coalesce();
                tries = 0;
                continue;
            }
            if (tries++ > 0) await(pause_ms);
            act();
        }
    }

private:
    /// What is to be heard of, anew where something else was kept. False where nothing is known of how the host was.
    bool arm() {
        Sources sources;
        Context reading{context_.options, context_.console, sources};
        const World world = wire(context_.options);
        const Followed what = followed(reading, world);
        const auto memory = gitops::load_memory(what.directory);
        const auto about = gitops::circumstances(what.settings, memory, world.state_directory, seconds_now());
        decided_ |= std::exchange(about_, about) != about;
        const auto sight = gitops::kept_sight(what.directory, about);
        if (sight) last_ = *sight;  // where nothing is known, what was seen before is still worth hearing of
        // Beside what may drift: what others decide, the timer and persons.
        const std::size_t lost =
            files_.watch(last_, {what.directory + "/state.json", world.state_directory + "/holds.json"});
        if (lost && !std::exchange(told_of_lost_, true))
            context_.console.remark(fmt::format(
                "{} can not be watched (fs.inotify.max_user_watches?): the timer finds what changes there\n",
                count(lost, "place")));
        units_.clear();
        for (const Sight::Thing& thing : last_.things)
            if (thing.how == Sight::How::unit) units_.push_back(thing.name);
        if (!units_.empty() && services_.told(units_)) services_.units();  // connected, from its answer on
        moved_ = sight && chaos::moved(*sight, *world.host);
        return sight.has_value();
    }

    /// Until something that is watched may have changed, or so long.
    bool await(std::int64_t most_ms) {
        const std::int64_t until = milliseconds() + most_ms;
        for (;;) {
            if (!units_.empty() && services_.told(units_)) return true;
            const std::int64_t left = most_ms < 0 ? -1 : std::max<std::int64_t>(0, until - milliseconds());
            pollfd told[] = {{files_.descriptor(), POLLIN, 0}, {units_.empty() ? -1 : services_.telling(), POLLIN, 0}};
            const int came = ::poll(told, 2, static_cast<int>(left));
            if (came == 0) return false;
            if (files_.drain()) return true;
        }
    }

    void coalesce() {
        const std::int64_t until = milliseconds() + longest_ms;
        for (std::int64_t left = longest_ms; left > 0; left = until - milliseconds())
            if (!await(std::min(left, quiet_ms))) return;
    }

    void act() {
        for (std::int64_t wait = 0; (wait = rate_.wait_ms(milliseconds())) > 0;) await_nothing(wait);
        if (moved_) rate_.acted(milliseconds());
        Sources sources;
        Context turn{context_.options, context_.console, sources};
        try {
            follow_and_tell(turn, {}, gitops::Asked::by_change);
        } catch (const Problems& problems) {
            report(problems, sources, context_.console);
        } catch (const Error& error) {
            report({{error}, Exit::failed}, sources, context_.console);
        }
        files_.drain();  // what we wrote ourselves; arming compares what anybody else did meanwhile
    }

    static void await_nothing(std::int64_t most_ms) { ::poll(nullptr, 0, static_cast<int>(most_ms)); }

    Context& context_;
    gitops::Watching files_{};
    SystemdServices services_{};
    gitops::Rate rate_{};
    Sight last_{};
    std::vector<std::string> units_{};
    std::string about_{};  ///< What is known of the host is of these circumstances.
    bool moved_ = false, told_of_lost_ = false;
    bool decided_ = false;  ///< They are others: a run changed something, or a person said something.
};

}  // namespace

Exit watch(Context& context) {
    const World world = wire(context.options);
    if (!world.host->live()) throw Usage("an image does not change by itself: chaos watch is for a running system");
    if (!world.host->superuser()) throw Error("following a repository needs root").help("sudo chaos watch");
    followed(context, world);  // else there is nothing to watch
    Watch(context).for_ever();
}

}  // namespace chaos::cli
