// Shared by every kernel; inlined before its text by umlpsd_gpu/kernel_loader.py.
//
// Blocks hold whole warps (32, 64, … 1024 threads). Sums are taken by one warp in a fixed order:
// their bits depend neither on the block size nor on the grid. There are no atomics.

typedef long long index_t;

#define ALL_LANES 0xffffffffu
#define WARP 32

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
