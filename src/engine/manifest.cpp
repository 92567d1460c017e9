// SPDX-License-Identifier: Apache-2.0
// A site, read in the order of section 10 of the manifest language: files, variables, entries of each layer, layers
// laid on each other, resources.
#include <fmt/format.h>
#include <algorithm>
#include <charconv>
#include <tuple>
#include <utility>
#include "beside.hpp"
#include "declaration.hpp"
#include "documents.hpp"
#include "utf8.hpp"

namespace chaos {

namespace {

std::vector<int> version_numbers(std::string_view text) {
    std::vector<int> numbers;
    while (!text.empty()) {
        int number = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
        if (error != std::errc()) return {};
        numbers.push_back(number);
        text.remove_prefix(static_cast<std::size_t>(end - text.data()));
        if (!text.empty() && text.front() != '.') return {};
        if (!text.empty()) text.remove_prefix(1);
    }
    numbers.resize(std::max<std::size_t>(numbers.size(), 3));
    return numbers;
}

/// `chaos: ">= 0.3"`, or several of them with commas; before all else, so that a newer manifest says so itself.
void check_version(const Value& needs) {
    std::string_view rest = needs.text();
    const auto mine = version_numbers(CHAOS_VERSION);
    while (!rest.empty()) {
        auto one = rest.substr(0, rest.find(','));
        rest.remove_prefix(std::min(one.size() + 1, rest.size()));
        while (one.starts_with(' ')) one.remove_prefix(1);
        while (one.ends_with(' ')) one.remove_suffix(1);
        const auto sign_end = std::min(one.find_first_not_of("<>="), one.size());
        const auto sign = one.substr(0, sign_end);
        auto version = one.substr(sign_end);
        while (version.starts_with(' ')) version.remove_prefix(1);
        const auto asked = version_numbers(version);
        const bool known =
            sign == ">=" || sign == ">" || sign == "<=" || sign == "<" || sign == "=" || sign == "==" || sign.empty();
        if (asked.empty() || !known)
            throw Error(needs.where, fmt::format("'{}' is no version of chaos", one))
                .help("write it as in chaos: \">= 0.1\"");
        const bool holds = sign == ">=" || sign.empty() ? mine >= asked
                           : sign == ">"                ? mine > asked
                           : sign == "<="               ? mine <= asked
                           : sign == "<"                ? mine < asked
                                                        : mine == asked;
        if (!holds) throw Error(needs.where, fmt::format("this manifest needs chaos {}, this is " CHAOS_VERSION, one));
    }
}

/// The file's name without its end: what a site is called that has no name.
std::string name_of_file(std::string_view path) {
    path.remove_prefix(path.rfind('/') + 1);  // npos + 1 is 0
    const auto dot = path.rfind('.');
    return std::string(path.substr(0, dot == 0 ? path.size() : dot));
}

class SiteReader {
public:
    SiteReader(Sources& sources, const ReadContext& context, Diagnostics& problems)
        : sources_(sources),
          context_(context),
          problems_(problems),
          scope_(sources, context),
          layers_(context.registry, problems),
          sections_(context.registry, scope_, layers_, problems) {}

    Site read(const std::vector<std::string>& paths) {
        auto documents = read_documents(sources_, paths, scope_, context_.cache, problems_);
        if (documents.empty() || !problems_.ok()) return std::move(site_);
        site_.origin = beside::real_path(paths.front());
        site_.name = name_of_file(paths.front());
        for (const Document& document : documents)
            guarded({}, [&] {
                if (const Value* needs = document.root.find("chaos")) check_version(*needs);
            });
        if (!problems_.ok()) return std::move(site_);
        read_name(documents, paths.front());
        read_variables(documents);
        for (std::uint32_t layer = 0; layer < documents.size(); ++layer) read_layer(documents[layer], layer);
        check_exclusive();
        compile(layers_.take(), context_.registry, layers_, sources_, scope_, site_, problems_);
        if (!context_.view.host().live()) leave_out_what_lives();
        return std::move(site_);
    }

private:
    template <class Act>
    void guarded(Place at, Act act) {
        try {
            act();
        } catch (Error& error) {
            if (!error.where) error.where = at;
            problems_.add(std::move(error));
        }
    }

    /// The name is that of the manifest that was asked for, not of what it includes.
    void read_name(const std::vector<Document>& documents, const std::string& first) {
        for (const Document& document : documents) {
            const Value* name = document.root.find("name");
            if (!name || sources_[Place{1, 1, document.source}].name != first) continue;
            guarded(name->where, [&] {
                if (name->text().empty() || name->text().find_first_of("/ \t\n{}*") != std::string::npos)
                    throw Error(name->where, fmt::format("'{}' can not be the name of a site", printable(name->text())))
                        .help("a name is one word without / and braces");
                site_.name = name->text();
            });
        }
    }

