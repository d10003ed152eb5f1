// kmeans_restart: one whole restart of K-means a block, from greedy k-means++ to the last label.
// The host takes no part: a block ends when its restart has converged. For ensembles whose squared
// distances stay in the L2 cache and whose mean distances fit a block's shared memory.
//   mean[c,i] = sum_{j in c} sqdist[j,i] / n_c
//   d[c,i]    = mean[c,i] - offset[c],  offset[c] = sum_{j in c} mean[c,j] / (2 n_c)
// is the squared distance of trace i to the centroid of cluster c, whatever the traces' length.
// Only clusters that gained or lost a trace are summed again.
// in    sqdist (n_ensembles, n_traces, n_traces) double, each symmetric; the first runs_of_ensemble
//       restarts are those of the first ensemble, and so on; n_clusters, n_trials, first_uniform (n_runs,)
//       index_t; uniforms double in [0, 1): (n_clusters, n_trials) from first_uniform[r] on
// out   labels (n_runs, n_traces) short; n_iterations (n_runs,) index_t
// grid  a block for each restart, any block size
//       shared: 8 (K n + n + K) + 4 (3 K + 1 + 4 n) bytes, K the largest n_clusters
// sums  one thread per mean, members in order; offsets by one warp in fixed order: repeatable
// bound bytes of sqdist out of the L2 cache: n^2 doubles an iteration at most
// twin  umlpsd_gpu/kmeans/lloyd.py                       call  umlpsd_gpu/kmeans/gpu_lloyd.py

#define MOST_TRIALS 32

struct Restart {
    const double* sqdist;
    index_t n;  // traces
    int k;      // clusters
    double* mean;
    double* least;
    double* offset;
    int* count;
    int* changed;
    int* start;
    int* members;
    int* assigned;
    int* averaged;
    int* averaged_before;

    // Greedy k-means++; leaves every trace at its nearest starting centroid.
    __device__ void seed(const double* uniforms, index_t n_trials) {
        __shared__ double potential[MOST_TRIALS];
        __shared__ index_t candidate[MOST_TRIALS];
        index_t chosen = (index_t)(uniforms[0] * (double)n);
        for (int step = 0;; step++) {
            const double* own = sqdist + chosen * n;
            for (index_t i = threadIdx.x; i < n; i += blockDim.x) {
                const double distance = own[i];
                if (step == 0 || distance < least[i]) {
                    least[i] = distance;
                    assigned[i] = step;
                }
            }
            __syncthreads();
            if (step + 1 == k) return;
            for (index_t t = warp_number(); t < n_trials; t += warps_in_block()) {
                const index_t drawn = warp_draw(least, n, uniforms[(step + 1) * n_trials + t]);
                const double found = warp_potential(least, sqdist + drawn * n, n);
                if (lane_number() == 0) {
                    candidate[t] = drawn;
                    potential[t] = found;
                }
            }
            __syncthreads();
            index_t best = 0;
            for (index_t t = 1; t < n_trials; t++) {
                if (potential[t] < potential[best]) best = t;
            }
            chosen = candidate[best];
            __syncthreads();
        }
    }

    // Lists each cluster's members in order, and which clusters are not as they were.
    __device__ void list_members(bool all_changed) {
        for (int c = warp_number(); c < k; c += warps_in_block()) {
            int position = 0;
            for (int before = 0; before < c; before++) position += count[before];
            if (lane_number() == 0) start[c] = position;
            bool differs = all_changed;
            for (index_t first = 0; first < n; first += WARP) {
                const index_t i = first + lane_number();
                const bool member = i < n && averaged[i] == c;
                const bool was_member = i < n && !all_changed && averaged_before[i] == c;
                differs = differs || (!all_changed && member != was_member);
                const unsigned of_lanes = __ballot_sync(ALL_LANES, member);
                const unsigned of_lower = of_lanes & ((1u << lane_number()) - 1);
                if (member) members[position + __popc(of_lower)] = (int)i;
                position += __popc(of_lanes);
            }
            const bool of_any = __any_sync(ALL_LANES, differs);
            if (lane_number() == 0) changed[c] = of_any && count[c] > 0;
        }
        __syncthreads();
    }

    __device__ void sum_changed_clusters() {
        for (int c = 0; c < k; c++) {
            if (!changed[c]) continue;
            const int* own = members + start[c];
            const int size = count[c];
            for (index_t i = threadIdx.x; i < n; i += blockDim.x) {
                double sum = 0;
                #pragma unroll 8
                for (int m = 0; m < size; m++) sum += sqdist[own[m] * n + i];
                mean[c * n + i] = sum / size;
            }
        }
        __syncthreads();
        for (int c = warp_number(); c < k; c += warps_in_block()) {
            if (!changed[c]) continue;  // the same for all lanes
            double sum = 0;
            for (int m = lane_number(); m < count[c]; m += WARP) {
                sum += mean[c * n + members[start[c] + m]];
            }
            sum = warp_sum(sum);
            if (lane_number() == 0) offset[c] = sum / (2.0 * count[c]);
        }
        __syncthreads();
    }

    // Returns whether a label changed in any thread.
    __device__ bool assign() {
        bool moved = false;
        for (index_t i = threadIdx.x; i < n; i += blockDim.x) {
            int nearest = 0;
            double smallest = CUDA_INFINITY;
            for (int c = 0; c < k; c++) {
                const double distance = mean[c * n + i] - offset[c];
                if (count[c] > 0 && distance < smallest) {
                    smallest = distance;
                    nearest = c;
                }
            }
            moved = moved || nearest != assigned[i];
            averaged_before[i] = averaged[i];
            assigned[i] = averaged[i] = nearest;
            least[i] = smallest;
        }
        return __syncthreads_or(moved);
    }
};

extern "C" __global__ void __launch_bounds__(1024, 1)
kmeans_restart(const double* sqdist, index_t runs_of_ensemble, const double* uniforms,
               const index_t* n_clusters, const index_t* n_trials,
               const index_t* first_uniform, index_t n_traces,
               index_t max_iter, short* labels, index_t* n_iterations) {
    extern __shared__ double shared[];
    // the last restarts have most clusters: they begin first, and the short ones fill the end
    const index_t run = gridDim.x - 1 - blockIdx.x, n = n_traces;
    const int k = (int)n_clusters[run];
    double* mean = shared;
    int* whole = (int*)(shared + k * n + n + k);
    Restart restart = {sqdist + run / runs_of_ensemble * n * n, n, k, mean, mean + k * n, mean + k * n + n,
                       whole, whole + k, whole + 2 * k, whole + 3 * k,
                       whole + 3 * k + n, whole + 3 * k + 2 * n, whole + 3 * k + 3 * n};

    restart.seed(uniforms + first_uniform[run], n_trials[run]);
    for (index_t i = threadIdx.x; i < n; i += blockDim.x) restart.averaged[i] = restart.assigned[i];
    __syncthreads();
    index_t iteration = 0;
    bool going_on = true;
    while (going_on && iteration < max_iter) {
        iteration++;
        block_count_members(restart.averaged, n, k, restart.count);
        block_refill_empty_clusters(restart.averaged, restart.least, n, k, restart.count);
        restart.list_members(iteration == 1);
        restart.sum_changed_clusters();
        going_on = restart.assign();
    }
    for (index_t i = threadIdx.x; i < n; i += blockDim.x) {
        labels[run * n + i] = (short)restart.assigned[i];
    }
    if (threadIdx.x == 0) n_iterations[run] = iteration;
}
