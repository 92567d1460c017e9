// SPDX-License-Identifier: Apache-2.0
// libgit2 speaks git's protocol; what carries it is ours (git_wire.hpp).
#include "git_remote.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

namespace chaos::git {

/// What libgit2's callbacks are given: C on both sides, so what goes wrong in one is kept until libgit2 has returned.
struct Talk {
    const Library& lib;
    Access access;
    Patience patience;
    std::unique_ptr<Wire> wire{};  ///< None where the repository is on this host.
    std::optional<Error> wrong{};
    bool too_large = false;      ///< That is what is wrong.
    unsigned objects = 0;        ///< That came whole,
    std::uint64_t whole_at = 0;  ///< and how much had come then.

    template <class Work>
    int guarded(Work&& work) {
        if (wrong) return -1;
        try {
            work();
            return 0;
        } catch (const Error& error) {
            wrong = error;
        } catch (const std::exception& error) {
            wrong = Error(error.what());
        }
        lib.error_set(GIT_ERROR_NET, wrong->what());
        return -1;
    }
};

namespace {

struct Stream {
    git_smart_subtransport_stream base{};
    Talk* talk = nullptr;
};

struct Subtransport {
    git_smart_subtransport base{};
    Talk* talk = nullptr;
    Stream stream{};
};

int read_stream(git_smart_subtransport_stream* stream, char* into, std::size_t room, std::size_t* got) {
    Talk& talk = *reinterpret_cast<Stream*>(stream)->talk;
    return talk.guarded([&] { *got = talk.wire->read(into, room); });
}

int write_stream(git_smart_subtransport_stream* stream, const char* bytes, std::size_t count) {
    Talk& talk = *reinterpret_cast<Stream*>(stream)->talk;
    return talk.guarded([&] { talk.wire->write({bytes, count}); });
}

int act(git_smart_subtransport_stream** out, git_smart_subtransport* transport, const char*, git_smart_service_t what) {
    auto& ours = *reinterpret_cast<Subtransport*>(transport);
    return ours.talk->guarded([&] {
        if (what != GIT_SERVICE_UPLOADPACK_LS && what != GIT_SERVICE_UPLOADPACK)
            throw Error("nothing is ever pushed from here");
        ours.talk->wire->begin(what == GIT_SERVICE_UPLOADPACK_LS ? Wire::Asks::refs : Wire::Asks::pack);
        *out = &ours.stream.base;
    });
}

/// For libgit2's smart transport: what it is to speak through.
int make_subtransport(git_smart_subtransport** out, git_transport*, void* talk) {
    auto made = std::make_unique<Subtransport>();
    made->talk = made->stream.talk = static_cast<Talk*>(talk);
    made->stream.base.subtransport = &made->base;
    made->stream.base.read = read_stream;
    made->stream.base.write = write_stream;
    made->stream.base.free = [](git_smart_subtransport_stream*) {};
    made->base.action = act;
    made->base.close = [](git_smart_subtransport*) { return 0; };
    made->base.free = [](git_smart_subtransport* gone) { delete reinterpret_cast<Subtransport*>(gone); };
    *out = &made.release()->base;
    return 0;
}

int make_transport(git_transport** out, git_remote* owner, void* talk) {
    auto& given = *static_cast<Talk*>(talk);
    git_smart_subtransport_definition definition{make_subtransport, given.wire->forgets(), talk};
    return given.lib.transport_smart(out, owner, &definition);
}

int watch(const git_indexer_progress* so_far, void* talk) {
    auto& given = *static_cast<Talk*>(talk);
    return given.guarded([&] {
        given.patience.check_total();
        if (so_far->received_bytes > given.access.most_bytes) refuse_more(given.access);
        // what is packed is hardly more than what it was
        given.too_large =
            so_far->received_bytes - given.whole_at > given.access.most_file + given.access.most_file / 16 + (1 << 20);
        if (given.too_large)
            throw Error(fmt::format("it has a file of more than {} MiB", given.access.most_file >> 20))
                .help("keep large files elsewhere, and fetch them with a digest; what came of it is gone again");
        if (so_far->received_objects != given.objects)
            given.objects = so_far->received_objects, given.whole_at = so_far->received_bytes;
    });
}

git_remote_callbacks callbacks_of(Talk& talk) {
    git_remote_callbacks calls = GIT_REMOTE_CALLBACKS_INIT;
    calls.payload = &talk;
    if (talk.wire) calls.transport = make_transport;
    calls.transfer_progress = watch;
    return calls;
}

/// What another person has is looked at only where that was said: by file://, and by no mere path.
void check_owner(const std::string& path) {
    for (const std::string& each : {path, path + "/.git"}) {
        struct stat about {};
        if (::stat(each.c_str(), &about) == 0 && about.st_uid != 0 && about.st_uid != ::geteuid())
            throw Error(fmt::format("{} belongs to somebody else", path))
                .help("write file://" + path + " to follow what that person says");
    }
}

/// Names come from elsewhere, and are shown to people and made to names of files.
bool is_ref(std::string_view name) {
    const auto odd = [](char c) { return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f || c == '\\'; };
    return name.starts_with("refs/") && name.size() < 1000 && name.find("..") == name.npos &&
           std::ranges::none_of(name, odd);
}

Error cannot(const char* doing, const std::string& url, const Error& why) {
    return std::move(Error(fmt::format("can not {} {}: {}", doing, url, why.what())))
        .help(why.hint.empty() ? "try it by hand: git ls-remote " + url : std::string(why.hint));
}

}  // namespace

Error cannot_ask(const std::string& url, const Error& why) {
    return cannot("ask", url, why);
}

std::unique_ptr<Wire> wire_to(const Address& address, const Access& access) {
    using Way = Address::Way;
    if (address.way == Way::ssh) return ssh_wire(address, access);
    if (address.way == Way::https || address.way == Way::http) return https_wire(address, access);
    return nullptr;
}

Connection::Connection(const Library& lib, git_repository* repository, const std::string& url, const Access& access)
    : lib_(lib), url_(url), talk_(new Talk{lib, access, Patience(access)}), remote_(nullptr, lib.remote_free) {
    const Address address = address_of(url);
    talk_->wire = wire_to(address, access);
    if (address.way == Address::Way::path) check_owner(address.path);
    lib.opts(GIT_OPT_SET_OWNER_VALIDATION, 0);  // we looked ourselves
    git_remote* made = nullptr;
    const int failed = repository ? lib.remote_create_anonymous(&made, repository, url.c_str())
                                  : lib.remote_create_detached(&made, url.c_str());
    if (failed != 0) fail("use");
    remote_.reset(made);
    const auto calls = callbacks_of(*talk_);
    if (lib.remote_connect(made, GIT_DIRECTION_FETCH, &calls, nullptr, nullptr) != 0) fail("ask");
    const git_remote_head** heads = nullptr;
    std::size_t count = 0;
    if (lib.remote_ls(&heads, &count, made) != 0) fail("ask");
    for (std::size_t i = 0; i < count; ++i) heads_.push_back({heads[i]->name, hex(lib, heads[i]->oid)});
}

Connection::~Connection() = default;

void Connection::fail(const char* doing) {
    const Error error = cannot(doing, url_, talk_->wrong ? *talk_->wrong : Error(last_message(lib_)));
    if (!talk_->too_large) throw error;
    TooLarge large(error.what());
    large.hint = error.hint;
    throw large;
}

std::string Connection::first_branch() const {
    git_buf name{};
    std::string branch;
    if (lib_.remote_default_branch(&name, remote_.get()) == 0) branch.assign(name.ptr, name.size);
    lib_.buf_dispose(&name);
    if (branch.empty())
        throw Error(
            fmt::format("{} {}", url_,
                        heads_.empty() ? "is empty: it has no commits yet" : "does not say which branch is its first"))
            .help(heads_.empty() ? "push something to it" : "name one: main, or refs/heads/main");
    return branch;
}

Tip Connection::resolve(const std::string& asked) const {
    const std::string ref = asked.empty() ? first_branch() : asked;
    const auto find = [&](const std::string& name) {
        return std::ranges::find_if(heads_, [&](const Head& head) { return head.name == name; });
    };
    std::vector<Tip> found;
    const auto look = [&](const std::string& name) {
        const auto head = find(name), peeled = find(name + "^{}");
        if (head == heads_.end() || !is_ref(name)) return;
        if (peeled == heads_.end()) return found.push_back({name, head->commit});
        found.push_back({name, peeled->commit, head->commit});
    };
    if (ref.starts_with("refs/")) look(ref);
    if (!ref.starts_with("refs/")) look("refs/heads/" + ref), look("refs/tags/" + ref);
    if (found.size() == 2 && found[0].commit != found[1].commit)
        throw Error(fmt::format("{} has a branch {} and a tag {}, and they are not the same", url_, ref, ref))
            .help(fmt::format("write it in full: refs/heads/{} or refs/tags/{}", ref, ref));
    if (!found.empty()) return found.front();
    std::vector<std::string> near;
    for (const std::string& name : names())
        if (near.size() < 8 && name.starts_with("refs/heads/")) near.push_back(name.substr(11));
    throw Error(fmt::format("{} has no branch or tag {}", url_, ref))
        .help(near.empty() ? "it has no branches" : fmt::format("its branches are: {}", fmt::join(near, ", ")));
}

std::vector<std::string> Connection::names() const {
    std::vector<std::string> names;
    for (const Head& head : heads_)
        if ((head.name.starts_with("refs/heads/") || head.name.starts_with("refs/tags/")) &&
            !head.name.ends_with("^{}") && is_ref(head.name))
            names.push_back(head.name);
    return names;
}

void Connection::download(const std::vector<std::string>& refs) {
    std::vector<std::string> specs;
    std::vector<char*> pointers;
    for (const std::string& ref : refs) specs.push_back(fmt::format("+{}:{}", ref, ref));
    for (std::string& spec : specs) pointers.push_back(spec.data());
    const git_strarray wanted{pointers.data(), pointers.size()};
    git_fetch_options options = GIT_FETCH_OPTIONS_INIT;
    options.callbacks = callbacks_of(*talk_);
    options.download_tags = GIT_REMOTE_DOWNLOAD_TAGS_NONE;
    if (lib_.remote_download(remote_.get(), &wanted, &options) != 0) fail("fetch");
}

}  // namespace chaos::git
