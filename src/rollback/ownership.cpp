// SPDX-License-Identifier: Apache-2.0
// Whose a resource is: what left the manifest goes back, what is another site's is refused.
#include <fmt/format.h>

#include <algorithm>
#include <chaos/transaction.hpp>
#include <unordered_map>
#include <unordered_set>

#include "id_view.hpp"
#include "ownership.hpp"
#include "runner.hpp"
#include "stored_value.hpp"

namespace chaos {

namespace {

using rollback::IdHash, rollback::IdView;

/// What was declared of it is what is recorded. That it was not pinned when a run last changed it, that run's record
/// tells: so a pin that is there now is somebody's since.
State told_unpinned(const Schema& schema, const State& recorded, const History& history, const std::string& key) {
    const auto unsaid = [&](const Field& field) { return field.pins && !field.given(recorded.spec()); };
    if (!recorded || std::none_of(schema.fields.begin(), schema.fields.end(), unsaid)) return recorded;
    const auto changes = history.changes_of({schema.name, key});
    const auto last = std::find_if(changes.begin(), changes.end(), [](const ChangeRecord& change) {
        return change.result == ChangeRecord::Result::done;
    });
    if (last == changes.end() || last->after.is_null()) return recorded;
    Diagnostics unread;
    const State left = decode(schema, last->after, unread);
    if (!unread.ok()) return recorded;
    const auto spec = schema.clone(recorded.spec());
    for (const Field& field : schema.fields)
        if (unsaid(field) && field.given(left.spec()) && field.get(left.spec()) != Value("true"))
            field.copy(spec.get(), left.spec());
    return State(spec, recorded.inputs()).hiding(recorded.hidden());
}

/// A resource that left the manifest: to be as it was before it was first touched.
Resource leaving(const ResourceType& type, const OwnedRecord& record, const History& history, Diagnostics& problems) {
    const Schema& schema = type.schema();
    Resource resource;
    resource.id = {schema.name, record.key};
    resource.type = &type;
    resource.leaving = true;
    resource.keep = record.keep;
    resource.doc = record.where;
    resource.recorded = record.attributes.is_null() ? State() : decode(schema, record.attributes, problems);
    // What was made absent is not brought back (absent it was, absent it shall be: whatever is there stays), and what
    // is kept stays: nothing to do but to let go of it.
    resource.absent = record.attributes.is_null() || (!record.keep && record.origin.is_null());
    if (!resource.absent) resource.wanted = record.keep ? resource.recorded : decode(schema, record.origin, problems);
    if (!resource.wanted) resource.wanted = only_named(schema, record.key);
    resource.recorded = told_unpinned(schema, resource.recorded, history, record.key);
    return resource;
}

/// Directories that came along with what leaves now: where nothing is left in them, they leave with it.
class Parents {
public:
    Parents(Site& site, const Registry& registry, const History& history)
        : site_(site), type_(registry.type("directory")), history_(history) {
        for (const Resource& resource : site.catalog)
            if (resource.id.type == "directory") known_.insert(resource.id.key);
        for (const Holding& one : history.holdings())
            if (one.type == "directory") known_.insert(one.key);
    }

    /// Up to the first that is somebody's, or was not made for the sake of something in it.
    void leave_with(std::uint32_t number) {
        if (!type_ || !site_.catalog[number].absent || !site_.catalog[number].recorded) return;
        const Resource& leaving = site_.catalog[number];
        for (const std::string& name : claimed(*leaving.type, leaving.recorded, {Claim::Role::provides})) {
            if (!name.starts_with("path:/")) continue;
            std::string path = name.substr(5);
            for (auto cut = path.rfind('/'); cut != 0 && cut != path.npos; cut = path.rfind('/')) {
                path.resize(cut);
                if (!known_.insert(path).second || !add(path, number)) break;
            }
        }
    }

private:
    bool add(const std::string& path, std::uint32_t because) {
        const auto changes = history_.changes_of({type_->schema().name, path});
        const auto last = std::find_if(changes.begin(), changes.end(), [](const ChangeRecord& change) {
            return change.result == ChangeRecord::Result::done;
        });
        if (last == changes.end() || !last->before.is_null() || last->after.is_null() || !came_along(*last))
            return false;
        Diagnostics unread;
        Resource resource;
        resource.id = {type_->schema().name, path};
        resource.type = type_;
        resource.recorded = decode(type_->schema(), last->after, unread);
        if (!unread.ok()) return false;
        resource.wanted = resource.recorded;
        resource.leaving = resource.absent = resource.companion = true;
        resource.because = because;
        resource.doc = last->where;
        site_.catalog.push_back(std::move(resource));
        return true;
    }

