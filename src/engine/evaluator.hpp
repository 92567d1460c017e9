// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "expression.hpp"
#include "syntax.hpp"

namespace chaos::language {

/// Names that a template gives values to, and where to look for others.
struct Frame {
    std::vector<std::pair<std::string, Datum>> names;
    std::shared_ptr<Frame> outer;

    Datum* own(std::string_view name);
    void set(std::string_view name, Datum value);
};

/// Walks expressions. One for a whole template, with all it includes: what may still be spent is counted here.
class Evaluator {
public:
    explicit Evaluator(Names& names) : names_(names), budget_(names.effort) {}
    ~Evaluator();
    Evaluator(const Evaluator&) = delete;

    Datum value(const Tree&, std::uint32_t node);
    /// The same, where what is not defined is a Mistake at its place.
    Datum defined(const Tree&, std::uint32_t node);
    bool decide(const Tree&, std::uint32_t node);  ///< As `if` does; a secret that decides is noted.

    Datum filter(std::string_view name, const Datum& subject, Arguments&);
    bool test(std::string_view name, const Datum& subject, Arguments&);
    Datum call(const Datum& callable, Arguments&);
    /// A node that is a call, with more arguments than are written there.
    Datum called(const Tree&, const Node&, std::vector<std::pair<std::string, Datum>> more = {});
    Arguments arguments(const Tree&, const Node&);
    Datum attribute(const Datum& of, const std::string& name, std::string_view path = "");
    Datum item(const Datum& of, const Datum& key, std::string_view path = "");
    /// `a.b.0`, as the filters that take `attribute` read it.
    Datum path(const Datum& of, std::string_view dotted);

    bool truth(const Datum&) const;  ///< Throws Error where only true and false may decide.
    std::string text(const Datum& datum) { return text_of(datum, budget_); }
    Budget& budget() { return budget_; }
    Datum keep(std::shared_ptr<Object>);  ///< It is cleared when all is over: objects may lead back to themselves.

    std::shared_ptr<Frame> frame;  ///< Of the template that is being rendered; null in a manifest.
    bool strict_truth = true;      ///< Only true and false decide (F35): in a manifest, not in a template.
    bool autoescape = false;
    bool secret_decided = false;  ///< What was looked at in a condition was secret: so is all that came of it.

private:
    Datum step(const Tree&, const Node&);
    Datum name(const Node&);
    Datum member(const Tree&, const Node&);
    Datum index(const Tree&, const Node&);
    Datum slice(const Tree&, const Node&);
    Datum chosen(const Tree&, const Node&);
    Datum compared(const Tree&, const Node&);
    Datum filtered(const Tree&, const Node&);
    Datum tested(const Tree&, const Node&);
    Datum left_of_minus(const Tree&, const Node&);
    Datum logical(const Tree&, const Node&);
    bool is_root(const Tree&, std::uint32_t node) const;
    Datum below_root(const std::string& root, const std::string& name, std::size_t at);
    std::string path_of(const Tree&, std::uint32_t node) const;
    const Datum* local(std::string_view name) const;

    Names& names_;
    Budget budget_;
    std::vector<std::shared_ptr<Object>> objects_;
};

/// Does something with what may be secret: where it fails, what it says of it is left out.
template <class Act>
auto hiding(bool secret, std::string_view what, Act act) {
    try {
        return act();
    } catch (Error& error) {
        if (!secret || error.where) throw;
        throw Error(std::string(what) + " does not work on this secret value");
    }
}

/// `a + b` and the other signs. Throws Error.
Datum operate(std::string_view sign, const Datum& a, const Datum& b, Budget&);

/// Python's `format % arguments`, and format.format(...). Throw Error.
Datum format_percent(const Datum& format, const Datum& arguments, Budget&);
std::string format_braces(const std::string& format, Evaluator&, Arguments&);

/// The method of a text, list or mapping; nothing where it has none of the name. Throws Error.
std::optional<Datum> call_method(Evaluator&, const Datum& self, std::string_view name, Arguments&);

}  // namespace chaos::language
