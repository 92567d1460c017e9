// SPDX-License-Identifier: Apache-2.0
#include "secret_keys.hpp"
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cerrno>
#include <chaos/beside.hpp>
#include <chaos/named.hpp>
#include <cstdlib>
#include <cstring>
#include "beside.hpp"
#include "primitives.hpp"

namespace chaos {

namespace {

constexpr std::uint64_t largest_key_file = 1 << 20;

/// Who asked sudo for this brings keys along.
bool is_callers(uid_t owner) {
    const char* caller = ::geteuid() == 0 ? std::getenv("SUDO_UID") : nullptr;
    return caller && std::to_string(owner) == caller;
}

/// A key that others may read opens nothing: it may not be a secret any more.
bool usable(const KeyFile& file) {
    beside::note(beside::Asked::file, file.path);
    struct stat about {};
    if (::stat(file.path.c_str(), &about) != 0) {
        if (!file.named) return false;
        throw Error(fmt::format("can not read the key file '{}': {}", file.path, std::strerror(errno)))
            .help("chaos secrets keygen FILE makes one");
    }
    if (!S_ISREG(about.st_mode)) {  // a pipe of a shell, as in --age-key <(pass show age), is nobody else's
        if (file.named) return true;
        return false;
    }
    if (about.st_uid != 0 && about.st_uid != ::geteuid() && !is_callers(about.st_uid))
        throw Error(fmt::format("the key file '{}' belongs to somebody else (uid {}), who could put another key there",
                                file.path, about.st_uid))
            .help(fmt::format("chown {} {}", ::geteuid(), file.path));
    if (about.st_mode & 077)
        throw Error(fmt::format("others may read the key file '{}' (mode {:04o})", file.path, about.st_mode & 07777U))
            .help(fmt::format("chmod 600 {}", file.path));
    return true;
}

}  // namespace

std::string how_to_give_a_key() {
    return "--age-key FILE, or CHAOS_AGE_KEY_FILE=FILE; without them it is looked for in /etc/chaos/age.key, "
           "~/.config/chaos/age.key and ~/.config/sops/age/keys.txt";
}

std::vector<age::Identity> identities_of(const KeyRing& ring) {
    std::vector<age::Identity> all;
    for (const KeyFile& file : ring.files) {
        if (!usable(file)) continue;
        std::string text;
        try {
            text = beside::read_stream(file.path, largest_key_file);
        } catch (const Error&) {
            if (file.named) throw;
            continue;  // somebody else's
        }
        try {
            auto some = age::parse_identities(text);
            all.insert(all.end(), some.begin(), some.end());
        } catch (Error& error) {
            crypto::wipe(text);
            throw Error(fmt::format("{} is no key file: {}", quoted_name(file.path), error.what())).help(error.hint);
        }
        crypto::wipe(text);
    }
    return all;
}

NewKey make_key() {
    const auto identity = age::generate();
    return {fmt::format("# public key: {}\n{}\n", identity.recipient.text, age::to_text(identity)),
            identity.recipient.text};
}

std::vector<std::string> own_recipients(const KeyRing& ring) {
    std::vector<std::string> all;
    for (const auto& identity : identities_of(ring))
        if (identity.recipient.ssh.empty()) all.push_back(identity.recipient.text);
    if (all.empty()) throw Error("there is no key at hand").help(how_to_give_a_key());
    return all;
}

}  // namespace chaos
