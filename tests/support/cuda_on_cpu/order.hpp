// Who runs next: an order that a seed shuffles, and a block from beginning to end.
#pragma once

#include "faults.hpp"

namespace cuda_on_cpu {

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

[[gnu::no_sanitize_thread]] inline void be(Thread* thread) {
    current = thread;
    thread_index = thread->index;
}

void thread_main();

inline Stack* new_stack(const Thread* thread) {
    Stack* stack;
    if (SEES_RACES) {
        stack = &process->stacks[number_of(thread)];  // two threads on one would look like a race
    } else {
        stack = n_free ? free_stacks[--n_free] : &process->stacks[process->n_stacks++];
    }
    if (!stack->bottom) reserve(*stack, unsigned(stack - process->stacks));
    prepare(*stack, thread_main);
    return stack;
}

inline void give_back(Stack* stack) {
    if (!SEES_RACES) free_stacks[n_free++] = stack;
}

// Let others run until this thread's turn comes again.
SWITCHES inline void let_others_run() {
    Thread *self = current, *next = take_next();
    if (next != self) {
        if (!next->stack) next->stack = new_stack(next);
        be(next);
        SEE_AS(next);
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
UNSEEN inline void thread_main() {
    arrived(caller);
    for (;;) {
        order_after(block_start);
        kernel_call();
        order_before(block_end);
        begin_harness();
        Stack* mine = current->stack;
        current->stack = nullptr;
        check_nobody_needs(current);
        bool is_last = ++block.n_returned == block.n_threads;
        Thread* next = is_last ? current : take_next();
        if (SEES_RACES && !next->stack && !is_last) next->stack = new_stack(next);
        end_harness();
        if (is_last) give_back(mine);
        if (is_last) leave();
        be(next);
        if (next->stack) {
            give_back(mine);
            SEE_AS(next);
            switch_stack(*mine, *next->stack, true);
        }
        next->stack = mine;
    }
}

inline void start_block(Index index, uint64_t random) {
    block.index = block_index = index;
    block.random = random;
    block.n_returned = block.n_at_barrier = block.n_met = 0;
    for (unsigned w = 0; w * LANES < block.n_threads; ++w) {
        unsigned n_lanes = block.n_threads - w * LANES;
        block.warps[w] = {0, n_lanes < LANES ? ~0u << n_lanes : 0, 0};
    }
    for (unsigned i = 0; i < block.n_threads; ++i) {
        block.threads[i].stack = nullptr;
        block.threads[i].site = nullptr;
    }
    make_all_ready();
}

// Run every thread of the block to its end, or to a fault.
UNSEEN inline void run_block(Index index, uint64_t random) {
    start_block(index, random);
    caller = {};
    Thread* first = take_next();
    first->stack = new_stack(first);
    be(first);
    order_before(block_start);
    SEE_AS(first);
    switch_stack(caller, *first->stack, false);
    order_after(block_end);
}

}  // namespace cuda_on_cpu
