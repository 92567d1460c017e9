// SPDX-License-Identifier: Apache-2.0
#include "records.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>

namespace chaos {
namespace {

// In the order of the enumerators. These words are in stores: none may change its meaning.
constexpr std::array<std::string_view, 6> run_states = {"running", "committed", "partial",
                                                        "undoing", "undone",    "stuck"};
constexpr std::array<std::string_view, 7> results = {"planned", "begun", "done", "skipped", "undone", "failed", "kept"};
constexpr std::array<std::string_view, 5> step_states = {"planned", "begun", "done", "skipped", "undone"};
constexpr std::array<std::string_view, 5> undos = {"exact", "cached", "effort", "none", "repacked"};

template <class Enum, std::size_t N>
Enum word(const std::array<std::string_view, N>& words, std::string_view text, std::string_view what) {
    for (std::size_t i = 0; i < N; ++i)
        if (words[i] == text) return static_cast<Enum>(i);
    throw Error(fmt::format("the store has a {} '{}', which this program does not know", what, text));
}

}  // namespace

std::string_view to_text(RunState state) {
    return run_states[static_cast<std::size_t>(state)];
}
std::string_view to_text(ChangeRecord::Result result) {
    return results[static_cast<std::size_t>(result)];
}

namespace rollback {

std::string_view to_text(StepRecord::State state) {
    return step_states[static_cast<std::size_t>(state)];
}
std::string_view to_text(Undo undo) {
    return undos[static_cast<std::size_t>(undo)];
}
RunState run_state_from(std::string_view text) {
    return word<RunState>(run_states, text, "run");
}
ChangeRecord::Result result_from(std::string_view text) {
    return word<ChangeRecord::Result>(results, text, "change");
}
StepRecord::State step_state_from(std::string_view text) {
    return word<StepRecord::State>(step_states, text, "step");
}
Undo undo_from(std::string_view text) {
    return word<Undo>(undos, text, "kind of undo");
}

std::string to_text(const std::vector<std::int64_t>& numbers) {
    return fmt::format("{}", fmt::join(numbers, " "));
}

std::vector<std::int64_t> numbers_from(std::string_view text) {
    std::vector<std::int64_t> numbers;
    for (const char *at = text.data(), *end = at + text.size(); at < end;) {
        std::int64_t number = 0;
        const auto [next, error] = std::from_chars(at, end, number);
        if (error != std::errc()) throw Error(fmt::format("expected numbers in the store, found '{}'", text));
        numbers.push_back(number);
        at = next + (next < end);
    }
    return numbers;
}

}  // namespace rollback
}  // namespace chaos
