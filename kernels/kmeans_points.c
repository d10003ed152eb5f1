// kmeans_points: Lloyd's iterations of K-means on the CPU for ensembles of many points, from starting
// points to the last label, and what the metrics need of the labels.
//   the centroid nearest to x has the least |c|^2 - 2 x.c
// The coordinates are principal ones, so that the leading few tell most centroids apart. They are
// multiplied in float, a slice at a time, and Cauchy-Schwarz bounds what the rest can add. A point
// that stays undecided, by these bounds or those of rounding, is decided by |x - c|^2 in double: the
// labels are those of double, whatever the bounds. A restart in which a cluster goes empty is given
// up: its iterations are 0, and the twin, who knows how to refill it, takes it over.
// in    points (n_points, width) double, width a multiple of 8; tiles (n_tiles, n_slices, SLICE, TILE)
//       float, the same coordinates divided by scale, the last tile and slice filled up with 0; rest
//       (n_tiles, n_slices, TILE) float, at least the length of a point without its coordinates up to
//       the end of a slice; lengths (n_tiles, TILE) float, at least its whole length, both divided by
//       scale; starts (n_runs, n_clusters) index_t, points where the centroids start
// out   labels (n_runs, n_points) short; n_iterations (n_runs,) index_t; counts (n_runs, n_clusters)
//       index_t; widths (n_runs, n_clusters) double, mean squared distance of the members to the
//       centroid; inside, outside (n_runs, n_points) double: mean squared distance to the other
//       members of the own cluster, and to the nearest other cluster; work (2,) index_t: products of
//       a slice of a tile with one centroid, and distances in double
// gives 0, or 1 where memory is missing
// sums  in double, in an order that depends on sizes alone, whatever the processor's vectors
// bound float operations: 2 n_clusters SLICE for each point and slice that is needed
// twin  umlpsd_gpu/kmeans/lloyd.py, metrics.py      call  umlpsd_gpu/kmeans/native_points.py

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
// Products of floats may be fused with additions: their rounding is bounded, whatever it is.
#if defined(__GNUC__) && !defined(__clang__)
#define FUSED __attribute__((optimize("fp-contract=fast")))
#else
#define FUSED
#endif
// a function that isn't inlined has one version only
#define INLINE static inline __attribute__((always_inline))

#define LANE 8
#define TILE 16
#define SLICE 16
#define MOST_IN_REGISTERS 8
#define GROUP_TILES 2  // points of so many tiles stay in the cache for some restarts
#define TOGETHER 8     // restarts
#define FEW 1          // open points of a tile that are decided in double, instead of a further slice
#define ROUNDING 6e-8f      // of a float, relative
#define UP 1.000001f        // more than the rounding of a few operations
#define UNDERFLOWN 1e-36f   // products that are too small for a float, at most

// at any address of a number
typedef double Lanes __attribute__((vector_size(8 * LANE), aligned(8), may_alias));
typedef float Points __attribute__((vector_size(4 * TILE), aligned(4), may_alias));
typedef int32_t Flags __attribute__((vector_size(4 * TILE), aligned(4), may_alias));

typedef struct {
    const double* points;
    const float* tiles;
    const float* rest;
    const float* lengths;
    index_t n;
    index_t n_tiles;
    index_t width;
    index_t n_slices;
    double scale;
    index_t* work;
} Ensemble;

typedef struct {
    index_t k;
    int is_running;
    int is_given_up;  // a cluster is empty
    index_t n_moved;
    int16_t* label;
    index_t* count;
    double* inside;
    double* outside;
    double* added;  // to the squared distances that are compared; (k,)
    double* sum;    // of the members of each cluster; (k, width)
    double* mean;   // (k, width)
    double* square; // |mean|^2 / scale^2; (k,)
    char* has_changed;
    float* direction;  // -2 mean / scale; (n_slices, SLICE, k)
    float* rest;       // twice the length of a mean without its first slices; (n_slices, k)
    float* offset;     // of the scores: square + added / scale^2; (k,)
    uint8_t* usual;    // slices that decided each tile before; (n_tiles,)
    float longest;     // length of the means / scale, at least
    float largest;     // offset, at least
} Restart;

// Scores of the clusters that a tile's open points may belong to, as far as they are known.
typedef struct {
    Points* score;   // (k,)
    Points radius;   // length of the coordinates that are left
    Points error;    // of rounding, at most
    Points limit;    // least upper bound
    Points chosen;   // cluster
    Flags is_open;   // -1 where that isn't certain, else 0
} Scores;

INLINE Points pick(Flags where, Points this, Points other) {
    return (Points)((where & (Flags)this) | (~where & (Flags)other));
}

