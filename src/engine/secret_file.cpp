// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <algorithm>
#include <chaos/manifest.hpp>
#include <chaos/named.hpp>
#include <chaos/template.hpp>
#include <ctime>
#include "beside.hpp"
#include "expression.hpp"
#include "primitives.hpp"
#include "secret_keys.hpp"
#include "sops.hpp"
#include "yaml_edit.hpp"

namespace chaos {

namespace {

constexpr std::uint64_t largest_file = 16 << 20;

/// Whom an age file is for can not be read from it: it is written into what it closes, above the text.
constexpr std::string_view for_line = "# chaos: for ";

/// Reads a text that must not be shown: what is wrong with it is told by line and column alone.
Value parse_hidden(const std::string& text, const std::string& path) {
    Sources sources;
    const auto source = sources.add(path, ".", text);
    Place where;
    try {
        Value root = parse_yaml(sources, source);
        if (root.is_map()) return root;
        throw Error(fmt::format("what is in '{}' is {}, not a mapping of names", path, kind_of(root)))
            .help("write it as in db_password: TEXT");
    } catch (const Error& error) {
        if (!error.where) throw;
        where = error.where;
    }
    throw Error(fmt::format("what is in '{}' is no YAML: line {}, column {}", path, where.line, where.column));
}

void mark_secret(Value& value) {
    value.secret = true, value.tag = Value::Tag::none, value.where = {};
    if (auto* list = std::get_if<Value::List>(&value.data))
        for (Value& item : *list) mark_secret(item);
    if (auto* map = std::get_if<Value::Map>(&value.data))
        for (auto& entry : *map) entry.key.where = {}, mark_secret(entry.value);
}

void add_names(const Value& value, const std::string& prefix, std::vector<std::string>& names) {
    if (!value.is_map()) return names.push_back(prefix);
    for (const auto& [key, held] : value.map())
        add_names(held, prefix.empty() ? key.text() : prefix + '.' + key.text(), names);
}

/// Each text of `now` that differs from that of `before`, at its place.
void differences(const Value& before, const Value& now, const yaml_edit::Lines& lines, bool in_one_line,
                 std::vector<yaml_edit::Replacement>& found) {
    if (before.is_list() || before.is_map()) {
        const auto at = lines.at(before.where);
        in_one_line |= at < lines.text().size() && (lines.text()[at] == '[' || lines.text()[at] == '{');
    }
    if (before.is_list() && now.is_list()) {
        for (std::size_t i = 0; i < before.list().size() && i < now.list().size(); ++i)
            differences(before.list()[i], now.list()[i], lines, in_one_line, found);
    } else if (before.is_map() && now.is_map()) {
        for (std::size_t i = 0; i < before.map().size() && i < now.map().size(); ++i)
            differences(before.map()[i].value, now.map()[i].value, lines, in_one_line, found);
    } else if (now.is_text() && !(before == now)) {
        const bool bare = now.text().starts_with("ENC[") && !in_one_line;
        found.push_back({before.where,
                         bare          ? now.text()
                         : in_one_line ? yaml_edit::scalar(now)
                                       : yaml_edit::scalar_at(now, lines, before.where),
                         in_one_line});
    }
}

/// `text`, which reads as `before`, with the scalars of `now`; `says` tells whether the result is right.
template <class Says>
std::string rewritten(const std::string& text, const Value& before, const Value& now, Says says) {
    const yaml_edit::Lines lines(text);
    std::vector<yaml_edit::Replacement> found;
    differences(before, now, lines, false, found);
    std::string out = yaml_edit::replace(lines, found);
    return says(out) ? out : to_yaml(now);  // written in a way that is not foreseen: its comments are lost
}

void print_json(const Value& value, std::size_t depth, std::string& out) {
    const std::string margin(depth + 1, '\t'), end(depth, '\t');
    if (value.is_map() || value.is_list()) {
        const bool map = value.is_map();
        const std::size_t size = map ? value.map().size() : value.list().size();
        if (size == 0) return void(out += map ? "{}" : "[]");
        out += map ? "{\n" : "[\n";
        for (std::size_t i = 0; i < size; ++i) {
            out += margin;
            if (map) out += to_json(Value(value.map()[i].key.text())) + ": ";
            print_json(map ? value.map()[i].value : value.list()[i], depth + 1, out);
            out += i + 1 < size ? ",\n" : "\n";
        }
        out += end + (map ? "}" : "]");
    } else if (value.is_null()) {
        out += "null";
    } else {
        const auto type = type_of(value);
        out += !value.quoted && (type == Type::number || type == Type::boolean) ? value.text()
                                                                                : to_json(Value(value.text()));
    }
}

Value without_metadata(Value root) {
    std::erase_if(std::get<Value::Map>(root.data), [](const auto& entry) { return entry.key.text() == "sops"; });
    return root;
}

std::string now_in_words() {
    const std::time_t now = std::time(nullptr);
    std::tm utc{};
    gmtime_r(&now, &utc);
    char text[32];
    std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
    return text;
}

std::string indented(const std::string& text) {
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
        const auto end = std::min(text.find('\n', at), text.size());
        if (end > at) out += "    " + text.substr(at, end - at);
        out += '\n', at = end + 1;
    }
    return out;
}

}  // namespace

