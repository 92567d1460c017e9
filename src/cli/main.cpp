// SPDX-License-Identifier: Apache-2.0
#include <csignal>

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

}  // namespace

int main(int count, char** words) {
    take_memory_in_large_pieces();
    std::signal(SIGPIPE, SIG_IGN);  // a run goes on to its end when whoever watched it is gone
    Options options;
    try {
        options = parse_options({words + (count > 0 ? 1 : 0), words + count});
        if (options.command.empty() && options.help) options.command = "help", options.help = false;
    } catch (const Usage& error) {
        Console console(options);
        return static_cast<int>(report({{error}, Exit::usage}, Sources(), console));
    }
    Console console(options);
    return static_cast<int>(run(options, console));
}
