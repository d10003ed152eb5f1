// pairwise_sqeuclidean: squared Euclidean distances between traces, tile by tile.
//   out[r,j] = sum_s (points[row(r), s] - points[j, s])^2        ROOT: its square root
// in    points (n_ensembles, n_traces, n_samples) double, C order
//       rows (n_rows,) index_t: which traces the rows are; null: all of them, and then only tiles
//       on and above the diagonal are computed, and mirrored
//       launched_from, a multiple of 32: rows before it are left to another launch
// out   out (n_ensembles, n_rows, n_traces) double; differences are summed, not |x|^2 + |y|^2 - 2xy: nothing
//       cancels, equal traces have 0, centring is not needed, the matrix is symmetric to the bit
// grid  (column tiles, row tiles, n_ensembles) of 32 x 32 outputs, BLOCK threads (a power of 2, 32...1024)
// sums  one thread per output, samples in order: repeatable
// bound n_rows n_traces n_samples (subtraction + FMA) in float64, operands from shared memory
// twin  umlpsd_gpu/kmeans/distances.py::pairwise_sqeuclidean
// call  umlpsd_gpu/kmeans/gpu_distances.py

#define TILE 32
#define OUTPUTS (TILE * TILE / BLOCK)
#define ROWS_APART (BLOCK / TILE)

extern "C" __global__ void __launch_bounds__(BLOCK)
pairwise_sqeuclidean(const double* points, index_t n_traces, index_t n_samples,
                     const index_t* rows, index_t n_rows, index_t launched_from,
                     double* out) {
    __shared__ double of_rows[TILE][TILE];
    __shared__ double of_columns[TILE][TILE + 1];  // [sample][column], padded against bank conflicts
    const index_t first_column = (index_t)blockIdx.x * TILE;
    const index_t first_row = launched_from + (index_t)blockIdx.y * TILE;
    points += blockIdx.z * n_traces * n_samples;
    out += blockIdx.z * n_rows * n_traces;
    const bool symmetric = rows == nullptr;
    if (symmetric && first_column < first_row) return;  // the whole block: mirrored by another

    const int lane = lane_number(), warp = warp_number();
    double sum[OUTPUTS];
    #pragma unroll
    for (int o = 0; o < OUTPUTS; o++) sum[o] = 0;

    for (index_t first_sample = 0; first_sample < n_samples; first_sample += TILE) {
        const index_t sample = first_sample + lane;
        #pragma unroll
        for (int o = 0; o < OUTPUTS; o++) {
            const int line = warp + o * ROWS_APART;
            const index_t row = first_row + line, column = first_column + line;
            double of_row = 0, of_column = 0;
            if (sample < n_samples && row < n_rows) {
                of_row = points[(symmetric ? row : rows[row]) * n_samples + sample];
            }
            if (sample < n_samples && column < n_traces) {
                of_column = points[column * n_samples + sample];
            }
            of_rows[line][lane] = of_row;
            of_columns[lane][line] = of_column;
        }
        __syncthreads();
        #pragma unroll 8
        for (int s = 0; s < TILE; s++) {
            const double own = of_columns[s][lane];
            #pragma unroll
            for (int o = 0; o < OUTPUTS; o++) {
                const double difference = of_rows[warp + o * ROWS_APART][s] - own;
                sum[o] += difference * difference;
            }
        }
        __syncthreads();
    }

#ifdef ROOT
    #pragma unroll
    for (int o = 0; o < OUTPUTS; o++) sum[o] = sqrt(sum[o]);
#endif
    const index_t column = first_column + lane;
    #pragma unroll
    for (int o = 0; o < OUTPUTS; o++) {
        const index_t row = first_row + warp + o * ROWS_APART;
        if (row >= n_rows || column >= n_traces) continue;
        if (symmetric && column < row) continue;  // the other half of a tile on the diagonal
        out[row * n_traces + column] = sum[o];
        if (symmetric) out[column * n_traces + row] = sum[o];
    }
}
