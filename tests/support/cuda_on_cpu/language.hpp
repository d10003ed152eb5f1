// What CUDA C++ has beyond C++: keywords, built-in variables, vectors, intrinsics, mathematics.
// Included inside an unnamed namespace, where its names hide those of the C library. There are no
// atomics on purpose.

#define __global__
#define __device__
#define __host__
#define __constant__
#define __managed__
#define __launch_bounds__(...)
#define __forceinline__ inline __attribute__((always_inline))
#define __noinline__ __attribute__((noinline))
#define __align__(n) __attribute__((aligned(n)))
// of a block, one after another; `used`: the poison is written behind the compiler's back
#define __shared__ static __attribute__((section("cuda_shared"), used))

typedef ::cuda_on_cpu::Index uint3;
typedef ::cuda_on_cpu::Index dim3;
const uint3& threadIdx = ::cuda_on_cpu::thread_index;
const uint3& blockIdx = ::cuda_on_cpu::block_index;
const dim3& blockDim = ::cuda_on_cpu::block_dim;
const dim3& gridDim = ::cuda_on_cpu::grid_dim;
constexpr int warpSize = ::cuda_on_cpu::LANES;

// --- vectors ------------------------------------------------------------------------------------

#define CUDA_VECTORS(T, NAME)                                                                   \
    struct __align__(2 * sizeof(T)) NAME##2 { T x, y; };                                        \
    struct __align__(4 * sizeof(T) < 16 ? 4 * sizeof(T) : 16) NAME##4 { T x, y, z, w; };        \
    inline NAME##2 make_##NAME##2(T x, T y) { return {x, y}; }                                  \
    inline NAME##3 make_##NAME##3(T x, T y, T z) { return {x, y, z}; }                          \
    inline NAME##4 make_##NAME##4(T x, T y, T z, T w) { return {x, y, z, w}; }
#define CUDA_VECTORS_WITH_3(T, NAME)     \
    struct NAME##3 { T x, y, z; };       \
    CUDA_VECTORS(T, NAME)
CUDA_VECTORS_WITH_3(signed char, char)
CUDA_VECTORS_WITH_3(unsigned char, uchar)
CUDA_VECTORS_WITH_3(short, short)
CUDA_VECTORS_WITH_3(unsigned short, ushort)
CUDA_VECTORS_WITH_3(int, int)
CUDA_VECTORS(unsigned, uint)
CUDA_VECTORS_WITH_3(long long, longlong)
CUDA_VECTORS_WITH_3(unsigned long long, ulonglong)
CUDA_VECTORS_WITH_3(float, float)
CUDA_VECTORS_WITH_3(double, double)
#undef CUDA_VECTORS_WITH_3
#undef CUDA_VECTORS

// --- barriers, votes, shuffles ------------------------------------------------------------------

#define CUDA_SITE(KIND, OPERATION)                                                               \
    __extension__({                                                                              \
        static constexpr ::cuda_on_cpu::Site site{::cuda_on_cpu::Kind::KIND, OPERATION, __FILE__, \
                                                  __LINE__};                                     \
        &site;                                                                                   \
    })
#define __syncthreads() ((void)::cuda_on_cpu::meet_block(CUDA_SITE(BARRIER, "__syncthreads"), false))
#define __syncthreads_count(...) \
    int(::cuda_on_cpu::meet_block(CUDA_SITE(BARRIER, "__syncthreads_count"), (__VA_ARGS__) != 0))
#define __syncthreads_or(...) \
    int(::cuda_on_cpu::meet_block(CUDA_SITE(BARRIER, "__syncthreads_or"), (__VA_ARGS__) != 0) > 0)
#define __syncthreads_and(...)                                                                  \
    int(::cuda_on_cpu::meet_block(CUDA_SITE(BARRIER, "__syncthreads_and"), (__VA_ARGS__) != 0) == \
        blockDim.x * blockDim.y * blockDim.z)
