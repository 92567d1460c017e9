// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace chaos {

/// systemd's journal, spoken to in its own protocol: an entry is a list of fields, and a name may come several times.
/// Where none listens, or it does not listen in time, an entry is lost and nobody is told.
class Journal {
public:
    using Fields = std::vector<std::pair<std::string_view, std::string>>;

    Journal() = default;
    ~Journal();
    Journal(const Journal&) = delete;
    Journal& operator=(const Journal&) = delete;

    void send(const Fields&);

private:
    int socket_ = -1;
};

/// As it is sent: https://systemd.io/JOURNAL_NATIVE_PROTOCOL.
std::string to_journal(const Journal::Fields&);

}  // namespace chaos
