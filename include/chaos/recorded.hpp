// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/manifest.hpp>

namespace chaos {

/// What was true of a host when its facts were written down: enough to read its manifests where it is not.
struct RecordedHost {
    std::string file;   ///< Where it was recorded.
    Value facts, host;  ///< Mappings: by name; name and groups.
    bool live = true;   ///< It was a running system, no image.
    std::string passwd,
        group;  ///< Its accounts, as /etc/passwd and /etc/group have them, without what they say of people.
};

/// All facts of a host and what it is called, as JSON with a version; what is secret is left out, and what passes is
/// named. Throws Error.
std::string record_facts(const ReadContext&, Sources&);

/// Reads what record_facts() wrote. Throws Error at its place in the text.
RecordedHost read_recorded(Sources&, const std::string& path);

/// A host that can not be looked at, because it is not this machine: whoever tries gets an Error. What reading a site
/// asks of it (is it an image, whose home is where?) it answers as it was recorded.
class UnseenHost final : public Host {
public:
    explicit UnseenHost(const RecordedHost& recorded) : recorded_(recorded) {}
    bool live() const override { return recorded_.live; }
    bool superuser() const override { return true; }
    Entry look(const std::string& path, std::string* content = nullptr,
               std::size_t most = Content::in_memory) const override;
    std::vector<std::string> list(const std::string& path) const override;
    Content content(const std::string& path) const override;
    Output ask(const Command&) const override;
    const Services& services() const override;

private:
    RecordedHost recorded_;
};

}  // namespace chaos
