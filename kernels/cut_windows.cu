// cut_windows: gather overlapping windows of an image, remove each window's mean, taper it.
//   tiles[w, r, c] = taper[r] taper[c] (x[r, c] - mean x)
//   x[r, c] = image[(w / n_across) step + r, (w % n_across) step + c],  w = first + tile
// in    image (n_rows, n_columns) float, C order; taper (window,) float
// out   tiles (n_tiles, window, window) float, of the windows from `first` on
// grid  1-D, a block a window (grid-stride), any block size; shared: window doubles
//       means in double: a warp sums a row, then every warp the rows, both in a fixed order
// bound bytes: a window is read twice, the second time from the caches, and written once
// twin  umlpsd_gpu/images/windowed_fft.py::cut_windows      call  umlpsd_gpu/images/gpu.py

extern "C" __global__ void cut_windows(const float* __restrict__ image,
                                       const float* __restrict__ taper, index_t n_columns,
                                       index_t n_across, index_t step, index_t window,
                                       index_t first, index_t n_tiles, float* __restrict__ tiles) {
    extern __shared__ double row_sums[];
    for (index_t tile = blockIdx.x; tile < n_tiles; tile += gridDim.x) {
        const index_t number = first + tile;
        const float* corner =
            image + number / n_across * step * n_columns + number % n_across * step;
        for (index_t r = warp_number(); r < window; r += warps_in_block()) {
            const float* row = corner + r * n_columns;
            double sum = 0;
            for (index_t c = lane_number(); c < window; c += WARP) sum += (double)row[c];
            sum = warp_sum(sum);
            if (lane_number() == 0) row_sums[r] = sum;
        }
        __syncthreads();
        double total = 0;
        for (index_t r = lane_number(); r < window; r += WARP) total += row_sums[r];
        const double mean = warp_sum(total) / ((double)window * (double)window);
        float* out = tiles + tile * window * window;
        for (index_t r = warp_number(); r < window; r += warps_in_block()) {
            const float* row = corner + r * n_columns;
            for (index_t c = lane_number(); c < window; c += WARP) {
                out[r * window + c] = taper[r] * taper[c] * (float)((double)row[c] - mean);
            }
        }
        __syncthreads();  // the next window overwrites the sums
    }
}
