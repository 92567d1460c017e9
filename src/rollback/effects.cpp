// SPDX-License-Identifier: Apache-2.0
#include "effects.hpp"

#include <algorithm>
#include <set>

namespace chaos::rollback {

namespace {

Image image_in(const Scan& scan, const std::string& path) {
    const auto found = scan.find(path);
    return found == scan.end() ? Image() : found->second;
}

/// A scan of names knows a directory's entries, not their bytes: such a file can be told to be new, not be made again.
bool can_be_made(const Image& image) {
    return image.kind != Entry::Kind::file || image.content;
}

}  // namespace

Effects::Effects(StagedHost& host, const Footprint& footprint, const StepRecord& step,
                 const std::vector<Operation>& operations, bool cut)
    : host_(host),
      footprint_(footprint),
      before_(scan_from_text(step.scan)),
      found_(host.scan(footprint, nullptr)),
      cut_(cut) {
    for (const Operation& operation : operations)
        if (operation.effect && operation.step == step.number) note(operation);
}

void Effects::reach_back(const StepRecord& step, const std::vector<Operation>& operations) {
    const Scan before = scan_from_text(step.scan);
    for (const Operation& operation : operations) {
        const std::string& path = operation.path;
        if (!operation.effect || operation.step != step.number) continue;
        if (!image_in(before_, path).same_as(operation.after)) {
            beyond_[path] = image_in(before, path);  // somebody changed it before the newer step began
            continue;
        }
        note(operation);
        if (const Image image = image_in(before, path))
            before_[path] = image;
        else
            before_.erase(path);
    }
}

/// It is ours where it is as the newest of the steps left it.
void Effects::note(const Operation& operation) {
    made_.try_emplace(operation.path, operation.after);
    if (!operation.staged.empty()) trash_.try_emplace(operation.path, operation.staged);
}

/// Neither a doing of the step nor of the tools that took it back: what else happened on this host is not looked at.
bool Effects::concerns(const std::string& path, const Scan& now) const {
    return cut_ || made_.contains(path) || !image_in(found_, path).same_as(image_in(now, path));
}

bool Effects::is_ours(const std::string& path) const {
    if (cut_) return true;
    const Image found = image_in(found_, path), before = image_in(before_, path);
    const auto made = made_.find(path);
    return found.same_as(before) || (made != made_.end() && found.same_as(made->second));
}

void Effects::tell(std::string_view type, std::vector<Conflict>& conflicts) const {
    for (const std::string& path : std::set<std::string>(left_.begin(), left_.end())) {
        const auto& shared = footprint_.contents;
        if (footprint_.lines && std::find(shared.begin(), shared.end(), path) != shared.end()) continue;
        conflicts.push_back({{type, path}, "", "as before the run", "as the run left it", "changed by somebody else"});
    }
    for (const std::string& path : lost_) {
        Conflict lost{{type, path}, "", "there", "gone with what the run removed", "its content was kept nowhere"};
        lost.lost = true;
        conflicts.push_back(std::move(lost));
    }
}

void Effects::put_back() {
    const Scan now = host_.scan(footprint_, nullptr);
    auto changes = StagedHost::changed(before_, now);
    // The tools may have taken it back further than to what somebody made of it: with a package goes its configuration.
    std::erase_if(changes, [&](const Operation& change) {
        const auto further = beyond_.find(change.path);
        return further != beyond_.end() && further->second.same_as(change.after);
    });
    for (const auto& [path, image] : beyond_)
        if (!image.same_as(image_in(now, path))) left_.push_back(path);
    // What came goes, deepest first; then what went comes, outermost first.
    for (auto change = changes.rbegin(); change != changes.rend(); ++change) {
        if (change->before || !change->after || !concerns(change->path, now)) continue;
        if (!is_ours(change->path))
            left_.push_back(change->path);
        else if (change->after.kind != Entry::Kind::directory)
            host_.remove(change->path);
        else
            host_.remove_tree(change->path);
    }
    for (const Operation& change : changes) {
        if (!change.before || !concerns(change.path, now)) continue;
        const bool tools_took_it = !change.after && image_in(found_, change.path);
        if (!can_be_made(change.before) && tools_took_it) continue;  // theirs, and emptied by them
        if (!is_ours(change.path)) {
            left_.push_back(change.path);
        } else if (!can_be_made(change.before)) {
            lost_.push_back(change.path);
        } else {
            const auto trash = trash_.find(change.path);
            host_.restore(change.path, change.before, trash == trash_.end() ? std::string() : trash->second);
        }
    }
}

}  // namespace chaos::rollback
