"""The sanitizers find what is planted in kernels, and nothing in sound ones.

Each set of checks runs in a process of its own, each planted fault in a fork of it: the sanitizers
end a process at their first finding.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.cuda_on_cpu import build

TEXT = r"""#line 1 "planted.cu"
extern "C" __global__ void sound(double* out, long long n) {
    extern __shared__ double held[];
    __shared__ double fixed[65];
    double local[8];
    int i = threadIdx.x;
    fixed[i] = i;
    if (i == 0) fixed[64] = 1;
    for (int turn = 0; turn < 20; ++turn) {
        held[i] = i + turn;
        __syncthreads();
        local[turn % 8] = __shfl_xor_sync(0xffffffffu, held[63 - i], 1);
        __syncthreads();
        fixed[i] = local[turn % 8];
        __syncwarp();
        local[(turn + 1) % 8] = fixed[i ^ 1];
        __syncwarp();
    }
    out[i] = local[3] + local[4] + fixed[64];
}
extern "C" __global__ void deadlock(double* out, long long n) {
    double held[20];
    held[n % 20] = out[0];
    if (threadIdx.x == 1) return;
    __syncthreads();
    out[0] = held[n % 20];
}
extern "C" __global__ void writes_behind_an_array(double* out, long long n) {
    if (threadIdx.x == 7) out[n] = 1;
}
extern "C" __global__ void writes_behind_dynamic_shared(double* out, long long n) {
    extern __shared__ double held[];
    if (threadIdx.x == 7) held[n] = 1;
    out[0] = 1;
}
extern "C" __global__ void writes_behind_static_shared(double* out, long long n) {
    __shared__ double held[64];
    double* pointer = n < 0 ? out : held;  // g++ can't know which
    if (threadIdx.x == 7) pointer[n] = 1;
    if (threadIdx.x == 7) out[0] = pointer[0];
}
extern "C" __global__ void sum_overflows(double* out, long long n) {
    if (threadIdx.x == 7) out[0] = n + 0x7fffffffffffffffLL;
}
extern "C" __global__ void shared_race(double* out, long long n) {
    extern __shared__ double held[];
    held[threadIdx.x] = threadIdx.x;
    out[threadIdx.x] = held[threadIdx.x ^ 33];
}
extern "C" __global__ void race_round_a_loop(double* out, long long n) {
    extern __shared__ double held[];
    double sum = 0;
    for (int turn = 0; turn < 3; ++turn) {
        held[threadIdx.x] = threadIdx.x;
        __syncthreads();
        sum += held[threadIdx.x ^ 33];
    }
    out[threadIdx.x] = sum;
}
extern "C" __global__ void shuffle_as_barrier(double* out, long long n) {
    __shared__ double held[64];
    held[threadIdx.x] = threadIdx.x;
    __shfl_sync(0xffffffffu, 1, 0);
    out[threadIdx.x] = held[threadIdx.x ^ 1];
}
extern "C" __global__ void two_write_one_place(double* out, long long n) {
    out[threadIdx.x / 2] = 1;
}
"""

PROGRAM = """
import os, sys
import numpy as np
from tests.support.cuda_on_cpu import KernelFault, compiled

module = compiled(sys.argv[1], ("-std=c++17",))

def launch(name):
    for seed in range(5):
        module.launch(name, (2, 1, 1), (64, 1, 1), [np.zeros(64), np.int64(64)], 512, seed)

def launch_after_faults(name):
    for _ in range(3):
        launch("sound")
        try:
            launch("deadlock")
        except KernelFault:
            continue
        sys.exit("no deadlock")
    launch(name)
    os._exit(0)

for name in sys.argv[2:]:
    child = os.fork()  # the parent launches nothing: ThreadSanitizer loses its threads in a fork
    if not child:
        launch_after_faults(name)
    print(name, "passed" if os.waitpid(child, 0)[1] == 0 else "ended", flush=True)
"""


def run(checks, names):
    """Whether each kernel passed or ended its process, and what the sanitizer wrote."""
    library = {"address,undefined": "libasan.so", "thread": "libtsan.so"}[checks]
    if not shutil.which("g++"):
        pytest.skip("g++ is not on this machine")
    found = subprocess.run(
        ["g++", f"-print-file-name={library}"], capture_output=True, text=True, check=True
    ).stdout.strip()
    if not Path(found).is_file():
        pytest.skip(f"g++ has no {library} on this machine")
    environment = os.environ | {
        build.SANITIZE: checks,
        "LD_PRELOAD": found,
        "ASAN_OPTIONS": "detect_leaks=0",
        "TSAN_OPTIONS": "halt_on_error=1",
        "OPENBLAS_NUM_THREADS": "1",
    }
    result = subprocess.run(
        [sys.executable, "-c", PROGRAM, TEXT, *names],
        cwd=Path(__file__).parents[2],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert result.returncode == 0, result.stderr[-3000:]
    return dict(line.split() for line in result.stdout.splitlines()), result.stderr


def line(text, number=1):
    lines = [n for n, content in enumerate(TEXT.splitlines()) if text in content]
    return lines[number - 1]


@pytest.mark.skipif(bool(build.sanitizers()), reason="runs under sanitizers of its own")
def test_memory_and_arithmetic():
    planted = {
        "writes_behind_an_array": "heap-buffer-overflow",
        "writes_behind_dynamic_shared": "use-after-poison",
        "writes_behind_static_shared": "global-buffer-overflow",
        "sum_overflows": "signed integer overflow",
    }
    ended, report = run("address,undefined", ["sound", *planted])
    assert ended == {"sound": "passed", **dict.fromkeys(planted, "ended")}
    for name, finding in planted.items():
        assert finding in report, name
        assert f"planted.cu:{line(name) + 1}" in report or f"in {name} " in report


@pytest.mark.skipif(bool(build.sanitizers()), reason="runs under sanitizers of its own")
def test_races():
    planted = [
        *("shared_race", "race_round_a_loop", "shuffle_as_barrier", "two_write_one_place"),
    ]
    ended, report = run("thread", ["sound", *planted])
    assert ended == {"sound": "passed", **dict.fromkeys(planted, "ended")}
    assert report.count("WARNING: ThreadSanitizer: data race") == len(planted)
    for name in planted:
        assert f"#0 {name} " in report
