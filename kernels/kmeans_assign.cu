// kmeans_assign: products -> each trace's nearest centroid, for many restarts; which have converged.
//   d[c,i] = scale products[c,i] + offsets[c] + sqnorms[i]; the smallest of the clusters that hold a
//   trace, the lowest c of equal ones; below equal_below (sqnorms[i] + offsets[c]) it counts as 0
// in    products (n_rows, n_traces) double; offsets (n_rows,) double; sqnorms (n_traces,) double,
//       null: 0; scale, equal_below (0: never); first_row (n_runs + 1,), counts (n_rows,) index_t
//       iteration: 0 for the assignment to the starting centroids, which ends no restart
// inout labels (n_runs, n_traces) short; running (n_runs,) index_t: set to 0 where no label
//       changed, such restarts are left as they are; n_iterations (n_runs,) index_t
// out   least (n_runs, n_traces) double: d of the nearest centroid
// grid  a block for each restart, any block size
// bound bytes of products
// twin  umlpsd_gpu/kmeans/lloyd.py::nearest_centroid         call  umlpsd_gpu/kmeans/gpu_lloyd.py

extern "C" __global__ void kmeans_assign(const double* products, const double* offsets,
                                         const double* sqnorms, double scale, double equal_below,
                                         const index_t* first_row, const index_t* counts,
                                         index_t n_traces, index_t iteration, short* labels,
                                         double* least, index_t* running, index_t* n_iterations) {
    const index_t run = blockIdx.x;
    if (!running[run]) return;
    const index_t row = first_row[run], n_clusters = first_row[run + 1] - row;
    products += row * n_traces;
    offsets += row;
    counts += row;
    labels += run * n_traces;
    least += run * n_traces;

    bool moved = false;
    for (index_t i = threadIdx.x; i < n_traces; i += blockDim.x) {
        index_t nearest = 0;
        double smallest = CUDA_INFINITY;
        for (index_t c = 0; c < n_clusters; c++) {
            if (counts[c] == 0) continue;
            const double distance = squared_distance(products[c * n_traces + i], offsets[c],
                                                     sqnorms ? sqnorms[i] : 0.0, scale, equal_below);
            if (distance < smallest) {
                smallest = distance;
                nearest = c;
            }
        }
        moved = moved || labels[i] != nearest;
        labels[i] = (short)nearest;
        least[i] = smallest;
    }
    const bool changed = __syncthreads_or(moved);
    if (threadIdx.x == 0 && iteration > 0) {
        n_iterations[run] = iteration;
        if (!changed) running[run] = 0;
    }
}
