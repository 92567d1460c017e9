// SPDX-License-Identifier: Apache-2.0
#include <dlfcn.h>

#include <chaos/shared_library.hpp>

namespace chaos {

SharedLibrary::SharedLibrary(std::initializer_list<const char*> names) {
    for (const char* name : names)
        if (!handle_) handle_ = ::dlopen(name, RTLD_NOW | RTLD_LOCAL);
    whole_ = handle_ != nullptr;
}

void* SharedLibrary::address_of(const char* name) {
    void* address = handle_ ? ::dlsym(handle_, name) : nullptr;
    whole_ = whole_ && address;
    return address;
}

}  // namespace chaos
