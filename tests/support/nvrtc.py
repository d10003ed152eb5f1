"""NVRTC without CuPy, driver and device: does a kernel compile, and what does the compiler say?"""

from __future__ import annotations

import os
from importlib import import_module
from typing import Any

import pytest

# the smallest cards of each generation that CUDA 13 knows: Turing … Blackwell
ARCHITECTURES = ("sm_75", "sm_80", "sm_86", "sm_89", "sm_90", "sm_100", "sm_120")
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
