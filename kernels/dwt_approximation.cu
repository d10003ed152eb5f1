// dwt_approximation: each trace smoothed to its wavelet approximation, at full length.
//   down, level times:  a'[k] = sum_j dec_lo[j] a[2k + FIRST - j]
//   up, level times:    a[i] = sum_k rec_lo[i + SHIFT - 2k] a'[k]           (details are zero)
//   a continued beyond both ends as PyWavelets' mode EXTENSION says; constant traces stay as they
//   are, since the taps of some wavelets sum to sqrt(2) within 1e-3 only.
// in    traces (n_traces, n_frames) VALUE, C order; dec_lo, rec_lo (N_TAPS,) double, PyWavelets'
//       taps; level >= 1 with (N_TAPS - 1) * 2^level <= n_frames, N_TAPS even
//       scratch (gridDim.x, n_1 + n_2) double, n_l the coefficients of level l, where IN_SHARED
//       is 0; else null, and dynamic shared memory holds n_1 + n_2 doubles
// out   smoothed (n_traces, n_frames) double
// grid  1-D, a block a trace (grid-stride), any block size; one thread an output, taps in order
// bound reads of shared memory, 2 N_TAPS a frame (one for each multiply-add); for 8 taps somewhat
//       more time than the bytes of traces and smoothed take (predicted, not measured)
// twin  umlpsd_gpu/preprocessing/wavelet.py::wavelet_approximation
// call  umlpsd_gpu/preprocessing/gpu.py

// few taps stay in registers, many are read each time
constexpr int N_UNROLLED = N_TAPS <= 16 ? N_TAPS : 8;

enum class Mode {
    zero, constant, symmetric, antisymmetric, reflect, antireflect, smooth, periodic, periodization
};
constexpr Mode MODE = Mode::EXTENSION;
constexpr bool WRAPS = MODE == Mode::periodization;
constexpr int FIRST = WRAPS ? N_TAPS / 2 : 1;
constexpr int SHIFT = WRAPS ? N_TAPS / 2 - 1 : N_TAPS - 2;

__device__ index_t n_coefficients(index_t n) { return WRAPS ? (n + 1) / 2 : (n + N_TAPS - 1) / 2; }

__device__ index_t length_at(index_t n_frames, index_t level) {
    index_t n = n_frames;
    for (index_t l = 0; l < level; l++) n = n_coefficients(n);
    return n;
}

// Sample i of a signal of n samples that goes on beyond its ends, by less than its length.
template <class Value>
__device__ double continued(const Value* signal, index_t n, index_t i) {
    if (i >= 0 && i < n) return (double)signal[i];
    const bool left = i < 0;
    const index_t beyond = left ? -i : i - (n - 1);
    const index_t end = left ? 0 : n - 1, inwards = left ? 1 : -1;
    const double edge = (double)signal[end];
    switch (MODE) {
        case Mode::zero: return 0.0;
        case Mode::constant: return edge;
        case Mode::symmetric: return (double)signal[end + inwards * (beyond - 1)];
        case Mode::antisymmetric: return -(double)signal[end + inwards * (beyond - 1)];
        case Mode::reflect: return (double)signal[end + inwards * beyond];
        case Mode::antireflect: return 2.0 * edge - (double)signal[end + inwards * beyond];
        case Mode::smooth: return edge + beyond * (edge - (double)signal[end + inwards]);
        case Mode::periodic: return (double)signal[left ? i + n : i - n];
        case Mode::periodization: break;
    }
    // an odd signal repeats its last sample before it starts again
    const index_t period = n + n % 2;
    const index_t within = left ? i + period : i < period ? i : i - period;
    return (double)signal[within < n ? within : n - 1];
}

