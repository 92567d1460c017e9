// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <chaos/durable.hpp>
#include <chaos/gitops/trust.hpp>
#include <chaos/openpgp.hpp>
#include <chaos/process.hpp>
#include <cstring>

namespace chaos::gitops {

namespace {

constexpr std::string_view ssh_begins = "-----BEGIN SSH SIGNATURE-----", pgp_begins = "-----BEGIN PGP SIGNATURE-----";

/// A directory with a few files, gone when this is.
class Scratch {
public:
    explicit Scratch(const std::string& above) : directory_(above + "/verify.XXXXXX") {
        if (!::mkdtemp(directory_.data()))
            throw Error(fmt::format("can not make {}: {}", directory_, std::strerror(errno)));
    }
    ~Scratch() {
        for (const char* name : {"signers", "signature", "payload"}) ::unlink((directory_ + '/' + name).c_str());
        ::rmdir(directory_.c_str());
    }
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;

    std::string put(const char* name, std::string_view text) const {
        const std::string path = directory_ + '/' + name;
        durable::replace(path, text);
        return path;
    }

private:
    std::string directory_;
};

Output run(Command command) {
    command.timeout_s = 30;
    Child child(command);
    child.release();
    return child.wait();
}

std::string first_line(const std::string& text) {
    return text.substr(0, text.find('\n'));
}

Error refused(const Signed& what, const Signers& signers, std::string_view why) {
    return std::move(Error(fmt::format("{} {}", what.what, why)))
        .help(fmt::format("have it signed by one of {}: git commit --amend -S", signers.from));
}

/// The lines for ssh in a list of signers: what stands outside of blocks.
std::string ssh_lines(const std::string& text) {
    std::string lines;
    bool inside = false;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = std::min(text.find('\n', at), text.size());
        const std::string_view line = std::string_view(text).substr(at, end - at);
        if (line.starts_with("-----BEGIN ")) inside = true;
        if (!inside) lines.append(line).push_back('\n');
        if (line.starts_with("-----END ")) inside = false;
        at = end + 1;
    }
    return lines;
}

std::string by_ssh(const Signed& what, const Signers& signers, const Scratch& scratch) {
    const std::string list = scratch.put("signers", ssh_lines(signers.text));
    const std::string signature = scratch.put("signature", what.signature);
    const Output found = run({{"ssh-keygen", "-Y", "find-principals", "-f", list, "-s", signature}});
    const std::string principal = first_line(found.out);
    if (found.status != 0 || principal.empty())
        throw refused(what, signers, fmt::format("is signed with a key that {} does not have", signers.from));
    Command verify{{"ssh-keygen", "-Y", "verify", "-n", "git", "-f", list, "-I", principal, "-s", signature}};
    verify.input = what.payload;
    const Output said = run(verify);
    if (said.status == 0) return principal;
    throw refused(what, signers,
                  fmt::format("is not as {} signed it, or may not be signed by that key: {}", principal,
                              first_line(said.err.empty() ? said.out : said.err)));
}

/// The rest of the first line of gpgv's status that begins with a word; nothing where none does.
std::string status_of(const std::string& out, std::string_view word) {
    const std::string mark = fmt::format("[GNUPG:] {} ", word);
    const auto at = out.find(mark);
    return at == std::string::npos ? std::string() : first_line(out.substr(at + mark.size()));
}

std::string by_openpgp(const Signed& what, const Signers& signers, const Scratch& scratch) {
    const bool armored = openpgp::is_armored(signers.text);
    if (!armored && !ssh_lines(signers.text).empty() && (signers.text.front() & 0x80) == 0)
        throw refused(what, signers, fmt::format("is signed with OpenPGP, and {} has keys of ssh alone", signers.from));
    const std::string keys = scratch.put("signers", armored ? openpgp::dearmored(signers.text) : signers.text);
    const std::string signature = scratch.put("signature", what.signature);
    const std::string payload = scratch.put("payload", what.payload);
    const Output said = run({{"gpgv", "--status-fd", "1", "--keyring", keys, signature, payload}});
    const std::string good = status_of(said.out, "GOODSIG"), valid = status_of(said.out, "VALIDSIG");
    if (said.status == 0 && !good.empty() && !valid.empty())
        return good.substr(std::min(good.size(), good.find(' ') + 1)) + " (" + valid.substr(0, valid.find(' ')) + ")";
    for (const auto& [word, why] : {std::pair{"REVKEYSIG", "is signed with a key that was revoked"},
                                    std::pair{"EXPKEYSIG", "is signed with a key that has expired"},
                                    std::pair{"EXPSIG", "has a signature that has expired"},
                                    std::pair{"BADSIG", "was changed after it was signed"}})
        if (!status_of(said.out, word).empty()) throw refused(what, signers, why);
    throw refused(what, signers, fmt::format("is signed with a key that {} does not have", signers.from));
}

}  // namespace

std::string signer_of(const Signed& what, const Signers& signers, const std::string& scratch) {
    if (what.signature.empty()) throw refused(what, signers, "is not signed");
    const Scratch place(scratch);
    if (what.signature.starts_with(ssh_begins)) return by_ssh(what, signers, place);
    if (what.signature.starts_with(pgp_begins)) return by_openpgp(what, signers, place);
    throw refused(what, signers, "has a signature that is neither ssh's nor OpenPGP's");
}

}  // namespace chaos::gitops
