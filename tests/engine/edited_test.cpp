// SPDX-License-Identifier: Apache-2.0
// What is parsed of an edited text is what is parsed of the whole.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

#include "edited.hpp"

using namespace chaos;
using namespace chaos::test;

namespace {

const std::string site =
    "# A site.\n"
    "name: web\n"
    "\n"
    "files:\n"
    "  /a:\n"
    "    content: |\n"
    "      one\n"
    "\n"
    "      two\n"
    "    mode: 0644\n"
    "  \"/b{{ x }}\":\n"
    "    content: >+\n"
    "      folded\n"
    "      text\n"
    "\n"
    "  # between\n"
    "  /c: !file c\n"
    "  /d:\n"
    "packages:\n"
    "- git\n"
    "- name: vim\n"
    "  version: 'a\n"
    "    b'\n"
    "- [x,\n"
    "  {y: z}]\n"
    "users:\n"
    "    ü: {uid: 1}\n"
    "    v:\n"
    "      - a\n"
    "      -\n"
    "      - - b\n"
    "        - c\n"
    "      - d: plain\n"
    "          that goes on\n"
    "        e: null\n";

std::string changed(const std::string& from, const std::string& to) {
    std::string text = site;
    const auto at = text.find(from);
    REQUIRE(at != text.npos);
    return text.replace(at, from.size(), to);
}

}  // namespace

TEST_CASE("of a plain edit only what was edited is parsed") {
    CHECK(edited(site, site) == How::taken);
    // A list's item becomes a mapping's entry, at the same column.
    CHECK(edited("a:\n  - x: 1\n    y: 2\nc: 3\n", "a:\n  b:\n    y: 2\nc: 3\n") == How::taken);
    CHECK(edited("a:\n  - x: 1\n    y: 2\n  - z\n", "a:\n  b:\n    y: 2\n  - z\n") == How::whole);
    CHECK(edited(site, site + "# the end\n") == How::taken);
    CHECK(edited(site, site + "      - d: 2\n") == How::taken);
    CHECK(edited(site, site + "services: [x]\n") == How::taken);
    for (const auto& [from, to] : std::vector<std::pair<std::string, std::string>>{
             {"      one\n", "      ONE\n"},
             {"mode: 0644", "mode: 0600"},
             {"    mode: 0644\n", "    mode: 0600\n    owner: root\n"},
             {"    mode: 0644\n", ""},
             {"      text\n", "      text\n        more\n"},
             {"  # between\n", "  # here\n  # and here\n"},
             {"  /c: !file c\n", ""},
             {"  /c: !file c\n", "  /c: !file c\n  /cc: {mode: 1}\n"},
             {"  /d:\n", "  /d: 1\n"},
             {"- git\n", "- git\n- curl\n"},
             {"- git\n", ""},
             {"  version: 'a\n", "  version: 'aa\n"},
             {"  {y: z}]\n", "  {y: z}, w]\n"},
             {"    v:\n", "    v:\n      # one\n"},
             {"        - c\n", "        - c\n        - c2\n"},
             {"      -\n", "      - \"\"\n"},
             {"          that goes on\n", "          that goes further\n          on\n"},
             {"e: null", "e: ~"},
             {"users:\n", "users:\n    ä: 1\n"},
             {"\nfiles:\n", "\nvars: {a: 1}\n\nfiles:\n"},
         }) {
        CAPTURE(from);
        CAPTURE(to);
        CHECK(edited(site, changed(from, to)) == How::taken);
        CHECK(edited(changed(from, to), site) == How::taken);
    }
}

TEST_CASE("what is edited so that it is read otherwise is read as the whole is") {
    for (const auto& [from, to] : std::vector<std::pair<std::string, std::string>>{
             {"    mode: 0644\n", "    mode: \"0644\n"},  // a quote that ends much later, or never
             {"    mode: 0644\n", "    mode: '0644\n"},
             {"    mode: 0644\n", "    mode: [0644\n"},
             {"    mode: 0644\n", "   mode: 0644\n"},
             {"    mode: 0644\n", "     mode: 0644\n"},
             {"    mode: 0644\n", "    content: 2\n"},  // a key that is there already
             {"    mode: 0644\n", "    mode: |\n"},     // takes what follows in
             {"    mode: 0644\n", "    mode: |\n      x\n\n\n"},
             {"    mode: 0644\n", "    mode: |+\n      x\n\n\n"},
             {"    mode: 0644\n", "    mode: >+\n      x\n\n\n"},
             {"    mode: 0644\n", "    mode: !\n"},
             {"    mode: 0644\n", "    mode:\n"},
             {"    mode: 0644\n", "    mode: &a 1\n"},
             {"    mode: 0644\n", "    mode: *a\n"},
             {"    mode: 0644\n", "    <<: {mode: 1}\n"},
             {"    mode: 0644\n", "    ? mode\n    : 1\n"},
             {"    mode: 0644\n", "    ?\n"},
             {"    mode: 0644\n", "    mode\n"},
             {"    mode: 0644\n", "\tmode: 0644\n"},
             {"    mode: 0644\n", "    mode: 0644\n \t \n"},
             {"    mode: 0644\n", "    mode: 0644\n---\n"},
             {"    mode: 0644\n", "    mode: 0644\n...\n"},
             {"    mode: 0644\n", "%TAG ! x\n"},
             {"    mode: 0644\n", "other:\n"},  // what follows is another section's
             {"    mode: 0644\n", "other:\n  x:\n    y: 1\n"},
             {"    mode: 0644\n", "    mode: !x 1\n"},
             {"    mode: 0644\n", "    mode: 1, # x\n     2\n"},
             {"name: web\n", "%TAG ! x\n---\nname: web\n"},
             {"# A site.\n", "\xEF\xBB\xBF\xEF\xBB\xBF# A site.\n"},
             {"files:\n", "files: !\n"},
             {"files:\n", "fils:\n"},
             {"- git\n", "  - git\n"},
             {"- git\n", "-git\n"},
             {"- git\n", "-\n"},
             {"packages:\n", "packages:\nx:\n"},
             {"packages:\n", "packages:\n  - y\nx:\n"},
             {"- [x,\n", "- [x\n"},
             {"- [x,\n", "- x,\n"},
             {"  {y: z}]\n", "  {y: z}\n"},
             {"users:\n", ""},
             {"users:\n", "  users:\n"},
             {"    v:\n", "    v: |2\n"},
             {"    v:\n", ""},
             {"      -\n", "      - # a-b, c: d\n"},
             {"      - - b\n", "      -   - b\n"},
             {"      - d: plain\n", "      - d: plain:\n"},
             {"      - d: plain\n", "      - d: plain #\n"},
         }) {
        CAPTURE(from);
        CAPTURE(to);
        edited(site, changed(from, to));
        edited(changed(from, to), site);
        edited(changed(from, to), changed(from, to) + "# more\n");
        Kept kept;
        const std::string pad = std::string(5000, '#') + '\n';
        said(pad + site, &kept);
        CHECK(said(pad + changed(from, to), &kept) == said(pad + changed(from, to), nullptr));
        CHECK(said(pad + site + "# more\n", &kept) == said(pad + site + "# more\n", nullptr));
    }
}

