"""Sums and photometry of movies whose end is not known: the bits of those that are."""

import numpy as np
import pytest

from tests.support.movies import array_movie, background_movie
from umlpsd_gpu.traces.apertures import stack_places
from umlpsd_gpu.traces.frame_sums import RunningSums
from umlpsd_gpu.traces.images import temporal_images
from umlpsd_gpu.traces.photometry import Photometry, measure_emitters
from umlpsd_gpu.traces.settings import TracesSettings
from umlpsd_gpu.traces.sums import bin_image


def running(frames, pieces=(), **how):
    sums, first = RunningSums(frames.shape[1:], frames.dtype, **how), 0
    for n in (*pieces, len(frames)):
        sums.add(frames[first : first + n])
        first += n
    return sums


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32, np.float32])
@pytest.mark.parametrize("n_frames", [512, 777])
def test_the_mean_is_that_of_the_whole_movie(dtype, n_frames):
    frames = np.minimum(background_movie(n_frames, 9, 7), 255).astype(dtype)
    batch = temporal_images(array_movie(frames)).mean
    for pieces in ((), (1, 1, 30, 5, 300), (33,) * 12):
        np.testing.assert_array_equal(running(frames, pieces).mean(), batch)


def test_pixels_that_are_not_finite_are_left_out_of_the_mean():
    frames = background_movie(700, 5, 6).astype(np.float32)
    frames[3, 1, 1], frames[699, 2, 2], frames[:, 4, 5] = np.nan, np.inf, np.nan
    found = running(frames, (200,)).mean()
    known = np.where(np.isfinite(frames), frames, np.nan).astype(np.float64)
    np.testing.assert_allclose(found[:4], np.nanmean(known[:, :4], axis=0), rtol=1e-12)
    assert np.isnan(found[4, 5])
    np.testing.assert_array_equal(found, temporal_images(array_movie(frames)).mean)


def test_segments_are_means_of_the_blocks_in_them():
    frames = background_movie(100, 8, 6)
    sums = running(frames, (7, 50), n_per_block=4, blocks_per_segment=5)
    segments = sums.take_segments()
    assert len(segments) == 5
    for i, segment in enumerate(segments):
        expected = bin_image(4 * frames[20 * i : 20 * (i + 1)].mean(axis=0), sums.bin_px)
        np.testing.assert_allclose(segment, expected, rtol=1e-6)
    assert sums.take_segments() == []


def test_no_frames_have_no_mean():
    with pytest.raises(ValueError, match="no mean of no frames"):
        RunningSums((4, 4), np.dtype(np.uint16)).mean()


def test_photometry_of_any_piece_is_that_of_the_movie():
    frames, settings = background_movie(90, 40, 40), TracesSettings()
    rows, cols, others = np.array([12.3, 25.8]), np.array([20.1, 15.5]), np.array([[12.0, 26.0]])
    whole = measure_emitters(array_movie(frames), rows, cols, settings, others=others)
    photometry = Photometry((40, 40), *stack_places(rows, cols, others), settings)
    for first, stop in ((0, 1), (5, 44), (44, 90)):
        np.testing.assert_array_equal(photometry.measure(frames[first:stop]), whole[:, first:stop])
    assert photometry.n_measured == 2


def test_photometry_follows_the_sample():
    frames, settings = background_movie(5, 40, 40), TracesSettings()
    spots, moved = np.array([[20.0, 20.0]]), np.array([1.5, -2.0])
    there = Photometry((40, 40), spots + moved, spots + moved, settings)
    followed = Photometry((40, 40), spots, spots, settings).moved(moved)
    np.testing.assert_array_equal(followed.measure(frames), there.measure(frames))
