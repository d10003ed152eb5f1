"""cuFFT's transforms keep the precision of their input, as scipy.fft's do."""

import scipy.fft

from tests.cupy_on_cpu.array import unwrapped, wrapped


def rfft(array, n=None, axis=-1):
    return wrapped(scipy.fft.rfft(unwrapped(array), n, axis))
