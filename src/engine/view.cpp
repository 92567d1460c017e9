// SPDX-License-Identifier: Apache-2.0
#include <chaos/view.hpp>
#include <map>
#include <mutex>

namespace chaos {

struct View::Slots {
    struct Slot {
        std::mutex asking;
        std::shared_ptr<const void> answer;
    };
    std::mutex mutex;
    std::map<std::type_index, Slot> slots;  // a map: a slot stays where it is while others are added
};

View::View(const Host& host) : host_(host), slots_(std::make_unique<Slots>()) {}
View::~View() = default;

const void* View::get(std::type_index type, std::shared_ptr<const void> (*read)(const View&)) const {
    Slots::Slot* slot;
    {
        std::lock_guard hold(slots_->mutex);
        slot = &slots_->slots[type];
    }
    // Not by call_once: what read() throws would pass through the C library, which loads a library to unwind itself.
    const std::lock_guard one_at_a_time(slot->asking);
    if (!slot->answer) slot->answer = read(*this);  // one that threw is asked again
    return slot->answer.get();
}

}  // namespace chaos
