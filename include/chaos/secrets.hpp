// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/error.hpp>
#include <chaos/value.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace chaos {

/// A file with private keys: lines of AGE-SECRET-KEY-1..., or an OpenSSH key of ed25519.
struct KeyFile {
    std::string path;
    bool named = false;  ///< Somebody asked for it: it is an error where it is not there.
};

/// Asks a person. What it answers is wiped after use.
class PassphraseSource {
public:
    virtual ~PassphraseSource() = default;
    virtual std::string passphrase(const std::string& file) = 0;  ///< Throws Error where nobody can be asked.
};

/// What may open secrets. Nothing of it is read before something has to be opened.
struct KeyRing {
    std::vector<KeyFile> files;
    PassphraseSource* passphrases = nullptr;
    bool may_lack = false;  ///< Who only checks goes on without a key: the secrets are then not known.
};

/// No key at hand opens it; the hint says how to give one.
class LacksKey : public Error {
public:
    using Error::Error;
};

/// Makes a key: the text of a key file, and whom files may be for (age1...).
struct NewKey {
    std::string file, recipient;
};
NewKey make_key();

/// The public halves of the keys at hand. Throws Error where there is none.
std::vector<std::string> own_recipients(const KeyRing&);

/// A file of secrets that was opened: a YAML or JSON text that age closed, or a sops file whose keys lie open.
///
/// Everything in it is plain here: it belongs into memory alone. What errors say shows nothing of it.
class SecretFile {
public:
    enum class Form : char { age, age_text, sops_yaml, sops_json };

    /// Throws LacksKey, and Error where it is damaged or no file of secrets.
    static SecretFile open(const std::string& path, const KeyRing&);
    static SecretFile open_bytes(const std::string& path, std::string bytes, const KeyRing&);
    /// One that is not there yet. Throws Error where nobody could open it.
    static SecretFile make(const std::string& path, Form, const std::vector<std::string>& recipients);

    static bool is_one(const std::string& bytes);  ///< Closed, by age or sops.

    SecretFile(SecretFile&&) noexcept;
    SecretFile& operator=(SecretFile&&) noexcept;
    ~SecretFile();

    Form form() const;
    /// A mapping; every text in it is marked secret, and so is it.
    const Value& tree() const;
    std::vector<std::string> names() const;  ///< Of all texts, dotted, in order.

    std::string text() const;        ///< As a person edits it: comments stay, but for those that sops closed.
    void replace(std::string text);  ///< Throws Error where it is no mapping, by line and column.
    /// Comments stay where they are, but where the mapping it goes into is written in one line ({a: b}).
    void set(const std::string& name, const std::string& value);

    const std::vector<std::string>& recipients() const;  ///< Empty where the file does not say it.
    void be_for(const std::vector<std::string>& recipients);
    bool by_passphrase() const;

    /// Closed again. What did not change keeps its closed text in a sops file, unless be_for() was called: then, as
    /// always with age, all keys are new.
    std::string bytes() const;

private:
    struct Parts;
    explicit SecretFile(std::unique_ptr<Parts>);
    std::unique_ptr<Parts> parts_;
};

/// The names that can be told without a key: those of a sops file, whose values are null then. Nothing for age.
Value names_without_key(const std::string& path);

}  // namespace chaos