#define __syncwarp(...) cuda_syncwarp(CUDA_SITE(SYNC, "__syncwarp") __VA_OPT__(,) __VA_ARGS__)
#define __ballot_sync(...) cuda_ballot(CUDA_SITE(VOTE, "__ballot_sync"), __VA_ARGS__)
#define __any_sync(...) cuda_any(CUDA_SITE(VOTE, "__any_sync"), __VA_ARGS__)
#define __all_sync(...) cuda_all(CUDA_SITE(VOTE, "__all_sync"), __VA_ARGS__)
#define __shfl_sync(...) cuda_shfl(CUDA_SITE(SHUFFLE, "__shfl_sync"), __VA_ARGS__)
#define __shfl_up_sync(...) cuda_shfl_up(CUDA_SITE(SHUFFLE, "__shfl_up_sync"), __VA_ARGS__)
#define __shfl_down_sync(...) cuda_shfl_down(CUDA_SITE(SHUFFLE, "__shfl_down_sync"), __VA_ARGS__)
#define __shfl_xor_sync(...) cuda_shfl_xor(CUDA_SITE(SHUFFLE, "__shfl_xor_sync"), __VA_ARGS__)

typedef const ::cuda_on_cpu::Site* cuda_site;

inline unsigned cuda_vote(cuda_site site, unsigned mask, bool vote) {
    return unsigned(::cuda_on_cpu::meet_warp(site, mask, vote, ::cuda_on_cpu::lane()));
}
inline void cuda_syncwarp(cuda_site site, unsigned mask = ~0u) { cuda_vote(site, mask, false); }
inline unsigned cuda_ballot(cuda_site site, unsigned mask, int vote) {
    return cuda_vote(site, mask, vote);
}
inline int cuda_any(cuda_site site, unsigned mask, int vote) { return cuda_vote(site, mask, vote) != 0; }
inline int cuda_all(cuda_site site, unsigned mask, int vote) {
    return cuda_vote(site, mask, vote) == mask;
}

// Lane to read from: `candidate` if it lies in this lane's group of `width` lanes, else itself.
template <class T>
inline T cuda_shuffle(cuda_site site, unsigned mask, T value, unsigned source) {
    uint64_t bits = 0;
    memcpy(&bits, &value, sizeof value);
    bits = ::cuda_on_cpu::meet_warp(site, mask, bits, source);
    memcpy(&value, &bits, sizeof value);
    return value;
}
inline unsigned cuda_group(cuda_site site, int width) {
    if (width < 1 || width > warpSize || (width & (width - 1))) {
        ::cuda_on_cpu::fault_at(site, "the width must be 1, 2, 4, 8, 16 or 32");
    }
    return ::cuda_on_cpu::lane() & ~unsigned(width - 1);  // its first lane
}

#define CUDA_SHUFFLES(T)                                                                         \
    inline T cuda_shfl(cuda_site site, unsigned mask, T value, int source, int width = 32) {     \
        unsigned first = cuda_group(site, width);                                                \
        return cuda_shuffle(site, mask, value, first + (unsigned(source) & unsigned(width - 1))); \
    }                                                                                            \
    inline T cuda_shfl_up(cuda_site site, unsigned mask, T value, unsigned delta, int width = 32) { \
        unsigned first = cuda_group(site, width), lane = ::cuda_on_cpu::lane();                            \
        return cuda_shuffle(site, mask, value, lane - first < delta ? lane : lane - delta);      \
    }                                                                                            \
    inline T cuda_shfl_down(cuda_site site, unsigned mask, T value, unsigned delta,              \
                            int width = 32) {                                                    \
        unsigned end = cuda_group(site, width) + unsigned(width), lane = ::cuda_on_cpu::lane();            \
        return cuda_shuffle(site, mask, value, end - lane <= delta ? lane : lane + delta);       \
    }                                                                                            \
    inline T cuda_shfl_xor(cuda_site site, unsigned mask, T value, int bits, int width = 32) {   \
        unsigned end = cuda_group(site, width) + unsigned(width), lane = ::cuda_on_cpu::lane();            \
        unsigned source = lane ^ unsigned(bits);                                                 \
        return cuda_shuffle(site, mask, value, source < end ? source : lane);                    \
    }
