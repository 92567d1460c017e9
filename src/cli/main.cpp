// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chaos/git.hpp>
#include <csignal>
#include <cstring>

#include "memory.hpp"
#include "problems.hpp"

using namespace chaos;
using namespace chaos::cli;

namespace {

/// The one place where what went wrong becomes words and an exit code.
Exit run(const Options& options, Console& console) {
    Sources sources;
    try {
        Context context{options, console, sources};
        if (options.command.empty() || options.help) {
            if (!options.command.empty() || options.help) return help(context);
            console.problem(overview(console.error_style()));
            return Exit::usage;
        }
        return choose(options).run(context);
    } catch (const Problems& problems) {
        return report(problems, sources, console);
    } catch (const Busy& error) {
        return report({{error}, Exit::busy}, sources, console);
    } catch (const Usage& error) {
        return report({{error}, Exit::usage}, sources, console);
    } catch (const Error& error) {
        return report({{error}, Exit::failed}, sources, console);
    } catch (const std::bad_alloc&) {
        return report({{Error("out of memory")}, Exit::failed}, sources, console);
    } catch (const std::exception& error) {
        return report({{Error(std::string("this is a bug of chaos: ") + error.what())}, Exit::failed}, sources,
                      console);
    }
}

/// A descriptor that whoever started us closed is not to become that of a file we open: what is meant for the terminal
/// would be written into it. Writing to this one fails, and that is noticed.
void keep_standard_descriptors() {
    for (int descriptor = 0; descriptor <= 2; ++descriptor)
        if (fcntl(descriptor, F_GETFD) < 0) open("/dev/null", O_RDONLY);  // takes the lowest that is free: this one
}

/// A result that nobody got is none; what was done to the host stays done, and its exit code says how that went.
Exit answered(Exit exit, const Options& options, Console& console) {
    if (console.lost() == 0) return exit;
    const Error error(std::string("standard output can not be written: ") + std::strerror(console.lost()));
    console.problem(chaos::render(error, Sources(), console.error_style().colour()));
    const bool changes =
        std::ranges::any_of(std::initializer_list<std::string_view>{"apply", "rollback", "recover", "setup", "confirm"},
                            [&](auto verb) { return options.command == verb; });
    return !changes && (exit == Exit::well || exit == Exit::pending) ? Exit::failed : exit;
}

}  // namespace

int main(int count, char** words) {
    take_memory_in_large_pieces();
    std::signal(SIGPIPE, SIG_IGN);  // a run goes on to its end when whoever watched it is gone
    keep_standard_descriptors();
    if (count == 2 && std::string_view(words[1]) == "git-work") return git::answer_as_process();
    const std::vector<std::string> given(words + (count > 0 ? 1 : 0), words + count);
    Options options;
    try {
        options = parse_options(given);
        if (options.command.empty() && options.help) options.command = "help", options.help = false;
    } catch (const Usage& error) {
        const auto end = std::find(given.begin(), given.end(), "--");
        options.json = std::find(given.begin(), end, "--json") != end;  // whoever reads JSON gets it
        Console console(options);
        return static_cast<int>(report({{error}, Exit::usage}, Sources(), console));
    }
    Console console(options);
    return static_cast<int>(answered(run(options, console), options, console));
}
