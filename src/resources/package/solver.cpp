// SPDX-License-Identifier: Apache-2.0
// The one file that knows libsolv, and so a long one. How Debian's architectures are told to it, which knows none:
//
// - A package of a foreign architecture is called `libc6:i386`, and what it needs without saying of which architecture
// is
//   `name:i386`. What is `Multi-Arch: foreign` provides its names for every architecture, `allowed` also `name:any`.
// - `=name` is provided by the native package, `=name:i386` by that one: two that are not `Multi-Arch: same` conflict
//   with each other by these, and two that are, with every other version.
// - Conflicts and Breaks hold for all architectures.
#include "solver.hpp"

#include <dlfcn.h>
#include <fmt/format.h>
#include <solv/evr.h>
#include <solv/pool.h>
#include <solv/poolarch.h>
#include <solv/repo.h>
#include <solv/repo_arch.h>
#include <solv/repo_rpmdb.h>
#include <solv/repo_rpmmd.h>
#include <solv/repo_solv.h>
#include <solv/repo_write.h>
#include <solv/solv_xfopen.h>
#include <solv/solver.h>

#include <algorithm>
#include <chaos/digest.hpp>
#include <chaos/error.hpp>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <map>
#include <set>
#include <unordered_map>
#include <utility>

#include "../lines.hpp"
#include "deb822.hpp"

