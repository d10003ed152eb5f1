// The threads of one block, and what is known of each.
#pragma once

#include "contract.hpp"
#include "fiber.hpp"

namespace cuda_on_cpu {

struct alignas(64) Thread {
    Stack* stack;      // none before it starts and after it returned
    const Site* site;  // where it waits
    uint64_t value, result;
    uint32_t mask, source;
    Index index;
};

struct Warp {
    uint32_t waiting, gone;  // lanes at a warp operation; lanes that returned or never were
    unsigned n_met;          // at __syncwarp
};

struct Block {
    Index index;
    unsigned n_threads, n_returned, n_at_barrier;
    unsigned n_met;   // at barriers
    unsigned n_true;  // votes at the barrier
    uint32_t eager;   // warps that run on as far as they can
    uint64_t random;  // 0: plain order
    unsigned first, n_ready;
    uint16_t ready[MAX_THREADS];  // a ring
    const Thread* at_barrier;     // one of them
    Warp warps[MAX_THREADS / LANES];
    Thread threads[MAX_THREADS];
};

// What the libraries of a process share, one after another; Python holds it, zero at first.
struct Process {
    Stack stacks[MAX_THREADS];
    unsigned n_stacks;           // that were in use at some time
    void* seen_as[MAX_THREADS];  // ThreadSanitizer's name of each thread
};

static Process* process;
static Block block;
static Thread* current;
static Stack caller;  // the stack the launch was called on
static Stack* free_stacks[MAX_THREADS];
static unsigned n_free;
static char* message;  // of the fault; empty when all is well
static size_t message_capacity;
static void (*kernel_call)();

Index thread_index, block_index, block_dim, grid_dim;

inline unsigned number_of(const Thread* thread) { return unsigned(thread - block.threads); }

}  // namespace cuda_on_cpu
