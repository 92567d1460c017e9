// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/cache.hpp>
#include <chaos/digest.hpp>
#include <chaos/host.hpp>
#include <chaos/past.hpp>
#include <memory>
#include <optional>

namespace chaos {

/// What was seen of a host while something was decided about it, in a few bytes each: as long as all of it is so, the
/// decision would be the same.
struct Sight {
    enum class How : char {
        entry,    ///< What is at a path. Of a directory neither times nor size: those are of what lies in it.
        listing,  ///< What lies in a directory, by its times.
        text,     ///< The bytes of a file of the kernel, whose times say nothing.
        names,    ///< The names in a directory whose times say nothing.
        unit,     ///< A unit's state.
        kernel,   ///< What it is called, and since when it runs.
    };
    struct Thing {
        How how = How::entry;
        std::string name;
        Digest stamp;
    };
    std::vector<Thing> things{};  ///< Each once.
    std::vector<std::string>
        costly{};        ///< What can not be told without doing it again: "the command nft list ruleset".
    bool fresh = false;  ///< Something changed while it was looked at: what was seen may be half of it.
};

std::string to_text(const Sight&);
Sight read_sight(std::string_view text);  ///< Throws Error.

/// The first thing that is not as it was, and nothing where all is. What is costly is not asked about.
std::optional<std::string> moved(const Sight&, const Host&);

/// What a Host may be as well: one that wants to know what it can not see itself. Asked by dynamic_cast, so that a host
/// that does not care need not say so.
class Attentive {
public:
    virtual void heed_unit(const std::string& name) const = 0;    ///< One of all units is what was asked for.
    virtual void heed_change(const std::string& what) const = 0;  ///< This changes by itself, and was looked at.

protected:
    ~Attentive() = default;
};

/// A host that is looked at through this, and notes what of it was seen: paths, units, commands. Nothing that is asked
/// of a Host can pass it by, so no kind need say what it depends on.
class Witness final : public Host, public Remembering, public Recalling, public Attentive {
public:
    explicit Witness(const Host& host);
    ~Witness() override;

    Sight sight() const;  ///< All that was seen so far.

    bool live() const override { return host_.live(); }
    bool superuser() const override { return host_.superuser(); }
    Entry look(const std::string& path, std::string* content = nullptr,
               std::size_t most = Content::in_memory) const override;
    std::vector<std::string> list(const std::string& path) const override;
    Content content(const std::string& path) const override;
    Output ask(const Command&) const override;
    const Services& services() const override;
    std::string state_directory() const override { return host_.state_directory(); }
    Cache* cache() const override;
    const Past* past() const override;
    void heed_unit(const std::string& name) const override;
    void heed_change(const std::string& what) const override;

private:
    struct Parts;
    const Host& host_;
    std::unique_ptr<Parts> parts_;
};

}  // namespace chaos
