// SPDX-License-Identifier: Apache-2.0
#include "git_refs.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <chaos/error.hpp>
#include <cstring>

#include "git_wire.hpp"
#include "scratch.hpp"

using namespace chaos;
using namespace chaos::git;

namespace {

const std::string one(40, '1'), two(40, '2'), three(40, '3');

std::string line(const std::string& text) {
    return fmt::format("{:04x}{}", text.size() + 4, text);
}

/// What a server says to each question, three bytes at a time; and what was asked.
class Told final : public Wire {
public:
    explicit Told(std::string refs, std::string answer = {}) : says_{std::move(refs), std::move(answer)} {}
    bool forgets() const override { return true; }
    void begin(Asks asks) override { at_ = 0, now_ = asks == Asks::pack; }
    void write(std::string_view bytes) override { asked.append(bytes); }
    std::size_t read(char* into, std::size_t) override {
        const std::size_t count = std::min<std::size_t>(3, says_[now_].size() - at_);
        if (count == 0) throw Error("its answer ended too early");
        std::memcpy(into, says_[now_].data() + at_, count);
        at_ += count;
        return count;
    }
    std::string asked{};

private:
    std::string says_[2];
    std::size_t at_ = 0;
    bool now_ = false;
};

const std::string head = line("# service=git-upload-pack\n") + "0000";
const std::string two_speaks = head + line("version 2\n") + line("agent=git/2.40\n") + line("ls-refs=unborn\n") +
                               line("object-format=sha1\n") + "0000";

}  // namespace

TEST_CASE("a server that speaks version 2 is asked for the ref alone, and a tag comes with what it comes to") {
    Told branch(two_speaks, line(one + " refs/heads/main\n") + line(two + " refs/heads/main-2\n") + "0000");
    const auto tip = tip_over(branch, "main");
    REQUIRE(tip);
    CHECK(tip->ref == "refs/heads/main");
    CHECK(tip->commit == one);
    CHECK(branch.asked == line("command=ls-refs\n") + "0001" + line("peel\n") + line("symrefs\n") +
                              line("ref-prefix refs/heads/main\n") + line("ref-prefix refs/tags/main\n") + "0000");
    Told tag(two_speaks, line(two + " refs/tags/v1 peeled:" + one + "\n") + "0000");
    CHECK(tip_over(tag, "refs/tags/v1")->commit == one);
    Told first(two_speaks, line(one + " HEAD symref-target:refs/heads/trunk\n") + "0000");
    CHECK(tip_over(first, "")->ref == "refs/heads/trunk");
}

TEST_CASE("a server that speaks version 0 tells everything, and the ref is found in it") {
    const std::string all =
        head + line(one + " HEAD" + std::string(1, '\0') + "multi_ack symref=HEAD:refs/heads/main agent=x\n") +
        line(one + " refs/heads/main\n") + line(two + " refs/tags/v1\n") + line(three + " refs/tags/v1^{}\n") + "0000";
    Told first(all), branch(all), tag(all), none(all);
    CHECK(tip_over(first, "")->ref == "refs/heads/main");
    CHECK(tip_over(branch, "main")->commit == one);
    CHECK(tip_over(tag, "v1")->commit == three);
    CHECK(tip_over(tag, "v1")->tag == two);
    CHECK_FALSE(tip_over(none, "nosuch"));
}

TEST_CASE("what is not plain is left to who knows all of git") {
    Told both(two_speaks, line(one + " refs/heads/x\n") + line(two + " refs/tags/x\n") + "0000");
    CHECK_FALSE(tip_over(both, "x"));
    Told odd(two_speaks, line("ERR no such thing\n") + "0000");
    CHECK_FALSE(tip_over(odd, "x"));
    Told older(head + line("version 1\n") + "0000");
    CHECK_FALSE(tip_over(older, "x"));
    Told unasked(two_speaks);
    CHECK_FALSE(tip_over(unasked, "a\nb"));
    CHECK(unasked.asked.empty());
    Told cut(head + line("version 2\n"));
    CHECK_THROWS_AS(tip_over(cut, "x"), Error);
    Told noise("<html>");
    CHECK_THROWS_AS(tip_over(noise, "x"), Error);
}

TEST_CASE("refs of a repository on this host are read as git keeps them") {
    const Scratch place;
    for (const char* name : {"objects", "refs", "refs/heads", "refs/tags"}) place.directory(name);
    place.file("HEAD", "ref: refs/heads/main\n");
    place.file("refs/heads/main", one + "\n");
    place.file("packed-refs", "# pack-refs with: peeled fully-peeled sorted \n" + three + " refs/heads/main\n" + two +
                                  " refs/heads/old\n" + two + " refs/tags/v1\n^" + three + "\n");
    CHECK(tip_in_files(place.path(), "")->commit == one);
    CHECK(tip_in_files(place.path(), "main")->commit == one);  // the loose one is newer
    CHECK(tip_in_files(place.path(), "old")->commit == two);
    CHECK(tip_in_files(place.path(), "v1")->commit == three);
    CHECK(tip_in_files(place.path(), "v1")->tag == two);
    CHECK_FALSE(tip_in_files(place.path(), "none"));
    CHECK_FALSE(tip_in_files(place.path(), "../main"));
    place.file("refs/tags/loose", two + "\n");
    CHECK_FALSE(tip_in_files(place.path(), "loose"));
    place.file("refs/heads/v1", one + "\n");
    CHECK_FALSE(tip_in_files(place.path(), "v1"));
    place.file("refs/heads/bad", "nonsense\n");
    CHECK_FALSE(tip_in_files(place.path(), "bad"));
    place.directory("reftable");
    CHECK_FALSE(tip_in_files(place.path(), "main"));
    CHECK_FALSE(tip_in_files(place.path() + "/none", "main"));
}
