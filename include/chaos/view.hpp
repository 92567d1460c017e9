// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chaos/host.hpp>
#include <memory>
#include <typeindex>

namespace chaos {

/// One look at a host. What several kinds need (accounts, units, installed packages) is read at the first question and
/// kept until the View ends; a View never outlives the next change, so nothing in it can be stale.
class View {
public:
    explicit View(const Host& host);
    ~View();
    View(const View&) = delete;
    const Host& host() const { return host_; }
    const Host* operator->() const { return &host_; }

    /// `T::read(view)`, once, whichever thread asks first.
    template <class T>
    const T& once() const {
        return *static_cast<const T*>(get(typeid(T), [](const View& view) -> std::shared_ptr<const void> {
            return std::make_shared<const T>(T::read(view));
        }));
    }

    /// Said by the engine while it decides: something of this plan changes where packages come from, so that what is
    /// not known at this look may be known when the run comes to it.
    void expect_more() const { expects_more_ = true; }
    bool expects_more() const { return expects_more_; }

private:
    const void* get(std::type_index, std::shared_ptr<const void> (*read)(const View&)) const;
    const Host& host_;
    struct Slots;
    std::unique_ptr<Slots> slots_;
    mutable std::atomic<bool> expects_more_ = false;
};

}  // namespace chaos
