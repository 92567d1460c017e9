// SPDX-License-Identifier: Apache-2.0
// What a template has beside data: the loop, macros, imported templates, self and super.
#include <fmt/format.h>
#include <algorithm>
#include "filters.hpp"
#include "template_render.hpp"

namespace chaos::language {

namespace {

Datum number(std::size_t count) {
    return Datum::of(static_cast<std::int64_t>(count));
}

class Loop final : public Object {
public:
    Loop(Renderer& renderer, const Statement& statement, Instance& instance, std::shared_ptr<const List> items,
         std::int64_t depth, std::shared_ptr<Frame> outer)
        : renderer_(renderer),
          statement_(statement),
          instance_(instance),
          file_(*instance.file),
          items_(std::move(items)),
          depth_(depth),
          outer_(std::move(outer)) {}

    std::string_view called() const override { return "a loop"; }
    std::string text() const override { return fmt::format("<LoopContext {}/{}>", at_ + 1, items_->size()); }
    std::optional<Datum> member(std::string_view name) override {
        const std::size_t size = items_->size();
        if (name == "index") return number(at_ + 1);
        if (name == "index0") return number(at_);
        if (name == "revindex") return number(size - at_);
        if (name == "revindex0") return number(size - at_ - 1);
        if (name == "first") return Datum::of(at_ == 0);
        if (name == "last") return Datum::of(at_ + 1 == size);
        if (name == "length") return number(size);
        if (name == "depth") return Datum::of(depth_);
        if (name == "depth0") return Datum::of(depth_ - 1);
        if (name == "previtem") return at_ ? (*items_)[at_ - 1] : Datum::undefined("there is no previous item");
        if (name == "nextitem") return at_ + 1 < size ? (*items_)[at_ + 1] : Datum::undefined("there is no next item");
        return std::nullopt;
    }

    Datum invoke(Evaluator& evaluator, std::string_view method, Arguments& given) override {
        if (method == "cycle") {
            if (given.positional.empty()) throw Error("loop.cycle needs at least one item");
            return given.positional[at_ % given.positional.size()];
        }
        if (method != "changed") return Object::invoke(evaluator, method, given);
        Datum now = Datum::of(given.positional, Datum::Form::tuple);
        const bool same = last_ && equal(*last_, now, evaluator.budget());
        last_ = std::move(now);
        return Datum::of(!same);
    }

    bool callable() const override { return statement_.flag; }
    Datum call(Evaluator& evaluator, Arguments& given) override {
        if (!statement_.flag) throw Error("this loop is not recursive").help("write {% for x in list recursive %}");
        if (given.positional.size() != 1) throw Error("loop takes one list");
        require(given.positional[0]);
        const Framed frame(evaluator, outer_);
        const auto before = std::exchange(instance_.file, &file_);
        try {
            Datum text = renderer_.captured([&] {
                renderer_.run_loop(statement_, instance_, items_of(given.positional[0], evaluator.budget()), outer_,
                                   depth_ + 1);
            });
            instance_.file = before;
            return text;
        } catch (...) {
            instance_.file = before;
            throw;
        }
    }

    void turn(std::size_t at) { at_ = at; }
    void clear() override { last_.reset(), outer_.reset(), items_ = std::make_shared<const List>(1), at_ = 0; }

private:
    Renderer& renderer_;
    const Statement& statement_;
    Instance& instance_;
    const Templates::File& file_;
    std::shared_ptr<const List> items_;
    std::int64_t depth_;
    std::shared_ptr<Frame> outer_;
    std::size_t at_ = 0;
    std::optional<Datum> last_;
};

class Macro final : public Object {
public:
    Macro(Renderer& renderer, const Statement& statement, Instance& instance, std::shared_ptr<Frame> closure)
        : renderer_(renderer),
          statement_(statement),
          instance_(instance),
          file_(*instance.file),
          closure_(std::move(closure)) {}

    std::string_view called() const override { return "a macro"; }
    std::string text() const override { return fmt::format("<Macro '{}'>", name()); }
    bool callable() const override { return true; }
    std::optional<Datum> member(std::string_view wanted) override {
        if (wanted == "name") return Datum::of(name());
        if (wanted == "catch_varargs") return Datum::of(statement_.takes_more);
        if (wanted == "catch_kwargs") return Datum::of(statement_.takes_named);
        if (wanted == "caller") return Datum::of(statement_.takes_caller);
        if (wanted != "arguments") return std::nullopt;
        List names;
        for (const Parameter& parameter : statement_.parameters) names.push_back(Datum::of(parameter.name));
        return Datum::of(std::move(names), Datum::Form::tuple);
    }

    Datum call(Evaluator& evaluator, Arguments& given) override {
        if (!closure_) throw Error("this macro is out of reach");
        const Framed frame(evaluator, renderer_.framed(closure_));
        const auto before = std::exchange(instance_.file, &file_);
        const auto parent = std::exchange(instance_.parent, nullptr);
        const auto back = [&] { instance_.file = before, instance_.parent = parent; };
        try {
            bind(evaluator, given);
            Datum text = renderer_.captured([&] { renderer_.run_in(file_, statement_.bodies[0], instance_); });
            back();
            return text;
        } catch (...) {
            back();
            throw;
        }
    }

    void clear() override { closure_.reset(); }

private:
    std::string name() const { return statement_.kind == Statement::Kind::macro ? statement_.name : "caller"; }