namespace chaos::resources::solver {
namespace {

/// A shared library, opened when it is first needed and never closed.
class Shared {
public:
    explicit Shared(const char* file) : handle_(::dlopen(file, RTLD_NOW | RTLD_LOCAL)), whole(handle_ != nullptr) {}
    Shared(const Shared&) = delete;

private:
    void* handle_;

protected:
    /// Only the type of what is named is used: a reference to the function itself would want the library at link time.
    template <class Pointer>
    Pointer find(const char* name) {
        void* address = handle_ ? ::dlsym(handle_, name) : nullptr;
        if (!address) whole = false;
        return reinterpret_cast<Pointer>(address);
    }

public:
    bool whole;
};

struct Library : Shared {
    Library() : Shared("libsolv.so.1") {}
    decltype(&::pool_create) pool_create = find<decltype(pool_create)>("pool_create");
    decltype(&::pool_free) pool_free = find<decltype(pool_free)>("pool_free");
    decltype(&::pool_setdisttype) pool_setdisttype = find<decltype(pool_setdisttype)>("pool_setdisttype");
    decltype(&::pool_setarch) pool_setarch = find<decltype(pool_setarch)>("pool_setarch");
    decltype(&::pool_set_rootdir) pool_set_rootdir = find<decltype(pool_set_rootdir)>("pool_set_rootdir");
    decltype(&::pool_errstr) pool_errstr = find<decltype(pool_errstr)>("pool_errstr");
    decltype(&::pool_set_installed) pool_set_installed = find<decltype(pool_set_installed)>("pool_set_installed");
    decltype(&::pool_createwhatprovides) pool_createwhatprovides =
        find<decltype(pool_createwhatprovides)>("pool_createwhatprovides");
    decltype(&::pool_addfileprovides) pool_addfileprovides =
        find<decltype(pool_addfileprovides)>("pool_addfileprovides");
    decltype(&::pool_addrelproviders) pool_addrelproviders =
        find<decltype(pool_addrelproviders)>("pool_addrelproviders");
    decltype(&::pool_strn2id) pool_strn2id = find<decltype(pool_strn2id)>("pool_strn2id");
    decltype(&::pool_rel2id) pool_rel2id = find<decltype(pool_rel2id)>("pool_rel2id");
    decltype(&::pool_id2str) pool_id2str = find<decltype(pool_id2str)>("pool_id2str");
    decltype(&::pool_dep2str) pool_dep2str = find<decltype(pool_dep2str)>("pool_dep2str");
    decltype(&::pool_solvable2str) pool_solvable2str = find<decltype(pool_solvable2str)>("pool_solvable2str");
    decltype(&::pool_evrcmp) pool_evrcmp = find<decltype(pool_evrcmp)>("pool_evrcmp");
    decltype(&::pool_lookup_id) pool_lookup_id = find<decltype(pool_lookup_id)>("pool_lookup_id");
    decltype(&::pool_lookup_num) pool_lookup_num = find<decltype(pool_lookup_num)>("pool_lookup_num");
    decltype(&::repo_create) repo_create = find<decltype(repo_create)>("repo_create");
    decltype(&::repo_free) repo_free = find<decltype(repo_free)>("repo_free");
    decltype(&::repo_add_solvable) repo_add_solvable = find<decltype(repo_add_solvable)>("repo_add_solvable");
    decltype(&::repo_addid) repo_addid = find<decltype(repo_addid)>("repo_addid");
    decltype(&::repo_add_repodata) repo_add_repodata = find<decltype(repo_add_repodata)>("repo_add_repodata");
    decltype(&::repo_internalize) repo_internalize = find<decltype(repo_internalize)>("repo_internalize");
    decltype(&::repo_add_solv) repo_add_solv = find<decltype(repo_add_solv)>("repo_add_solv");
    decltype(&::repo_write) repo_write = find<decltype(repo_write)>("repo_write");
    decltype(&::repodata_set_num) repodata_set_num = find<decltype(repodata_set_num)>("repodata_set_num");
    decltype(&::repodata_set_id) repodata_set_id = find<decltype(repodata_set_id)>("repodata_set_id");
    decltype(&::queue_free) queue_free = find<decltype(queue_free)>("queue_free");
    decltype(&::solver_create) solver_create = find<decltype(solver_create)>("solver_create");
    decltype(&::solver_free) solver_free = find<decltype(solver_free)>("solver_free");
    decltype(&::solver_set_flag) solver_set_flag = find<decltype(solver_set_flag)>("solver_set_flag");
    decltype(&::solver_solve) solver_solve = find<decltype(solver_solve)>("solver_solve");
    decltype(&::solver_get_decisionqueue) solver_get_decisionqueue =
        find<decltype(solver_get_decisionqueue)>("solver_get_decisionqueue");
    decltype(&::solver_describe_decision) solver_describe_decision =
        find<decltype(solver_describe_decision)>("solver_describe_decision");
    decltype(&::solver_next_problem) solver_next_problem = find<decltype(solver_next_problem)>("solver_next_problem");
    decltype(&::solver_findproblemrule) solver_findproblemrule =
        find<decltype(solver_findproblemrule)>("solver_findproblemrule");
    decltype(&::solver_findallproblemrules) solver_findallproblemrules =
        find<decltype(solver_findallproblemrules)>("solver_findallproblemrules");
    decltype(&::solver_ruleinfo) solver_ruleinfo = find<decltype(solver_ruleinfo)>("solver_ruleinfo");
    decltype(&::solver_rule2jobidx) solver_rule2jobidx = find<decltype(solver_rule2jobidx)>("solver_rule2jobidx");
    decltype(&::solver_problemruleinfo2str) solver_problemruleinfo2str =
        find<decltype(solver_problemruleinfo2str)>("solver_problemruleinfo2str");
    decltype(&::solver_next_solution) solver_next_solution =
        find<decltype(solver_next_solution)>("solver_next_solution");
    decltype(&::solver_next_solutionelement) solver_next_solutionelement =
        find<decltype(solver_next_solutionelement)>("solver_next_solutionelement");
    decltype(&::solver_solutionelement2str) solver_solutionelement2str =
        find<decltype(solver_solutionelement2str)>("solver_solutionelement2str");
    const char* version = find<const char*>("solv_version");
};

/// What libsolv keeps apart because it wants more libraries: rpm's, expat, decompressors.
struct Extension : Shared {
    Extension() : Shared("libsolvext.so.1") {}
    decltype(&::solv_xfopen) solv_xfopen = find<decltype(solv_xfopen)>("solv_xfopen");
    decltype(&::repo_add_rpmmd) repo_add_rpmmd = find<decltype(repo_add_rpmmd)>("repo_add_rpmmd");
    decltype(&::repo_add_rpmdb) repo_add_rpmdb = find<decltype(repo_add_rpmdb)>("repo_add_rpmdb");
    decltype(&::repo_add_arch_repo) repo_add_arch_repo = find<decltype(repo_add_arch_repo)>("repo_add_arch_repo");
    decltype(&::repo_add_arch_local) repo_add_arch_local = find<decltype(repo_add_arch_local)>("repo_add_arch_local");
};

const Library& opened() {
    static const Library library;
    return library;
}

const Library& library() {
    if (!opened().whole)
        throw Error("planning packages needs libsolv (libsolv.so.1), and this host does not have it")
            .help("apt-get install libsolv1");
    return opened();
}

const Extension& extension() {
    static const Extension one;
    if (!one.whole)
        throw Error(
            "reading repositories of rpm and pacman needs libsolvext (libsolvext.so.1), and this host does "
            "not have it")
            .help("apt-get install libsolvext1");
    return one;
}

struct Closer {
    void operator()(::Pool* pool) const { library().pool_free(pool); }
    void operator()(::Solver* solver) const { library().solver_free(solver); }
    void operator()(FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<FILE, Closer>;

/// A queue that libsolv fills.
class Filled {
public:
    Filled() = default;
    Filled(const Filled&) = delete;
    ~Filled() { library().queue_free(&queue_); }
    Queue* operator&() { return &queue_; }
    const Id* begin() const { return queue_.elements; }
    const Id* end() const { return queue_.elements + queue_.count; }

private:
    Queue queue_{};
};

std::string_view until(std::string_view& text, char separator) {
    const auto part = text.substr(0, text.find(separator));
    text.remove_prefix(std::min(part.size() + 1, text.size()));
    return trimmed(part);
}

std::uint64_t number(std::string_view text) {
    std::uint64_t value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

/// `libfoo:any (>= 1.2)`
struct Relation {
    std::string_view name, architecture, version;
    int flags = 0;
};

Relation relation(std::string_view text) {
    Relation found;
    const auto open = text.find('(');
    found.name = trimmed(text.substr(0, std::min(open, text.find('['))));
    if (const auto colon = found.name.find(':'); colon != found.name.npos)
        found.architecture = found.name.substr(colon + 1), found.name = found.name.substr(0, colon);
    if (open == text.npos) return found;
    auto inside = text.substr(open + 1);
    inside = inside.substr(0, inside.find(')'));
    const auto sign = inside.substr(0, inside.find_first_not_of("<=> \t"));
    found.version = trimmed(inside.substr(sign.size()));
    const auto is = trimmed(sign);
    found.flags = is == "<<"                ? REL_LT
                  : is == "<=" || is == "<" ? REL_LT | REL_EQ
                  : is == ">>"              ? REL_GT
                  : is == ">=" || is == ">" ? REL_GT | REL_EQ
                                            : REL_EQ;
    return found;
}

/// What stands before what is kept: libsolv does not look whether what it is given is whole, so its digest does.
std::string kept_head(const char* libsolv, std::string_view kept) {
    return fmt::format("chaos packages 2, libsolv {}, {}\n", libsolv, hex(digest(kept)));
}

/// As `near` as a name that was meant: few edits, or the name is a part of the other.
std::size_t edits(std::string_view a, std::string_view b, std::size_t most) {
    if (a.size() > b.size()) std::swap(a, b);
    if (b.size() - a.size() > most) return most + 1;
    std::vector<std::size_t> row(a.size() + 1), before, earlier;
    for (std::size_t i = 0; i <= a.size(); ++i) row[i] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
        earlier = std::move(before), before = row, row[0] = j;
        std::size_t least = j;
        for (std::size_t i = 1; i <= a.size(); ++i) {
            row[i] = std::min({before[i] + 1, row[i - 1] + 1, before[i - 1] + (a[i - 1] != b[j - 1])});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[i] = std::min(row[i], earlier[i - 2] + 1);
            least = std::min(least, row[i]);
        }
        if (least > most) return most + 1;
    }
    return row[a.size()];
}

}  // namespace

bool available() {
    return opened().whole;
}

struct Pool::Parts {
    Family family = Family::deb;
    std::string native;
    std::vector<std::string> foreign;
    const Library& solv = library();
    std::unique_ptr<::Pool, Closer> pool{solv.pool_create()};
    std::vector<Repo*> repositories{};
    std::vector<std::pair<Id, Id>> by_name{};  ///< All that repositories offer: name, then the newest first.
    std::unordered_map<Id, Id> chosen{};       ///< By name, what is considered beside the installed version.
    std::vector<unsigned char> bits{};
    Map considered{};

