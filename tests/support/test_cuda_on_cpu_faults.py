"""What the harness for kernels refuses: deadlocks, divergence, bad memory, launches and texts."""

import os
import re
import shutil
import time

import numpy as np
import pytest

from tests.support.cuda_on_cpu import CompileError, KernelFault, build, compiled

ONE = (1, 1, 1)
WARPS = (64, 1, 1)
UNCHECKED = pytest.mark.skipif(
    bool(build.sanitizers()), reason="the sanitizer would stop the run at this fault"
)

TEXT = """#line 1 "planted.cu"
extern "C" __global__ void returns_early(int* out) {
    if (threadIdx.x >= 40) return;
    __syncthreads();
    out[threadIdx.x] = 1;
}
extern "C" __global__ void waits_in_two_ways(int* out) {
    if (threadIdx.x < 32 || threadIdx.x == 63) __syncthreads();
    else __ballot_sync(0xffffffffu, 1);
    out[threadIdx.x] = 1;
}
extern "C" __global__ void two_barriers(int* out) {
    if (threadIdx.x == 5) {
        __syncthreads();
    } else {
        __syncthreads();
    }
    out[threadIdx.x] = 1;
}
extern "C" __global__ void two_shuffles(int* out) {
    int value = threadIdx.x;
    if (threadIdx.x % 2) value = __shfl_xor_sync(0xffffffffu, value, 1);
    else value = __shfl_down_sync(0xffffffffu, value, 1);
    out[threadIdx.x] = value;
}
extern "C" __global__ void two_masks(int* out) {
    unsigned mask = threadIdx.x == 3 ? 0x0000ffffu : 0xffffffffu;
    out[threadIdx.x] = __any_sync(mask, 1);
}
extern "C" __global__ void lane_is_gone(int* out) {
    if (threadIdx.x == 7) return;
    out[threadIdx.x] = __shfl_sync(0xffffffffu, 1, 0);
}
extern "C" __global__ void not_in_its_mask(int* out) {
    out[threadIdx.x] = __shfl_sync(1u, 1, 0);
}
extern "C" __global__ void source_outside(int* out) {
    if (threadIdx.x < 16) out[threadIdx.x] = __shfl_down_sync(0xffffu, 1, 8);
}
extern "C" __global__ void odd_width(int* out, long long width) {
    out[threadIdx.x] = __shfl_sync(0xffffffffu, 1, 0, width);
}
extern "C" __global__ void stops_itself(int* out) {
    if (threadIdx.x == 2) __trap();
    out[threadIdx.x] = 1;
}
extern "C" __global__ void writes_behind(double* out, long long at) {
    extern __shared__ double held[];
    held[at] = 1;
    out[0] = held[0];
}
extern "C" __global__ void touches(double* out, const double* x, long long at) {
    if (threadIdx.x == 3) out[0] = x[at];
}
__device__ __noinline__ double deep(const double* x, long long n) {
    volatile double held[1000];
    held[n % 1000] = x[0];
    return n ? deep(x, n - 1) + held[n % 1000] : 0;
}
extern "C" __global__ void recurs(double* out, long long n) { out[0] = deep(out, n); }
extern "C" __global__ void __launch_bounds__(2 * (16)) bounded(double* out) { out[0] = 1; }
extern "C" __global__ void works(double* out) { __syncthreads(); out[threadIdx.x] = 1; }
"""
PLANTED = compiled(TEXT)


def line(text):
    """Number of the planted line that has this text."""
    return next(n for n, line in enumerate(TEXT.splitlines()) if text in line)


def fault(name, *args, block=WARPS, seed=0, **options):
    """The message of a kernel's fault; other kernels of the library run as before."""
    out = np.zeros(1024, np.int32)
    with pytest.raises(KernelFault) as caught:
        PLANTED.launch(name, (2, 1, 1), block, [out, *args], order_seed=seed, **options)
    assert not out.any()
    good = np.zeros(64)
    PLANTED.launch("works", (2, 1, 1), WARPS, [good], order_seed=seed)
    assert good.all()
    return str(caught.value)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_deadlock(seed):
    message = fault("returns_early", seed=seed)
    assert re.fullmatch(
        r"returns_early: block \([01], 0, 0\): no thread can go on: 40 wait for __syncthreads at "
        r"planted\.cu:3, 24 of 64 have returned",
        message,
    )


