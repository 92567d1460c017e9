// SPDX-License-Identifier: Apache-2.0
// Whether all of a store is as it was written: pages, contents, what is closed.
#include <dirent.h>
#include <fmt/format.h>

#include <map>
#include <memory>

#include "beneath.hpp"
#include "store_references.hpp"

namespace chaos::rollback {
namespace {

constexpr std::size_t most_told = 20;

class Checking {
public:
    explicit Checking(const Store::Handle& store) : store_(store) {}

    Health all() {
        part("its pages", [&] { pages(); });
        part("its runs", [&] { health_.runs = static_cast<std::size_t>(count("runs")); });
        part("its contents", [&] { contents(); });
        part("its objects", [&] { objects(); });
        part("what it recorded", [&] { records(); });
        part("what names them", [&] { references(); });
        for (const auto& [what, lost] : flaws_) health_.flaws.push_back({what, lost});
        return std::move(health_);
    }

private:
    /// One part that can not be read does not hide what is wrong with the others.
    void part(const char* name, const auto& look) {
        try {
            look();
        } catch (const Error& error) {
            flaw(fmt::format("{} can not be read: {}", name, error.what()));
        }
    }

    void flaw(const std::string& what, const std::string& lost = {}) {
        auto& all = flaws_[what];
        if (!lost.empty() && (all.empty() || all.back() != lost)) all.push_back(lost);
    }

    std::int64_t count(const std::string& table) const {
        return store_.database->number("SELECT count(*) FROM " + table + " NOT INDEXED");
    }

    void pages() {
        std::size_t told = 0;
        for (auto row = store_.database->ask("PRAGMA integrity_check(20)"); row.next() && told < most_told; ++told)
            if (row.text(0) != "ok") flaw(std::string(row.text(0)));
    }

    /// A row is called by a digest of its content that only the host's key can make.
    void contents() {
        for (auto row = store_.database->ask("SELECT digest, bytes FROM blobs NOT INDEXED"); row.next();) {
            ++health_.contents;
            const std::string name(row.text(0));
            const auto open = store_.key().open(row.text(1));
            const bool right = open ? hex(store_.key().digest(hex(digest(*open)))) == name
                                    : hex(digest(row.text(1))) == name;  // of a store that had no key yet
            if (!right) wrong_.insert_or_assign(name, fmt::format("the content {} is not what was written", name));
        }
    }

    void objects() {
        for (auto& [name, what] : store_.wrong_objects(health_.objects)) wrong_.insert_or_assign(name, what);
    }

    /// A byte that turned over in a page leaves the page as sound as it was.
    void records() {
        const auto look = [&](std::string_view json, const std::string& who) {
            try {
                from_json(json);
            } catch (const Error& error) {
                flaw(fmt::format("what is recorded can not be read: {}", error.what()), who);
            }
        };
        for (auto row = store_.database->ask("SELECT run, type, key, before, after FROM changes NOT INDEXED");
             row.next();)
            for (const int column : {3, 4})
                look(row.text(column), fmt::format("run {}: {}:{}", row.integer(0), row.text(1), row.text(2)));
        for (auto row = store_.database->ask("SELECT type, key, attributes FROM states NOT INDEXED"); row.next();)
            look(row.text(2), fmt::format("what is owned: {}:{}", row.text(0), row.text(1)));
        for (auto row = store_.database->ask("SELECT type, key, attributes FROM origins NOT INDEXED"); row.next();)
            look(row.text(2), fmt::format("what was there before chaos: {}:{}", row.text(0), row.text(1)));
    }

    void references() {
        std::map<Digest, bool> seen;
        each_reference(
            store_,
            [&](const Reference& it) {
                const std::string open = hex(it.content), closed = hex(store_.key().digest(open));
                for (const std::string& name : {open, closed})
                    if (const auto bad = wrong_.find(name); bad != wrong_.end()) flaw(bad->second, it.who);
                const auto [known, first] = seen.try_emplace(it.content, true);
                if (first) known->second = store_.has(it.content);
                if (!known->second && it.certain) flaw(fmt::format("the content {} is missing", open), it.who);
            },
            [&](const std::string& who, const std::string& why) { flaw(why, who); });
        for (const auto& [name, what] : wrong_) flaws_[what];  // also what nobody needs
    }

    const Store::Handle& store_;
    Health health_;
    std::map<std::string, std::string> wrong_;
    std::map<std::string, std::vector<std::string>> flaws_;
};

}  // namespace

std::map<std::string, std::string> Store::Handle::wrong_objects(std::size_t& looked_at) const {
    std::map<std::string, std::string> wrong;
    const std::string objects = directory + "/objects";
    const std::unique_ptr<DIR, int (*)(DIR*)> open(opendir(objects.c_str()), closedir);
    while (const dirent* entry = open ? readdir(open.get()) : nullptr) {
        const std::string name = entry->d_name;
        if (name.size() != 32) continue;
        ++looked_at;
        try {
            if (const auto found = digest_of_file(objects + "/" + name); found && hex(*found) != name)
                wrong.emplace(name, fmt::format("the object {} is not what was written", name));
        } catch (const Error& error) {
            wrong.emplace(name, error.what());
        }
    }
    return wrong;
}

Health Store::check() const {
    const std::scoped_lock guard(handle_->mutex);
    return Checking(*handle_).all();
}

}  // namespace chaos::rollback

namespace chaos {

Health check_history(const std::string& state_directory) {
    try {
        return rollback::Store(state_directory, rollback::Store::Access::look).check();
    } catch (const rollback::Missing&) {
        return {};
    } catch (const rollback::OutOfReach&) {
        throw;  // it may be as sound as ever
    } catch (const Error& error) {
        Health health;
        health.flaws.push_back({error.what(), {}});
        return health;
    }
}

}  // namespace chaos
