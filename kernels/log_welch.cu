// log_welch: Welch's estimate with a window of its own for every frequency.
//   psd[i,f] = dt / (2 pi n) * sum_{j<n} |sum_{t<w} (cos, sin)_f[t] (traces[i, s_j + t] - centre_i)|^2
//   w = windows[f], n = n_windows[f], s_j = floor(j w / 2)
// in    traces (n_traces, n_frames) VALUE, C order, counts; centres (n_traces, 2) REAL
//       rows (sum of windows) Row: for each frequency, from first_row[f], a row for each frame of a
//       window: tapered cosine and sine there, and those of the windows that begin w / 2 later
//       windows (odd, at least 3), n_windows, first_row (n_freqs,) index_t
// out   psd (n_traces, n_freqs) double
// grid  1-D: groups of TRACES traces, times the parts that the warps of a block share the
//       frequencies in; parts follow one another, to meet the group's traces in the L2 cache
//       any block size (up to MOST_THREADS)        shared: WARP * (TRACES + 1) REAL
// sums  in REAL, each by one thread in the order of frames; over windows in double: the same bits
//       for any number of traces a lane and frequencies a warp
// bound arithmetic: 4 multiply-adds for each trace, frame and frequency. Each takes 1 / (4 freqs a
//       warp) + 1 / (traces a lane) words from shared memory and the L1 cache; above 1/4 these do.
//       Predicted for 100,000 traces of 6,000 frames on an H200: 1.2e11 at 3.3e13 a second, 3.6 ms
//       (4.8 ms by the words), where reading 2.4 GB takes 0.6 ms
// twin  umlpsd_gpu/spectrum/log_welch.py::log_welch            call  umlpsd_gpu/spectrum/gpu.py

#define TRACES (WARP * TRACES_PER_LANE)
#define STRIDE (TRACES + 1)  // odd, so that lanes writing a column meet all banks
// what the registers allow
#define MOST_THREADS (TRACES_PER_LANE * FREQS_PER_WARP == 1 ? 1024 : 512)
constexpr int FRAMES_AT_ONCE = TRACES_PER_LANE * FREQS_PER_WARP > 4 ? 1 : 2;

struct alignas(16) Row {
    REAL cosine, sine, later_cosine, later_sine;
};

// A lane's traces at one frequency.
struct Estimate {
    const Row* rows;
    int window, half, n_windows;
    int phase;  // of the window begun last at a multiple of `window`
    int ended;  // the window that ends next; before window 0 ends half a one that counts nothing
    REAL cosines[TRACES_PER_LANE], sines[TRACES_PER_LANE];
    REAL later_cosines[TRACES_PER_LANE], later_sines[TRACES_PER_LANE];
    double power[TRACES_PER_LANE];

    __device__ int next_end() const { return phase < half ? half : window; }

    __device__ void add(const Row& row, int k, REAL value) {
        cosines[k] += row.cosine * value;
        sines[k] += row.sine * value;
        later_cosines[k] += row.later_cosine * value;
        later_sines[k] += row.later_sine * value;
    }

    __device__ void end_window(REAL* cosine, REAL* sine) {
        const bool counts = ended >= 0 && ended < n_windows;
#pragma unroll
        for (int k = 0; k < TRACES_PER_LANE; k++) {
            if (counts) {
                power[k] += (double)cosine[k] * (double)cosine[k];
                power[k] += (double)sine[k] * (double)sine[k];
            }
            cosine[k] = sine[k] = 0;
        }
        ended++;
    }
};

// Frames first ... first + 31 of the block's traces, centred; a row of the tile is a frame.
__device__ inline void load_tile(const VALUE* __restrict__ traces, const REAL* __restrict__ centres,
                                 index_t n_traces, index_t n_frames, index_t first_trace,
                                 index_t first, REAL* tile) {
    const index_t frame = first + lane_number();
#pragma unroll 4
    for (int k = warp_number(); k < TRACES; k += warps_in_block()) {
        const index_t i = first_trace + k;
        REAL value = 0;
        if (i < n_traces && frame < n_frames) {
            value = (REAL)traces[i * n_frames + frame] - centres[2 * i] - centres[2 * i + 1];
        }
        tile[lane_number() * STRIDE + k] = value;
    }
}

