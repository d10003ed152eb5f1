"""What the card can do at best: copies, products, transfers, launches. Each is measured once."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from gpu import card, clock
from gpu.proof import Proof
from umlpsd_gpu.compute.device_memory import free_bytes
from umlpsd_gpu.compute.kernel_loader import Kernel

GIGA, TERA = 1e9, 1e12
THREADS = 256
# Of the cache: what is read again and again must stay in it
SHARE_OF_L2 = 0.25
N_L2_PASSES = 64

EMPTY = 'extern "C" __global__ void nothing(const double* values, long long n) {}'
# Every pass begins elsewhere, so that no multiprocessor meets its own part again in its L1 cache.
READ = """
extern "C" __global__ void read_again(const double* values, long long n, long long n_passes,
                                      long long shift, double* sums) {
    const long long first = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    const long long stride = (long long)gridDim.x * blockDim.x;
    double sum = 0;
    for (long long pass = 0; pass < n_passes; pass++) {
        const long long start = pass * shift % n;
        #pragma unroll 8
        for (long long i = first; i < n; i += stride) {
            const long long at = i + start;
            sum += values[at < n ? at : at - n];
        }
    }
    sums[first] = sum;
}
"""


def run(proof: Proof) -> None:
    """Measure all of them."""
    rows = []
    for name, (_, unit, scale, what) in MEASURED.items():
        rows.append((name, f"{of(proof, name) / scale:.4g} {unit}", what))
    rows += _launches(proof)
    proof.table("Ceilings", ("what", "measured", "how"), rows)


def of(proof: Proof, name: str) -> float:
    """Return a ceiling, in bytes or flops a second; measured when it is first asked for."""
    if name not in proof.ceilings:
        proof.ceilings[name] = MEASURED[name][0](proof)
    return proof.ceilings[name]


def varied(cupy: Any, shape: tuple[int, ...], dtype: str) -> Any:
    """Return numbers in [0, 1) without a pattern that matters, made on the device."""
    n = int(np.prod(shape))
    return ((cupy.arange(n) * 7919 % 65521) / 65521).astype(dtype).reshape(shape)


def _copy(proof: Proof) -> float:
    cupy = proof.cupy
    n = card.that_fit(proof.size(1 << 29, 1000), 2 * 8, share=0.2)  # 4.3 GB
    source, target = varied(cupy, (n,), "float64"), cupy.empty(n)

    def copy() -> None:
        target[...] = source  # one cudaMemcpyAsync

    rate = 2 * source.nbytes / clock.on_device(proof, copy).seconds
    _require_equal(cupy, source[-100:], target[-100:])
    return rate


def _product(dtype: str) -> Callable[[Proof], float]:
    def measure(proof: Proof) -> float:
        cupy, n = proof.cupy, proof.size(8192, 16)
        left, right = varied(cupy, (n, n), dtype), varied(cupy, (n, n), dtype)
        out = cupy.empty((n, n), dtype)
        seconds = clock.on_device(proof, lambda: cupy.matmul(left, right, out=out)).seconds
        expected = cupy.asnumpy(left[:2]).astype("float64") @ cupy.asnumpy(right).astype("float64")
        if not np.allclose(cupy.asnumpy(out[:2]), expected, rtol=1e-4):
            raise AssertionError(f"the product of {dtype} is wrong")
        return 2 * n**3 / seconds

    return measure


def _pinned(proof: Proof, n_bytes: int) -> np.ndarray:
    memory = proof.cupy.cuda.alloc_pinned_memory(n_bytes)
    host = np.frombuffer(memory, np.uint8, n_bytes)
    host[...] = np.arange(n_bytes, dtype=np.uint32).view(np.uint8)[:n_bytes]
    return host


def _up(proof: Proof) -> float:
    host = _pinned(proof, proof.size(1 << 29, 1 << 12))
    array = proof.cupy.empty(host.size, "uint8")
    stream = proof.cupy.cuda.get_current_stream()
    seconds = clock.on_device(proof, lambda: array.set(host, stream=stream)).seconds
    if not np.array_equal(proof.cupy.asnumpy(array[-1000:]), host[-1000:]):
        raise AssertionError("the copy to the device is wrong")
    return host.size / seconds


def _down(proof: Proof) -> float:
    host = _pinned(proof, proof.size(1 << 29, 1 << 12))
    expected = host[-1000:].copy()
    array = proof.cupy.asarray(host)
    proof.cupy.cuda.runtime.deviceSynchronize()  # the copy from pinned memory may still run
    host[...] = 0
    seconds = clock.on_device(proof, lambda: array.get(out=host)).seconds
    if not np.array_equal(expected, host[-1000:]):
        raise AssertionError("the copy to the host is wrong")
    return host.size / seconds


def _l2(proof: Proof) -> float:
    cupy = proof.cupy
    n = proof.size(int(SHARE_OF_L2 * card.l2_bytes(cupy)) // 8, 1000)
    n_passes = proof.size(N_L2_PASSES, 2)
    shift = n * 9 // 64 // 16 * 16 + 16
    values, n_blocks = varied(cupy, (n,), "float64"), proof.size(132 * 8, 2)
    sums = cupy.empty(n_blocks * THREADS)
    read = _own_kernel(proof, READ, "read_again")
    timing = clock.on_device(
        proof, lambda: read(n_blocks, THREADS, values, n, n_passes, shift, sums)
    )
    total, expected = float(sums.sum()), n_passes * float(values.sum())
    if abs(total - expected) > 1e-9 * expected:
        raise AssertionError("the cache was not read as meant")
    return n_passes * values.nbytes / timing.seconds


def _launches(proof: Proof) -> list[tuple[str, str, str]]:
    """Return what small things cost the host: they bound work of many short steps."""
    cupy, values, few = proof.cupy, proof.cupy.empty(1), np.zeros(100)
    on_device = cupy.asarray(few)
    empty = _own_kernel(proof, EMPTY, "nothing")

    def launch() -> None:
        empty(1, 32, values, 1)

    by_events = clock.on_device(proof, launch)
    return [
        (
            "launch, host",
            _host_s(proof, launch),
            "an empty kernel through kernel_loader, in a loop",
        ),
        ("launch, stream", str(by_events), "the same by events"),
        ("addition", _host_s(proof, lambda: on_device + 1.0), "of 100 numbers by CuPy, in a loop"),
        ("upload", _host_s(proof, lambda: cupy.asarray(few)), "of 100 numbers, in a loop"),
        ("download", _host_s(proof, lambda: cupy.asnumpy(on_device)), "of 100, waited for"),
        ("free memory", _host_s(proof, free_bytes), "asked of the driver and of CuPy's pool"),
    ]


def _host_s(proof: Proof, work: Callable[[], Any]) -> str:
    n = proof.size(1000, 10)
    work()
    proof.cupy.cuda.runtime.deviceSynchronize()
    start = time.perf_counter()
    for _ in range(n):
        work()
    seconds = (time.perf_counter() - start) / n
    proof.cupy.cuda.runtime.deviceSynchronize()
    return clock.text(seconds)


def _own_kernel(proof: Proof, text: str, name: str) -> Kernel:
    module = proof.cupy.RawModule(code=text, options=("-std=c++17",))
    return Kernel(name, module.get_function(name))


def _require_equal(cupy: Any, left: Any, right: Any) -> None:
    if not np.array_equal(cupy.asnumpy(left), cupy.asnumpy(right)):
        raise AssertionError("the copy on the device is wrong")


# name → how to measure it, its unit, what that is in bytes or flops a second, how it was done
MEASURED: dict[str, tuple[Callable[[Proof], float], str, float, str]] = {
    "copy": (_copy, "TB/s", TERA, "4.3 GB on the device, bytes read and written"),
    "float64": (_product("float64"), "Tflop/s", TERA, "cuBLAS, 8192 × 8192 × 8192"),
    "float32": (_product("float32"), "Tflop/s", TERA, "the same; no TF32"),
    "L2": (_l2, "TB/s", TERA, "a quarter of the cache read again and again by one kernel"),
    "pinned up": (_up, "GB/s", GIGA, "537 MB from pinned memory to the device"),
    "pinned down": (_down, "GB/s", GIGA, "the same to the host"),
}
