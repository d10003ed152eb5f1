// temporal_sums: add some frames to the sums behind the temporal mean and variance.
//   rest    sum of the frames of the unfinished block (blocks of n_per_block consecutive frames)
//   total   sum of the whole blocks          squares  sum of the squares of the whole blocks' sums
// in    frames (n_frames, n_pixels) VALUE, C order, counts; n_before frames came before them
// inout sums (3, n_pixels) double: rest, total, squares; zeros before the first frame
// grid  1-D, a thread for each pixel                                       block any size
// order frame by frame, block by block, as in the twin: the same bits whatever the chunks, and those
//       of the twin (exact for integers below 2^32; NaN and infinities stay)
// bound bytes: one pass over the frames, lanes on neighbouring pixels
// twin  umlpsd_gpu/traces/images.py::temporal_images          call  umlpsd_gpu/traces/gpu.py

extern "C" __global__ void temporal_sums(const VALUE* __restrict__ frames,
                                         double* __restrict__ sums, index_t n_frames,
                                         index_t n_pixels, index_t n_before,
                                         index_t n_per_block) {
    const index_t pixel = (index_t)blockIdx.x * blockDim.x + threadIdx.x;
    if (pixel >= n_pixels) return;
    double rest = sums[pixel], total = sums[n_pixels + pixel], squares = sums[2 * n_pixels + pixel];
    index_t n_in_block = n_before % n_per_block;
    for (index_t t = 0; t < n_frames;) {
        const index_t n_wanted = n_per_block - n_in_block;
        const index_t stop = t + (n_wanted < n_frames - t ? n_wanted : n_frames - t);
        n_in_block += stop - t;
#pragma unroll 8
        for (; t < stop; ++t) {
            rest += (double)frames[t * n_pixels + pixel];
        }
        if (n_in_block == n_per_block) {
            total += rest;
            squares = __dadd_rn(squares, __dmul_rn(rest, rest));  // never fused: the twin's bits
            rest = 0;
            n_in_block = 0;
        }
    }
    sums[pixel] = rest;
    sums[n_pixels + pixel] = total;
    sums[2 * n_pixels + pixel] = squares;
}
