// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/error.hpp>
#include <chaos/host.hpp>
#include <chaos/resource.hpp>
#include <span>
#include <string>

namespace chaos::resources {

/// A command of a package manager that failed: which one, without what only chaos has it say, and the end of what it
/// printed. All of that is with it until somebody keeps it.
class TransactionFailed : public Error {
public:
    TransactionFailed(const Error& told, std::string printed) : Error(told), printed_(std::move(printed)) {}
    const std::string& printed() const { return printed_; }

private:
    std::string printed_;
};

TransactionFailed transaction_failed(const Command&, const Output&);

/// The command as a person would type it: no options of ours, and of many packages the first.
std::string as_typed(const Command&);

/// The package that a text of dpkg says to be at fault; empty where it names none.
std::string package_at_fault(std::string_view said);

/// The same for a person: at the package it is about, with where all that was printed is kept. Where one of the changes
/// has a secret, it is kept nowhere.
Error explained(WritableHost&, std::span<const Change>, const TransactionFailed&);

}  // namespace chaos::resources