def test_deadlock_of_block_and_warp():
    assert fault("waits_in_two_ways").endswith(
        "no thread can go on: 33 wait for __syncthreads at planted.cu:7, "
        "31 wait for __ballot_sync at planted.cu:8, 0 of 64 have returned"
    )


@pytest.mark.parametrize("seed", range(4))
def test_divergent_barriers(seed):
    message = fault("two_barriers", seed=seed)
    first = line("threadIdx.x == 5") + 1
    assert f"planted.cu:{first}" in message
    assert f"planted.cu:{first + 2}" in message
    assert "thread 5 " in message


@pytest.mark.parametrize("seed", range(4))
def test_divergent_shuffles(seed):
    message = fault("two_shuffles", seed=seed)
    assert f"__shfl_xor_sync at planted.cu:{line('__shfl_xor_sync')}" in message
    assert f"__shfl_down_sync at planted.cu:{line('else value')}" in message


def test_masks_that_differ():
    message = fault("two_masks")
    assert "thread 3 came to __any_sync" in message
    assert "with mask 0x0000ffff instead of 0xffffffff" in message


@pytest.mark.parametrize("seed", range(4))
def test_a_lane_that_has_returned(seed):
    message = fault("lane_is_gone", seed=seed)
    assert "thread 7 returned, but thread" in message or "has returned or never was" in message
    assert "planted.cu" in message


@pytest.mark.parametrize(
    ("name", "args", "block", "expected"),
    [
        ("not_in_its_mask", [], (32, 1, 1), "thread 1 at .*: the lane is not in its own mask"),
        ("source_outside", [], (32, 1, 1), "thread 8 at .*: the source lane is not in the mask"),
        ("odd_width", [np.int64(12)], (32, 1, 1), "the width must be 1, 2, 4, 8, 16 or 32"),
        ("odd_width", [np.int64(64)], (32, 1, 1), "the width must be"),
        ("odd_width", [np.int64(32)], (40, 1, 1), "a lane that has returned or never was"),
        ("stops_itself", [], (32, 1, 1), "thread 2 at __trap.*the kernel stopped itself"),
    ],
)
def test_warp_operations_that_cuda_leaves_undefined(name, args, block, expected):
    assert re.search(expected, fault_of_32(name, args, block))


def fault_of_32(name, args, block):
    with pytest.raises(KernelFault) as caught:
        PLANTED.launch(name, ONE, block, [np.zeros(64, np.int32), *args])
    return str(caught.value)


@UNCHECKED
@pytest.mark.parametrize(("at", "where"), [(4, "behind"), (400, "behind"), (-1, "before")])
def test_a_write_beside_dynamic_shared_memory(at, where):
    out = np.zeros(1)
    with pytest.raises(KernelFault, match=f"written {where} its 32 bytes of dynamic shared memory"):
        PLANTED.launch("writes_behind", ONE, ONE, [out, np.int64(at)], 32)
    PLANTED.launch("writes_behind", ONE, ONE, [out, np.int64(3)], 32)


@UNCHECKED
@pytest.mark.parametrize("at", [0, 5, 1 << 50])
def test_an_address_where_nothing_is(at):
    with pytest.raises(KernelFault, match="thread 3 touched an address where it may not"):
        PLANTED.launch("touches", ONE, WARPS, [np.zeros(1), np.uintp(0), np.int64(at)])


@UNCHECKED
def test_a_stack_that_is_too_small():
    with pytest.raises(KernelFault, match="thread 0 needs more than 65536 bytes of stack"):
        PLANTED.launch("recurs", ONE, ONE, [np.zeros(1), np.int64(1000)])


@pytest.mark.parametrize(
    ("grid", "block", "shared_bytes", "expected"),
    [
        ((0, 1, 1), ONE, 0, "a grid of"),
        ((1, 65536, 1), ONE, 0, "a grid of"),
        (ONE, (33, 1, 1), 0, "a block of 33 threads, allowed are 32"),
        (ONE, (1025, 1, 1), 0, "a block of"),
        (ONE, (1, 1, 65), 0, "a block of"),
        (ONE, ONE, (227 << 10) + 1, "232449 bytes of shared memory, allowed are 232448"),
    ],
)
def test_launches_beyond_the_limits(grid, block, shared_bytes, expected):
    with pytest.raises(KernelFault, match=expected):
        PLANTED.launch("bounded", grid, block, [np.zeros(1)], shared_bytes)


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        ([], "takes 3 arguments, got 0"),
        ([0, 0, np.float64(1)], "argument 3: the kernel takes i8, got f8"),
        ([0, 0, np.int32(1)], "argument 3: the kernel takes i8, got i4"),
        ([0, np.float64(0), np.int64(1)], r"argument 2: the kernel takes \*const f8, got f8"),
        ([np.zeros(1, np.float32), 0, np.int64(1)], r"takes \*f8, got an array of f4"),
        ([np.zeros((4, 4))[:, 1], 0, np.int64(1)], "must be in C order"),
        ([np.broadcast_to(1.0, (1,)), 0, np.int64(1)], "writes to an array that is only to be"),
        ([0, 0, np.zeros(3)], "takes i8 by value, got an array"),
    ],
)
def test_arguments_of_another_type(args, expected):
    with pytest.raises(TypeError, match=expected):
        PLANTED.launch("touches", ONE, ONE, args)


