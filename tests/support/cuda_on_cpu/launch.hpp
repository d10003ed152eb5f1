// A block's shared memory, and a launch of all blocks.
#pragma once

#include "meet.hpp"
#include "signals.hpp"

namespace cuda_on_cpu {

// --- shared memory ------------------------------------------------------------------------------

constexpr unsigned char POISON = 0xff, GUARD = 0xa5;  // poisoned floats are NaN
SharedMemory shared_memory;
static size_t shared_bytes;

extern "C" {
// of the section where `__shared__` variables lie; none without such a variable
extern char __start_cuda_shared[] __attribute__((weak, visibility("hidden")));
extern char __stop_cuda_shared[] __attribute__((weak, visibility("hidden")));
}

inline size_t static_shared_bytes() {
    return __start_cuda_shared ? size_t(__stop_cuda_shared - __start_cuda_shared) : 0;
}

// Volatile and unchecked: the compiler must not drop it, the red zones between variables lie there.
[[gnu::noinline, gnu::no_sanitize_address]] inline void fill(void* place, size_t n, unsigned char value) {
    volatile unsigned char* bytes = static_cast<unsigned char*>(place);
    uint64_t eight = value * 0x0101010101010101ull;
    for (; n && reinterpret_cast<uintptr_t>(bytes) % 8; --n) *bytes++ = value;
    for (; n >= 8; n -= 8, bytes += 8) *reinterpret_cast<volatile uint64_t*>(bytes) = eight;
    for (; n; --n) *bytes++ = value;
}

inline void guard_shared_memory(size_t n_bytes) {
    shared_bytes = n_bytes;
    fill(shared_memory.before, GUARD_BYTES, GUARD);
    fill(shared_memory.bytes + n_bytes, GUARD_BYTES, GUARD);
#ifdef __SANITIZE_ADDRESS__
    __asan_poison_memory_region(shared_memory.before, GUARD_BYTES);
    __asan_poison_memory_region(shared_memory.bytes + n_bytes,
                                MAX_SHARED_BYTES - n_bytes + GUARD_BYTES);
#endif
}

inline void release_shared_memory() {
#ifdef __SANITIZE_ADDRESS__
    __asan_unpoison_memory_region(&shared_memory, sizeof shared_memory);
#endif
}

inline void poison_shared_memory() {
    fill(shared_memory.bytes, shared_bytes, POISON);
    if (static_shared_bytes()) fill(__start_cuda_shared, static_shared_bytes(), POISON);
}

[[gnu::noinline, gnu::no_sanitize_address]] inline bool is_guard(const volatile unsigned char* bytes,
                                                                 size_t n) {
    bool same = true;
    for (; n && reinterpret_cast<uintptr_t>(bytes) % 8; --n) same &= *bytes++ == GUARD;
    for (; n >= 8; n -= 8, bytes += 8) {
        same &= *reinterpret_cast<const volatile uint64_t*>(bytes) == GUARD * 0x0101010101010101ull;
    }
    for (; n; --n) same &= *bytes++ == GUARD;
    return same;
}

inline void check_shared_memory() {
    const unsigned char* end = shared_memory.bytes + shared_bytes;
    bool before = is_guard(shared_memory.before, GUARD_BYTES), behind = is_guard(end, GUARD_BYTES);
    if (before && behind) return;
    if (*message) say("; ");
    say_block();
    say("something was written %s its %zu bytes of dynamic shared memory",
        before ? "behind" : "before", shared_bytes);
}

// --- launch -------------------------------------------------------------------------------------

static const Kernel* running;
static void** running_args;

inline void launch_one() { running->call(running->function, running_args); }

struct Launch {
    unsigned grid[3], block[3];
    uint64_t n_shared_bytes, order_seed;
    Process* process;
    char* message;  // where to tell a fault
    uint64_t message_capacity;
};

inline uint64_t mixed(uint64_t x) {  // splitmix64
    x += 0x9e3779b97f4a7c15ull;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
    x = (x ^ x >> 27) * 0x94d049bb133111ebull;
    return x ^ x >> 31;
}

inline uint64_t common_divisor(uint64_t a, uint64_t b) { return b ? common_divisor(b, a % b) : a; }

inline void start_launch(const Launch& launch) {
    grid_dim = {launch.grid[0], launch.grid[1], launch.grid[2]};
    block_dim = {launch.block[0], launch.block[1], launch.block[2]};
    block.n_threads = block_dim.x * block_dim.y * block_dim.z;
    for (unsigned i = 0; i < block.n_threads; ++i) {
        block.threads[i].index = {i % block_dim.x, i / block_dim.x % block_dim.y,
                                  i / block_dim.x / block_dim.y};
    }
    n_free = process->n_stacks;  // also those that a fault left behind
    for (unsigned i = 0; i < n_free; ++i) free_stacks[i] = &process->stacks[i];
    guard_shared_memory(launch.n_shared_bytes);
}

// Run all blocks; stop at the first fault, told in `message`.
inline void run_launch(const Launch& launch) {
    [[maybe_unused]] Signals signals;
    start_launch(launch);
    uint64_t n = uint64_t(grid_dim.x) * grid_dim.y * grid_dim.z;
    uint64_t seed = launch.order_seed, first = 0, step = 1;
    if (seed && n > 1) {  // blocks in another order too
        first = mixed(seed) % n;
        step = mixed(seed + 1) % n;
        while (common_divisor(step, n) != 1) step = (step + 1) % n;
    }
    see_threads();
    for (uint64_t i = 0, at = first; i < n && !*message; ++i, at = (at + step) % n) {
        poison_shared_memory();
        Index index{unsigned(at % grid_dim.x), unsigned(at / grid_dim.x % grid_dim.y),
                    unsigned(at / grid_dim.x / grid_dim.y)};
        run_block(index, seed ? mixed(seed ^ mixed(at)) | 1 : 0);
        check_shared_memory();
    }
    end_threads();
    release_shared_memory();
}

}  // namespace cuda_on_cpu