    Id text(std::string_view part) const {
        return solv.pool_strn2id(pool.get(), part.data(), static_cast<unsigned>(part.size()), 1);
    }
    /// Null where nothing has that name.
    Id known(std::string_view part) const {
        return solv.pool_strn2id(pool.get(), part.data(), static_cast<unsigned>(part.size()), 0);
    }
    const char* text(Id id) const { return solv.pool_id2str(pool.get(), id); }
    Solvable& at(Id id) const { return pool->solvables[id]; }
    std::string name(Id id) const { return text(at(id).name); }
    std::string version(Id id) const { return text(at(id).evr); }
    std::string shown(Id id) const { return solv.pool_solvable2str(pool.get(), &at(id)); }
    Id related(Id name, const Relation& said) const {
        if (!said.flags || said.version.empty()) return name;
        return solv.pool_rel2id(pool.get(), name, text(said.version), said.flags, 1);
    }

    const Id* providers(Id dependency) const {
        Id at_offset;
        if (dependency & static_cast<Id>(0x80000000)) {
            at_offset = static_cast<Id>(pool->whatprovides_rel[dependency ^ static_cast<Id>(0x80000000)]);
        } else {
            at_offset = static_cast<Id>(pool->whatprovides[dependency]);
        }
        if (!at_offset) at_offset = solv.pool_addrelproviders(pool.get(), dependency);
        return pool->whatprovidesdata + at_offset;
    }
    bool provided_by(Id dependency, Id package) const {
        for (const Id* one = providers(dependency); *one; ++one)
            if (*one == package) return true;
        return false;
    }