CUDA_SHUFFLES(int)
CUDA_SHUFFLES(unsigned)
CUDA_SHUFFLES(long)
CUDA_SHUFFLES(unsigned long)
CUDA_SHUFFLES(long long)
CUDA_SHUFFLES(unsigned long long)
CUDA_SHUFFLES(float)
CUDA_SHUFFLES(double)
#undef CUDA_SHUFFLES

[[noreturn]] inline void __trap() {
    static constexpr ::cuda_on_cpu::Site site{::cuda_on_cpu::Kind::VOTE, "__trap", "", 0};
    ::cuda_on_cpu::fault_at(&site, "the kernel stopped itself");
}

// --- bits ---------------------------------------------------------------------------------------

inline int __popc(unsigned x) { return __builtin_popcount(x); }
inline int __popcll(unsigned long long x) { return __builtin_popcountll(x); }
inline int __ffs(int x) { return __builtin_ffs(x); }
inline int __ffsll(long long x) { return __builtin_ffsll(x); }
inline int __clz(int x) { return x ? __builtin_clz(unsigned(x)) : 32; }
inline int __clzll(long long x) { return x ? __builtin_clzll((unsigned long long)x) : 64; }
inline unsigned __brev(unsigned x) {
    unsigned reversed = 0;
    for (int bit = 0; bit < 32; ++bit) reversed |= (x >> bit & 1u) << (31 - bit);
    return reversed;
}
inline unsigned __umulhi(unsigned x, unsigned y) { return unsigned((unsigned long long)x * y >> 32); }
inline unsigned long long __umul64hi(unsigned long long x, unsigned long long y) {
    return (unsigned long long)((unsigned __int128)x * y >> 64);
}

template <class To, class From>
inline To cuda_same_bits(From from) {
    static_assert(sizeof(To) == sizeof(From));
    To to;
    memcpy(&to, &from, sizeof to);
    return to;
}
inline int __float_as_int(float x) { return cuda_same_bits<int>(x); }
inline unsigned __float_as_uint(float x) { return cuda_same_bits<unsigned>(x); }
inline float __int_as_float(int x) { return cuda_same_bits<float>(x); }
inline float __uint_as_float(unsigned x) { return cuda_same_bits<float>(x); }
inline long long __double_as_longlong(double x) { return cuda_same_bits<long long>(x); }
inline double __longlong_as_double(long long x) { return cuda_same_bits<double>(x); }

// loads and stores with a hint for the cache
template <class T> inline T __ldg(const T* place) { return *place; }
template <class T> inline T __ldca(const T* place) { return *place; }
template <class T> inline T __ldcg(const T* place) { return *place; }
template <class T> inline T __ldcs(const T* place) { return *place; }
template <class T> inline void __stcg(T* place, T value) { *place = value; }
template <class T> inline void __stcs(T* place, T value) { *place = value; }
inline void __threadfence_block() {}
inline void __threadfence() {}

// --- mathematics --------------------------------------------------------------------------------

// CUDA has no overload for every pair: what is ambiguous there is here
#define CUDA_MIN_MAX(R, A, B)                                            \
    inline R min(A x, B y) { R a = (R)x, b = (R)y; return b < a ? b : a; } \
    inline R max(A x, B y) { R a = (R)x, b = (R)y; return a < b ? b : a; }
#define CUDA_MIN_MAX_UNSIGNED(T)                     \
    CUDA_MIN_MAX(T, T, T)                            \
    CUDA_MIN_MAX(unsigned T, unsigned T, unsigned T) \
    CUDA_MIN_MAX(unsigned T, T, unsigned T)          \
    CUDA_MIN_MAX(unsigned T, unsigned T, T)