INLINE Points smaller(Points a, Points b) { return pick(a < b, a, b); }

INLINE Points larger(Points a, Points b) { return pick(a > b, a, b); }

// Two lanes at a time: compilers take single ones out one after another.
INLINE int count(Flags flags) {
    uint64_t pair[TILE / 2], sum = 0;
    const Flags ones = flags & 1;
    memcpy(pair, &ones, sizeof pair);
    for (int i = 0; i < TILE / 2; i++) sum += pair[i];
    return (int)((sum & UINT32_MAX) + (sum >> 32));
}

INLINE index_t least(index_t a, index_t b) { return a < b ? a : b; }

// One rounding after another, also where fused operations are allowed.
FOR_EVERY_PROCESSOR
__attribute__((noinline)) static double sqdist(const double* x, const double* centroid,
                                               index_t width) {
    Lanes even = {0}, odd = {0};
    index_t j = 0;
    for (; j + 2 * LANE <= width; j += 2 * LANE) {
        const Lanes first = *(const Lanes*)(x + j) - *(const Lanes*)(centroid + j);
        const Lanes second = *(const Lanes*)(x + j + LANE) - *(const Lanes*)(centroid + j + LANE);
        even += first * first;
        odd += second * second;
    }
    if (j < width) {
        const Lanes last = *(const Lanes*)(x + j) - *(const Lanes*)(centroid + j);
        even += last * last;
    }
    const Lanes sum = even + odd;
    return ((sum[0] + sum[1]) + (sum[2] + sum[3])) + ((sum[4] + sum[5]) + (sum[6] + sum[7]));
}

INLINE double sqdist_to_mean(const Ensemble* all, const Restart* restart, index_t i, index_t c) {
    const index_t width = all->width;
    all->work[1]++;
    return sqdist(all->points + i * width, restart->mean + c * width, width);
}

// Adds a point to the sum of a cluster, or with the other sign takes it away.
INLINE void add_point(const Ensemble* all, Restart* restart, index_t i, index_t c, double sign) {
    const double* x = all->points + i * all->width;
    double* sum = restart->sum + c * all->width;
    for (index_t j = 0; j < all->width; j += LANE) {
        *(Lanes*)(sum + j) += sign * *(const Lanes*)(x + j);
    }
}

// Adds one slice of coordinates to the scores of some clusters, which stay in registers. Few
// clusters have two sums each, so that an addition need not wait for the one before.
INLINE void add_slice(const float* tile, const float* direction, index_t k, const int n_clusters,
                      Points* score) {
#ifdef __clang__
#pragma STDC FP_CONTRACT ON
#endif
    const int n_sums = n_clusters < MOST_IN_REGISTERS / 2 ? 2 : 1;
    Points sum[2 * MOST_IN_REGISTERS] = {{0}};
    for (int c = 0; c < n_clusters; c++) sum[c] = score[c];
    for (int j = 0; j < SLICE; j += n_sums) {
        for (int part = 0; part < n_sums; part++) {
            const Points coordinate = *(const Points*)(tile + (j + part) * TILE);
            for (int c = 0; c < n_clusters; c++) {
                sum[part * n_clusters + c] += coordinate * direction[(j + part) * k + c];
            }
        }
    }
    for (int c = 0; c < n_clusters; c++) {
        if (n_sums == 2) sum[c] += sum[n_clusters + c];
        score[c] = sum[c];
    }
}

INLINE void add_slice_to_all(const float* tile, const float* direction, index_t k, Points* score) {
    index_t k_left = k;
    for (; k_left > 0; k_left -= MOST_IN_REGISTERS) {
        switch (least(k_left, MOST_IN_REGISTERS)) {
            case 1: add_slice(tile, direction, k, 1, score); break;
            case 2: add_slice(tile, direction, k, 2, score); break;
            case 3: add_slice(tile, direction, k, 3, score); break;
            case 4: add_slice(tile, direction, k, 4, score); break;
            case 5: add_slice(tile, direction, k, 5, score); break;
            case 6: add_slice(tile, direction, k, 6, score); break;
            case 7: add_slice(tile, direction, k, 7, score); break;
            default: add_slice(tile, direction, k, MOST_IN_REGISTERS, score);
        }
        direction += MOST_IN_REGISTERS;
        score += MOST_IN_REGISTERS;
    }
}