    bool is_foreign(std::string_view architecture) const {
        return std::find(foreign.begin(), foreign.end(), architecture) != foreign.end();
    }
    Id named(std::string_view name, std::string_view architecture) const {
        if (!is_foreign(architecture)) return text(name);
        return text(std::string(name) + ":" + std::string(architecture));
    }
    Id needed(const Relation& said, std::string_view by) const {
        if (said.architecture.empty()) return related(named(said.name, by), said);
        if (said.architecture == "any") return related(text(std::string(said.name) + ":any"), said);
        return related(named(said.name, said.architecture), said);
    }

    template <class Each>
    static void each_clause(std::string_view list, Each each) {
        while (!list.empty())
            if (const auto clause = until(list, ','); !clause.empty()) each(clause);
    }

    void add_needs(Repo* repo, Solvable& package, std::string_view list, std::string_view architecture,
                   Offset Solvable::*where) const;
    void add_conflicts(Repo* repo, Solvable& package, std::string_view list) const;
    void add_names(Repo* repo, Solvable& package, const DebParagraph& said, bool is_from_abroad) const;
    void add_deb(Repo* repo, Repodata* data, const DebParagraph& said) const;
    void add_text(Repo* repo, std::string_view text, bool installed) const;
    std::pair<const std::pair<Id, Id>*, const std::pair<Id, Id>*> offers(const std::string& name) const;
    Id installed(Id name) const;
    Offer offer(Id id, std::size_t repository, bool sources) const {
        const Id source = sources ? solv.pool_lookup_id(pool.get(), id, SOLVABLE_SOURCENAME) : 0;
        return {text(at(id).name), text(at(id).evr), text(at(id).arch), text(source ? source : at(id).name),
                repository};
    }
};

void Pool::Parts::add_needs(Repo* repo, Solvable& package, std::string_view list, std::string_view architecture,
                            Offset Solvable::*where) const {
    each_clause(list, [&](std::string_view clause) {
        std::vector<Id> either;
        for (auto rest = clause; !rest.empty();)
            if (const auto one = until(rest, '|'); !one.empty()) either.push_back(needed(relation(one), architecture));
        if (either.empty()) return;
        Id all = either.back();
        for (std::size_t i = either.size() - 1; i-- > 0;) all = solv.pool_rel2id(pool.get(), either[i], all, REL_OR, 1);
        package.*where = solv.repo_addid(repo, package.*where, all);
        // Who says `a | b` would rather have a. What is suggested never comes by itself, but goes first in a choice.
        if (either.size() > 1) package.dep_suggests = solv.repo_addid(repo, package.dep_suggests, either.front());
    });
}

void Pool::Parts::add_conflicts(Repo* repo, Solvable& package, std::string_view list) const {
    each_clause(list, [&](std::string_view clause) {
        const auto said = relation(clause);
        const auto add = [&](Id name) {
            package.dep_conflicts = solv.repo_addid(repo, package.dep_conflicts, related(name, said));
        };
        if (!said.architecture.empty() && said.architecture != "any") return add(named(said.name, said.architecture));
        add(text(said.name));
        for (const auto& one : foreign) add(named(said.name, one));
    });
}

/// All that it can be asked for by.
void Pool::Parts::add_names(Repo* repo, Solvable& package, const DebParagraph& said, bool is_from_abroad) const {
    const auto add = [&](Id name, Id version) {
        const Id all = version ? solv.pool_rel2id(pool.get(), name, version, REL_EQ, 1) : name;
        package.dep_provides = solv.repo_addid(repo, package.dep_provides, all);
    };
    const bool everywhere = said.multi_arch == "foreign";
    const auto add_everywhere = [&](std::string_view name, Id version) {
        if (!is_from_abroad || everywhere) add(text(name), version);
        for (const auto& one : foreign)
            if (everywhere || (is_from_abroad && one == said.architecture)) add(named(name, one), version);
    };
    add_everywhere(said.package, package.evr);
    if (said.multi_arch == "allowed") add(text(std::string(said.package) + ":any"), package.evr);
    each_clause(said.provides, [&](std::string_view clause) {
        const auto one = relation(clause);
        add_everywhere(one.name, one.version.empty() ? 0 : text(one.version));
        if (said.multi_arch == "allowed")
            add(text(std::string(one.name) + ":any"), one.version.empty() ? 0 : text(one.version));
    });
    if (foreign.empty()) return;
    const auto token = [&](std::string_view architecture) {
        return text(is_foreign(architecture) ? fmt::format("={}:{}", said.package, architecture)
                                             : fmt::format("={}", said.package));
    };
    const auto apart = [&](Id other, int flags) {
        const Id all = flags ? solv.pool_rel2id(pool.get(), other, package.evr, flags, 1) : other;
        package.dep_conflicts = solv.repo_addid(repo, package.dep_conflicts, all);
    };
    add(token(said.architecture), package.evr);
    std::vector<std::string_view> others(foreign.begin(), foreign.end());
    others.emplace_back(native);
    for (const auto other : others) {
        if (other == said.architecture || (!is_from_abroad && !is_foreign(other))) continue;
        if (said.multi_arch == "same")
            apart(token(other), REL_LT), apart(token(other), REL_GT);
        else
            apart(token(other), 0);
    }
}

void Pool::Parts::add_deb(Repo* repo, Repodata* data, const DebParagraph& said) const {
    const bool is_from_abroad = is_foreign(said.architecture);
    if (said.version.empty() || (!is_from_abroad && said.architecture != native && said.architecture != "all")) return;
    const Id id = solv.repo_add_solvable(repo);
    Solvable package{};
    package.repo = repo;
    package.name = named(said.package, said.architecture);
    package.evr = text(said.version);
    package.arch = text(said.architecture);
    const auto by = is_from_abroad ? said.architecture : std::string_view(native);
    add_needs(repo, package, said.pre_depends, by, &Solvable::dep_requires);
    add_needs(repo, package, said.depends, by, &Solvable::dep_requires);
    add_needs(repo, package, said.recommends, by, &Solvable::dep_recommends);
    add_conflicts(repo, package, said.conflicts);
    add_conflicts(repo, package, said.breaks);
    add_names(repo, package, said, is_from_abroad);
    at(id) = package;
    if (!said.size.empty()) solv.repodata_set_num(data, id, SOLVABLE_DOWNLOADSIZE, number(said.size));
    solv.repodata_set_num(data, id, SOLVABLE_INSTALLSIZE, number(said.installed_size) * 1024);
    if (!said.source.empty())
        solv.repodata_set_id(data, id, SOLVABLE_SOURCENAME,
                             text(trimmed(said.source.substr(0, said.source.find('(')))));
}

void Pool::Parts::add_text(Repo* repo, std::string_view all, bool installed) const {
    Repodata* const data = solv.repo_add_repodata(repo, 0);
    for (DebParagraph said; next_paragraph(all, said);) {
        if (installed) {
            const auto state = trimmed(said.status.substr(std::min(said.status.rfind(' '), said.status.size())));
            if (state == "not-installed" || state == "config-files" || state.empty()) continue;
        }
        add_deb(repo, data, said);
    }
    solv.repo_internalize(repo);
}

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

bool Pool::knows(const std::string& name) const {
    const auto [first, last] = parts_->offers(name);
    const Id id = parts_->known(name);
    return first != last || (id && parts_->installed(id));
}

std::vector<std::string> Pool::versions(const std::string& name) const {
    std::vector<std::string> all;
    const auto [first, last] = parts_->offers(name);
    for (auto one = first; one != last; ++one)
        if (auto version = parts_->version(one->second); all.empty() || all.back() != version)
            all.push_back(std::move(version));
    return all;
}

std::string Pool::candidate(const std::string& name) const {
    const Id id = parts_->known(name);
    if (const auto found = parts_->chosen.find(id); id && found != parts_->chosen.end())
        return parts_->version(found->second);
    const Id there = id ? parts_->installed(id) : 0;
    return there ? parts_->version(there) : std::string();
}

std::vector<std::string> Pool::providers(const std::string& name) const {
    std::set<std::string> all;
    if (const Id id = parts_->known(name))
        for (const Id* one = parts_->providers(id); *one; ++one) all.insert(parts_->name(*one));
    return {all.begin(), all.end()};
}

std::vector<std::string> Pool::like(const std::string& name) const {
    const std::size_t most = name.size() < 4 ? 1 : name.size() < 8 ? 2 : 3;
    std::vector<std::pair<std::size_t, std::string>> near;
    Id last = 0;
    for (const auto& [id, solvable] : parts_->by_name) {
        if (id == std::exchange(last, id)) continue;
        const std::string_view other = parts_->text(id);
        if (const auto distance = edits(name, other, most); distance <= most) near.emplace_back(distance, other);
    }
    std::sort(near.begin(), near.end());
    std::vector<std::string> names;
    for (auto& [distance, one] : near)
        if (names.size() < 3 && distance <= near.front().first + 1) names.push_back(std::move(one));
    return names;
}

std::vector<Newer> Pool::newer(const std::function<bool(const Offer&)>& mark) const {
    auto* const pool = parts_->pool.get();
    const auto is_newer = [&](Id a, Id b) {
        return a != b && parts_->solv.pool_evrcmp(pool, a, b, EVRCMP_COMPARE) > 0;
    };
    std::unordered_map<const Repo*, std::size_t> numbers;
    for (std::size_t i = 0; i < parts_->repositories.size(); ++i) numbers[parts_->repositories[i]] = i;
    std::vector<Newer> all;
    for (Id id = pool->installed->start; id < pool->installed->end; ++id) {
        if (parts_->at(id).repo != pool->installed) continue;
        const Id now = parts_->at(id).evr;
        const auto [first, last] = parts_->offers(parts_->name(id));
        if (first == last || !is_newer(parts_->at(first->second).evr, now)) continue;
        Newer one{parts_->name(id), parts_->text(now), parts_->version(first->second), {}, false};
        const auto chosen = parts_->chosen.find(parts_->at(id).name);
        const Id candidate = chosen == parts_->chosen.end() ? 0 : parts_->at(chosen->second).evr;
        if (candidate && is_newer(candidate, now)) {
            one.candidate = parts_->text(candidate);
            for (auto offer = first; offer != last && is_newer(parts_->at(offer->second).evr, now); ++offer)
                if (!is_newer(parts_->at(offer->second).evr, candidate))
                    one.marked = one.marked ||
                                 mark(parts_->offer(offer->second, numbers.at(parts_->at(offer->second).repo), false));
        }
        all.push_back(std::move(one));
    }
    std::sort(all.begin(), all.end(), [](const Newer& a, const Newer& b) { return a.name < b.name; });
    return all;
}

namespace {

constexpr std::uint64_t nothing_said = 0;

/// One look of libsolv at a question, and what is to be read of it.
class Look {
public:
    Look(const Pool::Parts& parts, const Question& question, const std::set<Id>& never)
        : parts_(parts), question_(question) {
        const auto& solv = parts_.solv;
        std::vector<Id> jobs;
        add_jobs(jobs);
        for (const Id id : never) add(jobs, SOLVER_LOCK | SOLVER_SOLVABLE, id, of_nobody);
        solver_.reset(solv.solver_create(parts_.pool.get()));
        solv.solver_set_flag(solver_.get(), SOLVER_FLAG_IGNORE_RECOMMENDED, !question.recommends);
        const bool all = std::find(question.may_go.begin(), question.may_go.end(), "*") != question.may_go.end();
        solv.solver_set_flag(solver_.get(), SOLVER_FLAG_ALLOW_UNINSTALL, all);
        Queue queue{};
        queue.elements = jobs.data(), queue.count = static_cast<int>(jobs.size());
        solvable_ = solv.solver_solve(solver_.get(), &queue) == 0;
    }

