// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/value.hpp>
#include <cstdint>
#include <string>
#include <vector>

namespace chaos {

/// What must answer when a run has made its changes; else the run is taken back. An item of `checks:`.
struct Check {
    enum class Kind : char {
        command,  ///< Ends with status 0.
        http,     ///< A GET is answered as expected.
        tcp,      ///< Somebody takes a connection.
        unit,     ///< The service manager has it active.
        file,     ///< Something is there.
    } kind = Kind::command;
    std::string subject;            ///< URL, HOST:PORT, name.service, path; of a command its words, as one text.
    std::vector<std::string> argv;  ///< Of a command.
    std::string user;               ///< Who runs the command; empty: who runs chaos.
    std::vector<int> expect;        ///< Statuses of http; none: all from 200 to 299.
    std::string contains;           ///< Must be in what it answers: the body, the output, the file.
    std::int64_t within_s = 30;     ///< Tried again until then, from when it was first asked.
    std::int64_t timeout_s = 10;    ///< Of one try.
    std::string doc;                ///< What it means that it answers, as the manifest says.
    bool secret = false;            ///< Something of it is: neither it nor what came is shown.
    Place where{};
    Value written{};  ///< As a manifest would have it, all resolved, but for expressions that give a secret.
};

/// "http https://www.example.org/healthz"; what is secret is not in it.
std::string to_text(const Check&);

/// What it asks for, in words: "an answer with status 200".
std::string wish_of(const Check&);

/// An URL in its parts. Throws Error (without a place) where it is none that a check can ask.
struct Url {
    std::string scheme, host, port, target;  ///< `target` begins with /; `host` has no brackets.
};
Url parse_url(const std::string& text);

/// HOST:PORT, [ADDRESS]:PORT, or a port alone of this host. Throws Error without a place.
std::pair<std::string, std::string> parse_endpoint(const std::string& text);

}  // namespace chaos
