// SPDX-License-Identifier: Apache-2.0
//
// once COMMAND...: runs it with its output thrown away, and prints what it took: milliseconds on the clock,
// milliseconds of processors, peak memory in KiB. Exits as the command did. A program of its own because a child begins
// with the memory of its parent: what a Python starts has never used less than a Python.

#include <fcntl.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <ctime>

namespace {

double milliseconds(const timeval& time) {
    return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_usec) / 1e3;
}

double now() {
    timespec time{};
    clock_gettime(CLOCK_MONOTONIC, &time);
    return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_nsec) / 1e6;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 2) {
        std::fprintf(stderr, "usage: once COMMAND...\n");
        return 64;
    }
    posix_spawn_file_actions_t quiet;
    posix_spawn_file_actions_init(&quiet);
    posix_spawn_file_actions_addopen(&quiet, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    pid_t child = 0;
    const double begin = now();
    if (const int error = posix_spawnp(&child, argv[1], &quiet, nullptr, argv + 1, environ)) {
        std::fprintf(stderr, "once: %s: %s\n", argv[1], std::strerror(error));
        return 127;
    }
    int status = 0;
    rusage used{};
    if (wait4(child, &status, 0, &used) < 0) return 127;
    const double end = now();
    std::printf("%.4f %.4f %ld\n", end - begin, milliseconds(used.ru_utime) + milliseconds(used.ru_stime),
                used.ru_maxrss);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
