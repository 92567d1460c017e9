// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <chaos/beside.hpp>
#include <chaos/digest.hpp>
#include <chaos/durable.hpp>
#include <chaos/gitops/drifting.hpp>
#include <chaos/gitops/noticing.hpp>
#include <chaos/holds.hpp>

namespace chaos::gitops {

namespace {

constexpr std::size_t most = 64 << 20;

std::string file_in(const std::string& directory) {
    return directory + "/sight";
}

}  // namespace

std::string circumstances(const std::string& state_directory, std::int64_t now) {
    std::string said = hex(beside::stamp(beside::Asked::file, "/proc/self/exe"));
    for (const char* file : {"/store.db", "/store.db-wal", "/seal.key"})
        said += hex(beside::stamp(beside::Asked::file, state_directory + file));
    for (const Hold& hold : holds(state_directory, now)) said += hold.what + '\n';
    return hex(digest(said));
}

std::string circumstances(const Settings& settings, const Memory& memory, const std::string& state_directory,
                          std::int64_t now) {
    std::string said = fmt::format("{}\n{}\n{}\n{}\n", memory.good, memory.manifest, to_text(settings),
                                   circumstances(state_directory, now));
    for (const Left& left : Drifting::read(memory.left).left(now)) said += left.id + '\n';
    return hex(digest(said));
}

void keep_sight(const std::string& directory, const std::string& circumstances, const Sight& sight) {
    durable::replace(file_in(directory), circumstances + '\n' + to_text(sight));
}

std::optional<Sight> kept_sight(const std::string& directory, const std::string& circumstances) {
    const auto text = durable::read(file_in(directory), most);
    if (!text || !text->starts_with(circumstances + '\n')) return std::nullopt;
    Sight sight = read_sight(std::string_view(*text).substr(circumstances.size() + 1));
    return sight.fresh ? std::nullopt : std::optional(std::move(sight));
}

Noticed notice(const std::string& directory, const std::string& circumstances, const Host& host, Memory& memory) {
    memory.compared = 0, memory.costly.clear();
    try {
        const auto sight = kept_sight(directory, circumstances);
        if (!sight) return Noticed::nothing;
        const auto other = chaos::moved(*sight, host);
        if (other) memory.moved = *other;
        if (!sight->costly.empty()) memory.costly = sight->costly.front();
        if (other) return Noticed::moved;
        memory.compared = static_cast<std::int64_t>(sight->things.size());
        return sight->costly.empty() ? Noticed::still : Noticed::costly;
    } catch (const Error&) {
        return Noticed::nothing;
    }
}

}  // namespace chaos::gitops
