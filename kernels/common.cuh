// Shared by every kernel; inlined before its text by umlpsd_gpu/compute/kernel_loader.py.
//
// Blocks hold whole warps (32, 64, … 1024 threads). Sums are taken by one warp in a fixed order:
// their bits depend neither on the block size nor on the grid. There are no atomics.

typedef long long index_t;

#define ALL_LANES 0xffffffffu
#define WARP 32
#define CUDA_INFINITY (__longlong_as_double(0x7ff0000000000000LL))
#define CUDA_NAN (__longlong_as_double(0x7ff8000000000000LL))

__device__ inline int lane_number() { return threadIdx.x % WARP; }
__device__ inline int warp_number() { return threadIdx.x / WARP; }
__device__ inline int warps_in_block() { return blockDim.x / WARP; }

// Sum over the lanes of a warp; every lane gets the same bits.
__device__ inline double warp_sum(double value) {
    for (int step = WARP / 2; step > 0; step /= 2) {
        value += __shfl_xor_sync(ALL_LANES, value, step);
    }
    return value;
}

__device__ inline double warp_min(double value) {
    for (int step = WARP / 2; step > 0; step /= 2) {
        value = fmin(value, __shfl_xor_sync(ALL_LANES, value, step));
    }
    return value;
}

__device__ inline double warp_max(double value) {
    for (int step = WARP / 2; step > 0; step /= 2) {
        value = fmax(value, __shfl_xor_sync(ALL_LANES, value, step));
    }
    return value;
}

// Running sums over the lanes of a warp, the lane's own value included.
__device__ inline double warp_running_sum(double value) {
    for (int step = 1; step < WARP; step *= 2) {
        const double before = __shfl_up_sync(ALL_LANES, value, step);
        if (lane_number() >= step) value += before;
    }
    return value;
}

// Greedy k-means++: sum over traces of the squared distance to the nearest centroid, were a trace
// with the distances `sqdist` to become one. Called by a whole warp.
__device__ inline double warp_potential(const double* nearest, const double* sqdist, index_t n) {
    double sum = 0;
    for (index_t i = lane_number(); i < n; i += WARP) sum += fmin(nearest[i], sqdist[i]);
    return warp_sum(sum);
}

// Index drawn with probability mass[i] / sum(mass): how many running sums lie below uniform times
// the total. Called by a whole warp; uniform in [0, 1).
__device__ inline index_t warp_draw(const double* mass, index_t n, double uniform) {
    double target = 0;
    index_t n_below = 0;
    for (int pass = 0; pass < 2; pass++) {
        double before = 0;
        for (index_t first = 0; first < n; first += WARP) {
            const index_t i = first + lane_number();
            const double running = before + warp_running_sum(i < n ? mass[i] : 0.0);
            if (pass == 1) n_below += __popc(__ballot_sync(ALL_LANES, i < n && running < target));
            before = __shfl_sync(ALL_LANES, running, WARP - 1);
        }
        target = uniform * before;
    }
    return n_below < n ? n_below : n - 1;
}

// How many traces carry this label. Called by a whole warp.
template <class Label>
__device__ inline index_t warp_count(const Label* labels, index_t n, index_t wanted) {
    index_t count = 0;
    for (index_t first = 0; first < n; first += WARP) {
        const index_t i = first + lane_number();
        count += __popc(__ballot_sync(ALL_LANES, i < n && labels[i] == wanted));
    }
    return count;
}

// The trace of the largest value that is not yet marked by -1, the lowest number of several; it is
// marked. Called by a whole warp.
__device__ inline index_t warp_take_farthest(double* values, index_t n) {
    double largest = -1;
    index_t at = n;
    for (index_t i = lane_number(); i < n; i += WARP) {
        if (values[i] > largest) {
            largest = values[i];
            at = i;
        }
    }
    const double of_all = warp_max(largest);
    index_t candidate = largest == of_all ? at : n;
    for (int step = WARP / 2; step > 0; step /= 2) {
        const index_t other = __shfl_xor_sync(ALL_LANES, candidate, step);
        candidate = other < candidate ? other : candidate;
    }
    __syncwarp();  // shuffles don't order memory: every lane must have read its values
    if (lane_number() == 0 && candidate < n) values[candidate] = -1;
    __syncwarp();
    return candidate;
}

// Squared distance of a trace to a centroid from the product that moves all restarts at once;
// rounding of |x|^2 + |y|^2 - 2xy below `equal_below` of its terms counts as 0.
__device__ inline double squared_distance(double product, double offset, double sqnorm,
                                          double scale, double equal_below) {
    const double terms = sqnorm + offset;
    const double distance = scale * product + terms;
    return equal_below > 0 && distance < equal_below * terms ? 0.0 : distance;
}

// The sizes of all clusters, a warp for each in turn. Called by a whole block; ends in a barrier.
template <class Label, class Count>
__device__ inline void block_count_members(const Label* labels, index_t n, index_t n_clusters,
                                           Count* counts) {
    for (index_t c = warp_number(); c < n_clusters; c += warps_in_block()) {
        const index_t found = warp_count(labels, n, c);
        if (lane_number() == 0) counts[c] = (Count)found;
    }
    __syncthreads();
}

// Gives every empty cluster the trace farthest from its own centroid, as scikit-learn does, the
// emptiest number first; where all traces sit on their centroids nothing moves. `least` are the
// squared distances to the own centroids, -1 where a trace was moved. Called by a whole block,
// after a barrier behind `counts`; ends in a barrier.
template <class Label, class Count>
__device__ inline void block_refill_empty_clusters(Label* labels, double* least, index_t n,
                                                   index_t n_clusters, Count* counts) {
    bool any_empty = false;
    for (index_t c = 0; c < n_clusters; c++) any_empty = any_empty || counts[c] == 0;
    if (!any_empty) return;  // the same for all threads
    __syncthreads();
    if (warp_number() == 0) {  // one warp, since the order decides which cluster gets which trace
        double largest = 0;
        for (index_t i = lane_number(); i < n; i += WARP) largest = fmax(largest, least[i]);
        const bool movable = warp_max(largest) > 0;
        for (index_t c = 0; c < n_clusters; c++) {
            if (!movable || counts[c] > 0) continue;
            const index_t farthest = warp_take_farthest(least, n);
            if (farthest == n) break;  // only traces that have moved are left, or NaN
            if (lane_number() == 0) labels[farthest] = (Label)c;
        }
    }
    __syncthreads();
    block_count_members(labels, n, n_clusters, counts);
}
