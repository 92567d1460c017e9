// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/secrets.hpp>

#include "console.hpp"

namespace chaos::cli {

/// Where the keys of secrets may lie, by what was said and by custom.
std::vector<KeyFile> key_files(const Options&);

/// A line that somebody types on the terminal, not shown. Throws Error where there is no terminal.
std::string typed_in_secret(const std::string& question);

/// A passphrase from --passphrase-file, else from whoever sits at the terminal.
class Passphrases final : public PassphraseSource {
public:
    explicit Passphrases(const Options& options) : options_(options) {}
    std::string passphrase(const std::string& file) override;

private:
    const Options& options_;
};

}  // namespace chaos::cli
