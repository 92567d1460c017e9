// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/source.hpp>
#include <stdexcept>
#include <string_view>
#include <vector>

namespace chaos {

/// What went wrong, where it was asked for, and what may be done about it. Library code throws it and never prints.
/// The message is lower case and says what was expected and what came; the hint is a command or an edit.
class Error : public std::runtime_error {
public:
    explicit Error(const std::string& message) : runtime_error(message) {}
    Error(Place at, const std::string& message) : runtime_error(message), where(at) {}

    Error&& note(Place at, std::string text) && { return notes.push_back({at, std::move(text)}), std::move(*this); }
    Error&& help(std::string text) && { return hint = std::move(text), std::move(*this); }

    struct Note {
        Place where;
        std::string text;
    };
    Place where;
    std::vector<Note> notes;
    std::string hint;
};

/// Somebody else is at work (another run holds the lock, or waits for confirmation): trying again later may do. Exit
/// code 75.
class Busy : public Error {
public:
    using Error::Error;
};

/// Problems found so far. A manifest is checked to its end before any is reported.
class Diagnostics {
public:
    void add(Error error) { errors_.push_back(std::move(error)); }
    void note(Error remark) { remarks_.push_back(std::move(remark)); }
    bool ok() const { return errors_.empty(); }
    const std::vector<Error>& errors() const { return errors_; }
    const std::vector<Error>& remarks() const { return remarks_; }  ///< Worth saying, but nothing is wrong.

private:
    std::vector<Error> errors_, remarks_;
};

/// An error as a person reads it: `site.yml:2:3: error: ...`, the line with a caret, notes, hint. Tabs are expanded and
/// controls escaped, so that showing it on a terminal is safe. `word` may be a note's or warning's. Ends with a
/// newline.
std::string render(const Error&, const Sources&, bool colour = false, std::string_view word = "error");

}  // namespace chaos
