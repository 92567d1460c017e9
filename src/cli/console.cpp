// SPDX-License-Identifier: Apache-2.0
#include "console.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstdlib>

namespace chaos::cli {

namespace {

/// What went wrong, as errno has it; 0 where all of it was written.
int write_all(int descriptor, std::string_view text) {
    while (!text.empty()) {
        const ssize_t written = ::write(descriptor, text.data(), text.size());
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return written < 0 ? errno : EIO;
        text.remove_prefix(static_cast<std::size_t>(written));
    }
    return 0;
}

bool coloured(Color wanted, int descriptor) {
    if (wanted != Color::automatic) return wanted == Color::always;
    const char* no_color = std::getenv("NO_COLOR");
    const char* terminal = std::getenv("TERM");
    return isatty(descriptor) && !(no_color && *no_color) && !(terminal && std::string_view(terminal) == "dumb");
}

}  // namespace

Console::Console(const Options& options)
    : json_(options.json),
      quiet_(options.quiet),
      verbose_(options.verbose),
      interactive_(isatty(STDIN_FILENO) && isatty(STDERR_FILENO)),
      live_(isatty(STDERR_FILENO)),
      style_(coloured(options.color, STDOUT_FILENO)),
      error_style_(coloured(options.color, STDERR_FILENO)) {}

void Console::result(std::string_view text) {
    constexpr std::size_t most = 1 << 16;
    if (transcript_.size() + text.size() <= most)
        transcript_ += text;
    else
        beside_ = true;
    const int error = write_all(STDOUT_FILENO, text);
    if (error != 0 && lost_ == 0) lost_ = error;
}

void Console::remark(std::string_view text) {
    beside_ = true;
    if (!quiet_) write_all(STDERR_FILENO, text);
}

void Console::problem(std::string_view text) {
    beside_ = true;
    write_all(STDERR_FILENO, text);
}

bool Console::agrees(std::string_view question) {
    beside_ = true;
    if (!interactive_) return false;
    write_all(STDERR_FILENO, std::string(question) + " [y/N] ");
    std::string answer;
    char byte = 0;
    for (ssize_t got; (got = ::read(STDIN_FILENO, &byte, 1)) != 0 && byte != '\n';) {
        if (got < 0 && errno != EINTR) return false;
        if (got > 0) answer += byte;
        byte = 0;
    }
    return answer == "y" || answer == "Y" || answer == "yes";
}

}  // namespace chaos::cli
