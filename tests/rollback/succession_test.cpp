// SPDX-License-Identifier: Apache-2.0
// What several runs made of one path, and what somebody else changed between them.
#include <doctest/doctest.h>

#include <chaos/digest.hpp>

#include "../../src/rollback/inode.hpp"
#include "../../src/rollback/succession.hpp"

using namespace chaos;
using namespace chaos::rollback;

namespace {

Image file(const std::string& content, std::uint32_t mode = 0644, const Extended& extended = {}) {
    Image image;
    image.kind = Entry::Kind::file;
    image.mode = mode;
    image.content = digest(content);
    image.size = content.size();
    image.extended = to_text(extended);
    return image;
}

Operation change(const Image& before, const Image& after) {
    Operation operation;
    operation.path = "/a";
    operation.before = before;
    operation.after = after;
    operation.staged = "/.stage/1";
    return operation;
}

}  // namespace

TEST_CASE("a succession goes back to what was there first, with what somebody changed between its runs") {
    Image edited = file("two", 0606, {{"user.theirs", "1"}});
    edited.uid = 12;
    Image last = edited;
    last.content = digest("three");
    Succession all(change(file("one", 0644, {{"user.old", "x"}}), file("two", 0644, {{"user.old", "x"}})));
    all.add(change(edited, last));
    CHECK(all.before.content == digest("one"));
    CHECK(all.before.mode == 0606);
    CHECK(all.before.uid == 12);
    CHECK(extended_from(all.before.extended) == Extended{{"user.theirs", "1"}});
    CHECK(all.after.same_as(last));
}

TEST_CASE("a succession takes back what its runs changed again, whoever had changed it between them") {
    Succession all(change(file("one", 0644, {{"user.a", "old"}}), file("two", 0600, {{"user.a", "ours"}})));
    all.add(change(file("theirs", 0640, {{"user.a", "theirs"}}), file("two", 0600, {{"user.a", "ours"}})));
    CHECK(all.before.same_as(file("one", 0644, {{"user.a", "old"}})));
}

TEST_CASE("a content that somebody wrote between two runs stays where the later one changed only the mode") {
    Succession all(change(file("one"), file("two")));
    all.add(change(file("theirs"), file("theirs", 0600)));
    CHECK(all.before.content == digest("theirs"));
    CHECK(all.before.mode == 0644);
}

TEST_CASE("what lies there again after it was removed goes back to what it was made as, and not to an older one") {
    Operation removed = change(file("one"), {});
    removed.staged = "/var/lib/chaos/trash/1/a";
    Succession all(removed);
    CHECK(all.trash == removed.staged);
    all.add(change(file("theirs"), file("theirs", 0600)));
    CHECK(all.before.same_as(file("theirs")));
    CHECK(all.trash.empty());
}

TEST_CASE("a tree that was thrown away, brought back and thrown away again lies where it was thrown last") {
    Image tree;
    tree.kind = Entry::Kind::directory;
    tree.mode = 0755;
    tree.inode = 7, tree.born = 70;
    const auto staged = [](Operation operation, const std::string& at) { return operation.staged = at, operation; };
    const std::string first = "/var/lib/chaos/trash/2/a-1", second = "/var/lib/chaos/trash/5/b-1";
    Succession all(staged(change(tree, {}), first));
    CHECK(all.trash == first);
    all.add(staged(change({}, tree), first));
    CHECK(all.trash.empty());
    CHECK(all.after.same_as(tree));
    SUBCASE("by the run after that") {
        all.add(staged(change(tree, {}), second));
        CHECK(all.trash == second);
        CHECK(all.before.same_inode(tree));
        CHECK_FALSE(all.after);
    }
    SUBCASE("after its mode was changed in its place") {
        Image closed = tree;
        closed.mode = 0700;
        all.add(staged(change(tree, closed), ""));
        CHECK(all.trash.empty());
        all.add(staged(change(closed, {}), second));
        CHECK(all.trash == second);
    }
}

TEST_CASE("another directory that was made in its place and thrown away is not the tree that was there first") {
    Image tree, other;
    tree.kind = other.kind = Entry::Kind::directory;
    tree.inode = 7, other.inode = 8, other.born = 80;
    Operation removed = change(tree, {}), made = change({}, other), removed_again = change(other, {});
    removed.staged = "/var/lib/chaos/trash/2/a-1", removed_again.staged = "/var/lib/chaos/trash/5/b-1";
    Succession all(removed);
    all.add(made);
    all.add(removed_again);
    CHECK(all.trash == removed.staged);
    // Nor where the first went because it was empty.
    removed.staged = "/.stage/2";
    Succession empty(removed);
    CHECK(empty.trash.empty());
    empty.add(made);
    empty.add(removed_again);
    CHECK(empty.trash.empty());
}