    /// What comes along has the place in the manifest of what it came for; what is declared has one of its own.
    bool came_along(const ChangeRecord& made) {
        const auto [held, first] = beside_.try_emplace(made.run);
        if (first)
            for (const ChangeRecord& change : history_.changes(made.run))
                held->second[change.where].push_back(change.key);
        const auto& keys = held->second[made.where];
        return !made.where.empty() &&
               std::any_of(keys.begin(), keys.end(), [&](const std::string& key) { return key != made.key; });
    }

    Site& site_;
    const ResourceType* type_;
    const History& history_;
    std::unordered_set<std::string> known_;
    std::unordered_map<std::int64_t, std::unordered_map<std::string, std::vector<std::string>>> beside_;
};

/// Trees that are to go with all that is in them.
std::unordered_set<std::string> trees_that_go(const Site& site) {
    std::unordered_set<std::string> trees;
    for (const Resource& resource : site.catalog) {
        const Field* recurse = resource.absent ? resource.type->schema().find("recurse") : nullptr;
        if (recurse && recurse->get(resource.wanted.spec()) == Value("true")) trees.insert(resource.id.key);
    }
    return trees;
}

bool is_in_one_of(const std::unordered_set<std::string>& trees, std::string path) {
    for (auto cut = path.rfind('/'); !trees.empty() && cut != 0 && cut != path.npos; cut = path.rfind('/')) {
        path.resize(cut);
        if (trees.contains(path)) return true;
    }
    return false;
}

}  // namespace

void add_leavings(Site& site, const Registry& registry, const History& history, Diagnostics& problems) {
    if (!site.whole) return;
    std::unordered_set<IdView, IdHash> declared;
    declared.reserve(site.catalog.size());
    for (const Resource& resource : site.catalog) declared.emplace(resource.id);
    std::vector<const Holding*> left;
    for (const Holding& one : history.holdings())
        if (one.site == site.name && !declared.contains(IdView(one.type, one.key))) left.push_back(&one);
    std::sort(left.begin(), left.end(), [](const Holding* a, const Holding* b) { return a->number < b->number; });
    const std::size_t first = site.catalog.size();
    const std::unordered_set<std::string> trees = trees_that_go(site);
    for (const Holding* one : left) {
        const ResourceType* type = registry.type(one->type);
        if (!type) {
            problems.note(Error(fmt::format("{} left the manifest, but this program knows no kind '{}': it stays",
                                            to_text(RecordedId{one->type, one->key}), one->type))
                              .help("a chaos that knows it will let go of it"));
            continue;
        }
        Diagnostics unread;
        Resource resource = leaving(*type, history.owned(*one), history, unread);
        for (const Error& error : unread.errors())
            problems.add(Error(fmt::format("{} left the manifest, and what is recorded of it can not be read: {}",
                                           to_text(RecordedId{one->type, one->key}), error.what()))
                             .help("declare it again, or leave it as it is with --no-prune; the chaos that recorded "
                                   "it can read it"));
        resource.absent |= is_in_one_of(trees, one->key);  // whatever was there before: its place goes
        if (unread.ok()) site.catalog.push_back(std::move(resource));
    }
    const std::size_t end = site.catalog.size();
    if (first == end) return;
    Parents parents(site, registry, history);
    for (auto number = static_cast<std::uint32_t>(first); number < end; ++number) parents.leave_with(number);
}

void recall(Site& site, const History& history) {
    std::unordered_map<IdView, Resource*, IdHash> asking;
    for (Resource& resource : site.catalog) {
        const Field* kept = resource.type->schema().find("kept");
        if (kept && kept->role == Field::Role::seen) asking.emplace(IdView(resource.id), &resource);
    }
    if (asking.empty()) return;
    for (const Holding& one : history.holdings()) {
        const auto found = asking.find(IdView(one.type, one.key));
        if (one.site != site.name || found == asking.end()) continue;
        Resource& resource = *found->second;
        const Schema& schema = resource.type->schema();
        const Value attributes = history.owned(one).attributes;
        const Value* kept = attributes.is_map() ? attributes.find("kept") : nullptr;
        if (!kept) continue;
        const auto spec = schema.clone(resource.wanted.spec());
        schema.find("kept")->set(spec.get(), *kept);
        resource.wanted = State(spec, resource.wanted.inputs()).hiding(resource.wanted.hidden());
    }
}

void check_ownership(const Site& site, const History& history, Diagnostics& problems) {
    const std::string origin = history.site_origin(site.name);
    std::unordered_map<IdView, const Holding*, IdHash> others;
    bool owns = false;
    for (const Holding& one : history.holdings()) {
        owns |= one.site == site.name;
        if (one.site != site.name) others.emplace(IdView(one.type, one.key), &one);
    }
    if (!origin.empty() && origin != site.origin && owns)
        problems.add(
            Error(fmt::format("site '{}' was applied from {}, and this is {}", site.name, origin, site.origin))
                .help(fmt::format("another site? give it a 'name:' of its own; moved? apply it once with --moved")));
    if (others.empty()) return;
    for (const Resource& resource : site.catalog) {
        const auto found = others.find(IdView(resource.id));
        if (found == others.end()) continue;
        const std::string where = history.owned(*found->second).where;
        problems.add(
            Error(resource.where, fmt::format("{} belongs to site '{}'", to_text(resource.id), found->second->site))
                .note({}, fmt::format("it is declared at {}", where.empty() ? "another manifest" : where))
                .help(fmt::format("take {} out of one of the two manifests", to_text(resource.id))));
    }
}

}  // namespace chaos