// Chooses the cluster of the least score of each open point, and closes the points for which no
// other one can have it.
INLINE void choose_least(const float* rest_of_means, index_t k, Scores* found) {
    const Points infinite = (Points){0} + INFINITY, radius = found->radius, error = found->error;
    Points first = infinite, limit = infinite, second = infinite, chosen = {0};
    for (index_t c = 0; c < k; c++) {
        const Points number = (Points){0} + (float)c;
        const Points margin = radius * rest_of_means[c] + error;
        const Points low = found->score[c] - margin;
        limit = smaller(limit, found->score[c] + margin);
        second = smaller(second, larger(first, low));
        chosen = pick(low < first, number, chosen);
        first = smaller(first, low);
    }
    found->limit = limit;
    found->chosen = pick(found->is_open, chosen, found->chosen);
    found->is_open &= ~(second > limit);
}

// Chooses in double among the clusters whose scores can be the least; the lowest of equal ones.
INLINE void choose_exactly(const Ensemble* all, const Restart* restart, index_t i,
                           const float* rest_of_means, Scores* found) {
    const index_t lane = i % TILE;
    const float limit = found->limit[lane];
    double best = INFINITY;
    for (index_t c = 0; c < restart->k; c++) {
        const float margin = found->radius[lane] * rest_of_means[c] + found->error[lane];
        if (found->score[c][lane] - margin > limit) continue;
        const double distance = sqdist_to_mean(all, restart, i, c) + restart->added[c];
        if (distance < best) {
            best = distance;
            found->chosen[lane] = (float)c;
        }
    }
}

// Begins the scores of a tile; another cluster than its own is sought where those are given.
INLINE void begin(const Ensemble* all, const Restart* restart, index_t tile, const int16_t* own,
                  Scores* found) {
    const Points length = *(const Points*)(all->lengths + tile * TILE);
    const float rounding = (float)(all->n_slices * SLICE + 16) * ROUNDING;
    found->error = rounding * (2 * length * restart->longest + restart->largest) + UNDERFLOWN;
    for (index_t c = 0; c < restart->k; c++) {
        found->score[c] = (Points){0} + restart->offset[c];
    }
    for (index_t i = 0; own != NULL && i < least(TILE, all->n - tile * TILE); i++) {
        found->score[own[i]][i] = INFINITY;
    }
}

// Chooses the cluster of least |x - mean|^2 + added for each point of a tile.
INLINE void choose(const Ensemble* all, const Restart* restart, index_t tile, const int16_t* own,
                   Scores* found) {
    const index_t k = restart->k, n_slices = all->n_slices;
    const float *rest = restart->rest, *coordinates = all->tiles + tile * n_slices * SLICE * TILE;
    begin(all, restart, tile, own, found);
    for (index_t i = 0; i < TILE; i++) found->is_open[i] = -(tile * TILE + i < all->n);
    int n_open = TILE;
    index_t slice = 0, enough = restart->usual[tile];
    while (slice < n_slices && n_open > FEW) {
        for (; slice < enough; slice++) {
            add_slice_to_all(coordinates + slice * SLICE * TILE,
                             restart->direction + slice * SLICE * k, k, found->score);
            all->work[0] += k;
        }
        found->radius = *(const Points*)(all->rest + (tile * n_slices + slice - 1) * TILE);
        choose_least(rest + (slice - 1) * k, k, found);
        n_open = count(found->is_open);
        enough = least(slice + 1 + slice / 4, n_slices);
    }
    restart->usual[tile] = (uint8_t)least(slice > 1 && n_open == 0 ? slice - 1 : slice, UINT8_MAX);
    for (index_t lane = 0; n_open > 0 && lane < TILE; lane++) {
        if (found->is_open[lane]) {
            choose_exactly(all, restart, tile * TILE + lane, rest + (slice - 1) * k, found);
        }
    }
}

// Moves the points of a tile to their nearest centroids.
INLINE void assign(const Ensemble* all, Restart* restart, index_t tile, const Scores* found) {
    const index_t n_here = least(TILE, all->n - tile * TILE);
    for (index_t lane = 0; lane < n_here; lane++) {
        const index_t i = tile * TILE + lane, from = restart->label[i];
        const index_t to = (index_t)found->chosen[lane];
        if (from == to) continue;
        restart->n_moved++;
        restart->label[i] = (int16_t)to;
        restart->count[to]++;
        restart->has_changed[to] = 1;
        add_point(all, restart, i, to, 1);
        if (from < 0) continue;
        restart->count[from]--;
        restart->has_changed[from] = 1;
        add_point(all, restart, i, from, -1);
    }
}

