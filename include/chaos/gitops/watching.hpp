// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/witness.hpp>
#include <map>
#include <set>

namespace chaos::gitops {

/// Is told by the kernel (inotify) when something of what was seen at paths may have changed. Watched are the
/// directories that hold them, so that a file that is replaced is not lost; what is not there yet is awaited where it
/// would come to be. Files of the kernel tell nobody, and a file that is written to and kept open tells when it is
/// closed.
class Watching {
public:
    Watching();  ///< Throws Error where the kernel gives none.
    ~Watching();
    Watching(const Watching&) = delete;
    Watching& operator=(const Watching&) = delete;

    /// From now on these, and some files more. The answer: how many of their directories can not be watched.
    std::size_t watch(const Sight&, const std::vector<std::string>& also);

    int descriptor() const { return descriptor_; }  ///< Can be read when drain() has something to tell.
    bool drain();                                   ///< Takes what came. Whether it is about something that is watched.

private:
    bool add(const std::string& path);
    bool add_directory(const std::string& directory, const std::string& name);

    int descriptor_ = -1;
    std::map<int, std::set<std::string>> names_{};  ///< By watch: what of the directory matters; `*`: everything.
};

}  // namespace chaos::gitops
