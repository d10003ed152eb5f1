"""Fixtures shared by every test."""

import os
import shutil
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from umlpsd_gpu.compute import cpu_kernel, kernel_loader
from umlpsd_gpu.compute import transfer as on_device
from umlpsd_gpu.compute.backend import gpu_missing
from umlpsd_gpu.compute.gpu_check import why_gpu_fails
from umlpsd_gpu.kmeans import gpu_metrics as device_metrics
from umlpsd_gpu.kmeans import native as compiled
from umlpsd_gpu.kmeans import restarts


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real data beside the checkout; a user's checkout has none."""
    folder = Path(__file__).parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the folder ../shared/data with real measurements is not on this machine")
    return folder


@pytest.fixture(scope="session")
def shared_cases() -> Path:
    """Folder of inputs re-created from public reports; a user's checkout has none."""
    folder = Path(__file__).parents[2] / "shared" / "cases"
    if not folder.is_dir():
        pytest.skip("the folder ../shared/cases with reported inputs is not on this machine")
    return folder


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """A headless Chromium; skips where there is none."""
    from tests.support.browser import open_browser

    with open_browser() as browser:
        yield browser


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """An otherwise empty folder to put studies in."""
    place = tmp_path / "place"
    place.mkdir()
    return place


@pytest.fixture
def compiled_kernel():
    """The library of kernels in C; skips where it can't be had."""
    compiler = os.environ.get("CC", "").split() or ["cc"]
    if cpu_kernel.library() is None and shutil.which(compiler[0]):
        pytest.fail(f"there is a C compiler, but {cpu_kernel.why_missing()}")
    if cpu_kernel.library() is None:
        pytest.skip(cpu_kernel.why_missing())
    return cpu_kernel.library()


@pytest.fixture
def in_step(monkeypatch):
    """Batched K-means without compiled code."""
    monkeypatch.setattr(compiled, "library", lambda: None)


@pytest.fixture(params=["compiled_kernel", "in_step"])
def way(request):
    """Both ways of batched K-means on the CPU."""
    request.getfixturevalue(request.param)
    return request.param


@pytest.fixture
def on_cpu(monkeypatch):
    """The stand-in for CuPy, whose kernels run on the CPU."""
    from tests.support import cupy_on_cpu

    monkeypatch.setitem(sys.modules, "cupy", cupy_on_cpu)
    _forget_device_arrays()
    yield cupy_on_cpu
    _forget_device_arrays()
    cupy_on_cpu.DEVICE.reset()
    cupy_on_cpu.raw.ORDER["seed"] = 0


@pytest.fixture(params=["on_cpu", pytest.param("gpu", marks=pytest.mark.gpu)])
def cupy(request):
    """The stand-in for CuPy, and the real one where there is a GPU."""
    if request.param == "on_cpu":
        return request.getfixturevalue("on_cpu")
    reason = gpu_missing()
    if reason and os.environ.get("UMLPSD_REQUIRE_GPU") == "1":
        pytest.fail(reason)
    if reason:
        pytest.skip(reason)
    return import_module("cupy")


def _forget_device_arrays():
    """Empty the caches that hold kernels and arrays of one CuPy, before the other takes its name"""
    for cached in (
        why_gpu_fails,
        restarts._cached_restarts,
        device_metrics._thresholds,
        on_device._streams,
    ):
        cached.cache_clear()
    kernel_loader.COMPILED.clear()