def test_no_such_kernel():
    with pytest.raises(KeyError, match="no kernel 'workz'"):
        PLANTED.launch("workz", ONE, ONE, [])


@pytest.mark.parametrize(
    "wrong", ["out[0] = y;", "atomicAdd(out, 1.0f);", "float* p = (const float*)out;"]
)
def test_compile_errors_point_at_the_line(wrong):
    text = f"""// a comment
#line 1 "common.cuh"
#define SHARED
#line 1 "wrong.cu"
extern "C" __global__ void wrong(float* out) {{
    extern __shared__ float held[];
    {wrong}
}}"""
    with pytest.raises(CompileError, match=r"wrong\.cu:3:\d+: error"):
        compiled(text)
    with pytest.raises(CompileError, match=r"common\.cuh:1:\d+: error"):
        compiled(text.replace("#define SHARED", "int wrong = y;"))


def test_a_text_without_a_kernel():
    with pytest.raises(CompileError, match=r'no extern "C" __global__ void'):
        compiled('// extern "C" __global__ void remark(int* out)')


def test_macros_and_options():
    text = 'extern "C" __global__ void size(int* out) { out[0] = sizeof(VALUE); }'
    for value, n_bytes in (("unsigned short", 2), ("double", 8)):
        out = np.zeros(1, np.int32)
        options = ("-std=c++17", f"-DVALUE={value}", "-arch=sm_90", "--use_fast_math")
        compiled(text, options).launch("size", ONE, ONE, [out])
        assert out[0] == n_bytes


def test_without_a_compiler_tests_are_skipped_or_fail(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.delenv("UMLPSD_REQUIRE_KERNELS", raising=False)
    with pytest.raises(pytest.skip.Exception, match=r"g\+\+ is not on this machine"):
        build.library(TEXT, ())
    monkeypatch.setenv("UMLPSD_REQUIRE_KERNELS", "1")
    with pytest.raises(RuntimeError, match=r"g\+\+ is not on this machine"):
        build.library(TEXT, ())


def test_a_library_is_built_once(monkeypatch, tmp_path):
    monkeypatch.setattr(build, "_folder", lambda: tmp_path)
    text = 'extern "C" __global__ void once(int* out) { out[0] = 1; }'
    first = build.library(text, ())
    monkeypatch.setattr(build, "_build", None)
    assert build.library(text, ()) == first
    assert first[1] == ("once",)
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".o", ".so"], "nothing else"
    with pytest.raises(TypeError):
        build.library(text + " ", ())


def test_old_libraries_are_removed(monkeypatch, tmp_path):
    monkeypatch.setattr(build, "_folder", lambda: tmp_path)
    old, recent = tmp_path / "old.so", tmp_path / "recent.so"
    for path, n_days in ((old, build.KEPT_DAYS + 1), (recent, 1)):
        path.touch()
        os.utime(path, (time.time() - n_days * 86400,) * 2)
    build.library('extern "C" __global__ void any() {}', ())
    assert not old.exists()
    assert recent.exists()


@UNCHECKED
def test_the_portable_switch_of_stacks_does_the_same():
    """Other processors than x86-64 switch by ucontext."""
    portable = compiled(TEXT, ("-DCUDA_ON_CPU_UCONTEXT",))
    for seed in (0, 1):
        out = np.zeros(64)
        portable.launch("works", (3, 1, 1), WARPS, [out], order_seed=seed)
        assert out.all()
        with pytest.raises(KernelFault) as caught:
            portable.launch("lane_is_gone", ONE, WARPS, [np.zeros(64, np.int32)], order_seed=seed)
        assert "planted.cu" in str(caught.value)
