"""Fixtures shared by every test."""

import os
import sys
from pathlib import Path

import pytest

from umlpsd_gpu import kernel_loader
from umlpsd_gpu.backend import gpu_missing


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real data beside the checkout; a user's checkout has none."""
    folder = Path(__file__).parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the folder ../shared/data with real measurements is not on this machine")
    return folder


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """An otherwise empty folder to put studies in."""
    place = tmp_path / "place"
    place.mkdir()
    return place


@pytest.fixture(params=["on_cpu", pytest.param("gpu", marks=pytest.mark.gpu)])
def cupy(request, monkeypatch):
    """The stand-in for CuPy, whose kernels run on the CPU; and the real one where a GPU is."""
    if request.param == "gpu":
        reason = gpu_missing()
        if reason and os.environ.get("UMLPSD_REQUIRE_GPU") == "1":
            pytest.fail(reason)
        if reason:
            pytest.skip(reason)
        import cupy

        yield cupy
        return
    from tests import cupy_on_cpu
    from tests.cupy_on_cpu.memory import DEVICE

    monkeypatch.setitem(sys.modules, "cupy", cupy_on_cpu)
    kernel_loader._compiled.cache_clear()
    yield cupy_on_cpu
    kernel_loader._compiled.cache_clear()
    DEVICE.reset()
    cupy_on_cpu.raw.ORDER["seed"] = 0