// Completes the distances of a tile's points inside and outside their clusters.
INLINE void add_distances(const Ensemble* all, Restart* restart, index_t tile,
                          const Scores* found) {
    const index_t n_here = least(TILE, all->n - tile * TILE);
    for (index_t lane = 0; lane < n_here; lane++) {
        const index_t i = tile * TILE + lane, own = restart->label[i], size = restart->count[own];
        const double of_others = size > 1 ? (double)size / (double)(size - 1) : 1;
        restart->inside[i] = (restart->inside[i] + restart->added[own]) * of_others;
        restart->outside[i] = INFINITY;
        if (restart->k == 1) continue;
        const index_t other = (index_t)found->chosen[lane];
        restart->outside[i] = sqdist_to_mean(all, restart, i, other) + restart->added[other];
    }
}

// Makes the forms of a mean that scores are computed from.
INLINE void prepare(const Ensemble* all, Restart* restart, index_t c) {
    const double *mean = restart->mean + c * all->width, inverse = 1 / all->scale;
    const index_t k = restart->k;
    double square = 0;  // of the coordinates behind
    for (index_t slice = all->n_slices - 1; slice >= 0; slice--) {
        const index_t first = slice * SLICE, stop = least(first + SLICE, all->width);
        double of_slice = 0;
        restart->rest[slice * k + c] = 2 * (float)sqrt(square) * UP;
        for (index_t j = first; j < stop; j++) {
            const double coordinate = mean[j] * inverse;
            restart->direction[j * k + c] = (float)(-2 * coordinate);
            of_slice += coordinate * coordinate;
        }
        for (index_t j = stop; j < first + SLICE; j++) restart->direction[j * k + c] = 0;
        square += of_slice;
    }
    restart->square[c] = square;
}

// Makes the offsets of the scores, after the means.
INLINE void set_offsets(const Ensemble* all, Restart* restart) {
    double longest = 0, largest = 0;
    for (index_t c = 0; c < restart->k; c++) {
        const double square = restart->square[c];
        const double offset = square + restart->added[c] / all->scale / all->scale;
        restart->offset[c] = (float)offset;
        longest = square > longest ? square : longest;
        largest = offset > largest ? offset : largest;
    }
    restart->longest = (float)sqrt(longest) * UP;
    restart->largest = (float)largest * UP;
}

INLINE void start(const Ensemble* all, Restart* restart, const index_t* starts) {
    const size_t row = (size_t)all->width * sizeof(double);
    memset(restart->sum, 0, (size_t)restart->k * row);
    for (index_t c = 0; c < restart->k; c++) {
        restart->count[c] = restart->has_changed[c] = 0;
        restart->added[c] = 0;
        memcpy(restart->mean + c * all->width, all->points + starts[c] * all->width, row);
        prepare(all, restart, c);
    }
    set_offsets(all, restart);
    for (index_t i = 0; i < all->n; i++) restart->label[i] = -1;
    memset(restart->usual, 1, (size_t)all->n_tiles);
    restart->is_running = 1;
}

// Returns 0 where a cluster is empty.
INLINE int update_means(const Ensemble* all, Restart* restart) {
    for (index_t c = 0; c < restart->k; c++) {
        if (restart->count[c] == 0) return 0;
        if (!restart->has_changed[c]) continue;
        for (index_t j = c * all->width; j < (c + 1) * all->width; j++) {
            restart->mean[j] = restart->sum[j] / (double)restart->count[c];
        }
        prepare(all, restart, c);
        restart->has_changed[c] = 0;
    }
    set_offsets(all, restart);
    return 1;
}

typedef enum { ASSIGN, ADD_UP, MEASURE_WIDTHS, MEASURE_DISTANCES, DONE } Step;

INLINE void visit(const Ensemble* all, Restart* restart, index_t tile, Step step, Scores* found) {
    if (step == ASSIGN || step == MEASURE_DISTANCES) {
        const int16_t* own = step == ASSIGN ? NULL : restart->label + tile * TILE;
        if (own == NULL || restart->k > 1) choose(all, restart, tile, own, found);
        if (own == NULL) assign(all, restart, tile, found);
        else add_distances(all, restart, tile, found);
        return;
    }
    for (index_t i = tile * TILE; i < least((tile + 1) * TILE, all->n); i++) {
        const index_t c = restart->label[i];
        if (step == ADD_UP) add_point(all, restart, i, c, 1);
        else restart->added[c] += restart->inside[i] = sqdist_to_mean(all, restart, i, c);
    }
}

// Takes a step of all restarts that need it, those of a group of tiles together.
INLINE void visit_all(const Ensemble* all, Restart* restarts, index_t n_runs, Step step,
                      Scores* found) {
    for (index_t first = 0; first < all->n_tiles; first += GROUP_TILES) {
        const index_t stop = least(first + GROUP_TILES, all->n_tiles);
        for (index_t run = 0; run < n_runs; run++) {
            Restart* restart = restarts + run;
            if (step == ASSIGN ? !restart->is_running : restart->is_given_up) continue;
            for (index_t tile = first; tile < stop; tile++) visit(all, restart, tile, step, found);
        }
    }
}

