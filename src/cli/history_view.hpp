// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/history.hpp>

#include "attribute_view.hpp"

namespace chaos::cli {

/// The runs of a root, newest first.
struct HistoryView {
    std::vector<RunRecord> runs;
    std::int64_t now = 0;  ///< Nanoseconds since 1970: for "3 minutes ago".
    std::string next;
};
Json to_json(const HistoryView&);
std::string render(const HistoryView&, Style, bool verbose);

/// One resource in one run, ready to be shown.
struct RecordedChange {
    ChangeRecord record;
    std::vector<AttributeView> attributes;
};
RecordedChange view_of(const ChangeRecord&, const Schema*, const Detail&);  ///< Schema null: a kind nobody knows.

/// One run with all it changed.
struct ShowView {
    RunRecord run;
    std::vector<RecordedChange> changes;
    std::int64_t now = 0;
};
Json to_json(const ShowView&);
std::string render(const ShowView&, Style, bool verbose);

/// What happened to one resource, newest first.
struct ResourceHistoryView {
    std::string id;
    std::vector<RecordedChange> changes;
};
Json to_json(const ResourceHistoryView&);
std::string render(const ResourceHistoryView&, Style, bool verbose);

/// 2026-11-21T04:05:11Z, for records; null where it is 0.
Json time_of(std::int64_t nanoseconds);
std::int64_t right_now();

}  // namespace chaos::cli
