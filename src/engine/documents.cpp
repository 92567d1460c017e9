// SPDX-License-Identifier: Apache-2.0
#include "documents.hpp"
#include <fmt/format.h>
#include <algorithm>
#include <chaos/named.hpp>
#include <unordered_set>
#include "beside.hpp"
#include "chobolo.hpp"
#include "utf8.hpp"

namespace chaos {

namespace {

constexpr std::uint64_t most_of_a_manifest = 16 << 20;
constexpr std::size_t most_files = 10'000;
constexpr std::size_t deepest = 1'000;  ///< Each is read within the one before, on the stack.

std::string directory_of(const std::string& path) {
    const auto slash = path.rfind('/');
    return slash == std::string::npos ? "." : slash ? path.substr(0, slash) : "/";
}

/// One item of `include` or `overlay`.
struct Inclusion {
    Value file;
    std::string_view word{};  ///< Which of the two.
    bool optional = false;
    const Value *when = nullptr, *each = nullptr;
    std::optional<Strategy> strategy{};
    std::string as = "item";
};

Strategy strategy_of(const Value& said) {
    const std::string& word = said.text();
    if (word == "merge") return Strategy::merge;
    if (word == "override") return Strategy::override_;
    if (word == "strict") return Strategy::strict;
    throw Error(said.where, fmt::format("expected merge, override or strict, found '{}'", printable(word)))
        .help(
            "merge lays this file over lower ones, override drops their entries of its sections, strict lets none be "
            "there");
}

class Loader {
public:
    Loader(Sources& sources, Scope& scope, Cache* cache, Diagnostics& problems)
        : sources_(sources), scope_(scope), cache_(cache), problems_(problems) {}
    std::vector<Document> documents;

    void read(const std::string& shown, const std::string& path, Place from,
              std::optional<Strategy> strategy = std::nullopt, std::string_view how = {}) {
        try {
            const std::string real = beside::real_path(path);
            check_circle(real, shown, from);
            if (seen_.contains(real)) return;
            if (seen_.size() >= most_files)
                throw Error(from, fmt::format("more than {} files make this site", most_files))
                    .help("put what belongs together into one file; many files of a host: directories, with source:");
            seen_.insert(real);
            const auto source = sources_.add(shown, directory_of(real), beside::read(real, most_of_a_manifest));
            Document document{parse_yaml(sources_, source, cache_), source};
            if (!document.root.is_map())
                throw Error(document.root.where,
                            fmt::format("a manifest is a mapping of sections, found {}", kind_of(document.root)))
                    .help("write it as in packages: [git]");
            document.main = stack_.empty(), document.word = how, document.from = from;
            chobolo::spell_anew(document.root, problems_);
            if (const Value* own = document.root.find("strategy"); own && !own->is_null())
                document.strategy = strategy_of(*own);
            if (strategy) document.strategy = *strategy;
            stack_.push_back({real, shown});
            import_into(document.root, directory_of(real), directory_of(shown));
            const auto said = [&](std::string_view word) {
                const Value* value = document.root.find(word);
                return value ? *value : Value();
            };
            const Value below = said("include"), above = said("overlay");
            follow(below, "include", source);
            documents.push_back(std::move(document));
            follow(above, "overlay", source);
            stack_.pop_back();
        } catch (Error& error) {
            if (!error.where) error.where = from;
            problems_.add(std::move(error));
        }
    }

private:
    void check_circle(const std::string& real, const std::string& shown, Place from) const {
        if (stack_.size() >= deepest)
            throw Error(from, fmt::format("more than {} files include one another, each the next", deepest))
                .help("include them side by side, from one file");
        const auto first =
            std::find_if(stack_.begin(), stack_.end(), [&](const auto& open) { return open.first == real; });
        if (first == stack_.end()) return;
        std::string path;
        for (auto step = first; step != stack_.end(); ++step) path += step->second + " -> ";
        throw Error(from, fmt::format("these files include each other: {}{}", path, shown))
            .help("take one of the includes out");
    }

    /// `imports` of Ch-aronte: each file is laid over the text of this one, and is no layer of its own.
    void import_into(Value& root, const std::string& directory, const std::string& shown_in) {
        auto& map = std::get<Value::Map>(root.data);
        const auto said = std::find_if(map.begin(), map.end(), [](const auto& e) { return e.key.text() == "imports"; });
        if (said == map.end()) return;
        const Value items = std::move(said->value);
        const Place where = said->key.where;
        map.erase(said);
        if (items.is_null()) throw Error(where, "'imports' has no value").help("remove the line, or give it one");
        for (const Value& item : items_in(items)) {
            try {
                const auto import = chobolo::parse_import(item);
                Value imported = read_import(import.file, directory, shown_in);
                chobolo::lay_import(map, std::move(std::get<Value::Map>(imported.data)), import);
            } catch (Error& error) {
                if (!error.where) error.where = item.where;
                problems_.add(std::move(error));
            }
        }
    }