// Ends an iteration. Returns whether there is another one.
INLINE int end_iteration(const Ensemble* all, Restart* restart) {
    restart->is_running = restart->n_moved > 0;
    if (restart->is_running && !update_means(all, restart)) {
        restart->is_given_up = 1;
        restart->is_running = 0;
    }
    restart->n_moved = 0;
    return restart->is_running;
}

// Ends a step of what follows the last iteration.
INLINE void end_step(const Ensemble* all, Restart* restart, Step step) {
    const index_t k = restart->k;
    if (restart->is_given_up) return;
    if (step == ASSIGN) {
        memset(restart->sum, 0, (size_t)(k * all->width) * sizeof(double));
        memset(restart->has_changed, 1, (size_t)k);
    }
    if (step == ADD_UP) update_means(all, restart);
    if (step != MEASURE_WIDTHS) return;
    for (index_t c = 0; c < k; c++) restart->added[c] /= (double)restart->count[c];
    set_offsets(all, restart);
}

// Runs some restarts to their end: iterations, then what the metrics need.
INLINE void run_together(const Ensemble* all, Restart* restarts, index_t n_runs, index_t max_iter,
                         Scores* found, index_t* n_iterations) {
    index_t iteration = 0;
    for (Step step = ASSIGN; step != DONE;) {
        visit_all(all, restarts, n_runs, step, found);
        int goes_on = 0;
        for (index_t run = 0; step == ASSIGN && run < n_runs; run++) {
            if (!restarts[run].is_running) continue;
            n_iterations[run] = iteration;
            goes_on |= end_iteration(all, restarts + run);
            if (restarts[run].is_given_up) n_iterations[run] = 0;
        }
        if (goes_on && iteration++ < max_iter) continue;
        for (index_t run = 0; run < n_runs; run++) end_step(all, restarts + run, step);
        step++;
    }
}

FOR_EVERY_PROCESSOR
FUSED
int kmeans_points(const double* points, const float* tiles, const float* rest, const float* lengths,
                  index_t n_points, index_t width, index_t n_slices, double scale,
                  const index_t* starts, index_t n_runs, index_t n_clusters, index_t max_iter,
                  int16_t* labels, index_t* n_iterations, index_t* counts, double* widths,
                  double* inside, double* outside, index_t* work) {
    const index_t n = n_points, n_tiles = (n + TILE - 1) / TILE, k = n_clusters;
    const index_t n_doubles = k * (2 * width + 1);
    const index_t n_floats = k * (n_slices * (SLICE + 1) + 1);
    const Ensemble all = {points, tiles, rest, lengths, n, n_tiles, width, n_slices, scale, work};
    double* doubles = malloc((size_t)(TOGETHER * n_doubles) * sizeof(double));
    float* floats = malloc((size_t)(TOGETHER * n_floats) * sizeof(float));
    Points* score = malloc((size_t)k * sizeof(Points));
    char* flags = malloc((size_t)(TOGETHER * (k + n_tiles)));
    const int has_memory = doubles && floats && score && flags;
    work[0] = work[1] = 0;
    for (index_t first = 0; has_memory && first < n_runs; first += TOGETHER) {
        const index_t n_together = least(TOGETHER, n_runs - first);
        Restart restarts[TOGETHER];
        memset(restarts, 0, sizeof restarts);
        Scores found = {.score = score};
        for (index_t run = 0; run < n_together; run++) {
            Restart* restart = restarts + run;
            restart->k = k;
            restart->label = labels + (first + run) * n;
            restart->count = counts + (first + run) * k;
            restart->added = widths + (first + run) * k;
            restart->inside = inside + (first + run) * n;
            restart->outside = outside + (first + run) * n;
            restart->sum = doubles + run * n_doubles;
            restart->mean = restart->sum + k * width;
            restart->square = restart->mean + k * width;
            restart->direction = floats + run * n_floats;
            restart->rest = restart->direction + k * n_slices * SLICE;
            restart->offset = restart->rest + k * n_slices;
            restart->has_changed = flags + run * (k + n_tiles);
            restart->usual = (uint8_t*)restart->has_changed + k;
            start(&all, restart, starts + (first + run) * k);
        }
        run_together(&all, restarts, n_together, max_iter, &found, n_iterations + first);
    }
    free(doubles);
    free(floats);
    free(score);
    free(flags);
    return !has_memory;
}
