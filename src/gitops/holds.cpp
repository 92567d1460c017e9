// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <chaos/durable.hpp>
#include <chaos/error.hpp>
#include <chaos/holds.hpp>
#include <chaos/value.hpp>

namespace chaos {

namespace {

std::string file_in(const std::string& state_directory) {
    return state_directory + "/holds.json";
}

std::int64_t number(const Value* value) {
    return value ? std::stoll(value->text()) : 0;
}

std::string text(const Value* value) {
    return value ? value->text() : std::string();
}

void write(const std::string& state_directory, const std::vector<Hold>& all) {
    Value::List list;
    const auto entry = [](const char* name, std::string said) {
        return Value::Entry{Value(std::string(name)), Value(std::move(said))};
    };
    for (const Hold& hold : all)
        list.push_back(Value::Map{entry("what", hold.what), entry("who", hold.who), entry("why", hold.why),
                                  entry("since", std::to_string(hold.since)),
                                  entry("until", std::to_string(hold.until))});
    durable::make_directory(state_directory);
    durable::replace(file_in(state_directory), to_json(Value(std::move(list))) + '\n');
}

}  // namespace

std::vector<Hold> holds(const std::string& state_directory, std::int64_t now) {
    const auto said = durable::read(file_in(state_directory));
    std::vector<Hold> all;
    if (!said) return all;
    try {
        const Value list = from_json(*said);
        for (const Value& one : list.list()) {
            Hold hold{text(one.find("what")), text(one.find("who")), text(one.find("why")), number(one.find("since")),
                      number(one.find("until"))};
            if (hold.until > now) all.push_back(std::move(hold));
        }
    } catch (const std::exception& error) {
        throw Error(fmt::format("{} can not be read: {}", file_in(state_directory), error.what()))
            .help("remove it: nothing is then held");
    }
    std::sort(all.begin(), all.end(), [](const Hold& a, const Hold& b) { return a.until < b.until; });
    return all;
}

void add_hold(const std::string& state_directory, const Hold& hold, std::int64_t now) {
    std::vector<Hold> all = holds(state_directory, now);
    std::erase_if(all, [&](const Hold& other) { return other.what == hold.what; });
    all.push_back(hold);
    write(state_directory, all);
}

bool end_hold(const std::string& state_directory, const std::string& what, std::int64_t now) {
    std::vector<Hold> all = holds(state_directory, now);
    if (std::erase_if(all, [&](const Hold& other) { return other.what == what; }) == 0) return false;
    write(state_directory, all);
    return true;
}

std::string to_text(const Hold& hold, const std::string& at) {
    return fmt::format("{} {} held by {} until {}{}", hold.what == "all" ? "everything" : hold.what, "is", hold.who, at,
                       hold.why.empty() ? "" : fmt::format(" ({})", hold.why));
}

}  // namespace chaos
