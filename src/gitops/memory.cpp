// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chaos/durable.hpp>
#include <chaos/gitops/memory.hpp>
#include <chaos/state.hpp>
#include <cstring>

namespace chaos::gitops {

namespace {

using namespace schema;

/// Names are what lies on disks: never changed, only added to.
constexpr Field fields[] = {
    property<&Memory::url>("url", "The repository."),
    property<&Memory::ref>("ref", "The branch or tag."),
    property<&Memory::seen>("seen", "Where it was."),
    property<&Memory::trusted>("trusted", "The commit that was signed."),
    property<&Memory::signers>("signers", "The commit whose list of signers holds."),
    property<&Memory::signers_of>("signers_of", "The settings' own list then."),
    property<&Memory::asked>("asked", "When it answered last."),
    property<&Memory::unreachable>("unreachable", "Since when it does not answer."),
    property<&Memory::failures>("failures", "How often it did not."),
    property<&Memory::ask_again>("ask_again", "Not asked before."),
    property<&Memory::why_unreachable>("why_unreachable", "Why it does not answer."),
    property<&Memory::good>("good", "The commit that the host is at."),
    property<&Memory::good_subject>("good_subject", "The first line of its message."),
    property<&Memory::good_author>("good_author", "Who wrote it."),
    property<&Memory::manifest>("manifest", "What of it was applied."),
    property<&Memory::good_at>("good_at", "When."),
    property<&Memory::good_run>("good_run", "By which run."),
    property<&Memory::failed>("failed", "The commit that could not be applied."),
    property<&Memory::why_failed>("why_failed", "Why."),
    property<&Memory::failed_at>("failed_at", "When."),
    property<&Memory::failed_run>("failed_run", "By which run."),
    property<&Memory::trying>("trying", "The commit that is being applied."),
    property<&Memory::tries>("tries", "How often that was begun."),
    property<&Memory::noticed_run>("noticed_run", "The last run that was looked at."),
    property<&Memory::scanned>("scanned", "When the host was compared last."),
    property<&Memory::drifted>("drifted", "How many resources had drifted."),
    property<&Memory::duration_ms>("duration_ms", "How long the last run took."),
    property<&Memory::compared>("compared", "How many things were as they were."),
    property<&Memory::moved>("moved", "What was not."),
    property<&Memory::left>("left", "What drifts again and again."),
    property<&Memory::costly>("costly", "Why all of it is looked at."),
    property<&Memory::suspended_until>("suspended_until", "Until when nothing is followed."),
    property<&Memory::suspended_by>("suspended_by", "Who said so."),
    property<&Memory::suspended_why>("suspended_why", "Why."),
    property<&Memory::undone>("undone", "Whether its run was taken back."),
    property<&Memory::held_by_run>("held_by_run", "The run that took ours back."),
    property<&Memory::held_by>("held_by", "Whose it was."),
    property<&Memory::held_at>("held_at", "Where the ref was then."),
};

constexpr Schema declared = schema::of<Memory>("memory", "memory", Order::setting, "What is remembered.", fields);

}  // namespace

std::string to_text(const Memory& memory) {
    return to_json(encode(declared, State::of(memory))) + '\n';
}

Memory read_memory(std::string_view text) {
    Value said = from_json(text);
    if (!said.is_map()) throw Error("this is no record of what was followed");
    Value::Map known;
    for (const auto& entry : said.map())
        if (declared.find(entry.key.text())) known.push_back(entry);
    Diagnostics problems;
    const State state = decode(declared, Value(std::move(known)), problems);
    if (!problems.ok()) throw problems.errors().front();
    return *state.as<Memory>();
}

Memory load_memory(const std::string& directory) {
    const auto path = directory + "/state.json";
    const auto text = durable::read(path);
    if (!text) return {};
    try {
        Memory memory = read_memory(*text);
        struct stat about {};
        if (memory.asked == 0 && ::stat(path.c_str(), &about) == 0) memory.asked = about.st_mtim.tv_sec;
        return memory;
    } catch (const Error& error) {
        throw Error(fmt::format("{}/state.json can not be read: {}", directory, error.what()))
            .help("remove it: what the host is at is then found out anew");
    }
}

void save_memory(const std::string& directory, const Memory& memory) {
    const auto path = directory + "/state.json";
    Memory lasting = memory;
    lasting.asked = 0;
    const auto text = to_text(lasting);
    if (durable::read(path) != text) durable::replace(path, text);
    const timespec asked{static_cast<time_t>(memory.asked), 0};
    const timespec times[] = {asked, asked};
    if (::utimensat(AT_FDCWD, path.c_str(), times, AT_SYMLINK_NOFOLLOW) != 0)
        throw Error(fmt::format("can not set the time of {}: {}", path, std::strerror(errno)));
}

Turn::Turn(const std::string& directory, std::int64_t most_ms) {
    constexpr int each_ms = 50;
    const std::string path = directory + "/lock";
    file_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file_ < 0) throw Error(fmt::format("can not open {}: {}", path, std::strerror(errno)));
    for (std::int64_t left = most_ms;; left -= each_ms) {
        if (::flock(file_, LOCK_EX | LOCK_NB) == 0) return;
        if (left <= 0) break;
        ::poll(nullptr, 0, each_ms);
    }
    ::close(file_);
    throw Busy("the repository is being followed by another process at this moment");
}

Turn::~Turn() {
    ::close(file_);
}

}  // namespace chaos::gitops