struct SecretFile::Parts {
    std::string path;
    Form form = Form::age_text;
    std::string text;  ///< Plain, as a person edits it.
    Value read;        ///< What that says, with places in it.
    Value tree;        ///< The same, secret.
    std::vector<std::string> recipients;
    std::optional<std::string> passphrase;
    sops::Metadata metadata;
    std::string key;  ///< Of sops.
    sops::Kept kept;
    bool fresh = false;

    ~Parts() {
        crypto::wipe(text), crypto::wipe(key);
        if (passphrase) crypto::wipe(*passphrase);
    }
    bool is_sops() const { return form == Form::sops_yaml || form == Form::sops_json; }

    void take(std::string plain) {
        Value now = parse_hidden(plain, path);
        if (is_sops() && now.find("sops")) throw Error("'sops' can not be the name of a secret in a sops file");
        text = std::move(plain), read = std::move(now), tree = read;
        mark_secret(tree);
    }

    void open_age(const std::string& bytes, const KeyRing& ring) {
        form = age::is_armored(bytes) ? Form::age_text : Form::age;
        age::Keys keys;
        if (age::wants_passphrase(bytes)) {
            if (!ring.passphrases)
                throw LacksKey(
                    fmt::format("{} is closed with a passphrase, and nobody can be asked for it", quoted_name(path)));
            passphrase = keys.passphrase = ring.passphrases->passphrase(path);
        } else {
            keys.identities = identities_of(ring);
        }
        std::string plain = age::decrypt(bytes, keys);
        while (plain.starts_with(for_line)) {
            const auto end = std::min(plain.find('\n'), plain.size());
            recipients.push_back(plain.substr(for_line.size(), end - for_line.size()));
            plain.erase(0, std::min(end + 1, plain.size()));
        }
        if (plain.find_first_not_of(" \t\r\n") == std::string::npos) plain = "{}\n";
        take(std::move(plain));
    }

    void open_sops(const std::string& bytes, const Value& root, const KeyRing& ring) {
        const auto first = bytes.find_first_not_of(" \t\r\n");
        form = first != std::string::npos && bytes[first] == '{' ? Form::sops_json : Form::sops_yaml;
        metadata = sops::metadata_of(root);
        key = sops::data_key(metadata, identities_of(ring));
        for (const auto& [recipient, closed] : metadata.age) recipients.push_back(recipient);
        const Value open = sops::open(root, metadata, key, &kept);
        if (form == Form::sops_json) {
            std::string json;
            print_json(open, 0, json);
            return take(json + '\n');
        }
        const Value closed = without_metadata(root);
        const std::string without = yaml_edit::without_entry(yaml_edit::Lines(bytes), root, "sops");
        take(rewritten(without, closed, open, [&](const std::string& written) {
            try {
                return parse_hidden(written, path) == open;
            } catch (const Error&) {
                return false;
            }
        }));
    }

