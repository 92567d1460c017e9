// SPDX-License-Identifier: Apache-2.0
// The steps of a run that are calls: each by itself, or together where they may overlap; tried again where that was
// asked.
#include <fmt/format.h>

#include <atomic>
#include <thread>

#include "runner_parts.hpp"

namespace chaos::rollback {

/// Records that it begins (the caller makes that durable), and what is there beside its target. False where nothing is
/// left to do.
bool Runner::Parts::begin_call(std::size_t number, Scan& before) {
    if (!prepare(number)) return false;
    const Step& step = plan[number];
    const auto id = static_cast<std::int64_t>(number);
    if (step.type->way() == Way::opaque) {
        std::vector<Content> contents;
        before = host->scan(step.type->footprint(), &contents);
        for (const Content& content : contents)
            if (content.held()) journal.batch().put_blob(content.digest(), content.bytes());
        journal.batch().set_scan(outcome.run, id, to_text(before));
    }
    journal.batch().set_step(outcome.run, id, StepRecord::State::begun);
    place.reporter.begins(step, number, plan.size());
    called = true;
    return true;
}

void Runner::Parts::end_call(std::size_t number, const Scan& before) {
    const Step& step = plan[number];
    verify(number);
    if (step.type->way() == Way::opaque) record_effects(number, before);
    record_done(number);
    journal.flush();
    place.reporter.ends(step, true);
}

void Runner::Parts::record_effects(std::size_t number, const Scan& before) {
    std::vector<Content> contents;
    const Scan after = host->scan(plan[number].type->footprint(), &contents);
    std::map<Digest, const Content*> held;
    for (const Content& content : contents) held.emplace(content.digest(), &content);
    for (Operation& effect : StagedHost::changed(before, after)) {
        effect.step = static_cast<std::int64_t>(number);
        effect.effect = true;
        if (const auto content = held.find(effect.after.content); content != held.end() && content->second->held())
            journal.batch().put_blob(content->first, content->second->bytes());
        journal.add(effect);
    }
}

void Runner::Parts::run_call(std::size_t number) {
    Scan before;
    if (!begin_call(number, before)) return;
    journal.flush();
    host->step(static_cast<std::int64_t>(number));
    for (int tried = 0;; ++tried) try {
            if (takes_back())
                take_call_back(plan[number]);
            else
                plan[number].type->apply_all(*host, plan[number].changes);
            host->publish();
            return end_call(number, before);
        } catch (const Error& error) {
            const bool hides = is_given_a_secret(plan[number].changes);
            if (!waits_to_retry(number, tried, hides ? without_output(error) : error)) {
                if (hides) throw without_output(error);
                throw;
            }
            host->discard();
        }
}

/// What is asked for most among the resources of a step. False where it was tried often enough; else the time that it
/// waits is over. Whoever stops the run is not kept waiting.
bool Runner::Parts::waits_to_retry(std::size_t number, int tried, const Error& error) {
    if (takes_back()) return false;
    Retry retry{};
    for (std::size_t k = 0; k < plan[number].resources.size(); ++k)
        if (const Retry& asked = resource(plan[number], k).retry; asked.times > retry.times) retry = asked;
    if (tried >= retry.times) return false;
    place.reporter.says(
        fmt::format("{}; trying again in {} s ({} of {})", unsaid(error.what()), retry.wait_s, tried + 1, retry.times));
    constexpr int slices = 10;
    for (int slice = 0; slice < retry.wait_s * slices; ++slice) {
        if (request.stop && request.stop->load()) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(1000 / slices));
    }
    return !(request.stop && request.stop->load());
}

/// Each in a thread, as many at a time as was asked for; the journal is this thread's alone.
Runner::Parts::Failures Runner::Parts::run_calls_together(std::size_t from, std::size_t to) {
    Failures failures;
    std::vector<std::size_t> working;
    for (std::size_t number = from; number < to; ++number) {
        Scan none;
        try {
            if (!failed[number] && begin_call(number, none)) working.push_back(number);
        } catch (const Error& error) {
            failures.push_back({number, error});
        }
    }
    journal.flush();
    std::vector<std::optional<Error>> wrong(working.size());
    const auto apply = [&](std::size_t k) {
        try {
            wrong[k].reset();
            plan[working[k]].type->apply_all(*host, plan[working[k]].changes);
        } catch (const Error& error) {
            wrong[k] = is_given_a_secret(plan[working[k]].changes) ? without_output(error) : error;
        } catch (const std::exception& error) {
            wrong[k] = Error(error.what());
        }
    };
    std::atomic<std::size_t> next{0};
    const auto labour = [&] {
        for (std::size_t k; (k = next++) < working.size();) apply(k);
    };
    std::vector<std::jthread> threads;
    for (std::size_t n = 1; n < std::min<std::size_t>(request.jobs, working.size()); ++n) threads.emplace_back(labour);
    labour();
    threads.clear();
    const auto ended = [&](std::size_t k, int tried) {
        try {
            if (wrong[k]) throw *wrong[k];
            end_call(working[k], {});
        } catch (const Error& error) {
            if (waits_to_retry(working[k], tried, error)) return apply(k), false;
            failures.push_back({working[k], error});
        }
        return true;
    };
    for (std::size_t k = 0; k < working.size(); ++k)
        for (int tried = 0; !ended(k, tried);) ++tried;
    return failures;
}

}  // namespace chaos::rollback
