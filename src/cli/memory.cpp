// SPDX-License-Identifier: Apache-2.0
#include "memory.hpp"

#include <malloc.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>

namespace chaos::cli {

namespace {

constexpr int megabyte = 1 << 20;
constexpr int largest_piece = 32 * megabyte;  // what glibc takes at most from its heap

}  // namespace

void take_memory_in_large_pieces() {
    mallopt(M_TOP_PAD, megabyte);
    mallopt(M_TRIM_THRESHOLD, 1024 * megabyte - 1);
    mallopt(M_MMAP_THRESHOLD, largest_piece);
}

void expect_to_use(std::size_t bytes) {
    constexpr std::uintptr_t page = 4096;
    bytes = std::min<std::size_t>(bytes, largest_piece - megabyte);
    void* room = std::malloc(bytes);
    if (!room) return;
    const auto begin = (reinterpret_cast<std::uintptr_t>(room) + page - 1) & ~(page - 1);
    const auto end = (reinterpret_cast<std::uintptr_t>(room) + bytes) & ~(page - 1);
    // An older kernel does not know it: then they come one by one.
    if (begin < end) madvise(reinterpret_cast<void*>(begin), end - begin, MADV_POPULATE_WRITE);
    std::free(room);  // stays with the process: what is asked for next lies there
}

void give_back_freed_memory() {
    malloc_trim(0);
}

}  // namespace chaos::cli
