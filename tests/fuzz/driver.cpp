// SPDX-License-Identifier: Apache-2.0
// Feeds a fuzz target where the compiler has no libFuzzer: the files given, then inputs made from them. The same seed
// gives the same inputs. Each is tried in a child, so that the one that kills it can be told, and is kept.
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size);

namespace {

constexpr std::size_t longest = 4096;
/// What manifests are made of: bytes alone would hardly ever open a bracket that closes.
constexpr const char* words[] = {
    "{{ ", " }}",  "vars.", "facts.", "item", "[",    "]",    "{",        "}",       ": ",    "- ",   "\n",     "\n  ",
    "\"",  "'",    "|",     ">",      "&a ",  "*a",   "<<: ", "!!",       "#",       "---\n", "\t",   "files:", "(",
    ")",   " or ", " and ", "not ",   "==",   "0x7f", "\xff", "\xc3\xa9", "\\u0000", "~",     "null", "-1e999"};

std::vector<std::string> corpus_of(const std::vector<std::string>& paths) {
    std::vector<std::string> files, corpus;
    for (const std::string& path : paths) {
        if (!std::filesystem::is_directory(path)) files.push_back(path);
        if (std::filesystem::is_directory(path))
            for (const auto& entry : std::filesystem::directory_iterator(path))
                if (entry.is_regular_file()) files.push_back(entry.path());
    }
    std::sort(files.begin(), files.end());
    for (const std::string& file : files) {
        std::ifstream in(file, std::ios::binary);
        corpus.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
    }
    return corpus;
}

/// Input `number` of a seed: one of the corpus first, then changed ones.
std::string input(const std::vector<std::string>& corpus, std::size_t seed, std::size_t number) {
    if (number < corpus.size()) return corpus[number];
    std::mt19937_64 random(seed * 1'000'003 + number);
    const auto below = [&](std::size_t n) { return n == 0 ? 0 : static_cast<std::size_t>(random() % n); };
    std::string text = corpus[below(corpus.size())];
    for (std::size_t changes = 1 + below(6); changes > 0; --changes) {
        const std::size_t at = below(text.size() + 1);
        switch (below(6)) {
            case 0: text.insert(at, words[below(std::size(words))]); break;
            case 1: text.erase(at, 1 + below(8)); break;
            case 2: text.insert(at, text.substr(below(text.size() + 1), below(64))); break;
            case 3: text.resize(at); break;
            case 4: {
                const std::string& other = corpus[below(corpus.size())];
                text = text.substr(0, at) + other.substr(below(other.size() + 1));
                break;
            }
            default:
                if (at < text.size()) text[at] = static_cast<char>(below(256));
        }
    }
    if (text.size() > longest) text.resize(longest);
    return text;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 4) {
        std::fputs("usage: FUZZER SEED INPUTS FILE|DIRECTORY...\n", stderr);
        return 64;
    }
    const auto seed = std::strtoull(argv[1], nullptr, 10), inputs = std::strtoull(argv[2], nullptr, 10);
    const std::vector<std::string> corpus = corpus_of({argv + 3, argv + argc});
    if (corpus.empty()) {
        std::fputs("there is nothing to begin with\n", stderr);
        return 66;
    }
    const std::size_t count = std::max<std::size_t>(inputs, corpus.size());
    void* shared = ::mmap(nullptr, sizeof(std::size_t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) return 71;
    auto* number = static_cast<std::size_t*>(shared);
    const pid_t child = ::fork();
    if (child == 0) {
        for (*number = 0; *number < count; ++*number) {
            ::alarm(20);  // an input of 4 KiB that takes so long hangs
            const std::string text = input(corpus, seed, *number);
            LLVMFuzzerTestOneInput(reinterpret_cast<const unsigned char*>(text.data()), text.size());
        }
        std::exit(0);
    }
    int status = 0;
    if (child < 0 || ::waitpid(child, &status, 0) != child) return 71;
    if (status == 0 && *number == count) {
        std::printf("note: %zu inputs of seed %llu, from %zu files\n", count, seed, corpus.size());
        return 0;
    }
    const std::string kept = std::string(argv[0]) + ".failed", text = input(corpus, seed, *number);
    std::ofstream(kept, std::ios::binary).write(text.data(), static_cast<std::streamsize>(text.size()));
    std::printf("input %zu of seed %llu failed (status %d); it is kept: %s\n", *number, seed, status, kept.c_str());
    return 1;
}
