// kmeans_seed: one step of greedy k-means++ for many restarts with the same number of clusters.
// Of the candidates drawn before, the one that lowers the potential most becomes centroid `step`;
// then the candidates of the next step are drawn in proportion to the squared distances.
//   chosen[e,step] = candidates[e, argmin_t sum_i min(nearest[e,i], sqdist[e,t,i])]
// in    sqdist (n_runs, n_candidates, n_traces) double: of the candidates to all traces
//       uniforms (n_runs, n_clusters, n_trials) double in [0, 1)
//       step, n_candidates: at step 0 one candidate for each restart, later n_trials
// inout candidates (n_runs, n_trials) index_t, the first n_candidates of a row filled in
//       nearest (n_runs, n_traces) double; not read at step 0
// out   chosen (n_runs, n_clusters) index_t, column `step`
// grid  a block for each restart, any block size      sums by one warp in fixed order
// bound bytes of sqdist
// twin  umlpsd_gpu/kmeans/lloyd.py::starting_traces          call  umlpsd_gpu/kmeans/gpu_lloyd.py

#define MOST_TRIALS 32

extern "C" __global__ void kmeans_seed(const double* sqdist, const double* uniforms, index_t step,
                                       index_t n_candidates, index_t n_clusters, index_t n_trials,
                                       index_t n_traces, index_t* candidates, double* nearest,
                                       index_t* chosen) {
    __shared__ double potential[MOST_TRIALS];
    const index_t run = blockIdx.x;
    sqdist += run * n_candidates * n_traces;
    uniforms += (run * n_clusters + step + 1) * n_trials;
    candidates += run * n_trials;
    nearest += run * n_traces;

    index_t best = 0;
    if (step > 0) {
        for (index_t t = warp_number(); t < n_candidates; t += warps_in_block()) {
            const double found = warp_potential(nearest, sqdist + t * n_traces, n_traces);
            if (lane_number() == 0) potential[t] = found;
        }
        __syncthreads();
        for (index_t t = 1; t < n_candidates; t++) {
            if (potential[t] < potential[best]) best = t;
        }
    }
    for (index_t i = threadIdx.x; i < n_traces; i += blockDim.x) {
        const double distance = sqdist[best * n_traces + i];
        nearest[i] = step > 0 ? fmin(nearest[i], distance) : distance;
    }
    if (threadIdx.x == 0) chosen[run * n_clusters + step] = candidates[best];
    __syncthreads();
    if (step + 1 == n_clusters) return;
    for (index_t t = warp_number(); t < n_trials; t += warps_in_block()) {
        const index_t drawn = warp_draw(nearest, n_traces, uniforms[t]);
        if (lane_number() == 0) candidates[t] = drawn;
    }
}
