// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chaos/durable.hpp>
#include <chaos/manifest.hpp>
#include <chaos/named.hpp>
#include <cstdlib>
#include <cstring>

#include "commands.hpp"
#include "editing.hpp"
#include "keys.hpp"
#include "problems.hpp"

namespace chaos::cli {

namespace {

struct SecretsView {
    std::string what, file, name, recipient;
    std::vector<std::string> names, recipients;
    std::string sentence;  ///< For people.
};

Json to_json(const SecretsView& view) {
    return Json::record({{"what", view.what},
                         {"file", view.file},
                         {"name", view.name.empty() ? Json() : Json(view.name)},
                         {"recipient", view.recipient.empty() ? Json() : Json(view.recipient)},
                         {"names", view.names},
                         {"recipients", view.recipients}});
}

std::string render(const SecretsView& view, Style style, bool verbose) {
    std::string out = view.sentence;
    for (const std::string& name : view.names) out += escape(name) + '\n';
    if (verbose && view.what == "list")
        for (const std::string& one : view.recipients) out += style.dim("for " + escape(one)) + '\n';
    return out;
}

[[noreturn]] void fail(const std::string& doing, const std::string& path) {
    throw Error(fmt::format("can not {} {}: {}", doing, quoted_name(path), std::strerror(errno)));
}

class Descriptor {
public:
    explicit Descriptor(int file) : file_(file) {}
    ~Descriptor() {
        if (file_ >= 0) ::close(file_);
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    int operator*() const { return file_; }

private:
    int file_;
};

std::string read_all(int file, const std::string& path) {
    std::string text;
    char block[4096];
    while (true) {
        const auto got = ::read(file, block, sizeof block);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) fail("read", path);
        if (got == 0) return text;
        text.append(block, static_cast<std::size_t>(got));
        if (text.size() > (16U << 20))
            throw Error("more than 16 MiB are no secret")
                .help("keep such a file closed by itself, with age, beside the manifest");
    }
}

void write_all(int file, std::string_view bytes, const std::string& path) {
    while (!bytes.empty()) {
        const auto put = ::write(file, bytes.data(), bytes.size());
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) fail("write", path);
        bytes.remove_prefix(static_cast<std::size_t>(put));
    }
}

class SecretsCommand {
public:
    explicit SecretsCommand(Context& context)
        : context_(context),
          options_(context.options),
          passphrases_(options_),
          ring_{key_files(options_), &passphrases_} {}

    void run() {
        const std::string& what = options_.arguments[0];
        using Act = void (SecretsCommand::*)();
        struct Row {
            std::string_view name;
            std::size_t least, most;
            Act act;
        };
        constexpr Row rows[] = {{"edit", 1, 1, &SecretsCommand::edit},     {"set", 2, 2, &SecretsCommand::set},
                                {"list", 1, 1, &SecretsCommand::list},     {"show", 2, 2, &SecretsCommand::show},
                                {"rotate", 1, 1, &SecretsCommand::rotate}, {"keygen", 0, 1, &SecretsCommand::keygen}};
        const auto row = std::find_if(std::begin(rows), std::end(rows), [&](const Row& r) { return r.name == what; });
        if (row == std::end(rows)) {
            std::vector<std::string_view> names;
            for (const Row& one : rows) names.push_back(one.name);
            const auto near = nearest(what, names);
            throw with_hint(
                fmt::format("chaos secrets does not know '{}'", escape(what)),
                near.empty() ? "chaos secrets --help" : fmt::format("did you mean chaos secrets {}?", near));
        }
        const std::size_t given = options_.arguments.size() - 1;
        if (given < row->least || given > row->most)
            throw with_hint(fmt::format("chaos secrets {} takes {}", what,
                                        row->most == 2 ? "a file and a name"
                                        : row->least   ? "a file"
                                                       : "a file or nothing"),
                            "chaos secrets --help");
        (this->*row->act)();
    }

private:
    static Usage with_hint(const std::string& message, std::string hint) {
        Usage error(message);
        error.hint = std::move(hint);
        return error;
    }
    const std::string& file() const { return options_.arguments[1]; }
    const std::string& name() const { return options_.arguments[2]; }

    SecretFile::Form form_of_new() const {
        if (file().ends_with(".json")) return SecretFile::Form::sops_json;
        return file().ends_with(".yml") || file().ends_with(".yaml") ? SecretFile::Form::sops_yaml
                                                                     : SecretFile::Form::age_text;
    }

