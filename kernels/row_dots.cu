// row_dots: scale times the dot product of each row of one matrix with the same row of another.
//   dots[r] = scale sum_j left[r,j] right[r,j]
// in    left, right (n_rows, n_columns) double, C order; the same array twice gives squared norms
// out   dots (n_rows,) double
// grid  1-D, a warp for each row, any block size
// sums  lanes stride over the columns, then in a fixed tree: the bits don't depend on the position
//       of a row, as those of a library's reduction may
// bound bytes of left and right
// twin  numpy.einsum("rj,rj->r", left, right)       call  umlpsd_gpu/kmeans/gpu_distances.py

extern "C" __global__ void row_dots(const double* left, const double* right, index_t n_rows,
                                    index_t n_columns, double scale, double* dots) {
    const index_t row = (index_t)blockIdx.x * warps_in_block() + warp_number();
    if (row >= n_rows) return;  // the whole warp
    left += row * n_columns;
    right += row * n_columns;
    double sum = 0;
    #pragma unroll 4
    for (index_t j = lane_number(); j < n_columns; j += WARP) sum += left[j] * right[j];
    sum = warp_sum(sum);
    if (lane_number() == 0) dots[row] = scale * sum;
}
