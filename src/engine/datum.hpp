// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/error.hpp>
#include <chaos/value.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include "expression.hpp"

namespace chaos::language {

/// What an evaluation may still cost. Everything that walks over data pays here, so that a hostile template ends with
/// an error and not with a full machine.
class Budget {
public:
    Budget() = default;
    /// Goes on from the levels and the steps that there are already.
    explicit Budget(Effort& effort) : depth_(&effort.levels), effort_(&effort) { begin(); }
    ~Budget() {
        if (effort_) effort_->steps += began_ - left_;
    }
    Budget(const Budget&) = delete;

    static constexpr std::uint64_t most_steps = 10'000'000;
    static constexpr std::size_t longest_text = 16 << 20;
    static constexpr int deepest = 600;  // of data, of calls, of what is evaluated within what

    void spend(std::uint64_t steps) {
        if (steps > left_) exhausted(*this);
        left_ -= steps;
    }
    /// A text that was made.
    void text(std::size_t bytes) {
        fits(bytes);
        spend(bytes / 32 + 1);
    }
    /// A text that is being made: only whether it is too long already.
    static void fits(std::size_t bytes) {
        if (bytes > longest_text) too_long();
    }
    std::uint64_t left() const { return left_; }

    /// One level down, as long as it lives.
    class Level {
    public:
        explicit Level(Budget& budget) : budget_(budget) {
            if (++*budget_.depth_ > deepest) too_deep(budget_);
        }
        ~Level() { --*budget_.depth_; }
        Level(const Level&) = delete;

    private:
        Budget& budget_;
    };

private:
    [[noreturn]] static void exhausted(const Budget&);
    [[noreturn]] static void too_long();
    [[noreturn]] static void too_deep(Budget&);
    void begin();
    std::uint64_t left_ = most_steps, began_ = most_steps;
    int own_depth_ = 0;
    int* depth_ = &own_depth_;
    Effort* effort_ = nullptr;
};

class Evaluator;
class Object;
class Datum;
struct Arguments;
using List = std::vector<Datum>;
struct Dict;

/// A value while expressions are evaluated: what Python knows, so that results are Jinja2's. Copying one copies a
/// pointer; lists and mappings of the manifest stay where they are and are only looked at.
class Datum {
public:
    enum class Kind : char { undefined, none, boolean, integer, real, text, list, map, object };
    enum class Form : char {
        list,
        tuple,
        group,
        range,
        keys,
        values,
        items
    };  ///< Of a list; `group` is one of groupby.

    Datum() = default;  ///< Undefined.
    static Datum undefined(std::string message, std::string hint = "");
    static Datum blank();  ///< Not defined, and prints as nothing: the else that an `x if y` has not.
    static Datum none();
    static Datum of(bool);
    static Datum of(std::int64_t);
    static Datum of(double);
    static Datum of(std::string text, bool markup = false);
    static Datum of(const char* text) { return of(std::string(text)); }
    static Datum of(std::string_view text) { return of(std::string(text)); }
    static Datum of(List, Form = Form::list);
    static Datum of(Dict);
    static Datum of(std::shared_ptr<Object>);
    static Datum of(std::shared_ptr<const Value>);
    /// Looks at a value that outlives it.
    static Datum borrow(const Value& value) {
        return of(std::shared_ptr<const Value>(std::shared_ptr<void>(), &value));
    }

    Kind kind() const { return kind_; }
    Form form() const { return form_; }
    bool is(Kind kind) const { return kind_ == kind; }
    bool is_blank() const { return kind_ == Kind::undefined && !quoted_; }
    bool is_undefined() const { return kind_ == Kind::undefined; }
    bool is_text() const { return kind_ == Kind::text; }
    bool is_list() const { return kind_ == Kind::list; }
    bool is_map() const { return kind_ == Kind::map; }
    bool is_integral() const { return kind_ == Kind::integer || kind_ == Kind::boolean; }
    bool is_number() const { return is_integral() || kind_ == Kind::real; }
    bool is_tuple() const { return kind_ == Kind::list && (form_ == Form::tuple || form_ == Form::group); }
    bool markup() const { return markup_; }  ///< A text that is HTML already.

    bool secret = false;  ///< It was made from something that must never be shown.
    Datum& taint(bool is_secret) & { return secret |= is_secret, *this; }
    Datum&& taint(bool is_secret) && { return secret |= is_secret, std::move(*this); }