    Answer answer() {
        Answer answer;
        if (!solvable_)
            tell_problems(answer);
        else
            tell_moves(answer);
        return answer;
    }

    /// What comes for no need, and is recommended already though it is not there: an upgrade leaves it out again.
    std::set<Id> unwanted() const {
        const auto upgrades = [](const Job& job) { return job.newer; };
        if (std::none_of(question_.jobs.begin(), question_.jobs.end(), upgrades)) return {};
        const Repo* const installed = parts_.pool->installed;
        std::set<Id> found;
        for (Id id = installed->start; !recommended_.empty() && id < installed->end; ++id) {
            const auto& package = parts_.at(id);
            if (package.repo != installed || !package.dep_recommends) continue;
            for (const Id* one = installed->idarraydata + package.dep_recommends; *one; ++one) {
                bool is_met = false;
                for (const Id* by = parts_.providers(*one); *by; ++by) is_met |= parts_.at(*by).repo == installed;
                for (const Id* by = parts_.providers(*one); *by && !is_met; ++by)
                    if (recommended_.contains(*by)) found.insert(*by);
            }
        }
        return found;
    }

private:
    static constexpr std::size_t of_nobody = static_cast<std::size_t>(-1);

    void add(std::vector<Id>& jobs, int how, Id what, std::size_t job) {
        jobs.push_back(how), jobs.push_back(what);
        job_of_.push_back(job);
    }