    Value read_import(const Value& file, const std::string& directory, const std::string& shown_in) {
        const auto places = chobolo::places_of_import(directory, file.text());
        const auto found = std::find_if(places.begin(), places.end(), beside::exists);
        if (found == places.end())
            throw Error(file.where, fmt::format("there is no file {}", quoted_name(places.front())))
                .help("correct the path: it is one from this manifest, or from a folder Ch-obolos above it");
        const std::string real = beside::real_path(*found);
        const bool below = found->starts_with(directory + "/");
        const std::string shown = below ? beside::join(shown_in, found->substr(directory.size() + 1)) : *found;
        check_circle(real, shown, file.where);
        if (++imports_ > most_files)
            throw Error(file.where, fmt::format("more than {} files make this site", most_files))
                .help("put what belongs together into one file");
        const auto source = sources_.add(shown, directory_of(real), beside::read(real, most_of_a_manifest));
        Value root = parse_yaml(sources_, source, cache_);
        if (!root.is_map())
            throw Error(root.where, fmt::format("a manifest is a mapping of sections, found {}", kind_of(root)))
                .help("write it as in packages: [git]");
        chobolo::spell_anew(root, problems_);
        stack_.push_back({real, shown});
        import_into(root, directory_of(real), directory_of(shown));
        stack_.pop_back();
        return root;
    }

    void follow(const Value& said, std::string_view word, std::uint16_t source) {
        if (said.is_null()) return;
        for (const Value& item : items_in(said)) {
            try {
                include(parse_item(item, word), source);
            } catch (Error& error) {
                if (!error.where) error.where = item.where;
                problems_.add(std::move(error));
            }
        }
    }

    static Inclusion parse_item(const Value& item, std::string_view word) {
        Inclusion inclusion;
        inclusion.word = word;
        if (item.is_text()) return inclusion.file = item, inclusion;
        if (!item.is_map())
            throw Error(item.where, fmt::format("{} takes paths, found {}", word, kind_of(item)))
                .help(fmt::format("write it as in {}: [base.yml]", word));
        for (const auto& [key, value] : item.map()) {
            const std::string& name = key.text();
            if (name == "file")
                value.text(), inclusion.file = value;
            else if (name == "optional")
                inclusion.optional = Codec<bool>::decode(value);
            else if (name == "when")
                inclusion.when = &value;
            else if (name == "each")
                inclusion.each = &value;
            else if (name == "as")
                inclusion.as = value.text();
            else if (name == "strategy")
                inclusion.strategy = strategy_of(value);
            else
                throw Error(key.where, fmt::format("{} has no '{}'", word, name))
                    .help("an item is a path, or {file: PATH, optional: true, when: EXPR, each: LIST, strategy: WORD}");
        }
        if (inclusion.file.is_null()) throw Error(item.where, "expected the path of a file").help("write {file: PATH}");
        return inclusion;
    }

    void include(const Inclusion& inclusion, std::uint16_t source_number) {
        scope_.stand_in(inclusion.file.where);
        const auto decides = [&](const Value& value) {
            scope_.deciding = true;
            const bool holds = decide(value, scope_);
            return scope_.deciding = false, holds;
        };
        if (!inclusion.each) {
            if (!inclusion.when || decides(*inclusion.when)) open(inclusion, source_number);
            return;
        }
        const Value items = items_of(*inclusion.each, scope_);
        if (!items.is_list())
            throw Error(inclusion.each->where, fmt::format("each takes a list here, found {}", kind_of(items)))
                .help("write it as in each: host.groups");
        for (const Value& item : items.list()) {
            scope_.bind(inclusion.as, item);
            if (!inclusion.when || decides(*inclusion.when)) open(inclusion, source_number);
        }
        scope_.unbind(inclusion.as);
    }

    void open(const Inclusion& inclusion, std::uint16_t source_number) {
        const Place from = inclusion.file.where;
        Value file = inclusion.file;
        scope_.deciding = true;
        substitute(file, scope_);
        scope_.deciding = false;
        const std::string& written = file.text();
        // What was imported stands in a file of its own.
        const Source& source = sources_[from ? from : Place{1, 1, source_number}];
        const std::string path = beside::join(source.directory, written);
        const std::string shown_in = directory_of(source.name);
        if (!beside::is_glob(written)) {
            if (beside::exists(path))
                return read(beside::join(shown_in, written), path, from, inclusion.strategy, inclusion.word);
            if (inclusion.optional) return;
            throw Error(from, fmt::format("there is no file {}", quoted_name(path)))
                .help("correct the path, or say that it may be missing: {file: " + written + ", optional: true}");
        }
        const auto found = beside::glob(path);
        if (found.empty() && !inclusion.optional)
            throw Error(from, fmt::format("no file matches {}", quoted_name(path)))
                .help("correct the pattern, or say that none may be there: {file: \"" + written +
                      "\", optional: true}");
        for (const std::string& one : found) {
            const bool below = one.starts_with(source.directory + "/");
            const auto shown = below ? beside::join(shown_in, one.substr(source.directory.size() + 1)) : one;
            read(shown, one, from, inclusion.strategy, inclusion.word);
        }
    }

    Sources& sources_;
    Scope& scope_;
    Cache* cache_;
    Diagnostics& problems_;
    std::unordered_set<std::string> seen_;
    std::size_t imports_ = 0;
    std::vector<std::pair<std::string, std::string>> stack_;  // real path, as shown
};

}  // namespace

std::vector<Document> read_documents(Sources& sources, const std::vector<std::string>& paths, Scope& scope,
                                     Cache* cache, Diagnostics& problems) {
    Loader loader(sources, scope, cache, problems);
    for (const std::string& path : paths) loader.read(path, path, {});
    return std::move(loader.documents);
}

std::vector<Document> read_document(Sources& sources, const std::string& shown, std::string text, Cache* cache) {
    const auto source = sources.add(shown, "/", std::move(text));
    std::vector<Document> documents;
    documents.push_back({parse_yaml(sources, source, cache), source});
    return documents;
}

}  // namespace chaos
