"""CuPy's functions, passed on to NumPy's of the same name."""

import numpy as np

from tests.support.cupy_on_cpu.array import empty, unwrapped, wrapped

NAMES = """
    abs add argmax argmin argsort arange arctan2 broadcast_to concatenate cos count_nonzero cumsum
    diff divide einsum exp expand_dims flatnonzero floor full full_like hstack isfinite isnan log
    matmul maximum mean minimum multiply nonzero ones ones_like repeat searchsorted sin sort sqrt
    square stack subtract sum take take_along_axis tile tensordot vstack where zeros zeros_like
""".split()  # noqa: SIM905
CONSTANTS = """
    bool_ complex64 complex128 float32 float64 inf int8 int16 int32 int64 intp nan newaxis pi
    uint8 uint16 uint32 uint64
""".split()  # noqa: SIM905
__all__ = [*NAMES, *CONSTANTS]


def _passed_on(name):
    numpy_function = getattr(np, name)

    def function(*args, **kwargs):
        out = kwargs.get("out")
        args = [unwrapped(a) for a in args]
        plain = {key: unwrapped(value) for key, value in kwargs.items()}
        result = numpy_function(*args, **plain)
        return out if out is not None else wrapped(result)

    function.__name__ = name
    return function


globals().update({name: _passed_on(name) for name in NAMES})
globals().update({name: getattr(np, name) for name in CONSTANTS})


def _filled(shape, value, dtype):
    array = empty(shape, dtype)
    array.fill(value)
    return array


def zeros(shape, dtype=float):
    return _filled(shape, 0, dtype)


def ones(shape, dtype=float):
    return _filled(shape, 1, dtype)
