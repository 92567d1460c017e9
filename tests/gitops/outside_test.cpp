// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chaos/gitops/outside.hpp>
#include <chaos/gitops/repository.hpp>
#include <fstream>
#include <iterator>

using namespace chaos;
using namespace chaos::gitops;

namespace {

std::string contents(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

TEST_CASE("an event is one line of JSON, whatever is in it") {
    Event event;
    event.kind = "failure", event.host = "web", event.message = "site.yml:1:1: \"no\"\nand more", event.run = 42;
    const std::string line = to_json(event);
    CHECK(line.find('\n') == line.size() - 1);
    const Value said = from_json(line);
    CHECK(said.find("event")->text() == "failure");
    CHECK(said.find("run")->text() == "42");
    CHECK(said.find("message")->text() == event.message);
    const std::string record = to_log_record(event);
    CHECK(record.find('\n') == record.size() - 1);
    CHECK(from_json(record).find("severityText")->text() == "ERROR");
}

TEST_CASE("metrics say how it stands, in Prometheus's format") {
    Settings settings;
    settings.url = "https://x/\"quoted\"";
    Memory memory;
    memory.good = memory.seen = "abc", memory.good_at = 17, memory.duration_ms = 1234, memory.drifted = 3;
    const std::string text = metrics(settings, memory, 20);
    CHECK(text.find("chaos_gitops_info{url=\"https://x/\\\"quoted\\\"\",ref=\"\",commit=\"abc\"} 1\n") !=
          std::string::npos);
    CHECK(text.find("\nchaos_gitops_synced 1\n") != std::string::npos);
    CHECK(text.find("\nchaos_gitops_last_success_timestamp_seconds 17\n") != std::string::npos);
    CHECK(text.find("\nchaos_gitops_run_duration_seconds 1.234\n") != std::string::npos);
    CHECK(text.find("\nchaos_gitops_drifted_resources 3\n") != std::string::npos);
    memory.seen = memory.failed = "def";
    CHECK(metrics(settings, memory, 20).find("\nchaos_gitops_failed 1\n") != std::string::npos);
}

TEST_CASE("outside is told where the settings say, and what can not be told is answered") {
    std::string place = "/tmp/chaos-outside-XXXXXX";
    REQUIRE(::mkdtemp(place.data()));
    Settings settings;
    settings.url = "https://x/y";
    settings.metrics = Path{place + "/chaos.prom"}, settings.events = Path{place + "/events.jsonl"};
    settings.command = Words{{"/bin/sh", "-c", "cat >> " + place + "/told"}};
    Event event;
    event.kind = "drift", event.message = "2 resources drifted";
    CHECK(tell_outside(settings, place, Memory{}, event).empty());
    CHECK(contents(place + "/told") == to_json(event));
    CHECK(contents(place + "/events.jsonl") == to_log_record(event));
    struct stat about {};
    REQUIRE(::stat((place + "/chaos.prom").c_str(), &about) == 0);
    CHECK((about.st_mode & 07777) == 0644);

    event.kind = "applied";  // pages nobody
    CHECK(tell_outside(settings, place, Memory{}, event).empty());
    CHECK(contents(place + "/told").find("applied") == std::string::npos);
    CHECK(contents(place + "/events.jsonl").find("applied") != std::string::npos);

    event.kind = "failure";
    settings.command = Words{{"/bin/false"}}, settings.metrics = Path{place + "/none/chaos.prom"};
    CHECK(tell_outside(settings, place, Memory{}, event).size() == 2);
    remove_tree(place);
}
