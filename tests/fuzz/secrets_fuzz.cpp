// SPDX-License-Identifier: Apache-2.0
// Any bytes are a file of secrets that this key opens, or an Error; so are they as a key file. What is opened closes
// and opens again.
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chaos/secrets.hpp>
#include <cstdlib>
#include <string>

namespace {

/// A file in memory that holds these bytes, by its path.
std::string file_of(const std::string& bytes) {
    static const int memory = ::memfd_create("key", MFD_CLOEXEC);
    const bool well = memory >= 0 && ::fchmod(memory, 0600) == 0 && ::ftruncate(memory, 0) == 0 &&
                      ::pwrite(memory, bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size());
    if (!well) std::abort();
    return "/proc/self/fd/" + std::to_string(memory);
}

// The key of examples/manifests/secrets, which closes what is in the corpus.
constexpr const char* key = "AGE-SECRET-KEY-1SHDEZ4HAM5LG3TK806MKR7FU55HHP3WZRLWW2RNAKZAW2UJZQ0LQ5WVZER\n";

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    const std::string bytes(reinterpret_cast<const char*>(data), size);
    try {
        chaos::own_recipients({{{file_of(bytes), true}}});
    } catch (const chaos::Error&) {
    }
    const chaos::KeyRing ring{{{file_of(key), true}}};
    chaos::SecretFile::is_one(bytes);
    try {
        auto file = chaos::SecretFile::open_bytes("s", bytes, ring);
        const auto again = chaos::SecretFile::open_bytes("s", file.bytes(), ring);
        if (!(again.tree() == file.tree())) std::abort();
    } catch (const chaos::Error&) {
    }
    return 0;
}
