// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <algorithm>
#include <chaos/reviews_written.hpp>
#include "beside.hpp"
#include "checks.hpp"
#include "provenance.hpp"
#include "references.hpp"
#include "shipped.hpp"
#include "template.hpp"

namespace chaos {

namespace {

/// What a declaration says of others, by the place where it says it.
struct Links {
    std::uint32_t of;
    Value needs, before, watch, notify;
};

class Compiler {
public:
    Compiler(Sources& sources, const Modules& modules, Site& site, Diagnostics& problems)
        : sources_(sources), templates_(sources), modules_(modules), site_(site), problems_(problems) {}
    std::vector<Links> links;

    void add(Declaration declaration) {
        Resource resource;
        resource.id = declaration.id();
        resource.called = declaration.called;
        resource.type = declaration.type;
        resource.absent = declaration.absent;
        resource.where = mendable_place(declaration);
        for (const std::uint32_t module : declaration.modules) resource.modules.push_back(modules_[module].path);
        Links said{static_cast<std::uint32_t>(site_.catalog.size()), {}, {}, {}, {}};
        bool linked = false;
        Value::Map attributes;
        attributes.reserve(declaration.body.size() + 1);
        for (auto& [key, value] : declaration.body) {
            try {
                if (key.text().ends_with('+')) std::get<std::string>(key.data).pop_back();
                if (value.is_null()) continue;
                const Field* field = declaration.type->schema().find(key.text());
                if (holds_secret(value)) refuse_where_shown(declaration.type->schema(), field, key, value);
                if (field && field->role == Field::Role::source)
                    attributes.push_back({Value(std::string(field->into), key.where),
                                          source(declaration.type->schema(), *field, value)});
                else if (field && field->role == Field::Role::rendered)
                    attributes.push_back({Value(std::string(field->into), key.where), rendered(declaration, value)});
                else if (field && field->role == Field::Role::names)
                    check_names(declaration, key);
                else if (field)
                    attributes.push_back({key, std::move(value)});
                else
                    linked |= meta(resource, said, key.text(), std::move(value));
            } catch (Error& error) {
                if (!error.where) error.where = value.where;
                problems_.add(std::move(error));
            }
        }
        check_exact(resource, declaration);
        const Place shipped = shipped_place(declaration);
        const Schema& schema = declaration.type->schema();
        if (const Field* key = schema.key())
            attributes.push_back(
                {Value(std::string(key->name), declaration.where), Value(resource.id.key, declaration.where)});
        keep_to_owner(schema, attributes);
        const Value written(std::move(attributes), resource.where);
        telling_where_made(shipped, [&](Diagnostics& problems) {
            resource.wanted =
                resource.absent ? without_properties(schema, written, problems) : decode(schema, written, problems);
            const bool whole = problems.ok() && !resource.absent;
            if (const auto* reviews = whole ? of_written(resource.type) : nullptr)
                reviews->review_written(resource, written, problems);
        });
        if (shipped) shipped_.emplace(static_cast<std::uint32_t>(site_.catalog.size()), shipped);
        if (linked) links.push_back(std::move(said));
        site_.catalog.push_back(std::move(resource));
    }

    /// What kinds say of all that stands, now that it is known what watches what.
    void review() {
        for (std::uint32_t i = 0; i < site_.catalog.size(); ++i) {
            const auto shipped = shipped_.find(i);
            telling_where_made(shipped == shipped_.end() ? Place() : shipped->second, [&](Diagnostics& problems) {
                site_.catalog[i].type->review(site_.catalog[i], problems);
            });
        }
    }

private:
    /// Where it is said; of what a module of chaos says, where a value of it came from.
    Place mendable_place(const Declaration& declaration) const {
        const Place mendable = modules_.mendable(declaration.where);
        if (mendable == declaration.where) return mendable;
        for (const auto& [key, value] : declaration.body)
            if (value.where && modules_.mendable(value.where) == value.where) return value.where;
        return mendable;
    }

    /// Where the module of chaos says it that it is of; nowhere where none does.
    Place shipped_place(const Declaration& declaration) const {
        if (declaration.modules.empty() || !modules_[declaration.modules.front()].shipped) return {};
        const auto stands_in = [&](Place at) { return at && modules_.mendable(at) != at; };
        if (stands_in(declaration.where)) return declaration.where;
        for (const auto& entry : declaration.body)
            if (stands_in(entry.key.where)) return entry.key.where;
        return modules_.mendable(declaration.where);
    }

