// SPDX-License-Identifier: Apache-2.0
#include "scope.hpp"
#include <fmt/format.h>
#include <algorithm>
#include <chaos/recorded.hpp>
#include <chaos/witness.hpp>
#include <unordered_map>
#include <utility>
#include "beside.hpp"
#include "filters.hpp"
#include "persons.hpp"
#include "utf8.hpp"

namespace chaos {

namespace {

constexpr std::uint64_t most_of_a_file = 16 << 20;

/// Neither `..` nor a link leads out; of what is not there, reading it tells.
void refuse_outside(const std::string& path, const std::string& written, const std::string& directory) {
    if (!beside::exists(path)) return;
    const std::string top = beside::real_path(directory);
    if (beside::real_path(path).starts_with(top == "/" ? top : top + "/")) return;
    throw Error(fmt::format("'{}' leads out of {}", printable(written), top))
        .help(
            "a template reads what lies beneath the manifest's directory; the manifest itself may give it more, by "
            "with: {key: !file PATH}");
}

}  // namespace

Scope::Scope(Sources& sources, const ReadContext& context) : sources_(sources), context_(context) {
    variables({});
    laid_ = false;
}

Scope::Scope(Scope& site, const ReadContext& own)
    : Names(site.effort), sources_(site.sources_), context_(own), site_(&site) {
    variables({});
    laid_ = false;
}

void Scope::variables(Value::Map vars) {
    Value::Map given;
    for (const auto& [name, text] : context_.vars) given.push_back({name, text});
    lay_values(vars, std::move(given));
    vars_.clear(), order_.clear(), all_vars_.reset(), deciding_vars_.reset(), laid_ = true;
    for (auto& entry : vars) {
        order_.push_back(entry.key.text());
        vars_[entry.key.text()].value = std::move(entry.value);
    }
}

void Scope::bind(std::string_view name, Value value) {
    bound_.insert_or_assign(std::string(name), std::move(value));
}

void Scope::check_variables(Diagnostics& problems) {
    // The last first: a long chain, each of the next one, is then never deep.
    for (auto at = order_.rbegin(); at != order_.rend(); ++at) {
        const std::string& name = *at;
        const Variable& held = vars_.find(name)->second;
        if (held.resolved || held.failed) continue;
        asked_secret_ = false;
        try {
            variable(name);
        } catch (Error& error) {
            if (asked_secret_) continue;
            const auto same = [&](const Error& other) { return std::string_view(other.what()) == error.what(); };
            const bool names = std::string_view(error.what()).find('\'') != std::string_view::npos;
            const auto& told = problems.errors();
            if (!names && std::any_of(told.begin(), told.end(), same)) continue;  // all of a long chain is one mistake
            if (!error.where) error.where = held.value.where;
            problems.add(std::move(error));
        }
    }
}

void Scope::give(std::string_view name, Value value) {
    given_.insert_or_assign(std::string(name), std::move(value));
}

void Scope::give(std::string_view name, Value value, Value deciding_value) {
    give(name, std::move(value));
    given_deciding_.insert_or_assign(std::string(name), std::move(deciding_value));
}

Value Scope::withheld(std::string why) {
    if (why.find('\n') == std::string::npos) why += "\nit may be shown in a value";  // the hint
    Value value(std::move(why));
    value.quoted = true, value.tag = Value::Tag::file;
    return value;
}

std::string Scope::substitute_judging(Value& value) {
    const bool before = std::exchange(touched_passing_, false);
    Value written = value;
    substitute(value, *this);
    std::string why;
    if (touched_passing_) {
        const bool was = std::exchange(deciding, true);
        try {
            substitute(written, *this);
        } catch (const Error& error) {
            why = error.what();
        }
        deciding = was;
    }
    touched_passing_ = before || !why.empty();
    return why;
}

void Scope::unbind(std::string_view name) {
    if (const auto found = bound_.find(name); found != bound_.end()) bound_.erase(found);
}

Value::Map Scope::bound() const {
    Value::Map all;
    for (const auto& [name, value] : bound_) all.push_back({name, value});
    return all;
}

const Value* Scope::variable(std::string_view name) {
    const auto found = vars_.find(name);
    if (found == vars_.end() && !laid_)
        throw Error(fmt::format("vars.{} is not known yet where files are chosen", name))
            .help("paths of include and overlay may use facts, host and what --var gives");
    if (found == vars_.end()) return nullptr;
    auto& [value, resolved, busy, failed, passing] = found->second;
    const auto judged = [&, &held = found->second]() -> const Value* {
        touched_passing_ |= !held.passing.empty();
        if (!deciding || held.passing.empty()) return &held.value;
        throw Error(held.value.where, held.passing).help("it may be shown in a value");
    };
    if (resolved) return judged();
    if (busy) {
        std::string circle;
        for (auto step = std::find(busy_.begin(), busy_.end(), name); step != busy_.end(); ++step)
            circle += fmt::format("vars.{} -> ", *step);
        throw Error(value.where, fmt::format("a variable needs itself: {}vars.{}", circle, name))
            .help("give one of them a value without the others");
    }
    busy = true, busy_.emplace_back(name);
    const Place back = std::exchange(here_, value.where);
    // What the manifest says is its writer's: it may need a variable only in a template, and only where something else
    // is decided.
    const std::string contained = std::exchange(contained_, {});
    const bool was_deciding = std::exchange(deciding, false);
    const auto leave = [&] {
        busy = false, busy_.pop_back(), here_ = back, contained_ = contained, deciding = was_deciding;
    };
    try {
        passing = substitute_judging(value);
    } catch (...) {
        leave(), failed = true;
        throw;
    }
    leave(), resolved = true;
    return judged();
}

/// All of them, but for those that may not.
Value Scope::variables_that_decide() {
    Value::Map all;
    const bool was = std::exchange(deciding, false);
    for (const auto& name : order_) {
        const Value& value = *variable(name);
        const std::string& why = vars_.find(name)->second.passing;
        all.push_back({name, why.empty() ? value : withheld(why)});
    }
    deciding = was;
    return Value(std::move(all));
}

const Value* Scope::fact(std::string_view name) {
    const auto& known = context_.registry.facts;
    const auto found = std::find_if(known.begin(), known.end(), [&](const Fact& fact) { return fact.name == name; });
    if (found == known.end()) return nullptr;
    if (deciding && found->passing)
        throw Error(fmt::format("facts.{} changes by itself, so it can not decide what exists", name))
            .help("it may be shown in a value");
    touched_passing_ |= found->passing;
    if (site_) return site_->fact(name);
    if (context_.recorded) return recorded_fact(name);
    auto held = facts_.find(name);
    if (held != facts_.end()) return &held->second;
    if (const auto* attentive = dynamic_cast<const Attentive*>(&context_.view.host()); attentive && found->passing)
        attentive->heed_change(fmt::format("facts.{}", name));
    return &facts_.emplace(name, found->read(context_.view)).first->second;
}

std::string Scope::own_home() {
    if (!context_.recorded) return person_on(looking(), "").home;
    const Value* user = context_.recorded->facts.find("user");
    const Value* home = user ? user->find("home") : nullptr;
    if (!home || !home->is_text())
        throw Error(fmt::format("facts.user.home is not in {}", context_.recorded->file))
            .help("record the facts again, on the host: chaos facts -o FILE");
    return home->text();
}

std::string Scope::own_name() {
    if (!context_.recorded) return person_on(looking(), "").name;
    const Value* user = context_.recorded->facts.find("user");
    const Value* name = user ? user->find("name") : nullptr;
    return name && name->is_text() ? name->text() : "root";
}

bool Scope::is_unprivileged() {
    return context_.recorded ? own_name() != "root" : !looking().superuser();
}

const Value* Scope::recorded_fact(std::string_view name) const {
    const Value* held = context_.recorded->facts.find(name);
    if (held) return held;
    throw Error(fmt::format("facts.{} is not in {}", name, context_.recorded->file))
        .help("record the facts again, on the host: chaos facts -o FILE");
}

/// host.name and host.groups: as given, else /etc/chaos/host.yml of the host, else the host's own name and no groups.
void Scope::read_host() {
    Value name, groups{Value::List{}};
    std::string text;
    const Host& host = context_.view.host();
    if (context_.recorded) {
        name = *context_.recorded->host.find("name");
        groups = *context_.recorded->host.find("groups");
    } else if (host.look("/etc/chaos/host.yml", &text)) {
        const auto source = sources_.add("/etc/chaos/host.yml", "/etc/chaos", std::move(text));
        const Value said = parse_yaml(sources_, source);
        if (const Value* given = said.find("name")) name = Value(given->text(), given->where);
        if (const Value* given = said.find("groups")) groups = Value(given->list(), given->where);
    }
    if (!context_.host_name.empty()) name = Value(context_.host_name);
    if (context_.groups) {
        Value::List named;
        for (const std::string& group : *context_.groups) named.emplace_back(group).quoted = true;
        groups = Value(std::move(named));
    }
    if (name.is_null() && !context_.recorded)
        if (const Value* own = fact("hostname"); own && own->is_text()) name = *own;
    if (name.is_null() && !context_.recorded && host.look("/etc/hostname", &text)) {
        while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
        name = Value(text);
    }
    name.quoted = true;
    host_ = Value(Value::Map{{std::string("name"), name}, {std::string("groups"), groups}});
}

const Value* Scope::host(std::string_view name) {
    if (site_) return site_->host(name);
    if (!host_) read_host();
    const Value* held = host_->find(name);
    if (held && held->is_null())
        throw Error("this host has no name to go by").help("say it with --host NAME, or name: in /etc/chaos/host.yml");
    return held;
}

const Value* Scope::seen(const Value* value) {
    const Secrets* secrets = site_ ? site_->secrets_ : secrets_;
    if (value && secrets && secrets->unknown() && holds_secret(*value)) touched_unknown = true;
    return value;
}

const Value* Scope::root(std::string_view name) {
    if (const auto found = bound_.find(name); found != bound_.end()) return seen(&found->second);
    if (const auto found = given_deciding_.find(name); found != given_deciding_.end()) {
        touched_passing_ = true;
        if (deciding) return seen(&found->second);
    }
    if (const auto found = given_.find(name); found != given_.end()) return seen(&found->second);
    if (name == "vars" && deciding) {
        if (!deciding_vars_) deciding_vars_ = variables_that_decide();
        return seen(&*deciding_vars_);
    }
    if (name == "vars") {
        if (!all_vars_) {
            Value::Map all;
            for (const auto& variable_name : order_) all.push_back({variable_name, *variable(variable_name)});
            all_vars_ = Value(std::move(all));
        }
        return seen(&*all_vars_);
    }
    if (name == "host" && site_) return site_->root(name);
    if (name == "host") return host("name"), &*host_;
    if (name == "facts") {
        Value::Map all;
        for (const auto& known : context_.registry.facts) all.push_back({std::string(known.name), *fact(known.name)});
        return &kept_.emplace_back(std::move(all));
    }
    if (name == "manifest")
        return &kept_.emplace_back(Value::Map{{std::string("dir"), Value(sources_[here_].directory)}});
    return nullptr;
}

const Value* Scope::member(std::string_view of, std::string_view name) {
    if (of == "vars") return seen(variable(name));
    if (of == "facts") return fact(name);
    if (of == "host") return host(name);
    if (of == "manifest" && name == "dir") return &kept_.emplace_back(sources_[here_].directory);
    return nullptr;
}

bool Scope::has(std::string_view name) const {
    return bound_.find(name) == bound_.end() &&
           (name == "vars" || name == "facts" || name == "host" || name == "manifest");
}

std::vector<std::string> Scope::members(std::string_view of) const {
    if (of == "vars") return order_;
    if (of == "host") return {"name", "groups"};
    if (of == "manifest") return {"dir"};
    std::vector<std::string> names;
    if (of == "facts") {
        for (const auto& known : context_.registry.facts) names.emplace_back(known.name);
    } else {
        names = {"vars", "facts", "host", "manifest"};
        for (const auto& [name, value] : given_) names.push_back(name);
        for (const auto& [name, value] : bound_) names.push_back(name);
    }
    return names;
}

/// As the manifest says, else as /etc/passwd of the host has it, else where a new one gets it.
Value Scope::home_of(std::span<const Value> arguments) {
    if (site_) return site_->home_of(arguments);
    if (arguments.size() != 1 || !arguments[0].is_text() || arguments[0].text().empty())
        throw Error("home takes the name of a user").help("write it as in home('eve')");
    if (holds_secret(arguments[0])) throw Error("a secret can not name a person");
    const std::string& name = arguments[0].text();
    if (name.find_first_of("/:\n") != std::string::npos)
        throw Error(fmt::format("'{}' can not be the name of a user", printable(name)))
            .help("a name has letters, digits, - and _, and no colon or slash");
    const auto said = homes_.find(name);
    Value home(said != homes_.end() ? said->second : person_on(context_.view.host(), name).home);
    home.quoted = true, home.where = arguments[0].where;
    return home;
}

Value Scope::call(std::string_view function, std::span<const Value> arguments) {
    if (function == "secret") return secret(arguments);
    if (function == "home") return home_of(arguments);
    if (function != "file")
        throw Error(fmt::format("there is no function '{}'", function)).help(language::function_hint(function));
    if (arguments.size() != 1 || !arguments[0].is_text())
        throw Error("file takes one path").help("write it as in file('keys/deploy.pub')");
    if (holds_secret(arguments[0])) throw Error("a secret can not be the path of a file");
    const std::string path = beside::join(sources_[here_].directory, arguments[0].text());
    std::string text;
    if (!contained_.empty()) refuse_outside(path, arguments[0].text(), contained_);
    try {
        text = beside::read(path, most_of_a_file);
    } catch (Error& error) {
        throw std::move(error).help("the path is one from the directory of this manifest");
    }
    if (text.ends_with('\n')) text.pop_back();
    Value value(std::move(text));
    value.quoted = true;
    return value;
}

Value Scope::secret(std::span<const Value> arguments) {
    asked_secret_ = true;
    if (arguments.size() != 1 || !arguments[0].is_text() || arguments[0].text().empty())
        throw Error("secret takes one name").help("write it as in secret('db.password')");
    if (holds_secret(arguments[0])) throw Error("a secret can not name a secret");
    if (site_)
        throw Error("a module is given its secrets, and has none of its own")
            .help("params: {NAME: {type: secret}} in the module; with: {NAME: !secret NAME} where it is used");
    if (!secrets_ && !laid_)
        throw Error("secrets are not known yet where files are chosen")
            .help("paths of include and overlay may use facts, host and what --var gives");
    if (!secrets_)
        throw Error("there are no secrets outside of a manifest")
            .help("give a value for trying it out: chaos render --vars FILE");
    const Value found = secrets_->find(arguments[0].text());
    touched_unknown |= secrets_->unknown();
    return found;
}

void check_untyped(const Value& value, Diagnostics& problems) {
    if (value.is_list()) {
        for (const Value& item : value.list()) check_untyped(item, problems);
    } else if (value.is_map()) {
        for (const auto& entry : value.map()) check_untyped(entry.value, problems);
    } else if (value.is_text() && !value.quoted && value.tag == Value::Tag::none && value.text().size() <= 5) {
        std::string word = value.text();
        for (char& c : word) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
        const bool truth = word == "yes" || word == "on" || word == "true";
        if (!truth && word != "no" && word != "off" && word != "false") return;
        if (value.text() == "true" || value.text() == "false") return;
        problems.add(Error(value.where, fmt::format("'{}' may be a text or a truth here", value.text()))
                         .help(fmt::format("write {}, or \"{}\" for the text", truth, value.text())));
    }
}

namespace {

/// Where each name stands in a mapping, or nowhere.
using Positions = std::unordered_map<std::string, std::size_t>;

Positions positions_of(const Value::Map& map) {
    Positions positions;
    positions.reserve(map.size());
    for (std::size_t i = 0; i < map.size(); ++i)
        if (map[i].key.is_text()) positions.try_emplace(map[i].key.text(), i);
    return positions;
}

void lay_on(Value& held, Value above, bool adds) {
    if (adds && held.is_list() && above.is_list()) {
        auto& list = std::get<Value::List>(held.data);
        for (Value& item : std::get<Value::List>(above.data))
            if (std::find(list.begin(), list.end(), item) == list.end()) list.push_back(std::move(item));
    } else if (held.is_map() && above.is_map()) {
        lay_values(std::get<Value::Map>(held.data), std::move(std::get<Value::Map>(above.data)));
    } else {
        held = std::move(above);
    }
}

}  // namespace

void lay_values(Value::Map& below, Value::Map above) {
    Positions positions = positions_of(below);
    std::vector<std::size_t> taken_out;
    for (auto& entry : above) {
        std::string name = entry.key.text();
        const bool adds = name.size() > 1 && name.ends_with('+') && !entry.key.quoted;
        if (adds) name.pop_back(), entry.key.data = name;
        const auto held = positions.find(name);
        if (entry.value.is_null() && held != positions.end()) {
            taken_out.push_back(held->second), positions.erase(held);
        } else if (held == positions.end()) {
            positions.emplace(std::move(name), below.size());
            below.push_back(std::move(entry));
        } else {
            lay_on(below[held->second].value, std::move(entry.value), adds);
        }
    }
    if (taken_out.empty()) return;
    std::sort(taken_out.begin(), taken_out.end());
    std::size_t next = 0, kept = 0;
    for (std::size_t i = 0; i < below.size(); ++i) {
        if (next < taken_out.size() && taken_out[next] == i) {
            ++next;
            continue;
        }
        if (kept != i) below[kept] = std::move(below[i]);
        ++kept;
    }
    below.resize(kept);
}

}  // namespace chaos
