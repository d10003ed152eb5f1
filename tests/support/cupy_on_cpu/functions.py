"""CuPy's functions, passed on to NumPy's of the same name if CuPy would take the arguments too."""

import numpy as np

from tests.support.cupy_on_cpu.array import empty, unwrapped, wrapped
from tests.support.cupy_on_cpu.signatures import SIGNATURES

CONSTANTS = """
    bool_ complex64 complex128 float32 float64 inf int8 int16 int32 int64 intp nan newaxis pi
    uint8 uint16 uint32 uint64
""".split()  # noqa: SIM905
__all__ = [*SIGNATURES, *CONSTANTS]


def _passed_on(name):
    numpy_function, signature = getattr(np, name), SIGNATURES[name]

    def function(*args, **kwargs):
        signature.bind(*args, **kwargs)  # TypeError for what CuPy doesn't take
        out = kwargs.get("out")
        args = [unwrapped(a) for a in args]
        plain = {key: unwrapped(value) for key, value in kwargs.items()}
        result = numpy_function(*args, **plain)
        return out if out is not None else wrapped(result)

    function.__name__ = name
    return function


globals().update({name: _passed_on(name) for name in SIGNATURES})
globals().update({name: getattr(np, name) for name in CONSTANTS})


def _filled(shape, value, dtype):
    array = empty(shape, dtype)
    array.fill(value)
    return array


def zeros(shape, dtype=float):
    return _filled(shape, 0, dtype)


def ones(shape, dtype=float):
    return _filled(shape, 1, dtype)
