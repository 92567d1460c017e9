// SPDX-License-Identifier: Apache-2.0
// What is asked of git by a process of its own: as whoever owns the checkout, and so that a crash of chaos is not the
// end of it.
#include <unistd.h>

#include <chaos/error.hpp>
#include <chaos/git.hpp>
#include <chaos/git_mirror.hpp>
#include <chaos/url.hpp>
#include <chaos/value.hpp>

#include "git_work.hpp"

namespace chaos::git {

namespace {

std::string text(const Value& question, std::string_view name) {
    const Value* said = question.find(name);
    return said ? said->text() : std::string();
}

std::string commit_for(const Value& question) {
    const std::string verb = text(question, "do");
    if (verb == "tip") return tip(text(question, "url"), text(question, "branch"));
    if (verb == "ready") return ready(), std::string();
    if (verb == "refuse changes") return refuse_changes(text(question, "path")), std::string();
    if (verb == "refuse local work") return refuse_local_work(text(question, "path")), std::string();
    if (verb != "sync") throw Error("this is no question to git");
    return sync({.path = text(question, "path"),
                 .url = text(question, "url"),
                 .branch = text(question, "branch"),
                 .tag = text(question, "tag"),
                 .rev = text(question, "rev"),
                 .update = text(question, "update") == "true",
                 .submodules = text(question, "submodules") == "true"});
}

}  // namespace

std::string answer(std::string_view question, bool& well) {
    Value::Map said;
    try {
        const Value asked = from_json(question);
        if (text(asked, "do").starts_with("mirror "))
            said = mirror_answer(asked);
        else
            said.push_back({Value(std::string("commit")), Value(commit_for(asked))});
        well = true;
    } catch (const Error& error) {
        if (dynamic_cast<const TooLarge*>(&error))
            said.push_back({Value(std::string("too large")), Value(std::string("true"))});
        if (dynamic_cast<const Unanswered*>(&error))
            said.push_back({Value(std::string("unanswered")), Value(std::string("true"))});
        if (dynamic_cast<const Busy*>(&error)) said.push_back({Value(std::string("busy")), Value(std::string("true"))});
        said.push_back({Value(std::string("error")), Value(without_passwords(error.what()))});
        said.push_back({Value(std::string("hint")), Value(without_passwords(error.hint))});
        well = false;
    }
    return to_json(Value(std::move(said)));
}

int answer_as_process() {
    std::string question;
    char block[4096];
    for (ssize_t got = 0; (got = ::read(STDIN_FILENO, block, sizeof block)) > 0;)
        question.append(block, static_cast<std::size_t>(got));
    bool well = false;
    const std::string said = answer(question, well);
    return ::write(STDOUT_FILENO, said.data(), said.size()) == static_cast<ssize_t>(said.size()) && well ? 0 : 1;
}

}  // namespace chaos::git
