// SPDX-License-Identifier: Apache-2.0
#include "rollback/image.hpp"

#include <doctest/doctest.h>

using namespace chaos;
using rollback::Image;

namespace {

Image some_file() {
    Image it;
    it.kind = Entry::Kind::file;
    it.mode = 04755, it.uid = 1000, it.gid = 4294967294U;
    it.size = 5'000'000'000, it.modified = -1;
    it.content = digest("content");
    it.extended = std::string("\x04\0user.a%b\0 \n\xff", 14);
    it.device = 0xffff'ffff'ffff'ffff, it.inode = 7, it.born = 1'700'000'000'123'456'789;
    return it;
}

bool identical(const Image& a, const Image& b) {
    return a.kind == b.kind && a.mode == b.mode && a.uid == b.uid && a.gid == b.gid && a.size == b.size &&
           a.modified == b.modified && a.target == b.target && a.content == b.content && a.extended == b.extended &&
           a.same_inode(b);
}

}  // namespace

TEST_CASE("An image read back from its line is the image, whatever bytes are in it") {
    const Image file = some_file();
    CHECK(identical(rollback::image_from_text(to_text(file)), file));
    CHECK(to_text(file).find('\n') == std::string::npos);

    Image link;
    link.kind = Entry::Kind::link;
    link.mode = 0777;
    for (const char* target : {"/a b", "-", "%2d", "", "\xff\x01", "ünïcode"}) {
        link.target = target;
        CHECK(identical(rollback::image_from_text(to_text(link)), link));
    }
    CHECK_FALSE(rollback::image_from_text("absent"));
    CHECK(to_text(Image{}) == "absent");
}

TEST_CASE("An image's line that was cut or spoilt anywhere is an error and nothing else") {
    const std::string line = to_text(some_file());
    const auto born = line.rfind(' ');
    for (std::size_t length = 0; length <= born + 1; ++length)
        CHECK_THROWS_AS(rollback::image_from_text(line.substr(0, length)), Error);
    for (const char* wrong :
         {"file", "absent ", "directory 0755 0 0 0 0 - - - 1 2 3 4", "file 0689 0 0 0 0 - - - 1 2 3",
          "file 0644 -1 0 0 0 - - - 1 2 3", "file 0644 0 0 0 0 - - %f 1 2 3", "file 0644 0 0 0 0 - - %zz 1 2 3",
          "thing 0644 0 0 0 0 - - - 1 2 3"})
        CHECK_THROWS_AS(rollback::image_from_text(wrong), Error);
}

TEST_CASE("An image is the same as another by what is put back, not by when or where it was made") {
    const Image file = some_file();
    Image other = file;
    other.modified = 1, other.device = 2, other.inode = 3, other.born = 4;
    CHECK(file.same_as(other));
    CHECK_FALSE(file.same_inode(other));

    const auto differs = [&](auto change) {
        Image it = file;
        change(it);
        return !it.same_as(file) && !file.same_as(it);
    };
    CHECK(differs([](Image& it) { it.kind = Entry::Kind::directory; }));
    CHECK(differs([](Image& it) { it.mode = 0755; }));
    CHECK(differs([](Image& it) { it.uid = 0; }));
    CHECK(differs([](Image& it) { it.gid = 0; }));
    CHECK(differs([](Image& it) { it.content = digest("other"); }));
    CHECK(differs([](Image& it) { it.extended.clear(); }));
    CHECK(differs([](Image& it) { it = Image{}; }));

    Image link;
    link.kind = Entry::Kind::link;
    link.target = "/a";
    Image same = link;
    same.mode = 0777;
    CHECK(link.same_as(same));
    same.target = "/b";
    CHECK_FALSE(link.same_as(same));

    Image directory = file;
    directory.kind = Entry::Kind::directory;
    Image grown = directory;
    grown.size = 1;
    CHECK(directory.same_as(grown));
}
