// SPDX-License-Identifier: Apache-2.0
// Taking note of who says what, where somebody asks (provenance.hpp): what Layers, the reader and the compiler tell.
#pragma once

#include <chaos/provenance.hpp>
#include "declaration.hpp"
#include "documents.hpp"

namespace chaos {

/// What an entry says before anything lies on it. `written` is its body before expressions.
std::vector<Saying> sayings_of(const Declaration&, const Value::Map& written, std::string note);

/// What is said above, or beside where of equal height, of what was said below.
void lay_sayings(const Schema&, std::vector<Saying>& below, std::vector<Saying> above, bool beside);

/// The secret that a value is the whole of, as it is written: `!secret NAME`, `{{ secret('NAME') }}`. Else empty.
std::string whole_secret(const Value& written);

/// What one file says of variables, before it is laid on those below.
void note_variables(Provenance&, const std::string& module, const Value::Map& said);

/// What --var says of them.
void note_given(Provenance&, const std::vector<std::pair<std::string, std::string>>& vars);

/// What they all are in the end.
void note_values(Provenance&, const std::string& module, Scope&);

void note_file(Provenance&, const Document&, const std::string& module);

}  // namespace chaos
