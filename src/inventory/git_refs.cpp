// SPDX-License-Identifier: Apache-2.0
#include "git_refs.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chaos/error.hpp>
#include <vector>

#include "descriptor.hpp"
#include "git_wire.hpp"
#include "text.hpp"

namespace chaos::git {
namespace {

bool is_hash(std::string_view text) {
    return text.size() == 40 && text.find_first_not_of("0123456789abcdef") == text.npos;
}

/// A name that is nothing but one: it becomes part of a path, and of a line that is sent.
bool is_plain(std::string_view name) {
    const auto odd = [](char c) {
        return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f ||
               std::string_view("\\~^:?*[").find(c) != std::string_view::npos;
    };
    return !name.empty() && name.size() < 1000 && name.front() != '/' && name.find("..") == name.npos &&
           name.find("//") == name.npos && name.find("/.") == name.npos && name.front() != '.' &&
           std::ranges::none_of(name, odd);
}

std::vector<std::string> names_for(const std::string& ref) {
    if (ref.starts_with("refs/")) return {ref};
    return {"refs/heads/" + ref, "refs/tags/" + ref};
}

struct Found {
    std::string name, commit, tag{};
};

/// Of a branch and a tag of one name neither is plainly meant.
std::optional<Tip> only(const std::vector<Found>& found) {
    if (found.size() != 1) return std::nullopt;
    return Tip{found[0].name, found[0].commit, found[0].tag};
}

// In files.

constexpr std::size_t most_of_file = 16 << 20;

std::optional<std::string> text_of(const std::string& path, bool& odd) {
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    struct stat about {};
    if (!file) {
        odd |= errno != ENOENT && errno != ENOTDIR && errno != EISDIR;
        return std::nullopt;
    }
    if (::fstat(file.number(), &about) != 0 || S_ISDIR(about.st_mode)) return std::nullopt;
    odd |= !S_ISREG(about.st_mode);
    std::string text;
    std::array<char, 16384> block;
    for (ssize_t got = 0; !odd && (got = ::read(file.number(), block.data(), block.size())) != 0;) {
        if (got < 0 && errno == EINTR) continue;
        odd |= got < 0 || text.size() > most_of_file;
        if (got > 0) text.append(block.data(), static_cast<std::size_t>(got));
    }
    return text;
}

bool exists(const std::string& path) {
    struct stat about {};
    return ::stat(path.c_str(), &about) == 0;
}

/// The first line of a file, without its end; the next of packed-refs.
std::string_view line_of(std::string_view& text) {
    const auto end = std::min(text.find('\n'), text.size());
    const auto line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    return line;
}

/// A repository as it lies on a disk: files of refs, and those that were packed into one.
class Files {
public:
    explicit Files(std::string directory) : directory_(std::move(directory)) {
        if (exists(directory_ + "/.git")) directory_ += "/.git";
        // Kept in a table, shared with another work tree, or none: who knows all of that is asked.
        odd_ = !exists(directory_ + "/objects") || !exists(directory_ + "/refs") || exists(directory_ + "/reftable") ||
               exists(directory_ + "/commondir");
    }

    std::string first() {
        constexpr std::string_view mark = "ref: refs/heads/";
        const auto text = text_of(directory_ + "/HEAD", odd_);
        if (!text || !text->starts_with(mark)) return {};
        std::string_view rest = *text;
        return std::string(line_of(rest).substr(5));
    }

    void find(const std::string& name, std::vector<Found>& found) {
        if (const auto text = text_of(directory_ + '/' + name, odd_)) {
            std::string_view rest = *text;
            const auto hash = line_of(rest);
            // Of a loose tag nobody says here what it comes to.
            odd_ |= !is_hash(hash) || !name.starts_with("refs/heads/");
            found.push_back({name, std::string(hash)});
            return;
        }
        if (!packed_) packed_ = text_of(directory_ + "/packed-refs", odd_).value_or("");
        find_packed(name, found);
    }

    bool odd() const { return odd_; }

private:
    void find_packed(const std::string& name, std::vector<Found>& found) {
        std::string_view rest = *packed_;
        const bool peeled =
            rest.starts_with("# pack-refs with:") && rest.substr(0, rest.find('\n')).find("fully-peeled") != rest.npos;
        const std::size_t at = rest.find(' ' + name + '\n');
        if (at == rest.npos) return;
        const std::size_t begin = rest.rfind('\n', at) + 1;  // npos + 1: the first line
        const std::string hash(rest.substr(begin, at - begin));
        rest.remove_prefix(at + name.size() + 2);
        odd_ |= !is_hash(hash) || (!peeled && !name.starts_with("refs/heads/"));
        const auto next = line_of(rest);
        if (!next.starts_with('^')) return found.push_back({name, hash});
        odd_ |= !is_hash(next.substr(1));
        found.push_back({name, std::string(next.substr(1)), hash});
    }

    std::string directory_;
    std::optional<std::string> packed_{};
    bool odd_ = false;
};

// In git's protocol.

/// Lines with their length in front.
class Lines {
public:
    explicit Lines(Wire& wire) : wire_(wire) {}

    enum class Kind : char { line, flush, other };

