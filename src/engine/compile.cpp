// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <algorithm>
#include <chaos/reviews_written.hpp>
#include "beside.hpp"
#include "linker.hpp"
#include "metas.hpp"
#include "secret_places.hpp"
#include "shipped.hpp"
#include "template.hpp"

namespace chaos {

namespace {

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
                    linked |= read_meta(resource, said, key.text(), std::move(value));
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
