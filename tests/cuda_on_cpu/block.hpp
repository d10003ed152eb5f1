// The threads of one block: who runs next, who waits where, what passes between the lanes.
#pragma once

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "fiber.hpp"

namespace cuda_on_cpu {

constexpr unsigned MAX_THREADS = 1024, LANES = 32;

struct Index {
    unsigned x, y, z;
};

enum class Kind { BARRIER, SHUFFLE, VOTE };

// A place in the text where threads meet; one object for each, compared by address.
struct Site {
    Kind kind;
    const char *operation, *file;
    int line;
};

struct alignas(64) Thread {
    Stack* stack;      // none before it starts and after it returned
    const Site* site;  // where it waits
    uint64_t value, result;
    uint32_t mask, source;
    Index index;
};

struct Warp {
    uint32_t waiting, gone;  // lanes at a warp operation; lanes that returned or never were
};

struct Block {
    Index index;
    unsigned n_threads, n_returned, n_at_barrier;
    unsigned n_true;  // votes at the barrier
    uint32_t eager;   // warps that run on as far as they can
    uint64_t random;  // 0: plain order
    unsigned first, n_ready;
    uint16_t ready[MAX_THREADS];  // a ring
    const Thread* at_barrier;     // one of them
    Warp warps[MAX_THREADS / LANES];
    Thread threads[MAX_THREADS];
};

static Block block;
static Thread* current;
static Stack caller;  // the stack the launch was called on
static Stack stacks[MAX_THREADS];
static Stack* free_stacks[MAX_THREADS];
static unsigned n_stacks, n_free;
static char* message;  // of the fault; empty when all is well
static size_t message_capacity;
static void (*kernel_call)();

static Index thread_index, block_index, block_dim, grid_dim;

inline unsigned number_of(const Thread* thread) { return unsigned(thread - block.threads); }

// --- faults -------------------------------------------------------------------------------------

inline size_t say(const char* format, ...) __attribute__((format(printf, 1, 2)));
inline size_t say(const char* format, ...) {
    size_t used = strlen(message);
    va_list values;
    va_start(values, format);
    vsnprintf(message + used, message_capacity - used, format, values);
    va_end(values);
    return strlen(message);
}

inline void say_block() {
    say("block (%u, %u, %u): ", block.index.x, block.index.y, block.index.z);
}

inline void say_site(const Site* site) {
    say("%s at %s:%d", site->operation, site->file, site->line);
}

// Leave the block for good.
[[noreturn]] inline void leave() {
    Stack nowhere{};
    switch_stack(nowhere, caller, true);
    __builtin_unreachable();
}

[[noreturn, gnu::noinline]] inline void deadlock() {
    say_block();
    say("no thread can go on");
    unsigned n_told = 0;
    for (unsigned i = 0; i < block.n_threads; ++i) {
        const Site* site = block.threads[i].site;
        if (!site) continue;
        unsigned n_before = 0, n_here = 0;
        for (unsigned j = 0; j < block.n_threads; ++j) {
            n_here += block.threads[j].site == site;
            n_before += j < i && block.threads[j].site == site;
        }
        if (n_before) continue;
        say("%s %u wait for ", n_told++ ? "," : ":", n_here);
        say_site(site);
    }
    say("%s %u of %u have returned", n_told ? "," : ":", block.n_returned, block.n_threads);
    leave();
}

[[noreturn, gnu::noinline]] inline void fault_at(const Site* site, const char* what) {
    say_block();
    say("thread %u at ", number_of(current));
    say_site(site);
    say(": %s", what);
    leave();
}

[[noreturn, gnu::noinline]] inline void divergence(const Site* site, const Thread& other) {
    say_block();
    say("thread %u waits for ", number_of(&other));
    say_site(other.site);
    say(" while thread %u came to ", number_of(current));
    say_site(site);
    if (site == other.site) {
        say(" with mask 0x%08x instead of 0x%08x", current->mask, other.mask);
    }
    leave();
}

// --- order --------------------------------------------------------------------------------------

inline uint32_t draw() {
    block.random ^= block.random >> 12;
    block.random ^= block.random << 25;
    block.random ^= block.random >> 27;
    return uint32_t(block.random * 0x2545f4914f6cdd1dull >> 32);
}

inline void shuffle(uint16_t* items, unsigned n_items) {
    for (unsigned i = n_items; i > 1; --i) {
        unsigned j = unsigned(uint64_t(draw()) * i >> 32);
        uint16_t item = items[i - 1];
        items[i - 1] = items[j];
        items[j] = item;
    }
}

// All threads of the block are ready; half of the time whole warps one after another.
inline void make_all_ready() {
    unsigned n = block.n_threads;
    block.first = 0;
    block.n_ready = n;
    for (unsigned i = 0; i < n; ++i) block.ready[i] = uint16_t(i);
    block.eager = ~0u;
    if (!block.random) return;
    block.eager = draw();
    if (n % LANES || draw() % 2) {
        shuffle(block.ready, n);
        return;
    }
    uint16_t warps[MAX_THREADS / LANES];
    for (unsigned w = 0; w < n / LANES; ++w) warps[w] = uint16_t(w);
    shuffle(warps, n / LANES);
    for (unsigned w = 0; w < n / LANES; ++w) {
        uint16_t* lanes = block.ready + w * LANES;
        for (unsigned lane = 0; lane < LANES; ++lane) lanes[lane] = uint16_t(warps[w] * LANES + lane);
        shuffle(lanes, LANES);
    }
}

inline void make_ready(unsigned warp, uint32_t mask) {
    uint16_t lanes[LANES];
    unsigned n = 0;
    for (uint32_t rest = mask; rest; rest &= rest - 1) {
        lanes[n++] = uint16_t(warp * LANES + __builtin_ctz(rest));
    }
    if (block.random) shuffle(lanes, n);
    bool in_front = block.eager >> warp & 1;
    if (in_front) block.first = (block.first + MAX_THREADS - n) % MAX_THREADS;
    unsigned at = in_front ? block.first : block.first + block.n_ready;
    for (unsigned i = 0; i < n; ++i) block.ready[(at + i) % MAX_THREADS] = lanes[i];
    block.n_ready += n;
}

inline Thread* take_next() {
    if (!block.n_ready) deadlock();
    Thread* next = block.threads + block.ready[block.first];
    block.first = (block.first + 1) % MAX_THREADS;
    --block.n_ready;
    return next;
}

inline void be(Thread* thread) {
    current = thread;
    thread_index = thread->index;
}

void thread_main();

inline Stack* new_stack() {
    if (!n_free) {
        reserve(stacks[n_stacks], n_stacks);
        free_stacks[n_free++] = &stacks[n_stacks++];
    }
    Stack* stack = free_stacks[--n_free];
    prepare(*stack, thread_main);
    return stack;
}

// Let others run until this thread's turn comes again.
[[gnu::noinline]] inline void let_others_run() {
    Thread *self = current, *next = take_next();
    if (next != self) {
        if (!next->stack) next->stack = new_stack();
        be(next);
        switch_stack(*self->stack, *next->stack, false);
    }
    self->site = nullptr;
}

inline void check_nobody_needs(Thread* gone) {
    unsigned number = number_of(gone);
    Warp& warp = block.warps[number / LANES];
    warp.gone |= 1u << number % LANES;
    for (uint32_t rest = warp.waiting; rest; rest &= rest - 1) {
        const Thread& other = block.threads[number / LANES * LANES + __builtin_ctz(rest)];
        if (other.mask >> number % LANES & 1) {
            say_block();
            say("thread %u returned, but thread %u waits for it: ", number, number_of(&other));
            say_site(other.site);
            say(", mask 0x%08x", other.mask);
            leave();
        }
    }
}

// A stack's life: one thread after another that didn't have to wait, until one did.
inline void thread_main() {
    arrived(caller);
    for (;;) {
        kernel_call();
        Stack* mine = current->stack;
        current->stack = nullptr;
        check_nobody_needs(current);
        if (++block.n_returned == block.n_threads) leave();
        Thread* next = take_next();
        be(next);
        if (next->stack) {
            free_stacks[n_free++] = mine;
            switch_stack(*mine, *next->stack, true);
        }
        next->stack = mine;
    }
}

// --- where threads meet -------------------------------------------------------------------------

// Wait for all threads of the block; return how many of them said true.
inline unsigned meet_block(const Site* site, bool vote) {
    Thread& self = *current;
    if (block.n_at_barrier) {
        if (block.at_barrier->site != site) divergence(site, *block.at_barrier);
    } else {
        block.at_barrier = &self;
        block.n_true = 0;
    }
    self.site = site;
    block.n_true += vote;
    if (++block.n_at_barrier == block.n_threads) {
        block.n_at_barrier = 0;
        for (unsigned i = 0; i < block.n_threads; ++i) block.threads[i].result = block.n_true;
        make_all_ready();
    }
    let_others_run();
    return unsigned(self.result);
}

inline void exchange(unsigned warp, uint32_t mask, Kind kind) {
    Thread* lanes = block.threads + warp * LANES;
    uint32_t ballot = 0;
    for (uint32_t rest = mask; rest; rest &= rest - 1) {
        unsigned lane = unsigned(__builtin_ctz(rest));
        if (kind == Kind::SHUFFLE) lanes[lane].result = lanes[lanes[lane].source].value;
        ballot |= uint32_t(lanes[lane].value != 0) << lane;
    }
    if (kind == Kind::SHUFFLE) return;
    for (uint32_t rest = mask; rest; rest &= rest - 1) lanes[__builtin_ctz(rest)].result = ballot;
}

// Wait for the lanes of the mask; return what the operation gives this lane.
inline uint64_t meet_warp(const Site* site, uint32_t mask, uint64_t value, uint32_t source) {
    Thread& self = *current;
    unsigned number = number_of(&self), lane = number % LANES, warp_number = number / LANES;
    Warp& warp = block.warps[warp_number];
    self.mask = mask;
    self.value = value;
    self.source = source;
    if (!(mask >> lane & 1)) fault_at(site, "the lane is not in its own mask");
    if (!(mask >> source & 1)) fault_at(site, "the source lane is not in the mask");
    if (mask & warp.gone) fault_at(site, "the mask names a lane that has returned or never was");
    if (uint32_t others = warp.waiting & mask) {
        const Thread& other = block.threads[warp_number * LANES + unsigned(__builtin_ctz(others))];
        if (other.site != site || other.mask != mask) divergence(site, other);
    }
    self.site = site;
    warp.waiting |= 1u << lane;
    if ((warp.waiting & mask) == mask) {
        warp.waiting &= ~mask;
        exchange(warp_number, mask, site->kind);
        make_ready(warp_number, mask);
    }
    let_others_run();
    return self.result;
}

// --- a block from beginning to end --------------------------------------------------------------

inline void start_block(Index index, uint64_t random) {
    block.index = block_index = index;
    block.random = random;
    block.n_returned = block.n_at_barrier = 0;
    for (unsigned w = 0; w * LANES < block.n_threads; ++w) {
        unsigned n_lanes = block.n_threads - w * LANES;
        block.warps[w] = {0, n_lanes < LANES ? ~0u << n_lanes : 0};
    }
    for (unsigned i = 0; i < block.n_threads; ++i) {
        block.threads[i].stack = nullptr;
        block.threads[i].site = nullptr;
    }
    n_free = n_stacks;
    for (unsigned i = 0; i < n_stacks; ++i) free_stacks[i] = &stacks[i];
    make_all_ready();
}

// Run every thread of the block to its end, or to a fault.
inline void run_block(Index index, uint64_t random) {
    start_block(index, random);
    caller = {};
    Thread* first = take_next();
    first->stack = new_stack();
    be(first);
    switch_stack(caller, *first->stack, false);
}

}  // namespace cuda_on_cpu
