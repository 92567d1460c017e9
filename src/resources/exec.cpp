// SPDX-License-Identifier: Apache-2.0
#include <chaos/plan.hpp>
#include <chaos/recording.hpp>

#include "kinds.hpp"
#include "paths.hpp"

namespace chaos::resources {

/// A command as it was written: words, or a text that becomes words, or is a shell's (`shell: true`).
struct CommandLine {
    std::string text{};                ///< Where it was written as one.
    std::vector<std::string> words{};  ///< Where it was written as a list.
    bool empty() const { return text.empty() && words.empty(); }
    friend bool operator==(const CommandLine&, const CommandLine&) = default;
};

}  // namespace chaos::resources

template <>
struct chaos::Codec<chaos::resources::CommandLine> {
    static constexpr std::string_view name = "command", json = R"({"type":["string","array"]})";
    static constexpr Merge merge = Merge::whole;
    static resources::CommandLine decode(const Value& value) {
        if (value.is_text()) return {.text = value.text()};
        resources::CommandLine line;
        for (const Value& word : value.list()) line.words.push_back(word.text());
        return line;
    }
    static Value encode(const resources::CommandLine& line) {
        if (line.words.empty()) return Value(line.text);
        return Value(Value::List(line.words.begin(), line.words.end()));
    }
};

namespace chaos::resources {
namespace {

struct Exec {
    std::string name{};
    CommandLine command{};
    std::optional<Path> creates{};
    std::optional<CommandLine> unless{}, onlyif{}, undo{};
    std::optional<Path> cwd{};
    std::optional<std::string> run_as{};
    TextMap env{};
    std::optional<Content> input{};
    bool shell = false, record = false;
    Seconds timeout{600};
};

constexpr Field fields[] = {
    schema::key<&Exec::name>("name", "What it is called here.").example("database schema"),
    schema::option<&Exec::command>("command", "What is run: words, or a text that is split into words.")
        .needed()
        .example("make install"),
    schema::option<&Exec::creates>("creates", "A path that is there once it has been run.")
        .example("/usr/local/bin/tool"),
    schema::option<&Exec::unless>("unless", "A command that succeeds once there is nothing to do. It may only look.")
        .example("test -e /usr/local/bin/tool"),
    schema::option<&Exec::onlyif>("onlyif", "A command that succeeds while there is something to do. It may only look.")
        .example("test -e /var/lib/tool/pending"),
    schema::option<&Exec::undo>("undo", "What is run to take it back.").example("make uninstall"),
    schema::option<&Exec::record>("record",
                                  "What it writes is found, shown afterwards (chaos show RUN --diff), and taken back "
                                  "exactly. It runs over a copy of the file systems: nobody sees what it writes before "
                                  "it ended well, and what it leaves running is ended.")
        .example("false")
        .otherwise("false"),
    schema::option<&Exec::cwd>("cwd", "The directory it is run in.").example("/usr/local/src/tool").otherwise("/"),
    schema::option<&Exec::run_as>("run_as", "Who runs it; HOME, USER and LOGNAME are that person's.")
        .example("www-data")
        .otherwise("what `user` says, else who runs chaos")
        .persons(),
    schema::option<&Exec::env>("env", "Variables it sees, beside PATH and LC_ALL=C.").example("{PREFIX: /usr/local}"),
    schema::option<&Exec::input>("stdin", "What it reads from its standard input: nobody else sees it.")
        .example("\"y\\n\"")
        .otherwise("nothing"),
    schema::option<&Exec::shell>("shell", "The commands are texts for /bin/sh.").example("true").otherwise("false"),
    schema::option<&Exec::timeout>("timeout", "How long it may take.").example("90s").otherwise("10m"),
};

constexpr Schema exec =
    schema::of<Exec>("exec", "exec", Order::exec,
                     "A command, for what no kind can say. It must say when there is nothing to "
                     "do: by creates, unless, onlyif or watch. "
                     "Nobody but you knows what it changes: without undo or record it can not be taken back.",
                     fields)
        .body("command")
        .reacting();

Command command_of(const Exec& spec, const CommandLine& line) {
    Command command;
    if (spec.shell && line.words.empty())
        command.argv = {"/bin/sh", "-c", line.text};
    else if (line.words.empty())
        command.argv = Codec<Words>::decode(Value(line.text)).list;
    else
        command.argv = line.words;
    command.directory = spec.cwd ? spec.cwd->text : "";
    command.user = spec.run_as.value_or("");
    for (const auto& [name, value] : spec.env) command.environment.push_back(name + "=" + value);
    command.timeout_s = static_cast<int>(spec.timeout.count);
    return command;
}

bool succeeds(const View& view, const Exec& spec, const CommandLine& line) {
    return view->ask(command_of(spec, line)).status == 0;
}

/// It is "there" once it has been run: then apply makes, and what goes is taken back.
class ExecType final : public TypedResource<Exec> {
public:
    constexpr ExecType() : TypedResource(exec) {}

