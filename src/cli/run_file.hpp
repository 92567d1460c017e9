// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/history.hpp>

namespace chaos::cli {

/// A run as a file, for another host to look at. Secrets are not in it: only that there was one.
struct RunFile {
    std::string host, program;  ///< Where it ran, and the chaos that wrote the file.
    RunRecord run;
    std::vector<ChangeRecord> changes;
};
std::size_t secrets_in(const RunFile&);

/// A line that says what it is and the digest of the rest, then JSON. A digest finds damage; it is no signature.
std::string to_text(const RunFile&);

/// The largest such file that is read.
inline constexpr std::size_t largest_run_file = 64 << 20;

/// Reads what anybody may have written. Throws Error.
RunFile run_file_from(std::string_view text);

}  // namespace chaos::cli
