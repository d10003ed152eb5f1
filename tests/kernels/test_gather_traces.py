"""gather_traces: against its twin and plain loops, ragged groups, ugly pixels, same bits."""

from types import SimpleNamespace

import numpy as np
import pytest

from tests.support import reference
from tests.support.cupy_on_cpu.raw import ORDER
from tests.support.tolerances import SUM_FLOAT64
from umlpsd_gpu.compute.kernel_loader import C_TYPES, kernel
from umlpsd_gpu.traces.apertures import weights_at_rest
from umlpsd_gpu.traces.gpu import FRAMES_PER_WARP
from umlpsd_gpu.traces.photometry import _gather

SHAPE = (29, 31)


def aperture(**changed):
    """Return the settings of photometry; no model of settings is needed beside a GPU."""
    rings = {"ring_inner_px": 4.0, "ring_outer_px": 7.0}
    box = {"photometry": "box", "psf_sigma_px": 1.3, "box_radius_px": 2}
    return SimpleNamespace(**(box | rings | changed))


ROWS, COLS = np.array([0.0, 14.3, 28.0, 17.0, 9.6]), np.array([0.0, 15.7, 30.0, 2.2, 20.4])


def noise(n_frames, dtype, shape=SHAPE):
    largest = min(60_000, np.iinfo(dtype).max) if np.dtype(dtype).kind in "iu" else 60_000
    rng = np.random.default_rng(n_frames)
    return rng.integers(0, largest, (n_frames, *shape)).astype(dtype)


def gathered(cupy, frames, pixels, weights, block=128, first=0, n_columns=None, n_more_blocks=0):
    """Launch the kernel on NumPy arrays; columns that it leaves alone hold NaN."""
    n_frames, n_traces = len(frames), weights.shape[0]
    values = cupy.full((n_traces, n_columns or n_frames), np.nan)
    n_warps = -(-n_frames // FRAMES_PER_WARP) * n_traces
    n_blocks = -(-n_warps * 32 // block) + n_more_blocks
    kernel("gather_traces", VALUE=C_TYPES[frames.dtype.name], FRAMES=FRAMES_PER_WARP)(
        n_blocks,
        block,
        cupy.asarray(frames),
        cupy.asarray(weights.indptr.astype(np.int64)),
        cupy.asarray(pixels[weights.indices].astype(np.int64)),
        cupy.asarray(weights.data),
        values,
        n_frames,
        frames[0].size,
        n_traces,
        values.shape[1],
        first,
    )
    return cupy.asnumpy(values)


def assert_equals_twin(values, frames, pixels, weights):
    expected = weights @ _gather(frames, pixels)
    terms = abs(weights) @ _gather(np.abs(frames.astype(np.float64)), pixels)
    assert np.all(np.abs(values - expected) <= SUM_FLOAT64 * terms)


@pytest.mark.parametrize("photometry", ["box", "gaussian"])
@pytest.mark.parametrize("dtype", C_TYPES)
def test_equals_the_twin(cupy, dtype, photometry):
    frames = noise(21, dtype)
    pixels, weights = weights_at_rest(ROWS, COLS, aperture(photometry=photometry), SHAPE)
    assert_equals_twin(gathered(cupy, frames, pixels, weights), frames, pixels, weights)


@pytest.mark.parametrize("n_frames", [1, 7, 8, 9, 61, 331])
@pytest.mark.parametrize("n_traces", [1, 5])
def test_lengths_and_numbers_of_traces(cupy, n_frames, n_traces):
    frames = noise(n_frames, np.uint16)
    pixels, weights = weights_at_rest(ROWS[:n_traces], COLS[:n_traces], aperture(), SHAPE)
    assert_equals_twin(gathered(cupy, frames, pixels, weights), frames, pixels, weights)


@pytest.mark.parametrize(("row", "col"), [(14, 15), (0, 0), (28, 3)])
def test_equals_plain_loops(cupy, row, col):
    frames = noise(5, np.uint16)
    found = weights_at_rest(np.array([row]), np.array([col]), aperture(), SHAPE)
    expected = reference.box_photometry(frames, row, col, 2, 4.0, 7.0)
    values = gathered(cupy, frames, *found)
    assert values[0] == pytest.approx(np.array(expected), rel=SUM_FLOAT64, abs=1e-7)


def test_apertures_of_a_few_pixels_and_of_many(cupy):
    frames = noise(11, np.uint16)
    for settings in (
        aperture(box_radius_px=0, ring_inner_px=1, ring_outer_px=1.5),
        aperture(ring_inner_px=8, ring_outer_px=13),
    ):
        pixels, weights = weights_at_rest(ROWS, COLS, settings, SHAPE)
        assert_equals_twin(gathered(cupy, frames, pixels, weights), frames, pixels, weights)


def test_block_sizes_and_idle_warps_change_no_bit(cupy):
    frames = noise(37, np.float32)
    found = weights_at_rest(ROWS, COLS, aperture(), SHAPE)
    expected = gathered(cupy, frames, *found, block=32)
    for block in (64, 96, 256, 1024):
        assert np.array_equal(gathered(cupy, frames, *found, block=block), expected)
    assert np.array_equal(gathered(cupy, frames, *found, n_more_blocks=3), expected)


def test_thread_orders_change_no_bit(cupy, monkeypatch):
    frames = noise(19, np.float32)
    found = weights_at_rest(ROWS, COLS, aperture(), SHAPE)
    expected = gathered(cupy, frames, *found)
    for seed in (1, 2, 3):
        monkeypatch.setitem(ORDER, "seed", seed)
        assert np.array_equal(gathered(cupy, frames, *found), expected)


def test_only_the_columns_asked_for_are_written(cupy):
    frames = noise(13, np.uint16)
    found = weights_at_rest(ROWS, COLS, aperture(), SHAPE)
    values = gathered(cupy, frames, *found, first=5, n_columns=23)
    assert np.isnan(values[:, :5]).all()
    assert np.isnan(values[:, 18:]).all()
    assert np.array_equal(values[:, 5:18], gathered(cupy, frames, *found))


def test_a_frame_does_not_depend_on_its_place_in_a_group(cupy):
    frames = noise(27, np.float64)
    found = weights_at_rest(ROWS, COLS, aperture(photometry="gaussian"), SHAPE)
    whole = gathered(cupy, frames, *found)
    for n_before in (1, 3, 8):
        assert np.array_equal(gathered(cupy, frames[n_before:], *found), whole[:, n_before:])


@pytest.mark.parametrize("ugly", [np.nan, np.inf, -np.inf])
def test_ugly_pixels_spoil_their_emitter_in_their_frame_only(cupy, ugly):
    frames = noise(10, np.float64)
    frames[4, 14, 15] = frames[9, 14, 21] = ugly  # in the box, in the ring
    frames[2, 0, 30] = ugly  # of no emitter
    found = weights_at_rest(ROWS[:3], COLS[:3], aperture(), SHAPE)
    values = gathered(cupy, frames, *found)
    assert np.argwhere(~np.isfinite(values)).tolist() == [[1, 4], [1, 9]]
    assert np.isnan(values[1, [4, 9]]).all()


def test_a_sum_that_overflows_is_nan_as_in_the_twin(cupy):
    frames = np.full((3, *SHAPE), 1e308)
    frames[:, 14, 14:18] *= -1
    found = weights_at_rest(ROWS[1:2], COLS[1:2], aperture(), SHAPE)
    assert np.isnan(gathered(cupy, frames, *found)).all()
