// spectrum_amplitudes: Fourier coefficients -> their absolute values.
//   amplitudes[i] = sqrt(re_i^2 + im_i^2)
// in    spectra (n,) Complex of float
// out   amplitudes (n,) float
// grid  1-D, a thread a coefficient (grid-stride), any block size      squares in double, which
//       neither overflow nor vanish
// bound bytes: 8 read and 4 written for each coefficient
// twin  numpy.abs                                           call  umlpsd_gpu/images/gpu.py

struct alignas(2 * sizeof(float)) Complex {
    float real, imaginary;
};

extern "C" __global__ void spectrum_amplitudes(const Complex* __restrict__ spectra, index_t n,
                                               float* __restrict__ amplitudes) {
    const index_t n_threads = (index_t)gridDim.x * blockDim.x;
    for (index_t i = (index_t)blockIdx.x * blockDim.x + threadIdx.x; i < n; i += n_threads) {
        const double real = spectra[i].real, imaginary = spectra[i].imaginary;
        amplitudes[i] = (float)sqrt(real * real + imaginary * imaginary);
    }
}
