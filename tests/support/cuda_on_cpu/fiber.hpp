// Stacks to run CUDA threads on, and the switch from one to another.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#if !defined(__x86_64__) && !defined(CUDA_ON_CPU_UCONTEXT)
#define CUDA_ON_CPU_UCONTEXT
#endif
#ifdef CUDA_ON_CPU_UCONTEXT
#include <ucontext.h>
#endif
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

namespace cuda_on_cpu {

constexpr size_t NO_MANS_BYTES = 64 << 10;  // below a stack, never to be touched
#ifdef CUDA_ON_CPU_SANITIZED
constexpr size_t STACK_BYTES = 256 << 10;  // red zones around local arrays, calls of the checks
#else
constexpr size_t STACK_BYTES = 64 << 10;
#endif

// Where stacks are switched: inlined, but by ThreadSanitizer, which must not see it.
#ifdef __SANITIZE_THREAD__
#define SWITCHES __attribute__((no_sanitize("thread"), noinline))
#else
#define SWITCHES __attribute__((always_inline))
#endif

struct Stack {
    char* bottom;
    size_t n_bytes;
    void* pointer;  // while it sleeps
    void* fake;     // AddressSanitizer's own
#ifdef CUDA_ON_CPU_UCONTEXT
    ucontext_t context;
#endif
};

#ifndef CUDA_ON_CPU_UCONTEXT
// In the text of its caller, and a jump instead of a return: the processor predicts returns from its
// own record of calls, which another stack makes wrong. The compiler keeps what it needs of the other
// registers; 128 bytes below its stack may be in use.
[[gnu::always_inline]] inline void swap(void** keep, void* other) {
    asm volatile(
        "leaq -128(%%rsp), %%rsp\n"
        "pushq %%rbp\n"
        "pushq %%rbx\n"
        "leaq 1f(%%rip), %%rax\n"
        "pushq %%rax\n"
        "movq %%rsp, (%0)\n"
        "movq %1, %%rsp\n"
        "popq %%rax\n"
        "jmp *%%rax\n"
        "1:\n"
        "popq %%rbx\n"
        "popq %%rbp\n"
        "leaq 128(%%rsp), %%rsp\n"
        : "+D"(keep), "+S"(other)
        :
        : "rax", "rcx", "rdx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "xmm0", "xmm1",
          "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12",
          "xmm13", "xmm14", "xmm15", "memory", "cc");
}
#endif

// Reserve the memory of a stack.
inline void reserve(Stack& stack, unsigned number) {
    void* memory = mmap(nullptr, NO_MANS_BYTES + STACK_BYTES, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) abort();
    mprotect(memory, NO_MANS_BYTES, PROT_NONE);
    stack.bottom = static_cast<char*>(memory) + NO_MANS_BYTES;
    // stacks that all end at the same place of a page would share a few sets of the cache
    stack.n_bytes = STACK_BYTES - number % 32 * 128;
}

// Make the stack start in `entry` when it is switched to.
[[gnu::no_sanitize_thread]] inline void prepare(Stack& stack, void (*entry)()) {
#ifdef __SANITIZE_ADDRESS__
    __asan_unpoison_memory_region(stack.bottom, stack.n_bytes);
    stack.fake = nullptr;
#endif
#ifdef CUDA_ON_CPU_UCONTEXT
    getcontext(&stack.context);
    stack.context.uc_stack.ss_sp = stack.bottom;
    stack.context.uc_stack.ss_size = stack.n_bytes;
    stack.context.uc_link = nullptr;
    makecontext(&stack.context, entry, 0);
#else
    void** top = reinterpret_cast<void**>(stack.bottom + stack.n_bytes);
    *--top = nullptr;  // nobody to return to
    *--top = reinterpret_cast<void*>(entry);
    stack.pointer = top;
#endif
}

// Sleep on one stack and wake up the other; returns when somebody wakes up `from`.
SWITCHES inline void switch_stack(Stack& from, Stack& to, bool for_good) {
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_start_switch_fiber(for_good ? nullptr : &from.fake, to.bottom, to.n_bytes);
#else
    (void)for_good;
#endif
#ifdef CUDA_ON_CPU_UCONTEXT
    swapcontext(&from.context, &to.context);
#else
    swap(&from.pointer, to.pointer);
#endif
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_finish_switch_fiber(from.fake, nullptr, nullptr);
#endif
}

// To be called first on a new stack; tells AddressSanitizer and learns where we came from.
inline void arrived(Stack& caller) {
#ifdef __SANITIZE_ADDRESS__
    const void* bottom;
    size_t n_bytes;
    __sanitizer_finish_switch_fiber(nullptr, &bottom, &n_bytes);
    if (!caller.bottom) {
        caller.bottom = static_cast<char*>(const_cast<void*>(bottom));
        caller.n_bytes = n_bytes;
    }
#else
    (void)caller;
#endif
}

}  // namespace cuda_on_cpu
