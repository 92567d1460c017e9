// SPDX-License-Identifier: Apache-2.0
//
// publish_probe publish|recover ROOT JOURNAL: one run over all kinds of names, and taking it back, each in a
// process of its own: to be killed anywhere.
// publish_probe prune ROOT STATE: lets go of all recorded runs but two.
#include <cstdio>
#include <string_view>

#include "all_kinds.hpp"
#include "chaos/keeping.hpp"
#include "chaos/root_host.hpp"
#include "disk_journal.hpp"

int main(int count, char** words) try {
    if (count != 4) return 64;
    const std::string_view verb = words[1];
    const std::string root = words[2];
    if (verb == "prune") {
        chaos::Reporter quiet;
        chaos::prune_history({}, chaos::RootHost(root), root, words[3], {.keep = 2}, 1, false, quiet);
        return 0;
    }
    chaos::test::DiskJournal journal(words[3]);
    const chaos::RootHost looking(root);
    chaos::rollback::StagedHost host(looking, root, root + "/var/lib/chaos", 7, journal);
    if (verb == "publish") {
        chaos::test::change_all_kinds(host);
        host.publish();
        host.sync();
        return 0;
    }
    if (verb == "recover") {
        const auto left = host.unpublish(journal.operations());
        for (const auto& operation : left) std::fprintf(stderr, "left: %s\n", operation.path.c_str());
        host.sync();
        host.sweep(journal.stages());
        return left.empty() ? 0 : 3;
    }
    return 64;
} catch (const chaos::Error& error) {
    std::fprintf(stderr, "publish_probe: %s\n", error.what());
    return 1;
}
