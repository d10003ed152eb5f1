// particle_pixels: how well blurred super-ellipses describe pixels, with what least squares need.
//   model[r,c] = background + contrast * cover[r,c]
//   cover[r,c] = integral over the inside of K(r - y) K(c - x), K = pixel box * Gaussian, as an
//                integral along the outline (Green): its difference from row to row is
//                sum over nodes of W(r - y) K(c - x) dx, W(u) = integral of K from u - 1 to u
//   d cover / d parameter = sum over nodes of K(r - y) K(c - x) (area that is swept there)
//   dx = [8 (x[k+1] - x[k-1]) - (x[k+2] - x[k-2])] / 12
// The nodes follow tan(h) = L tan(u)^q, u in equal steps: dense at tips, and smooth in u.
// in    values, weights (n_pixels,) double: crops, row by row, one after another; starts, n_rows,
//       n_cols (n_crops,) index_t; crop_of_task, d, n_quarter (n_tasks,) index_t: nodes in each of
//       the 2 d quarters; parameters (n_tasks, 8) double: row and column in the crop, ln size, ln p,
//       ln L, phase, contrast, background; narrow (n_fractions + 1, width), wide (n_fractions + 1,
//       width + 1) double: K and W at the pixels around a position, by its fraction of a pixel
// out   chi2 (n_tasks,), gradient (n_tasks, 8), normal (n_tasks, 8, 8) double: sums over pixels of
//       w e^2, w J e, w J J
// gives 0, or 1 where memory is missing
// sums  over nodes and pixels in order, whatever the processor's vectors: repeatable
// bound arithmetic: nodes * width^2 * 8 multiplications and additions
// twin  umlpsd_gpu/shapes/pixel_model.py                call  umlpsd_gpu/shapes/pixel_engines.py

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

#define N_PARAMETERS 8
#define N_SHAPE 6
#define HALF_PI 1.57079632679489661923
#define LEAST_TERM 1e-12

// at any address of a double
typedef double Lanes __attribute__((vector_size(64), aligned(8), may_alias));

enum { ROW, COLUMN, LN_SIZE, LN_P, LN_L, PHASE, CONTRAST, BACKGROUND };

// Of one quarter of the curve, for unit size; the others are its mirror images.
typedef struct {
    double half, radius, by_ln_p, by_ln_l;
} Node;

typedef struct {
    double y, x;
    double moved_y[N_SHAPE], moved_x[N_SHAPE];  // by each parameter
} Point;

typedef struct {
    const double* narrow;
    const double* wide;
    index_t n_fractions, width;
} Table;

typedef struct {
    index_t n_rows, n_cols, stride;
    double* slopes;  // (n_rows, stride, 8): derivatives of cover
    double* steps;   // (n_rows, stride): difference of cover from the row above
    double* cover;   // (stride,)
    Node* nodes;     // of a quarter
    Point* points;   // of the whole curve
} Canvas;

static inline Node node_at(double u, double ln_p, double ln_l) {
    const double p = exp(ln_p), q = fmin(fmax(2.0 / p, 1.0), 3.0);
    const double tangent = exp(ln_l + q * log(tan(u)));
    Node node = {atan(tangent), 0, 0, 0};
    const double ln_a = log(fmax(cos(node.half), LEAST_TERM)) + ln_l;
    const double ln_b = log(fmax(sin(node.half), LEAST_TERM));
    const double difference = p * (ln_b - ln_a), low = exp(-fabs(difference));
    const double ln_sum = log1p(low);
    const double share = (difference > 0 ? 1.0 : low) / (1.0 + low);
    node.radius = exp(-fmax(ln_a, ln_b) - ln_sum / p);
    node.by_ln_p = (ln_sum - (difference > 0 ? share - 1.0 : share) * difference) / p;
    node.by_ln_l = share - 1.0;
    return node;
}

static void fill_quarter(Node* nodes, index_t n, double ln_p, double ln_l) {
    for (index_t k = 1; k < n; k++) {
        nodes[k] = node_at(HALF_PI * (double)k / (double)n, ln_p, ln_l);
    }
    const Node first = {0, exp(-ln_l), 0, -1}, last = {HALF_PI, 1, 0, 0};
    nodes[0] = first;
    nodes[n] = last;
}

// The point of a node in one of the quarters; odd ones run backwards.
static Point point_of(const Node* nodes, index_t n, index_t quarter, index_t k, index_t d,
                      const double* parameters) {
    const int is_odd = (int)(quarter & 1);
    const Node* node = nodes + (is_odd ? n - k : k);
    const double half = HALF_PI * (double)quarter + (is_odd ? HALF_PI - node->half : node->half);
    const double angle = 2.0 * half / (double)d - parameters[PHASE];
    const double radius = exp(parameters[LN_SIZE]) * node->radius;
    const double y = radius * sin(angle), x = radius * cos(angle);
    const Point point = {
        parameters[ROW] + y,
        parameters[COLUMN] + x,
        {1, 0, y, y * node->by_ln_p, y * node->by_ln_l, -x},
        {0, 1, x, x * node->by_ln_p, x * node->by_ln_l, y},
    };
    return point;
}

