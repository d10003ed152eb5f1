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
#define GROUP_TILES 2  // points of so many tiles stay in the cache for all restarts
// More undecided points of a tile than this are worth another slice; others are decided in double.
#define FEW 1
#define ROUNDING 6e-8f  // of a float, relative
#define UP 1.000001f    // more than the rounding of a few operations
#define UNDERFLOW 1e-36f

// at any address of a number
typedef double Lanes __attribute__((vector_size(8 * LANE), aligned(8), may_alias));
typedef float Points __attribute__((vector_size(4 * TILE), aligned(4), may_alias));

typedef struct {
    const double* points;
    const float* tiles;
    const float* rest;
    const float* lengths;
    index_t n;
    index_t width;
    index_t n_slices;
    double scale;
    index_t* work;
} Ensemble;

typedef struct {
    index_t k;
    int16_t* label;
    index_t* count;
    double* sum;       // of the members of each cluster; (k, width)
    double* mean;      // (k, width)
    double* added;     // to the squared distances that are compared; (k,)
    double* square;    // |mean|^2 / scale^2; (k,)
    float* direction;  // -2 mean / scale; (n_slices, SLICE, k)
    float* rest;       // twice the length of a mean without its first slices; (n_slices, k)
    float* offset;     // of the scores: square + added / scale^2; (k,)
    char* has_changed;
    float length;      // of the longest mean / scale, at least
    float largest;     // offset
    index_t n_moved;
    uint8_t* usual;    // slices that decided each tile before
    int is_running;
    int is_given_up;  // a cluster is empty
    double* inside;
    double* outside;
} Restart;

// Scores of the clusters for the points of a tile, as far as they are known.
typedef struct {
    float* score;  // (k, TILE)
    float radius[TILE];  // length of the coordinates that are left
    float error[TILE];   // of rounding, at most
    float limit[TILE];   // least upper bound
    float chosen[TILE];
    float is_open[TILE];
} Scores;

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

INLINE const double* point(const Ensemble* all, index_t i) { return all->points + i * all->width; }

INLINE const double* mean_of(const Ensemble* all, const Restart* restart, index_t c) {
    return restart->mean + c * all->width;
}

// Adds one slice of coordinates to the scores of some clusters, which stay in registers. Few
// clusters have two sums each, so that an addition need not wait for the one before.
INLINE void add_slice(const float* tile, const float* direction, index_t k, const int n_clusters,
                      float* score) {
#ifdef __clang__
#pragma STDC FP_CONTRACT ON
#endif
    const int n_sums = n_clusters < MOST_IN_REGISTERS / 2 ? 2 : 1;
    Points sum[2 * MOST_IN_REGISTERS] = {{0}};
    for (int c = 0; c < n_clusters; c++) sum[c] = *(Points*)(score + c * TILE);
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
        *(Points*)(score + c * TILE) = sum[c];
    }
}

INLINE void add_slice_to_all(const float* tile, const float* direction, index_t k, float* score) {
    index_t c = 0;
    for (; c + 8 <= k; c += 8) add_slice(tile, direction + c, k, 8, score + c * TILE);
    switch (k - c) {
        case 1: add_slice(tile, direction + c, k, 1, score + c * TILE); break;
        case 2: add_slice(tile, direction + c, k, 2, score + c * TILE); break;
        case 3: add_slice(tile, direction + c, k, 3, score + c * TILE); break;
        case 4: add_slice(tile, direction + c, k, 4, score + c * TILE); break;
        case 5: add_slice(tile, direction + c, k, 5, score + c * TILE); break;
        case 6: add_slice(tile, direction + c, k, 6, score + c * TILE); break;
        case 7: add_slice(tile, direction + c, k, 7, score + c * TILE); break;
    }
}

// Chooses the cluster of the least score of each point, and finds the points for which another one
// can have it. Returns how many there are.
INLINE int choose_least(const float* rest_of_means, index_t k, index_t n_here, Scores* found) {
    float first[TILE], second[TILE], limit[TILE], chosen[TILE], radius[TILE], error[TILE];
    memcpy(radius, found->radius, sizeof radius);
    memcpy(error, found->error, sizeof error);
    for (int i = 0; i < TILE; i++) {
        first[i] = second[i] = limit[i] = INFINITY;
        chosen[i] = 0;
    }
    for (index_t c = 0; c < k; c++) {
        const float *score = found->score + c * TILE, rest = rest_of_means[c], number = (float)c;
        for (int i = 0; i < TILE; i++) {
            const float margin = radius[i] * rest + error[i];
            const float low = score[i] - margin, high = score[i] + margin;
            const float larger = low > first[i] ? low : first[i];
            limit[i] = high < limit[i] ? high : limit[i];
            second[i] = larger < second[i] ? larger : second[i];
            chosen[i] += low < first[i] ? number - chosen[i] : 0;
            first[i] = low < first[i] ? low : first[i];
        }
    }
    memcpy(found->limit, limit, sizeof limit);
    memcpy(found->chosen, chosen, sizeof chosen);
    float n_open = 0;
    for (int i = 0; i < TILE; i++) {
        found->is_open[i] = second[i] > limit[i] || i >= n_here ? 0.f : 1.f;
        n_open += found->is_open[i];
    }
    return (int)n_open;
}

