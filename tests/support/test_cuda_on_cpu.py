"""The harness that runs CUDA kernels on the CPU: barriers, votes and shuffles."""

import numpy as np
import pytest

from tests.support.cuda_on_cpu import compiled

ONE = (1, 1, 1)
SEEDS = range(6)
MEETING = compiled(
    """
extern "C" __global__ void reverse(const double* x, double* out, long long n_turns) {
    extern __shared__ double held[];
    int i = threadIdx.x, n = blockDim.x;
    double value = x[i];
    for (long long turn = 0; turn < n_turns; ++turn) {
        held[i] = value;
        __syncthreads();
        value = held[n - 1 - i];
        __syncthreads();
    }
    out[i] = value;
}
extern "C" __global__ void votes(const int* yes, int* out) {
    int i = threadIdx.x;
    out[3 * i] = __syncthreads_or(yes[i]);
    out[3 * i + 1] = __syncthreads_and(yes[i]);
    out[3 * i + 2] = __syncthreads_count(yes[i]);
}
extern "C" __global__ void ballots(const int* yes, unsigned* out) {
    int i = threadIdx.x;
    out[4 * i] = __ballot_sync(0xffffffffu, yes[i]);
    out[4 * i + 1] = __any_sync(0xffffffffu, yes[i]);
    out[4 * i + 2] = __all_sync(0xffffffffu, yes[i]);
    unsigned mask = i % 32 < 16 ? 0x0000ffffu : 0xffff0000u;
    out[4 * i + 3] = __ballot_sync(mask, yes[i]);
}
extern "C" __global__ void within_a_warp(double* out) {
    __shared__ double held[64];
    int i = threadIdx.x;
    held[i] = i;
    __syncwarp();
    double other = held[i ^ 5];
    __syncwarp(0xffffffffu);
    held[i] = other;
    out[i] = held[i];
}
// as fast as it can: warps meet at one barrier after 0, 1, 2 … votes
extern "C" __global__ void uneven(int* out) {
    int warp = threadIdx.x / 32, n_votes = 0;
    for (int i = 0; i < warp; ++i) n_votes += __any_sync(0xffffffffu, 1);
    out[threadIdx.x] = __syncthreads_count(n_votes == warp);
}
""",
    ("-std=c++17", "-arch=sm_90"),
)

SHUFFLE_TYPES = {
    "int": "i4",
    "unsigned": "u4",
    "long": "i8",
    "unsigned long": "u8",
    "long long": "i8",
    "unsigned long long": "u8",
    "float": "f4",
    "double": "f8",
}
SHUFFLES = compiled(
    "\n".join(
        f"""extern "C" __global__ void shuffle_{number}(
            const {kind}* x, {kind}* out, long long by, long long width) {{
            int i = threadIdx.x;
            unsigned all = 0xffffffffu;
            out[4 * i] = __shfl_sync(all, x[i], by, width);
            out[4 * i + 1] = __shfl_up_sync(all, x[i], by, width);
            out[4 * i + 2] = __shfl_down_sync(all, x[i], by, width);
            out[4 * i + 3] = __shfl_xor_sync(all, x[i], by, width);
        }}"""
        for number, kind in enumerate(SHUFFLE_TYPES)
    )
    + """
extern "C" __global__ void whole_warp(const float* x, float* out) {
    int i = threadIdx.x;
    out[3 * i] = __shfl_up_sync(0xffffffffu, x[i], 1);
    out[3 * i + 1] = __shfl_down_sync(0xffffffffu, x[i], 31);
    out[3 * i + 2] = __shfl_sync(0xffffffffu, (float)__shfl_xor_sync(0xffffffffu, x[i], 16), 33);
}"""
)


def shuffled(values, by, width):
    """What the four shuffles give, by the CUDA Programming Guide's table."""
    out = np.empty((len(values), 4), values.dtype)
    for i in range(len(values)):
        first = i // width * width
        out[i, 0] = values[first + by % width]
        out[i, 1] = values[i - by if i - by >= first else i]
        out[i, 2] = values[i + by if i + by < first + width else i]
        out[i, 3] = values[i ^ by if i ^ by < first + width else i]
    return out


@pytest.mark.parametrize("n_threads", [1, 31, 32, 96, 1024])
def test_barriers_and_dynamic_shared_memory(n_threads):
    x = np.random.default_rng(1).normal(size=n_threads)
    for seed in SEEDS:
        for n_turns in (1, 2, 5):
            out = np.full(n_threads, np.nan)
            MEETING.launch(
                "reverse", ONE, (n_threads, 1, 1), [x, out, np.int64(n_turns)], 8 * n_threads, seed
            )
            assert np.array_equal(out, x[::-1] if n_turns % 2 else x)


@pytest.mark.parametrize("yes", [np.zeros(64), np.ones(64), np.arange(64) == 40])
def test_votes_of_a_block(yes):
    out = np.full((64, 3), -1, np.int32)
    MEETING.launch("votes", ONE, (64, 1, 1), [yes.astype(np.int32), out], order_seed=3)
    assert np.array_equal(out, [[yes.any(), yes.all(), yes.sum()]] * 64)


@pytest.mark.parametrize("seed", SEEDS)
def test_votes_of_a_warp(seed):
    yes = (np.random.default_rng(2).random(64) < 0.3).astype(np.int32)
    yes[32:] = 7  # any number but 0 is a yes
    out = np.zeros((64, 4), np.uint32)
    MEETING.launch("ballots", ONE, (64, 1, 1), [yes, out], order_seed=seed)
    for warp in (0, 1):
        bits = sum(1 << lane for lane in range(32) if yes[32 * warp + lane])
        for lane in range(32):
            half = 0x0000FFFF if lane < 16 else 0xFFFF0000
            expected = [bits, bits != 0, bits == 0xFFFFFFFF, bits & half]
            assert out[32 * warp + lane].tolist() == expected


@pytest.mark.parametrize("seed", SEEDS)
def test_syncwarp(seed):
    out = np.zeros(64)
    MEETING.launch("within_a_warp", ONE, (64, 1, 1), [out], order_seed=seed)
    assert np.array_equal(out, np.arange(64) ^ 5)


@pytest.mark.parametrize("seed", SEEDS)
def test_warps_need_not_keep_step(seed):
    out = np.zeros(256, np.int32)
    MEETING.launch("uneven", ONE, (256, 1, 1), [out], order_seed=seed)
    assert np.array_equal(out, np.full(256, 256))


@pytest.mark.parametrize("number", range(len(SHUFFLE_TYPES)))
def test_shuffles(number):
    dtype = list(SHUFFLE_TYPES.values())[number]
    # every byte counts
    x = (np.random.default_rng(number).integers(1, 2**62, 64) | 1).astype(dtype)
    for width in (1, 2, 4, 8, 16, 32):
        for by in (0, 1, 2, 3, 7, 16, 31):
            for seed in (0, 1):
                out = np.zeros((64, 4), dtype)
                SHUFFLES.launch(
                    f"shuffle_{number}",
                    *(ONE, (64, 1, 1), [x, out, np.int64(by), np.int64(width)], 0, seed),
                )
                assert np.array_equal(out, shuffled(x, by, width)), (width, by)


def test_shuffles_of_the_whole_warp():
    x = np.arange(32, dtype=np.float32)
    out = np.zeros((32, 3), np.float32)
    SHUFFLES.launch("whole_warp", ONE, (32, 1, 1), [x, out])
    assert out[:, 0].tolist() == [0, *range(31)]
    assert out[:, 1].tolist() == [31, *range(1, 32)]
    assert out[:, 2].tolist() == [17] * 32
