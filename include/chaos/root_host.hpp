// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/cache.hpp>
#include <chaos/host.hpp>
#include <chaos/past.hpp>
#include <memory>

namespace chaos {

/// A root directory looked at: `/`, which is the running system, or that of an image.
///
/// Every path is walked below a descriptor of the root (openat2, RESOLVE_IN_ROOT): a symbolic link in it, absolute or
/// with `..`, can not lead out. Of a device or fifo nothing but its being there is looked at.
class RootHost final : public Host, public Remembering, public Recalling {
public:
    /// Throws Error where there is no such directory. With a cache, digests of big files are remembered in it: they are
    /// put there when the RootHost ends (threads that look may not be allowed to write).
    explicit RootHost(const std::string& root, Cache* cache = nullptr);
    ~RootHost() override;

    bool live() const override;
    bool superuser() const override;
    Entry look(const std::string& path, std::string* content = nullptr,
               std::size_t most = Content::in_memory) const override;
    std::vector<std::string> list(const std::string& path) const override;  ///< Follows a link to a directory.
    Content content(const std::string& path) const override;                ///< Throws Error where there is no file.
    Output ask(const Command&) const override;
    const Services& services() const override;
    Cache* cache() const override;
    const Past* past() const override;
    std::string state_directory() const override;

    /// Else it is the usual one.
    void keep_state_in(const std::string& path);
    void recall(const Past*);         ///< From now on; null: nothing.
    const std::string& root() const;  ///< Absolute, without links; `/` where live.
    int root_descriptor() const;      ///< O_PATH; it lives as long as the RootHost.

private:
    struct Parts;
    std::unique_ptr<Parts> parts_;
};

}  // namespace chaos
