"""cuFFT's transforms keep the precision of their input, as scipy.fft's do."""

from types import SimpleNamespace

import scipy.fft

from tests.support.cupy_on_cpu.array import unwrapped, wrapped

config = SimpleNamespace(get_plan_cache=lambda: SimpleNamespace(clear=lambda: None))


def rfft(array, n=None, axis=-1):
    return wrapped(scipy.fft.rfft(unwrapped(array), n, axis))


def rfft2(array, axes=(-2, -1)):
    return wrapped(scipy.fft.rfft2(unwrapped(array), axes=axes))
