// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <string>

namespace chaos {

/// A place in a manifest, in eight bytes that own nothing. Lines and columns count from 1, columns in characters; line
/// 0 is nowhere.
struct Place {
    std::uint32_t line = 0;
    std::uint16_t column = 0;
    std::uint16_t source = 0;  ///< Which of the Sources.

    explicit operator bool() const { return line > 0; }
    friend bool operator==(const Place&, const Place&) = default;
};

/// A manifest as it was read, kept so that an error can show the line it is about.
struct Source {
    std::string name;       ///< As the user wrote it, or relative to the file that includes it: what an error shows.
    std::string directory;  ///< Absolute: what relative paths in it are relative to.
    std::string text;
};

/// Everything read so far. Places point into it; whoever renders an Error needs it.
class Sources {
public:
    std::uint16_t add(std::string name, std::string directory, std::string text) {
        sources_.push_back({std::move(name), std::move(directory), std::move(text)});
        return static_cast<std::uint16_t>(sources_.size() - 1);
    }
    const Source& operator[](Place at) const { return sources_[at.source]; }
    std::size_t size() const { return sources_.size(); }

private:
    std::deque<Source> sources_;  // a deque: what was handed out stays where it is
};

}  // namespace chaos
