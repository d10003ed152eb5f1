// silhouette: the metrics of many labellings in one pass over their mean distances.
//   a_i = mean distance to the other members of the own cluster, b_i = least mean distance to
//   another cluster, s_i = (b_i - a_i) / max(a_i, b_i); 0 for a trace alone in its cluster and where
//   a_i = b_i = 0                                        (P. J. Rousseeuw, 1987)
// The mean squared distance to the members of cluster c is d[c,i] + V_c, with d the squared distance
// to the centroid and V_c the mean of d over the members: squared-Euclidean silhouettes need no
// distance between pairs. Euclidean ones take mean_distance, summed over tiles by the caller.
// in    products (n_rows, n_traces), offsets (n_rows,), sqnorms (n_traces,) or null, scale,
//       equal_below: squared distances d as in kmeans_assign, below 0 counted as 0
//       mean_distance (n_rows, n_traces) double, over all members, the trace itself (0) included;
//       null: squared-Euclidean silhouettes
//       labels (n_runs, n_traces) short; first_row (n_runs + 1,), counts (n_rows,) index_t
//       thresholds (n_thresholds,) double
//       separation of a cluster: mean of its b_i - a_i over their standard deviation, at most
//       most_separation, 0 below least_members traces
// out   samples, margins (n_runs, n_traces): s_i, b_i - a_i          (also used as work space)
//       mean, ssd, smallest (n_runs,): mean silhouette, sum of d over own clusters, the smallest of
//       the clusters' mean silhouettes; below (n_runs, n_thresholds): fraction of s_i below each;
//       separation, least_separation (n_runs,): by cluster sizes, of the worst cluster
//       n_filled_clusters (n_runs,) index_t: those that hold a trace
//       NaN (but for ssd) where fewer than two clusters hold a trace
// grid  a block for each labelling, any block size       sums by one warp in fixed order
//       shared: 24 K bytes, K the largest number of clusters
// bound bytes of products (and mean_distance), read twice: the second time from the caches
// twin  umlpsd_gpu/kmeans/metrics.py                      call  umlpsd_gpu/kmeans/gpu_metrics.py

__device__ inline double warp_mean_of_members(const double* values, const short* labels, index_t n,
                                              index_t cluster, index_t count) {
    double sum = 0;
    #pragma unroll 4
    for (index_t i = lane_number(); i < n; i += WARP) sum += labels[i] == cluster ? values[i] : 0.0;
    return count > 0 ? warp_sum(sum) / (double)count : 0.0;
}