    /// Asked once for each kind: entries of one stand together.
    const ReviewsWritten* of_written(const ResourceType* type) {
        if (type != last_type_) last_type_ = type, reviews_ = dynamic_cast<const ReviewsWritten*>(type);
        return reviews_;
    }

    /// What is wrong with what a module of chaos made is told with the place where it was made.
    template <class Act>
    void telling_where_made(Place shipped, Act act) {
        Diagnostics found;
        act(found);
        const auto placed = [&](Error error) {
            return shipped ? std::move(error).note(shipped, std::string(in_shipped)) : error;
        };
        for (const Error& error : found.errors()) problems_.add(placed(error));
        for (const Error& remark : found.remarks()) problems_.note(placed(remark));
    }

    static std::vector<Value> items(const Value& value) {
        return value.is_list() ? value.list() : std::vector<Value>{value};
    }

    bool meta(Resource& resource, Links& said, const std::string& name, Value value) {
        if (name == "doc")
            resource.doc = value.text();
        else if (name == "tags")
            for (const Value& tag : items(value)) resource.tags.push_back(tag.text());
        else if (name == "keep")
            resource.keep = Codec<bool>::decode(value);
        else if (name == "protect")
            resource.protect = Codec<bool>::decode(value);
        else if (name == "audit")
            resource.audit = Codec<bool>::decode(value);
        else if (name == "exact")
            exact(resource, value);
        else if (name == "once")
            once(resource, value);
        else if (name == "confirm")
            resource.confirm = read_window(value);
        else if (name == "retry")
            resource.retry = retry(resource, value);
        else if (name == "needs")
            return said.needs = std::move(value), true;
        else if (name == "before")
            return said.before = std::move(value), true;
        else if (name == "watch")
            return said.watch = std::move(value), true;
        else if (name == "notify")
            return said.notify = std::move(value), true;
        return false;
    }

    /// Attributes that are given when it is made: `true` for all of them, and it then stays when it leaves the
    /// manifest.
    static void once(Resource& resource, const Value& value) {
        const Schema& schema = resource.type->schema();
        if (value.is_text() && !schema.find(value.text())) {
            if (!Codec<bool>::decode(value)) return;
            resource.keep = true;  // what was made of it since is somebody else's
            for (const Field& field : schema.fields)
                if (field.role == Field::Role::property) resource.once.push_back(&field);
        } else {
            for (const Value& item : items(value)) {
                const Field* field = schema.find(said_by(schema, item.text()));
                if (!field || field->role != Field::Role::property)
                    throw Error(item.where, fmt::format("{} has no attribute '{}' that could be given once",
                                                        schema.name, item.text()))
                        .help("name attributes of it, as in once: [password], or say once: true for all of them");
                resource.once.push_back(field);
            }
        }
        for (const Field* field : resource.once)
            if (field->required)
                throw Error(value.where, fmt::format("'{}' of a {} can not be left out, so it can not be given once",
                                                     field->name, schema.name))
                    .help("remove 'once'");
    }

    /// `3`, or `{times: 3, wait: 5s}`.
    static Retry retry(const Resource& resource, const Value& value) {
        if (resource.type->way() == Way::files)
            throw Error(value.where, fmt::format("a {} is put in place by one move: there is nothing to try again",
                                                 resource.type->schema().name))
                .help("remove this line");
        Retry retry;
        const Value* times = value.is_text() ? &value : nullptr;
        if (!value.is_text())
            for (const auto& [key, said] : value.map()) {
                if (key.text() == "times")
                    times = &said;
                else if (key.text() == "wait")
                    retry.wait_s = static_cast<int>(std::min<std::int64_t>(Codec<Seconds>::decode(said).count, 86400));
                else
                    throw Error(key.where, fmt::format("retry has no '{}'", key.text())).help("it has times and wait");
            }
        constexpr std::int64_t most = 100;
        const std::int64_t count = times ? Codec<std::int64_t>::decode(*times) : 0;
        if (count < 1 || count > most)
            throw Error(times ? times->where : value.where, "retry is how often it is tried again: 1 to 100 times")
                .help("write it as in retry: 3, or retry: {times: 3, wait: 10s}");
        retry.times = static_cast<int>(count);
        return retry;
    }

