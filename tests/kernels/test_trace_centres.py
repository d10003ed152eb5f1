"""trace_centres: means in two parts, constants, bad traces, same bits."""

import numpy as np
import pytest

from tests.support.cupy_on_cpu.raw import ORDER
from tests.support.ensembles import noise
from tests.support.tolerances import SUM_FLOAT64
from umlpsd_gpu.compute.kernel_loader import C_TYPES, kernel
from umlpsd_gpu.spectrum import gpu as device


def centres(cupy, values, block=64, n_blocks=None, real=None):
    """Launch the kernel on a NumPy array, into NaN; (n_traces, 2)."""
    real = real or ("float" if values.dtype.name in device.IN_FLOAT32 else "double")
    out = cupy.full((len(values), 2), np.nan, dtype="float32" if real == "float" else "float64")
    run = kernel("trace_centres", VALUE=C_TYPES[values.dtype.name], REAL=real)
    run(n_blocks or len(values), block, cupy.asarray(values), *values.shape, out)
    return cupy.asnumpy(out)


@pytest.mark.parametrize("dtype", C_TYPES)
@pytest.mark.parametrize("n_frames", [1, 2, 31, 32, 97, 1009])
def test_both_parts_add_up_to_the_mean(cupy, dtype, n_frames):
    values = (noise(5, n_frames) / (4 if dtype.endswith("int8") else 1)).astype(dtype)
    high, low = centres(cupy, values).T
    mean = values.astype(np.float64).mean(axis=1)
    if dtype in device.IN_FLOAT32:
        assert high.dtype == np.float32
        np.testing.assert_array_equal(high, mean.astype(np.float32))
        # the second part is rounded as well, at 6e-8 of itself
        np.testing.assert_allclose(high.astype(float) + low, mean, rtol=1e-14)
    else:
        np.testing.assert_allclose(high, mean, rtol=SUM_FLOAT64)
        assert not low.any()


def test_a_constant_trace_has_its_value_for_a_centre(cupy):
    for dtype in (np.float32, np.float64, np.uint16):
        values = np.array([[0.1], [7], [1e6 / 3]]).astype(dtype).repeat(1000, axis=1)
        np.testing.assert_array_equal(
            centres(cupy, values), np.stack([values[:, 0]] * 2, 1) * [1, 0]
        )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("bad", [(np.nan,), (np.inf,), (-np.inf,), (np.inf, -np.inf)])
def test_what_is_not_finite_is_nan(cupy, bad, dtype):
    values = noise(4, 70).astype(dtype)
    clean = centres(cupy, values)
    values[0, 0] = values[1, 69] = bad[0]
    values[1, 3] = bad[-1]
    values[2] = bad[0]
    found = centres(cupy, values)
    assert np.isnan(found[:3]).all()
    np.testing.assert_array_equal(found[3], clean[3])


def test_blocks_grids_and_thread_orders_change_no_bit(cupy, monkeypatch):
    values = noise(70, 211)
    expected = centres(cupy, values)
    for block in (32, 96, 256, 1024):
        for n_blocks in (1, 3, 70):
            np.testing.assert_array_equal(centres(cupy, values, block, n_blocks), expected)
    for seed in (1, 2):
        monkeypatch.setitem(ORDER, "seed", seed)
        np.testing.assert_array_equal(centres(cupy, values), expected)
