// How a fault in a block is told.
#pragma once

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "races.hpp"

namespace cuda_on_cpu {

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
[[noreturn]] UNSEEN inline void leave() {
    static Stack nowhere;
    SEE_AS_CALLER();
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

[[noreturn]] void fault_at(const Site* site, const char* what) {
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

}  // namespace cuda_on_cpu
