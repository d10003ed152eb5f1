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
//       scratch (n_warps, n_places * 8 + n_points * 4) double: n_places is the largest n_rows *
//       (n_cols + 2 width), n_points the largest 2 d n_quarter
// out   chi2 (n_tasks,), gradient (n_tasks, 8), normal (n_tasks, 8, 8) double: sums over pixels of
//       w e^2, w J e, w J J
// grid  1-D, a warp a task (warp-stride), any block size; as many warps as scratch has rows
// sums  over nodes in order, over pixels by the lanes of a warp in a fixed order
// bound memory of the scratch: nodes * width^2 * 8 doubles, in the cache where it fits
// twin  umlpsd_gpu/shapes/pixel_model.py                call  umlpsd_gpu/shapes/gpu.py

#define N_PARAMETERS 8
#define N_UPPER 36
#define HALF_PI 1.57079632679489661923
#define LEAST_TERM 1e-12

enum { ROW, COLUMN, LN_SIZE, LN_P, LN_L, PHASE, CONTRAST, BACKGROUND };
// in the places of the scratch: six slopes, the difference from the row above, nothing
enum { STEP = 6 };

struct Node {
    double y, x, by_ln_p, by_ln_l;  // from the centre; relative changes of the radius
};

struct Table {
    const double *narrow, *wide;
    index_t n_fractions, width;
};

// A position between pixels: the first pixel that it reaches, and its place in the tables.
struct Place {
    index_t first, entry;
    double share;
};

// A node of the curve in one of the quarters; odd ones run backwards.
__device__ inline Node node_at(index_t number, index_t n_quarter, index_t d,
                               const double* parameters) {
    const index_t quarter = number / n_quarter, along = number % n_quarter;
    const bool is_odd = quarter & 1;
    const index_t k = is_odd ? n_quarter - along : along;
    const double ln_p = parameters[LN_P], ln_l = parameters[LN_L];
    double own = 0, ln_radius = -ln_l, by_ln_p = 0, by_ln_l = -1;
    if (k == n_quarter) {
        own = HALF_PI;
        ln_radius = 0;
        by_ln_l = 0;
    } else if (k > 0) {
        const double p = exp(ln_p), q = fmin(fmax(2.0 / p, 1.0), 3.0);
        double sine, cosine;  // of arguments in half turns: others take local memory
        sincospi(0.5 * (double)k / (double)n_quarter, &sine, &cosine);
        const double tangent = exp(ln_l + q * log(sine / cosine));
        own = atan(tangent);
        const double secant = sqrt(1.0 + tangent * tangent);
        const double ln_a = log(fmax(1.0 / secant, LEAST_TERM)) + ln_l;
        const double ln_b = log(fmax(tangent / secant, LEAST_TERM));
        const double difference = p * (ln_b - ln_a), low = exp(-fabs(difference));
        const double ln_sum = log1p(low);
        const double share = (difference > 0 ? 1.0 : low) / (1.0 + low);
        ln_radius = -fmax(ln_a, ln_b) - ln_sum / p;
        by_ln_p = (ln_sum - (difference > 0 ? share - 1.0 : share) * difference) / p;
        by_ln_l = share - 1.0;
    }
    const double half = HALF_PI * (double)quarter + (is_odd ? HALF_PI - own : own);
    const double angle = 2.0 * half / (double)d - parameters[PHASE];
    const double radius = exp(parameters[LN_SIZE]) * exp(ln_radius);
    double sine, cosine;
    sincospi(0.5 * angle / HALF_PI, &sine, &cosine);
    return {radius * sine, radius * cosine, by_ln_p, by_ln_l};
}

__device__ inline Place place_of(double position, const Table& table) {
    const double below = floor(position), place = (position - below) * (double)table.n_fractions;
    const index_t entry = (index_t)place;
    return {(index_t)below - table.width / 2 + 1, entry, place - (double)entry};
}

__device__ inline double weight_at(const double* table, index_t n_columns, const Place& place,
                                   index_t i) {
    const double* low = table + place.entry * n_columns + i;
    return (1.0 - place.share) * low[0] + place.share * low[n_columns];
}

// How much area a node sweeps when a parameter grows.
__device__ inline double swept_by(int parameter, const Node& node, double dy, double dx) {
    const double outward = node.x * dy - node.y * dx;
    switch (parameter) {
        case ROW: return -dx;
        case COLUMN: return dy;
        case LN_SIZE: return outward;
        case LN_P: return node.by_ln_p * outward;
        case LN_L: return node.by_ln_l * outward;
        case PHASE: return node.y * dy + node.x * dx;
        default: return 0;
    }
}

