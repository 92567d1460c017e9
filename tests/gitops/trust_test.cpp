// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <unistd.h>

#include <chaos/error.hpp>
#include <chaos/gitops/repository.hpp>
#include <chaos/gitops/trust.hpp>
#include <cstdlib>
#include <fstream>
#include <iterator>

using namespace chaos;
using namespace chaos::gitops;

namespace {

std::string contents(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

/// Real keys and signatures, by ssh-keygen and gpg.
class Keys {
public:
    Keys() {
        REQUIRE(::mkdtemp(place.data()));
        ::setenv("GNUPGHOME", place.c_str(), 1);
    }
    ~Keys() {
        sh("gpgconf --kill all");
        ::unsetenv("GNUPGHOME");
        remove_tree(place);
    }
    int sh(const std::string& script) const {
        return std::system(("cd " + place + " && { " + script + "; } > out 2>&1").c_str());
    }
    std::string ssh_signature(const std::string& key, const std::string& payload, const std::string& space = "git") {
        std::ofstream(place + "/payload") << payload;
        ::unlink((place + "/payload.sig").c_str());
        REQUIRE(sh("ssh-keygen -q -Y sign -n " + space + " -f " + key + " payload") == 0);
        return contents(place + "/payload.sig");
    }
    std::string file(const std::string& name) const { return contents(place + '/' + name); }

    std::string place = "/tmp/chaos-trust-XXXXXX";
};

}  // namespace

TEST_CASE("a commit that ssh signed is told from one that was changed, or that somebody else signed") {
    Keys keys;
    REQUIRE(keys.sh("for k in ann eve; do ssh-keygen -q -t ed25519 -N '' -C $k -f $k; done") == 0);
    const Signers signers{"# who may\nann@example.org " + keys.file("ann.pub"), "the list"};
    const std::string payload = "tree 0\n\nmessage\n";
    const auto signer = [&](const std::string& text, const std::string& signature, const Signers& list) {
        return signer_of({"commit abc", text, signature}, list, keys.place);
    };
    const std::string good = keys.ssh_signature("ann", payload);
    CHECK(signer(payload, good, signers) == "ann@example.org");
    CHECK_THROWS_WITH_AS(signer("tree 1\n\nmessage\n", good, signers), doctest::Contains("is not as ann@example.org"),
                         Error);
    CHECK_THROWS_WITH_AS(signer(payload, keys.ssh_signature("eve", payload), signers),
                         "commit abc is signed with a key that the list does not have", Error);
    CHECK_THROWS_WITH_AS(signer(payload, "", signers), "commit abc is not signed", Error);
    CHECK_THROWS_AS(signer(payload, keys.ssh_signature("ann", payload, "file"), signers),
                    Error);  // signed as no commit
    CHECK_THROWS_AS(signer(payload, good.substr(0, 100), signers), Error);
    CHECK_THROWS_AS(signer(payload, "-----BEGIN SIGNED MESSAGE-----\n", signers), Error);
    // a key that has expired signs nothing, whatever date the commit gives itself
    const Signers old{"ann@example.org valid-before=\"20200101\" " + keys.file("ann.pub"), "the list"};
    CHECK_THROWS_AS(signer(payload, good, old), Error);
    const Signers other_use{"ann@example.org namespaces=\"file\" " + keys.file("ann.pub"), "the list"};
    CHECK_THROWS_AS(signer(payload, good, other_use), Error);
    CHECK(keys.sh("ls -d verify.*") != 0);  // nothing is left
}

TEST_CASE("a commit that OpenPGP signed is told likewise, and revoked and expired keys sign nothing") {
    Keys keys;
    REQUIRE(
        keys.sh("for k in ann eve; do gpg -q --batch --passphrase '' --quick-gen-key $k@example.org ed25519 sign "
                "never; done; gpg --armor --export ann@example.org > ann.asc; gpg --export ann@example.org > ann.gpg; "
                "printf payload > payload; for k in ann eve; do gpg -q --batch --armor -u $k@example.org -o $k.sig "
                "--detach-sign payload; done") == 0);
    const auto signer = [&](const std::string& text, const std::string& signature, const std::string& list) {
        return signer_of({"commit abc", text, keys.file(signature)}, {list, "the list"}, keys.place);
    };
    CHECK(signer("payload", "ann.sig", keys.file("ann.asc")).starts_with("ann@example.org ("));
    CHECK(signer("payload", "ann.sig", keys.file("ann.gpg")).starts_with("ann@example.org ("));
    CHECK_THROWS_WITH_AS(signer("paylord", "ann.sig", keys.file("ann.asc")),
                         "commit abc was changed after it was signed", Error);
    CHECK_THROWS_WITH_AS(signer("payload", "eve.sig", keys.file("ann.asc")),
                         "commit abc is signed with a key that the list does not have", Error);
    CHECK_THROWS_WITH_AS(signer("payload", "ann.sig", "ann@example.org ssh-ed25519 AAAA\n"),
                         doctest::Contains("has keys of ssh alone"), Error);
    REQUIRE(keys.sh("f=$(gpg --with-colons -K ann@example.org | sed -n 's/^fpr:*\\([0-9A-F]*\\):/\\1/p' | head -n1); "
                    "sed 's/^://' openpgp-revocs.d/$f.rev > revoked; gpg -q --batch --import revoked; "
                    "gpg --armor --export ann@example.org > revoked.asc") == 0);
    CHECK_THROWS_WITH_AS(signer("payload", "ann.sig", keys.file("revoked.asc")),
                         "commit abc is signed with a key that was revoked", Error);
}
