"""Temporal images: against plain loops, ragged ends, ugly pixels, same bits whatever the chunks."""

import numpy as np
import pytest

from tests.support import reference
from tests.support.movies import array_movie
from tests.support.tolerances import SUM_FLOAT64
from umlpsd_gpu.traces.images import temporal_images
from umlpsd_gpu.traces.streaming import frames_at_once, in_order, stretches


def noise(shape, dtype=np.uint16, seed=0):
    return np.random.default_rng(seed).integers(0, 4000, shape).astype(dtype)


@pytest.mark.parametrize("shape", [(1, 1, 1), (7, 3, 5), (97, 4, 3), (160, 2, 7), (531, 3, 2)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int16, np.uint32, np.float32])
def test_images_equal_plain_loops(shape, dtype):
    frames = noise(shape, dtype)
    images = temporal_images(array_movie(frames))
    mean, variance = reference.temporal_images(frames, images.n_frames_per_block)
    assert images.mean == pytest.approx(np.array(mean), rel=SUM_FLOAT64)
    # the variance is a small difference of sums of squares
    assert images.variance == pytest.approx(np.array(variance), rel=1e-9, abs=1e-6)


def test_blocks_grow_with_the_movie_and_stop_at_32_frames():
    lengths = [
        temporal_images(array_movie(noise((n, 2, 2)))).n_frames_per_block for n in (5, 100, 1000)
    ]
    assert lengths == [1, 6, 32]


@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
def test_memory_bound_and_threads_change_no_bit(dtype):
    frames = noise((203, 31, 17), dtype)
    whole = temporal_images(array_movie(frames), n_threads=1)
    for memory_mb in (1e-6, 0.003, 0.02):
        for n_threads in (1, 3):
            pieces = temporal_images(array_movie(frames, memory_mb=memory_mb), n_threads=n_threads)
            assert np.array_equal(pieces.mean, whole.mean)
            assert np.array_equal(pieces.variance, whole.variance)


def test_drift_is_shifted_back():
    frames = np.zeros((64, 20, 20))
    drift = np.repeat([[0.0, 0.0], [2.0, 1.0]], 32, axis=0)
    frames[:32, 8, 9] = 1.0
    frames[32:, 10, 10] = 1.0
    images = temporal_images(array_movie(frames), drift)
    assert images.mean[8, 9] == pytest.approx(1.0)
    assert images.mean.sum() == pytest.approx(1.0)
    assert images.variance.max() == pytest.approx(0.0)
    assert images.lost_px == (0.0, 2.0, 0.0, 1.0)


@pytest.mark.parametrize("ugly", [np.nan, np.inf])
@pytest.mark.parametrize("memory_mb", [256, 0.001])
def test_frames_in_which_a_pixel_is_not_finite_are_left_out_of_its_average(ugly, memory_mb):
    frames = noise((53, 6, 5), np.float64)
    frames[33, 2, 3], frames[:, 1, 1], frames[52, 4, 4] = ugly, ugly, ugly
    images = temporal_images(array_movie(frames, memory_mb=memory_mb))
    assert np.argwhere(~np.isfinite(images.mean)).tolist() == [[1, 1]]
    assert images.mean[2, 3] == pytest.approx(np.delete(frames[:, 2, 3], 33).mean())
    assert images.mean[4, 4] == pytest.approx(frames[:52, 4, 4].mean())
    assert images.sound_share[2, 3] == pytest.approx(52 / 53)
    clean = temporal_images(array_movie(noise((53, 6, 5), np.float64)))
    untouched = np.ones((6, 5), bool)
    untouched[[2, 1, 4], [3, 1, 4]] = False
    assert np.array_equal(images.mean[untouched], clean.mean[untouched])
    assert np.array_equal(images.variance[untouched], clean.variance[untouched])


def test_blocks_with_few_finite_frames_do_not_count_for_the_variance():
    frames = noise((64, 4, 4), np.float64)
    expected = temporal_images(array_movie(frames[:60])).mean  # blocks of 4, the last one is out
    blocks = frames[:60, 2, 2].reshape(15, 4).mean(axis=1)
    frames[61:, 2, 2] = np.nan
    images = temporal_images(array_movie(frames))
    assert images.variance[2, 2] == pytest.approx(blocks.var())
    assert images.mean[2, 2] != pytest.approx(expected[2, 2])
    assert images.mean[2, 2] == pytest.approx(frames[:61, 2, 2].mean())


@pytest.mark.parametrize("multiple_of", [1, 7, 32, 500])
def test_stretches_cover_every_frame_once(multiple_of):
    movie = array_movie(np.zeros((211, 300, 301), np.uint8))
    spans = stretches(movie, multiple_of)
    assert [frame for first, stop in spans for frame in range(first, stop)] == list(range(211))
    assert all(first % multiple_of == 0 for first, _ in spans)


def test_a_thread_holds_its_share_of_the_memory_bound():
    movie = array_movie(np.zeros((100, 100, 100), np.uint8), memory_mb=0.1)
    assert frames_at_once(movie, n_threads=1) == 10
    assert frames_at_once(movie, n_threads=2) == 5
    assert frames_at_once(movie, n_threads=64) == 1


def test_results_come_in_order_and_errors_are_not_lost():
    spans = [(i, i + 1) for i in range(20)]
    assert list(in_order(lambda first, stop: first * stop, spans, 3)) == [
        i * (i + 1) for i in range(20)
    ]

    def fail_late(first, stop):
        if first == 13:
            raise ValueError("frame 13")
        return first

    with pytest.raises(ValueError, match="frame 13"):
        list(in_order(fail_late, spans, 2))
