// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/content.hpp>
#include <chaos/error.hpp>
#include <chaos/value.hpp>
#include <memory>
#include <optional>
#include <span>

namespace chaos {

/// How two wishes, or a wish and what is there, come together.
enum class Merge : char {
    whole,    ///< The new one replaces the old one.
    members,  ///< A set that others add to as well: what is asked for is added, nothing is taken out (unless `exact`).
    keys,     ///< A mapping: key by key.
    text,     ///< Whole, but a three-way merge of lines can be asked for.
};

/// How a C++ type is written in a manifest. Specialise it to give schemas a new kind of value: `name` and `json` (a
/// JSON schema) for people and editors, `decode` (throws Error), `encode` (canonical: equal values give equal text;
/// decode(encode(x)) == x).
template <class T>
struct Codec;

template <>
struct Codec<std::string> {
    static constexpr std::string_view name = "text", json = R"({"type":"string"})";
    static constexpr Merge merge = Merge::whole;
    static std::string decode(const Value& value) { return value.text(); }
    static Value encode(const std::string& text) { return text; }
};

template <>
struct Codec<bool> {
    static constexpr std::string_view name = "true or false", json = R"({"type":"boolean"})";
    static constexpr Merge merge = Merge::whole;
    static bool decode(const Value& value);
    static Value encode(bool flag) { return std::string(flag ? "true" : "false"); }
};

template <>
struct Codec<std::int64_t> {
    static constexpr std::string_view name = "whole number", json = R"({"type":"integer"})";
    static constexpr Merge merge = Merge::whole;
    static std::int64_t decode(const Value& value);
    static Value encode(std::int64_t number) { return std::to_string(number); }
};

template <>
struct Codec<Content> {
    static constexpr std::string_view name = "text", json = R"({"type":"string"})";
    static constexpr Merge merge = Merge::text;
    static Content decode(const Value& value);
    static Value encode(const Content& content);
};

/// Permissions, as chmod takes them: `0644`, `644`, `2755` or `u=rw,go=r`. Absolute: `u+x` is an error.
struct Mode {
    std::uint32_t bits = 0;
    friend bool operator==(Mode, Mode) = default;
};
template <>
struct Codec<Mode> {
    static constexpr std::string_view name = "mode", json = R"({"type":["string","integer"]})";
    static constexpr Merge merge = Merge::whole;
    static Mode decode(const Value& value);
    static Value encode(Mode mode);
};

/// A length of time with its unit: `90s`, `5m`, `2h`, `1d`.
struct Seconds {
    std::int64_t count = 0;
    friend bool operator==(Seconds, Seconds) = default;
};
template <>
struct Codec<Seconds> {
    static constexpr std::string_view name = "duration", json = R"({"type":"string"})";
    static constexpr Merge merge = Merge::whole;
    static Seconds decode(const Value& value);
    static Value encode(Seconds seconds);
};

/// An absolute path, clean as schema::clean_path makes it. What a store kept is taken as it is: a host may have others.
struct Path {
    std::string text{};
    operator const std::string&() const { return text; }
    friend bool operator==(const Path&, const Path&) = default;
};
template <>
struct Codec<Path> {
    static constexpr std::string_view name = "absolute path", json = R"({"type":"string"})";
    static constexpr Merge merge = Merge::whole;
    static Path decode(const Value& value);
    static Value encode(const Path& path) { return path.text; }
};

/// A number of bytes with its unit: `2GiB`, `46GB`, `512B`. Without one, and with a bare `M`, it would be a guess.
struct Size {
    std::uint64_t bytes = 0;
    friend bool operator==(Size, Size) = default;
};
template <>
struct Codec<Size> {
    static constexpr std::string_view name = "size", json = R"({"type":"string"})";
    static constexpr Merge merge = Merge::whole;
    static Size decode(const Value& value);
    static Value encode(Size size);
};

/// A port of TCP or UDP, from 1 to 65535.
struct Port {
    std::uint16_t number = 0;
    friend bool operator==(Port, Port) = default;
};
template <>
struct Codec<Port> {
    static constexpr std::string_view name = "port", json = R"({"type":"integer","minimum":1,"maximum":65535})";
    static constexpr Merge merge = Merge::whole;
    static Port decode(const Value& value);
    static Value encode(Port port) { return std::to_string(port.number); }
};

/// An address of IPv4 or IPv6, in the one spelling of RFC 5952.
struct Address {
    std::string text{};
    friend bool operator==(const Address&, const Address&) = default;
};
template <>
struct Codec<Address> {
    static constexpr std::string_view name = "address", json = R"({"type":"string"})";
    static constexpr Merge merge = Merge::whole;
    static Address decode(const Value& value);
    static Value encode(const Address& address) { return address.text; }
};

/// A network as `10.0.0.0/8` or `2001:db8::/32`: no bit of the host is set in it.
struct Cidr {
    std::string text{};
    friend bool operator==(const Cidr&, const Cidr&) = default;
};
template <>
struct Codec<Cidr> {
    static constexpr std::string_view name = "network", json = R"({"type":"string"})";
    static constexpr Merge merge = Merge::whole;
    static Cidr decode(const Value& value);
    static Value encode(const Cidr& network) { return network.text; }
};

/// A command as a list of words, or a text split like a shell's words without a shell: quotes and backslash, no
/// expansion of anything.
struct Words {
    std::vector<std::string> list;
    friend bool operator==(const Words&, const Words&) = default;
};
template <>
struct Codec<Words> {
    static constexpr std::string_view name = "command", json = R"({"type":["string","array"]})";
    static constexpr Merge merge = Merge::whole;
    static Words decode(const Value& value);
    static Value encode(const Words& words);
};

/// Members of a set, sorted, each once. One scalar is a set of one.
template <>
struct Codec<std::vector<std::string>> {
    static constexpr std::string_view name = "list of texts",
                                      json = R"({"type":["array","string"],"items":{"type":"string"}})";
    static constexpr Merge merge = Merge::members;
    static std::vector<std::string> decode(const Value& value);
    static Value encode(const std::vector<std::string>& members);
};

/// Texts by name, sorted by name.
using TextMap = std::vector<std::pair<std::string, std::string>>;
template <>
struct Codec<TextMap> {
    static constexpr std::string_view name = "mapping of texts", json = R"({"type":"object"})";
    static constexpr Merge merge = Merge::keys;
    static TextMap decode(const Value& value);
    static Value encode(const TextMap& map);
};

/// An attribute that may be left out: what it governs is then left as it is.
template <class T>
struct Codec<std::optional<T>> : Codec<T> {
    static std::optional<T> decode(const Value& value) { return Codec<T>::decode(value); }
    static Value encode(const std::optional<T>& held) { return held ? Codec<T>::encode(*held) : Value(); }
};

/// For enumerators written as words. Specialise `words` (in the order of the enumerators, the first being 0) and
/// derive: template <> struct Codec<OnChange> : WordCodec<OnChange> { static constexpr ... words, name, json }.
template <class E, const auto& words>
struct WordCodec {
    static constexpr Merge merge = Merge::whole;
    static E decode(const Value& value) {
        std::string expected;
        for (std::size_t i = 0; i < std::size(words); ++i) {
            if (value.text() == words[i]) return static_cast<E>(i);
            expected += std::string(i ? ", " : "") + std::string(words[i]);
        }
        throw Error(value.where, "expected one of " + expected + ", found '" + value.text() + "'");
    }
    static Value encode(E e) { return std::string(words[static_cast<std::size_t>(e)]); }
};

/// One attribute of a kind. A constant: no schema costs anything before it is used.
struct Field {
    enum class Role : char {
        key,       ///< names the resource; two of a kind may not share it
        property,  ///< what shall be true of the host; compared, applied, recorded and undone
        option,    ///< how to look or how to bring it about; recorded, never compared
        source,    ///< a file beside the manifest whose bytes become the attribute `into`; gone once compiled
        rendered,  ///< a template beside the manifest whose text becomes the attribute `into`; gone once compiled
        names,     ///< what that template sees by bare name; gone once compiled
        seen,      ///< only ever observed, never written by a manifest: what else must be known to put things back
        resource,  ///< stands for the resource of the kind `stands_for` with the same key; gone once compiled
    };
    std::string_view name, doc, type, json;
    std::string_view
        sample{};  ///< A value as a manifest would write it: for the reference, and for the tests of the laws.
    std::string_view fallback{};    ///< What holds where it is not written, in words: for the reference.
    std::string_view into{};        ///< Role::source and Role::rendered only.
    std::string_view stands_for{};  ///< Role::resource only: the kind, whose main attribute a scalar or list gives.
    std::string_view alias{};       ///< An older or foreign name that means the same.
    /// What the meta attribute `user` says, where this one does not: the person, or the person's group.
    enum class Person : char { no, user, group };
    Role role = Role::property;
    Merge merge = Merge::whole;
    Person person = Person::no;
    bool required = false, secret = false, live = false;
    bool told = false;  ///< A mapping that people read as words: why, and what of which. Others are NAME=VALUE.
    bool pins = false;  ///< Where it is true, nothing of the resource shall change: see pinned_since().

