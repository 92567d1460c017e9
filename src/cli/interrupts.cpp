// SPDX-License-Identifier: Apache-2.0
#include "interrupts.hpp"

#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace chaos::cli {

namespace {

// A signal handler can reach nothing but what is global; this file alone knows it.
std::atomic<bool> raised{false};
const char* words = "";
static_assert(std::atomic<bool>::is_always_lock_free);

constexpr int ending[] = {SIGINT, SIGTERM, SIGHUP};

void handle(int) {
    const int kept = errno;
    if (!raised.exchange(true)) [[maybe_unused]]
        const ssize_t written = write(STDERR_FILENO, words, std::strlen(words));
    errno = kept;
}

void on(int signal, void (*handler)(int)) {
    struct sigaction action {};
    action.sa_handler = handler;
    action.sa_flags = SA_RESTART;
    sigaction(signal, &action, nullptr);
}

}  // namespace

Interrupts::Interrupts(Meaning meaning) {
    words = meaning == Meaning::takes_back ? "\ninterrupted: taking the run back\n"
                                           : "\ninterrupted: this goes on to its end, half of it would be worse\n";
    raised = false;
    for (const int signal : ending) on(signal, handle);
    on(SIGTSTP, SIG_IGN);
}

Interrupts::~Interrupts() {
    for (const int signal : ending) on(signal, SIG_DFL);
    on(SIGTSTP, SIG_DFL);
}

const std::atomic<bool>& Interrupts::flag() {
    return raised;
}

}  // namespace chaos::cli