// Spreads a node over the pixels around it. Called by a whole warp.
__device__ inline void add_node(double* places, index_t n_rows, index_t stride, const Table& table,
                                const Node* nodes, index_t k, index_t n, const double* parameters) {
    const Node own = nodes[k], next = nodes[(k + 1) % n], before = nodes[(k + n - 1) % n];
    const Node second = nodes[(k + 2) % n], earlier = nodes[(k + n - 2) % n];
    const double dy = (8.0 * (next.y - before.y) - (second.y - earlier.y)) / 12.0;
    const double dx = (8.0 * (next.x - before.x) - (second.x - earlier.x)) / 12.0;
    const double y = parameters[ROW] + own.y, x = parameters[COLUMN] + own.x;
    // such a shape is nowhere near its crop
    if (!(y > -1e6 && y < 1e6 && x > -1e6 && x < 1e6)) return;
    const index_t width = table.width;
    const Place of_row = place_of(y, table), of_column = place_of(x, table);
    // columns have a margin of the width on both sides
    const index_t left = of_column.first + width;
    if (left < 0 || left + width > stride || of_row.first >= n_rows) return;
    const int parameter = lane_number() % 8;
    const double swept = parameter == STEP ? dx : swept_by(parameter, own, dy, dx);
    for (index_t i = 0; i <= width; i++) {
        const index_t row = of_row.first + i;
        if (row >= n_rows) break;
        // what begins above the crop has begun in its first row
        if (parameter != STEP && (i == width || row < 0)) continue;
        const double of_line = swept * (parameter == STEP
                                            ? weight_at(table.wide, width + 1, of_row, i)
                                            : weight_at(table.narrow, width, of_row, i));
        double* line = places + ((row < 0 ? 0 : row) * stride + left) * 8 + parameter;
        for (index_t c = lane_number() / 8; c < width; c += WARP / 8) {
            line[8 * c] += weight_at(table.narrow, width, of_column, c) * of_line;
        }
    }
}

// Sums differences from row to row, in place. Called by a whole warp.
__device__ inline void sum_rows(double* places, index_t n_rows, index_t stride) {
    for (index_t c = lane_number(); c < stride; c += WARP) {
        double cover = 0;
        for (index_t r = 0; r < n_rows; r++) {
            double* place = places + (r * stride + c) * 8;
            cover += place[STEP];
            place[STEP] = cover;
        }
    }
}

extern "C" __global__ void particle_pixels(
    const double* __restrict__ values, const double* __restrict__ weights,
    const index_t* __restrict__ starts, const index_t* __restrict__ n_rows_of,
    const index_t* __restrict__ n_cols_of, const index_t* __restrict__ crop_of_task,
    const index_t* __restrict__ d, const index_t* __restrict__ n_quarter,
    const double* __restrict__ parameters, index_t n_tasks, const double* __restrict__ narrow,
    const double* __restrict__ wide, index_t n_fractions, index_t width, index_t n_places,
    index_t n_points, double* scratch, double* __restrict__ chi2, double* __restrict__ gradient,
    double* __restrict__ normal) {
    const Table table = {narrow, wide, n_fractions, width};
    const index_t n_warps = (index_t)gridDim.x * warps_in_block();
    const index_t warp = (index_t)blockIdx.x * warps_in_block() + warp_number();
    double* places = scratch + warp * (8 * n_places + 4 * n_points);
    Node* nodes = (Node*)(places + 8 * n_places);
    for (index_t task = warp; task < n_tasks; task += n_warps) {
        const double* own = parameters + N_PARAMETERS * task;
        const index_t crop = crop_of_task[task], n_rows = n_rows_of[crop], n_cols = n_cols_of[crop];
        const index_t stride = n_cols + 2 * width, n = 2 * d[task] * n_quarter[task];
        for (index_t i = lane_number(); i < 8 * n_rows * stride; i += WARP) places[i] = 0;
        for (index_t k = lane_number(); k < n; k += WARP) {
            nodes[k] = node_at(k, n_quarter[task], d[task], own);
        }
        __syncwarp();
        for (index_t k = 0; k < n; k++) {
            add_node(places, n_rows, stride, table, nodes, k, n, own);
            __syncwarp();
        }
        sum_rows(places, n_rows, stride);
        __syncwarp();

        double squares = 0, slope[N_PARAMETERS] = {0}, upper[N_UPPER] = {0};
        for (index_t i = lane_number(); i < n_rows * n_cols; i += WARP) {
            const double weight = weights[starts[crop] + i];
            if (weight == 0) continue;
            const double* place = places + ((i / n_cols) * stride + i % n_cols + width) * 8;
            double row[N_PARAMETERS];
#pragma unroll
            for (int j = 0; j < STEP; j++) row[j] = own[CONTRAST] * place[j];
            row[CONTRAST] = place[STEP];
            row[BACKGROUND] = 1;
            const double model = own[BACKGROUND] + own[CONTRAST] * place[STEP];
            const double residual = values[starts[crop] + i] - model;
            squares += weight * residual * residual;
#pragma unroll
            for (int j = 0, at = 0; j < N_PARAMETERS; j++) {
                const double weighted = weight * row[j];
                slope[j] += weighted * residual;
#pragma unroll
                for (int k = j; k < N_PARAMETERS; k++, at++) upper[at] += weighted * row[k];
            }
        }
        squares = warp_sum(squares);
        if (lane_number() == 0) chi2[task] = squares;
#pragma unroll
        for (int j = 0, at = 0; j < N_PARAMETERS; j++) {
            const double sum = warp_sum(slope[j]);
            if (lane_number() == 0) gradient[N_PARAMETERS * task + j] = sum;
#pragma unroll
            for (int k = j; k < N_PARAMETERS; k++, at++) {
                const double both = warp_sum(upper[at]);
                if (lane_number() != 0) continue;
                normal[(N_PARAMETERS * task + j) * N_PARAMETERS + k] = both;
                normal[(N_PARAMETERS * task + k) * N_PARAMETERS + j] = both;
            }
        }
        __syncwarp();  // the next task uses the same places
    }
}
