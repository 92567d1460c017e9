// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <chaos/plan.hpp>

#include <algorithm>
#include <chaos/plan.hpp>
#include <functional>

#include "kinds.hpp"
#include "paths.hpp"

namespace chaos::resources {
namespace {

constexpr Field fields[] = {
    schema::key<&Directory::path>("path", "Where it is.").example("/srv/www"),
    schema::property<&Directory::mode>("mode", "Permissions.")
        .example("2755")
        .otherwise("as it is; 0755 where it is made anew"),
    schema::property<&Directory::owner>("owner", "User who owns it, by name or number.")
        .example("www-data")
        .otherwise("as it is; root where it is made anew")
        .persons(),
    schema::property<&Directory::group>("group", "Group that owns it, by name or number.")
        .example("www-data")
        .otherwise("as it is; root where it is made anew")
        .persons(Field::Person::group),
    schema::option<&Directory::recurse>("recurse",
                                        "Where it is to be absent: all that is in it goes along, to the trash.")
        .example("true")
        .otherwise("false: only an empty directory is removed"),
    schema::option<&Directory::purge>("purge", "What is in it and nobody declares goes, directories with all in them.")
        .example("true")
        .otherwise("false: what is in it stays"),
};

constexpr Schema directory =
    schema::of<Directory>("directory", "directories", Order::directory,
                          "A directory and who may do what with it, not what is in it.", fields)
        .keyed(schema::clean_path);

class DirectoryType final : public TypedResource<Directory> {
public:
    constexpr DirectoryType() : TypedResource(directory) {}

    std::optional<Directory> observe(const View& view, const Directory& wanted, bool whole) const override {
        const auto entry = view->look(wanted.path);
        if (!entry) return std::nullopt;
        if (entry.kind == Entry::Kind::link)
            throw Error(wanted.path + " is a symbolic link, and a directory is to be there")
                .help("name the directory that it leads to: readlink -f " + wanted.path);
        if (entry.kind != Entry::Kind::directory)
            throw Error(wanted.path + " is a file, and a directory is to be there")
                .help(fmt::format("move it away: mv {0} {0}.orig", wanted.path));
        Directory found{.path = wanted.path, .mode = Mode{entry.mode}};
        if (whole || wanted.owner) found.owner = owner_of(view, entry, wanted.owner);
        if (whole || wanted.group) found.group = group_of(view, entry, wanted.group);
        return found;
    }

    std::vector<std::pair<const ResourceType*, State>> held(const View& view, const State& wanted) const override {
        const Directory& spec = *wanted.as<Directory>();
        std::vector<std::pair<const ResourceType*, State>> found;
        if (!spec.purge) return found;
        for (const std::string& name : view->list(spec.path)) {
            const std::string path = below(spec.path, name);
            const auto kind = view->look(path).kind;
            if (kind == Entry::Kind::directory) {
                found.emplace_back(this, State::of(Directory{.path = path, .recurse = true}));
            } else if (kind == Entry::Kind::file || kind == Entry::Kind::link) {
                const ResourceType& type = kind == Entry::Kind::file ? file_type() : link_type();
                const auto one = type.schema().make();
                type.schema().key()->set(one.get(), path);
                found.emplace_back(&type, State(one));
            }
        }
        return found;
    }

    std::vector<Companion> resolve(const View& view, std::span<Change> changes, Diagnostics& problems) const override {
        Parents parents(view);
        for (std::size_t i = 0; i < changes.size(); ++i) {
            Change& change = changes[i];
            if (change.before || !change.after) continue;
            Directory made = *change.after.as<Directory>();
            if (!made.mode) made.mode = Mode{0755};
            if (!made.owner && view->superuser()) made.owner = "root";
            if (!made.group && view->superuser()) made.group = "root";
            parents.above(made.path, i, change.where, problems, made.owner, made.group);
            change.after = State::of(std::move(made)).with_inputs(change.after.inputs());
        }
        return parents.take();
    }

    void review(const Resource& resource, Diagnostics& problems) const override {
        const Directory& spec = *resource.wanted.as<Directory>();
        refuse_own_state(resource, spec.path, (resource.absent && spec.recurse) || spec.purge, problems);
        review_owners(spec.owner, spec.group, resource.where, problems);
    }

    void claims(const State& state, std::vector<Claim>& claims) const override {
        const Directory& spec = *state.as<Directory>();
        claim_path(spec.path, spec.owner, spec.group, claims);
    }

    /// What else is in a directory may go in the same run, so that this can only be a remark.
    void check(const View& view, std::span<const Change> changes, Diagnostics& problems) const override {
        for (const Change& change : changes) {
            if (change.after || !change.before || change.before.as<Directory>()->recurse) continue;
            if (const auto names = view->list(change.id.key); !names.empty())
                problems.note(
                    Error(change.where, fmt::format("{} can only go if what is in it goes as well: {}{}", change.id.key,
                                                    names.front(), names.size() > 1 ? ", ..." : ""))
                        .help("declare that absent too, or say recurse: true"));
        }
    }

    bool batches() const override { return true; }

    void apply(WritableHost& host, const Directory* from, const Directory* to, bool) const override {
        if (to) {
            const auto mode = from && from->mode ? from->mode->bits : 0755U;
            return host.make_directory(to->path, meta_of(to->mode, to->owner, to->group, mode));
        }
        if (from->recurse) return host.remove_tree(from->path);
        if (const auto names = host.list(from->path); !names.empty())
            throw Error(fmt::format("{} is not empty: {}{} is in it", from->path, names.front(),
                                    names.size() > 1 ? fmt::format(" (and {} more)", names.size() - 1) : ""))
                .help("declare that absent too, or say recurse: true");
        host.remove(from->path);
    }

    void apply_all(WritableHost& host, std::span<const Change> changes) const override { go(host, changes, false); }

    /// A directory that we made and others use by now stays: looking at it afterwards tells.
    void undo_all(WritableHost& host, std::span<const Change> changes) const override { go(host, changes, true); }

private:
    /// What is inside goes before what it is in, and comes after it: a step has no order of its own.
    void go(WritableHost& host, std::span<const Change> changes, bool keep_used) const {
        std::vector<const Change*> makes, goes;
        for (const Change& change : changes) (change.after ? makes : goes).push_back(&change);
        const auto depth = [](const Change* change) { return std::ranges::count(change->id.key, '/'); };
        std::ranges::stable_sort(goes, std::greater(), depth);
        std::ranges::stable_sort(makes, std::less(), depth);
        for (const Change* change : goes) {
            const Directory& spec = *change->before.as<Directory>();
            if (keep_used && !host.list(spec.path).empty()) continue;
            apply(host, &spec, nullptr, false);
        }
        for (const Change* change : makes)
            apply(host, change->before.as<Directory>(), change->after.as<Directory>(), false);
    }
};

constexpr DirectoryType type;

}  // namespace

const ResourceType& directory_type() {
    return type;
}

}  // namespace chaos::resources