    /// What has a secret in it is its owner's alone, where no mode is said: also where it is there already.
    static void keep_to_owner(const Schema& schema, Value::Map& attributes) {
        const Field* mode = schema.find("mode");
        const Field* option = schema.find("secret");
        if (!mode || !option || option->role != Field::Role::option) return;
        bool secret = false;
        for (const auto& [key, value] : attributes) {
            const Field* field = schema.find(key.text());
            if (field == mode) return;
            secret |= field == option ? value.is_text() && Codec<bool>::decode(value) : holds_secret(value);
        }
        if (secret) attributes.push_back({Value(std::string(mode->name)), Value(std::string("0600"))});
    }

    /// What can be kept from being seen: contents, what is named for it, and mappings of names and values.
    static void refuse_where_shown(const Schema& schema, const Field* field, const Value& key, const Value& value) {
        const Place where = value.where ? value.where : key.where;
        if (!field)
            throw Error(where, fmt::format("'{}' is shown to all: a secret can not stand there", key.text()))
                .help("a secret can be the content of a file, in env or stdin of an exec, or a password");
        const bool own_file = field->role == Field::Role::option || schema.find("secret");  // nobody else need read it
        if (field->name == "url") return;  // it may have a password in it, and is then hidden as a whole
        if (field->secret || field->merge == Merge::keys || (field->merge == Merge::text && own_file)) return;
        const bool command = field->type == "command";
        throw Error(
            where, command ? fmt::format("a secret can not be a word of '{}': everybody on the host sees the "
                                         "words of commands",
                                         field->name)
                           : fmt::format("a secret can not be the '{}' of a {}: it is shown", field->name, schema.name))
            .help(command ? "give it by env: {NAME: !secret NAME}, by stdin, or in a file"
                          : "a secret can be the content of a file, in env or stdin of an exec, or a password");
    }

    /// The attributes whose members are all there shall be: those that otherwise add.
    static void exact(Resource& resource, const Value& value) {
        const Schema& schema = resource.type->schema();
        std::string adding;
        for (const Field& field : schema.fields)
            if (adds(field)) adding += (adding.empty() ? "" : ", ") + std::string(field.name);
        for (const Value& item : items(value)) {
            const Field* field = schema.find(item.text());
            if (!field || !adds(*field))
                throw Error(item.where, field ? fmt::format("'{}' is the whole of it anyway", field->name)
                                              : fmt::format("{} has no '{}'", schema.name, item.text()))
                    .help(adding.empty() ? fmt::format("nothing of a {} adds to what is there", schema.name)
                                         : "attributes that add to what is there: " + adding);
            resource.exact.push_back(field);
        }
    }
    static bool adds(const Field& field) {
        return field.role == Field::Role::property && (field.merge == Merge::members || field.merge == Merge::keys);
    }

    /// An exact list that is not said would be a guess.
    void check_exact(const Resource& resource, const Declaration& declaration) {
        for (const Field* field : resource.exact)
            if (!declaration.find(field->name) && !resource.absent)
                problems_.add(Error(declaration.find("exact")->where,
                                    fmt::format("exact names '{}', and it is not said", field->name))
                                  .help(fmt::format("write {}: [...], all there shall be", field->name)));
    }

    /// The bytes of a file beside the manifest: in memory where small, else by path, size and digest; or only these.
    Value source(const Schema& schema, const Field& field, const Value& path) {
        try {
            const auto file = beside::join(sources_[path.where].directory, path.text());
            const Field* const into = schema.find(field.into);
            if (path.text().starts_with('/'))
                site_.reads.emplace_back(static_cast<std::uint32_t>(site_.catalog.size()), path.text());
            if (into && into->type == Codec<Located>::name) return Codec<Located>::encode(beside::located(file));
            const auto content = beside::content(file);
            Value value = Codec<Content>::encode(content);
            if (content.held()) value.where = path.where, value.quoted = true;
            return value;
        } catch (Error& error) {
            error.where = path.where;
            throw std::move(error).help(
                fmt::format("{}: names a regular file, from the directory of this manifest", field.name));
        }
    }

