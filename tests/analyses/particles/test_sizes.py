"""Size distributions: against SciPy, closed forms, and truth in repeated simulations."""

import numpy as np
import pytest

from umlpsd_gpu.analyses.particles.sizes import size_statistics


def drawn(n=400, n_images=10, sd=0.12, between=0.0, seed=0):
    rng = np.random.default_rng(seed)
    image_of = np.arange(n) % n_images
    logs = np.log(10) + rng.normal(0, sd, n) + rng.normal(0, between, n_images)[image_of]
    return np.exp(logs), np.ones(n), image_of


def test_without_weights_the_statistics_are_numpys():
    lengths, weights, image_of = drawn()
    values = size_statistics(lengths, weights, image_of).values
    assert values["mean"] == pytest.approx(lengths.mean())
    assert values["sd"] == pytest.approx(lengths.std(ddof=1))
    assert values["d50"] == pytest.approx(np.median(lengths), rel=1e-3)
    assert values["d10"] == pytest.approx(np.quantile(lengths, 0.1, method="hazen"))
    assert values["geometric_sd"] == pytest.approx(np.exp(np.log(lengths).std(ddof=1)))


def test_weights_are_numbers_of_particles():
    lengths = np.array([1.0, 2.0, 4.0])
    weighted = size_statistics(lengths, np.array([1.0, 2.0, 1.0]), np.zeros(3)).values
    assert weighted["mean"] == pytest.approx(np.mean([1, 2, 2, 4]))
    assert weighted["d50"] == pytest.approx(2.0)


def test_large_particles_that_touch_the_edge_are_made_up_for():
    rng = np.random.default_rng(1)
    side, sizes = 100.0, rng.choice([10.0, 50.0], 40_000)
    inside = rng.uniform(0, side, (sizes.size, 2))
    whole = ((inside >= sizes[:, None] / 2) & (inside <= side - sizes[:, None] / 2)).all(axis=1)
    kept = sizes[whole]
    weights = (side / (side - kept)) ** 2
    found = size_statistics(kept, weights, np.zeros(kept.size), n_resamples=100).values["mean"]
    assert found == pytest.approx(30.0, rel=0.02)
    assert kept.mean() < 20


def test_intervals_contain_the_truth_as_often_as_they_say():
    held = 0
    for seed in range(60):
        lengths, weights, image_of = drawn(300, 15, between=0.05, seed=seed)
        found = size_statistics(lengths, weights, image_of, seed, n_resamples=200)
        low, high = found.intervals["geometric_mean"]
        held += low <= 10 <= high
    assert 51 <= held <= 60  # 95 %: 57; the bootstrap over 15 images is a little narrow


@pytest.mark.parametrize(
    ("lengths", "expected"),
    [
        (np.exp(np.random.default_rng(0).normal(2, 0.4, 500)), "log-normal"),
        (np.random.default_rng(0).normal(20, 5, 500), "normal"),
        (np.exp(np.random.default_rng(0).normal([[1.0], [2.0]], 0.1, (2, 200)).ravel()), "mixture"),
    ],
)
def test_distributions_are_told_apart(lengths, expected):
    found = size_statistics(lengths, np.ones(lengths.size), np.zeros(lengths.size), n_resamples=100)
    assert found.distribution == expected
    assert found.aicc[expected] == 0


@pytest.mark.parametrize("n", [0, 1, 2, 7])
def test_few_particles_have_no_intervals_but_no_error(n):
    lengths = np.linspace(1, 2, n)
    found = size_statistics(lengths, np.ones(n), np.zeros(n), n_resamples=100)
    assert found.n == n
    assert found.distribution == "unknown"
    assert np.isnan(found.values["mean"]) == (n == 0)
    assert np.isnan(found.intervals["mean"][0]) == (n < 2)


def test_lengths_that_are_missing_are_left_out():
    found = size_statistics(np.array([1.0, np.nan, 3.0]), np.ones(3), np.arange(3))
    assert (found.n, found.values["mean"]) == (2, 2.0)


def test_same_seed_same_bits():
    one, two = (size_statistics(*drawn(), seed=4).intervals for _ in range(2))
    assert one == two
