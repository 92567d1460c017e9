// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/manifest.hpp>

#include "options.hpp"

namespace chaos::cli {

/// What of a host such a change could close to the person who makes it, in words ("sshd", "the firewall"); empty where
/// it can not, as far as that can be told. `person` is who sits at the keyboard.
std::string_view lockout_of(const Resource&, const Change&, std::string_view person);

/// The ssh connection this process was begun from, as sshd says it ("192.0.2.7 50412 192.0.2.1 22"), also through sudo
/// and su; "ssh" where only the family of processes tells; empty where there is none.
std::string ssh_connection();

/// Whether a run must be confirmed, for how long, and why.
struct Confirmation {
    std::int64_t seconds = 0;  ///< 0: it need not be.
    enum class Reason : char {
        none,
        asked,    ///< --confirm
        written,  ///< `confirm` in the manifest
        ssh,      ///< It could lock out who came over ssh.
    } reason = Reason::none;
    std::vector<std::pair<std::string, std::string>> because{};  ///< Ids, and what each could close; of asked none.
};
std::string_view to_text(Confirmation::Reason);

/// --no-confirm, --confirm, the manifest, and last what can lock out: the first that says something decides. `over_ssh`
/// is whether somebody came that way. A plan without changes needs no word.
Confirmation confirmation_of(const Options&, const Site&, const Plan&, std::string_view person, bool over_ssh);

}  // namespace chaos::cli
