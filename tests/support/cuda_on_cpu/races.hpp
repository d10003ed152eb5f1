// What ThreadSanitizer is told, in a build with it: each thread of the block is a thread of its own,
// ordered to others by barriers and __syncwarp alone. A shuffle or vote passes values between lanes
// but orders no memory, as in CUDA. Blocks count as ordered; their shuffled order exposes the rest.
#pragma once

#include "block.hpp"

#ifdef __SANITIZE_THREAD__
#include <sanitizer/tsan_interface.h>
extern "C" void __tsan_ignore_thread_begin();
extern "C" void __tsan_ignore_thread_end();
#endif

namespace cuda_on_cpu {

#ifdef __SANITIZE_THREAD__

#define UNSEEN __attribute__((no_sanitize("thread"), noinline))
constexpr bool SEES_RACES = true;
constexpr unsigned NO_ORDER = 1;  // a switch alone orders nothing

static void* seen_caller;
static int n_ignored[MAX_THREADS];
static char block_start, block_end, barrier[2], warp_barrier[MAX_THREADS / LANES][2];

// What the harness itself reads and writes is no business of the kernel's.
UNSEEN inline void begin_harness() {
    ++n_ignored[number_of(current)];
    __tsan_ignore_thread_begin();
}
UNSEEN inline void end_harness() {
    --n_ignored[number_of(current)];
    __tsan_ignore_thread_end();
}
inline void order_before(char& place) { __tsan_release(&place); }
inline void order_after(char& place) { __tsan_acquire(&place); }
#define SEE_AS(thread) __tsan_switch_to_fiber(process->seen_as[number_of(thread)], NO_ORDER)
#define SEE_AS_CALLER() __tsan_switch_to_fiber(seen_caller, NO_ORDER)

inline void see_threads() {
    seen_caller = __tsan_get_current_fiber();
    for (unsigned i = 0; i < block.n_threads; ++i) {
        if (!process->seen_as[i]) process->seen_as[i] = __tsan_create_fiber(0);
    }
}
// Order the launch before what follows; also threads that a fault left inside the harness.
UNSEEN inline void end_threads() {
    for (unsigned i = 0; i < block.n_threads; ++i) {
        __tsan_switch_to_fiber(process->seen_as[i], NO_ORDER);
        for (; n_ignored[i]; --n_ignored[i]) __tsan_ignore_thread_end();
        order_before(block_end);
        SEE_AS_CALLER();
    }
    order_after(block_end);
}

#else

#define UNSEEN __attribute__((noinline))
constexpr bool SEES_RACES = false;
static char block_start, block_end, barrier[2], warp_barrier[MAX_THREADS / LANES][2];

inline void begin_harness() {}
inline void end_harness() {}
inline void order_before(char&) {}
inline void order_after(char&) {}
#define SEE_AS(thread) ((void)0)
#define SEE_AS_CALLER() ((void)0)
inline void see_threads() {}
inline void end_threads() {}

#endif

}  // namespace cuda_on_cpu
