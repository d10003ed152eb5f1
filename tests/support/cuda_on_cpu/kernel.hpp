// From the C++ type of a kernel to a call with arguments that only the run knows.
#pragma once

#include <stdio.h>

#include <type_traits>

#include "contract.hpp"

namespace cuda_on_cpu {

// Between braces the arguments are taken from left to right.
template <class... A>
struct Call {
    Call(void (*function)(A...), A... args) { function(args...); }
};

template <class... A>
void call(void (*function)(), void** args) {
    (void)args;
    Call<A...>{reinterpret_cast<void (*)(A...)>(function),
               *static_cast<std::remove_const_t<A>*>(*args++)...};
}

// NumPy's letter and size, e.g. i8; before it "*" for a pointer, "*const " where it is only read.
template <class T>
void describe_one(char* text, size_t capacity) {
    using P = std::remove_pointer_t<T>;
    using V = std::remove_cv_t<P>;
    char letter = 'V';
    size_t size = 0;
    if constexpr (std::is_same_v<V, bool>) letter = 'b';
    else if constexpr (std::is_floating_point_v<V>) letter = 'f';
    else if constexpr (std::is_integral_v<V>) letter = std::is_signed_v<V> ? 'i' : 'u';
    if constexpr (!std::is_void_v<V>) size = sizeof(V);
    const char* mark = std::is_pointer_v<T> ? std::is_const_v<P> ? "*const " : "*" : "";
    size_t used = strlen(text);
    snprintf(text + used, capacity - used, "%s%s%c%zu", used ? "," : "", mark, letter, size);
}

template <class... A>
void describe(char* text, size_t capacity) {
    (void)capacity;
    text[0] = 0;
    (describe_one<A>(text, capacity), ...);
}

template <class... A>
constexpr Kernel kernel(void (*function)(A...), unsigned max_threads) {
    return {reinterpret_cast<void (*)()>(function), call<A...>, describe<A...>, max_threads};
}

}  // namespace cuda_on_cpu
