// SPDX-License-Identifier: Apache-2.0
#include "library.hpp"

#include <chaos/error.hpp>

#include "../solver.hpp"

namespace chaos::resources::solver {
namespace {

const Library& opened() {
    static const Library library;
    return library;
}

}  // namespace

const Library& library() {
    if (!opened().whole())
        throw Error("planning packages needs libsolv (libsolv.so.1), and this host does not have it")
            .help("apt-get install libsolv1");
    return opened();
}

const Extension& extension() {
    static const Extension one;
    if (!one.whole())
        throw Error(
            "reading repositories of rpm and pacman needs libsolvext (libsolvext.so.1), and this host does "
            "not have it")
            .help("apt-get install libsolvext1");
    return one;
}
bool available() {
    return opened().whole();
}

}  // namespace chaos::resources::solver