    void add_jobs(std::vector<Id>& jobs) {
        for (std::size_t i = 0; i < question_.jobs.size(); ++i) {
            const auto& [name, goes, newer] = question_.jobs[i];
            const Id id = parts_.known(name);
            if (!id) continue;
            const Id there = parts_.installed(id);
            if (goes) {
                const int gently = question_.gentle ? SOLVER_WEAK : 0;
                if (there) add(jobs, SOLVER_ERASE | SOLVER_SOLVABLE | gently, there, i), asked_[there] = i;
                continue;
            }
            const auto found = parts_.chosen.find(id);
            const Id target = found == parts_.chosen.end() ? there : found->second;
            if (newer && there && target != there)
                add(jobs, SOLVER_UPDATE | SOLVER_SOLVABLE, there, i), asked_[target] = i;
            else if (!newer && target)
                add(jobs, SOLVER_INSTALL | SOLVER_SOLVABLE, target, i), asked_[target] = i;
        }
        for (const auto& name : question_.stays)
            if (const Id id = parts_.known(name); id && parts_.installed(id))
                add(jobs, SOLVER_LOCK | SOLVER_SOLVABLE, parts_.installed(id), of_nobody);
        for (const auto& name : question_.may_go)
            if (const Id id = parts_.known(name); id && parts_.installed(id))
                add(jobs, SOLVER_ALLOWUNINSTALL | SOLVER_SOLVABLE, parts_.installed(id), of_nobody);
    }

