// SPDX-License-Identifier: Apache-2.0
// What came along with something of chaos, and is nobody's by now.
#include <algorithm>
#include <chaos/past.hpp>
#include <chaos/transaction.hpp>
#include <optional>
#include <unordered_set>

namespace chaos {
namespace {

class SitePast final : public Past {
public:
    SitePast(const Site& site, const Registry& registry, const History& history)
        : site_(site), registry_(registry), history_(history) {}

    bool brought(std::string_view type, const std::string& key) const override {
        const ResourceId id{type, key};
        return !is_somebodys(id) && was_brought(id);
    }
    bool is_somebodys(std::string_view type, const std::string& key) const override {
        return is_somebodys(ResourceId{type, key});
    }

private:
    bool is_somebodys(const ResourceId& id) const {
        if (!declared_) {
            declared_.emplace();
            for (const Resource& resource : site_.catalog) declared_->insert(to_text(resource.id));
            for (const Holding& one : history_.holdings()) declared_->insert(to_text(RecordedId{one.type, one.key}));
        }
        return declared_->contains(to_text(id)) ||
               std::any_of(site_.protect.begin(), site_.protect.end(),
                           [&](const std::string& pattern) { return matches(pattern, id, registry_); });
    }

    /// The last time that it came into being, as far as is recorded, was by a run; it did not go by one since.
    bool was_brought(const ResourceId& id) const {
        for (const ChangeRecord& change : history_.changes_of(id)) {  // newest first
            if (change.result != ChangeRecord::Result::done) continue;
            if (change.after.is_null()) return false;
            if (change.before.is_null()) return true;
        }
        return false;
    }

    const Site& site_;
    const Registry& registry_;
    const History& history_;
    mutable std::optional<std::unordered_set<std::string>> declared_{};  ///< Made at the first question.
};

}  // namespace

std::unique_ptr<Past> past_of(const Site& site, const Registry& registry, const History& history) {
    return std::make_unique<SitePast>(site, registry, history);
}

}  // namespace chaos
