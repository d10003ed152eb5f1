"""Which card, driver, libraries and commit a proof is of."""

from __future__ import annotations

import platform
import re
import subprocess
import sys
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from umlpsd_gpu.bench.device_info import device_rows
from umlpsd_gpu.compute.device_memory import free_bytes

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
    return found


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
