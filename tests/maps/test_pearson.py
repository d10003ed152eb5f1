"""Pearson maps against numpy.corrcoef and plain loops, on awkward traces too."""

import math

import numpy as np
import pytest

from tests.support.tolerances import PCC_FLOAT32, PCC_FLOAT64
from umlpsd_gpu.errors import SettingsError
from umlpsd_gpu.maps import standardise
from umlpsd_gpu.maps.distance import correlation_against_distance
from umlpsd_gpu.maps.neighbours import neighbour_mean, neighbour_pairs, pair_correlation
from umlpsd_gpu.maps.pearson import (
    correlation_matrix,
    correlation_with,
    correlation_with_domains,
    most_traces,
)
from umlpsd_gpu.maps.standardise import default_detrend_frames

N_FRAMES = 97


def traces(n: int, seed: int = 0) -> np.ndarray:
    """Counts that share a slow trace, so that correlations are neither 0 nor 1."""
    rng = np.random.default_rng(seed)
    slow = np.cumsum(rng.normal(0, 10, N_FRAMES))
    return (300 + np.outer(rng.uniform(-1, 1, n), slow) + rng.normal(0, 15, (n, N_FRAMES))).astype(
        np.float32
    )


def detrended(values: np.ndarray, frames: int) -> np.ndarray:
    """Subtract the moving average by a plain loop; the trace mirrored at its ends."""
    found = np.empty(values.shape)
    for i, trace in enumerate(values.astype(np.float64)):
        mirrored = np.concatenate([trace[::-1], trace, trace[::-1]])
        for t in range(trace.size):
            first = trace.size + t - frames // 2
            found[i, t] = trace[t] - mirrored[first : first + frames].mean()
    return found


def pcc(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.corrcoef(one.astype(np.float64), other.astype(np.float64))[0, 1])


