// SPDX-License-Identifier: Apache-2.0
// Python, as the host's own dnf is: the library knows what the command knows.
#include "dnf_program.hpp"

namespace chaos::resources::dnf {

const std::string_view program = R"python(
import contextlib, logging, os, sys
import dnf, dnf.const, dnf.db.history, dnf.exceptions, dnf.lock, dnf.util, dnf.yum.misc, hawkey, libdnf.transaction

# Nothing of what dnf would write while it looks: no log, no lock, no note of a transaction.
logging.disable(logging.CRITICAL)
dnf.const.LOG_HAWKEY = '/dev/null'
dnf.lock.build_metadata_lock = lambda *ignored: contextlib.nullcontext()
dnf.yum.misc.getCacheDir = lambda *ignored: '/var/cache/dnf'  # of whoever is not root, it would make one

asked = [line.rstrip('\n').split('\t') for line in sys.stdin]
def all_of(verb): return [words[1:] for words in asked if words[0] == verb]
def names(verb): return [words[0] for words in all_of(verb)]
def tell(*words): print(*[' '.join(str(word).split()) for word in words], sep='\t')
def end():
    sys.stdout.flush()
    os._exit(0)  # its own end would write

base = dnf.Base()
base.conf.read()
base.conf.substitutions.update_from_etc(base.conf.installroot, varsdir=base.conf.varsdir)
base.conf.cachedir = base.conf.system_cachedir
base._history = dnf.db.history.SwdbInterface(base.conf.persistdir)
base._history._swdb = libdnf.transaction.Swdb(':memory:')
base._history._swdb.initTransaction()
if names('upgrade'): base.conf.obsoletes = base.conf.obsoletes and bool(names('removals'))
base.read_all_repos()
if names('only'): base.fill_sack(load_available_repos=False)
else: base.fill_sack_from_repos_in_cache()
sack, goal = base.sack, base._goal
def everything(): return sack.query(flags=hawkey.IGNORE_EXCLUDES)
def offered(): return sack.query().available()

# What versionlock holds is held, but for what is asked about: that is let go before it changes.
visible = offered().filter(name=names('install') + names('remove')).apply()
base.init_plugins(['*'], ['versionlock'])
base.configure_plugins()
base._plugins.run_sack()
locked = visible.difference(sack.query())
if locked: sack.remove_excludes(locked)

installed = {one.name: one for one in sack.query().installed()}
refused = False
def refuse(kind, name, why):
    global refused
    refused = True
    tell(kind, name, why)

def install(name, version, repository):
    found = offered().filter(name=name)
    if repository: found = found.filter(reponame=repository)
    if version: found = found.filter(evr=version)
    if found: return base.install(name + '-' + version if version else name, reponame=repository or None)
    there = sorted({one.evr for one in everything().available().filter(name=name)})
    others = sorted({one.name for one in offered().filter(provides=name)})
    if repository and repository not in [one.id for one in base.repos.iter_enabled()]:
        refuse('problem', name, 'there is no repository ' + repository)
    elif there and repository:
        refuse('problem', name, 'the repository %s does not have %s' % (repository, version or 'it'))
    elif there and version and version not in there:
        refuse('problem', name, 'there is no version %s, but %s' % (version, ', '.join(there)))
    elif there: refuse('problem', name, 'what dnf is configured with leaves it out')
    elif others: refuse('problem', name, 'it is no package, but what others stand for: ' + ', '.join(others))
    else: refuse('unknown', name, 'no repository has it')

for name, version, repository in all_of('install'): install(name, version, repository)
for name, path in all_of('file'):
    for one in base.add_remote_rpms([path]): base.package_install(one)
for name in names('remove'):
    if name in installed: goal.erase(installed[name], clean_deps=bool(names('clean')))
if names('clean'): goal.userinstalled(sack.query().installed().filter(name=names('manual')))

wanted = set()
if names('upgrade'):
    beside = base._get_installonly_query().available().upgrades().latest()
    for one in beside: tell('beside', one.name, installed[one.name].evr, one.evr)
    for one in everything().available().upgrades().latest().difference(sack.query()):
        tell('held', one.name, installed[one.name].evr, one.evr)
    for one in offered().filter(name=names('stay')).upgrades().latest():
        tell('fixed', one.name, installed[one.name].evr, one.evr)
    sack.add_excludes(offered().filter(name=names('stay') + [one.name for one in beside]))
    newer = offered().upgrades()
    if names('name'): newer = newer.filter(name=names('name'))
    meant = newer
    if names('security'):
        base.add_security_filters('gte', types=['security'])
        meant = base._merge_update_filters(newer, warning=False, upgrade=True)
        tell('others', len({one.name for one in newer} - {one.name for one in meant}))
    wanted = {one.name for one in meant}
    if not names('name'): base.upgrade_all()
    for name in names('name'):
        if name in wanted: base.upgrade(name)

if refused: end()
goal.add_protected(sack.query().filter(name=base.conf.protected_packages))
getattr(base, '_set_excludes_from_weak_to_goal', lambda: None)()
def is_solved(best, erasing):
    return goal.run(allow_uninstall=erasing, force_best=best, ignore_weak_deps=not base.conf.install_weak_deps)
why_not, erasing = '', bool(names('removals'))
if not is_solved(base.conf.best, erasing):
    why_not = dnf.util._format_resolve_problems(goal.problem_rules())
    if not (is_solved(False, erasing) if wanted else is_solved(base.conf.best, True)):
        tell('problem', '', why_not)
        end()

comes = {one.name: one for one in goal.list_installs() + goal.list_upgrades() + goal.list_downgrades()}
goes = {one.name: one for one in goal.list_erasures() + goal.list_obsoleted() if one.name not in comes}
changing = {**goes, **comes}
for name in sorted(wanted - set(comes)):
    tell('impossible', name, installed[name].evr, newer.filter(name=name).latest()[0].evr, why_not)

def behind(one):
    """What changes because this one does, and why."""
    def has(package, relations): return relations and sack.query().filter(pkg=[package], provides=relations)
    found = []
    for other in goes.values():
        if one.name in goes:
            if sack.query().filter(pkg=[other], requires=[one]):
                found.append((other, other.name + ' needs ' + one.name))
        elif has(other, one.conflicts) or has(one, other.conflicts):
            found.append((other, one.name + ' conflicts with ' + other.name))
        elif has(other, one.obsoletes):
            found.append((other, one.name + ' replaces ' + other.name))
    for word, relations in (('needs', one.requires), ('recommends', one.recommends)):
        for relation in relations if one.name in comes else []:
            for other in sack.query().filter(pkg=list(comes.values()), provides=relation):
                found.append((other, '%s %s %s' % (one.name, word, relation)))
    return found

# What was asked for, each behind what comes along with it: the nearest cause is told.
asked_for = wanted | set(names('install') + names('file') + names('remove'))
told = asked_for & set(changing)
groups = [[(changing[name], '')] for name in sorted(told)]
for group in groups:
    for one, why in group:
        for other, because in behind(one):
            if other.name not in told:
                told.add(other.name)
                group.append((other, because))
for group in [[(one, '') for name, one in sorted(changing.items()) if name not in told]] + groups:
    for one, why in reversed(group):
        old = installed[one.name].evr if one.name in installed else ''
        if one.name in goes: tell('goes', one.name, old, '', why)
        else: tell('comes', one.name, old, one.evr, why, one.downloadsize, one.installsize)
end()
)python";

}  // namespace chaos::resources::dnf
