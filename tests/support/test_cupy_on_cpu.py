"""The stand-in takes what CuPy takes: its table against the CuPy that is installed, if any."""

import importlib.util
import inspect

import numpy as np
import pytest

from tests.support.cupy_on_cpu.signatures import SIGNATURES, TEXTS, UFUNC


@pytest.fixture(scope="module")
def real_cupy():
    """CuPy needs no GPU to be imported and looked at."""
    if importlib.util.find_spec("cupy") is None:
        pytest.skip("CuPy is not installed")
    return importlib.import_module("cupy")


@pytest.mark.parametrize("name", sorted(TEXTS))
def test_parameters_are_cupys(real_cupy, name):
    function = getattr(real_cupy, name)
    if TEXTS[name] == UFUNC:
        assert isinstance(function, real_cupy.ufunc)
        return
    found = [(p.name, p.kind, p.default) for p in inspect.signature(function).parameters.values()]
    assert found == [(p.name, p.kind, p.default) for p in SIGNATURES[name].parameters.values()]


@pytest.mark.parametrize(
    "name",
    """__array_ufunc__ all any argmax argmin astype copy cumsum data device dtype fill flags get
    item itemsize max mean min nbytes ndim ravel reshape set shape size squeeze strides sum take
    transpose var view""".split(),  # noqa: SIM905
)
def test_arrays_have_these(real_cupy, on_cpu, name):
    assert hasattr(on_cpu.ndarray, name) or hasattr(on_cpu.empty(1), name)
    assert hasattr(real_cupy.ndarray, name)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("sum", {"where": True}),
        ("count_nonzero", {"keepdims": True}),
        ("mean", {"initial": 0}),
        ("searchsorted", {"left": True}),
        ("add", {"where": True}),
        ("zeros", {"like": 1}),
    ],
)
def test_what_only_numpy_takes_is_refused(on_cpu, name, arguments):
    values = on_cpu.asarray(np.ones(3))
    with pytest.raises(TypeError, match="unexpected keyword"):
        getattr(on_cpu, name)(values, values, **arguments)


def test_zeros_and_ones_are_checked_as_well(on_cpu):
    assert on_cpu.asnumpy(on_cpu.zeros((2, 3))).tolist() == np.zeros((2, 3)).tolist()
    assert on_cpu.asnumpy(on_cpu.ones(2, dtype=on_cpu.int16)).dtype == np.int16
