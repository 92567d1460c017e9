// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "text.hpp"

namespace chaos::cli {

/// cmd_NAME.md as it was when the program was built; empty for a name that is no command's.
std::string_view help_text(std::string_view command);

/// The sentence under the title of a help text.
std::string_view summary_of(std::string_view markdown);

/// Markdown as a terminal shows it: titles in bold, code without its ticks. Lines stay as they were written.
std::string render_markdown(std::string_view markdown, Style style);

/// Markdown as a man page (section 1). Without a command it is the page of the program itself.
std::string man_page(std::string_view command, std::string_view markdown);

}  // namespace chaos::cli
