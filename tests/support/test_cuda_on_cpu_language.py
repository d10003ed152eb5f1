"""The harness that runs CUDA kernels on the CPU: memory, arguments, order and arithmetic."""

import math
from fractions import Fraction

import numpy as np
import pytest

from tests.support.cuda_on_cpu import build, compiled

ONE = (1, 1, 1)
SEEDS = range(6)
NO_RACE_CHECK = pytest.mark.skipif(
    "thread" in build.sanitizers(), reason="ThreadSanitizer would stop the run at this race"
)

MEMORY = compiled(
    """
#define N_HELD 7
extern "C" __global__ void untouched(float* out) {
    extern __shared__ __align__(16) unsigned char bytes[];
    __shared__ float held[N_HELD][3], one;
    __shared__ __align__(16) double2 pair[2];
    float* dynamic = (float*)bytes;
    int i = threadIdx.x;
    if (i == 0) {
        float* mine = out + 4 * blockIdx.x;
        mine[0] = dynamic[1];
        mine[1] = held[6][2];
        mine[2] = one;
        mine[3] = pair[1].y;
        dynamic[1] = held[6][2] = one = pair[1].y = 1;
    }
}
__device__ __forceinline__ float* scratch() { __shared__ float held[64]; return held; }
extern "C" __global__ void in_a_function(float* out) {
    scratch()[threadIdx.x] = threadIdx.x;
    __syncthreads();
    out[threadIdx.x] = scratch()[63 - threadIdx.x];
}
extern "C" __global__ void __launch_bounds__(64, 2) indices(unsigned* out) {
    unsigned block = (blockIdx.z * gridDim.y + blockIdx.y) * gridDim.x + blockIdx.x;
    unsigned thread = (threadIdx.z * blockDim.y + threadIdx.y) * blockDim.x + threadIdx.x;
    unsigned at = block * blockDim.x * blockDim.y * blockDim.z + thread;
    const unsigned values[] = {blockIdx.x, blockIdx.y, blockIdx.z,
                               threadIdx.x, threadIdx.y, threadIdx.z};
    for (int i = 0; i < 6; ++i) out[6 * at + i] = values[i];
}
extern "C" __global__ void scalars(double* out, float a, double b, int c, unsigned char d,
                                   long long e, bool f, const double* nothing) {
    out[0] = a; out[1] = b; out[2] = c; out[3] = d; out[4] = e; out[5] = f;
    out[6] = nothing == nullptr;
}
extern "C" __global__ void no_arguments() {}
// right in plain order only
extern "C" __global__ void next_lane(float* out) {
    extern __shared__ float held[];
    held[threadIdx.x] = threadIdx.x;
    out[threadIdx.x] = threadIdx.x ? held[threadIdx.x - 1] : -1;
}
extern "C" __global__ void next_warp(float* out) {
    __shared__ float held[64];
    if (threadIdx.x < 32) {
        for (int i = 0; i < 3; ++i) __any_sync(0xffffffffu, i);
        held[threadIdx.x] = threadIdx.x;
    } else {
        out[threadIdx.x - 32] = held[threadIdx.x - 32];
    }
}
extern "C" __global__ void next_block(float* out) {
    out[blockIdx.x] = blockIdx.x ? out[blockIdx.x - 1] + 1 : 0;
}
"""
)


def test_shared_memory_starts_as_nan_in_every_block():
    out = np.zeros((3, 4), np.float32)
    MEMORY.launch("untouched", (3, 1, 1), (32, 1, 1), [out], 8)
    assert np.isnan(out).all()


def test_shared_memory_of_a_function():
    out = np.zeros(64, np.float32)
    MEMORY.launch("in_a_function", ONE, (64, 1, 1), [out], order_seed=1)
    assert np.array_equal(out, np.arange(64)[::-1])


@pytest.mark.parametrize("seed", SEEDS)
def test_every_thread_runs_once(seed):
    grid, block = (2, 3, 5), (4, 3, 2)
    out = np.full((30, 24, 6), 999, np.uint32)
    MEMORY.launch("indices", grid, block, [out], order_seed=seed)
    for number, (z, y, x) in enumerate(np.ndindex(5, 3, 2)):
        for thread, (c, b, a) in enumerate(np.ndindex(2, 3, 4)):
            assert out[number, thread].tolist() == [x, y, z, a, b, c]


def test_arguments_by_value_and_a_null_pointer():
    out = np.zeros(7)
    values = [np.float32(0.1), np.float64(0.1), np.int32(-5), np.uint8(200), np.int64(-(2**40))]
    MEMORY.launch("scalars", ONE, ONE, [out, *values, np.bool_(True), np.uintp(0)])
    assert out.tolist() == [float(np.float32(0.1)), 0.1, -5, 200, -(2.0**40), 1, 1]
    MEMORY.launch("scalars", ONE, ONE, [out.ctypes.data, *values, np.bool_(False), 0])
    assert out[5:].tolist() == [0, 1]
    MEMORY.launch("no_arguments", ONE, ONE, [])


