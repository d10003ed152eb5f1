"""Traces in bounded memory: the right means, whatever the pieces."""

import numpy as np
import pytest

from umlpsd_gpu.live.samples import BoundedSamples


def filled(values, pieces, most=8):
    samples = BoundedSamples(len(values), most, values.dtype)
    first = 0
    for n in pieces:
        samples.add(values[:, first : first + n])
        first += n
    samples.add(values[:, first:])
    return samples


@pytest.mark.parametrize("n_frames", [0, 1, 7, 8, 9, 16, 17, 18, 40, 133])
def test_samples_are_means_of_equal_numbers_of_frames(n_frames):
    values = np.random.default_rng(n_frames).normal(size=(3, n_frames))
    samples = filled(values, [])
    assert samples.n_samples <= 8
    assert samples.n_samples == n_frames // samples.factor
    for i in range(samples.n_samples):
        part = values[:, i * samples.factor : (i + 1) * samples.factor]
        np.testing.assert_allclose(samples.values[:, i], part.mean(axis=1), rtol=0, atol=1e-14)
    # no finer than it must be
    assert samples.factor == 1 or n_frames // (samples.factor // 2) > 8


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_pieces_change_no_bit(dtype):
    rng = np.random.default_rng(1)
    values = rng.normal(size=(4, 301)).astype(dtype)
    whole = filled(values, [])
    for _ in range(20):
        pieces = rng.integers(1, 40, 30)
        other = filled(values, pieces[np.cumsum(pieces) < 301])
        assert other.factor == whole.factor
        np.testing.assert_array_equal(other.values, whole.values)


def test_what_was_handed_out_stays_as_it_was():
    values = np.arange(40.0).reshape(1, 40)
    samples = BoundedSamples(1, 8, values.dtype)
    samples.add(values[:, :6])
    before = samples.values
    samples.add(values[:, 6:])
    np.testing.assert_array_equal(before, values[:, :6])


@pytest.mark.parametrize("n_frames", [5, 30, 67])
def test_joined_traces_go_on_as_if_they_had_always_been_together(n_frames):
    values = np.random.default_rng(2).normal(size=(5, 100))
    parts = [filled(rows[:, :n_frames], [3, 1]) for rows in (values[:2], values[2:])]
    joined = parts[0].with_more(parts[1])
    joined.add(values[:, n_frames:])
    np.testing.assert_array_equal(joined.values, filled(values, []).values)
    assert joined.n_frames == 100


def test_traces_of_other_frames_are_not_joined():
    values = np.zeros((1, 9))
    with pytest.raises(ValueError, match="9 and 5 frames"):
        filled(values, []).with_more(filled(values[:, :5], []))


def test_gaps_are_noticed():
    values = np.array([[1.0, np.nan, 3.0]])
    assert filled(values, []).has_gaps
    assert not filled(values[:, :1], []).has_gaps
