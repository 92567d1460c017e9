// SPDX-License-Identifier: Apache-2.0
// The process that stays behind an armed run. It never trusts what it was started with: each time it looks at the
// store.
#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <chaos/transaction.hpp>
#include <chrono>
#include <thread>

#include "expiry.hpp"
#include "lock.hpp"
#include "processes.hpp"
#include "store.hpp"

namespace chaos {

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::seconds;

constexpr seconds look_again{1}, try_again{30}, patience{900};
constexpr int grace_ms = 10'000;

class Watch {
public:
    Watch(const Registry& registry, const Host& host, const std::string& state_directory, Reporter& reporter)
        : registry_(registry), host_(host), state_(state_directory), reporter_(reporter) {}

    Outcome until_nothing_waits() {
        for (;;) try {
                const auto window = waiting();
                if (window && window->left_ns() > 0)
                    wait_for(*window);
                else if (const auto holder = rollback::holder_process(state_))
                    wait_for(*holder);
                else if (auto outcome = act())
                    return *outcome;
            } catch (const Error&) {  // the disk may be full
                if (!rollback::release_reserve(state_)) throw;
            }
    }

private:
    std::optional<Window> waiting() const {
        try {
            return rollback::Store(state_, rollback::Store::Access::look).window();
        } catch (const rollback::Missing&) {
            return std::nullopt;
        }
    }

    /// What is left of a window of another boot goes on in this one: once.
    void wait_for(const Window& window) {
        if (window.life != life_of_host()) try {
                const rollback::Lock lock(state_, reporter_);
                rollback::Store store(state_, rollback::Store::Access::change);
                Window next = rollback::window_from_now(window, window.left_ns());
                ++next.lives;
                rollback::Store::Batch batch(store);
                batch.set_window(next);
                batch.commit();
            } catch (const Busy&) {  // somebody is about to decide it
            }
        const auto left = std::chrono::nanoseconds(window.left_ns());
        std::this_thread::sleep_for(std::min<Clock::duration>(left, look_again));
    }

    /// The run itself, or whoever confirms it or takes it back. One that does not end would keep the host as it is.
    void wait_for(const rollback::Process& holder) {
        if (!(holder == holder_)) holder_ = holder, since_ = Clock::now();
        if (rollback::wait_for_end({holder}, static_cast<int>(look_again.count()) * 1000)) return;
        if (Clock::now() - since_ < patience) return;
        reporter_.says(fmt::format("pid {} has not come to an end: asking it to", holder.pid));
        rollback::send({holder}, SIGTERM);
        if (rollback::wait_for_end({holder}, grace_ms)) return;
        rollback::send({holder}, SIGKILL);
        rollback::wait_for_end({holder}, grace_ms);
    }

    /// Nobody is at work: what is open was cut, and what waits is over. Nothing where it did not succeed yet.
    std::optional<Outcome> act() {
        rollback::release_reserve(state_);
        try {
            const auto transactor = Transactor::open(registry_, host_, "/", state_, reporter_);
            Outcome outcome = transactor->recover();
            if (outcome.run != 0 && !transactor->history().window()) return outcome;
            outcome = transactor->expire();
            if (!transactor->history().window()) return outcome;
            for (const Error& error : outcome.errors) reporter_.warns(error);
        } catch (const Busy&) {
            std::this_thread::sleep_for(look_again);
            return std::nullopt;
        } catch (const Error& error) {
            reporter_.warns(error);
        }
        std::this_thread::sleep_for(try_again);
        return std::nullopt;
    }

    const Registry& registry_;
    const Host& host_;
    std::string state_;
    Reporter& reporter_;
    rollback::Process holder_;
    Clock::time_point since_{};
};

}  // namespace

Outcome watch_window(const Registry& registry, const Host& host, const std::string& state_directory,
                     Reporter& reporter) {
    return Watch(registry, host, state_directory, reporter).until_nothing_waits();
}

}  // namespace chaos
