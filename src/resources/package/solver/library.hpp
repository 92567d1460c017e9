// SPDX-License-Identifier: Apache-2.0
// What of libsolv is used, and RAII for what it hands out. This folder is all that knows libsolv.
#pragma once

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

#include <chaos/shared_library.hpp>
#include <cstdio>
#include <memory>

namespace chaos::resources::solver {

/// libsolv, as the host has it.
struct Library : SharedLibrary {
    Library() : SharedLibrary({"libsolv.so.1"}) {}
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
struct Extension : SharedLibrary {
    Extension() : SharedLibrary({"libsolvext.so.1"}) {}
    decltype(&::solv_xfopen) solv_xfopen = find<decltype(solv_xfopen)>("solv_xfopen");
    decltype(&::repo_add_rpmmd) repo_add_rpmmd = find<decltype(repo_add_rpmmd)>("repo_add_rpmmd");
    decltype(&::repo_add_rpmdb) repo_add_rpmdb = find<decltype(repo_add_rpmdb)>("repo_add_rpmdb");
    decltype(&::repo_add_arch_repo) repo_add_arch_repo = find<decltype(repo_add_arch_repo)>("repo_add_arch_repo");
    decltype(&::repo_add_arch_local) repo_add_arch_local = find<decltype(repo_add_arch_local)>("repo_add_arch_local");
};

/// Both are opened when they are first asked for; Error where the host does not have them.
const Library& library();
const Extension& extension();

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

}  // namespace chaos::resources::solver
