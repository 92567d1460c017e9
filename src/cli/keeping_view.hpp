// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/history.hpp>
#include <chaos/keeping.hpp>

#include "json.hpp"
#include "text.hpp"

namespace chaos::cli {

/// What `history prune` did, or would do.
struct PrunedView {
    Pruned pruned;
    bool dry_run = false;
};
Json to_json(const PrunedView&);
std::string render(const PrunedView&, Style, bool verbose);

/// What `history verify` and `history repair` found.
struct HealthView {
    Health health;
    std::optional<Salvage> saved;
    std::string next;
};
Json to_json(const HealthView&);
std::string render(const HealthView&, Style, bool verbose);

/// Where a run was written to, or kept.
struct FileView {
    std::string verb, path;  ///< export, import.
    std::int64_t run = 0;
    std::string host, next;
    std::size_t changes = 0, secrets = 0;  ///< secrets: values that were left out.
};
Json to_json(const FileView&);
std::string render(const FileView&, Style, bool verbose);

/// Whether a run was cut: `recover --status`.
struct StatusView {
    std::string note;  ///< Empty: nothing is left half done.
};
Json to_json(const StatusView&);
std::string render(const StatusView&, Style, bool verbose);

/// A resource that is managed: who says so, and which run made it so.
struct Blamed {
    RecordedId id;
    std::string where, site, origin;  ///< site.yml:12:3, and where that site came from.
    bool existed = false;             ///< There was something before chaos.
    bool exists = true;               ///< It is to be there.
    std::int64_t run = 0;             ///< That made it as it is.
    std::optional<RunRecord> record;  ///< None where that one was let go of.
};

/// One line of a managed text, and the run that wrote it; 0: it was there before the oldest run that is known.
struct BlamedLine {
    std::int64_t run = 0;
    std::string text;
};

struct BlameView {
    std::string asked;
    std::vector<Blamed> managed;
    std::vector<BlamedLine> lines;
    std::string note;  ///< Why there is nothing, or what of it is not known.
    std::int64_t now = 0;
};
Json to_json(const BlameView&);
std::string render(const BlameView&, Style, bool verbose);

}  // namespace chaos::cli
