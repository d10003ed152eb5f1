"""NVRTC without CuPy, driver and device: does a kernel compile, and what does the compiler say?"""

from __future__ import annotations

import ctypes
import os
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

# the smallest cards of each generation that CUDA 13 knows: Turing … Blackwell
ARCHITECTURES = ("sm_75", "sm_80", "sm_89", "sm_90", "sm_100", "sm_120")
# those that only CUDA 12 knows: Pascal, Volta
OLD_ARCHITECTURES = ("sm_60", "sm_70")
# registers that don't fit, arrays indexed by what only the run knows: both go through memory
WARN = ("--ptxas-options=--warn-on-local-memory-usage", "--ptxas-options=--warn-on-spills")


def compile_kernel(
    text: str, name: str, options: tuple[str, ...], architecture: str
) -> tuple[bytes, str]:
    """Return the machine code, and what the compiler had to say.

    Raises
    ------
    RuntimeError
        With the compiler's message, if it refuses the text.
    """
    nvrtc = _nvrtc()
    program = _checked(nvrtc.nvrtcCreateProgram(text.encode(), name.encode(), 0, None, None))
    try:
        arguments = [option.encode() for option in (*options, *WARN, f"-arch={architecture}")]
        status = nvrtc.nvrtcCompileProgram(program, len(arguments), arguments)[0]
        log = _buffer(_checked(nvrtc.nvrtcGetProgramLogSize(program)))
        _checked(nvrtc.nvrtcGetProgramLog(program, log))
        said = log.decode().strip("\0 \n")
        if status != nvrtc.nvrtcResult.NVRTC_SUCCESS:
            raise RuntimeError(said)
        code = _buffer(_checked(nvrtc.nvrtcGetCUBINSize(program)))
        _checked(nvrtc.nvrtcGetCUBIN(program, code))
        return code, said
    finally:
        nvrtc.nvrtcDestroyProgram(program)


def compile_by_cuda_12(text: str, name: str, options: tuple[str, ...], architecture: str) -> bytes:
    """Return the machine code by the NVRTC of CUDA 12.

    Raises
    ------
    RuntimeError
        With the compiler's message, if it refuses the text.
    """
    nvrtc, program, size = _nvrtc_of_cuda_12(), ctypes.c_void_p(), ctypes.c_size_t()
    arguments = [option.encode() for option in (*options, f"-arch={architecture}")]
    nvrtc.nvrtcCreateProgram(ctypes.byref(program), text.encode(), name.encode(), 0, None, None)
    try:
        passed = (ctypes.c_char_p * len(arguments))(*arguments)
        status = nvrtc.nvrtcCompileProgram(program, len(arguments), passed)
        what = "ProgramLog" if status else "CUBIN"
        getattr(nvrtc, f"nvrtcGet{what}Size")(program, ctypes.byref(size))
        answer = ctypes.create_string_buffer(size.value)
        getattr(nvrtc, f"nvrtcGet{what}")(program, answer)
        if status:
            raise RuntimeError(answer.value.decode())
        return answer.raw
    finally:
        nvrtc.nvrtcDestroyProgram(ctypes.byref(program))


@cache
def _nvrtc_of_cuda_12() -> ctypes.CDLL:
    spec = find_spec("nvidia.cuda_nvrtc") if find_spec("nvidia") else None
    for folder in (spec.submodule_search_locations or []) if spec else []:
        for path in Path(folder, "lib").glob("libnvrtc.so.12"):
            return ctypes.CDLL(str(path))
    if os.environ.get("UMLPSD_REQUIRE_KERNELS") == "1":
        pytest.fail("nvidia-cuda-nvrtc-cu12 is not installed")
    pytest.skip("nvidia-cuda-nvrtc-cu12 is not installed")


def _buffer(n_bytes: int) -> bytes:
    """Return bytes that NVRTC may overwrite: never one alone, of which Python keeps one for all."""
    return bytes(max(2, n_bytes))


def _nvrtc() -> Any:
    try:
        return import_module("cuda.bindings.nvrtc")
    except ImportError as error:
        if os.environ.get("UMLPSD_REQUIRE_KERNELS") == "1":
            raise
        pytest.skip(f"cuda-bindings and nvidia-cuda-nvrtc are not both installed: {error}")


def _checked(answer: tuple[Any, ...]) -> Any:
    status, *values = answer
    if status.value:
        raise RuntimeError(f"NVRTC answers {status.name}")
    return values[0] if values else None