// Takes weights of the pixels around a position from a table. Returns the first of these pixels.
INLINE index_t look_up(const double* table, index_t n_columns, const Table* tables, double position,
                       double* found) {
    const double below = floor(position), place = (position - below) * (double)tables->n_fractions;
    const index_t entry = (index_t)place;
    const double share = place - (double)entry;
    const double* low = table + entry * n_columns;
    for (index_t i = 0; i < n_columns; i++) {
        found[i] = (1.0 - share) * low[i] + share * low[i + n_columns];
    }
    return (index_t)below - tables->width / 2 + 1;
}

#define MOST_WIDTH 64

INLINE void add_point(Canvas* canvas, const Table* tables, const Point* point, double dy,
                      double dx) {
    const index_t width = tables->width, stride = canvas->stride;
    double of_row[MOST_WIDTH], of_step[MOST_WIDTH + 1], of_column[MOST_WIDTH];
    const double y = point->y, x = point->x;
    // such a shape is nowhere near its crop
    if (!(y > -1e6 && y < 1e6 && x > -1e6 && x < 1e6)) return;
    Lanes swept = {0};
    for (int j = 0; j < N_SHAPE; j++) {
        swept[j] = point->moved_x[j] * dy - point->moved_y[j] * dx;
    }
    const index_t top = look_up(tables->narrow, width, tables, y, of_row);
    look_up(tables->wide, width + 1, tables, y, of_step);
    // columns have a margin of the width on both sides
    const index_t left = look_up(tables->narrow, width, tables, x, of_column) + width;
    if (left < 0 || left + width > stride || top >= canvas->n_rows) return;
    for (index_t i = 0; i <= width; i++) {
        const index_t row = top + i;
        if (row >= canvas->n_rows) break;
        // what begins above the crop has begun in its first row
        double* steps = canvas->steps + (row < 0 ? 0 : row) * stride + left;
        for (index_t k = 0; k < width; k++) steps[k] += of_step[i] * dx * of_column[k];
        if (i == width || row < 0) continue;
        Lanes* slopes = (Lanes*)(canvas->slopes + (row * stride + left) * 8);
        const Lanes of_line = of_row[i] * swept;
        for (index_t k = 0; k < width; k++) slopes[k] += of_column[k] * of_line;
    }
}

INLINE void add_pixel(const double* slopes, double cover, const double* parameters, double value,
                      double weight, double* chi2, double* gradient, double* normal) {
    const double residual = value - (parameters[BACKGROUND] + parameters[CONTRAST] * cover);
    Lanes row = parameters[CONTRAST] * *(const Lanes*)slopes;
    row[CONTRAST] = cover;
    row[BACKGROUND] = 1;
    const Lanes weighted = weight * row;
    *chi2 += weight * residual * residual;
    *(Lanes*)gradient += weighted * residual;
    for (int j = 0; j < N_PARAMETERS; j++) {
        *(Lanes*)(normal + N_PARAMETERS * j) += weighted[j] * row;
    }
}

INLINE void add_flat_pixel(double cover, const double* parameters, double value, double weight,
                           double* chi2, double* gradient, double* flat) {
    const double residual = value - (parameters[BACKGROUND] + parameters[CONTRAST] * cover);
    *chi2 += weight * residual * residual;
    gradient[CONTRAST] += weight * cover * residual;
    gradient[BACKGROUND] += weight * residual;
    flat[0] += weight * cover * cover;
    flat[1] += weight * cover;
    flat[2] += weight;
}

INLINE void sum_pixels(const Canvas* canvas, const double* values, const double* weights,
                       const double* parameters, index_t width, double* chi2, double* gradient,
                       double* normal) {
    double flat[3] = {0};
    double* cover = canvas->cover;
    memset(cover, 0, (size_t)canvas->stride * sizeof(double));
    for (index_t r = 0; r < canvas->n_rows; r++) {
        const double* steps = canvas->steps + r * canvas->stride;
        for (index_t c = 0; c < canvas->stride; c++) cover[c] += steps[c];
        for (index_t c = 0; c < canvas->n_cols; c++) {
            const index_t pixel = r * canvas->n_cols + c;
            const double* slopes = canvas->slopes + (r * canvas->stride + c + width) * 8;
            if (weights[pixel] == 0) continue;
            if (slopes[LN_SIZE] == 0) {
                add_flat_pixel(cover[c + width], parameters, values[pixel], weights[pixel], chi2,
                               gradient, flat);
            } else {
                add_pixel(slopes, cover[c + width], parameters, values[pixel], weights[pixel], chi2,
                          gradient, normal);
            }
        }
    }
    normal[N_PARAMETERS * CONTRAST + CONTRAST] += flat[0];
    normal[N_PARAMETERS * CONTRAST + BACKGROUND] += flat[1];
    normal[N_PARAMETERS * BACKGROUND + CONTRAST] += flat[1];
    normal[N_PARAMETERS * BACKGROUND + BACKGROUND] += flat[2];
}

