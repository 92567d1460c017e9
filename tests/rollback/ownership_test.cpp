// SPDX-License-Identifier: Apache-2.0
#include "rollback/ownership.hpp"

#include <chaos/past.hpp>
#include <chaos/registry.hpp>
#include <chaos/transaction.hpp>

#include "rollback/stored_value.hpp"
#include "scratch.hpp"

using namespace chaos;
using namespace chaos::rollback;

namespace {

bool has(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

Value map(std::initializer_list<std::pair<const char*, const char*>> entries) {
    Value::Map it;
    for (const auto& [key, text] : entries) it.push_back({Value(std::string(key)), Value(std::string(text))});
    return Value(std::move(it));
}

/// A store, and the site `web` that is applied to it.
struct Owners {
    Owners() {
        registry.types = builtin_types();
        site.name = "web", site.origin = "/srv/web.yml";
    }

    /// In a run of its own, as the end of a run does it. An origin of null: there was nothing.
    void own(const std::string& name, const std::string& origin, const std::string& key, const Value& attributes,
             const Value& before = {}, const std::string& type = "file") {
        Store::Batch batch(store);
        RunRecord run;
        run.state = RunState::committed, run.verb = "apply", run.site = name;
        OwnedRecord record;
        record.run = batch.add_run(run);
        record.type = type, record.key = key, record.site = name, record.attributes = attributes;
        record.origin = before, record.where = name + ".yml:3:5";
        batch.set_site(name, origin);
        batch.own(record);
        batch.commit();
    }

    void declare(const Value& attributes) {
        const ResourceType* type = registry.type("file");
        Diagnostics problems;
        Resource resource;
        resource.wanted = decode(type->schema(), attributes, problems);
        REQUIRE(problems.ok());
        resource.type = type;
        resource.id = {type->schema().name, attributes.find("path")->text()};
        site.catalog.push_back(std::move(resource));
    }

    /// A host on which all is as declared.
    States found() const {
        States all;
        for (const Resource& resource : site.catalog) all.push_back(resource.absent ? State() : resource.wanted);
        return all;
    }

    Diagnostics check() {
        Diagnostics problems;
        check_ownership(site, store, problems);
        return problems;
    }
    Diagnostics leave() {
        Diagnostics problems;
        add_leavings(site, registry, store, problems);
        return problems;
    }

    Scratch scratch;
    Store store{scratch.path(), Store::Access::change};
    Registry registry;
    Site site;
};

}  // namespace

TEST_CASE("A site's name that was used from another place is refused while that site owns something") {
    Owners owners;
    owners.own("web", "/home/alice/web.yml", "/a", map({{"path", "/a"}, {"mode", "0644"}}));
    const auto problems = owners.check();
    REQUIRE(problems.errors().size() == 1);
    CHECK(problems.errors()[0].what() ==
          std::string("site 'web' was applied from /home/alice/web.yml, and this is /srv/web.yml"));
    CHECK(has(problems.errors()[0].hint, "--moved"));
}

TEST_CASE("A site that owns nothing any more may be applied from another place, whatever other sites own") {
    Owners owners;
    owners.own("web", "/home/alice/web.yml", "/a", map({{"path", "/a"}}));
    owners.own("mail", "/home/alice/mail.yml", "/b", map({{"path", "/b"}}));
    {
        Store::Batch batch(owners.store);
        batch.release("file", "/a", "web", 2);
        batch.commit();
    }
    CHECK(owners.check().ok());
}

TEST_CASE("Another site's name is free, and what another site owns is refused with both places") {
    Owners owners;
    owners.own("mail", "/srv/mail.yml", "/etc/motd", map({{"path", "/etc/motd"}}));
    owners.declare(map({{"path", "/etc/hosts"}}));
    CHECK(owners.check().ok());
    owners.declare(map({{"path", "/etc/motd"}}));
    const auto problems = owners.check();
    REQUIRE(problems.errors().size() == 1);
    CHECK(problems.errors()[0].what() == std::string("file:/etc/motd belongs to site 'mail'"));
    REQUIRE(problems.errors()[0].notes.size() == 1);
    CHECK(problems.errors()[0].notes[0].text == "it is declared at mail.yml:3:5");
}

TEST_CASE("What left the manifest comes in the order in which it was recorded, and what other sites own does not") {
    Owners owners;
    for (const char* key : {"/c", "/a", "/b"}) owners.own("web", "/srv/web.yml", key, map({{"path", key}}));
    owners.own("mail", "/srv/mail.yml", "/d", map({{"path", "/d"}}));
    owners.declare(map({{"path", "/a"}}));
    CHECK(owners.leave().ok());
    REQUIRE(owners.site.catalog.size() == 3);
    CHECK(owners.site.catalog[1].id.key == "/c");
    CHECK(owners.site.catalog[1].leaving);
    CHECK(owners.site.catalog[1].absent);
    CHECK(owners.site.catalog[2].id.key == "/b");
}

TEST_CASE("Directories that came along with what left go with it, and those that somebody declared do not") {
    Owners owners;
    {
        Store::Batch batch(owners.store);
        RunRecord run;
        run.state = RunState::committed, run.verb = "apply", run.site = "web";
        ChangeRecord change;
        change.run = batch.add_run(run);
        change.result = ChangeRecord::Result::done;
        const auto made = [&](const char* type, const char* path, const char* where) {
            change.type = type, change.key = path, change.where = where;
            change.after = map({{"path", path}, {"mode", "0755"}});
            batch.add_change(change);
        };
        made("directory", "/srv", "web.yml:1:1");  // by an entry of its own
        made("directory", "/srv/a", "web.yml:3:5");
        made("directory", "/srv/a/b", "web.yml:3:5");
        made("file", "/srv/a/b/c", "web.yml:3:5");
        made("directory", "/srv/mail", "web.yml:4:5");
        made("file", "/srv/mail/box", "web.yml:4:5");
        batch.commit();
    }
    owners.own("web", "/srv/web.yml", "/srv/a/b/c", map({{"path", "/srv/a/b/c"}}));
    owners.own("web", "/srv/web.yml", "/srv/mail/box", map({{"path", "/srv/mail/box"}}));
    owners.own("mail", "/srv/mail.yml", "/srv/mail", map({{"path", "/srv/mail"}}), {}, "directory");
    REQUIRE(owners.leave().ok());
    const auto& catalog = owners.site.catalog;
    REQUIRE(catalog.size() == 4);
    CHECK(to_text(catalog[2].id) == "directory:/srv/a/b");
    CHECK(to_text(catalog[3].id) == "directory:/srv/a");
    for (const std::size_t i : {2, 3}) {
        CHECK((catalog[i].leaving && catalog[i].absent && catalog[i].companion));
        CHECK(catalog[i].because == 0);
    }
}

TEST_CASE(
    "Of what left the manifest the last run that changed it tells that it was not pinned, whatever was declared") {
    for (const char* held : {"false", "true"}) {
        Owners owners;
        {
            Store::Batch batch(owners.store);
            RunRecord run;
            run.state = RunState::committed, run.verb = "apply", run.site = "web";
            ChangeRecord change;
            change.run = batch.add_run(run);
            change.result = ChangeRecord::Result::done, change.type = "package", change.key = "tool";
            change.after = map({{"name", "tool"}, {"version", "2"}, {"hold", held}});
            batch.add_change(change);
            batch.commit();
        }
        const Value said = map({{"name", "tool"}, {"version", "2"}});
        owners.own("web", "/srv/web.yml", "tool", said, {}, "package");
        owners.own("web", "/srv/web.yml", "found", map({{"name", "found"}}), map({{"name", "found"}}), "package");
        owners.own("web", "/srv/web.yml", "said", map({{"name", "said"}, {"hold", "true"}}), {}, "package");
        REQUIRE(owners.leave().ok());
        const auto hold = [&](std::size_t i) {
            const Resource& resource = owners.site.catalog[i];
            const Field* field = resource.type->schema().find("hold");
            return field->given(resource.recorded.spec()) ? field->get(resource.recorded.spec()).text() : "unknown";
        };
        REQUIRE(owners.site.catalog.size() == 3);
        CHECK(hold(0) == (held == std::string("false") ? "false" : "unknown"));
        CHECK(hold(1) == "unknown");  // no run changed it
        CHECK(hold(2) == "true");
    }
}

TEST_CASE("What left the manifest and can not be read is an error that says which and what to do") {
    Owners owners;
    owners.own("web", "/srv/web.yml", "/good", map({{"path", "/good"}, {"mode", "0644"}}));
    owners.own("web", "/srv/web.yml", "/bad", map({{"path", "/bad"}, {"colour", "red"}}));
    owners.own("web", "/srv/web.yml", "/was", map({{"path", "/was"}}), map({{"path", "/was"}, {"mode", "many"}}));
    const auto problems = owners.leave();
    REQUIRE(problems.errors().size() == 2);
    CHECK(
        has(problems.errors()[0].what(), "file:/bad left the manifest, and what is recorded of it can not be read: "));
    CHECK(has(problems.errors()[0].what(), "'colour'"));
    CHECK(has(problems.errors()[0].hint, "--no-prune"));
    CHECK(has(problems.errors()[1].what(), "file:/was"));
    CHECK(owners.site.catalog.size() == 1);
}

TEST_CASE("What left the manifest and is of no known kind stays, and that is said") {
    Owners owners;
    owners.own("web", "/srv/web.yml", "x", map({{"name", "x"}}), {}, "hologram");
    const auto problems = owners.leave();
    CHECK(problems.ok());
    REQUIRE(problems.remarks().size() == 1);
    CHECK(has(problems.remarks()[0].what(), "hologram:x left the manifest"));
    CHECK(owners.site.catalog.empty());
}

TEST_CASE("A site is recorded when the store knows each of its resources with the attributes that are declared") {
    Owners owners;
    const auto attributes = map({{"path", "/a"}, {"content", "x"}, {"mode", "0644"}, {"link", ""}});
    owners.own("web", "/srv/web.yml", "/a", attributes);
    owners.declare(attributes);
    CHECK(is_recorded(owners.site, owners.found(), owners.store));

    SUBCASE("an attribute that is newly declared is to be recorded") {
        owners.site.catalog.clear();
        owners.declare(map({{"path", "/a"}, {"content", "x"}, {"mode", "0644"}, {"owner", "root"}, {"link", ""}}));
        CHECK_FALSE(is_recorded(owners.site, owners.found(), owners.store));
    }
    SUBCASE("an attribute that is declared no more is to be recorded") {
        owners.site.catalog.clear();
        owners.declare(map({{"path", "/a"}, {"content", "x"}}));
        CHECK_FALSE(is_recorded(owners.site, owners.found(), owners.store));
    }
    SUBCASE("a resource that is new is to be recorded") {
        owners.declare(map({{"path", "/b"}}));
        CHECK_FALSE(is_recorded(owners.site, owners.found(), owners.store));
    }
    SUBCASE("one that leaves is to be recorded") {
        owners.site.catalog[0].leaving = true;
        CHECK_FALSE(is_recorded(owners.site, owners.found(), owners.store));
    }
    SUBCASE("one that is to be absent now is to be recorded") {
        owners.site.catalog[0].absent = true;
        CHECK_FALSE(is_recorded(owners.site, owners.found(), owners.store));
    }
    SUBCASE("one that is kept from now on is to be recorded") {
        owners.site.catalog[0].keep = true;
        CHECK_FALSE(is_recorded(owners.site, owners.found(), owners.store));
    }
    SUBCASE("another value than was recorded is to be recorded, though it is there already") {
        owners.site.catalog.clear();
        owners.declare(map({{"path", "/a"}, {"content", "x"}, {"mode", "0600"}, {"link", ""}}));
        CHECK_FALSE(is_recorded(owners.site, owners.found(), owners.store));
    }
    SUBCASE("a site that moved is to be recorded") {
        owners.site.origin = "/elsewhere/web.yml";
        CHECK_FALSE(is_recorded(owners.site, owners.found(), owners.store));
    }
    SUBCASE("what came along with another one is not") {
        owners.declare(map({{"path", "/b"}}));
        owners.site.catalog[1].companion = true;
        CHECK(is_recorded(owners.site, owners.found(), owners.store));
    }
}

TEST_CASE("The names of a stored mapping are those of its own level") {
    const auto names_in = [](std::string_view stored) {
        std::string all;
        for (Names names(stored); names.next();) all += std::string(names.name()) + " ";
        return all;
    };
    CHECK(names_in("null") == "");
    CHECK(names_in("{}") == "");
    CHECK(names_in(R"({"a":"b","c":{"d":"e","f":["g",{"h":"i"}]},"j":null,"k":["l","m"],"n":"{\"o\":\"p\"}"})") ==
          "a c j k n ");
    CHECK(names_in(R"({"a":"\\","b":"\\\"","c":1})") == "a b c ");
    CHECK(names_in(R"({"a":"never closed)") == "a ");
}

TEST_CASE("What is owned is listed anew after each change of the store, and within one that is given up") {
    Owners owners;
    CHECK(owners.store.holdings().empty());
    owners.own("web", "/srv/web.yml", "/a", map({{"path", "/a"}}));
    REQUIRE(owners.store.holdings().size() == 1);
    {
        Store::Batch batch(owners.store);
        batch.release("file", "/a", "web", 2);
        CHECK(owners.store.holdings().empty());
    }
    REQUIRE(owners.store.holdings().size() == 1);
    const Holding gone = owners.store.holdings().front();
    CHECK(owners.store.owned(gone).where == "web.yml:3:5");
    {
        Store::Batch batch(owners.store);
        batch.release("file", "/a", "web", 2);
        batch.commit();
    }
    CHECK(owners.store.holdings().empty());
    CHECK_THROWS_AS(owners.store.owned(gone), Error);
}

TEST_CASE("What a run brought is known by its last coming, and not where somebody declares or protects it") {
    Owners owners;
    const auto changed = [&](const char* key, const Value& before, const Value& after,
                             ChangeRecord::Result result = ChangeRecord::Result::done) {
        Store::Batch batch(owners.store);
        RunRecord run;
        run.state = RunState::committed, run.verb = "apply", run.site = "web";
        ChangeRecord change;
        change.run = batch.add_run(run);
        change.type = "package", change.key = key, change.before = before, change.after = after, change.result = result;
        batch.add_change(change);
        batch.commit();
    };
    const Value one = map({{"name", "x"}, {"version", "1"}}), two = map({{"name", "x"}, {"version", "2"}});
    changed("came", {}, one);
    changed("upgraded", {}, one), changed("upgraded", one, two);
    changed("was-there", one, two);
    changed("went", {}, one), changed("went", one, {});
    changed("again", one, {}), changed("again", {}, one);
    changed("undone", {}, one, ChangeRecord::Result::undone);
    for (const char* key : {"declared", "of-another", "protected"}) changed(key, {}, one);
    owners.own("web", "/srv/web.yml", "declared", one, {}, "package");
    owners.own("mail", "/srv/mail.yml", "of-another", one, {}, "package");
    owners.site.protect = {"package:prot*"};
    const auto past = past_of(owners.site, owners.registry, owners.store);
    for (const char* key : {"came", "upgraded", "again"}) CHECK_MESSAGE(past->brought("package", key), key);
    for (const char* key : {"was-there", "went", "undone", "declared", "of-another", "protected", "unheard-of"})
        CHECK_FALSE_MESSAGE(past->brought("package", key), key);
}