@pytest.mark.parametrize("frames", [0, 11])
class TestAgainstLoops:
    def test_with_one_pixel(self, frames: int) -> None:
        values = traces(13)
        plain = detrended(values, frames) if frames else values
        expected = [pcc(trace, plain[4]) for trace in plain]
        found = correlation_with(values, values[4], frames)
        np.testing.assert_allclose(found, expected, atol=PCC_FLOAT64)
        assert found[4] == pytest.approx(1, abs=PCC_FLOAT64)

    def test_with_domain_means(self, frames: int) -> None:
        values, labels = traces(13), np.array([1, 1, 2, 2, 2, 0, 1, 4, 2, 1, 2, 2, 1])
        plain = (detrended(values, frames) if frames else values).astype(np.float64)
        found, between = correlation_with_domains(values, labels, frames)
        for d, domain in enumerate((1, 2, 4)):
            for i in range(13):
                others = [j for j in range(13) if labels[j] == domain and j != i]
                if not others:
                    assert np.isnan(found[d, i])
                    continue
                expected = pcc(plain[i], plain[others].mean(axis=0))
                assert found[d, i] == pytest.approx(expected, abs=PCC_FLOAT64)
        means = np.stack([plain[labels == domain].mean(axis=0) for domain in (1, 2, 4)])
        np.testing.assert_allclose(between, np.corrcoef(means), atol=PCC_FLOAT64)
        np.testing.assert_array_equal(between, between.T)

    @pytest.mark.parametrize(
        ("dtype", "tolerance"), [(np.float32, PCC_FLOAT32), (np.float64, PCC_FLOAT64)]
    )
    def test_full_matrix(
        self, frames: int, dtype: type, tolerance: float, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        values = traces(23)
        plain = detrended(values, frames) if frames else values.astype(np.float64)
        for rows_per_block in (5, 23):
            monkeypatch.setattr(standardise, "BLOCK_BYTES", 8 * N_FRAMES * rows_per_block)
            found = correlation_matrix(values, frames, dtype)
            assert found.dtype == dtype
            np.testing.assert_allclose(found, np.corrcoef(plain), atol=tolerance)
            np.testing.assert_array_equal(found, found.T)
            assert (found.diagonal() == 1).all()

    def test_neighbours(self, frames: int) -> None:
        rng = np.random.default_rng(1)
        rows, cols = np.nonzero(rng.random((6, 7)) < 0.6)
        values = traces(rows.size)
        values[3] = 5  # constant: NaN, and no neighbour of others
        plain = detrended(values, frames) if frames else values
        pairs = neighbour_pairs(rows, cols, (6, 7))
        expected_pairs = [
            (i, j)
            for i in range(rows.size)
            for j in range(i + 1, rows.size)
            if max(abs(rows[i] - rows[j]), abs(cols[i] - cols[j])) == 1
        ]
        assert sorted(map(tuple, np.sort(pairs, axis=1).tolist())) == expected_pairs
        found = neighbour_mean(pairs, pair_correlation(values, pairs, frames), rows.size)
        for i in range(rows.size):
            around = [a if b == i else b for a, b in expected_pairs if i in (a, b)]
            around = [j for j in around if j != 3 and i != 3]
            if around:
                expected = np.mean([pcc(plain[i], plain[j]) for j in around])
                assert found[i] == pytest.approx(expected, abs=PCC_FLOAT64)
            else:
                assert np.isnan(found[i])

    def test_constant_and_not_finite_traces_are_nan(self, frames: int) -> None:
        values = traces(9)
        values[2], values[5, 7], values[6, 0] = 12.5, np.nan, np.inf
        undefined = np.isin(np.arange(9), [2, 5, 6])
        labels = np.ones(9, dtype=int)
        with_domains, between = correlation_with_domains(values, labels, frames)
        for found in (correlation_with(values, values[0], frames), with_domains[0]):
            np.testing.assert_array_equal(np.isnan(found), undefined)
        without, _ = correlation_with_domains(values[~undefined], labels[~undefined], frames)
        np.testing.assert_allclose(with_domains[0, ~undefined], without[0], atol=PCC_FLOAT64)
        assert between[0, 0] == 1
        matrix = correlation_matrix(values, frames)
        np.testing.assert_array_equal(np.isnan(matrix), undefined[:, None] | undefined)
        assert np.isnan(correlation_with(values, values[2], frames)).all()


def test_blocks_and_threads_change_no_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    values, labels = traces(40), np.arange(40) % 3 + 1
    pairs = neighbour_pairs(*np.divmod(np.arange(40), 8), (5, 8))

    def all_of(n_threads: int) -> list[bytes]:
        found = (
            correlation_with(values, values[0], 9, n_threads),
            *correlation_with_domains(values, labels, 9, n_threads),
            correlation_matrix(values, 9, n_threads=n_threads),
        )
        return [array.tobytes() for array in found]

    assert all_of(1) == all_of(2)
    whole = pair_correlation(values, pairs, 9), correlation_with(values, values[0], 9)
    monkeypatch.setattr(standardise, "BLOCK_BYTES", 8 * N_FRAMES * 3)
    monkeypatch.setattr("umlpsd_gpu.maps.neighbours.BLOCK_BYTES", 8 * N_FRAMES * 3)
    parts = pair_correlation(values, pairs, 9), correlation_with(values, values[0], 9)
    assert [a.tobytes() for a in whole] == [a.tobytes() for a in parts]


def test_values_may_be_mapped_from_a_file(tmp_path) -> None:
    values = traces(30)
    mapped = np.memmap(tmp_path / "values", np.float32, "w+", shape=values.shape)
    mapped[:] = values
    labels = np.ones(30, dtype=int)
    np.testing.assert_array_equal(correlation_matrix(mapped, 9), correlation_matrix(values, 9))
    for one, other in zip(
        correlation_with_domains(mapped, labels),
        correlation_with_domains(values, labels),
        strict=True,
    ):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(mapped, values)


def test_gain_and_offset_change_nothing() -> None:
    values = traces(8).astype(np.float64)
    np.testing.assert_allclose(
        correlation_with(3.7 * values + 1000, values[0]),
        correlation_with(values, values[0]),
        atol=PCC_FLOAT64,
    )


def test_a_shared_slow_trend_correlates_until_it_is_subtracted() -> None:
    rng = np.random.default_rng(3)
    bleaching = 500 * np.exp(-np.arange(2000) / 700)
    values = bleaching + rng.normal(0, 20, (2, 2000))
    assert correlation_with(values, values[0])[1] > 0.95
    # independent noise of 2,000 frames correlates by less than 4/√2000
    frames = default_detrend_frames(2000)
    assert frames == 201
    assert abs(correlation_with(values, values[0], frames)[1]) < 0.09


def test_a_matrix_that_does_not_fit_says_how_many_pixels_would() -> None:
    values = np.broadcast_to(traces(1), (5000, N_FRAMES))
    with pytest.raises(SettingsError, match=r"5000 pixels needs 100 MB, .* 40; 3162 pixels would"):
        correlation_matrix(values, memory_mb=40)
    assert most_traces(40) == math.isqrt(10_000_000) == 3162
    assert most_traces(40, np.float64) == 2236


@pytest.mark.parametrize("frames", [-1, N_FRAMES + 1])
def test_a_window_longer_than_the_traces_is_refused(frames: int) -> None:
    with pytest.raises(
        SettingsError, match=r"can't be estimated in traces of 97 frames; set maps\."
    ):
        correlation_with(traces(2), traces(1)[0], frames)


def test_correlation_against_distance() -> None:
    rng = np.random.default_rng(5)
    rows, cols = np.nonzero(rng.random((5, 9)) < 0.7)
    matrix = correlation_matrix(traces(rows.size), dtype=np.float64)
    matrix[2], matrix[:, 2] = np.nan, np.nan
    by_distance: dict[int, list[float]] = {}
    for i in range(rows.size):
        for j in range(i + 1, rows.size):
            if 2 not in (i, j):
                distance = round(math.hypot(rows[i] - rows[j], cols[i] - cols[j]))
                by_distance.setdefault(distance, []).append(matrix[i, j])
    found = correlation_against_distance(matrix, rows, cols)
    assert found.distance_px.tolist() == sorted(by_distance)
    for d, distance in enumerate(sorted(by_distance)):
        values = np.array(by_distance[distance])
        assert found.n_pairs[d] == values.size
        assert found.correlation_mean[d] == pytest.approx(values.mean(), abs=PCC_FLOAT64)
        if values.size > 1:
            stderr = values.std(ddof=1) / math.sqrt(values.size)
            assert found.correlation_stderr[d] == pytest.approx(stderr, abs=1e-7)
        else:
            assert np.isnan(found.correlation_stderr[d])


def test_one_pixel_has_no_distance() -> None:
    found = correlation_against_distance(np.ones((1, 1)), np.array([3]), np.array([4]))
    assert found.distance_px.size == found.n_pairs.size == 0
