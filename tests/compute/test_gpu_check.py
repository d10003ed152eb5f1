"""A GPU that can't compute is none: whatever fails, and only then."""

import pytest

from tests.support.cupy_on_cpu.cuda import CUDARuntimeError
from umlpsd_gpu.compute import backend, gpu_check
from umlpsd_gpu.compute.gpu_check import why_gpu_fails


class CompileException(Exception):
    """As CuPy's compiler raises it."""


def test_a_gpu_that_computes_is_used(cupy):
    assert why_gpu_fails() is None
    assert backend.gpu_missing() is None
    assert backend.choose_device("auto") == "gpu"


def raising(error):
    def fail(*args, **kwargs):
        raise error

    return fail


def test_an_architecture_that_cuda_has_dropped(on_cpu, monkeypatch):
    refused = CompileException("nvrtc: error: invalid value for --gpu-architecture (-arch)\n")
    monkeypatch.setattr(gpu_check, "_row_dots", raising(refused))
    monkeypatch.setattr(
        on_cpu.cuda, "Device", lambda: type("Volta", (), {"compute_capability": "70"})
    )
    assert backend.gpu_missing() == (
        "CUDA 13 has dropped GPUs of compute capability 7.0: pip install 'umlpsd_gpu[cuda12]' "
        "instead of cuda13"
    )
    assert backend.choose_device("auto") == "cpu"


@pytest.mark.parametrize(
    ("step", "where"),
    [
        ("a copy", ("asarray",)),
        ("a Fourier transform", ("fft", "rfft")),
    ],
)
def test_each_step_is_named(on_cpu, monkeypatch, step, where):
    owner = on_cpu
    for name in where[:-1]:
        owner = getattr(owner, name)
    busy = CUDARuntimeError(46, "cudaErrorDevicesUnavailable: busy or unavailable\nmore")
    monkeypatch.setattr(owner, where[-1], raising(busy))
    says = backend.gpu_missing()
    assert says.startswith(
        f"the GPU fails in {step} (CUDARuntimeError: cudaErrorDevicesUnavailable"
    )
    assert "\n" not in says
    assert "nvidia-smi" in says


def test_wrong_numbers_are_no_gpu(on_cpu, monkeypatch):
    monkeypatch.setattr(on_cpu.fft, "rfft", lambda points, axis: points)
    assert backend.gpu_missing() == (
        "the GPU computes wrong numbers in a Fourier transform: check it with nvidia-smi"
    )


def test_it_is_asked_once(on_cpu, monkeypatch):
    assert why_gpu_fails() is None
    monkeypatch.setattr(gpu_check, "_row_dots", raising(AssertionError("asked again")))
    assert backend.gpu_missing() is None
