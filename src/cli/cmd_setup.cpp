// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <fmt/format.h>

#include <sys/stat.h>
#include <unistd.h>
#include <cerrno>
#include <cstring>

#include "program_path.hpp"
#include "recover_units.hpp"
#include "run.hpp"

namespace chaos::cli {

namespace {

/// A unit's text for this program, as the block of a manifest.
std::string block_of(std::string_view unit, std::string_view program) {
    constexpr std::string_view mark = "@chaos@";
    std::string text(unit), out;
    text.replace(text.find(mark), mark.size(), program);
    for (std::size_t from = 0; from < text.size();) {
        const std::size_t end = text.find('\n', from);
        out += (end == from ? "" : "    ") + text.substr(from, end + 1 - from);
        from = end + 1;
    }
    return out;
}

/// What setup declares, as a manifest like any other: it is planned, recorded and taken back the same way.
std::string manifest_for(std::string_view program) {
    return fmt::format(R"(# Written by chaos setup.
name: chaos-setup
files:
  /etc/systemd/system/chaos-recover.service: |
{}  /etc/systemd/system/chaos-recover-late.service: |
{}links:
  /etc/systemd/system/sysinit.target.wants/chaos-recover.service: ../chaos-recover.service
  /etc/systemd/system/multi-user.target.wants/chaos-recover-late.service: ../chaos-recover-late.service
)",
                       block_of(recover_unit(), program), block_of(recover_late_unit(), program));
}

}  // namespace

Exit setup(Context& context) {
    std::string path;
    {
        const World world = wire(context.options);
        if (world.host->live() && !world.host->superuser())
            throw Error("setup writes to /etc, and this is not root").help("sudo chaos setup");
        const std::string program = program_in(*world.host);
        const std::string text = manifest_for(program);
        if (context.options.dry_run) return context.console.result(text), Exit::well;
        path = world.state_directory + "/setup.yml";
        for (std::size_t slash = path.find('/', 1); slash != std::string::npos; slash = path.find('/', slash + 1))
            ::mkdir(path.substr(0, slash).c_str(), slash == path.rfind('/') ? 0700 : 0755);
        const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
        const bool well = file >= 0 && ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
        const int error = errno;
        if (file >= 0) ::close(file);
        if (!well) throw Error(fmt::format("can not write {}: {}", path, std::strerror(error)));
    }
    return apply_manifests(context, {path});
}

}  // namespace chaos::cli
