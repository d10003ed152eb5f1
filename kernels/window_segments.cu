// window_segments: cut traces into overlapping segments, remove each segment's mean and taper it.
//   segments[i n + j, t] = window[t] (x[t] - mean_t x)      x[t] = traces[i, j step + t] - centre_i
// in    traces (n_traces, n_frames) VALUE, C order, counts; centres (n_traces, 2) REAL
//       window (nperseg,) REAL; null: ones
// out   segments (n_traces * n, nperseg) REAL, n = n_segments of nperseg frames, step apart
// grid  1-D, a warp a segment (grid-stride), any block size      means in double, fixed order
// bound bytes: a segment is read twice, the second time from the caches, and written once
// twin  scipy.signal.welch with detrend="constant", in umlpsd_gpu/spectrum/estimators.py
// call  umlpsd_gpu/spectrum/gpu.py

extern "C" __global__ void window_segments(const VALUE* __restrict__ traces,
                                           const REAL* __restrict__ centres,
                                           const REAL* __restrict__ window, index_t n_traces,
                                           index_t n_frames, index_t n_segments, index_t nperseg,
                                           index_t step, REAL* __restrict__ segments) {
    const index_t n_warps = (index_t)gridDim.x * warps_in_block();
    for (index_t row = (index_t)blockIdx.x * warps_in_block() + warp_number();
         row < n_traces * n_segments; row += n_warps) {
        const index_t i = row / n_segments;
        const VALUE* values = traces + i * n_frames + row % n_segments * step;
        const REAL centre = centres[2 * i], rest = centres[2 * i + 1];
        double sum = 0;
#pragma unroll 4
        for (index_t t = lane_number(); t < nperseg; t += WARP) {
            sum += (double)((REAL)values[t] - centre - rest);
        }
        const REAL mean = (REAL)(warp_sum(sum) / (double)nperseg);
        REAL* segment = segments + row * nperseg;
#pragma unroll 4
        for (index_t t = lane_number(); t < nperseg; t += WARP) {
            const REAL value = (REAL)values[t] - centre - rest - mean;
            segment[t] = window ? window[t] * value : value;
        }
    }
}