    /// What a template gives, with the names of `with` and of the `each` it stands in.
    Value rendered(const Declaration& declaration, const Value& said) {
        language::Blanks blanks;
        const Value& path = template_file(said, blanks);
        const std::string directory = sources_[path.where].directory;
        static const Value nothing{Value::Map{}};
        const Value* with = &nothing;
        for (const auto& [key, value] : declaration.body)
            if (const Field* field = declaration.type->schema().find(key.text()))
                if (field->role == Field::Role::names && !value.is_null()) with = &value;
        if (!with->is_map())
            throw Error(with->where, fmt::format("'with' is a mapping of names and values, found {}", kind_of(*with)))
                .help("write it as in with: {port: 80}");
        if (with->secret)
            throw Error(with->where, "a secret can not be all of 'with': the names in it are shown")
                .help("give it a name: with: {NAME: !secret NAME}");
        for (const auto& entry : with->map())
            if (entry.value.is_null() && entry.value.blank)
                throw Error(entry.key.where, fmt::format("'{}' has no value", entry.key.text()))
                    .help("remove the line, or write null");
        if (path.text().starts_with('/'))
            site_.reads.emplace_back(static_cast<std::uint32_t>(site_.catalog.size()), path.text());
        Scope& scope = modules_.scope_at(path.where);
        for (const auto& entry : declaration.bound) scope.bind(entry.key.text(), entry.value);
        scope.stand_in(path.where);
        Value text;
        scope.touched_unknown = false;
        try {
            const auto& file = templates_.open(beside::join(directory, path.text()), directory, blanks);
            const Scope::Contained contained(scope, directory);
            text = render(templates_, file, blanks, scope, *with);
        } catch (Error& error) {
            for (const auto& entry : declaration.bound) scope.unbind(entry.key.text());
            if (scope.touched_unknown) return unknown_text(path.where);
            if (!error.where) {
                error.where = path.where;
                throw std::move(error).help("template: names a file, from the directory of this manifest");
            }
            throw std::move(error).note(path.where, fmt::format("the template of {}", to_text(declaration.id())));
        }
        for (const auto& entry : declaration.bound) scope.unbind(entry.key.text());
        text.where = path.where;
        return text;
    }

    /// A text with a secret in it that nobody here knows.
    static Value unknown_text(Place where) {
        Value text(std::string(), where);
        return text.secret = text.quoted = true, text;
    }

    /// `template: PATH`, or `template: {file: PATH, trim_blocks: true}`.
    static const Value& template_file(const Value& said, language::Blanks& blanks) {
        if (!said.is_map()) return said.text(), said;
        const Value* file = nullptr;
        for (const auto& [key, value] : said.map()) {
            if (key.text() == "file")
                file = &value;
            else if (key.text() == "trim_blocks")
                blanks.trim_blocks = Codec<bool>::decode(value);
            else if (key.text() == "lstrip_blocks")
                blanks.lstrip_blocks = Codec<bool>::decode(value);
            else
                throw Error(key.where, fmt::format("a template has no '{}'", key.text()))
                    .help("it has file, trim_blocks and lstrip_blocks");
        }
        if (!file) throw Error(said.where, "this template does not say its file").help("add file: PATH");
        return file->text(), *file;
    }

    /// `with` says nothing without a template; where another layer's content replaced the template, it is let be.
    static void check_names(const Declaration& declaration, const Value& key) {
        const Schema& schema = declaration.type->schema();
        for (const auto& entry : declaration.body) {
            const Field* field = schema.find(entry.key.text());
            if (!field || entry.value.is_null()) continue;
            if (field->role == Field::Role::rendered) return;
            const auto is_into = [&](const Field& other) {
                return other.role == Field::Role::rendered && (other.into == field->name || other.into == field->into);
            };
            const bool replaces = std::any_of(schema.fields.begin(), schema.fields.end(), is_into);
            if (replaces && entry.key.where.source != key.where.source) return;
        }
        throw Error(key.where, "'with' is for a template, and there is none")
            .help("add template: FILE, or remove this");
    }

    /// Of what shall not be there: its key, and how to bring that about.
    static State without_properties(const Schema& schema, const Value& written, Diagnostics& problems) {
        const auto spec = schema.make();
        for (const auto& [key, value] : written.map()) {
            const Field* field = schema.find(key.text());
            if (field->role != Field::Role::key && field->role != Field::Role::option) continue;
            try {
                field->set(spec.get(), value);
            } catch (Error& error) {
                if (!error.where) error.where = value.where;
                problems.add(std::move(error));
            }
        }
        return State(spec);
    }

