// Everything but the text of the kernels: compiled once, linked with each of them. Below: what Python
// calls.

#include "launch.hpp"

#define CUDA_ON_CPU_EXPORT extern "C" __attribute__((visibility("default")))

CUDA_ON_CPU_EXPORT void cuda_on_cpu_describe(int which, char* text, size_t capacity) {
    cuda_on_cpu::kernels[which].describe(text, capacity);
}

CUDA_ON_CPU_EXPORT unsigned cuda_on_cpu_max_threads(int which) {
    return cuda_on_cpu::kernels[which].max_threads;
}

CUDA_ON_CPU_EXPORT size_t cuda_on_cpu_static_shared_bytes() {
    return cuda_on_cpu::static_shared_bytes();
}

CUDA_ON_CPU_EXPORT size_t cuda_on_cpu_process_bytes() { return sizeof(cuda_on_cpu::Process); }

CUDA_ON_CPU_EXPORT void cuda_on_cpu_launch(int which, const cuda_on_cpu::Launch* launch,
                                           void** args) {
    using namespace cuda_on_cpu;
    process = launch->process;
    message = launch->message;
    message_capacity = launch->message_capacity;
    running = &kernels[which];
    running_args = args;
    kernel_call = launch_one;
    run_launch(*launch);
}