    std::string age_bytes() const {
        std::string plain;
        for (const std::string& one : recipients) plain += fmt::format("{}{}\n", for_line, one);
        plain += text;
        const bool armored = form == Form::age_text;
        if (passphrase && !fresh) return age::encrypt_by_passphrase(plain, *passphrase, armored);
        if (recipients.empty())
            throw Error(fmt::format("{} does not say whom it is for", quoted_name(path)))
                .help("say it: --recipient age1... for each of them");
        std::vector<age::Recipient> to;
        for (const std::string& one : recipients) to.push_back(age::parse_recipient(one));
        return age::encrypt(plain, to, armored);
    }

    std::string sops_bytes() const {
        const std::string data_key = fresh ? crypto::random_bytes(32) : key;
        if (fresh && metadata.has_other_keys)
            throw Error(fmt::format("{} is for keys of PGP or a cloud as well, which chaos can not close for",
                                    quoted_name(path)))
                .help("sops updatekeys FILE; sops rotate --in-place FILE");
        std::string mac;
        const Value closed = sops::close(read, metadata, data_key, fresh ? sops::Kept() : kept, mac);
        const Value said = sops::metadata_with(metadata, recipients, data_key, fresh, mac, now_in_words());
        Value whole = closed;
        std::get<Value::Map>(whole.data).push_back({Value(std::string("sops")), said});
        if (form == Form::sops_json) {
            std::string json;
            print_json(whole, 0, json);
            return json + '\n';
        }
        const auto opens_as_it_was = [&](const std::string& bytes) {
            try {
                const Value root = parse_hidden(bytes, path);
                sops::open(root, sops::metadata_of(root), data_key);
                return without_metadata(root) == closed;
            } catch (const Error&) {
                return false;
            }
        };
        const std::string end = "sops:\n" + indented(to_yaml(said));
        const auto ended = [&](std::string bytes) {
            if (!bytes.empty() && !bytes.ends_with('\n')) bytes += '\n';
            return bytes + end;
        };
        if (read.map().empty()) return end;
        const std::string values =
            rewritten(text, read, closed, [&](const std::string& b) { return opens_as_it_was(ended(b)); });
        std::string bytes = ended(values);
        if (!opens_as_it_was(bytes))
            throw Error(fmt::format("{} can not be written so that it reads the same", quoted_name(path)));
        return bytes;
    }
};