    bool boolean() const { return number_.integer != 0; }
    std::int64_t integer() const { return number_.integer; }  ///< Of a boolean 0 or 1.
    double real() const { return kind_ == Kind::real ? number_.real : static_cast<double>(number_.integer); }
    const std::string& text() const { return *static_cast<const std::string*>(held_.get()); }
    Object& object() const;
    std::shared_ptr<Object> shared_object() const;

    /// Of a list or mapping.
    std::size_t size() const;
    Datum at(std::size_t number) const;      ///< The item, or the value of an entry.
    Datum key_at(std::size_t number) const;  ///< Of a mapping.
    std::optional<Datum> find(const Datum& key) const;
    std::optional<Datum> find(std::string_view key) const;
    /// What may be changed: null where it belongs to the manifest.
    List* own_list() const;
    Dict* own_map() const;

    /// How a value of the manifest was written there; null for what was computed, and where it is no scalar.
    const std::string* written() const;
    const Value* origin() const { return borrowed_ ? static_cast<const Value*>(held_.get()) : nullptr; }
    bool quoted() const { return quoted_; }

    const std::string& missing() const;  ///< Of an undefined one: what is not there,
    const std::string& missing_hint() const;
    const void* identity() const { return held_.get(); }
    bool is_alone() const { return held_.use_count() == 1; }  ///< Nobody else holds what it holds.

private:
    Kind kind_ = Kind::undefined;
    Form form_ = Form::list;
    bool markup_ = false, quoted_ = true;
    bool borrowed_ = false;  // held_ is a Value: a list or mapping of the manifest
    union Number {
        std::int64_t integer = 0;
        double real;
    } number_;
    std::shared_ptr<const void> held_;
};

/// A mapping that was made here, in order of writing.
struct Dict {
    std::vector<std::pair<Datum, Datum>> entries;

    Datum* find(const Datum& key);
    /// Throws Error where the key is a secret: whatever misses a key tells those that there are.
    void set(const Datum& key, Datum value);
    bool erase(const Datum& key);

private:
    std::size_t position(const std::string& hash) const;
    std::unordered_map<std::string, std::size_t> index_;
};

/// The entries of a mapping; where that is secret as a whole, what is made of them must be tainted as a whole.
Dict copy_of(const Datum& map);

/// What a template has and Python has too, but no data: a macro, a namespace, the loop.
class Object {
public:
    virtual ~Object();
    virtual std::string_view called() const = 0;  ///< "a macro": for messages.
    virtual std::optional<Datum> member(std::string_view) { return std::nullopt; }
    virtual bool assign(std::string_view, Datum) { return false; }  ///< `set ns.x`; false where it has no such thing.
    virtual bool callable() const { return false; }
    virtual Datum call(Evaluator&, Arguments&);
    virtual std::string text() const;  ///< As it prints.
    virtual void clear() {}            ///< The evaluation is over: lets go of what may lead back to it.
    virtual Datum invoke(Evaluator&, std::string_view method, Arguments&);
};

/// What a call is given.
struct Arguments {
    List positional;
    std::vector<std::pair<std::string, Datum>> named;
};

/// Kinds in words: "a number", "a list".
std::string_view name_of(const Datum&);

/// Python's str() and repr(), but for what the manifest wrote: that stays as it was written. An undefined one throws.
std::string text_of(const Datum&, Budget&);
std::string repr_of(const Datum&, Budget&);
std::string text_of(double);

bool truth_of(const Datum&);
void require(const Datum&);  ///< Throws Error where it is not defined.
bool equal(const Datum&, const Datum&, Budget&);
/// -1, 0, 1 as Python orders; throws Error where it does not.
int compare(const Datum&, const Datum&, Budget&, std::string_view sign = "<");
/// The same for keys that are equal; throws Error for what can be no key.
std::string key_of(const Datum&, Budget&);

/// True where it, or something in it, is secret.
bool holds_secret(const Datum&, Budget&);

/// What a manifest can hold. Throws Error for a macro and its like, and for what is not defined.
Value value_of(const Datum&, Budget&);

/// Items of what can be walked over: of a text its characters, of a mapping its keys. Throws Error.
List items_of(const Datum&, Budget&);

/// A decimal number as the manifest writes one (no leading zeros), or as text_of makes it.
bool looks_like_number(std::string_view);

}  // namespace chaos::language
