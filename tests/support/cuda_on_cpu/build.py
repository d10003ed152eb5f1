"""The text of kernels → a shared library that runs them on the CPU, kept for the next time."""

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

from tests.support.cuda_on_cpu.text import CompileError, prepared

HERE = Path(__file__).parent
# beside other things that a checkout builds and git ignores
CACHE = HERE.parents[2] / "build" / "cuda_on_cpu"
KEPT_DAYS = 30
SANITIZE = "UMLPSD_KERNEL_SANITIZE"

# No -march=native, no fused multiply-add: same results on every machine.
FLAGS = (
    *("-std=c++17", "-fPIC", "-fvisibility=hidden", "-fno-gnu-unique"),
    *("-fno-strict-aliasing", "-fno-math-errno", "-ffp-contract=off"),
    *("-Wno-unknown-pragmas", "-Wno-attributes", "-fmax-errors=5"),
)


def library(text: str, options: tuple[str, ...]) -> tuple[Path, tuple[str, ...]]:
    """Return the library of this text, built where it isn't there yet, and its kernels' names."""
    code, names = prepared(text)
    command = (_compiler(), *_flags())
    # compiled once, not with each kernel: it takes longer than most of them
    switches = tuple(option for option in options if option.startswith("-DCUDA_ON_CPU"))
    runtime = _built('#include "runtime.cpp"\n', (*command, *switches), ("-c",), ".o")
    macros = tuple(option for option in options if option.startswith(("-std", "-D", "-U")))
    shared = ("-shared", str(runtime))
    return _built(code, (*command, *macros), shared, ".so"), names


def sanitizers() -> str:
    """Return what g++ shall check while the kernels run, e.g. ``address,undefined``."""
    return os.environ.get(SANITIZE, "")


def missing() -> str | None:
    """Return None, or why no kernel can be run here."""
    return None if shutil.which("g++") else "g++ is not on this machine"


def _flags() -> tuple[str, ...]:
    checks = sanitizers()
    if not checks:
        # locals that nobody set hold a pattern, where g++ can do that
        poison = ("-ftrivial-auto-var-init=pattern",) if _version() >= 12 else ()
        return (*FLAGS, *poison, "-O2")
    # the variables of a block lie in a section of their own, which must be named to be checked
    sections = ("-fsanitize-sections=cuda_shared",) if "address" in checks else ()
    return (
        *(*FLAGS, "-O1", "-g", "-fno-omit-frame-pointer", "-DCUDA_ON_CPU_SANITIZED"),
        *(f"-fsanitize={checks}", "-fno-sanitize-recover=all", *sections),
    )


def _compiler() -> str:
    found = shutil.which("g++")
    if found:
        return found
    if os.environ.get("UMLPSD_REQUIRE_KERNELS") == "1":
        raise RuntimeError(f"{missing()}, and UMLPSD_REQUIRE_KERNELS=1 asks for it")
    pytest.skip(f"{missing()}")


@cache
def _version_text() -> str:
    return _run((_compiler(), "-v")).stderr.strip()


def _version() -> int:
    match = re.search(r"gcc version (\d+)", _version_text())
    return int(match[1]) if match else 0


@cache
def _harness() -> str:
    """Return the harness's own C++, on which each library depends."""
    return "".join(path.read_text() for path in sorted(HERE.glob("*.[hc]pp")))


@cache
def _folder() -> Path:
    try:
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=CACHE):
            return CACHE
    except OSError:  # an installed copy, a checkout of somebody else
        return Path(tempfile.mkdtemp(prefix="cuda_on_cpu_"))


def _built(code: str, command: tuple[str, ...], products: tuple[str, ...], suffix: str) -> Path:
    """Return what g++ makes of the code, under a name that tells everything it depends on."""
    parts = (code, *command, *products, _version_text(), _harness())
    name = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]
    target = _folder() / f"{name}{suffix}"
    if not target.is_file():
        _build(code, (*command, f"-I{HERE}", "-x", "c++", "-", "-x", "none", *products), target)
    return target


def _build(code: str, command: tuple[str, ...], target: Path) -> None:
    """Compile next to the target and rename: others see all of it or nothing."""
    with tempfile.TemporaryDirectory(dir=target.parent) as place:
        made = Path(place) / target.name
        result = _run((*command, "-o", str(made)), code)
        if result.returncode:
            raise CompileError(result.stderr)
        made.replace(target)
    _forget_old(target.parent)


def _run(command: tuple[str, ...], code: str = "") -> subprocess.CompletedProcess[str]:
    # the compiler itself is not to run under the sanitizer that checks this process
    environment = {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"}
    return subprocess.run(
        command, input=code, env=environment, capture_output=True, text=True, check=False
    )


def _forget_old(folder: Path) -> None:
    """Remove what was built long ago; texts, headers and compilers change."""
    oldest = time.time() - KEPT_DAYS * 86400
    for path in folder.glob("*.*o"):
        with suppress(OSError):  # another process removed it
            if path.stat().st_mtime < oldest:
                path.unlink()
