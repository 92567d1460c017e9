// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/recorded.hpp>
#include <chaos/root_host.hpp>
#include <chaos/transaction.hpp>

#include "commands.hpp"

namespace chaos::cli {

/// The parts of one run, put together: what kinds there are, the root, what may be kept.
struct World {
    Registry registry;
    std::unique_ptr<Cache> cache;  // outlives the host, which writes to it when it ends
    std::unique_ptr<RootHost> host;
    std::string state_directory;

    /// --facts: the host is not this machine. There is no `host` then, and nothing to look at.
    std::optional<RecordedHost> recorded{};
    std::unique_ptr<Host> unseen{};

    const Host& subject() const { return recorded ? *unseen : static_cast<const Host&>(*host); }
};
World wire(const Options&);

/// The same, or with what was recorded of another host, where --facts names it. Throws Problems, and Usage where it
/// names several.
World wire(Context&);
World wire_recorded(Context&, const std::string& file);

/// The files that --facts names, and what a shell made of its pattern: those are no manifests any more.
std::vector<std::string> recorded_files(const Options&);
std::vector<std::string> manifests(const Options&);

/// What a recorded host is called: by --host, by its facts, else by their file.
std::string name_of(const RecordedHost&, const Options&);

/// What reading a site needs to know. It points into what it is given.
ReadContext reading_of(const Context&, const World&, const View&);

/// Writes a text to a file, with a newline at its end. Throws Error.
void write_file(const std::string& path, std::string text);

/// The name of the person at the keyboard, sudo seen through.
std::string who();

unsigned processors();

}  // namespace chaos::cli
