// kmeans_restarts: whole restarts of K-means on the CPU, from greedy k-means++ to the last label, and
// what the metrics need of the labels. For ensembles whose squared distances stay in a core's cache.
//   mean[c,i] = sum_{j in c} sqdist[j,i] / n_c,   width[c] = sum_{j in c} mean[c,j] / (2 n_c)
//   mean[c,i] - width[c] is the squared distance of trace i to the centroid of cluster c
// Only clusters that gained or lost a trace are summed again. A restart in which a cluster goes empty
// is given up: its iterations are 0, and the twin, who knows how to refill it, takes it over.
// in    sqdist, distance (n_matrices, n_traces, n_traces) double, symmetric: distance is what
//       silhouettes are made of, and may be sqdist; matrix_of_run (n_runs,) index_t; uniforms
//       double in [0, 1): (n_runs, n_clusters, n_trials)
// out   labels (n_runs, n_traces) short; n_iterations (n_runs,) index_t; counts (n_runs, n_clusters)
//       index_t; widths (n_runs, n_clusters) double; inside, outside (n_runs, n_traces) double:
//       mean distance to the other members of the own cluster, and to the nearest other cluster;
//       n_rows (n_runs,) index_t: how many rows of sqdist its means took
// gives 0, or 1 where memory is missing
// sums  in an order that depends on sizes alone, whatever the processor's vectors: repeatable
// bound bytes of sqdist out of the L2 cache: n^2 doubles an iteration at most
// twin  umlpsd_gpu/sweep/kmeans.py, metrics.py              call  umlpsd_gpu/sweep/compiled.py

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef int64_t index_t;

// The loader takes the widest version that the processor knows; all of them give the same bits.
#ifdef FOR_EVERY_PROCESSOR
#elif defined(__x86_64__) && defined(__GLIBC__) && (!defined(__clang__) || __clang_major__ >= 14)
#define FOR_EVERY_PROCESSOR __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define FOR_EVERY_PROCESSOR
#endif
// a function that isn't inlined has one version only
#define INLINE static inline __attribute__((always_inline))

#define LANE 8
#define MOST_LANES 4

// at any address of a double
typedef double Lanes __attribute__((vector_size(8 * LANE), aligned(8), may_alias));

typedef struct {
    const double* sqdist;
    index_t n;  // traces
    index_t k;  // clusters
    double* mean;
    double* width;
    double* least;  // squared distance of each trace to its centroid
    double* scratch;
    // as wide as a double: labels are chosen beside distances in the same vector
    index_t* label;
    index_t* following;
    index_t* count;
    index_t* start;
    index_t* changed;
    index_t* members;
    index_t* n_rows;  // of sqdist, read so far
} Restart;

// Returns 0 where memory is missing.
static int allocate(Restart* restart, index_t n, index_t k) {
    memset(restart, 0, sizeof *restart);
    restart->n = n;
    restart->k = k;
    restart->mean = malloc((size_t)(k * n + k + 2 * n) * sizeof(double));
    restart->label = malloc((size_t)(3 * n + 3 * k) * sizeof(index_t));
    if (restart->mean == NULL || restart->label == NULL) return 0;
    restart->width = restart->mean + k * n;
    restart->least = restart->width + k;
    restart->scratch = restart->least + n;
    restart->following = restart->label + n;
    restart->members = restart->following + n;
    restart->count = restart->members + n;
    restart->start = restart->count + k;
    restart->changed = restart->start + k;
    return 1;
}

static void release(Restart* restart) {
    free(restart->mean);
    free(restart->label);
}

// Returns the first trace at which the cumulated mass reaches the target; the last one does.
INLINE index_t first_to_reach(const double* cumulated, index_t n, double target) {
    index_t low = 0, high = n - 1;
    while (low < high) {
        const index_t middle = (low + high) / 2;
        if (cumulated[middle] >= target) high = middle;
        else low = middle + 1;
    }
    return low;
}