    // How any Spec's member is reached.
    Value (*get)(const void* spec) = nullptr;         ///< Null where an optional member holds nothing.
    void (*set)(void* spec, const Value&) = nullptr;  ///< Throws Error at the value's place.
    bool (*same)(const void* a, const void* b) = nullptr;
    void (*copy)(void* to, const void* from) = nullptr;
    bool (*given)(const void* spec) = nullptr;  ///< False where an optional member was left out.
    void (*clear)(void* spec) = nullptr;        ///< As if it had been left out.

    /// Said by a manifest alone: no Spec has it, and no store.
    constexpr bool compiled_away() const {
        return role == Role::source || role == Role::rendered || role == Role::names || role == Role::resource;
    }

    constexpr Field needed() const {
        auto f = *this;
        return f.required = true, f;
    }
    constexpr Field example(std::string_view text) const {
        auto f = *this;
        return f.sample = text, f;
    }
    constexpr Field otherwise(std::string_view words) const {
        auto f = *this;
        return f.fallback = words, f;
    }
    constexpr Field also(std::string_view other_name) const {
        auto f = *this;
        return f.alias = other_name, f;
    }
    constexpr Field sensitive() const {
        auto f = *this;
        return f.secret = true, f;
    }
    constexpr Field live_only() const {
        auto f = *this;
        return f.live = true, f;
    }  ///< Holds until the next boot; an image has none.
    constexpr Field told_in_words() const {
        auto f = *this;
        return f.told = true, f;
    }
    constexpr Field pinning() const {
        auto f = *this;
        return f.pins = true, f;
    }  ///< Of true or false. observe always answers it, so that it is recorded.
    constexpr Field persons(Person who = Person::user) const {
        auto f = *this;
        return f.person = who, f;
    }
    constexpr Field merged(Merge how) const {
        auto f = *this;
        return f.merge = how, f;
    }
};

/// What a host may lack. A fact has none of these; a kind that writes only under a root has none either.
struct Needs {
    bool live = false;     ///< A running kernel: not an image.
    bool root = false;     ///< The superuser, whatever the path.
    bool systemd = false;  ///< A service manager that answers (on a live host).
};

/// Where nothing else is said, kinds come in this order; what goes, goes the other way round (manifest.md section 7).
enum class Order : char {
    repository,
    package,
    group,
    user,
    mount,
    directory,
    file,
    link,
    setting,
    unit,
    service,
    session,
    exec,
    check
};

/// Whether what is of a kind can be a person's, not the host's: its key is then `~PERSON/KEY`, and its id is written
/// `~PERSON/kind:KEY`.
enum class Personal : char {
    no,
    may_be,  ///< Where `user` names somebody, and for all that is applied without root.
    always,  ///< Without `user`, it is of who applies.
};

/// What a kind, or a fact, looks like, said once: decoding, comparing, explain, reference, JSON schema and store read
/// this and nothing else.
struct Schema {
    std::string_view name;     ///< Singular: `file`. The first part of an id.
    std::string_view section;  ///< As a manifest's top level has it: `files`.
    std::string_view doc;
    std::span<const Field> fields;
    Order order = Order::setting;
    std::string_view
        main{};     ///< The attribute that a scalar body gives. Part of the language: never changed once released.
    Needs needs{};  ///< Said by the plan, before anything runs.
    bool reacts = false;  ///< May `watch` others and do something when they change.
    Personal personal = Personal::no;
    std::string (*clean)(std::string_view key) =
        nullptr;  ///< Two spellings of one key become one; throws Error where it can be none.
    std::shared_ptr<void> (*make)() = nullptr;  ///< A Spec as its initialisers leave it: the documented defaults.
    std::shared_ptr<void> (*clone)(const void* spec) = nullptr;

