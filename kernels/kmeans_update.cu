// kmeans_update: labels -> the rows that average over each cluster, for many restarts.
//   weights[c,i] = 1 / n_c for the members of cluster c, 0 elsewhere; one product of them with the
//   traces (or their squared distances) gives every centroid of every restart
// An empty cluster takes the trace farthest from its own centroid, as in scikit-learn; the farthest
// goes to the first empty cluster, and so on. Where all traces sit on their centroids it stays empty.
// in    labels (n_runs, n_traces) short; first_row (n_runs + 1,) index_t: restart r has the rows
//       first_row[r] ... first_row[r + 1] - 1, one for each cluster
//       running (n_runs,) index_t: 0 = converged, left as it is; null: all run
//       least (n_runs, n_traces) double: squared distance to the own centroid; null: no refilling.
//       Overwritten with -1 where a trace was moved.
// out   averaged (n_runs, n_traces) short: the labels after refilling
//       counts (n_rows,) index_t, weights (n_rows, n_traces) double
// grid  a block for each restart, any block size      integers only: repeatable
// bound bytes of weights
// twin  umlpsd_gpu/kmeans/membership.py, umlpsd_gpu/kmeans/lloyd.py
// call  umlpsd_gpu/kmeans/gpu_lloyd.py

extern "C" __global__ void kmeans_update(const short* labels, const index_t* first_row,
                                         const index_t* running, index_t n_traces, double* least,
                                         short* averaged, index_t* counts, double* weights) {
    const index_t run = blockIdx.x;
    if (running && !running[run]) return;
    const index_t row = first_row[run], n_clusters = first_row[run + 1] - row;
    labels += run * n_traces;
    averaged += run * n_traces;
    counts += row;
    weights += row * n_traces;

    for (index_t i = threadIdx.x; i < n_traces; i += blockDim.x) averaged[i] = labels[i];
    block_count_members(labels, n_traces, n_clusters, counts);
    if (least) {
        block_refill_empty_clusters(averaged, least + run * n_traces, n_traces, n_clusters, counts);
    }
    for (index_t c = 0; c < n_clusters; c++) {
        const double share = counts[c] > 0 ? 1.0 / (double)counts[c] : 0.0;
        for (index_t i = threadIdx.x; i < n_traces; i += blockDim.x) {
            weights[c * n_traces + i] = averaged[i] == c ? share : 0.0;
        }
    }
}