// Returns the sum of the squared distances that a further centroid at this trace would leave.
INLINE double potential(const double* restrict least, const double* restrict own, index_t n) {
    double sum[LANE] = {0};
    index_t i = 0;
    for (; i + LANE <= n; i += LANE) {
        for (int lane = 0; lane < LANE; lane++) {
            const double given = least[i + lane], found = own[i + lane];
            sum[lane] += found < given ? found : given;
        }
    }
    for (int lane = 0; i < n; i++, lane++) sum[lane] += own[i] < least[i] ? own[i] : least[i];
    return ((sum[0] + sum[1]) + (sum[2] + sum[3])) + ((sum[4] + sum[5]) + (sum[6] + sum[7]));
}

// Greedy k-means++; leaves every trace at its nearest starting centroid.
INLINE void seed(Restart restart, const double* uniforms, index_t n_trials) {
    const index_t n = restart.n;
    double *restrict least = restart.least, *restrict cumulated = restart.scratch;
    index_t* restrict label = restart.label;
    const double* own = restart.sqdist + (index_t)(uniforms[0] * (double)n) * n;
    for (index_t i = 0; i < n; i++) {
        least[i] = own[i];
        label[i] = 0;
    }
    for (index_t step = 1; step < restart.k; step++) {
        double mass = 0, lowest = INFINITY;
        for (index_t i = 0; i < n; i++) cumulated[i] = mass += least[i];
        const double* chosen = restart.sqdist;
        for (index_t trial = 0; trial < n_trials; trial++) {
            const double target = uniforms[step * n_trials + trial] * mass;
            const double* tried = restart.sqdist + first_to_reach(cumulated, n, target) * n;
            const double left = potential(least, tried, n);
            if (left < lowest) {
                lowest = left;
                chosen = tried;
            }
        }
        for (index_t i = 0; i < n; i++) {
            const int nearer = chosen[i] < least[i];
            label[i] = nearer ? step : label[i];
            least[i] = nearer ? chosen[i] : least[i];
        }
    }
}

// Lists the members of each cluster in order. Returns whether every cluster has one.
INLINE int list_members(Restart restart) {
    memset(restart.count, 0, (size_t)restart.k * sizeof(index_t));
    for (index_t i = 0; i < restart.n; i++) restart.count[restart.label[i]]++;
    index_t position = 0;
    int all_filled = 1;
    for (index_t c = 0; c < restart.k; c++) {
        restart.start[c] = position;
        position += restart.count[c];
        all_filled &= restart.count[c] > 0;
    }
    for (index_t i = 0; i < restart.n; i++) restart.members[restart.start[restart.label[i]]++] = i;
    for (index_t c = 0; c < restart.k; c++) restart.start[c] -= restart.count[c];
    return all_filled;
}

// Averages some columns of a cluster's rows, in order; the sums stay in registers.
INLINE void average_lanes(const double* column, index_t n, const index_t* own, index_t size,
                          const int n_lanes, double* mean) {
    Lanes sum[MOST_LANES] = {{0}};
    for (index_t m = 0; m < size; m++) {
        const Lanes* row = (const Lanes*)(column + own[m] * n);
        for (int lanes = 0; lanes < n_lanes; lanes++) sum[lanes] += row[lanes];
    }
    for (int lanes = 0; lanes < n_lanes; lanes++) {
        ((Lanes*)mean)[lanes] = sum[lanes] / (double)size;
    }
}

// Averages the matrix's rows of a cluster's members.
INLINE void average_rows(Restart restart, index_t c, const double* matrix, double* mean) {
    const index_t n = restart.n, size = restart.count[c];
    const index_t* own = restart.members + restart.start[c];
    index_t i = 0;
    for (; i + MOST_LANES * LANE <= n; i += MOST_LANES * LANE) {
        average_lanes(matrix + i, n, own, size, MOST_LANES, mean + i);
    }
    for (; i + LANE <= n; i += LANE) average_lanes(matrix + i, n, own, size, 1, mean + i);
    for (; i < n; i++) {
        double sum = 0;
        for (index_t m = 0; m < size; m++) sum += matrix[own[m] * n + i];
        mean[i] = sum / (double)size;
    }
}

INLINE void average_changed_clusters(Restart restart) {
    for (index_t c = 0; c < restart.k; c++) {
        if (!restart.changed[c]) continue;
        double *mean = restart.mean + c * restart.n, sum = 0;
        average_rows(restart, c, restart.sqdist, mean);
        const index_t* own = restart.members + restart.start[c];
        *restart.n_rows += restart.count[c];
        for (index_t m = 0; m < restart.count[c]; m++) sum += mean[own[m]];
        restart.width[c] = sum / (2.0 * (double)restart.count[c]);
    }
}

