// SPDX-License-Identifier: Apache-2.0
// Any bytes are a run of another host, or an Error: as they are, and with the digest that they would have to bear, as
// anybody can make it. What was read is written and read again as the same.
#include <fmt/format.h>

#include <chaos/digest.hpp>
#include <chaos/error.hpp>
#include <cstdlib>
#include <string>

#include "cli/run_file.hpp"

namespace {

void read(const std::string& written) {
    chaos::cli::RunFile file;
    try {
        file = chaos::cli::run_file_from(written);
    } catch (const chaos::Error&) {
        return;
    }
    const std::string once = to_text(file);
    const auto again = chaos::cli::run_file_from(once);
    if (to_text(again) != once || secrets_in(again) != secrets_in(file)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    const std::string bytes(reinterpret_cast<const char*>(data), size);
    read(bytes);
    read(fmt::format("chaos run 1 {}\n{}", chaos::hex(chaos::digest(bytes)), bytes));
    return 0;
}