    Sources& sources_;
    Templates templates_;
    const Modules& modules_;
    Site& site_;
    Diagnostics& problems_;
    const ResourceType* last_type_ = nullptr;
    const ReviewsWritten* reviews_ = nullptr;
    std::unordered_map<std::uint32_t, Place> shipped_;  // resources that a module of chaos makes: where
};

class Linker {
public:
    Linker(Site& site, const Registry& registry, const Layers& layers, const Modules& modules, Diagnostics& problems,
           Provenance* provenance)
        : site_(site),
          references_(site.catalog, registry, layers, modules),
          modules_(modules),
          by_module_(modules.all().size() + 1),
          problems_(problems),
          provenance_(provenance) {}

    void link(const Links& said) {
        const auto me = said.of;
        each(said.needs, me, [&](auto other, Place at) { edge({other, me}, "needs", at); });
        each(said.before, me, [&](auto other, Place at) { edge({me, other}, "before", at); });
        each(said.watch, me, [&](auto other, Place at) { watch(me, other, "watch", at); });
        each(said.notify, me, [&](auto other, Place at) { watch(other, me, "notify", at); });
    }

    /// Only modules declare it: what their uses say holds for it.
    void belongs(std::uint32_t resource, const std::vector<std::uint32_t>& modules) {
        if (modules.empty()) return;
        auto within = modules_.with_users(modules.front());  // of all that declare it
        for (const std::uint32_t module : modules) {
            const auto users = modules_.with_users(module);
            std::erase_if(within, [&](auto use) { return std::find(users.begin(), users.end(), use) == users.end(); });
        }
        for (const std::uint32_t use : within) by_module_[use].push_back(resource);
    }

    /// What a `use` says of all the resources that nothing else declares.
    void link_module(std::uint32_t number) {
        const auto& mine = by_module_[number];
        const Module& module = modules_[number];
        for (const std::uint32_t resource : mine) {
            Resource& one = site_.catalog[resource];
            if (one.doc.empty() && !module.doc.is_null()) one.doc = module.doc.text();
            if (module.tags.is_null()) continue;
            for (const Value& tag : items_in(module.tags)) one.tags.push_back(tag.text());
        }
        for (const auto& [word, said] : module.links)
            for (const Value& item : items_in(said)) {
                try {
                    bind(word.text(), references_.find(item), item.where, mine);
                } catch (Error& error) {
                    problems_.add(std::move(error));
                }
            }
    }

    void finish() {
        if (too_many_) return site_.edges.clear();
        std::sort(site_.edges.begin(), site_.edges.end());
        site_.edges.erase(std::unique(site_.edges.begin(), site_.edges.end()), site_.edges.end());
        for (Resource& resource : site_.catalog) {
            std::sort(resource.watches.begin(), resource.watches.end());
            resource.watches.erase(std::unique(resource.watches.begin(), resource.watches.end()),
                                   resource.watches.end());
        }
    }

private:
    /// Each of many that names a pattern of many: told once, and the rest is let be.
    bool fits(Place at) {
        constexpr std::size_t most = 10'000'000;
        if (site_.edges.size() < most) return true;
        if (!std::exchange(too_many_, true))
            problems_.add(
                Error(at, fmt::format("these lists and patterns make more than {} pairs of what waits and what "
                                      "it waits for",
                                      most))
                    .help("let one resource stand between them: an exec that needs the many, and that the "
                          "others need; or a directory with source:"));
        return false;
    }

    void edge(Graph::Edge edge, std::string_view word, Place at) {
        if (!fits(at)) return;
        site_.edges.push_back(edge);
        if (provenance_) provenance_->links.push_back({edge.from, edge.to, word, at});
    }

    void watch(std::uint32_t who, std::uint32_t what, std::string_view word, Place at) {
        Resource& reacts = site_.catalog[who];
        if (!reacts.type->schema().reacts) {
            problems_.add(Error(at, fmt::format("{} can not react to a change", reacts.id.type))
                              .help("services, exec and units can; for order alone write needs: or before:"));
            return;
        }
        if (!fits(at)) return;
        reacts.watches.push_back(what);
        edge({what, who}, word, at);
    }

