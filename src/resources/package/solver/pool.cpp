// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <chaos/digest.hpp>
#include <chaos/error.hpp>
#include <cstdlib>

#include "parts.hpp"

namespace chaos::resources::solver {
namespace {

/// What stands before what is kept: libsolv does not look whether what it is given is whole, so its digest does.
std::string kept_head(const char* libsolv, std::string_view kept) {
    return fmt::format("chaos packages 3, libsolv {}, {}\n", libsolv, hex(digest(kept)));
}

}  // namespace

std::pair<const std::pair<Id, Id>*, const std::pair<Id, Id>*> Pool::Parts::offers(const std::string& name) const {
    const Id id = known(name);
    const auto first = std::lower_bound(by_name.begin(), by_name.end(), std::pair(id, Id(0)),
                                        [](const auto& a, const auto& b) { return a.first < b.first; });
    auto last = first;
    while (id && last != by_name.end() && last->first == id) ++last;
    return {by_name.data() + (first - by_name.begin()), by_name.data() + (last - by_name.begin())};
}

Id Pool::Parts::installed(Id name) const {
    if (!pool->installed) return 0;
    for (const Id* one = providers(name); *one; ++one)
        if (at(*one).repo == pool->installed && at(*one).name == name) return *one;
    return 0;
}

Pool::Pool(Family family, std::string native, std::vector<std::string> foreign)
    : parts_(new Parts{family, std::move(native), std::move(foreign)}) {
    const auto& solv = parts_->solv;
    auto* const pool = parts_->pool.get();
    solv.pool_setdisttype(pool, family == Family::deb    ? DISTTYPE_DEB
                                : family == Family::arch ? DISTTYPE_ARCH
                                                         : DISTTYPE_RPM);
    if (family != Family::deb) solv.pool_setarch(pool, parts_->native.c_str());
    Repo* const installed = solv.repo_create(pool, "installed");
    solv.pool_set_installed(pool, installed);
}

Pool::~Pool() = default;

void Pool::add_installed(std::string_view status) {
    parts_->add_text(parts_->pool->installed, status, true);
}

void Pool::forget_needs(std::string_view name) {
    const Repo* const installed = parts_->pool->installed;
    const Id called = parts_->known(name);
    for (Id id = installed->start; called && id < installed->end; ++id)
        if (auto& package = parts_->at(id); package.repo == installed && package.name == called)
            package.dep_requires = package.dep_recommends = 0;
}

void Pool::add_installed_at(const std::string& path) {
    auto* const pool = parts_->pool.get();
    const auto& more = extension();
    int failed = 0;
    if (parts_->family == Family::arch) {
        failed = more.repo_add_arch_local(pool->installed, path.c_str(), 0);
    } else {
        parts_->solv.pool_set_rootdir(pool, path.c_str());
        failed = more.repo_add_rpmdb(pool->installed, nullptr, REPO_USE_ROOTDIR);
    }
    if (failed) throw Error(fmt::format("can not read what is installed: {}", parts_->solv.pool_errstr(pool)));
}

void Pool::add(std::string_view name, std::string_view text) {
    Repo* const repo = parts_->solv.repo_create(parts_->pool.get(), std::string(name).c_str());
    parts_->repositories.push_back(repo);
    parts_->add_text(repo, text, false);
}

void Pool::add_file(std::string_view name, Format format, const std::string& path, int priority) {
    if (format == Format::deb) throw Error("lists of Debian are added as text");
    const auto& more = extension();
    const File file(more.solv_xfopen(path.c_str(), "r"));
    if (!file) throw Error(fmt::format("can not read the packages of {}: no such file as {}", name, path));
    Repo* const repo = parts_->solv.repo_create(parts_->pool.get(), std::string(name).c_str());
    repo->priority = priority;
    const int failed = format == Format::arch ? more.repo_add_arch_repo(repo, file.get(), 0)
                                              : more.repo_add_rpmmd(repo, file.get(), nullptr, 0);
    if (failed) {
        const std::string why = parts_->solv.pool_errstr(parts_->pool.get());
        parts_->solv.repo_free(repo, 1);
        throw Error(fmt::format("can not read the packages of {} in {}: {}", name, path, why));
    }
    parts_->repositories.push_back(repo);
}

std::string Pool::kept() const {
    if (parts_->repositories.empty()) return {};
    char* bytes = nullptr;
    std::size_t size = 0;
    File file(::open_memstream(&bytes, &size));
    const bool well = file && parts_->solv.repo_write(parts_->repositories.back(), file.get()) == 0;
    file.reset();
    std::string all;
    if (well) all = kept_head(parts_->solv.version, {bytes, size}), all.append(bytes, size);
    std::free(bytes);
    return all;
}

bool Pool::add_kept(std::string_view name, const std::string& kept) {
    auto rest = std::string_view(kept).substr(std::min(kept.find('\n'), kept.size() - 1) + 1);
    if (!kept.starts_with(kept_head(parts_->solv.version, rest))) return false;
    // libsolv only reads from it.
    const File file(::fmemopen(const_cast<char*>(rest.data()), rest.size(), "r"));
    if (!file) return false;
    Repo* const repo = parts_->solv.repo_create(parts_->pool.get(), std::string(name).c_str());
    if (parts_->solv.repo_add_solv(repo, file.get(), 0) != 0) return parts_->solv.repo_free(repo, 1), false;
    parts_->repositories.push_back(repo);
    return true;
}

void Pool::choose(const std::function<int(const Offer&)>& priority, bool sources) {
    auto* const pool = parts_->pool.get();
    const auto& solv = parts_->solv;
    parts_->bits.assign(static_cast<std::size_t>(pool->nsolvables) / 8 + 1, 0);
    parts_->considered = {parts_->bits.data(), static_cast<int>(parts_->bits.size())};
    const auto consider = [&](Id id) {
        parts_->bits[static_cast<std::size_t>(id) >> 3] |= static_cast<unsigned char>(1 << (id & 7));
    };
    parts_->chosen.clear();
    std::unordered_map<Id, Id> there;
    for (Id id = pool->installed->start; id < pool->installed->end; ++id)
        if (parts_->at(id).repo == pool->installed) consider(id), there[parts_->at(id).name] = id;
    std::unordered_map<const Repo*, std::size_t> numbers;
    for (std::size_t i = 0; i < parts_->repositories.size(); ++i) numbers[parts_->repositories[i]] = i;
    auto& by_name = parts_->by_name;
    by_name.clear();
    for (const Repo* repo : parts_->repositories)
        for (Id id = repo->start; id < repo->end; ++id)
            if (parts_->at(id).repo == repo) by_name.emplace_back(parts_->at(id).name, id);
    std::sort(by_name.begin(), by_name.end(), [&](const auto& a, const auto& b) {
        if (a.first != b.first) return a.first < b.first;
        const Id mine = parts_->at(a.second).evr, other = parts_->at(b.second).evr;
        const int newer = mine == other ? 0 : solv.pool_evrcmp(pool, mine, other, EVRCMP_COMPARE);
        return newer != 0 ? newer > 0 : a.second < b.second;
    });
    const auto versus = [&](Id a, Id b) { return a == b ? 0 : solv.pool_evrcmp(pool, a, b, EVRCMP_COMPARE); };
    constexpr int of_installed = 100, allows_older = 1000;
    for (auto one = by_name.begin(); one != by_name.end();) {
        const Id name = one->first;
        const auto standing = there.find(name);
        const Id now = standing == there.end() ? 0 : parts_->at(standing->second).evr;
        bool passed = now == 0;  // the installed version has its turn among the others
        int highest = 0;
        Id best = 0;
        while (one != by_name.end() && one->first == name) {
            const Id version = parts_->at(one->second).evr;
            const int newer = now ? versus(version, now) : 1;
            if (!passed && newer <= 0) {
                passed = true;
                if (of_installed > highest) highest = of_installed, best = 0;
            }
            for (; one != by_name.end() && one->first == name && parts_->at(one->second).evr == version; ++one) {
                const int its = priority(parts_->offer(one->second, numbers.at(parts_->at(one->second).repo), sources));
                if (its <= highest || (newer < 0 && its < allows_older)) continue;
                highest = its, best = newer == 0 ? 0 : one->second;
            }
        }
        if (best) consider(best), parts_->chosen[name] = best;
    }
    pool->considered = &parts_->considered;
    if (parts_->family != Family::deb) solv.pool_addfileprovides(pool);
    solv.pool_createwhatprovides(pool);
}

}  // namespace chaos::resources::solver