namespace chaos::rollback {

namespace {

/// One bit for each property that is given, in the order of the schema. No kind has 64 of them.
std::uint64_t given_in(const Schema& schema, const State& state) {
    std::uint64_t given = 0;
    for (std::size_t i = 0; i < schema.fields.size(); ++i)
        if (schema.fields[i].role == Field::Role::property && schema.fields[i].given(state.spec()))
            given |= std::uint64_t{1} << i;
    return given;
}

/// The same of what is stored; nothing where it has an attribute that this schema has not.
std::optional<std::uint64_t> given_in(const Schema& schema, std::string_view stored) {
    std::uint64_t given = 0;
    auto next = schema.fields.begin();  // they are stored in the order of the schema
    for (Names names(stored); names.next();) {
        const auto is_it = [&](const Field& field) { return field.name == names.name(); };
        auto field = std::find_if(next, schema.fields.end(), is_it);
        if (field == schema.fields.end()) {
            field = std::find_if(schema.fields.begin(), next, is_it);
            if (field == next) return std::nullopt;
        }
        if (field->role == Field::Role::property) given |= std::uint64_t{1} << (field - schema.fields.begin());
        next = field + 1;
    }
    return given;
}

/// Whether `stored` is store.as_stored(encode(schema, state)): by one attribute after the other, of which no copy is
/// made.
bool is_stored_as(const Store& store, const Schema& schema, const State& state, std::string_view stored) {
    const Attributes attributes(schema, state);
    std::string text = "{";
    for (const Field& field : schema.fields) {
        if (field.compiled_away() || !field.given(state.spec())) continue;
        if (text.size() > 1) text += ',';
        ((text += '"') += field.name) += "\":";
        const Value value = attributes.of(field);
        if (!append_plain(text, value)) text += store.as_stored(value);
        if (!stored.starts_with(text)) return false;
    }
    return stored == (text += '}');
}

/// Somebody may have made the host what the manifest says only now: then that is what we let go of one day, and what
/// drift is measured by. Sets and mappings hold what others put there too: of those the names alone are compared.
bool values_stand(const Store& store, const Holding& record, const Schema& schema, const State& wish,
                  const State& now) {
    Diagnostics problems;
    const State was = decode(schema, store.owned(record).attributes, problems);
    return problems.ok() && std::all_of(schema.fields.begin(), schema.fields.end(), [&](const Field& field) {
               const bool set = field.merge == Merge::members || field.merge == Merge::keys;
               const bool given = field.role == Field::Role::property && field.given(wish.spec());
               return set || !given || field.same(was.spec(), now.spec());
           });
}

bool says(const Store& store, const Holding& record, const Resource& resource, const State& now) {
    if (record.keep != resource.keep || record.protect != resource.protect) return false;
    const bool was_absent = record.attributes == "null";
    if (was_absent || resource.absent || !now) return was_absent == !now;
    const Schema& schema = resource.type->schema();
    const State wish = standing(resource), said = declared(schema, now, wish);
    const std::uint64_t given = given_in(schema, wish);
    if (given_in(schema, said) == given && is_stored_as(store, schema, said, record.attributes)) return true;
    return given_in(schema, record.attributes) == given && values_stand(store, record, schema, wish, now);
}

}  // namespace

bool is_recorded(const Site& site, const States& observed, const Store& store) {
    if (!site.owns) return true;
    if (const auto origin = store.site_origin(site.name); !origin.empty() && origin != site.origin) return false;
    std::unordered_map<IdView, const Holding*, IdHash> known;
    const auto& held = store.holdings();
    known.reserve(held.size());
    for (const Holding& one : held)
        if (one.site == site.name) known.emplace(IdView(one.type, one.key), &one);
    for (std::size_t i = 0; i < site.catalog.size(); ++i) {
        const Resource& resource = site.catalog[i];
        if (resource.companion || resource.exclusive) continue;
        if (resource.leaving) return false;
        const auto record = known.find(IdView(resource.id));
        if (record == known.end() || !says(store, *record->second, resource, observed[i])) return false;
    }
    return true;
}

}  // namespace chaos::rollback
