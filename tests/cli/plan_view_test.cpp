// SPDX-License-Identifier: Apache-2.0
#include "cli/plan_view.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <chaos/registry.hpp>

#include "cli/drift_view.hpp"
#include "cli/history_view.hpp"

using namespace chaos;
using namespace chaos::cli;

namespace {

AttributeView text(std::string name, std::optional<std::string> before, std::optional<std::string> after) {
    AttributeView view;
    view.name = std::move(name), view.before = std::move(before), view.after = std::move(after);
    return view;
}

PlanView webserver() {
    PlanView view;
    view.title = "web", view.resources = 7, view.next = "chaos apply site.yml";
    ChangeView package;
    package.action = ChangeView::Action::create, package.id = "package:libnginx", package.because = "package:nginx";
    package.undo = Undo::cached, package.step = 1;
    ChangeView file;
    file.id = "file:/etc/nginx/nginx.conf", file.where = "site.yml:3:5", file.doc = "the web server", file.step = 2;
    file.attributes = {text("mode", "0600", "0644"), text("content", "12 bytes", "14 bytes")};
    file.attributes[1].diff = {"@@ -1 +1 @@", "-user www;", "+user \x1b[31mroot;"};
    file.waits_for = {1};
    ChangeView user;
    user.id = "user:deploy", user.step = 3;
    user.attributes = {text("groups", "a, b", "b, c"), text("password", "‹secret›", "‹secret›")};
    user.attributes[0].several = true, user.attributes[0].added = {"c"}, user.attributes[0].removed = {"a"};
    user.attributes[1].secret = true;
    ChangeView gone;
    gone.action = ChangeView::Action::remove, gone.id = "file:/etc/old", gone.leaving = true, gone.step = 4;
    ChangeView service;
    service.action = ChangeView::Action::react, service.id = "service:nginx", service.reaction = "restart";
    service.triggers = {"file:/etc/nginx/nginx.conf"}, service.step = 5;
    view.changes = {package, file, user, gone, service};
    return view;
}

/// All texts in a record that a person would have to see as well.
void check_said(const std::string& shown, const PlanView& view) {
    for (const ChangeView& change : view.changes) {
        CAPTURE(change.id);
        CHECK(shown.find(change.id) != std::string::npos);
        CHECK(shown.find(change.where) != std::string::npos);
        CHECK(shown.find(change.reaction) != std::string::npos);
        for (const AttributeView& attribute : change.attributes) CHECK(shown.find(attribute.name) != std::string::npos);
    }
}

}  // namespace

TEST_CASE("a plan reads as one line a resource, its attributes, and a summary") {
    CHECK(render(webserver(), Style(false), false) ==
          "web\n"
          "  + package:libnginx  (because of package:nginx; undo: from cache)\n"
          "  ~ file:/etc/nginx/nginx.conf  site.yml:3:5\n"
          "      # the web server\n"
          "      mode: 0600 -> 0644\n"
          "      content: 12 bytes -> 14 bytes\n"
          "        @@ -1 +1 @@\n"
          "        -user www;\n"
          "        +user \\x1b[31mroot;\n"
          "  ~ user:deploy\n"
          "      groups: -a +c\n"
          "      password: ‹secret› (changes)\n"
          "  - file:/etc/old  (left the manifest: as it was before)\n"
          "  ! service:nginx  (restart: file:/etc/nginx/nginx.conf changes)\n"
          "\n"
          "1 to create, 2 to change, 1 to remove, 1 to restart.\n"
          "next: chaos apply site.yml\n");
}

TEST_CASE("a plan's steps and what they wait for are shown to who asks for more") {
    const std::string shown = render(webserver(), Style(false), true);
    CHECK(shown.find("      step 2, after 1\n") != std::string::npos);
    CHECK(shown.find("      step 1\n") != std::string::npos);
}

TEST_CASE("a plan's record says what is printed, and every change has every field") {
    const PlanView view = webserver();
    const Json record = to_json(view);
    check_said(record.text(), view);
    check_said(render(view, Style(false), false), view);
    for (const char* field : {"action", "id", "reaction", "triggers", "attributes", "where", "doc", "because",
                              "leaving", "undo", "step", "waits_for", "fetched", "room"}) {
        CAPTURE(field);
        PlanView bare;
        bare.changes.resize(1);
        CHECK(to_json(bare).text().find("\"" + std::string(field) + "\": ") != std::string::npos);
    }
    CHECK(to_json(view).find("summary")->text(false) ==
          R"({"create": 1, "change": 2, "remove": 1, "reactions": {"restart": 1}, "fetched": 0, "room": 0})");
}

TEST_CASE("a plan's end says what is fetched and how much room it takes, where that is known") {
    PlanView view = webserver();
    CHECK(summary(view) == "1 to create, 2 to change, 1 to remove, 1 to restart");
    view.changes[0].cost = {.fetched = 1'500'000, .room = 4096};
    view.changes[1].cost = {.room = -10240};
    CHECK(summary(view) ==
          "1 to create, 2 to change, 1 to remove, 1 to restart; 1.4 MiB to fetch, 6.0 KiB less on disk");
    CHECK(to_json(view).find("summary")->find("fetched")->text(false) == "1500000");
    CHECK(to_json(view).find("summary")->find("room")->text(false) == "-6144");
    view.changes[1].cost.room = -4096;
    CHECK(summary(view).ends_with("; 1.4 MiB to fetch"));
}