    std::optional<Exec> observe(const View& view, const Exec& wanted, bool) const override {
        if (wanted.creates && view->look(*wanted.creates)) return wanted;
        if (wanted.unless && succeeds(view, wanted, *wanted.unless)) return wanted;
        if (wanted.onlyif && !succeeds(view, wanted, *wanted.onlyif)) return wanted;
        // Only watch says when it is to run: not its presence, its inputs. See told_by_notes.
        if (!wanted.creates && !wanted.unless && !wanted.onlyif) return wanted;
        return std::nullopt;
    }

    bool told_by_notes(const State& wanted) const override {
        const Exec& spec = *wanted.as<Exec>();
        return !spec.creates && !spec.unless && !spec.onlyif;
    }

    void review(const Resource& resource, Diagnostics& problems) const override {
        const Exec& spec = *resource.wanted.as<Exec>();
        if (resource.absent) return;
        if (!spec.creates && !spec.unless && !spec.onlyif && resource.watches.empty())
            problems.add(Error(resource.where, "exec " + spec.name + " does not say when there is nothing to do")
                             .help("give it creates: PATH, unless: COMMAND, onlyif: COMMAND or watch: [ID]"));
        if (spec.record && spec.undo)
            problems.add(Error(resource.where, "exec " + spec.name + " says both record and undo")
                             .help("with record, what it wrote goes back by itself: leave out one of them"));
        if (spec.timeout.count == 0)
            problems.add(Error(resource.where, "exec " + spec.name + " has no time to run: its timeout is 0s")
                             .help("leave it out for 10m, or write how long it may take"));
        for (const auto& [name, value] : spec.env)
            if (name.empty() || name.find_first_of(std::string_view("=\0", 2)) != name.npos ||
                value.find('\0') != value.npos)
                problems.add(Error(resource.where, "'" + name + "' can not be a variable of env")
                                 .help("write it as in env: {PREFIX: /usr/local}"));
        try {
            if (command_of(spec, spec.command).argv.empty())
                problems.add(
                    Error(resource.where, "exec " + spec.name + " has no command").help("write command: WORDS"));
            for (const auto* line : {&spec.unless, &spec.onlyif, &spec.undo})
                if (*line) command_of(spec, **line);
        } catch (const Error& error) {
            problems.add(Error(resource.where, error.what()).help("quote it, or say shell: true"));
        }
    }

    std::vector<Companion> resolve(const View&, std::span<Change> changes, Diagnostics&) const override {
        for (Change& change : changes)  // what can not be taken back stays done
            if (change.before && !change.after && !change.before.as<Exec>()->undo) change.after = change.before;
        return {};
    }

    void claims(const State& state, std::vector<Claim>& claims) const override {
        claims.push_back({Claim::Role::locks, "lock:exec"});
        const Exec& spec = *state.as<Exec>();
        if (spec.cwd) claims.push_back({Claim::Role::needs, "path:" + spec.cwd->text});
        if (spec.run_as) claims.push_back({Claim::Role::needs, "user:" + *spec.run_as});
        if (spec.creates) claims.push_back({Claim::Role::brings, "path:" + spec.creates->text});
        // What came into it by somebody else is seen file by file when it goes.
        if (spec.creates && spec.record) claims.push_back({Claim::Role::provides, "tree:" + spec.creates->text});
    }

    void check(const View& view, std::span<const Change> changes, Diagnostics& problems) const override {
        for (const Change& change : changes)
            if (change.after && change.after.as<Exec>()->record && !view->superuser())
                problems.add(Error(change.where, "what " + to_text(change.id) + " writes can be recorded by root alone")
                                 .help("leave out 'record', or run chaos as root"));
    }

    Undo undo_of(const Change& change) const override {
        const State& done = change.after ? change.after : change.before;
        if (done.as<Exec>()->record) return Undo::exact;
        // What ran again because of what it watches had been done before: its undo would take that away as well.
        return done.as<Exec>()->undo && !(change.before && change.after) ? Undo::effort : Undo::none;
    }

    std::string_view reaction(const Change& change) const override { return change.after ? "run" : ""; }

    Way way() const override { return Way::opaque; }

    void apply(WritableHost& host, const Exec* from, const Exec* to, bool) const override {
        const Exec& spec = to ? *to : *from;
        const CommandLine* line = to ? &to->command : from->undo ? &*from->undo : nullptr;
        if (!line) return;
        auto command = command_of(spec, *line);
        if (to && spec.input) command.input = spec.input->bytes();
        const auto output = to && spec.record ? chaos::record(host, command) : host.run(command);
        if (output.status != 0) throw failed(command, output);
    }

    /// What ran because of what it watches is not run once more to take that back; what was recorded, never.
    void undo_all(WritableHost& host, std::span<const Change> changes) const override {
        const auto is_recorded = [](const State& state) { return state && state.as<Exec>()->record; };
        for (const Change& change : changes)
            if (!change.before != !change.after && !is_recorded(change.after))
                apply(host, change.before.as<Exec>(), change.after.as<Exec>(), false);
    }
};

constexpr ExecType type;

}  // namespace

const ResourceType& exec_type() {
    return type;
}

}  // namespace chaos::resources
