// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "text.hpp"

namespace chaos::cli {

/// cmd_NAME.md as it was when the program was built, and docs/manifest.md as `manifest`; empty for any other name.
std::string_view help_text(std::string_view command);

/// The sentence under the title of a help text.
std::string_view summary_of(std::string_view markdown);

/// Markdown as a terminal shows it: titles in bold, code without its ticks. Lines stay as they were written.
std::string render_markdown(std::string_view markdown, Style style);

/// Markdown as a man page: of a command in section 1, of the program itself where the name is empty, of a format of
/// files in section 5.
std::string man_page(std::string_view name, std::string_view markdown, int section = 1);

}  // namespace chaos::cli
