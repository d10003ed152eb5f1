"""Which card, driver, libraries and commit a proof is of."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping
from datetime import datetime
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from umlpsd_gpu.bench.device_info import device_rows
from umlpsd_gpu.compute.cpu_kernel import why_missing
from umlpsd_gpu.compute.device_memory import free_bytes
from umlpsd_gpu.compute.kernel_loader import Kernel

# nvidia-smi's names and ours: what stays during a proof, and what changes
SETTINGS = {
    "clocks.max.sm": "highest SM clock",
    "clocks.max.mem": "highest memory clock",
    "power.limit": "power cap",
    "ecc.mode.current": "ECC",
    "mig.mode.current": "MIG",
    "persistence_mode": "persistence mode",
    "compute_mode": "compute mode",
}
LIBRARIES = {
    "NVRTC": "nvrtc_version",
    "cuBLAS": "cublas_version",
    "cuFFT": "cufft_version",
}
STATE = {
    "clocks.sm": "SM",
    "clocks.mem": "memory",
    "power.draw": "power",
    "temperature.gpu": "°C",
    "clocks_throttle_reasons.active": "throttled by",
}
PACKAGES = ("numpy", "scipy", "scikit-learn", "tifffile", "h5py", "PyWavelets", "pydantic")


def facts(cupy: Any, root: Path, given_commit: str | None) -> dict[str, str]:
    """Return what belongs above every report."""
    found = {
        "date": datetime.now().astimezone().isoformat(timespec="minutes"),
        "card": name(cupy),
        "commit": given_commit or commit(root),
        "Python": f"{platform.python_version()}, {platform.machine()}, {platform.system()}",
    }
    found |= {key: value for key, value in device_rows() if key not in ("device auto",)}
    found |= {package: _version(package) for package in PACKAGES}
    found["CPU"] = _cpu_model()
    found["CPU kernels"] = why_missing() or "compiled"
    found |= _libraries()
    found |= _smi(SETTINGS)
    return found


def state() -> str:
    """Return clocks, power and what slows the card down at this moment; empty if unknown."""
    return ", ".join(f"{name} {value}" for name, value in _smi(STATE).items())


def resources(kernels: Iterable[Kernel]) -> list[tuple[str, ...]]:
    """Return registers, spilled and static shared bytes of compiled kernels, a row for each."""
    sizes = ("num_regs", "local_size_bytes", "shared_size_bytes")
    rows = [
        (kernel.name, *(str(getattr(kernel.function, size)) for size in sizes))
        for kernel in kernels
    ]
    return sorted(set(rows))


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or "unknown"
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{len(models)} × {models[0]}" if models else "unknown"


def _libraries() -> dict[str, str]:
    """Return the versions of the libraries that compile and compute, as CuPy knows them."""
    try:
        info = import_module("cupyx").get_runtime_info(full=True)
    except ImportError:  # the stand-in
        return {}
    return {name: str(getattr(info, attribute, "unknown")) for name, attribute in LIBRARIES.items()}


def _smi(fields: Mapping[str, str]) -> dict[str, str]:
    """Ask nvidia-smi about the first visible card; empty where there is no such program."""
    ask = f"--query-gpu={','.join(fields)}"
    try:
        done = subprocess.run(
            ["nvidia-smi", ask, "--format=csv,noheader", *_which_card()],
            capture_output=True,
            text=True,
            check=False,
            timeout=20,
        )
    except (OSError, subprocess.TimeoutExpired):
        return {}
    values = done.stdout.strip().splitlines()
    if done.returncode or not values:
        return {}
    answers = [value.strip() for value in values[0].split(",")]
    return dict(zip(fields.values(), answers, strict=False))


def _which_card() -> list[str]:
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")[0]
    return ["-i", visible] if visible else []


def name(cupy: Any) -> str:
    """Return the card's name."""
    runtime = cupy.cuda.runtime
    found = runtime.getDeviceProperties(runtime.getDevice())["name"]
    return found.decode() if isinstance(found, bytes) else str(found)


def slug(card: str) -> str:
    """Return a card's name as a file's name: nvidia-h200."""
    return re.sub(r"[^a-z0-9]+", "-", card.lower()).strip("-")


def l2_bytes(cupy: Any) -> int:
    """Return the size of the card's second-level cache."""
    runtime = cupy.cuda.runtime
    return int(runtime.getDeviceProperties(runtime.getDevice())["l2CacheSize"])


def that_fit(n_wanted: int, bytes_per_item: int, share: float = 0.5) -> int:
    """Return how many items fit that share of the free device memory, at most those wanted."""
    return max(1, min(n_wanted, int(share * free_bytes()) // bytes_per_item))


def is_installed(module: str) -> bool:
    """Say whether a package can be imported, by importing it."""
    try:
        __import__(module)
    except ImportError:
        return False
    return True


def commit(root: Path) -> str:
    """Return the commit of a checkout; "+ changes" if git reports changes since."""
    head = _git(root, "rev-parse", "--short=10", "HEAD")
    if head is None:
        return _head_by_hand(root)[:10] or "unknown: no git here, and no .git"
    return f"{head} + changes" if _git(root, "status", "--porcelain", "-uno") else head


def _git(root: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *arguments], capture_output=True, text=True, check=False
        )
    except OSError:
        return None
    return None if done.returncode else done.stdout.strip()


def _head_by_hand(root: Path) -> str:
    """Follow .git/HEAD; a linked worktree's ``.git`` is a file that names its folder."""
    folder = root / ".git"
    try:
        if folder.is_file():
            folder = root / folder.read_text().partition("gitdir:")[2].strip()
        head = (folder / "HEAD").read_text().strip()
        if not head.startswith("ref:"):
            return head
        ref = head.partition("ref:")[2].strip()
        common = folder / "commondir"
        shared = folder / common.read_text().strip() if common.is_file() else folder
        if (shared / ref).is_file():
            return (shared / ref).read_text().strip()
        packed = (shared / "packed-refs").read_text().splitlines()
        return next((line.split()[0] for line in packed if line.endswith(f" {ref}")), "")
    except OSError:
        return ""


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def command_line() -> str:
    """Return the command that was run."""
    return " ".join(["python", "benchmarks/gpu_proof.py", *sys.argv[1:]])
