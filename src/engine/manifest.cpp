// SPDX-License-Identifier: Apache-2.0
// A site, read in the order of section 10 of the manifest language: files, variables, entries of each layer, layers
// laid on each other, resources.
#include <fmt/format.h>
#include <algorithm>
#include <tuple>
#include <utility>
#include "beside.hpp"
#include "chobolo.hpp"
#include "manifest_reader.hpp"
#include "persons.hpp"
#include "provenance.hpp"
#include "utf8.hpp"

namespace chaos {

namespace {

/// The file's name without its end: what a site is called that has no name.
std::string name_of_file(std::string_view path) {
    path.remove_prefix(path.rfind('/') + 1);  // npos + 1 is 0
    const auto dot = path.rfind('.');
    return std::string(path.substr(0, dot == 0 ? path.size() : dot));
}

/// Where the people of a manifest live, as far as it says so in plain text.
std::map<std::string, std::string, std::less<>> homes_in(const std::vector<Document>& documents) {
    std::map<std::string, std::string, std::less<>> homes;
    const auto note = [&](const Value& name, const Value& body) {
        const Value* home = body.find("home");
        if (home && home->is_text() && name.is_text() && !has_expression(*home)) homes[name.text()] = home->text();
    };
    for (const Document& document : documents) {
        const Value* users = document.root.find("users");
        if (users && users->is_map())
            for (const auto& [name, body] : users->map()) note(name, body);
        if (users && users->is_list())
            for (const Value& body : users->list())
                if (const Value* name = body.find("name")) note(*name, body);
    }
    return homes;
}

class SiteReader {
public:
    SiteReader(Sources& sources, const ReadContext& context)
        : reading_(sources, context, found_), manifest_(reading_, reading_.scope, 0) {}

    /// The mistakes in the order of the text, whichever was found first, each where somebody can mend it.
    void tell(Diagnostics& problems) const {
        std::vector<Error> errors;
        for (const Error& error : found_.errors()) errors.push_back(reading_.modules.mendable(error));
        std::stable_sort(errors.begin(), errors.end(), [](const Error& a, const Error& b) {
            return std::tuple(a.where.source, a.where.line, a.where.column) <
                   std::tuple(b.where.source, b.where.line, b.where.column);
        });
        // One key that is lacking is told once, however many secrets want it; and so is one value of a module that
        // several of its resources are made of.
        const auto same_note = [](const Error::Note& a, const Error::Note& b) {
            return a.where == b.where && a.text == b.text;
        };
        const auto again = [&](const Error& a, const Error& b) {
            return a.where == b.where && std::string_view(a.what()) == b.what() &&
                   std::equal(a.notes.begin(), a.notes.end(), b.notes.begin(), b.notes.end(), same_note);
        };
        errors.erase(std::unique(errors.begin(), errors.end(), again), errors.end());
        for (Error& error : errors) problems.add(std::move(error));
        for (const Error& remark : found_.remarks()) problems.note(reading_.modules.mendable(remark));
    }

    Site read(const std::vector<std::string>& paths) {
        Diagnostics& problems = reading_.problems;
        const ReadContext& context = reading_.context;
        auto documents = read_documents(reading_.sources, paths, reading_.scope, context.cache, problems);
        Site& site = reading_.site;
        if (documents.empty() || !problems.ok()) return std::move(site);
        site.origin = beside::real_path(paths.front());
        site.name = name_of_file(paths.front());
        reading_.modules_beside = site.origin.substr(0, site.origin.rfind('/'));
        reading_.scope.know_homes(homes_in(documents));
        chobolo::Customs(reading_.scope, context.registry, problems).read(documents);
        read_name(documents, paths.front());
        if (!manifest_.read(documents)) return std::move(site);
        check_exclusive();
        tell_lacking_keys();
        auto declarations = manifest_.layers().take();
        name_for_host(declarations, manifest_.layers(), reading_.modules, problems);
        give_to_persons(declarations, context.view.host(), problems);
        compile(std::move(declarations), context.registry, manifest_.layers(), reading_.sources, reading_.modules, site,
                problems, context.provenance);
        if (context.provenance) note_all(*context.provenance);
        if (reading_.secrets) site.secrets = reading_.secrets->asked();
        if (!context.view.host().live()) leave_out_what_lives();
        return std::move(site);
    }

private:
    /// The name is that of the manifest that was asked for, not of what it includes.
    void read_name(const std::vector<Document>& documents, const std::string& first) {
        for (const Document& document : documents) {
            const Value* name = document.root.find("name");
            if (!name || reading_.sources[Place{1, 1, document.source}].name != first) continue;
            reading_.guarded(name->where, [&] {
                if (name->text().empty() || name->text().find_first_of("/ \t\n{}*") != std::string::npos)
                    throw Error(name->where, fmt::format("'{}' can not be the name of a site", printable(name->text())))
                        .help("a name is one word without / and braces");
                reading_.site.name = name->text();
            });
        }
    }

    /// What is known of the whole only when it is read.
    void note_all(Provenance& provenance) {
        note_given(provenance, reading_.context.vars);
        note_values(provenance, "", reading_.scope);
        for (const Module& module : reading_.modules.all())
            if (module.scope) note_values(provenance, module.path, *module.scope);
        Numbers numbers;
        for (std::uint32_t i = 0; i < reading_.site.catalog.size(); ++i)
            numbers.emplace(reading_.site.catalog[i].id, i);
        for (Provenance::Gone& gone : manifest_.layers().gone()) {
            const auto stands = numbers.find(gone.id);
            if (stands == numbers.end()) {
                provenance.gone.push_back(std::move(gone));
                continue;
            }
            auto& said = provenance.resources[stands->second];
            said.insert(said.end(), gone.said.begin(), gone.said.end());
        }
    }

    void tell_lacking_keys() {
        if (!reading_.secrets || !reading_.secrets->lacking()) return;
        const Error& why = *reading_.secrets->lacking();
        reading_.problems.note(
            Error(why.where, fmt::format("{}; the secrets in it are not checked", why.what())).help(why.hint));
    }

    void check_exclusive() {
        for (const auto& [type, where] : reading_.site.exclusive)
            if (!manifest_.layers().has(*type))
                reading_.problems.add(
                    Error(where,
                          fmt::format("exclusive names '{}', and nothing is declared there", type->schema().section))
                        .help("that would remove all there is: declare what shall stay, or remove this"));
    }

    /// An image runs nothing: what holds until the next boot is not wished of it.
    void leave_out_what_lives() {
        for (Resource& resource : reading_.site.catalog)
            for (const Field& field : resource.type->schema().fields) {
                if (!field.live || !resource.wanted || !field.given(resource.wanted.spec())) continue;
                const auto spec = resource.type->schema().clone(resource.wanted.spec());
                field.clear(spec.get());
                resource.wanted = State(spec).hiding(resource.wanted.hidden());
            }
    }

    Diagnostics found_;
    Reading reading_;
    ManifestReader manifest_;
};

}  // namespace

Site read_site(Sources& sources, const std::vector<std::string>& paths, const ReadContext& context,
               Diagnostics& problems) {
    SiteReader reader(sources, context);
    Site site = reader.read(paths);
    reader.tell(problems);
    return site;
}

}  // namespace chaos
