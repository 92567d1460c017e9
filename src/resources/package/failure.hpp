// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/error.hpp>
#include <chaos/host.hpp>
#include <chaos/resource.hpp>
#include <span>
#include <string>
#include <string_view>

namespace chaos::resources {

/// What a person can do: mend something, and where that is all, have it done once more.
struct Remedy {
    std::string_view mend;
    bool again = false;
};

/// What failed: a person asked for it, or it is a rollback, or what took a run back.
enum class Doing : char { applying, taking_back };

/// A command of a package manager that failed: which one, without what only chaos has it say, and the end of what it
/// printed. All of that is with it until somebody keeps it.
class TransactionFailed : public Error {
public:
    TransactionFailed(const Error& told, std::string printed) : Error(told), printed_(std::move(printed)) {}
    TransactionFailed(const std::string& told, Remedy, std::string printed);
    const std::string& printed() const { return printed_; }
    std::string hint_when(Doing) const;

private:
    std::string printed_;
    Remedy remedy_;
};

TransactionFailed transaction_failed(const Command&, const Output&);

/// The command as a person would type it: no options of ours, and of many packages the first.
std::string as_typed(const Command&);

/// The package that a text of dpkg says to be at fault; empty where it names none.
std::string package_at_fault(std::string_view said);

/// The same for a person: at the package it is about, with where all that was printed is kept. Where one of the changes
/// has a secret, it is kept nowhere.
Error explained(WritableHost&, std::span<const Change>, const TransactionFailed&, Doing);

}  // namespace chaos::resources
