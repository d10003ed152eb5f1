// What the text of a kernel and the runtime know of each other; they are compiled apart.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace cuda_on_cpu {

constexpr unsigned MAX_THREADS = 1024, LANES = 32;
constexpr size_t MAX_SHARED_BYTES = 227 << 10, GUARD_BYTES = 4096;  // of a block on an H100

struct Index {
    unsigned x, y, z;
};
extern Index thread_index, block_index, block_dim, grid_dim;

struct alignas(4096) SharedMemory {
    unsigned char before[GUARD_BYTES], bytes[MAX_SHARED_BYTES], behind[GUARD_BYTES];
};
extern SharedMemory shared_memory;

enum class Kind { BARRIER, SYNC, VOTE, SHUFFLE };

// A place in the text where threads meet; one object for each, compared by address.
struct Site {
    Kind kind;
    const char *operation, *file;
    int line;
};

// Wait for all threads of the block; return how many of them said true.
unsigned meet_block(const Site* site, bool vote);
// Wait for the lanes of the mask; return what the operation gives this lane.
uint64_t meet_warp(const Site* site, uint32_t mask, uint64_t value, uint32_t source);
[[noreturn]] void fault_at(const Site* site, const char* what);
unsigned lane();

struct Kernel {
    void (*function)();
    void (*call)(void (*)(), void** args);
    void (*describe)(char* text, size_t capacity);
    unsigned max_threads;
};
extern const Kernel kernels[];  // in the order of the text

}  // namespace cuda_on_cpu