TEST_CASE("what says how all that follows is read is not left out") {
    const std::string tags = "%TAG ! tag:x,\n---\na: 1\nb: 2\nc: ";
    CHECK(edited(tags + "3\n", tags + "!secret k\n") == How::whole);
    const std::string marked = "\xEF\xBB\xBF" + site;  // one that is left when the first has been taken away
    CHECK(edited(site, marked) == How::whole);
    CHECK(edited(site + "x: &x 1\n", site + "x: &x 2\n") == How::none);
    CHECK(edited(site, site + "x: &x 1\n") == How::whole);
    for (const std::string mark : {"---\n", "...\n"})  // what follows would be another document
        CHECK(edited(site, changed("packages:\n", mark + "packages:\n")) == How::whole);
    CHECK(edited("a: {b: 1}\nc: {<<: {d: 1}}\n", "a: {b: 2}\nc: {<<: {d: 1}}\n") == How::none);
    CHECK(edited("a:\nb: !\n  c: 1\n", "a:\nb: !\n  c: 1\n  d: 2\n") == How::none);
}

TEST_CASE("each line of each example may be edited") {
    int taken = 0, all = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(CHAOS_EXAMPLES)) {
        if (entry.path().extension() != ".yml") continue;
        std::ifstream in(entry.path(), std::ios::binary);
        const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
        const auto lines = lines_of(text);
        for (std::size_t i = 0; i < lines.size(); ++i) {
            auto one = lines;
            one[i].insert(one[i].size() - 1, "x");
            taken += edited(text, joined(one)) == How::taken;
            all += whole(joined(one)).has_value();
            one[i] = lines[i] + lines[i];
            edited(text, joined(one));
            one[i].clear();
            edited(text, joined(one));
            edited(joined(one), text);
        }
    }
    CAPTURE(all);
    CAPTURE(taken);
    CHECK(all > 100);
    CHECK(taken * 2 > all);
}

TEST_CASE("the last text of a source is kept beside its parse, and used") {
    Kept kept;
    const std::string pad = std::string(5000, '#') + '\n', after = pad + changed("0644", "0600");
    CHECK(said(site, &kept) == said(site, nullptr));
    said(site + std::string(600, '#'), &kept);
    CHECK(kept.entries.size() == 1);  // too small for its text to be kept
    said(pad + site, &kept);
    CHECK(kept.entries.size() == 3);
    CHECK(said(after, &kept) == said(after, nullptr));
    CHECK(kept.entries.size() == 4);

    // That it is used shows where what is kept says otherwise than the text does.
    Kept other;
    said(pad + site, &other);
    for (auto& [name, bytes] : other.entries)
        if (name.starts_with("text-"))
            bytes.replace(bytes.find("name: web"), 9, "name: xyz"), bytes.replace(bytes.find("0644"), 4, "0600");
    CHECK(said(pad + changed("name: web", "name: xyz"), &other) == said(pad + site, nullptr));

    // Windows' line ends and a byte order mark are no edit.
    std::string windows = "\xEF\xBB\xBF";
    for (const char c : after) windows += c == '\n' ? std::string("\r\n") : std::string(1, c);
    CHECK(said(windows, &kept) == said(after, nullptr));
    CHECK(said(windows + "# more\r\n", &kept) == said(after + "# more\n", nullptr));

    // What has anchors is not edited.
    Kept anchors;
    said(pad + site + "x: &x 1\n", &anchors);
    CHECK(anchors.entries.size() == 1);
    // What is damaged is not believed.
    for (auto& [name, bytes] : kept.entries) bytes.resize(bytes.size() / 2);
    CHECK(said(after + "# again\n", &kept) == said(after + "# again\n", nullptr));
}