SecretFile::SecretFile(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
SecretFile::SecretFile(SecretFile&&) noexcept = default;
SecretFile& SecretFile::operator=(SecretFile&&) noexcept = default;
SecretFile::~SecretFile() = default;

SecretFile SecretFile::open(const std::string& path, const KeyRing& ring) {
    return open_bytes(path, beside::read(path, largest_file), ring);
}

SecretFile SecretFile::open_bytes(const std::string& path, std::string bytes, const KeyRing& ring) {
    auto parts = std::make_unique<Parts>();
    parts->path = path;
    try {
        if (age::is_age(bytes)) {
            parts->open_age(bytes, ring);
            return SecretFile(std::move(parts));
        }
        const Value root = parse_hidden(bytes, path);
        if (!sops::is_sops(root))
            throw Error(fmt::format("{} lies open: it is neither a file of age nor of sops", quoted_name(path)))
                .help(fmt::format("close it: chaos secrets edit --recipient age1... {}", path));
        parts->open_sops(bytes, root, ring);
        return SecretFile(std::move(parts));
    } catch (const age::NoKey& error) {
        LacksKey lacks(fmt::format("can not open '{}': {}", path, error.what()));
        if (!parts->passphrase) lacks.hint = how_to_give_a_key();
        throw lacks;
    } catch (const LacksKey&) {
        throw;
    } catch (const Error& error) {
        const std::string words = error.what();
        if (words.find('\'' + path + '\'') != std::string::npos) throw;
        throw Error(fmt::format("can not open '{}': {}", path, words)).help(error.hint);
    }
}

SecretFile SecretFile::make(const std::string& path, Form form, const std::vector<std::string>& recipients) {
    auto parts = std::make_unique<Parts>();
    parts->path = path, parts->form = form;
    parts->metadata.unencrypted_suffix = "_unencrypted";
    parts->take(form == Form::sops_json ? "{\n}\n" : "{}\n");
    SecretFile file(std::move(parts));
    file.be_for(recipients);
    return file;
}

bool SecretFile::is_one(const std::string& bytes) {
    if (age::is_age(bytes)) return true;
    try {
        return sops::is_sops(parse_hidden(bytes, "it"));
    } catch (const Error&) {
        return false;
    }
}

SecretFile::Form SecretFile::form() const {
    return parts_->form;
}
const Value& SecretFile::tree() const {
    return parts_->tree;
}
std::string SecretFile::text() const {
    return parts_->text;
}
const std::vector<std::string>& SecretFile::recipients() const {
    return parts_->recipients;
}
bool SecretFile::by_passphrase() const {
    return parts_->passphrase.has_value();
}

std::vector<std::string> SecretFile::names() const {
    std::vector<std::string> names;
    if (!parts_->tree.map().empty()) add_names(parts_->tree, "", names);
    return names;
}

void SecretFile::replace(std::string text) {
    if (text.find_first_not_of(" \t\r\n") == std::string::npos) text = "{}\n";
    parts_->take(std::move(text));
}

void SecretFile::be_for(const std::vector<std::string>& recipients) {
    if (recipients.empty())
        throw Error("a file of secrets is for somebody").help("--recipient age1...; chaos secrets keygen makes a key");
    std::vector<std::string> all;
    for (const std::string& one : recipients) {
        const std::string text = age::parse_recipient(one).text;
        if (std::find(all.begin(), all.end(), text) == all.end()) all.push_back(text);
    }
    parts_->recipients = std::move(all), parts_->fresh = true;
}

void SecretFile::set(const std::string& name, const std::string& value) {
    std::vector<std::string> path;
    if (parts_->read.find(name)) {
        path = {name};
    } else {
        for (std::size_t at = 0; at <= name.size();) {
            const auto end = std::min(name.find('.', at), name.size());
            path.push_back(name.substr(at, end - at));
            if (path.back().empty())
                throw Error(fmt::format("'{}' can not be the name of a secret", name))
                    .help("write it as in db.password");
            at = end + 1;
        }
    }
    Value wanted = parts_->read;
    Value* at = &wanted;
    for (const std::string& word : path) {
        if (!at->is_map()) throw Error(fmt::format("'{}' is below a secret that is no mapping", name));
        auto& map = std::get<Value::Map>(at->data);
        auto held = std::find_if(map.begin(), map.end(), [&](const auto& e) { return e.key.text() == word; });
        if (held == map.end()) held = map.insert(map.end(), {Value(word), Value(Value::Map{})});
        at = &held->value;
    }
    if (at->is_list() || (at->is_map() && !at->map().empty()))
        throw Error(fmt::format("'{}' is {}, not a text", name, kind_of(*at)))
            .help("chaos secrets edit FILE changes it");
    *at = Value(value), at->quoted = true;
    const auto says = [&](const Value& root) {
        const Value* found = &root;
        for (const std::string& word : path) found = found && found->is_map() ? found->find(word) : nullptr;
        auto names = [](const Value& tree) {
            std::vector<std::string> all;
            add_names(tree, "", all);
            return std::sort(all.begin(), all.end()), all;
        };
        return found && found->is_text() && found->text() == value &&
               (found->quoted || type_of(*found) == Type::text) && names(root) == names(wanted);
    };
    if (parts_->form != Form::sops_json)
        if (auto text = yaml_edit::with_value(yaml_edit::Lines(parts_->text), parts_->read, path, value)) {
            try {
                if (says(parse_hidden(*text, parts_->path))) return parts_->take(std::move(*text));
            } catch (const Error&) {
                // written in a way that is not foreseen: below
            }
        }
    std::string text;
    if (parts_->form == Form::sops_json)
        print_json(wanted, 0, text), text += '\n';
    else
        text = to_yaml(wanted);
    parts_->take(std::move(text));
}

std::string SecretFile::bytes() const {
    return parts_->is_sops() ? parts_->sops_bytes() : parts_->age_bytes();
}

Value names_without_key(const std::string& path) {
    const std::string bytes = beside::read(path, largest_file);
    if (age::is_age(bytes)) return Value();
    Value root = parse_hidden(bytes, path);
    if (!sops::is_sops(root)) return Value();
    root = without_metadata(std::move(root));
    mark_secret(root);
    return root;
}

}  // namespace chaos