// Coefficients one level down; the few whose taps reach beyond the ends come last.
template <class Value>
__device__ void analyse(const Value* signal, index_t n, const double* dec_lo, double* coefs) {
    const index_t n_coefs = n_coefficients(n);
    const index_t first_inner = (N_TAPS - FIRST) / 2, end_inner = (n - FIRST + 1) / 2;
    for (index_t k = first_inner + threadIdx.x; k < end_inner; k += blockDim.x) {
        double sum = 0.0;
#pragma unroll N_UNROLLED
        for (int j = 0; j < N_TAPS; j++) sum += dec_lo[j] * (double)signal[2 * k + FIRST - j];
        coefs[k] = sum;
    }
    const index_t n_outer = n_coefs - (end_inner - first_inner);
    for (index_t m = threadIdx.x; m < n_outer; m += blockDim.x) {
        const index_t k = m < first_inner ? m : m - first_inner + end_inner;
        double sum = 0.0;
#pragma unroll 1
        for (int j = 0; j < N_TAPS; j++) sum += dec_lo[j] * continued(signal, n, 2 * k + FIRST - j);
        coefs[k] = sum;
    }
}

// The n samples one level up.
__device__ void synthesise(const double* coefs, index_t n_coefs, const double* rec_lo,
                           double* signal, index_t n) {
    // a thread's samples are an even number apart: all meet the even taps, or all the odd ones
    const double* taps = rec_lo + (threadIdx.x + SHIFT) % 2;
    for (index_t i = threadIdx.x; i < n; i += blockDim.x) {
        const index_t newest = (i + SHIFT) / 2;
        double sum = 0.0;
#pragma unroll N_UNROLLED
        for (int j = 0; j < N_TAPS / 2; j++) {
            index_t k = newest - j;
            if (WRAPS) k = k < 0 ? k + n_coefs : k < n_coefs ? k : k - n_coefs;
            sum += taps[2 * j] * coefs[k];
        }
        signal[i] = sum;
    }
}

template <class Value>
__device__ bool is_constant(const Value* trace, index_t n) {
    bool differs = false;
#pragma unroll 4
    for (index_t i = threadIdx.x; i < n; i += blockDim.x) differs |= trace[i] != trace[0];
    return !__syncthreads_or(differs);
}

extern "C" __global__ void __launch_bounds__(1024, 1)
dwt_approximation(const VALUE* __restrict__ traces, const double* __restrict__ dec_lo,
                  const double* __restrict__ rec_lo, double* __restrict__ smoothed,
                  double* scratch, index_t n_traces, index_t n_frames, index_t level) {
    extern __shared__ double shared[];
    const index_t n_first = length_at(n_frames, 1), n_second = length_at(n_frames, 2);
    // levels 1, 3, 5 ... take turns in one place, levels 2, 4, 6 ... in the other
    double* odd_levels = IN_SHARED ? shared : scratch + blockIdx.x * (n_first + n_second);
    double* even_levels = odd_levels + n_first;

    for (index_t row = blockIdx.x; row < n_traces; row += gridDim.x) {
        const VALUE* trace = traces + row * n_frames;
        double* out = smoothed + row * n_frames;
        if (is_constant(trace, n_frames)) {
            for (index_t i = threadIdx.x; i < n_frames; i += blockDim.x) out[i] = (double)trace[i];
            continue;
        }
        analyse(trace, n_frames, dec_lo, odd_levels);
        __syncthreads();
        for (index_t l = 2; l <= level; l++) {
            double* signal = l % 2 ? even_levels : odd_levels;
            double* coefs = l % 2 ? odd_levels : even_levels;
            analyse(signal, length_at(n_frames, l - 1), dec_lo, coefs);
            __syncthreads();
        }
        for (index_t l = level; l >= 2; l--) {
            double* coefs = l % 2 ? odd_levels : even_levels;
            double* signal = l % 2 ? even_levels : odd_levels;
            const index_t n = length_at(n_frames, l - 1);
            synthesise(coefs, n_coefficients(n), rec_lo, signal, n);
            __syncthreads();
        }
        // the next trace meets a barrier before it reuses the places
        synthesise(odd_levels, n_first, rec_lo, out, n_frames);
    }
}
