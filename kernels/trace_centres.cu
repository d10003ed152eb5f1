// trace_centres: the mean that every spectrum subtracts from a trace; NaN marks bad traces.
//   centre_i = mean over t of traces[i,t]; the value itself where all are equal, so that a constant
//   trace becomes 0 exactly; NaN where one is not finite, which makes the whole spectrum NaN
// in    traces (n_traces, n_frames) VALUE, C order, counts
// out   centres (n_traces, 2) REAL: two numbers that add up to centre_i. Where REAL is float, counts
//       minus both in turn round twice at the size of the difference, however large the offset.
// grid  1-D, a warp a trace (grid-stride), any block size      sums in double, fixed order
// bound bytes of traces, read once
// twin  umlpsd_gpu/spectrum/estimators.py                      call  umlpsd_gpu/spectrum/gpu.py

extern "C" __global__ void trace_centres(const VALUE* __restrict__ traces, index_t n_traces,
                                         index_t n_frames, REAL* __restrict__ centres) {
    const index_t n_warps = (index_t)gridDim.x * warps_in_block();
    for (index_t i = (index_t)blockIdx.x * warps_in_block() + warp_number(); i < n_traces;
         i += n_warps) {
        const VALUE* trace = traces + i * n_frames;
        const VALUE first = trace[0];
        bool differs = false;
        double sum = 0;
#pragma unroll 8
        for (index_t t = lane_number(); t < n_frames; t += WARP) {
            const VALUE value = trace[t];
            differs |= value != first;
            sum += (double)value;
        }
        sum = warp_sum(sum);
        const bool varies = __ballot_sync(ALL_LANES, differs) != 0;
        double centre = varies ? sum / (double)n_frames : (double)first;
        if (!isfinite(sum)) centre = CUDA_NAN;
        if (lane_number() == 0) {
            const REAL rounded = (REAL)centre;
            centres[2 * i] = rounded;
            centres[2 * i + 1] = (REAL)(centre - (double)rounded);
        }
    }
}
