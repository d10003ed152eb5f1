// gather_traces: intensity of every emitter in every frame, aperture minus background ring.
//   values[i, first + t] = sum_j weights[j] frames[t, pixels[j]]      indptr[i] <= j < indptr[i + 1]
//   NaN where that is not finite: a pixel of emitter i or of its ring is NaN or infinite
// in    frames (n_frames, n_pixels) VALUE, C order, counts as stored in the file
//       indptr (n_traces + 1), pixels (n_weights) index_t, weights (n_weights) double: CSR rows
// out   values (n_traces, n_columns) double; columns first … first + n_frames - 1 are written
// grid  1-D, a warp for each trace and group of FRAMES frames (a power of 2, 32 at most), traces
//       first: warps at work together read the same frames          block any size
// order lanes stride over the pixels, then sum in a fixed tree; a frame's bits don't depend on its
//       place in the group
// bound bytes: the 32-byte sectors that apertures and rings touch, once a frame; each weight is
//       loaded once for FRAMES frames, whose loads are independent
// twin  umlpsd_gpu/traces/photometry.py                     call  umlpsd_gpu/traces/gpu.py

// Sum FRAMES numbers of each lane over the lanes: lane l returns the sum of number l % FRAMES.
// Lanes hand over the half that they needn't keep: 9 exchanges for 8 numbers instead of 40.
__device__ inline double sums_over_lanes(double (&sums)[FRAMES]) {
#pragma unroll
    for (int half = FRAMES / 2; half > 0; half >>= 1) {
        const bool keeps_upper = lane_number() & half;
#pragma unroll
        for (int t = 0; t < half; ++t) {
            const double given = keeps_upper ? sums[t] : sums[t + half];
            const double kept = keeps_upper ? sums[t + half] : sums[t];
            sums[t] = kept + __shfl_xor_sync(ALL_LANES, given, half);
        }
    }
    double sum = sums[0];
#pragma unroll
    for (int step = FRAMES; step < WARP; step *= 2) {
        sum += __shfl_xor_sync(ALL_LANES, sum, step);
    }
    return sum;
}

extern "C" __global__ void __launch_bounds__(1024) gather_traces(const VALUE* __restrict__ frames,
                                         const index_t* __restrict__ indptr,
                                         const index_t* __restrict__ pixels,
                                         const double* __restrict__ weights,
                                         double* __restrict__ values, index_t n_frames,
                                         index_t n_pixels, index_t n_traces, index_t n_columns,
                                         index_t first) {
    const index_t task = (index_t)blockIdx.x * warps_in_block() + warp_number();
    const index_t trace = task % n_traces;
    const index_t begin = task / n_traces * FRAMES;
    if (begin >= n_frames) return;  // the whole warp
    const index_t n_left = n_frames - begin;
    const int last = n_left < FRAMES ? (int)n_left - 1 : FRAMES - 1;

    double sums[FRAMES] = {};
#pragma unroll 1
    for (index_t j = indptr[trace] + lane_number(); j < indptr[trace + 1]; j += WARP) {
        const double weight = weights[j];
        const VALUE* pixel = frames + begin * n_pixels + pixels[j];
#pragma unroll
        for (int t = 0; t < FRAMES; ++t) {
            // beyond the last frame it is read again, and its sum dropped
            sums[t] += weight * (double)pixel[(t < last ? t : last) * n_pixels];
        }
    }
    const double sum = sums_over_lanes(sums);
    if (lane_number() <= last) {
        values[trace * n_columns + first + begin + lane_number()] = isfinite(sum) ? sum : CUDA_NAN;
    }
}
