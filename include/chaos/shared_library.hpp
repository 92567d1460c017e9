// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <initializer_list>

namespace chaos {

/// A shared library that few runs need, opened when one does and never closed: linked, it would cost every start of the
/// program. Who uses it derives from this, with a member for each of its functions.
class SharedLibrary {
public:
    /// The first of these names that the host has.
    explicit SharedLibrary(std::initializer_list<const char*> names);
    SharedLibrary(const SharedLibrary&) = delete;
    SharedLibrary& operator=(const SharedLibrary&) = delete;

    bool whole() const { return whole_; }  ///< It is there, and so is all that was asked of it.

protected:
    ~SharedLibrary() = default;

    /// Only the type of what is named is used: a reference to the function itself would want the library at link time.
    template <class Pointer>
    Pointer find(const char* name) {
        return reinterpret_cast<Pointer>(address_of(name));
    }

private:
    void* address_of(const char* name);

    void* handle_ = nullptr;
    bool whole_ = false;
};

}  // namespace chaos
