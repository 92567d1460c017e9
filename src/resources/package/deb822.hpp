// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace chaos::resources {

/// A package as a paragraph of dpkg's status or of a list of an archive tells it: parts of that text, empty where
/// nothing is said.
struct DebParagraph {
    std::string_view package, version, architecture, multi_arch, status, source;
    std::string_view depends, pre_depends, recommends, suggests, conflicts, breaks, provides;
    std::string_view size, installed_size, essential, important, is_protected;
};

/// The next field of a paragraph, its value with all lines that go on; false where the paragraph ends (the blank line
/// is taken off) or the text does.
bool next_field(std::string_view& text, std::string_view& name, std::string_view& value);

/// The next paragraph that names a package; false where there is none. `text` becomes what follows it.
bool next_paragraph(std::string_view& text, DebParagraph& found);

}  // namespace chaos::resources
