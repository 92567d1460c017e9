// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/secrets.hpp>
#include <chaos/source.hpp>
#include <deque>
#include <optional>

namespace chaos {

/// The secrets of a site: the files that `secrets:` names, the later over the earlier. None is opened before a secret
/// of it is asked for.
class Secrets {
public:
    explicit Secrets(const KeyRing& keys) : keys_(keys) {}

    /// `secrets:` as it was written: a path, a list of them, or Ch-aOS's mapping. Throws Error.
    void declare(const Value& said, const std::string& directory);

    /// A secret by its name, dotted into mappings. Throws Error: no such secret, no key, damage. Where keys may be
    /// lacking and are, a text that nobody knows.
    Value find(const std::string& name);

    const std::vector<std::string>& asked() const { return asked_; }  ///< The texts that find() gave.
    bool unknown() const { return broken_ || lacks_; }                ///< Some secret that was asked for is not known.
    const std::optional<Error>& lacking() const { return lacks_; }    ///< Why, at the place of the file.

private:
    struct File {
        std::string path;
        Place where;
        std::optional<Value> tree{};  ///< Null where it is not known.
        bool known = true;
    };
    void read(const Value& said, const std::string& directory);
    void add(const Value& path, const std::string& directory);
    const Value& open(File&);
    Error no_such(const std::string& name);
    void note_texts(const Value&);

    const KeyRing& keys_;
    std::deque<File> files_;
    std::vector<std::string> asked_;
    std::optional<Error> lacks_;
    bool broken_ = false;  // a file was named that is not there: what would be in it nobody knows
};

}  // namespace chaos