    const Field* find(std::string_view name) const;  ///< By name or alias.
    const Field* key() const;                        ///< Null for a kind of which a host has one.

    constexpr Schema body(std::string_view main_attribute) const {
        auto s = *this;
        return s.main = main_attribute, s;
    }
    constexpr Schema requires_(Needs what) const {
        auto s = *this;
        return s.needs = what, s;
    }
    constexpr Schema reacting() const {
        auto s = *this;
        return s.reacts = true, s;
    }
    constexpr Schema of_persons(Personal whose = Personal::may_be) const {
        auto s = *this;
        return s.personal = whose, s;
    }
    constexpr Schema keyed(std::string (*how)(std::string_view)) const {
        auto s = *this;
        return s.clean = how, s;
    }
};

namespace schema {

template <auto Member>
struct Access;
template <class Spec, class T, T Spec::*Member>
struct Access<Member> {
    static Value get(const void* spec) { return Codec<T>::encode(static_cast<const Spec*>(spec)->*Member); }
    static void set(void* spec, const Value& value) { static_cast<Spec*>(spec)->*Member = Codec<T>::decode(value); }
    static bool same(const void* a, const void* b) {
        return static_cast<const Spec*>(a)->*Member == static_cast<const Spec*>(b)->*Member;
    }
    static void copy(void* to, const void* from) {
        static_cast<Spec*>(to)->*Member = static_cast<const Spec*>(from)->*Member;
    }
    static bool given(const void* spec) {
        if constexpr (requires(const T& t) { t.has_value(); })
            return (static_cast<const Spec*>(spec)->*Member).has_value();
        else
            return (void)spec, true;
    }
    static void clear(void* spec) { static_cast<Spec*>(spec)->*Member = T{}; }
    static constexpr Field field(Field::Role role, std::string_view name, std::string_view doc) {
        Field f{name, doc, Codec<T>::name, Codec<T>::json};
        f.role = role, f.merge = Codec<T>::merge;
        f.get = get, f.set = set, f.same = same, f.copy = copy, f.given = given, f.clear = clear;
        return f;
    }
};

template <auto Member>
constexpr Field key(std::string_view name, std::string_view doc) {
    return Access<Member>::field(Field::Role::key, name, doc).needed();
}
template <auto Member>
constexpr Field property(std::string_view name, std::string_view doc) {
    return Access<Member>::field(Field::Role::property, name, doc);
}
template <auto Member>
constexpr Field option(std::string_view name, std::string_view doc) {
    return Access<Member>::field(Field::Role::option, name, doc);
}
template <auto Member>
constexpr Field seen(std::string_view name, std::string_view doc) {
    return Access<Member>::field(Field::Role::seen, name, doc);
}
/// `source: www/index.html` beside the manifest gives the attribute `into`.
constexpr Field source(std::string_view name, std::string_view into, std::string_view doc) {
    Field f{name, doc, "path beside the manifest", R"({"type":"string"})"};
    f.role = Field::Role::source, f.into = into;
    return f;
}
/// `template: templates/site.conf.j2` beside the manifest gives the attribute `into`.
constexpr Field rendered(std::string_view name, std::string_view into, std::string_view doc) {
    Field f{name, doc, "path beside the manifest, or a mapping of file, trim_blocks and lstrip_blocks",
            R"({"type":["string","object"]})"};
    f.role = Field::Role::rendered, f.into = into;
    return f;
}
/// `with: {port: 80}`: what the template sees as `port`.
constexpr Field names(std::string_view name, std::string_view doc) {
    Field f{name, doc, "values by name", R"({"type":["object","string"]})"};
    f.role = Field::Role::names, f.merge = Merge::keys;
    return f;
}
/// `authorized_keys: [KEY]` on a user is the resource `authorized_keys:USER`: a resource like any other, to layers, the
/// plan and the store. `kind` has a key and a main attribute; false says that it shall not be there.
constexpr Field resource(std::string_view name, std::string_view kind, std::string_view doc) {
    Field f{name, doc, "what that one takes, or false", R"({"type":["string","array","object","boolean"]})"};
    f.role = Field::Role::resource, f.stands_for = kind;
    return f;
}
template <class Spec>
constexpr Schema of(std::string_view name, std::string_view section, Order order, std::string_view doc,
                    std::span<const Field> fields) {
    Schema s{name, section, doc, fields, order};
    s.make = []() -> std::shared_ptr<void> { return std::make_shared<Spec>(); };
    s.clone = [](const void* spec) -> std::shared_ptr<void> {
        return std::make_shared<Spec>(*static_cast<const Spec*>(spec));
    };
    return s;
}

std::string clean_path(
    std::string_view);  ///< Absolute, no `//`, `/./` or final `/`; throws on `..` and relative paths.

}  // namespace schema
}  // namespace chaos
