// SPDX-License-Identifier: Apache-2.0
// look ROOT ROUNDS NAME...: what it takes to look at these packages of a root, all at once, from nothing; and, in turn,
// to read the files alone that tell of them. Medians, in microseconds of this thread's processor: LOOK FLOOR.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chaos/plan.hpp>
#include <chaos/registry.hpp>
#include <chaos/root_host.hpp>
#include <cstdio>
#include <cstdlib>
#include <ctime>

namespace {

double processor_us() {
    timespec time{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_nsec) / 1e3;
}

double median(std::vector<double> all) {
    std::sort(all.begin(), all.end());
    return all[all.size() / 2];
}

std::size_t read_whole(const std::string& path) {
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) return 0;
    struct stat entry {};
    std::string text;
    ssize_t got = 0;
    if (::fstat(file, &entry) == 0) {
        text.resize(static_cast<std::size_t>(entry.st_size));
        got = ::read(file, text.data(), text.size());
    }
    ::close(file);
    return got < 0 ? 0 : static_cast<std::size_t>(got);
}

}  // namespace

int main(int argc, char** argv) try {
    if (argc < 4) {
        std::fprintf(stderr, "usage: look ROOT ROUNDS NAME...\n");
        return 64;
    }
    const std::string root = argv[1];
    const int rounds = std::max(1, std::atoi(argv[2]));
    const chaos::Registry registry{chaos::builtin_types(), {}};
    const chaos::ResourceType& type = *registry.type("package");
    std::vector<chaos::Wish> wishes;
    for (int i = 3; i < argc; ++i) {
        chaos::Diagnostics problems;
        const chaos::Value said(chaos::Value::Map{{chaos::Value("name"), chaos::Value(std::string(argv[i]))}});
        wishes.push_back({chaos::decode(type.schema(), said, problems)});
    }
    const chaos::RootHost host(root);
    std::vector<double> looks, floors;
    std::size_t found = 0;
    for (int round = 0; round <= rounds; ++round) {
        chaos::States states(wishes.size());
        double begin = processor_us();
        std::size_t bytes = 0;
        for (const char* file : {"/var/lib/dpkg/status", "/var/lib/apt/extended_states", "/var/lib/dpkg/arch-native"})
            bytes += read_whole(root + file);
        double end = processor_us();
        if (bytes == 0) std::fprintf(stderr, "there is no dpkg in %s\n", root.c_str());
        if (round > 0) floors.push_back(end - begin);
        begin = processor_us();
        const chaos::View view(host);
        type.observe_all(view, wishes, states);
        end = processor_us();
        if (round > 0) looks.push_back(end - begin);
        found = static_cast<std::size_t>(
            std::count_if(states.begin(), states.end(), [](const auto& s) { return bool(s); }));
    }
    std::printf("%.0f %.0f %zu\n", median(looks), median(floors), found);
    return 0;
} catch (const chaos::Error& error) {
    std::fprintf(stderr, "look: %s\n", error.what());
    return 1;
}
