// SPDX-License-Identifier: Apache-2.0
#include "template_render.hpp"
#include <fmt/format.h>
#include "filters.hpp"

namespace chaos {

Value render(Templates& templates, const Templates::File& file, language::Blanks blanks, Names& names,
             const Value& with) {
    language::Renderer renderer(templates, blanks, names);
    auto given = std::make_shared<language::Frame>();
    if (with.is_map())
        for (const auto& entry : with.map()) given->set(entry.key.text(), language::Datum::borrow(entry.value));
    renderer.render(file, given);
    Value text(std::move(renderer.out()));
    text.quoted = true, text.secret = renderer.secret();
    names.effort.add(text);
    return text;
}

namespace language {

using Kind = Statement::Kind;

std::shared_ptr<Frame> Renderer::framed(std::shared_ptr<Frame> outer) const {
    return std::make_shared<Frame>(Frame{{}, std::move(outer)});
}

void Renderer::emit(std::string_view text) {
    Budget::fits(out_->size() + text.size());
    evaluator.budget().spend(text.size() / 32);
    *out_ += text;
}

namespace {

void collect(const Body& body, const Templates::File& file, Blocks& blocks) {
    for (const Statement& statement : body) {
        if (statement.kind == Kind::block) blocks[statement.name].push_back({&file, &statement});
        for (const Body& inner : statement.bodies) collect(inner, file, blocks);
    }
}

}  // namespace

std::shared_ptr<Instance> Renderer::render(const Templates::File& file, std::shared_ptr<Frame> outer) {
    auto instance = std::make_shared<Instance>();
    instance->file = &file;
    keep(instance);
    const auto beside = framed(std::move(outer));
    beside->set("self", evaluator.keep(self_object(*this, *instance)));
    instance->top = framed(beside);
    const Framed frame(evaluator, instance->top);
    const Templates::File* at = &file;
    while (at) {
        const Budget::Level level(evaluator.budget());
        collect(at->parsed->body, *at, *instance->blocks);
        instance->file = at, instance->parent = nullptr, instance->extends = nullptr;
        run_in(*at, at->parsed->body, *instance);
        evaluator.budget().spend(1000);  // a template that extends itself comes to an end
        at = instance->parent;
    }
    return instance;
}

void Renderer::run_in(const Templates::File& file, const Body& body, Instance& instance) {
    const auto* before = std::exchange(instance.file, &file);
    try {
        run(body, instance);
        instance.file = before;
    } catch (const Mistake& mistake) {
        instance.file = before;
        throw Error(templates_.place(file, mistake.at), mistake.message).help(mistake.hint);
    } catch (...) {
        instance.file = before;
        throw;
    }
}

void Renderer::run(const Body& body, Instance& instance) {
    const Budget::Level level(evaluator.budget());
    for (const Statement& statement : body) {
        evaluator.budget().spend(1);
        try {
            run(statement, instance);
        } catch (Error& error) {
            if (error.where) throw;
            throw Mistake{statement.at, error.what(), error.hint};
        }
    }
}

void Renderer::run(const Statement& statement, Instance& instance) {
    switch (statement.kind) {
        case Kind::text:
            if (!instance.parent) emit(statement.name);
            return;
        case Kind::print: return print(statement, instance);
        case Kind::choose: return choose(statement, instance);
        case Kind::loop: return loop(statement, instance);
        case Kind::set:
        case Kind::set_block: return set(statement, instance);
        case Kind::with: return with(statement, instance);
        case Kind::macro: return evaluator.frame->set(statement.name, macro_of(statement, instance));
        case Kind::call: return call(statement, instance);
        case Kind::filter: return through_filters(statement, instance);
        case Kind::include: return include(statement, instance);
        case Kind::import:
        case Kind::from: return import(statement, instance);
        case Kind::extends: return extend(statement, instance);
        case Kind::block:
            if (instance.parent) return;
            return run_block(instance, statement.name, 0, statement.flag ? evaluator.frame : instance.top);
        case Kind::autoescape: {
            const bool wanted = truth_of(evaluator.defined(instance.file->parsed->tree, statement.of[0]));
            const bool before = std::exchange(evaluator.autoescape, wanted);
            run(statement.bodies[0], instance);
            evaluator.autoescape = before;
            return;
        }
    }
}

void Renderer::print(const Statement& statement, Instance& instance) {
    if (instance.parent) return;
    const Datum datum = evaluator.defined(instance.file->parsed->tree, statement.of[0]);
    secret_ |= holds_secret(datum, evaluator.budget());
    const std::string text = evaluator.text(datum);
    emit(evaluator.autoescape && !datum.markup() ? escaped(text) : text);
}

void Renderer::choose(const Statement& statement, Instance& instance) {
    for (std::size_t i = 0; i < statement.of.size(); ++i)
        if (evaluator.decide(instance.file->parsed->tree, statement.of[i])) return run(statement.bodies[i], instance);
    if (statement.bodies.size() > statement.of.size()) run(statement.bodies.back(), instance);
}

void Renderer::loop(const Statement& statement, Instance& instance) {
    const Datum all = evaluator.defined(instance.file->parsed->tree, statement.of[0]);
    evaluator.secret_decided |= all.secret;
    run_loop(statement, instance, items_of(all, evaluator.budget()), evaluator.frame, 1);
}

void Renderer::run_loop(const Statement& statement, Instance& instance, List items, std::shared_ptr<Frame> outer,
                        std::int64_t depth) {
    const Tree& tree = instance.file->parsed->tree;
    if (statement.of.size() > 1) {
        List chosen;
        for (const Datum& item : items) {
            const Framed frame(evaluator, framed(outer));
            assign(statement.targets[0], item);
            if (evaluator.decide(tree, statement.of[1])) chosen.push_back(item);
        }
        items = std::move(chosen);
    }
    if (items.empty()) {
        if (statement.bodies.size() > 1) {
            const Framed frame(evaluator, framed(outer));
            run(statement.bodies[1], instance);
        }
        return;
    }
    const auto shared = std::make_shared<const List>(std::move(items));
    const auto object = loop_object(*this, statement, instance, shared, depth, outer);
    const Datum loop = Datum::of(object);
    struct Ending {
        Object& loop;
        ~Ending() { loop.clear(); }  // whoever kept it keeps nothing alive by it
    } const ending{*object};
    for (std::size_t i = 0; i < shared->size(); ++i) {
        const Framed frame(evaluator, framed(outer));
        next_turn(*object, i);
        evaluator.frame->set("loop", loop);
        assign(statement.targets[0], (*shared)[i]);
        run(statement.bodies[0], instance);
    }
}

void Renderer::assign(const Target& target, const Datum& datum) {
    if (target.of.empty() && target.member.empty()) return evaluator.frame->set(target.name, datum);
    if (target.of.empty()) {
        Datum* held = nullptr;
        for (Frame* at = evaluator.frame.get(); at && !held; at = at->outer.get()) held = at->own(target.name);
        const bool well = held && held->is(Datum::Kind::object) && held->object().assign(target.member, datum);
        if (!well)
            throw Mistake{target.at, fmt::format("'{}' is no namespace", target.name),
                          "make it one: {% set ns = namespace() %}"};
        return;
    }
    List items;
    try {
        items = items_of(datum, evaluator.budget());
    } catch (const Error&) {
        throw Mistake{target.at, fmt::format("expected {} values, found {}", target.of.size(), name_of(datum)), ""};
    }
    if (items.size() != target.of.size())
        throw Mistake{target.at, fmt::format("expected {} values, found {}", target.of.size(), items.size()),
                      "of a mapping, pairs are x.items()"};
    for (std::size_t i = 0; i < items.size(); ++i) assign(target.of[i], items[i]);
}

void Renderer::set(const Statement& statement, Instance& instance) {
    const Tree& tree = instance.file->parsed->tree;
    if (statement.kind == Kind::set) return assign(statement.targets[0], evaluator.value(tree, statement.of[0]));
    const Framed inner(evaluator, framed(evaluator.frame));
    const auto parent = std::exchange(instance.parent, nullptr);  // what is set is no output
    Datum text = captured([&] { run(statement.bodies[0], instance); });
    instance.parent = parent;
    if (!statement.of.empty()) text = filtered(statement, instance, std::move(text));
    const Framed outer(evaluator, evaluator.frame->outer);
    assign(statement.targets[0], text);
}

/// The filters behind `set x |` and `filter`: the literal at their start stands for the text.
Datum Renderer::filtered(const Statement& statement, Instance& instance, Datum text) {
    const Tree& tree = instance.file->parsed->tree;
    std::vector<const Node*> chain;
    for (auto at = statement.of[0]; at != statement.subject; at = tree.nodes[at].of[0])
        chain.push_back(&tree.nodes[at]);
    for (auto node = chain.rbegin(); node != chain.rend(); ++node) {
        try {
            if (!find_filter((*node)->name))
                throw Error(fmt::format("there is no filter '{}'", (*node)->name)).help(filter_hint((*node)->name));
            Arguments given = evaluator.arguments(tree, **node);
            text = evaluator.filter((*node)->name, text, given);
        } catch (Error& error) {
            if (error.where) throw;
            throw Mistake{(*node)->at, error.what(), error.hint};
        }
    }
    return text;
}

void Renderer::through_filters(const Statement& statement, Instance& instance) {
    if (instance.parent) return;
    const Framed frame(evaluator, framed(evaluator.frame));
    const Datum text = filtered(statement, instance, captured([&] { run(statement.bodies[0], instance); }));
    secret_ |= holds_secret(text, evaluator.budget());
    emit(evaluator.text(text));
}

void Renderer::with(const Statement& statement, Instance& instance) {
    std::vector<Datum> values;
    for (const auto value : statement.of) values.push_back(evaluator.value(instance.file->parsed->tree, value));
    const Framed frame(evaluator, framed(evaluator.frame));
    for (std::size_t i = 0; i < values.size(); ++i) assign(statement.targets[i], values[i]);
    run(statement.bodies[0], instance);
}

Datum Renderer::macro_of(const Statement& statement, Instance& instance) {
    return evaluator.keep(macro_object(*this, statement, instance, evaluator.frame));
}

void Renderer::call(const Statement& statement, Instance& instance) {
    if (instance.parent) return;
    const Tree& tree = instance.file->parsed->tree;
    const Datum result =
        evaluator.called(tree, tree.nodes[statement.of[0]], {{"caller", macro_of(statement, instance)}});
    require(result);
    secret_ |= holds_secret(result, evaluator.budget());
    emit(evaluator.text(result));
}

void Renderer::run_block(Instance& instance, const std::string& name, std::size_t level, std::shared_ptr<Frame> outer) {
    const auto held = instance.blocks->find(name);
    if (held == instance.blocks->end() || level >= held->second.size())
        throw Error(fmt::format("there is no block '{}'", name));
    const BlockOf block = held->second[level];
    if (block.statement->context)
        throw Error(fmt::format("the block '{}' is required, and no template fills it", name));
    const Framed frame(evaluator, framed(outer));
    evaluator.frame->set("self", evaluator.keep(self_object(*this, instance)));
    evaluator.frame->set("super", evaluator.keep(super_object(*this, instance, name, level + 1, outer)));
    const auto parent = std::exchange(instance.parent, nullptr);
    try {
        run_in(*block.file, block.statement->bodies[0], instance);
    } catch (...) {
        instance.parent = parent;
        throw;
    }
    instance.parent = parent;
}

const Templates::File& Renderer::other(const Statement& statement, Instance& instance, bool& missing) {
    const Tree& tree = instance.file->parsed->tree;
    const Datum name = evaluator.defined(tree, statement.of[0]);
    evaluator.secret_decided |= holds_secret(name, evaluator.budget());
    List names = name.is_text() ? List{name} : items_of(name, evaluator.budget());
    if (names.empty())
        throw Mistake{tree.nodes[statement.of[0]].at, "expected the name of a template, found an empty list", ""};
    for (std::size_t i = 0; i < names.size(); ++i) {
        missing = false;
        try {
            if (!names[i].is_text())
                throw Error(fmt::format("expected the name of a template, found {}", name_of(names[i])));
            evaluator.budget().spend(1000);
            return templates_.open_from(*instance.file, names[i].text(), blanks_, missing);
        } catch (Error& error) {
            if (error.where) {
                error.notes.push_back({templates_.place(*instance.file, statement.at), "named here"});
                throw;
            }
            if (missing && i + 1 < names.size()) continue;
            if (names[i].secret) throw Mistake{tree.nodes[statement.of[0]].at, "a secret can not name a template", ""};
            throw Mistake{tree.nodes[statement.of[0]].at, error.what(), error.hint};
        }
    }
    throw Error("there is no such template");
}

void Renderer::include(const Statement& statement, Instance& instance) {
    if (instance.parent) return;
    bool missing = false;
    const Templates::File* file = nullptr;
    try {
        file = &other(statement, instance, missing);
    } catch (const Mistake&) {
        if (missing && statement.flag) return;
        throw;
    }
    try {
        auto seen = statement.context ? framed(evaluator.frame) : nullptr;
        if (seen)
            seen->set("loop", Datum::undefined("'loop' is not defined",
                                               "a template that is included is in no loop; {% set %} a name before"));
        render(*file, std::move(seen));
    } catch (Error& error) {
        if (error.where && error.notes.size() < 8)
            error.notes.push_back({templates_.place(*instance.file, statement.at), "included here"});
        throw;
    }
}

void Renderer::import(const Statement& statement, Instance& instance) {
    bool missing = false;
    const Templates::File& file = other(statement, instance, missing);
    std::shared_ptr<Instance> made;
    Datum text;
    try {
        text = captured([&] { made = render(file, statement.context ? evaluator.frame : nullptr); });
    } catch (Error& error) {
        if (error.where && error.notes.size() < 8)
            error.notes.push_back({templates_.place(*instance.file, statement.at), "imported here"});
        throw;
    }
    if (statement.kind == Kind::import)
        return evaluator.frame->set(statement.name,
                                    evaluator.keep(module_object(made, text.text())).taint(text.secret));
    for (const auto& [there, here] : statement.names) {
        const Datum* held = made->top->own(there);
        evaluator.frame->set(
            here, held ? *held : Datum::undefined(fmt::format("the template that was imported has no '{}'", there)));
    }
}

void Renderer::extend(const Statement& statement, Instance& instance) {
    if (instance.parent) throw Mistake{statement.at, "a template extends one other", ""};
    bool missing = false;
    const Templates::File& file = other(statement, instance, missing);
    instance.parent = &file, instance.extends = &statement;
}

}  // namespace language
}  // namespace chaos
