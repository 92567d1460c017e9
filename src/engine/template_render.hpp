// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "evaluator.hpp"
#include "template.hpp"

namespace chaos::language {

/// A block as one template says it; those of the templates it extends follow.
struct BlockOf {
    const Templates::File* file;
    const Statement* statement;
};
using Blocks = std::map<std::string, std::vector<BlockOf>, std::less<>>;

/// One template on its way: its own names, its blocks, the template it extends.
struct Instance {
    const Templates::File* file;
    std::shared_ptr<Frame> top;
    std::shared_ptr<Blocks> blocks = std::make_shared<Blocks>();
    const Statement* extends = nullptr;
    const Templates::File* parent = nullptr;
};

/// Carries out the statements of templates.
class Renderer {
public:
    Renderer(Templates& templates, Blanks blanks, Names& names)
        : evaluator(names), templates_(templates), blanks_(blanks) {
        evaluator.strict_truth = false;
    }

    Evaluator evaluator;

    /// A whole template, with those it extends. `outer`: names it sees beside its own.
    std::shared_ptr<Instance> render(const Templates::File&, std::shared_ptr<Frame> outer);
    bool secret() const { return secret_ || evaluator.secret_decided; }
    std::string& out() { return *out_; }

    /// What `act` writes, as a text.
    template <class Act>
    Datum captured(Act act) {
        std::string text;
        std::string* const before = std::exchange(out_, &text);
        const bool secret = std::exchange(secret_, false);
        const auto back = [&] { out_ = before, secret_ |= secret; };
        try {
            act();
        } catch (...) {
            back();
            throw;
        }
        const bool inside = std::exchange(secret_, false);
        back();
        return Datum::of(std::move(text), evaluator.autoescape).taint(inside);
    }

    void run(const Body&, Instance&);
    /// The same, its mistakes told at their places.
    void run_in(const Templates::File&, const Body&, Instance&);
    void run_block(Instance&, const std::string& name, std::size_t level, std::shared_ptr<Frame> outer);
    /// The turns of a loop over these items.
    void run_loop(const Statement&, Instance&, List items, std::shared_ptr<Frame> outer, std::int64_t depth);
    std::shared_ptr<Frame> framed(std::shared_ptr<Frame> outer) const;
    Datum macro_of(const Statement&, Instance&);
    void assign(const Target&, const Datum&);

private:
    friend class Framed;
    void run(const Statement&, Instance&);
    void emit(std::string_view);
    void print(const Statement&, Instance&);
    void choose(const Statement&, Instance&);
    void loop(const Statement&, Instance&);
    void set(const Statement&, Instance&);
    void with(const Statement&, Instance&);
    void call(const Statement&, Instance&);
    void through_filters(const Statement&, Instance&);
    void include(const Statement&, Instance&);
    void import(const Statement&, Instance&);
    void extend(const Statement&, Instance&);
    Datum filtered(const Statement&, Instance&, Datum text);
    const Templates::File& other(const Statement&, Instance&, bool& missing);
    Instance& keep(std::shared_ptr<Instance> instance) { return *kept_.emplace_back(std::move(instance)); }

    Templates& templates_;
    Blanks blanks_;
    std::string text_;
    std::string* out_ = &text_;
    bool secret_ = false;
    std::vector<std::shared_ptr<Instance>> kept_;  // macros point at them
};

/// The names of a body, as long as it runs.
class Framed {
public:
    Framed(Evaluator& evaluator, std::shared_ptr<Frame> frame)
        : evaluator_(evaluator), before_(std::exchange(evaluator.frame, std::move(frame))) {}
    ~Framed() { evaluator_.frame = std::move(before_); }
    Framed(const Framed&) = delete;

private:
    Evaluator& evaluator_;
    std::shared_ptr<Frame> before_;
};

std::shared_ptr<Object> loop_object(Renderer&, const Statement&, Instance&, std::shared_ptr<const List> items,
                                    std::int64_t depth, std::shared_ptr<Frame> outer);
void next_turn(Object& loop, std::size_t index);
std::shared_ptr<Object> macro_object(Renderer&, const Statement&, Instance&, std::shared_ptr<Frame> closure);
std::shared_ptr<Object> module_object(std::shared_ptr<Instance>, std::string text);
std::shared_ptr<Object> self_object(Renderer&, Instance&);
std::shared_ptr<Object> super_object(Renderer&, Instance&, std::string block, std::size_t level,
                                     std::shared_ptr<Frame> outer);

}  // namespace chaos::language
