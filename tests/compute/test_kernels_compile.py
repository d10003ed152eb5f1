"""Every kernel compiles for every generation of cards, without a warning; no GPU is needed."""

import os
import re
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from tests.support.kernel_macros import LOCAL_MEMORY, MACROS
from tests.support.nvrtc import (
    ARCHITECTURES,
    OLD_ARCHITECTURES,
    compile_by_cuda_12,
    compile_kernel,
)
from umlpsd_gpu.compute import kernel_loader

# every kernel for every generation, its further types of values for the oldest and the newest
CASES = [
    pytest.param(
        name,
        macros,
        ARCHITECTURES if number == 0 else (ARCHITECTURES[0], ARCHITECTURES[-1]),
        id=" ".join((name, *map(str, macros.values()))),
    )
    for name, variants in MACROS.items()
    for number, macros in enumerate(variants)
]


def warnings(log: str, name: str) -> list[str]:
    """What the compiler said, less what the table of local memory allows."""
    lines = [line for line in log.splitlines() if line.strip()]
    if name in LOCAL_MEMORY:
        lines = [line for line in lines if "Local memory used" not in line]
    return lines


@pytest.mark.parametrize(("name", "macros", "architectures"), CASES)
def test_compiles_without_a_warning(name, macros, architectures):
    text, options = kernel_loader.source(name), kernel_loader.options(macros)
    compile_for = partial(compile_kernel, text, f"{name}.cu", options)
    said = {}
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # NVRTC compiles several at a time
        results = pool.map(compile_for, architectures)
        for architecture, (code, log) in zip(architectures, results, strict=True):
            assert code.startswith(b"\x7fELF")
            assert name.encode() in code
            said[architecture] = warnings(log, name)
    assert said == {architecture: [] for architecture in architectures}


@pytest.mark.parametrize("architecture", OLD_ARCHITECTURES)
@pytest.mark.parametrize("name", sorted(MACROS))
def test_compiles_for_cards_that_cuda_13_has_dropped(name, architecture):
    text, options = kernel_loader.source(name), kernel_loader.options(MACROS[name][0])
    code = compile_by_cuda_12(text, f"{name}.cu", options, architecture)
    assert code.startswith(b"\x7fELF")
    assert name.encode() in code


def test_an_error_of_cuda_12_is_told():
    with pytest.raises(RuntimeError, match=r"identifier \"y\" is undefined"):
        compile_by_cuda_12("__device__ int x = y;", "wrong.cu", (), "sm_70")


def test_the_table_knows_every_kernel():
    files = {path.stem for path in kernel_loader.folder().glob("*.cu")}
    assert set(MACROS) == files, "tests/support/kernel_macros.py and the folder of kernels differ"
    assert set(LOCAL_MEMORY) <= files


@pytest.mark.parametrize("name", sorted(MACROS))
def test_the_table_knows_every_macro(name):
    """Macros that a kernel's text never uses are a caller's mistake."""
    text = kernel_loader.source(name)
    for macros in MACROS[name]:
        for macro in macros:
            assert re.search(rf"\b{macro}\b", text), macro


def test_a_warning_is_seen():
    text = """extern "C" __global__ void table(double* x, int n) {
        double held[40];
        for (int k = 0; k < 40; ++k) held[k] = x[k * n];
        x[0] = held[n % 40];
    }"""
    _, log = compile_kernel(text, "table.cu", (), "sm_90")
    assert "Local memory used" in log
    assert warnings(log, "table")


def test_an_error_points_at_the_line():
    with pytest.raises(RuntimeError, match=r"wrong\.cu\(3\): error"):
        compile_kernel('\n#line 2 "wrong.cu"\n\n__device__ int x = y;', "w.cu", (), "sm_75")


def test_compiling_leaves_pythons_shared_bytes_alone():
    compile_kernel('extern "C" __global__ void f() {}', "f.cu", (), "sm_90")
    assert bytes([32]) == b"\x20"
    assert bytearray(bytes([32]))[0] == 32
