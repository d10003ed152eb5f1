// A thread that touches memory where nothing is, or divides an integer by zero, ends its launch; the
// process lives on. The sanitizers tell more and do it themselves.
#pragma once

#include <pthread.h>
#include <signal.h>

#include "block.hpp"

namespace cuda_on_cpu {

#ifdef CUDA_ON_CPU_SANITIZED
struct Signals {};
#else
static pthread_t launching;
static struct sigaction previous[3];
constexpr int SIGNALS[3] = {SIGSEGV, SIGBUS, SIGFPE};

inline void on_signal(int number, siginfo_t* info, void*) {
    if (!pthread_equal(launching, pthread_self())) {  // not ours: let it happen again
        for (int i = 0; i < 3; ++i) sigaction(SIGNALS[i], &previous[i], nullptr);
        return;
    }
    const char* address = static_cast<const char*>(info->si_addr);
    const char* bottom = current->stack ? current->stack->bottom : nullptr;
    say_block();
    say("thread %u ", number_of(current));
    if (number == SIGFPE) {
        say("divided an integer by zero");
    } else if (address < bottom && address >= bottom - NO_MANS_BYTES) {
        say("needs more than %zu bytes of stack", STACK_BYTES);
    } else {
        say("touched an address where it may not: %p", static_cast<const void*>(address));
    }
    leave();
}

// In force as long as it lives.
struct Signals {
    stack_t before;
    static char* own_stack() {
        static char memory[64 << 10];  // a fiber's may be full
        return memory;
    }
    Signals() {
        launching = pthread_self();
        stack_t mine{};
        mine.ss_sp = own_stack();
        mine.ss_size = 64 << 10;
        sigaltstack(&mine, &before);
        struct sigaction action{};
        action.sa_sigaction = on_signal;
        action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
        for (int i = 0; i < 3; ++i) sigaction(SIGNALS[i], &action, &previous[i]);
    }
    ~Signals() {
        for (int i = 0; i < 3; ++i) sigaction(SIGNALS[i], &previous[i], nullptr);
        sigaltstack(&before, nullptr);
    }
};
#endif

}  // namespace cuda_on_cpu
