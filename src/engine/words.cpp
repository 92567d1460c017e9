// SPDX-License-Identifier: Apache-2.0
// The words of the language that no schema has, and what the words of other tools are called here.
#include <algorithm>
#include <array>
#include "declaration.hpp"

namespace chaos {

namespace {

constexpr Word metas[] = {
    {"doc", "Said beside it in the plan."},
    {"tags", "Names that --only and --skip choose by."},
    {"when", "An expression, or a list that must all hold. False: as if it were not written."},
    {"each", "One resource for each item of a list or mapping, as `item`."},
    {"as", "What `item` is called in an `each`."},
    {"needs", "Ids that come first."},
    {"before", "Ids that come after."},
    {"watch", "Ids whose change makes this one react."},
    {"notify", "Ids that react when this one changes."},
    {"absent", "True: it shall not be there; the other attributes then say nothing."},
    {"keep", "True: it stays as it is when it leaves the manifest."},
    {"protect", "True: it is never removed while this stands."},
    {"raw", "True: braces in this entry are plain text."},
    {"once", "True, or names of attributes: given when chaos creates it, left alone afterwards."},
    {"exact", "Names of lists that are all there shall be: what is not listed is taken out."},
    {"audit", "True: differences are told, never mended."},
    {"user", "For what lives in a home or a session: it is that person's, made or run as her, and `~` is her home."},
    {"retry", "How often a step that failed is tried again: `3`, or `{times: 3, wait: 10s}`."},
    {"timeout", "How long a step may take.", false},
    {"confirm",
     "True, or a time: a change of it is taken back unless somebody says `chaos confirm` in time. False: it asks for "
     "none, not even over ssh."},
    {"name_on",
     "What it is called on a system, by facts.os.id or its family: `{debian: firefox-esr}`; null: there is none "
     "there."},
};

constexpr Word tops[] = {
    {"name", "The site: the line of history this manifest owns. Else the file's name."},
    {"chaos", "The versions of chaos it needs, as in \">= 0.3\"."},
    {"doc", "What this manifest is for."},
    {"include", "Files that lie under this one: this one wins."},
    {"overlay", "Files that lie over this one: they win."},
    {"vars", "Values by name, for expressions."},
    {"blocks", "Parts of this manifest that share meta attributes."},
    {"absent", "Sections whose entries shall not be there."},
    {"without", "Ids and patterns: what lower layers said of them is forgotten."},
    {"protect", "Ids and patterns that are never removed."},
    {"exclusive", "Sections that are all there shall be."},
    {"params", "What a module is given: name, type, default."},
    {"exports", "What a module gives back, as `modules.NAME.x`."},
    {"use", "Modules: manifests of `modules/` that are given parameters."},
    {"secrets", "Files of secrets, closed by age or sops: a path or a list of paths; the later lies over the earlier."},
    {"assert", "What must hold: a list of {that: EXPR, say: TEXT}; with `warn: true` it is told, and all goes on."},
    {"checks",
     "What must answer before a run counts, or it is taken back: a list of {http: URL}, {tcp: HOST:PORT}, {unit: "
     "NAME}, "
     "{file: PATH} or {command: COMMAND}."},
    {"confirm", "True, or a time: every run that changes something is taken back unless it is confirmed in time."},
    {"imports",
     "Files that are laid over the text of this one, as Ch-aronte did: {file, strategy: combine, override or "
     "merge, merge_keys}."},
    {"partitioning", "Disks and partitions, for an installation: read and checked, and no disk is touched."},
    {"firmware", "UEFI or BIOS, for an installation: read, and nothing done."},
    {"fleet", "The hosts of Ch-aOS: of it, `restrictions` alone counts here."},
    {"restrictions", "Which sections a host is given, by its name: `allow_list` and `black_list`."},
    {"pelago", "Virtual machines of Ch-aOS, which it does not make either: read, and nothing done."},
    {"strategy",
     "How this file lies on lower ones: `merge`, `override` (in the sections it has, they are dropped) or "
     "`strict` (nothing of it may be there already)."},
};

struct Foreign {
    std::string_view word, answer;
};

constexpr Foreign attributes[] = {
    {"state", "for what shall not be there write absent: true; what is written is there"},
    {"ensure", "for what shall not be there write absent: true; what is written is there"},
    {"present", "what is written is there; for the contrary write absent: true"},
    {"reason", "what came along with others says automatic: true"},
    {"dest", "the path is the key: files: {/etc/motd: {content: TEXT}}"},
    {"destination", "the path is the key: files: {/etc/motd: {content: TEXT}}"},
    {"target", "a link's main attribute is what it points to: links: {/from: /to}"},
    {"src", "a file beside the manifest is source: PATH"},
    {"copy", "a file beside the manifest is source: PATH"},
    {"become", "chaos runs as root; what belongs to a person says user: NAME"},
    {"become_user", "what belongs to a person says user: NAME"},
    {"sudo", "chaos runs as root; nothing asks for it"},
    {"register", "nothing is remembered from one entry to the next; facts.local holds your own facts"},
    {"require", "write needs: [ID]"},
    {"requires", "write needs: [ID]"},
    {"require_in", "write before: [ID]"},
    {"depends_on", "write needs: [ID]"},
    {"after", "write needs: [ID]"},
    {"subscribe", "write watch: [ID]"},
    {"watch_in", "write notify: [ID]"},
    {"listen_in", "write notify: [ID]"},
    {"handlers", "a service says watch: [ID], or a file notify: [service:NAME]"},
    {"with_items", "write each: LIST"},
    {"with_dict", "write each: MAPPING, and use item.key and item.value"},
    {"loop", "write each: LIST"},
    {"for_each", "write each: LIST"},
    {"count", "write each: LIST"},
    {"only_if", "write when: EXPRESSION"},
    {"condition", "write when: EXPRESSION"},
    {"if", "write when: EXPRESSION"},
    {"ignore_errors", "nothing fails in silence here"},
    {"changed_when", "what changed is found by looking, not said"},
    {"failed_when", "what changed is found by looking, not said"},
    {"check_mode", "to look without changing: chaos plan"},
    {"delegate_to", "a manifest speaks of one host"},
    {"refreshonly", "an exec with watch: [ID] runs while what it watches differs"},
    {"notify_on", "write notify: [ID]"},
    {"permissions", "write mode: 0644"},
    {"perms", "write mode: 0644"},
    {"user_name", "write owner: NAME"},
    {"text", "write content: TEXT"},
    {"contents", "write content: TEXT"},
    {"enable", "write enabled: true"},
    {"started", "write running: true"},
    {"restart", "a service restarts by itself when what it watches changes: watch: [ID]"},
};

constexpr Foreign sections[] = {
    {"tasks", "say what shall be true, by section: packages, files, services"},
    {"hosts", "a manifest speaks of one host; host.name and host.groups choose its files"},
    {"roles", "use include: [FILE]"},
    {"handlers", "a service says watch: [ID] itself"},
    {"vars_files", "write include: [FILE], with vars: in it"},
    {"variables", "write vars:"},
    {"become", "chaos runs as root; nothing asks for it"},
    {"gather_facts", "facts are read when an expression names them"},
    {"environment", "an exec has env:"},
    {"import_tasks", "write include: [FILE]"},
    {"includes", "write include: [FILE]"},
    {"resources", "sections stand at the top level: packages, files, services"},
    {"write_files", "write files: {PATH: TEXT}"},
    {"runcmd", "write exec: {LABEL: {command: COMMAND, creates: PATH}}"},
    {"package_update", "the package kind does that when it needs to"},
    {"pkgs", "write packages:"},
    {"folders", "write directories:"},
    {"systemd", "write services: and units:"},
    {"copy", "write files: {PATH: {source: FILE}}"},
    {"template", "write files: {PATH: {template: FILE}}"},
    {"aurPkgs", "write packages:"},
};

template <class Table>
std::string_view answer(const Table& table, std::string_view word) {
    const auto found =
        std::find_if(std::begin(table), std::end(table), [&](const auto& row) { return row.word == word; });
    return found == std::end(table) ? std::string_view() : found->answer;
}

}  // namespace

std::span<const Word> meta_attributes() {
    return metas;
}
std::span<const Word> top_level_words() {
    return tops;
}

const Word* find_meta(std::string_view name) {
    const auto found =
        std::find_if(std::begin(metas), std::end(metas), [&](const Word& meta) { return meta.name == name; });
    return found == std::end(metas) ? nullptr : &*found;
}

bool is_meta_attribute(std::string_view name) {
    return find_meta(name) != nullptr;
}

std::string_view foreign_attribute(std::string_view word) {
    return answer(attributes, word);
}
std::string_view foreign_section(std::string_view word) {
    return answer(sections, word);
}

}  // namespace chaos
