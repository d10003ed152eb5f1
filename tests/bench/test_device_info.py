"""What `umlpsd info` tells about the device: found, hidden, too old, broken or missing."""

import sys
from types import SimpleNamespace

import pytest

from umlpsd_gpu.bench import device_info
from umlpsd_gpu.bench.device_info import device_rows
from umlpsd_gpu.compute import backend
from umlpsd_gpu.errors import DeviceError
from umlpsd_gpu.kmeans import cuml as engine

NO_DRIVER, NO_DEVICE, TOO_OLD, OTHER = (0, 35), (13000, 100), (12040, 35), (13000, 803)


class CUDARuntimeError(RuntimeError):
    def __init__(self, status):
        super().__init__(f"cudaError{status}: text of CUDA")
        self.status = status


def cuda_of(gpus=(), driver=13000, status=None, compiler=(13, 5)):
    """CuPy's ``cuda`` as it answers on a machine with these cards, driver and fault."""

    def count():
        if status:
            raise CUDARuntimeError(status)
        return len(gpus)

    def nvrtc_version():
        if compiler is None:
            raise RuntimeError('Failure finding "libnvrtc.so.13"')
        return compiler

    def device(number):
        if gpus[number]["free"] is None:
            raise CUDARuntimeError(2)
        return SimpleNamespace(mem_info=(gpus[number]["free"], gpus[number]["totalGlobalMem"]))

    return SimpleNamespace(
        runtime=SimpleNamespace(
            CUDARuntimeError=CUDARuntimeError,
            getDeviceCount=count,
            getDeviceProperties=lambda number: gpus[number],
            driverGetVersion=lambda: driver,
            runtimeGetVersion=lambda: 13020,
        ),
        nvrtc=SimpleNamespace(getVersion=nvrtc_version),
        Device=device,
    )


def card(name="NVIDIA H200", free=138_400_000_000):
    return {
        "name": name.encode(),
        "major": 9,
        "minor": 0,
        "multiProcessorCount": 132,
        "totalGlobalMem": 150_100_000_000,
        "free": free,
    }


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """Make CuPy answer as on a certain machine; None: it is not installed."""
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(device_info, "DRIVER_FILE", tmp_path / "version")
    # what these machines compute is the subject of tests/compute/test_gpu_check.py
    monkeypatch.setattr(backend, "why_gpu_fails", lambda: None)
    monkeypatch.setitem(sys.modules, "cuml", None)

    def set_up(release=None, **changes):
        cupy = SimpleNamespace(__version__="14.2.0", __spec__="", cuda=cuda_of(**changes))
        monkeypatch.setitem(sys.modules, "cupy", cupy)
        if release:
            (tmp_path / "version").write_text(release)

    monkeypatch.setitem(sys.modules, "cupy", None)
    return set_up


def rows():
    return dict(device_rows())


class TestNoGpu:
    def test_no_cupy(self, machine):
        assert rows() == {
            "GPU": "not known without CuPy",
            "driver": "not known without CuPy",
            "CUDA runtime": "none; it comes with CuPy",
            "CuPy": "not installed",
            "cuML": "not installed; only --engine cuml needs it",
            "device auto": "cpu, since CuPy is not installed: pip install 'umlpsd_gpu[cuda13]' "
            "(drivers from 580 on) or 'umlpsd_gpu[cuda12]'",
            "engine auto": "batched; cuML needs a GPU",
        }

    @pytest.mark.parametrize(
        ("fault", "says"),
        [
            (NO_DRIVER, "no NVIDIA driver is found: install it"),
            (NO_DEVICE, "there is an NVIDIA driver but no GPU: check whether nvidia-smi"),
            (TOO_OLD, "goes up to CUDA 12.4 and CuPy needs 13.2: update the driver"),
            (OTHER, "the NVIDIA driver fails (cudaError803: text of CUDA): check with nvidia-smi"),
        ],
    )
    def test_each_fault_has_its_sentence(self, machine, fault, says):
        driver, status = fault
        machine(driver=driver, status=status)
        assert says in backend.gpu_missing()
        found = rows()
        assert found["GPU"] == "none found"
        assert found["CuPy"] == "14.2.0"
        assert found["device auto"] == f"cpu, since {backend.gpu_missing()}"
        with pytest.raises(DeviceError, match="'gpu' was asked for, but ") as refused:
            backend.choose_device("gpu")
        assert says in str(refused.value)
        assert refused.value.exit_code == 3

    @pytest.mark.parametrize("status", [None, NO_DEVICE[1]])
    def test_hidden_devices_name_what_hides_them(self, machine, monkeypatch, status):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "7")
        machine(status=status)
        assert backend.gpu_missing().startswith("CUDA_VISIBLE_DEVICES='7' hides all GPUs: unset it")

    def test_broken_cupy(self, machine, monkeypatch, tmp_path):
        broken = "try:\n    import libnothing\nexcept ImportError as e:\n"
        broken += "    raise ImportError('=====\\nadvice\\n=====') from e\n"
        (tmp_path / "cupy.py").write_text(broken)
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.delitem(sys.modules, "cupy")
        assert backend.gpu_missing().startswith(
            "CuPy can't be imported (No module named 'libnothing'); reinstall it"
        )
        assert rows()["CuPy"] == "installed, but it can't be imported"

    def test_a_gpu_without_compiler_computes_nothing(self, machine):
        machine(gpus=[card()], compiler=None)
        found = rows()
        assert found["GPU"].startswith("NVIDIA H200")
        assert found["CUDA runtime"] == "13.2, no compiler (NVRTC)"
        assert "pip install 'cupy-cuda13x[ctk]'" in found["device auto"]
        assert found["engine auto"] == "batched; cuML needs a GPU"


class TestGpu:
    def test_one(self, machine):
        machine(
            "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.95.05  Release Build\n"
            "GCC version:  gcc version 12.2.0 (Debian 12.2.0-14)\n",
            gpus=[card()],
        )
        assert rows() == {
            "GPU": "NVIDIA H200, compute capability 9.0, 132 multiprocessors, "
            "138.4 of 150.1 GB free",
            "driver": "580.95.05, up to CUDA 13.0",
            "CUDA runtime": "13.2, compiler (NVRTC) 13.5",
            "CuPy": "14.2.0",
            "cuML": "not installed; only --engine cuml needs it",
            "device auto": "gpu, since it is found",
            "engine auto": engine.why_auto(),
        }

    def test_two_and_one_is_taken(self, machine):
        machine(gpus=[card("first"), card("second", free=None)])
        found = rows()
        assert found["GPU 0"].startswith("first, ")
        assert found["GPU 1"].startswith("second, ")
        assert found["GPU 1"].endswith("150.1 GB that can't be opened")
        assert found["device auto"].startswith("gpu 0, ")

    def test_what_is_found_here(self, cupy):
        """The stand-in, and the card where there is one."""
        found = rows()
        assert found["CuPy"] == cupy.__version__
        assert "compute capability" in found.get("GPU", found.get("GPU 0"))
        assert found["device auto"].startswith("gpu")
        assert found["engine auto"] == engine.why_auto()
