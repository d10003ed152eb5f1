// power_law_fit: ordinary least squares of ln S on ln f, S = amplitude * f^(-beta), trace by trace.
//   b = sum dx dy / sum dx^2 over the frequencies with power (S > 0); dx, dy: deviations from means
//   beta = -b, stderr^2 = sum (dy - b dx)^2 / (n - 2) / sum dx^2, amplitude = e^(mean y - b mean x)
// in    psd (n_traces, n_freqs) double; ln_f (n_used,), the columns from `first` on are used
// out   beta, beta_stderr, amplitude (n_traces,) double: NaN where fewer than 3 frequencies have power
//       n_points (n_traces,) index_t: how many have
// grid  1-D, a warp a trace (grid-stride), any block size      sums in double, fixed order
// bound logarithms, computed in each of three passes: storing them would cost as much
// twin  umlpsd_gpu/spectrum/fit.py                             call  umlpsd_gpu/spectrum/gpu.py

extern "C" __global__ void power_law_fit(const double* __restrict__ psd,
                                         const double* __restrict__ ln_f, index_t n_traces,
                                         index_t n_freqs, index_t first, index_t n_used,
                                         double* __restrict__ beta, double* __restrict__ beta_stderr,
                                         double* __restrict__ amplitude,
                                         index_t* __restrict__ n_points) {
    const index_t n_warps = (index_t)gridDim.x * warps_in_block();
    for (index_t i = (index_t)blockIdx.x * warps_in_block() + warp_number(); i < n_traces;
         i += n_warps) {
        const double* density = psd + i * n_freqs + first;
        double count = 0, x_sum = 0, y_sum = 0;
        for (index_t k = lane_number(); k < n_used; k += WARP) {
            if (!(density[k] > 0)) continue;
            count += 1;
            x_sum += ln_f[k];
            y_sum += log(density[k]);
        }
        count = warp_sum(count);
        const double x_mean = warp_sum(x_sum) / count, y_mean = warp_sum(y_sum) / count;

        double spread = 0, joint = 0;
        for (index_t k = lane_number(); k < n_used; k += WARP) {
            if (!(density[k] > 0)) continue;
            const double dx = ln_f[k] - x_mean;
            spread += dx * dx;
            joint += dx * (log(density[k]) - y_mean);
        }
        spread = warp_sum(spread);
        const double slope = warp_sum(joint) / spread;

        double squares = 0;
        for (index_t k = lane_number(); k < n_used; k += WARP) {
            if (!(density[k] > 0)) continue;
            const double residual = log(density[k]) - y_mean - slope * (ln_f[k] - x_mean);
            squares += residual * residual;
        }
        squares = warp_sum(squares);
        if (lane_number() == 0) {
            const bool few = count < 3;
            beta[i] = few ? CUDA_NAN : -slope;
            beta_stderr[i] = few ? CUDA_NAN : sqrt(squares / (count - 2) / spread);
            amplitude[i] = few ? CUDA_NAN : exp(y_mean - slope * x_mean);
            n_points[i] = (index_t)count;
        }
    }
}
