// take_pixels: traces of chosen pixels; frames on the long axis become traces on the long axis.
//   values[i, first + t] = frames[t, pixels[i]]                    NaN and infinities are kept
// in    frames (n_frames, n_pixels) VALUE, C order, counts; pixels (n_traces) index_t
// out   values (n_traces, n_columns) float; columns first … first + n_frames - 1 are written
// grid  1-D, a tile of 32 pixels × 32 frames a block, pixels first        block any size
// bound bytes: ascending pixels are read, and frames written, by neighbouring lanes
// twin  umlpsd_gpu/traces/pixels.py                         call  umlpsd_gpu/traces/gpu.py

extern "C" __global__ void take_pixels(const VALUE* __restrict__ frames,
                                       const index_t* __restrict__ pixels,
                                       float* __restrict__ values, index_t n_frames,
                                       index_t n_pixels, index_t n_traces, index_t n_columns,
                                       index_t first) {
    __shared__ float tile[WARP][WARP + 1];  // one more column: lanes of a column meet no bank twice
    const index_t n_tiles_across = (n_traces + WARP - 1) / WARP;
    const index_t trace_0 = blockIdx.x % n_tiles_across * WARP;
    const index_t frame_0 = blockIdx.x / n_tiles_across * WARP;

    const index_t trace_read = trace_0 + lane_number();
    const index_t pixel = trace_read < n_traces ? pixels[trace_read] : 0;
    for (int t = warp_number(); t < WARP; t += warps_in_block()) {
        if (frame_0 + t < n_frames && trace_read < n_traces) {
            tile[t][lane_number()] = (float)frames[(frame_0 + t) * n_pixels + pixel];
        }
    }
    __syncthreads();
    const index_t frame_written = frame_0 + lane_number();
    for (int i = warp_number(); i < WARP; i += warps_in_block()) {
        if (trace_0 + i < n_traces && frame_written < n_frames) {
            values[(trace_0 + i) * n_columns + first + frame_written] = tile[lane_number()][i];
        }
    }
}