def test_parameters_are_known():
    assert MEMORY.parameters == {
        "untouched": ("*f4",),
        "in_a_function": ("*f4",),
        "indices": ("*u4",),
        "scalars": ("*f8", "f4", "f8", "i4", "u1", "i8", "b1", "*const f8"),
        "no_arguments": (),
        **dict.fromkeys(("next_lane", "next_warp", "next_block"), ("*f4",)),
    }


@NO_RACE_CHECK
@pytest.mark.parametrize(
    ("name", "n_blocks", "n_threads", "right"),
    [
        ("next_lane", 1, 64, np.arange(64) - 1),
        ("next_warp", 1, 64, np.arange(32)),
        ("next_block", 50, 1, np.arange(50)),
    ],
)
def test_shuffled_order_shows_a_race(name, n_blocks, n_threads, right):
    results = []
    for seed in SEEDS:
        out = np.zeros(right.size, np.float32)
        MEMORY.launch(name, (n_blocks, 1, 1), (n_threads, 1, 1), [out], 4 * n_threads, seed)
        results.append(np.array_equal(out, right))
    assert results[0], "plain order hides it"
    assert not all(results)


@NO_RACE_CHECK
def test_the_same_seed_gives_the_same_order():
    out = np.zeros((2, 64), np.float32)
    for row in out:
        MEMORY.launch("next_lane", ONE, (64, 1, 1), [row], 256, 5)
    assert np.array_equal(*out, equal_nan=True)


ARITHMETIC = compiled(
    """
extern "C" __global__ void integers(long long* out) {
    unsigned big = 3000000000u;
    out[0] = min(-1, 2);
    out[1] = max(-1, big);  // as unsigned
    out[2] = max(-1LL, 5LL);
    out[3] = min(7ull, 9ull);
    out[4] = __popc(0xf0u) + __popcll(1ull << 40);
    out[5] = __ffs(0) + 10 * __ffs(8);
    out[6] = __clz(0) + 100 * __clz(1);
    out[7] = __clzll(1);
    out[8] = abs(-3) + 10 * abs(-(1LL << 40));
    out[9] = __brev(1u);
    out[10] = __float_as_int(1.0f);
    out[11] = __ldg(out + 10);
    out[12] = warpSize;
}
extern "C" __global__ void floats(double* out, double x) {
    float f = (float)x, sine, cosine;
    double s, c;
    out[0] = rsqrt(x);
    out[1] = fmin(x, 2.0) + fmax(x, 2.0);
    out[2] = min(nan(""), x);
    out[3] = sinpi(x);
    out[4] = cospi(x);
    sincospi(x, &s, &c);
    out[5] = s * s + c * c;
    sincos(x, &s, &c);
    out[6] = s;
    out[7] = c;
    sincospif(f, &sine, &cosine);
    out[8] = sine;
    out[9] = cosine;
    out[10] = fma(x, x, -x * x);
    out[11] = __fmaf_rn(f, f, 0.0f) - f * f;
    out[12] = sqrtf(f);
    out[13] = isnan(x) + 2 * isfinite(x) + 4 * isinf(x);
    float2 pair = make_float2(1, 2);
    double2 couple = make_double2(3, 4);
    out[14] = pair.y + couple.x;
    out[15] = sizeof(double2) + 100 * alignof(double2) + 10000 * sizeof(float3);
}
"""
)


def test_integer_arithmetic():
    out = np.zeros(13, np.int64)
    ARITHMETIC.launch("integers", ONE, ONE, [out])
    expected = [-1, 2**32 - 1, 5, 7, 5, 40, 3132, 63, 3 + 10 * 2**40, 2**31]
    assert out.tolist() == [*expected, 0x3F800000, 0x3F800000, 32]


@pytest.mark.parametrize("x", [0.3, 0.5, 1.0, 1.75, 1e6 + 0.25, 123.456])
def test_floating_point_arithmetic(x):
    out = np.zeros(16)
    ARITHMETIC.launch("floats", ONE, ONE, [out, np.float64(x)])
    f = float(np.float32(x))
    turn, turn_f = math.pi * math.fmod(x, 2), math.pi * math.fmod(f, 2)
    expected = [x**-0.5, x + 2, x, math.sin(turn), math.cos(turn), 1, math.sin(x), math.cos(x)]
    expected += [math.sin(turn_f), math.cos(turn_f), out[10], 0, math.sqrt(f), 2, 5, 121616]
    # float32 results to 1e-7; π mod 2 rounds at 1e-15
    assert np.allclose(out, expected, rtol=1e-7, atol=1e-7)
    assert np.allclose(out[:8], expected[:8], rtol=1e-14, atol=1e-15)
    assert out[11] == 0
    # the error of x·x, which a fused product and sum leaves
    assert out[10] == float(Fraction(x) ** 2 - Fraction(x * x))


def test_half_turns_are_exact():
    for x, sine, cosine in ((0.5, 1, 0), (1, 0, -1), (1.5, -1, 0), (2, 0, 1), (1e15 + 0.5, 1, 0)):
        out = np.zeros(16)
        ARITHMETIC.launch("floats", ONE, ONE, [out, np.float64(x)])
        assert out[3:5].tolist() == [sine, cosine]
