// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include "expression.hpp"
#include "syntax.hpp"

namespace chaos {

/// Templates that were read, each once. Those that a template includes lie beneath one directory with it.
class Templates {
public:
    explicit Templates(Sources& sources) : sources_(sources) {}

    struct File {
        std::shared_ptr<const language::Parsed> parsed;
        std::uint16_t source = 0;
        std::string directory;  ///< What names in it are relative to.
        std::string root;       ///< What they can not lead out of.
    };

    /// A template by its path. Throws Error: without a place where it can not be read, at its place for a mistake in
    /// it.
    const File& open(const std::string& path, const std::string& root, language::Blanks);

    /// One that `from` names. Throws Error without a place; `missing` is set where there is no such file.
    const File& open_from(const File& from, const std::string& name, language::Blanks, bool& missing);

    /// A template that is no file, as if it lay in `directory`.
    const File& add(const std::string& name, const std::string& directory, std::string text, language::Blanks);

    Place place(const File&, std::size_t at) const;
    Sources& sources() const { return sources_; }

private:
    const File& parse(const std::string& key, std::string name, File file, std::string text, language::Blanks);

    Sources& sources_;
    std::map<std::string, File> files_;
};

/// What a template gives: a text, secret where something secret went into it. The names of `with` stand bare. Throws
/// Error at its place in the template.
Value render(Templates&, const Templates::File&, language::Blanks, Names&, const Value& with);

}  // namespace chaos
