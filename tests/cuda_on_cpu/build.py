"""The text of a kernel → a shared library that runs it on the CPU.

g++ gets the text as it is, but for ``extern __shared__ double x[];``, which becomes a pointer.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
import time
from contextlib import suppress
from functools import cache
from pathlib import Path

import pytest

HERE = Path(__file__).parent
HEADERS = tuple(sorted(HERE.glob("*.hpp")))
# beside other things that a checkout builds and git ignores
CACHE = HERE.parents[1] / "build" / "cuda_on_cpu"
KEPT_DAYS = 30

# No -march=native, no fused multiply-add: same results on every machine. Uninitialised locals hold
# a pattern where g++ can do that.
FLAGS = (
    *("-x", "c++", "-shared", "-fPIC", "-fvisibility=hidden", "-fno-gnu-unique"),
    *("-fno-strict-aliasing", "-fno-math-errno", "-ffp-contract=off"),
    *("-Wno-unknown-pragmas", "-Wno-attributes", "-fmax-errors=5"),
)
SANITIZE = "UMLPSD_KERNEL_SANITIZE"

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


def library(text: str, options: tuple[str, ...]) -> tuple[Path, tuple[str, ...]]:
    """Return the library of this text, built where it isn't there yet, and its kernels' names."""
    code, names = prepared(text)
    command = [_compiler(), *_flags(), *_language_options(options)]
    target = _folder() / f"{_digest(code, command)}.so"
    if not target.is_file():
        _build(code, command, target)
    return target, names


def prepared(text: str) -> tuple[str, tuple[str, ...]]:
    """Return the C++ text for g++ and the names of its kernels."""
    kernels = _kernels(text)
    if not kernels:
        raise CompileError('the text has no extern "C" __global__ void name(...)')
    table = ",\n".join(f'    kernel("{name}", &::{name}, {bound})' for name, bound in kernels)
    code = (
        f'#include "cuda_on_cpu.hpp"\nnamespace {{\n#line 1 "text"\n{_with_pointers(text)}\n}}\n'
        '#line 1 "table of kernels"\n'
        f"namespace cuda_on_cpu {{\nstatic const Kernel kernels[] = {{\n{table}}};\n}}\n"
        '#include "exports.hpp"\n'
    )
    return code, tuple(name for name, _ in kernels)


def sanitizers() -> str:
    """Return what g++ shall check while the kernels run, e.g. ``address,undefined``."""
    return os.environ.get(SANITIZE, "")


def missing() -> str | None:
    """Return None, or why no kernel can be run here."""
    return None if shutil.which("g++") else "g++ is not on this machine"


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
        kind, name = match[1], match[2]
        place = "::cuda_on_cpu::shared_memory.bytes"
        lines = "\n" * match[0].count("\n")
        kind = " ".join(kind.split())
        return f"{kind}* const {name} = reinterpret_cast<{kind}*>({place});{lines}"

    return _DYNAMIC_SHARED.sub(pointer, text)


def _flags() -> tuple[str, ...]:
    checks = sanitizers()
    if not checks:
        poison = ("-ftrivial-auto-var-init=pattern",) if _version() >= 12 else ()
        return (*FLAGS, *poison, "-O2")
    # the variables of a block lie in a section of their own, which must be named to be checked
    sections = ("-fsanitize-sections=cuda_shared",) if "address" in checks else ()
    return (
        *(*FLAGS, "-O1", "-g", "-fno-omit-frame-pointer"),
        *(f"-fsanitize={checks}", "-fno-sanitize-recover=all", *sections),
        "-DCUDA_ON_CPU_SANITIZED",
    )


def _language_options(options: tuple[str, ...]) -> tuple[str, ...]:
    """Return the options that g++ shares with NVRTC."""
    return tuple(option for option in options if option.startswith(("-std", "-D", "-U")))


def _compiler() -> str:
    found = shutil.which("g++")
    if found:
        return found
    if os.environ.get("UMLPSD_REQUIRE_KERNELS") == "1":
        raise RuntimeError(f"{missing()}, and UMLPSD_REQUIRE_KERNELS=1 asks for it")
    pytest.skip(f"{missing()}")


@cache
def _version_text() -> str:
    return subprocess.run(
        [_compiler(), "-v"], capture_output=True, text=True, check=True
    ).stderr.strip()


def _version() -> int:
    match = re.search(r"gcc version (\d+)", _version_text())
    return int(match[1]) if match else 0


def _digest(code: str, command: list[str]) -> str:
    parts = [code, *command, _version_text(), *(path.read_text() for path in HEADERS)]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


@cache
def _folder() -> Path:
    try:
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=CACHE):
            return CACHE
    except OSError:  # an installed copy, a checkout of somebody else
        return Path(tempfile.mkdtemp(prefix="cuda_on_cpu_"))


def _build(code: str, command: list[str], target: Path) -> None:
    """Compile next to the target and rename: others see all of it or nothing."""
    with tempfile.TemporaryDirectory(dir=target.parent) as place:
        made = Path(place) / "kernel.so"
        result = subprocess.run(
            [*command, f"-I{HERE}", "-o", str(made), "-"],
            input=code,
            capture_output=True,
            text=True,
            check=False,
        )
        if result.returncode:
            raise CompileError(result.stderr)
        made.replace(target)
    _forget_old(target.parent)


def _forget_old(folder: Path) -> None:
    """Remove what was built long ago; texts, headers and compilers change."""
    oldest = time.time() - KEPT_DAYS * 86400
    for path in folder.glob("*.so"):
        with suppress(OSError):  # another process removed it
            if path.stat().st_mtime < oldest:
                path.unlink()