    void read_variables(std::vector<Document>& documents) {
        Value::Map all;
        for (Document& document : documents)
            for (auto& [key, value] : std::get<Value::Map>(document.root.data)) {
                if (key.text() != "vars" || value.is_null()) continue;
                guarded(key.where, [&, &said = value] {
                    said.map();
                    check_untyped(said, problems_);
                    lay_values(all, std::move(std::get<Value::Map>(said.data)));
                });
            }
        scope_.variables(std::move(all));
    }

    void read_layer(Document& document, std::uint32_t layer) {
        sections_.stand_in(layer);
        auto& map = std::get<Value::Map>(document.root.data);
        if (const Value* without = document.root.find("without"))
            for (const Value& pattern : without->is_list() ? std::span(without->list()) : std::span(without, 1))
                guarded(pattern.where, [&] { layers_.forget(pattern); });
        for (auto& [key, value] : map) guarded(key.where, [&, &word = key, &said = value] { top_level(word, said); });
    }

    void top_level(const Value& key, Value& value) {
        const std::string& word = key.text();
        if (word.starts_with("x-")) return;
        const auto known = std::find_if(top_level_words().begin(), top_level_words().end(),
                                        [&](const Word& top) { return top.name == word; });
        if (known == top_level_words().end()) {
            const ResourceType* type = sections_.section_of(key);
            if (value.is_null() && value.blank) value.where = key.where;
            return sections_.read(*type, std::move(value), false);
        }
        if (!known->understood)
            throw Error(key.where, fmt::format("'{}' is not understood by chaos " CHAOS_VERSION " yet", word));
        if (value.is_null() && value.blank)
            throw Error(key.where, fmt::format("'{}' has no value", word)).help("remove the line, or give it one");
        if (word == "absent") return sections_.read_absent(std::move(value));
        if (word == "blocks") return read_blocks(std::move(value));
        if (word == "protect") return protect(value);
        if (word == "exclusive") return exclusive(value);
        if (word == "doc" || word == "name") value.text();
    }

    void read_blocks(Value blocks) {
        blocks.list();
        for (Value& block : std::get<Value::List>(blocks.data))
            guarded(block.where, [&] { sections_.read_block(std::move(block)); });
    }

    void protect(const Value& value) {
        for (const Value& pattern : value.is_list() ? std::span(value.list()) : std::span(&value, 1))
            guarded(pattern.where, [&] {
                const auto& text = pattern.text();
                const auto kind = text.substr(0, text.find(':'));
                if (kind.find('*') == std::string::npos && text.find('*') != std::string::npos
                        ? !context_.registry.section(kind)
                        : text.find('*') == std::string::npos)
                    parse_id(text, context_.registry, pattern.where);
                site_.protect.push_back(text);
            });
    }

    void exclusive(const Value& value) {
        for (const Value& item : value.is_list() ? std::span(value.list()) : std::span(&value, 1))
            guarded(item.where, [&] {
                const ResourceType* type = sections_.section_of(item);
                if (!type->schema().key())
                    throw Error(item.where, fmt::format("a host has one {}: nothing else can be there", item.text()));
                exclusive_.emplace_back(type, item.where);
                site_.exclusive.emplace_back(type->schema().section);
                problems_.note(Error(
                    item.where,
                    fmt::format("exclusive: what else there is of '{}' is not removed by chaos " CHAOS_VERSION " yet",
                                item.text())));
            });
    }

    void check_exclusive() {
        for (const auto& [type, where] : exclusive_)
            if (!layers_.has(*type))
                problems_.add(Error(where, fmt::format("exclusive names '{}', and nothing is declared there",
                                                       type->schema().section))
                                  .help("that would remove all there is: declare what shall stay, or remove this"));
    }

    /// An image runs nothing: what holds until the next boot is not wished of it.
    void leave_out_what_lives() {
        for (Resource& resource : site_.catalog)
            for (const Field& field : resource.type->schema().fields) {
                if (!field.live || !resource.wanted || !field.given(resource.wanted.spec())) continue;
                const auto spec = resource.type->schema().clone(resource.wanted.spec());
                field.clear(spec.get());
                resource.wanted = State(spec);
            }
    }

    Sources& sources_;
    const ReadContext& context_;
    Diagnostics& problems_;
    Scope scope_;
    Layers layers_;
    Sections sections_;
    Site site_;
    std::vector<std::pair<const ResourceType*, Place>> exclusive_;
};

}  // namespace

Site read_site(Sources& sources, const std::vector<std::string>& paths, const ReadContext& context,
               Diagnostics& problems) {
    Diagnostics found;
    Site site = SiteReader(sources, context, found).read(paths);
    auto errors = found.errors();  // in the order of the text, whichever was found first
    std::stable_sort(errors.begin(), errors.end(), [](const Error& a, const Error& b) {
        return std::tuple(a.where.source, a.where.line, a.where.column) <
               std::tuple(b.where.source, b.where.line, b.where.column);
    });
    for (Error& error : errors) problems.add(std::move(error));
    for (const Error& remark : found.remarks()) problems.note(remark);
    return site;
}

}  // namespace chaos