// Chooses in double among the clusters whose scores can be the least; the lowest of equal ones.
INLINE float choose_exactly(const Ensemble* all, const Restart* restart, index_t i,
                              const float* rest_of_means, const Scores* found) {
    const int lane = (int)(i % TILE);
    double best = INFINITY;
    float chosen = 0;
    for (index_t c = 0; c < restart->k; c++) {
        const float margin = found->radius[lane] * rest_of_means[c] + found->error[lane];
        // also where it is no number
        if (found->score[c * TILE + lane] - margin > found->limit[lane]) continue;
        const double distance =
            sqdist(point(all, i), mean_of(all, restart, c), all->width) + restart->added[c];
        all->work[1]++;
        if (distance < best) {
            best = distance;
            chosen = (float)c;
        }
    }
    return chosen;
}

// Chooses the cluster of least |x - mean|^2 + added for each point of a tile; another than its own
// where those are given.
INLINE void choose(const Ensemble* all, Restart* restart, index_t tile, const int16_t* own,
                   Scores* found) {
    const index_t k = restart->k, n_here = least(TILE, all->n - tile * TILE);
    const float* coordinates = all->tiles + tile * all->n_slices * SLICE * TILE;
    const float* length = all->lengths + tile * TILE;
    const float rounding = (float)(all->n_slices * SLICE + 16) * ROUNDING;
    for (int i = 0; i < TILE; i++) {
        const float size = 2 * length[i] * restart->length + restart->largest;
        found->error[i] = rounding * size + UNDERFLOW;
    }
    for (index_t c = 0; c < k; c++) {
        for (int i = 0; i < TILE; i++) found->score[c * TILE + i] = restart->offset[c];
    }
    for (index_t i = 0; own != NULL && i < n_here; i++) {
        found->score[own[tile * TILE + i] * TILE + i] = INFINITY;
    }
    index_t slice = 0;
    int n_open = TILE, is_first = 0;
    while (n_open > FEW && slice < all->n_slices) {
        const index_t usual = restart->usual[tile];
        const index_t enough = usual > slice && usual <= all->n_slices ? usual : slice + 1;
        is_first = slice == 0;
        for (; slice < enough; slice++) {
            add_slice_to_all(coordinates + slice * SLICE * TILE,
                             restart->direction + slice * SLICE * k, k, found->score);
        }
        memcpy(found->radius, all->rest + (tile * all->n_slices + slice - 1) * TILE,
               sizeof found->radius);
        n_open = choose_least(restart->rest + (slice - 1) * k, k, n_here, found);
    }
    all->work[0] += slice * k;
    restart->usual[tile] = (uint8_t)(slice - (is_first && n_open == 0 && slice > 1));
    const float* rest_of_means = restart->rest + (slice - 1) * k;
    for (index_t i = 0; n_open > 0 && i < n_here; i++) {
        if (!found->is_open[i]) continue;
        found->chosen[i] = choose_exactly(all, restart, tile * TILE + i, rest_of_means, found);
    }
}

// Returns whether any of the chosen clusters differs from the label.
INLINE int is_other(const int16_t* label, const float* chosen) {
    int n_others = 0;
    for (int i = 0; i < TILE; i++) n_others += (float)label[i] != chosen[i];
    return n_others > 0;
}

// Moves the points of some tiles to their nearest centroids.
INLINE void assign(const Ensemble* all, Restart* restart, index_t first, index_t stop,
                   Scores* found) {
    const index_t width = all->width;
    for (index_t tile = first; tile < stop; tile++) {
        choose(all, restart, tile, NULL, found);
        const index_t n_here = least(TILE, all->n - tile * TILE);
        if (n_here == TILE && !is_other(restart->label + tile * TILE, found->chosen)) continue;
        for (index_t lane = 0; lane < n_here; lane++) {
            const index_t i = tile * TILE + lane, from = restart->label[i], to = (index_t)found->chosen[lane];
            if (from == to) continue;
            restart->n_moved++;
            restart->label[i] = (int16_t)to;
            restart->count[to]++;
            restart->has_changed[to] = 1;
            const double* x = point(all, i);
            double *gains = restart->sum + to * width, *loses = restart->sum + from * width;
            for (index_t j = 0; j < width; j += LANE) *(Lanes*)(gains + j) += *(const Lanes*)(x + j);
            if (from < 0) continue;
            restart->count[from]--;
            restart->has_changed[from] = 1;
            for (index_t j = 0; j < width; j += LANE) *(Lanes*)(loses + j) -= *(const Lanes*)(x + j);
        }
    }
}