TEST_CASE("what is told along with a change is a sentence, and of what goes it is told as well") {
    const auto types = builtin_types();
    const auto type =
        std::find_if(types.begin(), types.end(), [](auto* one) { return one->schema().name == "package"; });
    REQUIRE(type != types.end());
    const Schema& schema = (*type)->schema();
    using Words = std::vector<std::pair<std::string, std::string>>;
    const auto told = [&](const std::string& name, const Words& words) {
        Value::Map map;
        for (const auto& [key, value] : words) map.push_back({Value(key), Value(value)});
        const Value state(Value::Map{{Value(std::string("name")), Value(std::string("x"))}, {Value(name), Value(map)}});
        for (const AttributeView& one : attributes(&schema, Value(), state, {}))
            if (one.name == name) return render(one, Style(false), 0);
        return std::string("nothing");
    };
    CHECK(told("comes", {{"why", "a needs x"}, {"download", "5 kB"}, {"installed", "9 kB"}}) ==
          "comes: a needs x; download 5 kB, installed 9 kB\n");
    CHECK(told("comes", {{"download", "5 kB"}}) == "comes: download 5 kB\n");
    CHECK(told("goes", {{"why", "a conflicts with x"}}) == "goes: a conflicts with x\n");
    CHECK(told("fetched", {}) == "nothing");
}

TEST_CASE("colour is only added: without it a plan is the same text") {
    std::string plain;
    const std::string coloured = render(webserver(), Style(true), false);
    for (std::size_t at = 0; at < coloured.size(); ++at) {
        if (coloured[at] == '\x1b')
            at = coloured.find('m', at);
        else
            plain += coloured[at];
    }
    CHECK(plain == render(webserver(), Style(false), false));
    CHECK(coloured != plain);
}

TEST_CASE("a plan without changes says so") {
    PlanView view;
    view.resources = 3;
    CHECK(render(view, Style(false), false) == "Nothing to do: 3 resources are as wished.\n");
    view.resources = 1;
    CHECK(render(view, Style(false), false) == "Nothing to do: 1 resource is as wished.\n");
}

TEST_CASE("a conflict names what was, what chaos wrote and what is there") {
    PlanView view;
    view.conflicts = {{{"file", "/a"}, "mode", "0600", "0644", "0666"}};
    CHECK(render(view, Style(false), false) ==
          "  = file:/a mode: it stays as somebody else made it\n      before: 0600\n      chaos wrote: 0644\n      "
          "now: 0666\n"
          "0 to create, 0 to change, 0 to remove.\n");
}

TEST_CASE("what nobody kept is told as that, and not as somebody's") {
    PlanView view;
    view.conflicts = {{{"package", "/var/lib/a"}, "", "there", "gone", "its content was kept nowhere"}};
    view.conflicts.front().lost = true;
    CHECK(render(view, Style(false), false) ==
          "  = package:/var/lib/a: it can not come back\n      before: there\n      chaos wrote: gone\n      "
          "now: its content was kept nowhere\n"
          "0 to create, 0 to change, 0 to remove.\n");
    CHECK(to_json(view.conflicts.front()).text().find("\"lost\": true") != std::string::npos);
}

TEST_CASE("what drifted is shown from what was recorded to what is there") {
    DriftView view;
    view.resources = 4, view.next = "chaos apply site.yml";
    view.drifted = {{Drifted::How::changed, "file:/a", "web", "site.yml:2:3", 7, {text("mode", "0644", "0666")}},
                    {Drifted::How::missing, "file:/b", "web", "", 7, {}}};
    CHECK(render(view, Style(false), false) ==
          "~ file:/a  (run 7 of site web, site.yml:2:3)\n      mode: 0644 -> 0666\n- file:/b is missing  (run 7 of "
          "site web)\n"
          "\n2 of 4 resources drifted.\nnext: chaos apply site.yml\n");
    CHECK(render(DriftView{4, {}, ""}, Style(false), false) == "No drift: 4 resources as recorded.\n");
}

TEST_CASE("the history is a table, newest first, with notes below it") {
    HistoryView view;
    const std::int64_t second = 1'000'000'000;
    view.now = 1000 * second;
    view.runs = {
        {2, RunState::undone, "apply", "web", "eve", "site.yml", 995 * second, 996 * second, 0, "step 3 failed", ""}};
    const std::string shown = render(view, Style(false), false);
    CHECK(shown.find("RUN  WHEN") == 0);
    CHECK(shown.find("5 seconds ago  eve  apply  web   site.yml  undone  0") != std::string::npos);
    CHECK(shown.find("  run 2: step 3 failed\n") != std::string::npos);
    CHECK(to_json(view).find("runs")->text(false).find(R"("started": "1970-01-01T00:16:35Z")") != std::string::npos);
    CHECK(render(HistoryView{}, Style(false), false) == "No run yet.\n");
}
