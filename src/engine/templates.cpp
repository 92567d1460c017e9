// SPDX-License-Identifier: Apache-2.0
// Where templates come from, and where in them something stands.
#include <fmt/format.h>
#include <algorithm>
#include "beside.hpp"
#include "template.hpp"
#include "utf8.hpp"

namespace chaos {

namespace {

constexpr std::uint64_t largest = 4 << 20;

std::string key_of(const std::string& path, language::Blanks blanks) {
    return fmt::format("{}{}{}", blanks.trim_blocks ? 't' : '-', blanks.lstrip_blocks ? 'l' : '-', path);
}

std::string directory_of(const std::string& path) {
    const auto slash = path.rfind('/');
    return slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}

/// An absolute path without `.` and `..`.
std::string straightened(std::string_view path) {
    std::vector<std::string_view> parts;
    while (!path.empty()) {
        const auto part = path.substr(0, path.find('/'));
        path.remove_prefix(std::min(part.size() + 1, path.size()));
        if (part == ".." && !parts.empty()) parts.pop_back();
        if (!part.empty() && part != "." && part != "..") parts.push_back(part);
    }
    return fmt::format("/{}", fmt::join(parts, "/"));
}

bool is_beneath(const std::string& path, std::string root) {
    if (!root.ends_with('/')) root += '/';
    return path.starts_with(root);
}

}  // namespace

const Templates::File& Templates::parse(const std::string& key, std::string name, File file, std::string text,
                                        language::Blanks blanks) {
    text = language::with_newlines(text);
    if (text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);
    file.source = sources_.add(std::move(name), file.directory, text);
    const auto fail = [&](std::size_t at, const std::string& message, std::string hint) {
        file.parsed = std::make_shared<language::Parsed>(language::Parsed{text, {}, {}});
        throw Error(place(file, at), message).help(std::move(hint));
    };
    if (const auto at = first_invalid_utf8(text); at != std::string::npos)
        fail(at, "this is no UTF-8", "a template is a text; what is not goes beside the manifest, with source:");
    try {
        file.parsed = language::parse_template(text, blanks);
    } catch (const Mistake& mistake) {
        fail(mistake.at, mistake.message, mistake.hint);
    }
    return files_.insert_or_assign(key, std::move(file)).first->second;
}

const Templates::File& Templates::open(const std::string& path, const std::string& root, language::Blanks blanks) {
    const std::string key = key_of(path, blanks);
    if (const auto held = files_.find(key); held != files_.end()) return held->second;
    std::string text = beside::read(path, largest);
    File file;
    file.directory = directory_of(beside::real_path(path));
    const std::string top = beside::real_path(root);
    // One that lies elsewhere has its own directory to stay in.
    file.root = is_beneath(file.directory + "/", top) ? top : file.directory;
    return parse(key, path, std::move(file), std::move(text), blanks);
}

const Templates::File& Templates::open_from(const File& from, const std::string& name, language::Blanks blanks,
                                            bool& missing) {
    const auto outside = [&] {
        return Error(fmt::format("'{}' leads out of {}", printable(name), from.root))
            .help("what a template includes lies beneath the manifest's directory");
    };
    if (name.empty() || name.find('\0') != std::string::npos)
        throw Error("expected the name of a template, found nothing");
    if (name.starts_with('/')) throw outside();
    const std::string path = straightened(beside::join(from.directory, name));
    if (!is_beneath(path, from.root)) throw outside();
    if (const auto held = files_.find(key_of(path, blanks)); held != files_.end()) return held->second;
    missing = !beside::exists(path);
    if (missing)
        throw Error(fmt::format("there is no template '{}'", printable(name)))
            .help(fmt::format("it is looked for in {}", from.directory));
    const std::string real = beside::real_path(path);
    if (!is_beneath(real, from.root)) throw outside();
    std::string text = beside::read(real, largest);
    File file;
    file.directory = directory_of(real), file.root = from.root;
    return parse(key_of(path, blanks), path, std::move(file), std::move(text), blanks);
}

const Templates::File& Templates::add(const std::string& name, const std::string& directory, std::string text,
                                      language::Blanks blanks) {
    File file;
    file.directory = file.root = beside::real_path(directory);
    return parse(fmt::format("={}", files_.size()), name, std::move(file), std::move(text), blanks);
}

Place Templates::place(const File& file, std::size_t at) const {
    const auto before = std::string_view(file.parsed->text).substr(0, at);
    const auto line = static_cast<std::uint32_t>(std::count(before.begin(), before.end(), '\n') + 1);
    const auto column = characters(before.substr(before.rfind('\n') + 1)) + 1;
    return {line, static_cast<std::uint16_t>(std::min<std::size_t>(column, 65535)), file.source};
}

}  // namespace chaos
