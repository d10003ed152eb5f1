// bin_minmax: average each trace over consecutive groups of frames, then scale it to [0, 1].
//   y[b] = (1/m) sum_{j<m} traces[i, b*W + j]        W = frames_per_bin; m = W, or what is left
//   scaled[i,b] = (y[b] - min y) / (max y - min y)
//   0 throughout where max - min <= rounding * max(|min|, |max|); NaN throughout where a y is not
//   finite. W = 1 is the raw scale: y is the trace itself.
// in    traces (n_traces, n_frames) VALUE, C order, counts
// out   scaled (n_traces, ceil(n_frames / W)) double; may be `traces` itself where W = 1 and VALUE
//       is double
// grid  a block for each trace, any block size; n_lanes = 1, 2, 4 ... 32 neighbouring lanes share a
//       bin. Sums in double, in an order that depends on W and n_lanes only.
// bound bytes of traces and scaled: the trace is read from memory once, its second reading (W = 1)
//       and that of the means (W > 1) come from the L2 cache
// twin  umlpsd_gpu/preprocessing/bin.py::bin_mean, umlpsd_gpu/preprocessing/normalise.py::minmax
// call  umlpsd_gpu/preprocessing/gpu.py

// loads in flight per thread: with stores between them only one would be in flight
#define N_AT_ONCE 4

__device__ void bin_means(const VALUE* trace, index_t n_frames, index_t frames_per_bin,
                          index_t n_bins, index_t n_lanes, double* means) {
    const index_t bins_per_warp = WARP / n_lanes;
    const index_t lane = lane_number() % n_lanes;
    for (index_t first = warp_number() * bins_per_warp; first < n_bins;
         first += warps_in_block() * bins_per_warp) {
        const index_t bin = first + lane_number() / n_lanes;
        const index_t start = bin * frames_per_bin;
        const index_t stop = start + frames_per_bin < n_frames ? start + frames_per_bin : n_frames;
        double sum = 0.0;
#pragma unroll 4
        for (index_t frame = start + lane; frame < stop; frame += n_lanes) {
            sum += (double)trace[frame];
        }
        for (int step = (int)n_lanes / 2; step > 0; step /= 2) {
            sum += __shfl_xor_sync(ALL_LANES, sum, step);
        }
        if (lane == 0 && bin < n_bins) means[bin] = sum / (double)(stop - start);
    }
}

// Every thread gets the block's extremes; false where a value is not finite.
template <class Value>
__device__ bool block_extremes(const Value* values, index_t n_values, double* low, double* high) {
    __shared__ double lows[WARP], highs[WARP];
    // fmin and fmax pass over NaN: threads without a value have no say
    double lowest = CUDA_NAN, highest = CUDA_NAN;
    bool spoiled = false;
#pragma unroll 4
    for (index_t i = threadIdx.x; i < n_values; i += blockDim.x) {
        const double value = (double)values[i];
        lowest = fmin(lowest, value);
        highest = fmax(highest, value);
        spoiled |= !isfinite(value);
    }
    lowest = warp_min(lowest);
    highest = warp_max(highest);
    if (lane_number() == 0) {
        lows[warp_number()] = lowest;
        highs[warp_number()] = highest;
    }
    const bool any_spoiled = __syncthreads_or(spoiled);
    const int warp = lane_number() < warps_in_block() ? lane_number() : 0;
    // fmin may give either zero: + 0.0 makes it the positive one, whatever the order
    *low = warp_min(lows[warp]) + 0.0;
    *high = warp_max(highs[warp]);
    return !any_spoiled;
}

template <class Value>
__device__ void minmax(const Value* values, index_t n_values, double rounding, double* scaled) {
    double low, high;
    const bool finite = block_extremes(values, n_values, &low, &high);
    const double range = high - low;
    const bool constant = range <= rounding * fmax(fabs(low), fabs(high));
    for (index_t first = threadIdx.x; first < n_values; first += N_AT_ONCE * blockDim.x) {
        double value[N_AT_ONCE];
#pragma unroll
        for (int k = 0; k < N_AT_ONCE; k++) {
            const index_t i = first + k * blockDim.x;
            value[k] = i < n_values ? (double)values[i] : 0.0;
        }
#pragma unroll
        for (int k = 0; k < N_AT_ONCE; k++) {
            const index_t i = first + k * blockDim.x;
            if (i >= n_values) continue;
            scaled[i] = !finite ? CUDA_NAN : constant ? 0.0 : (value[k] - low) / range;
        }
    }
}

extern "C" __global__ void __launch_bounds__(1024, 1)
bin_minmax(const VALUE* traces, double* scaled, index_t n_frames, index_t frames_per_bin,
           index_t n_lanes, double rounding) {
    const index_t n_bins = (n_frames + frames_per_bin - 1) / frames_per_bin;
    const VALUE* trace = traces + blockIdx.x * n_frames;
    double* row = scaled + blockIdx.x * n_bins;
    if (frames_per_bin == 1) {
        minmax(trace, n_frames, rounding, row);
    } else {
        bin_means(trace, n_frames, frames_per_bin, n_bins, n_lanes, row);
        __syncthreads();
        minmax(row, n_bins, rounding, row);
    }
}