    void bind(const std::string& word, const std::vector<std::uint32_t>& others, Place at,
              const std::vector<std::uint32_t>& mine) {
        const auto reacts = [&](auto one) { return site_.catalog[one].type->schema().reacts; };
        for (const std::uint32_t other : others) {
            if (too_many_) return;
            if (std::binary_search(mine.begin(), mine.end(), other)) continue;
            if (word == "notify" && !reacts(other)) watch(other, other, "notify", at);  // says that it can not
            for (const std::uint32_t me : mine) {
                if (word == "needs")
                    edge({other, me}, "needs", at);
                else if (word == "before")
                    edge({me, other}, "before", at);
                else if (word == "watch" && reacts(me))
                    watch(me, other, "watch", at);
                else if (word == "notify" && reacts(other))
                    watch(other, me, "notify", at);
            }
        }
        if (word == "watch" && !mine.empty() && std::none_of(mine.begin(), mine.end(), reacts))
            problems_.add(Error(at, "nothing in this module can react to a change")
                              .help("services, exec and units can; for order alone write needs: or before:"));
    }

    template <class Act>
    void each(const Value& said, std::uint32_t me, Act act) {
        if (said.is_null() || too_many_) return;
        const Value* before = nullptr;
        for (const Value& item : items_in(said)) {
            try {
                const auto found = references_.find(item);
                for (const auto other : found) {
                    if (too_many_) return;
                    if (other != me)
                        act(other, item.where);
                    else if (found.size() == 1 && item.is_text() && item.text().find('*') == std::string::npos)
                        throw Error(item.where,
                                    fmt::format("{} can not wait for itself", to_text(site_.catalog[me].id)))
                            .help("remove it, or name what is meant");
                }
            } catch (Error& error) {
                const bool cut = before && item.is_text() && item.text().find(':') == std::string::npos;
                if (cut && !error.hint.starts_with("did you"))
                    error.hint = "a comma ends an item between [ ]: quote an id that has one in it";
                problems_.add(std::move(error));
            }
            before = &item;
        }
    }

    Site& site_;
    References references_;
    const Modules& modules_;
    std::vector<std::vector<std::uint32_t>> by_module_;
    bool too_many_ = false;
    Diagnostics& problems_;
    Provenance* provenance_;
};

/// The meta attributes that a Resource does not say in another way.
Value::Map metas_of(const Declaration& declaration) {
    constexpr std::string_view other[] = {"doc", "tags", "needs", "before", "watch", "notify"};
    Value::Map metas;
    for (const auto& [key, value] : declaration.body) {
        std::string name = key.text();
        if (name.ends_with('+')) name.pop_back();
        if (value.is_null() || declaration.type->schema().find(name) || !find_meta(name)) continue;
        if (std::find(std::begin(other), std::end(other), name) == std::end(other)) metas.push_back({name, value});
    }
    return metas;
}

}  // namespace

void compile(std::vector<Declaration> declarations, const Registry& registry, const Layers& layers, Sources& sources,
             const Modules& modules, Site& site, Diagnostics& problems, Provenance* provenance) {
    Compiler compiler(sources, modules, site, problems);
    site.catalog.reserve(declarations.size());
    std::vector<std::pair<std::uint32_t, std::vector<std::uint32_t>>> of_modules;
    for (Declaration& declaration : declarations) {
        if (!declaration.by_site)
            of_modules.emplace_back(static_cast<std::uint32_t>(site.catalog.size()), declaration.modules);
        if (provenance) {
            provenance->metas.push_back(metas_of(declaration));
            provenance->resources.push_back(std::move(declaration.said));
        }
        if (too_many(problems)) return;
        compiler.add(std::move(declaration));
    }
    if (!compiler.links.empty() || !of_modules.empty()) {
        Linker linker(site, registry, layers, modules, problems, provenance);
        for (const auto& [resource, said_by_modules] : of_modules) linker.belongs(resource, said_by_modules);
        for (const Links& said : compiler.links) linker.link(said);
        for (std::uint32_t number = 1; number <= modules.all().size(); ++number) linker.link_module(number);
        linker.finish();
    }
    compiler.review();
}

}  // namespace chaos
