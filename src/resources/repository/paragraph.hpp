// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace chaos::resources {

/// Keys and values in a part of a text: all of a deb822 file, or what follows `[NAME]` up to the next such line. What
/// is not set stays byte for byte.
class Paragraph {
public:
    /// `separator` stands between key and value where a line is written: ": ", "=" or " = ".
    Paragraph(std::string_view text, std::string_view section, std::string_view separator);

    bool there() const { return there_; }
    std::size_t paragraphs() const;  ///< Of a deb822 text: how many there are.

    /// Every value of a key, as often as it is there; lines that go on are parts of one, without their blanks.
    std::vector<std::string> values(std::string_view key) const;

    /// These in the place of the first one, or at the end; none takes it out. Values that are there already stay as
    /// they are written.
    void set(std::string_view key, const std::vector<std::string>& values);

    void add_section();     ///< At the end of the text, with a blank line before it.
    void remove_section();  ///< With the blank line before it.
    std::string text() const;

private:
    std::string_view key_of(std::string_view line) const;
    std::size_t end_of(std::size_t line) const;

    std::vector<std::string> before_, lines_, after_;
    std::string section_, separator_;
    bool there_ = false;
};

/// The words of a value.
std::vector<std::string> words_in(std::string_view);

}  // namespace chaos::resources
