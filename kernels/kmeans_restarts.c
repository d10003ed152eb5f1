// kmeans_restarts: whole restarts of K-means on the CPU, from greedy k-means++ to the last label, and
// what the metrics need of the labels. For ensembles whose distances stay in the cache.
//   mean[c,i] = sum_{j in c} sqdist[j,i] / n_c,   width[c] = sum_{j in c} mean[c,j] / (2 n_c)
//   mean[c,i] - width[c] is the squared distance of trace i to the centroid of cluster c
// A mean follows the traces that come and go where these are fewer than half of its cluster, and is
// summed afresh in the end: what is judged has no memory. Sums of all members pass over the matrix a
// strip of columns at a time, which stays in the cache for some restarts. A restart in which a cluster
// goes empty is given up: its iterations are 0, and the twin, who knows how to refill it, takes it
// over.
// in    sqdist, distance (n_matrices, n_traces, n_traces) double, symmetric: distance is what
//       silhouettes are made of, and may be sqdist; matrix_of_run (n_runs,) index_t; uniforms
//       double in [0, 1): (n_runs, n_clusters, n_trials)
// out   labels (n_runs, n_traces) short; n_iterations (n_runs,) index_t; counts (n_runs, n_clusters)
//       index_t; widths (n_runs, n_clusters) double; inside, outside (n_runs, n_traces) double:
//       mean distance to the other members of the own cluster, and to the nearest other cluster;
//       n_rows (n_runs,) index_t: how many rows of sqdist its means took
// gives 0, or 1 where memory is missing
// sums  in an order that depends on sizes alone, whatever the processor's vectors: repeatable
// bound bytes of sqdist out of the cache: n^2 doubles an iteration at most
// twin  umlpsd_gpu/kmeans/lloyd.py, metrics.py              call  umlpsd_gpu/kmeans/native.py

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
#define STRIP (MOST_LANES * LANE)
#define TOGETHER 8  // restarts

// at any address of a double
typedef double Lanes __attribute__((vector_size(8 * LANE), aligned(8), may_alias));

typedef struct {
    index_t run;
    const double* sqdist;
    index_t n;  // traces
    index_t k;  // clusters
    double* mean;
    double* width;
    double* least;  // squared distance of each trace to its centroid
    double* scratch;
    // as wide as a double: labels are chosen beside distances in the same vector
    index_t* label;
    index_t* before;  // the label before the last iteration
    index_t* following;
    index_t* members;
    index_t* moved;  // traces whose label changed in the last iteration
    index_t* entered;
    index_t* left;
    index_t* count;
    index_t* start;
    index_t* is_exact;  // the mean is summed afresh from the members
    index_t n_moved;
    index_t* n_rows;  // of sqdist, read so far
} Restart;