// Moves each trace to its nearest centroid, the lowest number where several are as near; marks the
// clusters that change. Returns whether any does.
INLINE int assign(Restart restart) {
    const index_t n = restart.n;
    double* restrict least = restart.least;
    index_t* restrict following = restart.following;
    for (index_t i = 0; i < n; i++) {
        least[i] = restart.mean[i] - restart.width[0];
        following[i] = 0;
    }
    for (index_t c = 1; c < restart.k; c++) {
        const double *mean = restart.mean + c * n, width = restart.width[c];
        for (index_t i = 0; i < n; i++) {
            const double distance = mean[i] - width;
            const int nearer = distance < least[i];
            following[i] = nearer ? c : following[i];
            least[i] = nearer ? distance : least[i];
        }
    }
    int moved = 0;
    memset(restart.changed, 0, (size_t)restart.k * sizeof(index_t));
    for (index_t i = 0; i < n; i++) {
        if (following[i] == restart.label[i]) continue;
        moved = restart.changed[following[i]] = restart.changed[restart.label[i]] = 1;
        restart.label[i] = following[i];
    }
    return moved;
}

// Returns the iterations until no label changes; 0 where a cluster went empty.
INLINE index_t iterate(Restart restart, index_t max_iter) {
    for (index_t c = 0; c < restart.k; c++) restart.changed[c] = 1;
    for (index_t iteration = 1; iteration <= max_iter; iteration++) {
        if (!list_members(restart)) return 0;
        average_changed_clusters(restart);
        if (!assign(restart)) return iteration;
    }
    // the means are still those of the labels before
    if (!list_members(restart)) return 0;
    average_changed_clusters(restart);
    return max_iter;
}

// From the mean distances of each trace to the members of every cluster, itself included.
INLINE void distances_inside_and_out(Restart restart, const double* distance,
                                     double* restrict inside, double* restrict outside) {
    const index_t n = restart.n;
    for (index_t i = 0; i < n; i++) {
        inside[i] = 0;
        outside[i] = INFINITY;
    }
    for (index_t c = 0; c < restart.k; c++) {
        const double* mean = restart.mean + c * n;
        if (distance != restart.sqdist) {
            average_rows(restart, c, distance, restart.scratch);
            mean = restart.scratch;
        }
        const double size = (double)restart.count[c];
        const double of_others = size > 1 ? size / (size - 1) : 1;
        for (index_t i = 0; i < n; i++) {
            const int own = restart.label[i] == c;
            const double of_other = own ? INFINITY : mean[i];
            inside[i] = own ? mean[i] * of_others : inside[i];
            outside[i] = of_other < outside[i] ? of_other : outside[i];
        }
    }
}

FOR_EVERY_PROCESSOR
int kmeans_restarts(const double* sqdist, const double* distance, index_t n_traces,
                    const index_t* matrix_of_run, const double* uniforms, index_t n_runs,
                    index_t n_clusters, index_t n_trials, index_t max_iter, int16_t* labels,
                    index_t* n_iterations, index_t* counts, double* widths, double* inside,
                    double* outside, index_t* n_rows) {
    const index_t n = n_traces, k = n_clusters;
    Restart restart;
    const int has_memory = allocate(&restart, n, k);
    for (index_t run = 0; has_memory && run < n_runs; run++) {
        const index_t matrix = matrix_of_run[run] * n * n;
        restart.sqdist = sqdist + matrix;
        restart.n_rows = n_rows + run;
        n_rows[run] = 0;
        seed(restart, uniforms + run * k * n_trials, n_trials);
        n_iterations[run] = iterate(restart, max_iter);
        if (n_iterations[run] == 0) continue;
        for (index_t i = 0; i < n; i++) labels[run * n + i] = (int16_t)restart.label[i];
        memcpy(counts + run * k, restart.count, (size_t)k * sizeof(index_t));
        memcpy(widths + run * k, restart.width, (size_t)k * sizeof(double));
        distances_inside_and_out(restart, distance + matrix, inside + run * n,
                                 outside + run * n);
    }
    release(&restart);
    return !has_memory;
}