// Makes the forms of a mean that scores are computed from.
INLINE void prepare(const Ensemble* all, Restart* restart, index_t c) {
    const double *mean = mean_of(all, restart, c), scale = all->scale;
    double square = 0;  // of the coordinates behind
    for (index_t slice = all->n_slices - 1; slice >= 0; slice--) {
        restart->rest[slice * restart->k + c] = 2 * (float)sqrt(square) * UP;
        for (index_t j = slice * SLICE; j < (slice + 1) * SLICE; j++) {
            const double coordinate = j < all->width ? mean[j] / scale : 0;
            restart->direction[j * restart->k + c] = (float)(-2 * coordinate);
            square += coordinate * coordinate;
        }
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
    restart->length = (float)sqrt(longest) * UP;
    restart->largest = (float)largest * UP;
}

INLINE void start(const Ensemble* all, Restart* restart, const index_t* starts) {
    const size_t row = (size_t)all->width * sizeof(double);
    memset(restart->sum, 0, (size_t)restart->k * row);
    for (index_t c = 0; c < restart->k; c++) {
        restart->count[c] = restart->has_changed[c] = 0;
        restart->added[c] = 0;
        memcpy(restart->mean + c * all->width, point(all, starts[c]), row);
        prepare(all, restart, c);
    }
    set_offsets(all, restart);
    for (index_t i = 0; i < all->n; i++) restart->label[i] = -1;
    restart->is_running = 1;
    restart->n_moved = 0;
    memset(restart->usual, 1, (size_t)((all->n + TILE - 1) / TILE));
}

// Returns 0 where a cluster is empty.
INLINE int update_means(const Ensemble* all, Restart* restart) {
    for (index_t c = 0; c < restart->k; c++) {
        if (restart->count[c] == 0) return 0;
        if (!restart->has_changed[c]) continue;
        double* mean = restart->mean + c * all->width;
        for (index_t j = 0; j < all->width; j++) {
            mean[j] = restart->sum[c * all->width + j] / (double)restart->count[c];
        }
        prepare(all, restart, c);
        restart->has_changed[c] = 0;
    }
    set_offsets(all, restart);
    restart->n_moved = 0;
    return 1;
}

// Assigns the points to the centroids of all running restarts, those of a group of tiles together.
INLINE void assign_all(const Ensemble* all, Restart* restarts, index_t n_runs, Scores* found) {
    const index_t n_tiles = (all->n + TILE - 1) / TILE;
    for (index_t first = 0; first < n_tiles; first += GROUP_TILES) {
        for (index_t run = 0; run < n_runs; run++) {
            if (!restarts[run].is_running) continue;
            assign(all, restarts + run, first, least(first + GROUP_TILES, n_tiles), found);
        }
    }
}

INLINE void iterate(const Ensemble* all, Restart* restarts, index_t n_runs, index_t max_iter,
                    Scores* found, index_t* n_iterations) {
    index_t n_running = n_runs;
    for (index_t iteration = 0; iteration <= max_iter && n_running > 0; iteration++) {
        assign_all(all, restarts, n_runs, found);
        for (index_t run = 0; run < n_runs; run++) {
            Restart* restart = restarts + run;
            if (!restart->is_running) continue;
            n_iterations[run] = iteration;
            restart->is_running = restart->n_moved > 0;
            if (restart->is_running && !update_means(all, restart)) {
                restart->is_given_up = 1;
                restart->is_running = 0;
                n_iterations[run] = 0;
            }
            n_running -= !restart->is_running;
        }
    }
}

// Computes the means of some points' clusters afresh, then their widths, then what silhouettes need.
INLINE void add_members(const Ensemble* all, Restart* restart, index_t first, index_t stop) {
    for (index_t i = first; i < stop; i++) {
        const double* x = point(all, i);
        double* sum = restart->sum + restart->label[i] * all->width;
        for (index_t j = 0; j < all->width; j += LANE) *(Lanes*)(sum + j) += *(const Lanes*)(x + j);
    }
}

INLINE void add_widths(const Ensemble* all, Restart* restart, index_t first, index_t stop) {
    for (index_t i = first; i < stop; i++) {
        const index_t c = restart->label[i];
        restart->inside[i] = sqdist(point(all, i), mean_of(all, restart, c), all->width);
        restart->sum[c] += restart->inside[i];
    }
}

INLINE void add_distances(const Ensemble* all, Restart* restart, index_t first, index_t stop,
                          Scores* found) {
    for (index_t i = first; i < stop; i++) {
        const index_t own = restart->label[i], size = restart->count[own];
        const double of_others = size > 1 ? (double)size / (double)(size - 1) : 1;
        restart->inside[i] = (restart->inside[i] + restart->added[own]) * of_others;
        restart->outside[i] = INFINITY;
        if (restart->k == 1) continue;
        if (i % TILE == 0) choose(all, restart, i / TILE, restart->label, found);
        const index_t other = (index_t)found->chosen[i % TILE];
        restart->outside[i] =
            sqdist(point(all, i), mean_of(all, restart, other), all->width) + restart->added[other];
    }
}

typedef enum { MEANS, WIDTHS, DISTANCES } Step;

// Takes one step of judging all restarts that weren't given up, a group of points at a time.
INLINE void judge(const Ensemble* all, Restart* restarts, index_t n_runs, const Step step,
                  Scores* found) {
    for (index_t first = 0; first < all->n; first += GROUP_TILES * TILE) {
        const index_t stop = least(first + GROUP_TILES * TILE, all->n);
        for (index_t run = 0; run < n_runs; run++) {
            Restart* restart = restarts + run;
            if (restart->is_given_up) continue;
            if (step == MEANS) add_members(all, restart, first, stop);
            if (step == WIDTHS) add_widths(all, restart, first, stop);
            if (step == DISTANCES) add_distances(all, restart, first, stop, found);
        }
    }
}

INLINE void judge_all(const Ensemble* all, Restart* restarts, index_t n_runs, Scores* found) {
    const size_t sums = (size_t)(restarts->k * all->width) * sizeof(double);
    for (index_t run = 0; run < n_runs; run++) {
        memset(restarts[run].sum, 0, sums);
        memset(restarts[run].has_changed, 1, (size_t)restarts->k);
    }
    judge(all, restarts, n_runs, MEANS, found);
    for (index_t run = 0; run < n_runs; run++) {
        if (!restarts[run].is_given_up) update_means(all, restarts + run);
        memset(restarts[run].sum, 0, sums);
    }
    judge(all, restarts, n_runs, WIDTHS, found);
    for (index_t run = 0; run < n_runs; run++) {
        Restart* restart = restarts + run;
        if (restart->is_given_up) continue;
        for (index_t c = 0; c < restart->k; c++) {
            restart->added[c] = restart->sum[c] / (double)restart->count[c];
        }
        set_offsets(all, restart);
    }
    judge(all, restarts, n_runs, DISTANCES, found);
}

FOR_EVERY_PROCESSOR
FUSED
int kmeans_points(const double* points, const float* tiles, const float* rest, const float* lengths,
                  index_t n_points, index_t width, index_t n_slices, double scale,
                  const index_t* starts, index_t n_runs, index_t n_clusters, index_t max_iter,
                  int16_t* labels, index_t* n_iterations, index_t* counts, double* widths,
                  double* inside, double* outside, index_t* work) {
    const index_t n = n_points, n_tiles = (n + TILE - 1) / TILE;
    const index_t k = n_clusters, n_forms = n_slices * (SLICE + 1) + 1;
    const Ensemble all = {points, tiles, rest, lengths, n, width, n_slices, scale, work};
    Restart* restarts = calloc((size_t)n_runs, sizeof *restarts);
    double* doubles = malloc((size_t)(n_runs * k * (2 * width + 1)) * sizeof(double));
    float* floats = malloc((size_t)(n_runs * k * n_forms + k * TILE) * sizeof(float));
    char* flags = malloc((size_t)(n_runs * k));
    uint8_t* usual = malloc((size_t)(n_runs * n_tiles));
    const int has_memory = restarts && doubles && floats && flags && usual;
    work[0] = work[1] = 0;
    if (has_memory) {
        Scores found = {.score = floats + n_runs * k * n_forms};
        for (index_t run = 0; run < n_runs; run++) {
            Restart* restart = restarts + run;
            restart->k = k;
            restart->label = labels + run * n;
            restart->count = counts + run * k;
            restart->added = widths + run * k;
            restart->inside = inside + run * n;
            restart->outside = outside + run * n;
            restart->sum = doubles + run * k * (2 * width + 1);
            restart->mean = restart->sum + k * width;
            restart->square = restart->mean + k * width;
            restart->direction = floats + run * k * n_forms;
            restart->rest = restart->direction + k * n_slices * SLICE;
            restart->offset = restart->rest + k * n_slices;
            restart->has_changed = flags + run * k;
            restart->usual = usual + run * n_tiles;
            start(&all, restart, starts + run * k);
        }
        iterate(&all, restarts, n_runs, max_iter, &found, n_iterations);
        judge_all(&all, restarts, n_runs, &found);
    }
    free(restarts);
    free(doubles);
    free(floats);
    free(flags);
    free(usual);
    return !has_memory;
}
