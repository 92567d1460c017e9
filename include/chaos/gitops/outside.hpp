// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/gitops/memory.hpp>

/// What others see of a host that follows a repository.
namespace chaos::gitops {

/// Something that happened. `kind`: applied, failure, drift, recovery, unreachable; empty: nothing worth telling.
struct Event {
    std::string kind{};
    std::string host{}, url{}, ref{}, commit{}, subject{}, author{};
    std::int64_t run = 0, drifted = 0;
    std::string message{};  ///< In a sentence; nothing secret is in it.
    std::int64_t at = 0;    ///< Seconds since 1970.
};

std::string to_json(const Event&);        ///< One line, as a webhook gets it.
std::string to_log_record(const Event&);  ///< One line of JSON, as OpenTelemetry's log data model has it.

/// For Prometheus: text format 0.0.4.
std::string metrics(const Settings&, const Memory&, std::int64_t now);

/// Tells an event wherever the settings say, and brings the metrics up to date. A webhook that does not answer is tried
/// three times, and again with the next event: what could not be told lies in DIRECTORY/untold, at most a hundred of
/// them. Never throws: what went wrong is answered.
std::vector<std::string> tell_outside(const Settings&, const std::string& directory, const Memory&, const Event&);

}  // namespace chaos::gitops
