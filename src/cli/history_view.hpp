// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/history.hpp>

#include "attribute_view.hpp"

namespace chaos::cli {

/// The runs of a root, newest first.
struct HistoryView {
    std::vector<RunRecord> runs;
    std::int64_t pruned = 0;  ///< The newest run that was let go of.
    bool more = false;        ///< There are older ones that are not among these.
    std::int64_t now = 0;     ///< Nanoseconds since 1970: for "3 minutes ago".
    std::string next;
};
Json to_json(const HistoryView&);
std::string render(const HistoryView&, Style, bool verbose);

/// One resource in one run, ready to be shown.
struct RecordedChange {
    ChangeRecord record;
    std::vector<AttributeView> attributes;
};
/// Schema null: a kind nobody knows. `whole`: also the attributes of what was removed.
RecordedChange view_of(const ChangeRecord&, const Schema*, const Detail&, bool whole = false);

/// One run with all it changed.
struct ShowView {
    RunRecord run;
    std::vector<RecordedChange> changes;
    std::int64_t now = 0;
    std::string host;                      ///< Of a run that was exported elsewhere; empty: this one.
    std::vector<RecordedChange> writes{};  ///< What its recorded commands wrote.
};
Json to_json(const ShowView&);
std::string render(const ShowView&, Style, bool verbose);

/// What happened to one resource, or at one path, newest first.
struct ResourceHistoryView {
    std::string id;  ///< As it was asked for.
    std::vector<RecordedChange> changes;
    std::vector<RunRecord> runs;  ///< Those that made them.
    std::int64_t now = 0;
};
Json to_json(const ResourceHistoryView&);
std::string render(const ResourceHistoryView&, Style, bool verbose);

/// What differs between a host as two runs left it.
struct BetweenView {
    std::int64_t from = 0, to = 0;
    std::vector<RecordedChange> changes;
};
Json to_json(const BetweenView&);
std::string render(const BetweenView&, Style, bool verbose);

/// Fields of a run, as every record of --json has them.
std::vector<Json::Field> fields_of(const RunRecord&);

/// 2026-11-21T04:05:11Z, for records; null where it is 0.
Json time_of(std::int64_t nanoseconds);
std::int64_t right_now();
std::string first_line(const std::string& text);

}  // namespace chaos::cli
