// SPDX-License-Identifier: Apache-2.0
#include <chaos/plan.hpp>

#include "kinds.hpp"
#include "paths.hpp"

namespace chaos::resources {
namespace {

struct File {
    std::string path{};
    std::optional<Content> content{};
    std::optional<Mode> mode{};
    std::optional<std::string> owner{}, group{};
    std::optional<Words> validate{};
    bool secret = false;
    std::string link{};
    bool has_other_names = false;  ///< Seen, and no attribute: what is replaced is replaced at this one.
};

constexpr Field fields[] = {
    schema::key<&File::path>("path", "Where it is.").example("/etc/motd"),
    schema::property<&File::content>("content", "What is in it, to the byte. Without it the file must be there.")
        .example("\"Welcome\\n\""),
    schema::source("source", "content", "A file beside the manifest whose bytes become the content."),
    schema::rendered(
        "template", "content",
        "A template of Jinja2 beside the manifest; what it gives becomes the content. It sees `vars`, `facts`, "
        "`host`, the `item` of an each, and what `with` gives by bare name."),
    schema::names("with", "Names and values that the template sees by bare name."),
    schema::property<&File::mode>("mode", "Permissions.")
        .example("0640")
        .otherwise("as it is; 0644 where it is made anew, 0600 where a secret is in it"),
    schema::property<&File::owner>("owner", "User who owns it, by name or number.")
        .example("www-data")
        .otherwise("as it is; root where it is made anew")
        .persons(),
    schema::property<&File::group>("group", "Group that owns it, by name or number.")
        .example("www-data")
        .otherwise("as it is; root where it is made anew")
        .persons(Field::Person::group),
    schema::option<&File::validate>("validate",
                                    "A command that must succeed before anybody sees the new content. It sees all new "
                                    "files of the run in place; `%s` is the path of a copy of this one.")
        .example("visudo -cf %s"),
    schema::option<&File::secret>("secret", "The content is a secret: only that it changed is ever shown.")
        .example("true")
        .otherwise("true where a secret is in the content"),
    // A property, so that a link that was replaced is shown and comes back.
    schema::property<&File::link>("link",
                                  "Target of a symbolic link in its place. Empty, always: links are under links.")
        .example("\"\""),
};

constexpr Schema file =
    schema::of<File>("file", "files", Order::file,
                     "A regular file: what is in it, and who may do what with it. What is there is "
                     "replaced at once or not at all; a link in its place is replaced, not followed.",
                     fields)
        .body("content")
        .keyed(schema::clean_path);

class FileType final : public TypedResource<File> {
public:
    constexpr FileType() : TypedResource(file) {}

    std::optional<File> observe(const View& view, const File& wanted, bool whole) const override {
        auto there = look_at_file(view, wanted.path, wanted.content, whole || wanted.content);
        if (!there.entry) return std::nullopt;
        File found{.path = wanted.path, .content = std::move(there.content), .link = std::move(there.link)};
        found.has_other_names = found.link.empty() && there.entry.links > 1;
        if (found.link.empty()) found.mode = Mode{there.entry.mode};
        if (whole || wanted.owner) found.owner = owner_of(view, there.entry, wanted.owner);
        if (whole || wanted.group) found.group = group_of(view, there.entry, wanted.group);
        return found;
    }

    std::vector<Companion> resolve(const View& view, std::span<Change> changes, Diagnostics& problems) const override {
        Parents parents(view);
        for (std::size_t i = 0; i < changes.size(); ++i) {
            Change& change = changes[i];
            const File *before = change.before.as<File>(), *after = change.after.as<File>();
            if (!after || (before && before->link.empty())) continue;
            if (!after->content && after->link.empty()) {
                problems.add(before ? only_a_link(change) : not_there(change));
                continue;
            }
            if (before && !after->link.empty()) continue;
            change.after = State::of(made(view, *after)).with_inputs(change.after.inputs());
            if (!before) parents.above(after->path, i, change.where, problems, after->owner, after->group);
        }
        return parents.take();
    }

    void review(const Resource& resource, Diagnostics& problems) const override {
        const File& spec = *resource.wanted.as<File>();
        refuse_own_state(resource, spec.path, false, problems);
        review_owners(spec.owner, spec.group, resource.where, problems);
        if (!spec.link.empty())
            problems.add(Error(resource.where, "a file is no link: link is only ever seen, never wished")
                             .help("links: {" + spec.path + ": " + spec.link + "}"));
    }

    void claims(const State& state, std::vector<Claim>& claims) const override {
        const File& spec = *state.as<File>();
        claim_path(spec.path, spec.owner, spec.group, claims);
    }

    /// What package managers read comes before packages.
    Order order(const State& state) const override {
        static constexpr std::string_view repositories[] = {
            "/etc/apt/",     "/etc/dnf/",         "/etc/pacman.conf", "/etc/pacman.d/",       "/etc/pki/rpm-gpg/",
            "/etc/yum.conf", "/etc/yum.repos.d/", "/etc/zypp/",       "/usr/share/keyrings/",
        };
        for (const auto prefix : repositories)
            if (state.as<File>()->path.starts_with(prefix)) return Order::repository;
        return Order::file;
    }

    std::optional<Command> validation(const Change& change) const override {
        const File* to = change.after.as<File>();
        if (!to || !to->validate || !to->content) return std::nullopt;
        return Command{.argv = to->validate->list};
    }

    /// The other names of a file may be gone, or lead to something else, by the time this one is to join them again.
    Undo undo_of(const Change& change) const override {
        const File *from = change.before.as<File>(), *to = change.after.as<File>();
        const bool stays = to && to->link.empty() && (!to->content || (from && from->content == to->content));
        return from && from->has_other_names && !stays ? Undo::effort : Undo::exact;
    }

    bool batches() const override { return true; }

    void apply(WritableHost& host, const File* from, const File* to, bool) const override {
        if (!to) return host.remove(from->path);
        const auto meta = meta_of(to->mode, to->owner, to->group, from && from->mode ? from->mode->bits : 0644);
        const bool was_file = from && from->link.empty();
        if (!to->link.empty())
            host.make_link(to->path, to->link, meta);
        else if (was_file && (!to->content || from->content == to->content))
            host.set_meta(to->path, meta);
        else if (to->content)
            host.write(to->path, *to->content, meta);
        else
            throw Error("what was in " + to->path + " is not known");
    }

private:
    static Error not_there(const Change& change) {
        return Error(change.where, change.id.key + " is not there, and nothing says what is to be in it")
            .help("give content:, source: or template:, or make it first");
    }
    static Error only_a_link(const Change& change) {
        const auto& target = change.before.as<File>()->link;
        return Error(change.where, change.id.key + " is a link to " + target + ", and nothing says what is to be in it")
            .help("manage what it leads to, or give content:, source: or template: to replace it");
    }

    /// What is not said of a file that is made anew.
    static File made(const View& view, File after) {
        if (!after.mode) after.mode = Mode{after.secret ? 0600U : 0644U};
        if (!after.owner && view->superuser()) after.owner = "root";
        if (!after.group && view->superuser()) after.group = "root";
        return after;
    }
};

constexpr FileType type;

}  // namespace

const ResourceType& file_type() {
    return type;
}

}  // namespace chaos::resources