extern "C" __global__ void __launch_bounds__(1024, 1)
silhouette(const double* products, const double* offsets,
           const double* sqnorms, double scale, double equal_below,
           const double* mean_distance, const short* labels,
           const index_t* first_row, const index_t* counts,
           const double* thresholds, index_t n_thresholds,
           double most_separation, index_t least_members,
           index_t n_traces, double* samples, double* margins,
           double* mean, double* ssd, double* smallest,
           double* separation, double* least_separation, double* below,
           index_t* n_filled_clusters) {
    extern __shared__ double shared[];
    const index_t run = blockIdx.x, row = first_row[run], n_clusters = first_row[run + 1] - row;
    double* width = shared;                    // V_c
    double* of_cluster = shared + n_clusters;  // mean silhouette
    double* apart = shared + 2 * n_clusters;   // separation
    products += row * n_traces;
    offsets += row;
    counts += row;
    labels += run * n_traces;
    samples += run * n_traces;
    margins += run * n_traces;
    if (mean_distance) mean_distance += row * n_traces;

    for (index_t i = threadIdx.x; i < n_traces; i += blockDim.x) {
        const index_t own = labels[i];
        samples[i] = fmax(0.0, squared_distance(products[own * n_traces + i], offsets[own],
                                                sqnorms ? sqnorms[i] : 0.0, scale, equal_below));
    }
    __syncthreads();
    for (index_t c = warp_number(); c < n_clusters; c += warps_in_block()) {
        const double found = warp_mean_of_members(samples, labels, n_traces, c, counts[c]);
        if (lane_number() == 0) width[c] = found;
    }
    __syncthreads();
    index_t n_filled = 0;
    double sum_of_squares = 0;
    for (index_t c = 0; c < n_clusters; c++) {
        n_filled += counts[c] > 0;
        sum_of_squares += (double)counts[c] * width[c];
    }

    #pragma unroll 1
    for (index_t i = threadIdx.x; i < n_traces; i += blockDim.x) {
        const index_t own = labels[i];
        double inside = 0, outside = CUDA_INFINITY;
        for (index_t c = 0; c < n_clusters; c++) {
            if (counts[c] == 0) continue;
            double distance;
            if (mean_distance) {
                distance = mean_distance[c * n_traces + i];
            } else {
                distance = width[c] + fmax(0.0, squared_distance(products[c * n_traces + i], offsets[c],
                                                                 sqnorms ? sqnorms[i] : 0.0, scale,
                                                                 equal_below));
            }
            if (c == own) inside = distance;
            else outside = fmin(outside, distance);
        }
        const double size = (double)counts[own];
        inside *= size / fmax(size - 1, 1.0);
        const double larger = fmax(inside, outside);
        const bool comparable = size > 1 && larger > 0 && outside < CUDA_INFINITY;
        margins[i] = n_filled < 2 ? 0.0 : outside - inside;
        samples[i] = n_filled < 2 ? CUDA_NAN : comparable ? (outside - inside) / larger : 0.0;
    }
    __syncthreads();
    for (index_t c = warp_number(); c < n_clusters; c += warps_in_block()) {
        const double found = warp_mean_of_members(samples, labels, n_traces, c, counts[c]);
        const double average = warp_mean_of_members(margins, labels, n_traces, c, counts[c]);
        double squares = 0;
        #pragma unroll 1  // registers for 1024 threads
        for (index_t i = lane_number(); i < n_traces; i += WARP) {
            const double deviation = margins[i] - average;
            squares += labels[i] == c ? deviation * deviation : 0.0;
        }
        squares = warp_sum(squares);
        if (lane_number() == 0) {
            of_cluster[c] = counts[c] > 0 ? found : CUDA_INFINITY;
            const double ratio = squares > 0 ? average / sqrt(squares / (double)counts[c])
                                 : average > 0 ? most_separation : 0.0;
            apart[c] = counts[c] < least_members ? 0.0 : fmin(ratio, most_separation);
        }
    }
    for (index_t t = warp_number(); t < n_thresholds; t += warps_in_block()) {
        index_t n_below = 0;
        #pragma unroll 1
        for (index_t first = 0; first < n_traces; first += WARP) {
            const index_t i = first + lane_number();
            n_below += __popc(__ballot_sync(ALL_LANES, i < n_traces && samples[i] < thresholds[t]));
        }
        if (lane_number() == 0) {
            below[run * n_thresholds + t] = n_filled < 2 ? CUDA_NAN : (double)n_below / (double)n_traces;
        }
    }
    if (warp_number() == 0) {
        double sum = 0;
        for (index_t i = lane_number(); i < n_traces; i += WARP) sum += samples[i];
        sum = warp_sum(sum);
        if (lane_number() == 0) {
            mean[run] = sum / (double)n_traces;
            ssd[run] = sum_of_squares;
        }
    }
    __syncthreads();
    if (threadIdx.x == 0) {
        double least = CUDA_INFINITY, least_apart = CUDA_INFINITY, sum_apart = 0;
        for (index_t c = 0; c < n_clusters; c++) {
            least = fmin(least, of_cluster[c]);
            if (counts[c] > 0) least_apart = fmin(least_apart, apart[c]);
            sum_apart += apart[c] * (double)counts[c];
        }
        smallest[run] = n_filled < 2 ? CUDA_NAN : least;
        separation[run] = n_filled < 2 ? CUDA_NAN : sum_apart / (double)n_traces;
        least_separation[run] = n_filled < 2 ? CUDA_NAN : least_apart;
        n_filled_clusters[run] = n_filled;
    }
}