// Goes through the tile from one end of a window to the next.
__device__ inline void add_tile(const REAL* tile, int n_held, Estimate* estimates) {
    for (int t = 0; t < n_held;) {
        int stop = n_held;
#pragma unroll
        for (int f = 0; f < FREQS_PER_WARP; f++) {
            stop = min(stop, t + estimates[f].next_end() - estimates[f].phase);
        }
#pragma unroll FRAMES_AT_ONCE
        for (; t < stop; t++) {
            Row rows[FREQS_PER_WARP];
#pragma unroll
            for (int f = 0; f < FREQS_PER_WARP; f++) rows[f] = estimates[f].rows[estimates[f].phase++];
#pragma unroll
            for (int k = 0; k < TRACES_PER_LANE; k++) {
                const REAL value = tile[t * STRIDE + WARP * k + lane_number()];
#pragma unroll
                for (int f = 0; f < FREQS_PER_WARP; f++) estimates[f].add(rows[f], k, value);
            }
        }
#pragma unroll
        for (int f = 0; f < FREQS_PER_WARP; f++) {
            Estimate& estimate = estimates[f];
            if (estimate.phase == estimate.half) {
                estimate.end_window(estimate.later_cosines, estimate.later_sines);
            } else if (estimate.phase == estimate.window) {
                estimate.end_window(estimate.cosines, estimate.sines);
                estimate.phase = 0;
            }
        }
    }
}

extern "C" __global__ void __launch_bounds__(MOST_THREADS, 1)
log_welch(const VALUE* __restrict__ traces, const REAL* __restrict__ centres,
          const Row* __restrict__ rows, const index_t* __restrict__ windows,
          const index_t* __restrict__ n_windows, const index_t* __restrict__ first_row, double dt_s,
          index_t n_traces, index_t n_frames, index_t n_freqs, double* __restrict__ psd) {
    extern __shared__ REAL tile[];
    const index_t n_at_once = warps_in_block() * FREQS_PER_WARP;
    const index_t n_parts = (n_freqs + n_at_once - 1) / n_at_once;
    const index_t first_trace = blockIdx.x / n_parts * TRACES;
    const index_t first_freq = blockIdx.x % n_parts * n_at_once + warp_number() * FREQS_PER_WARP;

    Estimate estimates[FREQS_PER_WARP] = {};
#pragma unroll
    for (int k = 0; k < FREQS_PER_WARP; k++) {
        const index_t f = min(first_freq + k, n_freqs - 1);  // those to spare repeat the last one
        estimates[k].rows = rows + first_row[f];
        estimates[k].window = (int)windows[f];
        estimates[k].half = (int)windows[f] / 2;
        estimates[k].n_windows = (int)n_windows[f];
        estimates[k].ended = -1;
    }
    for (index_t first = 0; first < n_frames; first += WARP) {
        load_tile(traces, centres, n_traces, n_frames, first_trace, first, tile);
        __syncthreads();
        add_tile(tile, (int)min(n_frames - first, (index_t)WARP), estimates);
        __syncthreads();
    }
    for (int f = 0; f < FREQS_PER_WARP && first_freq + f < n_freqs; f++) {
        const double scale = dt_s / (2 * 3.141592653589793 * (double)estimates[f].n_windows);
        for (int k = 0; k < TRACES_PER_LANE; k++) {
            const index_t i = first_trace + WARP * k + lane_number();
            if (i < n_traces) psd[i * n_freqs + first_freq + f] = scale * estimates[f].power[k];
        }
    }
}
