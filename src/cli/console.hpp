// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cerrno>
#include <optional>
#include <string>
#include <string_view>

#include "exit_code.hpp"
#include "json.hpp"
#include "options.hpp"
#include "text.hpp"

namespace chaos::cli {

/// Where the program speaks: results to standard output, everything for people to standard error. Whether it is text or
/// JSON is chosen here, once. Nobody else prints.
class Console {
public:
    explicit Console(const Options&);

    /// The result of a command. A View has to_json(view), a record, and render(view, style, verbose): both say the
    /// same.
    template <class View>
    void show(const View& view) {
        if (json_)
            result(to_json(view).text() + '\n');
        else
            result(render(view, style_, verbose_));
    }
    void result(std::string_view text);  ///< To standard output, as it is.
    /// Why a part of the result was not written, as errno has it; 0 where nothing was lost, or where the reader had
    /// enough and went away.
    int lost() const { return lost_ == EPIPE ? 0 : lost_; }
    void text(std::string_view text) {
        if (!json_) result(text);
    }                                     ///< A part of a result that --json gives in the record at the end.
    void remark(std::string_view text);   ///< To standard error, unless --quiet.
    void problem(std::string_view text);  ///< To standard error, always.

    /// Asks "question [y/N] " on the terminal; false without one.
    bool agrees(std::string_view question);

    /// All that went to standard output so far. Nothing where something was said beside it, or asked, or where it is
    /// long: then it can not be said again as it was.
    std::optional<std::string_view> transcript() const {
        return beside_ ? std::nullopt : std::optional<std::string_view>(transcript_);
    }

    bool json() const { return json_; }
    bool quiet() const { return quiet_; }
    bool verbose() const { return verbose_; }
    bool interactive() const { return interactive_; }  ///< There is somebody to ask.
    bool live() const { return live_; }     ///< Standard error is a terminal, where a line can be overwritten.
    Style style() const { return style_; }  ///< For results.
    Style error_style() const { return error_style_; }  ///< For what goes to standard error.

private:
    bool json_, quiet_, verbose_, interactive_, live_;
    bool beside_ = false;
    int lost_ = 0;
    std::string transcript_;
    Style style_, error_style_;
};

}  // namespace chaos::cli
