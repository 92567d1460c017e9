// SPDX-License-Identifier: Apache-2.0
#include "site_kinds.hpp"
#include <sys/stat.h>
#include <chaos/secrets.hpp>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <chaos/recorded.hpp>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "support/fake_host.hpp"

namespace chaos::test {

namespace {

struct File {
    std::string path;
    std::optional<Content> content;
    std::optional<Mode> mode;
    std::optional<std::string> owner, group, seen;
    bool secret = false;
};
constexpr Field file_fields[] = {
    schema::key<&File::path>("path", "Where it is."),
    schema::property<&File::content>("content", "Its bytes."),
    schema::source("source", "content", "A file beside the manifest."),
    schema::rendered("template", "content", "A template beside the manifest."),
    schema::names("with", "What it sees."),
    schema::property<&File::mode>("mode", "Its permissions."),
    schema::property<&File::owner>("owner", "Whose it is.").persons(),
    schema::property<&File::group>("group", "Whose group's it is.").persons(Field::Person::group),
    schema::option<&File::secret>("secret", "Never shown."),
    schema::seen<&File::seen>("seen", "Only ever observed."),
};
constexpr Schema file_schema =
    schema::of<File>("file", "files", Order::file, "A file.", file_fields).body("content").keyed(schema::clean_path);

struct Package {
    std::string name;
    std::optional<std::string> version;
    bool purge = false;
};
constexpr Field package_fields[] = {
    schema::key<&Package::name>("name", "Which."),
    schema::property<&Package::version>("version", "What version."),
    schema::option<&Package::purge>("purge", "Its configuration goes with it."),
};
constexpr Schema package_schema =
    schema::of<Package>("package", "packages", Order::package, "A package.", package_fields).body("version");

struct Service {
    std::string name;
    bool running = true;
    bool enabled = true;
    std::string on_change = "restart";
};
constexpr Field service_fields[] = {
    schema::key<&Service::name>("name", "Which."),
    schema::property<&Service::running>("running", "Whether it runs."),
    schema::property<&Service::enabled>("enabled", "Whether it is started at boot.").also("on_boot"),
    schema::option<&Service::on_change>("on_change", "What it does when what it watches changes."),
};
constexpr Schema service_schema =
    schema::of<Service>("service", "services", Order::service, "A service.", service_fields)
        .reacting()
        .keyed([](std::string_view key) {
            return std::string(key.ends_with(".service") ? key.substr(0, key.size() - 8) : key);
        });

struct User {
    std::string name;
    std::optional<std::vector<std::string>> groups;
    std::optional<std::string> shell, home, password;
};
constexpr Field user_fields[] = {
    schema::key<&User::name>("name", "Who."),
    schema::property<&User::groups>("groups", "Groups it is in."),
    schema::property<&User::shell>("shell", "What it logs in to."),
    schema::property<&User::home>("home", "Where its things are."),
    schema::property<&User::password>("password", "Its hash."),
    schema::resource("authorized_keys", "authorized_keys", "Who may log in as it."),
    schema::resource("sudo", "sudo", "What it may do as root."),
};
constexpr Schema user_schema = schema::of<User>("user", "users", Order::user, "A person.", user_fields);

struct Keys {
    std::string user;
    std::optional<std::vector<std::string>> keys;
};
constexpr Field keys_fields[] = {
    schema::key<&Keys::user>("user", "Whose."),
    schema::property<&Keys::keys>("keys", "Public keys.").needed(),
};
constexpr Schema keys_schema =
    schema::of<Keys>("authorized_keys", "authorized_keys", Order::file, "Keys.", keys_fields).body("keys");

struct Sudo {
    std::string name;
    std::string rule;
    bool nopasswd = false;
};
constexpr Field sudo_fields[] = {
    schema::key<&Sudo::name>("name", "Whose."),
    schema::property<&Sudo::rule>("rule", "What is allowed."),
    schema::property<&Sudo::nopasswd>("nopasswd", "Nobody is asked."),
};
constexpr Schema sudo_schema = schema::of<Sudo>("sudo", "sudo_rules", Order::file, "A rule.", sudo_fields).body("rule");

struct Hostname {
    std::string name;
};
constexpr Field hostname_fields[] = {schema::property<&Hostname::name>("name", "What it is called.").needed()};
constexpr Schema hostname_schema =
    schema::of<Hostname>("hostname", "hostname", Order::setting, "The host's name.", hostname_fields).body("name");

struct Job {
    std::string name;
    std::string command;
    std::optional<std::string> run_as{};
};
constexpr Field job_fields[] = {
    schema::key<&Job::name>("name", "What it is called here."),
    schema::option<&Job::command>("command", "What it does."),
    schema::option<&Job::run_as>("run_as", "Who does it.").persons(),
};
constexpr Schema job_schema =
    schema::of<Job>("job", "jobs", Order::exec, "A thing to do.", job_fields).body("command").reacting();

class Kind final : public ResourceType {
public:
    explicit constexpr Kind(const Schema& schema, Way way = Way::calls) : schema_(schema), way_(way) {}
    const Schema& schema() const override { return schema_; }
    void observe_all(const View&, std::span<const Wish>, std::span<State>) const override {}
    void apply_all(WritableHost&, std::span<const Change>) const override {}
    Way way() const override { return way_; }
    bool has_others() const override { return schema_.order <= Order::user || schema_.order == Order::service; }

private:
    const Schema& schema_;
    Way way_;
};
constexpr Kind kinds[] = {Kind(file_schema, Way::files),
                          Kind(package_schema),
                          Kind(service_schema),
                          Kind(user_schema),
                          Kind(keys_schema),
                          Kind(sudo_schema),
                          Kind(hostname_schema),
                          Kind(job_schema)};

Value os_fact(const View&) {
    return Value::Map{{std::string("id"), std::string("debian")}, {std::string("family"), std::string("debian")}};
}

class Directory {
public:
    Directory() {
        std::string name = (std::filesystem::temp_directory_path() / "chaos-site-XXXXXX").string();
        if (!::mkdtemp(name.data())) throw std::runtime_error("no temporary directory");
        path = name;
    }
    ~Directory() { std::filesystem::remove_all(path); }
    Directory(const Directory&) = delete;
    std::string path;
};

const Registry& registry() {
    static const Registry kept = site_registry();  // ids of the site point into its schemas
    return kept;
}

Reading read(const std::string& path, const std::vector<std::pair<std::string, std::string>>& vars, Cache* cache,
             Provenance* provenance = nullptr) {
    Reading reading;
    const FakeHost host;
    const View view(host);
    const std::string key = std::string(CHAOS_SECRETS) + "/key.txt";
    ::chmod(key.c_str(), 0600);  // a checkout makes it readable by all
    const KeyRing keys{{{key, true}}};
    ReadContext context{registry(), view, cache, "web1", vars};
    context.provenance = provenance;
    context.keys = &keys;
    reading.site = read_site(reading.sources, {path}, context, reading.problems);
    return reading;
}

/// Files in a directory of their own, which is the working directory as long as this lives.
class Scene {
public:
    explicit Scene(const std::vector<std::pair<std::string, std::string>>& files)
        : before_(std::filesystem::current_path()) {
        for (const auto& [name, text] : files) {
            const auto path = std::filesystem::path(directory_.path) / name;
            std::filesystem::create_directories(path.parent_path());
            std::ofstream(path, std::ios::binary) << text;
        }
        std::filesystem::current_path(directory_.path);
    }
    ~Scene() { std::filesystem::current_path(before_); }
    Scene(const Scene&) = delete;

private:
    Directory directory_;
    std::filesystem::path before_;
};

}  // namespace

Registry site_registry() {
    Registry registry;
    for (const Kind& kind : kinds) registry.types.push_back(&kind);
    registry.facts.push_back({"os", "The system.", false, os_fact});
    registry.facts.push_back({"load", "How busy it is.", true, [](const View&) { return Value(std::string("0.5")); }});
    return registry;
}

std::string Reading::errors() const {
    std::string text;
    for (const Error& error : problems.errors()) text += render(error, sources);
    return text;
}

const Resource& Reading::operator[](std::string_view id) const {
    for (const Resource& resource : site.catalog)
        if (to_text(resource.id) == id) return resource;
    throw std::runtime_error("no resource " + std::string(id) + "\n" + errors());
}

std::string Reading::attribute(std::string_view id, std::string_view name) const {
    const Resource& resource = (*this)[id];
    const Value all = encode(resource.type->schema(), resource.wanted);
    const Value* held = all.find(name);
    return held ? to_json(*held) : "not said";
}

Reading read_files(const std::vector<std::pair<std::string, std::string>>& files,
                   const std::vector<std::pair<std::string, std::string>>& vars, Cache* cache) {
    const Scene scene(files);
    return read(files.front().first, vars, cache);
}

Told told_files(const std::vector<std::pair<std::string, std::string>>& files,
                const std::vector<std::pair<std::string, std::string>>& vars) {
    const Scene scene(files);
    Told told;
    told.reading = read(files.front().first, vars, nullptr, &told.provenance);
    return told;
}

Told told_text(const std::string& text) {
    return told_files({{"site.yml", text}});
}

std::string recorded_text() {
    FakeHost host;
    host.put_file("/etc/passwd", "root:hunter2:0:0:Root:/root:/bin/sh\neve:x:7:7:Eve:/srv/eve:/bin/sh\n");
    host.put_file("/etc/group", "root:hunter2:0:\neve:x:7:\n");
    host.put_file("/etc/chaos/host.yml", "name: web1\ngroups: [web, europe]\n");
    const View view(host);
    Sources sources;
    return record_facts({registry(), view}, sources);
}

Reading read_elsewhere(const std::string& text, const std::string& recorded) {
    const Scene scene({{"site.yml", text}, {"web1.json", recorded}});
    Reading reading;
    try {
        const RecordedHost kept = read_recorded(reading.sources, "web1.json");
        const UnseenHost host(kept);
        const View view(host);
        ReadContext context{registry(), view};
        context.recorded = &kept;
        reading.site = read_site(reading.sources, {"site.yml"}, context, reading.problems);
    } catch (const Error& error) {
        reading.problems.add(error);
    }
    return reading;
}

Reading read_text(const std::string& text) {
    return read_files({{"site.yml", text}});
}

Reading read_path(const std::string& path) {
    return read(path, {}, nullptr);
}

std::string ids(const Reading& reading) {
    CHECK(reading.errors() == "");
    std::string text;
    for (const Resource& resource : reading.site.catalog)
        text += (text.empty() ? "" : " ") + to_text(resource.id) + (resource.absent ? "-" : "");
    return text;
}

std::string edges(const Reading& reading) {
    CHECK(reading.errors() == "");
    std::string text;
    for (const auto& edge : reading.site.edges)
        text += (text.empty() ? "" : ", ") + to_text(reading.site.catalog[edge.from].id) + " -> " +
                to_text(reading.site.catalog[edge.to].id);
    return text;
}

std::string parsed(const std::string& text) {
    Sources sources;
    const auto source = sources.add("site.yml", "/", text);
    try {
        return to_json(parse_yaml(sources, source));
    } catch (const Error& error) {
        return render(error, sources);
    }
}

}  // namespace chaos::test
