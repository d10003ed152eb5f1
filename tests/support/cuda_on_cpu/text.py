"""The text of kernels as g++ gets it: as it is, but for ``extern __shared__ double x[];``."""

from __future__ import annotations

import re

_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
_PARENTHESES = r"\((?:[^()]|\([^()]*\))*\)"
_KERNEL = re.compile(
    rf'extern\s+"C"\s+((?:__global__\s+|void\s+|__launch_bounds__\s*{_PARENTHESES}\s*)+)(\w+)\s*\('
)
_BOUNDS = re.compile(r"__launch_bounds__\s*\(((?:[^(),]|\([^()]*\))*)")
_DYNAMIC_SHARED = re.compile(
    r"\bextern\s+__shared__\s+(?:__align__\s*\([^)]*\)\s*)?([\w:\s]+?)\s*\b(\w+)\s*\[\s*\]\s*;"
)


class CompileError(RuntimeError):
    """g++ refused the kernel; the message is g++'s."""


def prepared(text: str) -> tuple[str, tuple[str, ...]]:
    """Return the C++ text for g++ and the names of its kernels.

    Raises
    ------
    CompileError
        If there is no kernel.
    """
    kernels = _kernels(text)
    if not kernels:
        raise CompileError('the text has no extern "C" __global__ void name(...)')
    table = ",\n".join(f"    kernel(&::{name}, {bound})" for name, bound in kernels)
    code = (
        f'#include "cuda_on_cpu.hpp"\nnamespace {{\n#line 1 "text"\n{_with_pointers(text)}\n}}\n'
        '#line 1 "table of kernels"\n'
        f"namespace cuda_on_cpu {{\nconst Kernel kernels[] = {{\n{table}}};\n}}\n"
    )
    return code, tuple(name for name, _ in kernels)


def _kernels(text: str) -> list[tuple[str, str]]:
    """Return name and most threads a block of each kernel."""
    plain = _COMMENT.sub(" ", text)
    found = []
    for match in _KERNEL.finditer(plain):
        bounds = _BOUNDS.search(match[1])
        found.append((match[2], bounds[1] if bounds else "1024"))
    return found


def _with_pointers(text: str) -> str:
    """Declare dynamic shared memory as a pointer, on the same lines."""

    def pointer(match: re.Match[str]) -> str:
        kind, name = " ".join(match[1].split()), match[2]
        lines = "\n" * match[0].count("\n")
        place = "::cuda_on_cpu::shared_memory.bytes"
        return f"{kind}* const {name} = reinterpret_cast<{kind}*>({place});{lines}"

    return _DYNAMIC_SHARED.sub(pointer, text)