CUDA_MIN_MAX_UNSIGNED(int)
CUDA_MIN_MAX_UNSIGNED(long)
CUDA_MIN_MAX_UNSIGNED(long long)
#undef CUDA_MIN_MAX_UNSIGNED
#undef CUDA_MIN_MAX
inline float min(float a, float b) { return ::fminf(a, b); }
inline float max(float a, float b) { return ::fmaxf(a, b); }
inline double min(double a, double b) { return ::fmin(a, b); }
inline double max(double a, double b) { return ::fmax(a, b); }
inline double min(float a, double b) { return ::fmin(double(a), b); }
inline double max(float a, double b) { return ::fmax(double(a), b); }
inline double min(double a, float b) { return ::fmin(a, double(b)); }
inline double max(double a, float b) { return ::fmax(a, double(b)); }

inline double rsqrt(double x) { return 1 / ::sqrt(x); }
inline float rsqrtf(float x) { return 1 / ::sqrtf(x); }
inline float rsqrt(float x) { return rsqrtf(x); }

inline void sincos(double x, double* sine, double* cosine) { ::sincos(x, sine, cosine); }
inline void sincosf(float x, float* sine, float* cosine) { ::sincosf(x, sine, cosine); }
inline void sincos(float x, float* sine, float* cosine) { ::sincosf(x, sine, cosine); }

// sin and cos of πx: exact where x is a multiple of 1/2
inline void sincospi(double x, double* sine, double* cosine) {
    double quarters = ::rint(2 * x);  // exact: so is the rest of x
    double s, c, rest = ::fma(-0.5, quarters, x) * 3.141592653589793;
    ::sincos(rest, &s, &c);
    switch (int(::fmod(quarters, 4)) & 3) {
        case 0: *sine = s, *cosine = c; break;
        case 1: *sine = c, *cosine = -s; break;
        case 2: *sine = -s, *cosine = -c; break;
        default: *sine = -c, *cosine = s;
    }
}
inline double sinpi(double x) {
    double sine, cosine;
    sincospi(x, &sine, &cosine);
    return sine;
}
inline double cospi(double x) {
    double sine, cosine;
    sincospi(x, &sine, &cosine);
    return cosine;
}
inline void sincospif(float x, float* sine, float* cosine) {
    double s, c;
    sincospi(double(x), &s, &c);
    *sine = float(s);
    *cosine = float(c);
}
inline void sincospi(float x, float* sine, float* cosine) { sincospif(x, sine, cosine); }
inline float sinpif(float x) { return float(sinpi(double(x))); }
inline float cospif(float x) { return float(cospi(double(x))); }
inline float sinpi(float x) { return sinpif(x); }
inline float cospi(float x) { return cospif(x); }

// one rounding each, whatever the compiler would fuse
inline float __fmaf_rn(float x, float y, float z) { return ::fmaf(x, y, z); }
inline double __fma_rn(double x, double y, double z) { return ::fma(x, y, z); }
inline float __fadd_rn(float x, float y) { return x + y; }
inline float __fsub_rn(float x, float y) { return x - y; }
inline float __fmul_rn(float x, float y) { return x * y; }
inline float __fdiv_rn(float x, float y) { return x / y; }
inline float __fsqrt_rn(float x) { return ::sqrtf(x); }
inline float __frcp_rn(float x) { return 1 / x; }
inline double __dadd_rn(double x, double y) { return x + y; }
inline double __dsub_rn(double x, double y) { return x - y; }
inline double __dmul_rn(double x, double y) { return x * y; }
inline double __ddiv_rn(double x, double y) { return x / y; }
inline double __dsqrt_rn(double x) { return ::sqrt(x); }
inline double __drcp_rn(double x) { return 1 / x; }
inline int __double2int_rn(double x) { return int(::rint(x)); }
inline long long __double2ll_rn(double x) { return (long long)(::rint(x)); }
inline int __float2int_rn(float x) { return int(::rintf(x)); }
inline float __double2float_rn(double x) { return float(x); }

// the fast ones are exact here
inline float __fdividef(float x, float y) { return x / y; }
inline float __expf(float x) { return ::expf(x); }
inline float __logf(float x) { return ::logf(x); }
inline float __sinf(float x) { return ::sinf(x); }
inline float __cosf(float x) { return ::cosf(x); }
inline float __powf(float x, float y) { return ::powf(x, y); }