    Kind next() {
        std::string digits = take(4);
        const auto length = number<unsigned>(digits, 16);
        if (!length || *length > most_of_line) throw Error("what it says is not git's protocol");
        line.clear();
        if (*length == 0) return Kind::flush;
        if (*length < 4) return Kind::other;
        line = take(*length - 4);
        if (line.ends_with('\n')) line.pop_back();
        return Kind::line;
    }

    std::string line{};

private:
    static constexpr unsigned most_of_line = 65520;

    std::string take(std::size_t count) {
        while (held_.size() - at_ < count) {
            held_.erase(0, at_), at_ = 0;
            std::array<char, 16384> block;
            held_.append(block.data(), wire_.read(block.data(), block.size()));
        }
        at_ += count;
        return held_.substr(at_ - count, count);
    }

    Wire& wire_;
    std::string held_{};
    std::size_t at_ = 0;
};

void send(Wire& wire, std::string_view text) {
    wire.write(fmt::format("{:04x}{}", text.size() + 4, text));
}

/// `abcd... refs/heads/main symref-target:... peeled:...` as words.
std::vector<std::string_view> words_of(std::string_view line) {
    std::vector<std::string_view> words;
    for_words(line, ' ', [&](std::string_view word) { words.push_back(word); });
    return words;
}

std::optional<Tip> ask_in_two(Wire& wire, Lines& lines, const std::string& ref) {
    bool lists = false;
    while (lines.next() != Lines::Kind::flush) {
        lists |= lines.line == "ls-refs" || lines.line.starts_with("ls-refs=");
        if (lines.line.starts_with("object-format=") && lines.line != "object-format=sha1") return std::nullopt;
    }
    if (!lists) return std::nullopt;
    wire.begin(Wire::Asks::pack);
    send(wire, "command=ls-refs\n");
    wire.write("0001");
    send(wire, "peel\n");
    send(wire, "symrefs\n");
    const auto wanted = ref.empty() ? std::vector<std::string>{"HEAD"} : names_for(ref);
    for (const std::string& name : wanted) send(wire, "ref-prefix " + name + '\n');
    wire.write("0000");
    Lines answer(wire);
    std::vector<Found> found;
    while (answer.next() == Lines::Kind::line) {
        const auto words = words_of(answer.line);
        if (words.size() < 2 || !is_hash(words[0])) return std::nullopt;
        if (std::ranges::find(wanted, words[1]) == wanted.end()) continue;
        Found one{std::string(words[1]), std::string(words[0])};
        for (const auto word : words) {
            constexpr std::string_view to = "symref-target:", peeled = "peeled:";
            if (word.starts_with(to) && ref.empty()) one.name = word.substr(to.size());
            if (word.starts_with(peeled)) one.tag = one.commit, one.commit = word.substr(peeled.size());
        }
        if (!one.name.starts_with("refs/") || !is_plain(one.name) || !is_hash(one.commit)) return std::nullopt;
        found.push_back(std::move(one));
    }
    return only(found);
}

/// All refs, as version 0 lists them; `lines` stands at the first.
std::optional<Tip> find_in_list(Lines& lines, std::string ref) {
    std::vector<Found> found;
    std::string head;
    for (bool first = true, more = true; more; more = lines.next() == Lines::Kind::line) {
        const std::string_view line = lines.line;
        const auto end = std::min(line.find('\0'), line.size());
        if (std::exchange(first, false) && ref.empty()) {
            constexpr std::string_view mark = " symref=HEAD:";
            const auto at = line.find(mark);
            if (at == line.npos) return std::nullopt;
            ref = line.substr(at + mark.size(), line.find(' ', at + 1) - at - mark.size());
            if (!ref.starts_with("refs/heads/") || !is_plain(ref)) return std::nullopt;
        }
        const auto words = words_of(line.substr(0, end));
        if (words.size() != 2 || !is_hash(words[0])) return std::nullopt;
        for (const std::string& name : names_for(ref)) {
            if (words[1] == name) found.push_back({name, std::string(words[0])});
            if (words[1] == name + "^{}" && !found.empty() && found.back().name == name)
                found.back().tag = found.back().commit, found.back().commit = words[0];
        }
    }
    return only(found);
}

}  // namespace

std::optional<Tip> tip_in_files(const std::string& path, const std::string& ref) {
    Files files(path);
    const std::string name = ref.empty() ? files.first() : ref;
    if (!is_plain(name)) return std::nullopt;
    std::vector<Found> found;
    for (const std::string& each : names_for(name)) files.find(each, found);
    return files.odd() ? std::nullopt : only(found);
}

std::optional<Tip> tip_over(Wire& wire, const std::string& ref) {
    if (!ref.empty() && !is_plain(ref)) return std::nullopt;
    wire.offer_two();
    wire.begin(Wire::Asks::refs);
    Lines lines(wire);
    if (lines.next() != Lines::Kind::line) return std::nullopt;
    if (lines.line.starts_with("# service="))
        if (lines.next() != Lines::Kind::flush || lines.next() != Lines::Kind::line) return std::nullopt;
    if (lines.line == "version 2") return ask_in_two(wire, lines, ref);
    if (!is_hash(std::string_view(lines.line).substr(0, 40))) return std::nullopt;
    auto tip = find_in_list(lines, ref);
    if (!wire.forgets()) wire.write("0000");  // nothing is wanted: it may go
    return tip;
}

}  // namespace chaos::git