    /// The file opened, or a new one, for whoever was named or for who has the key at hand.
    SecretFile open_or_make() {
        const auto to = [&] { return options_.recipients.empty() ? own_recipients(ring_) : options_.recipients; };
        const Descriptor there(::open(file().c_str(), O_RDONLY | O_CLOEXEC));
        if (*there < 0 && errno != ENOENT) fail("read", file());
        if (*there < 0) return SecretFile::make(file(), form_of_new(), to());
        std::string bytes = read_all(*there, file());
        if (SecretFile::is_one(bytes) || options_.recipients.empty()) {
            SecretFile opened = SecretFile::open_bytes(file(), std::move(bytes), ring_);
            if (!options_.recipients.empty()) opened.be_for(options_.recipients);
            return opened;
        }
        SecretFile fresh = SecretFile::make(file(), form_of_new(), to());  // it lay open until now
        fresh.replace(std::move(bytes));
        return fresh;
    }

    void write(const SecretFile& opened) { durable::rewrite(file(), opened.bytes()); }

    void tell(std::string sentence, const SecretFile& opened, bool names = false) {
        SecretsView view{
            options_.arguments[0], file(), options_.arguments.size() > 2 ? name() : "", "", {}, opened.recipients(),
            std::move(sentence)};
        if (names) view.names = opened.names();
        context_.console.show(view);
    }

    void list() {
        const SecretFile opened = SecretFile::open(file(), ring_);
        tell("", opened, true);
    }

    void show() {
        if (!options_.raw && !::isatty(STDOUT_FILENO))
            throw with_hint("a secret is shown on a terminal, and this is none", "chaos secrets show --raw FILE NAME");
        if (context_.console.json()) throw Usage("chaos secrets show has no --json: use --raw");
        const SecretFile opened = SecretFile::open(file(), ring_);
        const Value* found = &opened.tree();
        std::string_view rest = name();
        if (const Value* whole = found->find(rest)) found = whole, rest = {};
        while (!rest.empty() && found) {
            const auto word = rest.substr(0, rest.find('.'));
            rest.remove_prefix(std::min(word.size() + 1, rest.size()));
            found = found->is_map() ? found->find(word) : nullptr;
        }
        if (!found)
            throw Error(fmt::format("there is no secret '{}'", escape(name()))).help("chaos secrets list " + file());
        if (!found->is_text())
            throw Error(fmt::format("'{}' is {}, not a text", escape(name()), kind_of(*found)))
                .help("name one of what it has: chaos secrets list " + file());
        context_.console.result(options_.raw ? found->text() : escape(found->text(), true) + '\n');
    }

    void set() {
        SecretFile opened = open_or_make();
        const bool is_sops =
            opened.form() == SecretFile::Form::sops_yaml || opened.form() == SecretFile::Form::sops_json;
        if (is_sops && name().ends_with("_unencrypted"))
            throw Error(fmt::format("sops leaves open what is called so: {} would lie in the file for all to read",
                                    escape(name())))
                .help("give it another name");
        std::string value;
        if (::isatty(STDIN_FILENO)) {
            value = typed_in_secret(fmt::format("{}: ", escape(name())));
            if (value != typed_in_secret("once more: "))
                throw Error("these were two different texts: nothing was changed").help("run it again");
        } else {
            value = read_all(STDIN_FILENO, "standard input");
            if (value.ends_with('\n') && value.find('\n') + 1 == value.size()) value.pop_back();
        }
        if (value.empty())
            throw Error("an empty text is no secret: nothing was changed")
                .help("to take a secret out: chaos secrets edit " + file());
        opened.set(name(), value);
        write(opened);
        tell(fmt::format("{} is set in {}.\n", escape(name()), escape(file())), opened);
    }

