"""Where the work is done: device, kernels, threads, memory and transfers."""
