// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chaos/digest.hpp>
#include <chaos/git.hpp>
#include <chaos/git_mirror.hpp>
#include <chaos/module_source.hpp>
#include <climits>
#include <cstdlib>
#include <cstring>

#include "modules.hpp"
#include "problems.hpp"
#include "site.hpp"

namespace chaos::cli {

namespace {

struct ModuleView {
    ModuleSource source;
    std::string state;  ///< here, fetched, missing, changed.
};

struct ModulesView {
    std::vector<ModuleView> modules;
};

Json to_json(const ModulesView& view) {
    Json list = Json::list();
    for (const ModuleView& one : view.modules)
        list.add(Json::record(
            {{"module", one.source.module}, {"url", one.source.url}, {"rev", one.source.rev}, {"state", one.state}}));
    return Json::record({{"modules", list}});
}

std::string render(const ModulesView& view, Style style, bool verbose) {
    if (view.modules.empty()) return "No module comes from elsewhere.\n";
    std::string out;
    for (const auto& [source, state] : view.modules)
        out += fmt::format("{:<8} {}  {}  {}\n", state, escape(source.module), escape(source.url),
                           style.dim(verbose ? source.rev : source.rev.substr(0, 12)));
    return out;
}

[[noreturn]] void fail(const std::string& path, int why) {
    throw Error(fmt::format("can not write {}: {}", escape(path), std::strerror(why)));
}

void make_directory(const std::string& path) {
    if (::mkdir(path.c_str(), 0755) != 0 && errno != EEXIST) fail(path, errno);
}

/// A new file, on the disk when this is over; never through a link.
void write_file(const std::string& path, std::string_view bytes) {
    const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (file < 0) fail(path, errno);
    int wrong = 0;
    while (!bytes.empty() && !wrong) {
        const ssize_t put = ::write(file, bytes.data(), bytes.size());
        if (put > 0)
            bytes.remove_prefix(static_cast<std::size_t>(put));
        else if (put == 0 || errno != EINTR)
            wrong = put == 0 ? ENOSPC : errno;
    }
    if (!wrong && ::fsync(file) != 0) wrong = errno;
    ::close(file);
    if (wrong) fail(path, wrong);
}

/// All at once: under another name first.
void put_tree(const std::string& directory, const git::Files& files) {
    std::string made = directory + ".XXXXXX";
    if (!::mkdtemp(made.data())) fail(made, errno);
    ::chmod(made.c_str(), 0755);
    for (const auto& [path, bytes] : files) {
        for (auto slash = path.find('/'); slash != std::string::npos; slash = path.find('/', slash + 1))
            make_directory(made + "/" + path.substr(0, slash));
        write_file(made + "/" + path, bytes);
    }
    if (::rename(made.c_str(), directory.c_str()) != 0) fail(directory, errno);
}

void put_lock(const std::string& directory, const ModuleLock& lock) {
    const std::string path = directory + "/chaos.lock", made = path + ".new";
    ::unlink(made.c_str());
    write_file(made, chaos::to_text(lock));
    if (::rename(made.c_str(), path.c_str()) != 0) fail(path, errno);
}

std::string directory_of_site(const std::string& manifest) {
    char* found = ::realpath(manifest.c_str(), nullptr);
    if (!found) throw Error(fmt::format("can not read {}: {}", escape(manifest), std::strerror(errno)));
    const std::string real(found);
    std::free(found);
    return real.substr(0, real.rfind('/'));
}

class Fetcher {
public:
    /// How a server is reached is `access`, where it is that of `of` (empty: every one is asked as anybody would).
    Fetcher(Context& context, std::vector<std::string> manifests, std::string of = {}, git::Access access = {})
        : context_(context),
          of_(std::move(of)),
          access_(std::move(access)),
          manifests_(std::move(manifests)),
          directory_(directory_of_site(manifests_.front())),
          lock_(read_module_lock(context.sources, directory_)) {}

    ModulesView list() {
        ModulesView view;
        for (const ModuleSource& source : sources()) view.modules.push_back({source, state_of(source)});
        return view;
    }