    void edit() {
        SecretFile opened = open_or_make();
        const bool is_closed = [&] {
            const Descriptor there(::open(file().c_str(), O_RDONLY | O_CLOEXEC));
            return *there >= 0 && SecretFile::is_one(read_all(*there, file()));
        }();
        MemoryDirectory directory;
        const auto slash = file().rfind('/');
        const std::string copy = directory.path() + "/" + file().substr(slash == std::string::npos ? 0 : slash + 1);
        const std::string before = opened.text();
        const std::string shown = before == "{}\n" ? "# NAME: TEXT, a line for each secret\n" : before;
        {
            const Descriptor out(::open(copy.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
            if (*out < 0) fail("write", copy);
            write_all(*out, shown, copy);
        }
        try {
            if (!edit_until_it_fits(opened, copy, is_closed ? before : std::string()))
                return tell("Nothing was changed.\n", opened);
            write(opened);
        } catch (Error& error) {
            throw keeping_work(std::move(error), directory, copy, shown);
        }
        tell(fmt::format("{} is written.\n", escape(file())), opened);
    }

    /// False where the text is as it was. After a mistake the editor opens where it is.
    bool edit_until_it_fits(SecretFile& opened, const std::string& copy, const std::string& before) {
        for (std::uint32_t line = 0;;) {
            let_edit(copy, line);
            std::string after = text_in(copy);
            if (!before.empty() && after == before && options_.recipients.empty()) return false;
            try {
                opened.replace(after);
                return true;
            } catch (const Error& error) {
                context_.console.problem(
                    chaos::render(error, context_.sources, context_.console.error_style().colour()));
                line = line_of_mistake(after);
                if (!context_.console.agrees("Edit it again?")) throw Error("nothing was changed");
            }
        }
    }

    /// 0 where YAML finds none. What SecretFile says of it shows nothing, and so has no place.
    static std::uint32_t line_of_mistake(const std::string& text) {
        Sources sources;
        try {
            parse_yaml(sources, sources.add("it", ".", text));
        } catch (const Error& error) {
            return error.where.line;
        }
        return 0;
    }

    static std::string text_in(const std::string& copy) {
        const Descriptor in(::open(copy.c_str(), O_RDONLY | O_CLOEXEC));
        if (*in < 0) fail("read", copy);
        return read_all(*in, copy);
    }

    /// What somebody typed is not thrown away: it stays in memory, for her alone.
    Error keeping_work(Error error, MemoryDirectory& directory, const std::string& copy,
                       const std::string& before) const {
        try {
            if (text_in(copy) == before) return error;
        } catch (const Error&) {
            return error;
        }
        if (::chmod(copy.c_str(), 0600) != 0) return error;
        directory.keep();
        return std::move(error)
            .note({}, fmt::format("what was written is kept, in memory and readable for you alone: {}", copy))
            .help(fmt::format("mend it there, then: EDITOR='cp {0}' chaos secrets edit {1}, and rm -r {2}", copy,
                              file(), directory.path()));
    }

    void rotate() {
        SecretFile opened = SecretFile::open(file(), ring_);
        std::vector<std::string> to = opened.recipients();
        if (to.empty() && options_.recipients.empty())
            throw with_hint(fmt::format("'{}' does not say whom it is for", file()),
                            "say it: --recipient age1... for each of them");
        const auto is_given = [&](const char* option) {
            return std::find(options_.given.begin(), options_.given.end(), option) != options_.given.end();
        };
        if (is_given("recipient")) to.clear();
        to.insert(to.end(), options_.recipients.begin(), options_.recipients.end());
        for (const std::string& gone : options_.removed_recipients)
            if (std::erase(to, gone) == 0)
                throw with_hint(fmt::format("'{}' is not for {}", file(), escape(gone)),
                                "chaos secrets list -v " + file());
        opened.be_for(to);
        write(opened);
        tell(fmt::format("{} is closed with new keys, for {}.\nWho could read it before may still know what was in it: "
                         "change the secrets themselves as well.\n",
                         escape(file()), count(opened.recipients().size(), "recipient")),
             opened);
    }

    void keygen() {
        std::string path;
        if (options_.arguments.size() > 1)
            path = file();
        else if (::geteuid() == 0)
            path = "/etc/chaos/age.key";
        else if (const char* home = std::getenv("HOME"))
            path = std::string(home) + "/.config/chaos/age.key";
        for (std::size_t at = 1; options_.arguments.size() == 1 && (at = path.find('/', at)) != path.npos; ++at)
            if (::mkdir(path.substr(0, at).c_str(), 0700) != 0 && errno != EEXIST) fail("make", path.substr(0, at));
        const NewKey key = make_key();
        {
            const Descriptor out(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
            if (*out < 0 && errno == EEXIST)
                throw Error(fmt::format("there is a key in '{}' already, and what it opens would be lost", path))
                    .help("write the new one elsewhere: chaos secrets keygen FILE");
            if (*out < 0) fail("write", path);
            write_all(*out, key.file, path);
            if (::fsync(*out) != 0) fail("write", path);
        }
        SecretsView view{"keygen", path, "", key.recipient, {}, {}, key.recipient + '\n'};
        context_.console.show(view);
        context_.console.remark(
            fmt::format("The key is in {}. Keep a copy where it is safe: without it, what is closed for "
                        "it stays closed.\n",
                        escape(path)));
    }

    Context& context_;
    const Options& options_;
    Passphrases passphrases_;
    KeyRing ring_;
};

}  // namespace

Exit secrets(Context& context) {
    SecretsCommand(context).run();
    return Exit::well;
}

}  // namespace chaos::cli