    void tell_problems(Answer& answer) {
        const auto& solv = parts_.solv;
        for (Id problem = 0; (problem = solv.solver_next_problem(solver_.get(), problem)) != 0;) {
            Problem told;
            Filled rules;
            solv.solver_findallproblemrules(solver_.get(), problem, &rules);
            for (const Id rule : rules)
                if (const int job = solv.solver_rule2jobidx(solver_.get(), rule); job > 0 && !told.job) {
                    const std::size_t index = job_of_[static_cast<std::size_t>(job - 1) / 2];
                    if (index != of_nobody) told.job = index;
                }
            say(told, solv.solver_findproblemrule(solver_.get(), problem));
            for (const Id rule : rules) say(told, rule);
            for (Id solution = 0; (solution = solv.solver_next_solution(solver_.get(), problem, solution)) != 0;) {
                std::string all;
                Id p = 0, rp = 0;
                for (Id element = 0; (element = solv.solver_next_solutionelement(solver_.get(), problem, solution,
                                                                                 element, &p, &rp)) != 0;)
                    all += (all.empty() ? "" : " and ") +
                           std::string(solv.solver_solutionelement2str(solver_.get(), p, rp));
                if (!all.empty()) told.ways_out.push_back(std::move(all));
            }
            answer.problems.push_back(std::move(told));
        }
    }

    void say(Problem& told, Id rule) {
        constexpr std::size_t most = 5;
        Id from = 0, to = 0, dependency = 0;
        const auto type = parts_.solv.solver_ruleinfo(solver_.get(), rule, &from, &to, &dependency);
        const int kind = type & SOLVER_RULE_TYPEMASK;
        if (told.said.size() >= most || (kind != SOLVER_RULE_PKG && kind != SOLVER_RULE_UPDATE)) return;
        std::string text = parts_.solv.solver_problemruleinfo2str(solver_.get(), type, from, to, dependency);
        if (std::find(told.said.begin(), told.said.end(), text) == told.said.end())
            told.said.push_back(std::move(text));
    }

    void tell_moves(Answer& answer) {
        Filled decisions;
        parts_.solv.solver_get_decisionqueue(solver_.get(), &decisions);
        std::map<std::string, Move> moves;
        std::map<Id, Id> comes;  // by name
        for (const Id id : decisions)
            if (id > 0 && id != SYSTEMSOLVABLE && parts_.at(id).repo != parts_.pool->installed)
                coming_.insert(id), comes[parts_.at(id).name] = id;
        for (const Id decision : decisions) {
            const Id id = std::abs(decision);
            if (decision < 0 && parts_.at(id).repo == parts_.pool->installed && !comes.contains(parts_.at(id).name))
                going_.push_back(id);
        }
        find_causes();
        for (const Id id : coming_) answer.moves.push_back(move_to(id));
        for (const Id id : going_) answer.moves.push_back(removal(id));
        std::sort(answer.moves.begin(), answer.moves.end(),
                  [](const Move& a, const Move& b) { return a.name < b.name; });
    }

