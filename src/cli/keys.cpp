// SPDX-License-Identifier: Apache-2.0
#include "keys.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <chaos/beside.hpp>
#include <cstdlib>
#include <cstring>

namespace chaos::cli {

namespace {

std::string variable(const char* name) {
    const char* value = std::getenv(name);
    return value ? value : "";
}

/// A terminal that shows nothing of what is typed, as long as it lives.
class QuietTerminal {
public:
    explicit QuietTerminal(int file) : file_(file) {
        if (::tcgetattr(file_, &before_) != 0) throw Error("this terminal can not be made quiet");
        termios quiet = before_;
        quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
        if (::tcsetattr(file_, TCSAFLUSH, &quiet) != 0) throw Error("this terminal can not be made quiet");
    }
    ~QuietTerminal() { ::tcsetattr(file_, TCSAFLUSH, &before_); }
    QuietTerminal(const QuietTerminal&) = delete;
    QuietTerminal& operator=(const QuietTerminal&) = delete;

private:
    int file_;
    termios before_{};
};

struct Terminal {
    int file = ::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    ~Terminal() {
        if (file >= 0) ::close(file);
    }
};

std::string first_line(const std::string& path) {
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    char block[4096];
    ssize_t got = -1;
    if (file >= 0) do
            got = ::read(file, block, sizeof block);
        while (got < 0 && errno == EINTR);
    const int reason = errno;
    if (file >= 0) ::close(file);
    if (got < 0) throw Usage(fmt::format("can not read {}: {}", escape(path), std::strerror(reason)));
    const std::string_view text(block, static_cast<std::size_t>(got));
    return std::string(text.substr(0, text.find_first_of("\r\n")));
}

}  // namespace

std::vector<KeyFile> key_files(const Options& options) {
    std::vector<KeyFile> files;
    for (const std::string& path : options.age_keys) files.push_back({path, true});
    if (!files.empty()) return files;
    for (const char* name : {"CHAOS_AGE_KEY_FILE", "SOPS_AGE_KEY_FILE"})
        if (const std::string path = variable(name); !path.empty()) files.push_back({path, true});
    if (::geteuid() == 0) files.push_back({"/etc/chaos/age.key"});
    const std::string home = variable("HOME"), set = variable("XDG_CONFIG_HOME");
    const std::string config = !set.empty() && set[0] == '/' ? set : home.empty() ? "" : home + "/.config";
    if (!config.empty()) files.push_back({config + "/chaos/age.key"}), files.push_back({config + "/sops/age/keys.txt"});
    if (::geteuid() == 0) files.push_back({"/etc/ssh/ssh_host_ed25519_key"});
    return files;
}

std::string typed_in_secret(const std::string& question) {
    const Terminal terminal;
    if (terminal.file < 0)
        throw Error("there is no terminal to ask at").help("give it on standard input, or by --passphrase-file FILE");
    std::string line;
    {
        const QuietTerminal quiet(terminal.file);
        if (::write(terminal.file, question.data(), question.size()) < 0) throw Error("there is no terminal to ask at");
        char c = 0;
        ssize_t got = 0;
        while ((got = ::read(terminal.file, &c, 1)) == 1 && c != '\n') line += c;
        if (got < 0) throw Error("nothing was typed in");
    }
    if (::write(terminal.file, "\n", 1) < 0) throw Error("there is no terminal to ask at");
    return line;
}

std::string Passphrases::passphrase(const std::string& file) {
    beside::note_passing();
    if (!options_.passphrase_file.empty()) return first_line(options_.passphrase_file);
    try {
        return typed_in_secret(fmt::format("Passphrase of {}: ", escape(file)));
    } catch (const Error& error) {
        LacksKey lacks(fmt::format("'{}' is closed with a passphrase, and {}", file, error.what()));
        lacks.hint = "--passphrase-file FILE";
        throw lacks;
    }
}

}  // namespace chaos::cli
