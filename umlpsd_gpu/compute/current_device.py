"""Which of several GPUs is the current one: that of the arrays which a verb is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from umlpsd_gpu.compute.backend import is_on_device, share_with_cupy

P = ParamSpec("P")
Result = TypeVar("Result")

# Attributes of Traces and Spectrum
ARRAYS_OF_RECORDS = ("values", "psd")


def on_its_device(data: Any) -> AbstractContextManager[Any]:
    """Return a context in which the GPU that holds some data is the current one.

    Kernels, streams and new arrays belong to the current GPU, where addresses of another one are
    invalid.

    Parameters
    ----------
    data : array, tensor, Traces, Spectrum, or mapping of arrays
        NumPy's, CuPy's, or another library's on a GPU; of a mapping the first value counts.

    Returns
    -------
    context manager
        It does nothing for data of the host.
    """
    if isinstance(data, Mapping):
        data = next(iter(data.values()), None)
    for name in ARRAYS_OF_RECORDS:
        held = getattr(data, name, None)
        if held is not None and is_on_device(held):
            data = held
    data = share_with_cupy(data)
    device: AbstractContextManager[Any] = data.device if is_on_device(data) else nullcontext()
    return device


def on_device_of_first(verb: Callable[P, Result]) -> Callable[P, Result]:
    """Decorate a verb: it runs on the GPU that holds its first argument.

    Parameters
    ----------
    verb : callable

    Returns
    -------
    callable
    """

    @wraps(verb)
    def run(*args: P.args, **kwargs: P.kwargs) -> Result:
        first = args[0] if args else next(iter(kwargs.values()), None)
        with on_its_device(first):
            return verb(*args, **kwargs)

    return run
