"""The machine of a benchmark, as a few facts and as a file name."""

from __future__ import annotations

import os
import platform
import re
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from umlpsd_gpu.bench.device_info import device_rows
from umlpsd_gpu.compute.backend import n_cores
from umlpsd_gpu.compute.versions import recorded_versions

CPU_FILE = Path("/proc/cpuinfo")


def machine_facts() -> dict[str, Any]:
    """Return processor, cores, load and versions; nothing that identifies a person or a host."""
    return {
        "processor": processor(),
        "n_cores": n_cores(),
        "memory_gb": _memory_gb(),
        "platform": platform.system() + " " + platform.machine(),
        "load_at_start": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        "gpu": dict(device_rows()).get("GPU", "several"),
        "date": datetime.now(UTC).date().isoformat(),
        "versions": recorded_versions() | {"threadpoolctl": version("threadpoolctl")},
    }


def processor() -> str:
    """Return the name that the processor reports."""
    try:
        found = re.search(r"^model name\s*:\s*(.+)$", CPU_FILE.read_text(), re.MULTILINE)
    except OSError:
        found = None
    return found.group(1).strip() if found else platform.processor() or platform.machine()


def file_name(facts: dict[str, Any]) -> str:
    """Return a file name for the results of this machine, as ``amd-epyc-2-cores``.

    Parameters
    ----------
    facts : dict
        From `machine_facts`.

    Returns
    -------
    str
    """
    gpu = "" if "," not in str(facts["gpu"]) else " " + str(facts["gpu"]).split(",")[0]
    text = f"{facts['processor']}{gpu} {facts['n_cores']} cores"
    return re.sub(r"[^a-z0-9]+", "-", re.sub(r"\((r|tm)\)", "", text.lower())).strip("-")


def _memory_gb() -> float | None:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1)
    except (AttributeError, ValueError, OSError):
        return None
