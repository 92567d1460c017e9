// SPDX-License-Identifier: Apache-2.0
#include "revision.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <optional>

namespace chaos::cli {

namespace {

constexpr std::size_t most = 4 << 20;  // packed-refs of a large repository

std::optional<std::string> text_of(const std::string& path) {
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0) return std::nullopt;
    std::string text;
    char block[4096];
    struct stat about {};
    if (fstat(file, &about) == 0 && S_ISREG(about.st_mode))
        for (ssize_t got = 0; text.size() < most && (got = ::read(file, block, sizeof block)) > 0;)
            text.append(block, static_cast<std::size_t>(got));
    ::close(file);
    return text;
}

std::string line_of(const std::optional<std::string>& text) {
    if (!text) return {};
    std::string line = text->substr(0, text->find('\n'));
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
    return line;
}

std::string commit_or_nothing(const std::string& word) {
    const bool well =
        (word.size() == 40 || word.size() == 64) && word.find_first_not_of("0123456789abcdef") == word.npos;
    return well ? word : std::string();
}

std::string joined(const std::string& directory, const std::string& path) {
    return path.starts_with('/') ? path : directory + '/' + path;
}

std::string packed(const std::string& directory, const std::string& name) {
    const std::string refs = text_of(directory + "/packed-refs").value_or("");
    const auto at = refs.find(' ' + name + '\n');
    const auto from = at == refs.npos ? at : refs.rfind('\n', at);
    return at == refs.npos ? std::string()
                           : refs.substr(from == refs.npos ? 0 : from + 1, at - (from == refs.npos ? 0 : from + 1));
}

/// `.git` is a directory, or a file that says where it is: of a work tree, of a submodule.
std::string git_directory(const std::string& above) {
    const std::string path = above + "/.git";
    struct stat about {};
    if (stat(path.c_str(), &about) != 0) return {};
    if (S_ISDIR(about.st_mode)) return path;
    constexpr std::string_view mark = "gitdir: ";
    const std::string line = line_of(text_of(path));
    return line.starts_with(mark) ? joined(above, line.substr(mark.size())) : std::string();
}

}  // namespace

std::string revision_of(const std::string& file) {
    char* real = ::realpath(file.c_str(), nullptr);
    if (!real) return {};
    std::string above = real;
    std::free(real);
    std::string git;
    while (git.empty() && !above.empty()) {
        above.resize(above.rfind('/'));
        git = git_directory(above);
    }
    if (git.empty()) return {};
    const std::string head = line_of(text_of(git + "/HEAD"));
    constexpr std::string_view mark = "ref: ";
    if (!head.starts_with(mark)) return commit_or_nothing(head);
    const std::string name = head.substr(mark.size());
    if (name.find("..") != name.npos) return {};
    const std::string common = line_of(text_of(git + "/commondir"));  // of a work tree beside the first one
    const std::string shared = common.empty() ? git : joined(git, common);
    for (const std::string& directory : {git, shared})
        if (std::string commit = commit_or_nothing(line_of(text_of(directory + '/' + name))); !commit.empty())
            return commit;
    return commit_or_nothing(packed(shared, name));
}

}  // namespace chaos::cli