    /// From what was asked for along what is needed, then along what is recommended, so that each has the nearest
    /// cause.
    void find_causes() {
        std::deque<Id> reached, later;
        for (const auto& [id, job] : asked_)
            if (coming_.contains(id)) causes_[id] = {job, {}}, reached.push_back(id);
        while (!reached.empty() || !later.empty()) {
            if (reached.empty()) {
                const Id next = later.front();
                later.pop_front();
                follow(next, parts_.at(next).dep_recommends, "recommends", reached);
                continue;
            }
            const Id next = reached.front();
            reached.pop_front();
            later.push_back(next);
            follow(next, parts_.at(next).dep_requires, "needs", reached);
        }
    }

    void follow(Id from, Offset list, const char* verb, std::deque<Id>& reached) {
        const auto& package = parts_.at(from);
        if (!list) return;
        for (const Id* dependency = package.repo->idarraydata + list; *dependency; ++dependency) {
            if (*dependency == SOLVABLE_PREREQMARKER) continue;
            for (const Id* one = parts_.providers(*dependency); *one; ++one) {
                if (!coming_.contains(*one) || causes_.contains(*one)) continue;
                causes_[*one] = {causes_.at(from).job,
                                 fmt::format("{} {} {}", parts_.name(from), verb,
                                             parts_.solv.pool_dep2str(parts_.pool.get(), *dependency))};
                reached.push_back(*one);
                if (verb == std::string_view("recommends")) recommended_.insert(*one);
            }
        }
    }

    /// In libsolv's words, by the rule that decided.
    std::string decided(Id id, std::size_t& job) {
        Id rule = 0, from = 0, to = 0, dependency = 0;
        parts_.solv.solver_describe_decision(solver_.get(), id, &rule);
        if (rule <= 0) return {};
        const auto type = parts_.solv.solver_ruleinfo(solver_.get(), rule, &from, &to, &dependency);
        for (const Id about : {from, to})
            if (const auto cause = causes_.find(about); about > 0 && cause != causes_.end()) job = cause->second.job;
        const int kind = type & SOLVER_RULE_TYPEMASK;
        if (kind != SOLVER_RULE_PKG) return {};
        return parts_.solv.solver_problemruleinfo2str(solver_.get(), type, from, to, dependency);
    }

    Move move_to(Id id) {
        Move move;
        const auto& package = parts_.at(id);
        move.name = parts_.name(id);
        move.version = parts_.version(id);
        move.asked = asked_.contains(id);
        if (const Id there = parts_.installed(package.name)) {
            move.old_version = parts_.version(there);
            const int newer =
                parts_.solv.pool_evrcmp(parts_.pool.get(), package.evr, parts_.at(there).evr, EVRCMP_COMPARE);
            move.kind = newer < 0 ? Move::Kind::downgrade : Move::Kind::upgrade;
        }
        if (const auto cause = causes_.find(id); cause != causes_.end())
            move.job = cause->second.job, move.why = cause->second.why;
        else
            move.why = decided(id, move.job);
        move.download = parts_.solv.pool_lookup_num(parts_.pool.get(), id, SOLVABLE_DOWNLOADSIZE, nothing_said);
        move.installed = parts_.solv.pool_lookup_num(parts_.pool.get(), id, SOLVABLE_INSTALLSIZE, nothing_said);
        return move;
    }

    Move removal(Id id) {
        Move move{
            .kind = Move::Kind::remove, .name = parts_.name(id), .version = {}, .old_version = parts_.version(id)};
        const auto asked = asked_.find(id);
        move.asked = asked != asked_.end();
        if (move.asked)
            move.job = asked->second;
        else
            move.why = decided(id, move.job);
        move.installed = parts_.solv.pool_lookup_num(parts_.pool.get(), id, SOLVABLE_INSTALLSIZE, nothing_said);
        return move;
    }

    struct Cause {
        std::size_t job;
        std::string why;
    };

    const Pool::Parts& parts_;
    const Question& question_;
    std::unique_ptr<::Solver, Closer> solver_;
    std::vector<std::size_t> job_of_;  ///< Of libsolv's jobs, which of ours.
    std::map<Id, std::size_t> asked_;
    std::map<Id, Cause> causes_;
    std::set<Id> coming_, recommended_;
    std::vector<Id> going_;
    bool solvable_ = false;
};

}  // namespace

Answer Pool::ask(const Question& question) const {
    for (std::set<Id> never;;) {
        Look look(*parts_, question, never);
        auto answer = look.answer();
        const auto unwanted = look.unwanted();
        if (unwanted.empty()) return answer;
        never.insert(unwanted.begin(), unwanted.end());
    }
}

}  // namespace chaos::resources::solver
