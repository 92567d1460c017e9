// SPDX-License-Identifier: Apache-2.0
#include "sops.hpp"
#include <fmt/format.h>
#include <algorithm>
#include <charconv>
#include <optional>
#include "expression.hpp"
#include "gcm.hpp"
#include "primitives.hpp"
#include "regex.hpp"

namespace chaos::sops {

namespace {

constexpr std::string_view closed_begin = "ENC[AES256_GCM,";
constexpr std::size_t nonce_size = 32;

Error broken(const std::string& why) {
    return Error("this sops file is damaged: " + why);
}

struct Closed {
    std::string nonce, type;
    gcm::Sealed sealed;
};

/// ENC[AES256_GCM,data:...,iv:...,tag:...,type:...]
Closed parse_closed(std::string_view text) {
    Closed closed;
    if (!text.starts_with(closed_begin) || !text.ends_with(']'))
        throw broken("a value that is to be closed stands open");
    text = text.substr(closed_begin.size(), text.size() - closed_begin.size() - 1);
    const auto field = [&](std::string_view name) {
        const auto one = text.substr(0, text.find(','));
        text.remove_prefix(std::min(one.size() + 1, text.size()));
        if (!one.starts_with(name) || one.size() <= name.size() || one[name.size()] != ':')
            throw broken("a value is not as sops closes it");
        return one.substr(name.size() + 1);
    };
    const auto bytes = [&](std::string_view name) {
        auto decoded = crypto::from_base64(field(name));
        if (!decoded) throw broken("a value is not as sops closes it");
        return std::move(*decoded);
    };
    closed.sealed.text = bytes("data");
    closed.nonce = bytes("iv");
    closed.sealed.tag = bytes("tag");
    closed.type = field("type");
    if (!text.empty() || closed.nonce.empty()) throw broken("a value is not as sops closes it");
    return closed;
}

std::string path_text(const std::vector<std::string>& path) {
    std::string out;
    for (const std::string& name : path) out += name + ':';
    return out.empty() ? ":" : out;
}

/// Which values are closed, by the names above them.
class Rules {
public:
    explicit Rules(const Metadata& said) : said_(said) {
        if (!said.unencrypted_regex.empty()) open_.emplace(said.unencrypted_regex);
        if (!said.encrypted_regex.empty()) closed_.emplace(said.encrypted_regex);
    }
    bool closes(const std::vector<std::string>& path) const {
        const auto any = [&](auto test) { return std::any_of(path.begin(), path.end(), test); };
        const auto ends = [](const std::string& end) {
            return [&](const std::string& name) { return name.ends_with(end); };
        };
        const auto fits = [](const language::Regex& regex) {
            return [&](const std::string& name) { return regex.find(name).has_value(); };
        };
        bool closed = true;
        if (!said_.unencrypted_suffix.empty() && any(ends(said_.unencrypted_suffix))) closed = false;
        if (!said_.encrypted_suffix.empty()) closed = any(ends(said_.encrypted_suffix));
        if (open_ && any(fits(*open_))) closed = false;
        if (closed_) closed = any(fits(*closed_));
        return closed;
    }

private:
    const Metadata& said_;
    std::optional<language::Regex> open_, closed_;
};

std::string shortest(double number) {
    char room[400];
    const auto end = std::to_chars(room, room + sizeof room, number, std::chars_format::fixed).ptr;
    return {room, end};
}

bool is_integer(std::string_view text) {
    if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
    return !text.empty() && text.find_first_not_of("0123456789") == text.npos;
}

/// A scalar's type, and its bytes as sops has them.
std::pair<std::string_view, std::string> typed(const Value& scalar) {
    const std::string& text = scalar.text();
    switch (type_of(scalar)) {
        case Type::boolean: return {"bool", text == "true" ? "True" : "False"};
        case Type::number: {
            if (is_integer(text)) return {"int", text.starts_with('+') ? text.substr(1) : text};
            double number = 0;
            std::from_chars(text.data(), text.data() + text.size(), number);
            return {"float", shortest(number)};
        }
        default: return {"str", text};
    }
}

/// The leaves in order, each with the names above it; lists have none. Nested as deep as the reader of YAML allows.
template <class Act>
void each_leaf(Value& value, std::vector<std::string>& path, Act& act) {
    if (value.is_list())
        for (Value& item : std::get<Value::List>(value.data)) each_leaf(item, path, act);
    else if (value.is_map())
        for (auto& [key, held] : std::get<Value::Map>(value.data)) {
            path.push_back(key.text());
            each_leaf(held, path, act);
            path.pop_back();
        }
    else if (value.is_text())
        act(value, path);
}

/// The code over all values, as sops makes it.
class Code {
public:
    explicit Code(const Metadata& said) : only_closed_(said.mac_only_encrypted) {
        if (only_closed_) bytes_ = crypto::sha256("sops");
    }
    void add(std::string_view bytes, bool closed) {
        if (closed || !only_closed_) bytes_ += bytes;
    }
    std::string text() const {
        std::string out;
        for (const char c : crypto::sha512(bytes_)) out += fmt::format("{:02X}", static_cast<unsigned char>(c));
        return out;
    }

private:
    bool only_closed_;
    std::string bytes_;
};

std::string closed_text(std::string_view plain, std::string_view type, std::string_view key, const std::string& path) {
    const std::string nonce = crypto::random_bytes(nonce_size);
    const auto sealed = gcm::seal(key, nonce, plain, path);
    return fmt::format("{}data:{},iv:{},tag:{},type:{}]", closed_begin, crypto::base64(sealed.text),
                       crypto::base64(nonce), crypto::base64(sealed.tag), type);
}

std::string text_of(const Value& map, std::string_view name) {
    const Value* value = map.find(name);
    return value && value->is_text() ? value->text() : std::string();
}

Value without_metadata(const Value& root) {
    Value tree = root;
    std::erase_if(std::get<Value::Map>(tree.data), [](const auto& entry) { return entry.key.text() == "sops"; });
    return tree;
}

}  // namespace

bool is_sops(const Value& root) {
    const Value* said = root.is_map() ? root.find("sops") : nullptr;
    return said && said->is_map() && said->find("mac");
}

Metadata metadata_of(const Value& root) {
    Metadata out;
    out.said = *root.find("sops");
    out.modified = text_of(out.said, "lastmodified"), out.mac = text_of(out.said, "mac");
    out.unencrypted_suffix = text_of(out.said, "unencrypted_suffix");
    out.encrypted_suffix = text_of(out.said, "encrypted_suffix");
    out.unencrypted_regex = text_of(out.said, "unencrypted_regex");
    out.encrypted_regex = text_of(out.said, "encrypted_regex");
    out.mac_only_encrypted = text_of(out.said, "mac_only_encrypted") == "true";
    for (const std::string_view word : {"key_groups", "unencrypted_comment_regex", "encrypted_comment_regex"})
        if (const Value* value = out.said.find(word); value && !value->is_null())
            throw Error(fmt::format("chaos does not understand '{}' of sops", word)).help("open it with sops");
    for (const std::string_view word : {"pgp", "kms", "gcp_kms", "azure_kv", "hc_vault", "hckms"})
        if (const Value* value = out.said.find(word); value && value->is_list())
            out.has_other_keys |= !value->list().empty();
    if (const Value* keys = out.said.find("age"); keys && keys->is_list())
        for (const Value& one : keys->list())
            if (one.is_map()) out.age.emplace_back(text_of(one, "recipient"), text_of(one, "enc"));
    return out;
}

std::string data_key(const Metadata& said, std::span<const age::Identity> identities) {
    if (said.age.empty())
        throw Error("this sops file is for no key of age").help("sops rotate --in-place --add-age age1... FILE");
    const age::Keys keys{{identities.begin(), identities.end()}, {}};
    for (const auto& [recipient, closed] : said.age) {
        try {
            auto key = age::decrypt(closed, keys);
            if (key.size() != 32) throw broken("its data key has another length");
            return key;
        } catch (const age::NoKey&) {
            // perhaps the next
        }
    }
    std::string all;
    for (const auto& [recipient, closed] : said.age) all += (all.empty() ? "" : ", ") + recipient;
    throw age::NoKey(identities.empty() ? fmt::format("there is no key to open this file with: it is for {}", all)
                                        : fmt::format("it is for {}, and none of these keys is at hand", all));
}

Value open(const Value& root, const Metadata& said, std::string_view key, Kept* kept) {
    const Rules rules(said);
    Code code(said);
    Value tree = without_metadata(root);
    std::vector<std::string> path;
    auto leaf = [&](Value& value, const std::vector<std::string>& names) {
        const bool closes = rules.closes(names);
        if (!closes) return code.add(typed(value).second, false);
        if (value.text().empty()) return;
        const Closed closed = parse_closed(value.text());
        const std::string beside = path_text(names);
        auto plain = gcm::open(key, closed.nonce, closed.sealed, beside);
        if (!plain) throw broken(fmt::format("the value of '{}' was changed, or was another's", fmt::join(names, ".")));
        code.add(*plain, true);
        if (closed.type == "bool") *plain = *plain == "True" || *plain == "true" ? "true" : "false";
        if (kept) kept->emplace(std::pair(beside, closed.type + ":" + *plain), value.text());
        value.quoted = closed.type == "str" || closed.type == "bytes";
        value.data = std::move(*plain);
    };
    each_leaf(tree, path, leaf);
    const Closed mac = parse_closed(said.mac);
    const auto wanted = gcm::open(key, mac.nonce, mac.sealed, said.modified);
    if (!wanted || !crypto::same_bytes(*wanted, code.text()))
        throw broken(
            "its code (mac) is not that of its values: something was changed, added or taken away without its key");
    return tree;
}

Value close(const Value& open_tree, const Metadata& said, std::string_view key, const Kept& kept, std::string& mac) {
    const Rules rules(said);
    Code code(said);
    Value tree = open_tree;
    std::vector<std::string> path;
    auto leaf = [&](Value& value, const std::vector<std::string>& names) {
        const bool closes = rules.closes(names);
        const auto [type, bytes] = typed(value);
        code.add(bytes, closes);
        if (!closes || value.text().empty()) return;
        const std::string beside = path_text(names);
        const std::string plain = type == "bool" ? value.text() : bytes;
        const auto same = kept.find({beside, std::string(type) + ":" + plain});
        value.data = same != kept.end() ? same->second : closed_text(bytes, type, key, beside);
        value.quoted = false;
    };
    each_leaf(tree, path, leaf);
    mac = code.text();
    return tree;
}

std::string closed_mac(const std::string& mac, std::string_view key, const std::string& modified) {
    return closed_text(mac, "str", key, modified);
}

Value metadata_with(const Metadata& said, const std::vector<std::string>& recipients, std::string_view key, bool fresh,
                    const std::string& mac, const std::string& modified) {
    Value out = said.said.is_map() ? said.said : Value(Value::Map{});
    auto& map = std::get<Value::Map>(out.data);
    const auto set = [&](const char* name, Value value) {
        const auto held = std::find_if(map.begin(), map.end(), [&](const auto& e) { return e.key.text() == name; });
        held == map.end() ? map.push_back({Value(std::string(name)), std::move(value)})
                          : void(held->value = std::move(value));
    };
    Value::List age;
    for (const std::string& recipient : recipients) {
        const auto held =
            std::find_if(said.age.begin(), said.age.end(), [&](const auto& e) { return e.first == recipient; });
        const auto to = age::parse_recipient(recipient);
        Value closed(held != said.age.end() && !fresh ? held->second : age::encrypt(key, std::span(&to, 1), true));
        closed.quoted = true;
        age.push_back(Value(Value::Map{{Value(std::string("recipient")), Value(recipient)},
                                       {Value(std::string("enc")), std::move(closed)}}));
    }
    set("age", Value(std::move(age)));
    Value time(modified);
    time.quoted = true;
    set("lastmodified", std::move(time));
    set("mac", Value(closed_mac(mac, key, modified)));
    if (!out.find("unencrypted_suffix") && !out.find("encrypted_suffix") && !out.find("unencrypted_regex") &&
        !out.find("encrypted_regex"))
        set("unencrypted_suffix", Value(std::string("_unencrypted")));
    if (!out.find("version")) {
        Value version(std::string("3.8.1"));
        version.quoted = true;
        set("version", std::move(version));
    }
    return out;
}

}  // namespace chaos::sops