    /// Parameters by position, then by name, then what stands for them.
    void bind(Evaluator& evaluator, Arguments& given) {
        Frame& names = *evaluator.frame;
        const auto& parameters = statement_.parameters;
        std::vector<std::optional<Datum>> values(parameters.size());
        for (std::size_t i = 0; i < std::min(parameters.size(), given.positional.size()); ++i)
            values[i] = given.positional[i];
        List more(given.positional.begin() +
                      static_cast<std::ptrdiff_t>(std::min(parameters.size(), given.positional.size())),
                  given.positional.end());
        if (!more.empty() && !statement_.takes_more)
            throw Error(fmt::format("the macro '{}' takes {} argument{}, found {}", name(), parameters.size(),
                                    parameters.size() == 1 ? "" : "s", given.positional.size()));
        Dict named;
        std::optional<Datum> caller;
        for (auto& [word, datum] : given.named) {
            const auto parameter = std::find_if(parameters.begin(), parameters.end(),
                                                [&wanted = word](const auto& p) { return p.name == wanted; });
            if (parameter != parameters.end()) {
                auto& value = values[static_cast<std::size_t>(parameter - parameters.begin())];
                if (value) throw Error(fmt::format("the macro '{}' is given '{}' twice", name(), word));
                value = datum;
            } else if (word == "caller" && statement_.takes_caller) {
                caller = datum;
            } else if (statement_.takes_named) {
                named.set(Datum::of(word), datum);
            } else {
                throw Error(fmt::format("the macro '{}' takes no '{}'", name(), word));
            }
        }
        for (std::size_t i = 0; i < parameters.size(); ++i) {
            if (!values[i] && parameters[i].otherwise) values[i] = otherwise(evaluator, *parameters[i].otherwise);
            names.set(parameters[i].name, values[i] ? *values[i]
                                                    : Datum::undefined(fmt::format("the macro '{}' was given no '{}'",
                                                                                   name(), parameters[i].name)));
        }
        if (statement_.takes_more) names.set("varargs", Datum::of(std::move(more), Datum::Form::tuple));
        if (statement_.takes_named) names.set("kwargs", Datum::of(std::move(named)));
        if (statement_.takes_caller)
            names.set("caller",
                      caller ? *caller
                             : Datum::undefined(fmt::format("the macro '{}' was not called by {{% call %}}", name())));
    }

    Datum otherwise(Evaluator& evaluator, std::uint32_t node) const {
        return evaluator.value(file_.parsed->tree, node);
    }

    Renderer& renderer_;
    const Statement& statement_;
    Instance& instance_;
    const Templates::File& file_;
    std::shared_ptr<Frame> closure_;
};

class Module final : public Object {
public:
    Module(std::shared_ptr<Instance> instance, std::string text)
        : instance_(std::move(instance)), text_(std::move(text)) {}
    std::string_view called() const override { return "an imported template"; }
    std::string text() const override { return text_; }
    std::optional<Datum> member(std::string_view name) override {
        if (name.starts_with('_') || !instance_) return std::nullopt;
        const Datum* held = instance_->top->own(name);
        return held ? std::optional(*held) : std::nullopt;
    }
    void clear() override { instance_.reset(); }

private:
    std::shared_ptr<Instance> instance_;
    std::string text_;
};

class Self final : public Object {
public:
    Self(Renderer& renderer, Instance& instance) : renderer_(renderer), instance_(instance) {}
    std::string_view called() const override { return "self"; }
    Datum invoke(Evaluator&, std::string_view method, Arguments&) override {
        return renderer_.captured([&] { renderer_.run_block(instance_, std::string(method), 0, instance_.top); });
    }

private:
    Renderer& renderer_;
    Instance& instance_;
};

class Super final : public Object {
public:
    Super(Renderer& renderer, Instance& instance, std::string block, std::size_t level, std::shared_ptr<Frame> outer)
        : renderer_(renderer), instance_(instance), block_(std::move(block)), level_(level), outer_(std::move(outer)) {}
    std::string_view called() const override { return "super"; }
    bool callable() const override { return true; }
    std::optional<Datum> member(std::string_view name) override {
        if (name != "super") return std::nullopt;
        return Datum::of(std::make_shared<Super>(renderer_, instance_, block_, level_ + 1, outer_));
    }
    Datum call(Evaluator&, Arguments&) override {
        const auto held = instance_.blocks->find(block_);
        if (held == instance_.blocks->end() || level_ >= held->second.size())
            throw Error(fmt::format("the block '{}' has none above it: super() gives nothing", block_));
        return renderer_.captured([&] { renderer_.run_block(instance_, block_, level_, outer_); });
    }
    void clear() override { outer_.reset(); }

private:
    Renderer& renderer_;
    Instance& instance_;
    std::string block_;
    std::size_t level_;
    std::shared_ptr<Frame> outer_;
};

}  // namespace

std::shared_ptr<Object> loop_object(Renderer& renderer, const Statement& statement, Instance& instance,
                                    std::shared_ptr<const List> items, std::int64_t depth,
                                    std::shared_ptr<Frame> outer) {
    return std::make_shared<Loop>(renderer, statement, instance, std::move(items), depth, std::move(outer));
}
void next_turn(Object& loop, std::size_t index) {
    static_cast<Loop&>(loop).turn(index);
}
std::shared_ptr<Object> macro_object(Renderer& renderer, const Statement& statement, Instance& instance,
                                     std::shared_ptr<Frame> closure) {
    return std::make_shared<Macro>(renderer, statement, instance, std::move(closure));
}
std::shared_ptr<Object> module_object(std::shared_ptr<Instance> instance, std::string text) {
    return std::make_shared<Module>(std::move(instance), std::move(text));
}
std::shared_ptr<Object> self_object(Renderer& renderer, Instance& instance) {
    return std::make_shared<Self>(renderer, instance);
}
std::shared_ptr<Object> super_object(Renderer& renderer, Instance& instance, std::string block, std::size_t level,
                                     std::shared_ptr<Frame> outer) {
    return std::make_shared<Super>(renderer, instance, std::move(block), level, std::move(outer));
}

}  // namespace chaos::language