    /// What one brings may use others: until nothing new is used.
    ModulesView fetch() {
        ModulesView view;
        for (std::size_t done = 0;;) {
            const auto all = sources();
            if (done == all.size()) break;
            for (; done < all.size(); ++done) view.modules.push_back({all[done], bring(all[done])});
        }
        return view;
    }

private:
    std::vector<ModuleSource> sources() {
        const World world = wire(context_.options);
        const View view(*world.host);
        const ReadContext reading{world.registry, view, nullptr, context_.options.host_name, context_.options.vars};
        Diagnostics problems;
        auto found = module_sources(context_.sources, manifests_, reading, problems);
        stop_where(problems, Exit::usage);
        return found;
    }

    std::string state_of(const ModuleSource& source) const {
        const std::string kept = kept_modules(directory_, source.rev);
        struct stat about {};
        const auto locked = lock_.find({source.url, source.rev});
        if (::lstat(kept.c_str(), &about) != 0 || locked == lock_.end()) return "missing";
        try {
            return digest_of_module(files_of_module(kept)) == locked->second ? "here" : "changed";
        } catch (const Error&) {
            return "changed";
        }
    }

    std::string bring(const ModuleSource& source) {
        const std::string kept = kept_modules(directory_, source.rev), state = state_of(source);
        if (state == "here") return state;
        if (state == "changed")
            throw Error(source.where, fmt::format("{} is not what chaos.lock says: it was changed", escape(kept)))
                .help("to have it anew: rm -r " + kept + ", and fetch again");
        const std::string here = directory_ + "/.chaos";
        make_directory(here), make_directory(here + "/modules"), make_directory(here + "/git");
        struct stat about {};
        if (::lstat((here + "/.gitignore").c_str(), &about) != 0) write_file(here + "/.gitignore", "*\n");
        const git::Files files = files_of(source, here + "/git/" + hex(digest(source.url)));
        const std::string found = digest_of_module(files);
        auto& locked = lock_[{source.url, source.rev}];
        if (!locked.empty() && locked != found)
            throw Error(source.where, fmt::format("{} at {} is not what chaos.lock says", escape(source.url),
                                                  source.rev.substr(0, 12)))
                .help("somebody changed chaos.lock, or the repository is not the one it was: look into both");
        if (::lstat(kept.c_str(), &about) != 0) put_tree(kept, files);
        if (digest_of_module(files_of_module(kept)) != found)
            throw Error(source.where, fmt::format("{} is there already, and is something else", escape(kept)))
                .help("rm -r " + kept + ", and fetch again");
        locked = found;
        put_lock(directory_, lock_);
        return "fetched";
    }

    /// Where its server does not answer, nothing is known to be wrong with who uses it.
    git::Files files_of(const ModuleSource& source, const std::string& cache) const {
        try {
            git::fetch_commit(cache, source.url, source.rev,
                              of_.empty() ? access_ : git::access_for(source.url, of_, access_));
        } catch (const Busy&) {
            throw;
        } catch (const git::TooLarge& error) {
            throw told(error, source);
        } catch (const Error& error) {
            throw told(git::Unanswered(error), source);
        }
        try {
            return git::files_of(source.url, source.rev, cache);
        } catch (const Error& error) {
            throw told(error, source);
        }
    }

    template <class What>
    static What told(What error, const ModuleSource& source) {
        error.where = source.where;
        return error;
    }

    Context& context_;
    std::string of_;
    git::Access access_;
    std::vector<std::string> manifests_;
    std::string directory_;
    ModuleLock lock_;
};

}  // namespace

void fetch_modules(Context& context, const std::vector<std::string>& manifests, const std::string& of,
                   const git::Access& access) {
    Fetcher(context, manifests, of, access).fetch();
}

Exit modules(Context& context) {
    const auto& words = context.options.arguments;
    if (words.front() != "fetch" && words.front() != "list") {
        Usage error(fmt::format("expected fetch or list, found '{}'", escape(words.front())));
        error.hint = "chaos modules fetch MANIFEST";
        throw error;
    }
    Fetcher fetcher(context, {words.begin() + 1, words.end()});
    const bool brings = words.front() == "fetch";
    const ModulesView view = brings ? fetcher.fetch() : fetcher.list();
    context.console.show(view);
    const bool whole = std::all_of(view.modules.begin(), view.modules.end(),
                                   [](const ModuleView& one) { return one.state == "here" || one.state == "fetched"; });
    return whole ? Exit::well : Exit::pending;
}

}  // namespace chaos::cli
