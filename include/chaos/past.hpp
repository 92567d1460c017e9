// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace chaos {

class History;
class Registry;
struct Site;

/// What earlier runs tell of a host, as far as a kind asks while a plan is decided.
class Past {
public:
    virtual ~Past() = default;
    /// A run brought it where there was nothing, and by now nobody declares or protects it.
    virtual bool brought(std::string_view type, const std::string& key) const = 0;
    /// Some site declares or protects it; also one that lets go of it in this very plan.
    virtual bool is_somebodys(std::string_view type, const std::string& key) const = 0;
};

/// What is known while this site is planned. All of them must outlive it.
std::unique_ptr<Past> past_of(const Site&, const Registry&, const History&);

/// What a Host may be as well: one of which earlier runs tell something. Asked by dynamic_cast, so that a host without
/// a past need not say so.
class Recalling {
public:
    virtual const Past* past() const = 0;  ///< Null where nothing is known.

protected:
    ~Recalling() = default;
};

}  // namespace chaos
