// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

namespace chaos::cli {

/// A directory of one's own in memory: what lies there comes to no disk, and is gone with this.
class MemoryDirectory {
public:
    MemoryDirectory();  ///< Throws Error where none can be had.
    ~MemoryDirectory();
    MemoryDirectory(const MemoryDirectory&) = delete;
    MemoryDirectory& operator=(const MemoryDirectory&) = delete;
    const std::string& path() const { return path_; }
    void keep() { kept_ = true; }  ///< What lies there is somebody's work: it stays until the next boot.

private:
    std::string path_;
    bool kept_ = false;
};

/// Lets the person's editor have a file, at a line where that is not 0 and it takes one, and waits for its end. Throws
/// Error where it did not end well.
void let_edit(const std::string& file, std::uint32_t line = 0);

}  // namespace chaos::cli