INLINE void draw(Canvas* canvas, const Table* tables, index_t d, index_t n, const double* parameters) {
    const size_t n_places = (size_t)(canvas->n_rows * canvas->stride);
    memset(canvas->slopes, 0, n_places * 8 * sizeof(double));
    memset(canvas->steps, 0, n_places * sizeof(double));
    fill_quarter(canvas->nodes, n, parameters[LN_P], parameters[LN_L]);
    const index_t n_points = 2 * d * n;
    Point* points = canvas->points;
    for (index_t k = 0; k < n_points; k++) {
        points[k] = point_of(canvas->nodes, n, k / n, k % n, d, parameters);
    }
    for (index_t k = 0; k < n_points; k++) {
        const Point *next = points + (k + 1) % n_points, *before = points + (k + n_points - 1) % n_points;
        const Point *second = points + (k + 2) % n_points, *earlier = points + (k + n_points - 2) % n_points;
        const double dy = (8.0 * (next->y - before->y) - (second->y - earlier->y)) / 12.0;
        const double dx = (8.0 * (next->x - before->x) - (second->x - earlier->x)) / 12.0;
        add_point(canvas, tables, points + k, dy, dx);
    }
}

// Returns 0 where memory is missing.
static int allocate(Canvas* canvas, index_t n_tasks, const index_t* crop_of_task,
                    const index_t* n_rows, const index_t* n_cols, const index_t* d,
                    const index_t* n_quarter, index_t width) {
    index_t n_places = 1, stride = 1, n_nodes = 1, n_points = 1;
    for (index_t task = 0; task < n_tasks; task++) {
        const index_t crop = crop_of_task[task], wide = n_cols[crop] + 2 * width;
        if (n_rows[crop] * wide > n_places) n_places = n_rows[crop] * wide;
        if (wide > stride) stride = wide;
        if (n_quarter[task] + 1 > n_nodes) n_nodes = n_quarter[task] + 1;
        if (2 * d[task] * n_quarter[task] > n_points) n_points = 2 * d[task] * n_quarter[task];
    }
    canvas->slopes = malloc((size_t)(9 * n_places + stride) * sizeof(double));
    canvas->nodes = malloc((size_t)n_nodes * sizeof(Node));
    canvas->points = malloc((size_t)n_points * sizeof(Point));
    if (canvas->slopes == NULL || canvas->nodes == NULL || canvas->points == NULL) return 0;
    canvas->steps = canvas->slopes + 8 * n_places;
    canvas->cover = canvas->steps + n_places;
    return 1;
}

FOR_EVERY_PROCESSOR
int particle_pixels(const double* values, const double* weights, const index_t* starts,
                    const index_t* n_rows, const index_t* n_cols, const index_t* crop_of_task,
                    const index_t* d, const index_t* n_quarter, const double* parameters,
                    index_t n_tasks, const double* narrow, const double* wide, index_t n_fractions,
                    index_t width, double* chi2, double* gradient, double* normal) {
    const Table tables = {narrow, wide, n_fractions, width};
    Canvas canvas;
    const int has_memory =
        allocate(&canvas, n_tasks, crop_of_task, n_rows, n_cols, d, n_quarter, width);
    for (index_t task = 0; has_memory && task < n_tasks; task++) {
        const index_t crop = crop_of_task[task], square = N_PARAMETERS * N_PARAMETERS;
        const double* own = parameters + N_PARAMETERS * task;
        canvas.n_rows = n_rows[crop];
        canvas.n_cols = n_cols[crop];
        canvas.stride = n_cols[crop] + 2 * width;
        draw(&canvas, &tables, d[task], n_quarter[task], own);
        // in registers and on the stack, not where another thread writes
        double squares = 0, slope[N_PARAMETERS] = {0}, curvature[N_PARAMETERS * N_PARAMETERS] = {0};
        sum_pixels(&canvas, values + starts[crop], weights + starts[crop], own, width, &squares,
                   slope, curvature);
        chi2[task] = squares;
        memcpy(gradient + N_PARAMETERS * task, slope, sizeof slope);
        memcpy(normal + square * task, curvature, sizeof curvature);
    }
    free(canvas.slopes);
    free(canvas.nodes);
    free(canvas.points);
    return !has_memory;
}
