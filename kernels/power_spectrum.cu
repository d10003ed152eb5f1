// power_spectrum: Fourier coefficients of a trace's segments -> its one-sided spectral density.
//   psd[i,k-1] = scale * (1/n) sum_{j<n} |spectra[i n + j, k]|^2,  k = 1 ... n_freqs
//   twice that for k below the Nyquist frequency, whose mirror image holds the other half
// in    spectra (n_traces * n, n_freqs + 1) Complex; coefficient 0, the mean, is left out
//       n = n_segments; has_nyquist: 1 if the last coefficient is at half the frame rate
// out   psd (n_traces, n_freqs) double
// grid  1-D, a thread a density (grid-stride), any block size      sums in double, in time order
// bound bytes of spectra, read once
// twin  scipy.signal.welch, scipy.signal.periodogram               call  umlpsd_gpu/spectrum/gpu.py

struct alignas(2 * sizeof(REAL)) Complex {
    REAL real, imaginary;
};

extern "C" __global__ void power_spectrum(const Complex* __restrict__ spectra, index_t n_traces,
                                          index_t n_segments, index_t n_freqs, index_t has_nyquist,
                                          double scale, double* __restrict__ psd) {
    const index_t n_threads = (index_t)gridDim.x * blockDim.x;
    for (index_t at = (index_t)blockIdx.x * blockDim.x + threadIdx.x; at < n_traces * n_freqs;
         at += n_threads) {
        const index_t i = at / n_freqs, k = at % n_freqs + 1;
        const Complex* coefficient = spectra + i * n_segments * (n_freqs + 1) + k;
        double power = 0;
#pragma unroll 4
        for (index_t j = 0; j < n_segments; j++) {
            const Complex c = coefficient[j * (n_freqs + 1)];
            power += (double)c.real * (double)c.real;
            power += (double)c.imaginary * (double)c.imaginary;
        }
        const double sides = k == n_freqs && has_nyquist ? 1.0 : 2.0;
        psd[at] = scale * sides * (power / (double)n_segments);
    }
}
