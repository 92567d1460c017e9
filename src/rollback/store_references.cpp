// SPDX-License-Identifier: Apache-2.0
#include "store_references.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

namespace chaos::rollback {
namespace {

constexpr std::size_t digits = 32;

bool is_digit(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

class Finder {
public:
    Finder(const Store::Handle& store, const std::function<void(const Reference&)>& each,
           const std::function<void(const std::string&, const std::string&)>& broken)
        : store_(store), each_(each), broken_(broken) {}

    void words(std::string_view text, Reference& as) const {
        for (std::size_t at = 0; at < text.size();) {
            if (!is_digit(text[at])) {
                ++at;
                continue;
            }
            std::size_t end = at;
            while (end < text.size() && is_digit(text[end])) ++end;
            if (end - at == digits) {
                as.content = digest_from_hex(text.substr(at, digits));
                // A digest among other words may be anything: a checksum that somebody wrote.
                as.certain = text.substr(0, at).ends_with("\"$blob\":\"") || text.size() == digits;
                each_(as);
            }
            at = end;
        }
    }

    /// What is closed may name a content as well.
    void stored(std::string_view json, Reference& as) const {
        constexpr std::string_view mark = "\"$secret\":\"";
        words(json, as);
        name_contents(json, as);
        for (std::size_t at = json.find(mark); at != json.npos; at = json.find(mark, at)) {
            at += mark.size();
            const auto sealed = json.substr(at, json.find('"', at) - at);
            guarded(as.who, [&] { words(store_.opened(sealed), as); });
        }
    }

    void image(std::string_view line, Reference& as, bool certain) const {
        guarded(as.who, [&] {
            as.content = image_in(line, store_).content;
            as.certain = certain;
            if (as.content) each_(as);
        });
    }

private:
    /// What stands where the name of a content does, and is none, was something else once.
    void name_contents(std::string_view json, const Reference& as) const {
        constexpr std::string_view mark = "\"$blob\":\"";
        for (std::size_t at = json.find(mark); at != json.npos; at = json.find(mark, at)) {
            at += mark.size();
            const auto name = json.substr(at, json.find('"', at) - at);
            if (name.size() != digits || !std::all_of(name.begin(), name.end(), is_digit))
                broken_(as.who, "the name of a content can not be read");
        }
    }

    void guarded(const std::string& who, const auto& act) const {
        try {
            act();
        } catch (const Error& error) {
            broken_(who, error.what());
        }
    }

    const Store::Handle& store_;
    const std::function<void(const Reference&)>& each_;
    const std::function<void(const std::string&, const std::string&)>& broken_;
};

std::string id_of(std::string_view type, std::string_view key) {
    return to_text(RecordedId{std::string(type), std::string(key)});
}

}  // namespace

void each_reference(const Store::Handle& store, const std::function<void(const Reference&)>& each,
                    const std::function<void(const std::string&, const std::string&)>& broken) {
    const Finder find(store, each, broken);
    Database& database = *store.database;
    for (auto row = database.ask("SELECT run, type, key, before, after FROM changes NOT INDEXED"); row.next();) {
        Reference as{{}, row.integer(0), fmt::format("run {}: {}", row.integer(0), id_of(row.text(1), row.text(2)))};
        find.stored(row.text(3), as);
        find.stored(row.text(4), as);
    }
    // Until a run is swept the old inode has it, and in the trash it lies as it is; of what a run did not come to, or
    // recovery took back, nothing is kept.
    for (auto row = database.ask(
             "SELECT run, path, before, after, state = 'committed' AND swept = 1 AND effect = 0 AND staged <> '' AND "
             "staged NOT LIKE '%/trash/%' FROM operations JOIN runs ON runs.number = run");
         row.next();) {
        Reference as{{}, row.integer(0), fmt::format("run {}: {}", row.integer(0), row.text(1))};
        find.image(row.text(2), as, row.integer(4) != 0);
        find.image(row.text(3), as, false);
    }
    for (auto row = database.ask("SELECT run, number, scan FROM steps WHERE scan <> ''"); row.next();) {
        Reference as{{}, row.integer(0), fmt::format("run {}: step {}", row.integer(0), row.integer(1))};
        find.words(row.text(2), as);
    }
    for (auto row = database.ask("SELECT to_run, type, key, attributes FROM states NOT INDEXED"); row.next();) {
        Reference as{{},
                     row.null(0) ? Reference::always : row.integer(0),
                     fmt::format("what is owned: {}", id_of(row.text(1), row.text(2)))};
        find.stored(row.text(3), as);
    }
    for (auto row = database.ask("SELECT to_run, type, key, attributes FROM origins NOT INDEXED"); row.next();) {
        Reference as{{},
                     row.null(0) ? Reference::always : row.integer(0),
                     fmt::format("what was there before chaos: {}", id_of(row.text(1), row.text(2)))};
        find.stored(row.text(3), as);
    }
    for (auto row = database.ask("SELECT type, key, inputs FROM noted"); row.next();) {
        Reference as{{}, Reference::always, fmt::format("what it took note of: {}", id_of(row.text(0), row.text(1)))};
        find.stored(row.text(2), as);
    }
}

}  // namespace chaos::rollback
