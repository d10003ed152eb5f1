// Where the threads of a block or the lanes of a warp meet, and what passes between them.
#pragma once

#include "order.hpp"

namespace cuda_on_cpu {

unsigned lane() { return number_of(current) % LANES; }

unsigned meet_block(const Site* site, bool vote) {
    begin_harness();
    char& meeting = barrier[block.n_met % 2];
    order_before(meeting);
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
        ++block.n_met;
        for (unsigned i = 0; i < block.n_threads; ++i) block.threads[i].result = block.n_true;
        make_all_ready();
    }
    let_others_run();
    order_after(meeting);
    end_harness();
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

uint64_t meet_warp(const Site* site, uint32_t mask, uint64_t value, uint32_t source) {
    begin_harness();
    Thread& self = *current;
    unsigned number = number_of(&self), lane = number % LANES, warp_number = number / LANES;
    Warp& warp = block.warps[warp_number];
    char& meeting = warp_barrier[warp_number][warp.n_met % 2];
    if (site->kind == Kind::SYNC) order_before(meeting);
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
        warp.n_met += site->kind == Kind::SYNC;
        exchange(warp_number, mask, site->kind);
        make_ready(warp_number, mask);
    }
    let_others_run();
    if (site->kind == Kind::SYNC) order_after(meeting);
    end_harness();
    return self.result;
}

}  // namespace cuda_on_cpu