// Returns 0 where memory is missing.
static int allocate(Restart* restart, index_t n, index_t k) {
    memset(restart, 0, sizeof *restart);
    restart->n = n;
    restart->k = k;
    restart->mean = malloc((size_t)(k * n + k + 2 * n) * sizeof(double));
    restart->label = malloc((size_t)(7 * n + 3 * k) * sizeof(index_t));
    if (restart->mean == NULL || restart->label == NULL) return 0;
    restart->width = restart->mean + k * n;
    restart->least = restart->width + k;
    restart->scratch = restart->least + n;
    restart->before = restart->label + n;
    restart->following = restart->before + n;
    restart->members = restart->following + n;
    restart->moved = restart->members + n;
    restart->entered = restart->moved + n;
    restart->left = restart->entered + n;
    restart->count = restart->left + n;
    restart->start = restart->count + k;
    restart->is_exact = restart->start + k;
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

// Rows of a matrix that a mean gains and loses.
typedef struct {
    const index_t* gained;
    index_t n_gained;
    const index_t* lost;
    index_t n_lost;
} Change;

// Changes some columns of a mean of rows, in order; the sums stay in registers.
INLINE void change_lanes(const double* column, index_t n, Change rows, const int n_lanes,
                         double size_before, double size, double* mean) {
    Lanes sum[MOST_LANES] = {{0}}, *of_mean = (Lanes*)mean;
    for (int lanes = 0; size_before > 0 && lanes < n_lanes; lanes++) {
        sum[lanes] = of_mean[lanes] * size_before;
    }
    for (index_t m = 0; m < rows.n_gained; m++) {
        const Lanes* row = (const Lanes*)(column + rows.gained[m] * n);
        for (int lanes = 0; lanes < n_lanes; lanes++) sum[lanes] += row[lanes];
    }
    for (index_t m = 0; m < rows.n_lost; m++) {
        const Lanes* row = (const Lanes*)(column + rows.lost[m] * n);
        for (int lanes = 0; lanes < n_lanes; lanes++) sum[lanes] -= row[lanes];
    }
    for (int lanes = 0; lanes < n_lanes; lanes++) of_mean[lanes] = sum[lanes] / size;
}

// Changes the columns of a strip, from the given one on; the last strip may be narrower.
INLINE void change_strip(const double* matrix, index_t n, Change rows, index_t n_before, index_t i,
                         double* mean) {
    const double size_before = (double)n_before;
    const double size = (double)(n_before + rows.n_gained - rows.n_lost);
    if (i + STRIP <= n) {
        change_lanes(matrix + i, n, rows, MOST_LANES, size_before, size, mean + i);
        return;
    }
    for (; i + LANE <= n; i += LANE) {
        change_lanes(matrix + i, n, rows, 1, size_before, size, mean + i);
    }
    for (; i < n; i++) {
        double sum = n_before > 0 ? mean[i] * size_before : 0;
        for (index_t m = 0; m < rows.n_gained; m++) sum += matrix[rows.gained[m] * n + i];
        for (index_t m = 0; m < rows.n_lost; m++) sum -= matrix[rows.lost[m] * n + i];
        mean[i] = sum / size;
    }
}

// Changes a mean of so many rows of the matrix into that of others; the first is a mean of none.
INLINE void change_mean(const double* matrix, index_t n, Change rows, index_t n_before,
                        double* mean) {
    for (index_t i = 0; i < n; i += STRIP) change_strip(matrix, n, rows, n_before, i, mean);
}

INLINE Change members_of(Restart restart, index_t c) {
    const Change all = {restart.members + restart.start[c], restart.count[c], NULL, 0};
    return all;
}

// Lists the traces that entered and left a cluster in the last iteration.
INLINE Change moves_of(Restart restart, index_t c) {
    Change moves = {restart.entered, 0, restart.left, 0};
    for (index_t m = 0; m < restart.n_moved; m++) {
        const index_t i = restart.moved[m];
        restart.entered[moves.n_gained] = restart.left[moves.n_lost] = i;
        moves.n_gained += restart.label[i] == c;
        moves.n_lost += restart.before[i] == c;
    }
    return moves;
}

// Sets the width of a cluster whose mean has changed by so many rows.
INLINE void measure_width(Restart restart, index_t c, Change rows, int is_exact) {
    const double* mean = restart.mean + c * restart.n;
    const Change all = members_of(restart, c);
    double sum = 0;
    for (index_t m = 0; m < all.n_gained; m++) sum += mean[all.gained[m]];
    restart.width[c] = sum / (2.0 * (double)restart.count[c]);
    restart.is_exact[c] = is_exact;
    *restart.n_rows += rows.n_gained + rows.n_lost;
}

INLINE void follow_moves(Restart restart) {
    for (index_t c = 0; c < restart.k; c++) {
        Change rows = moves_of(restart, c);
        const index_t n_moves = rows.n_gained + rows.n_lost;
        if (n_moves == 0) continue;
        const int is_exact = 2 * n_moves >= restart.count[c];
        const index_t n_before = is_exact ? 0 : restart.count[c] - rows.n_gained + rows.n_lost;
        if (is_exact) rows = members_of(restart, c);
        change_mean(restart.sqdist, restart.n, rows, n_before, restart.mean + c * restart.n);
        measure_width(restart, c, rows, is_exact);
    }
}

// Sums the means of restarts afresh, but those that are exact.
INLINE void sum_afresh(const Restart* restarts, index_t n_restarts) {
    const index_t n = restarts->n, k = restarts->k;
    for (index_t i = 0; i < n; i += STRIP) {
        for (index_t r = 0; r < n_restarts; r++) {
            const Restart restart = restarts[r];
            for (index_t c = 0; c < k; c++) {
                if (restart.is_exact[c]) continue;
                change_strip(restart.sqdist, n, members_of(restart, c), 0, i, restart.mean + c * n);
            }
        }
    }
    for (index_t r = 0; r < n_restarts; r++) {
        for (index_t c = 0; c < k; c++) {
            if (restarts[r].is_exact[c]) continue;
            measure_width(restarts[r], c, members_of(restarts[r], c), 1);
        }
    }
}

// Moves each trace to its nearest centroid, the lowest number where several are as near. Returns how
// many moved.
INLINE index_t assign(Restart restart) {
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
    index_t n_moved = 0;
    for (index_t i = 0; i < n; i++) {
        restart.moved[n_moved] = i;
        n_moved += following[i] != restart.label[i];
        restart.before[i] = restart.label[i];
        restart.label[i] = following[i];
    }
    return n_moved;
}

// Iterates from exact means until no label changes. Returns the iterations; 0 where a cluster went
// empty. The means of the last labels may not be exact.
INLINE index_t iterate(Restart restart, index_t max_iter) {
    for (index_t iteration = 1; iteration <= max_iter; iteration++) {
        restart.n_moved = assign(restart);
        if (restart.n_moved > 0 && !list_members(restart)) return 0;
        if (restart.n_moved > 0 && iteration < max_iter) {
            follow_moves(restart);
            continue;
        }
        // those of the last moves too, where there is no iteration left
        for (index_t m = 0; m < restart.n_moved; m++) {
            const index_t i = restart.moved[m];
            restart.is_exact[restart.label[i]] = restart.is_exact[restart.before[i]] = 0;
        }
        return iteration;
    }
    return 0;
}

// Keeps the restarts that are not given up, in order. Returns how many; memory goes along.
INLINE index_t keep(Restart* restarts, index_t n_restarts, const int* is_kept) {
    index_t n_kept = 0;
    for (index_t r = 0; r < n_restarts; r++) {
        if (!is_kept[r]) continue;
        const Restart restart = restarts[r];
        restarts[r] = restarts[n_kept];
        restarts[n_kept++] = restart;
    }
    return n_kept;
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
            change_mean(distance, n, members_of(restart, c), 0, restart.scratch);
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
    Restart restarts[TOGETHER];
    int has_memory = 1, is_kept[TOGETHER];
    for (index_t r = 0; r < TOGETHER; r++) has_memory &= allocate(restarts + r, n, k);
    for (index_t first = 0; has_memory && first < n_runs; first += TOGETHER) {
        const index_t n_restarts = n_runs - first < TOGETHER ? n_runs - first : TOGETHER;
        for (index_t r = 0; r < n_restarts; r++) {
            Restart* restart = restarts + r;
            restart->run = first + r;
            restart->sqdist = sqdist + matrix_of_run[restart->run] * n * n;
            restart->n_rows = n_rows + restart->run;
            *restart->n_rows = n_iterations[restart->run] = 0;
            seed(*restart, uniforms + restart->run * k * n_trials, n_trials);
            memset(restart->is_exact, 0, (size_t)k * sizeof(index_t));
            is_kept[r] = list_members(*restart);
        }
        index_t n_kept = keep(restarts, n_restarts, is_kept);
        sum_afresh(restarts, n_kept);
        for (index_t r = 0; r < n_kept; r++) {
            n_iterations[restarts[r].run] = iterate(restarts[r], max_iter);
            is_kept[r] = n_iterations[restarts[r].run] > 0;
        }
        n_kept = keep(restarts, n_kept, is_kept);
        sum_afresh(restarts, n_kept);
        for (index_t r = 0; r < n_kept; r++) {
            const Restart restart = restarts[r];
            const index_t run = restart.run;
            for (index_t i = 0; i < n; i++) labels[run * n + i] = (int16_t)restart.label[i];
            memcpy(counts + run * k, restart.count, (size_t)k * sizeof(index_t));
            memcpy(widths + run * k, restart.width, (size_t)k * sizeof(double));
            distances_inside_and_out(restart, distance + (restart.sqdist - sqdist),
                                     inside + run * n, outside + run * n);
        }
    }
    for (index_t r = 0; r < TOGETHER; r++) release(restarts + r);
    return !has_memory;
}
