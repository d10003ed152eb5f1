"""Silhouettes of a sample: unbiased, with a standard error that covers, chosen without a clock."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from tests.kmeans.test_metrics import random_labels
from tests.kmeans.test_sweep import arrays
from tests.support.ensembles import three_shapes, ugly
from umlpsd_gpu.clustering.notes import budget_notes
from umlpsd_gpu.errors import SettingsError
from umlpsd_gpu.kmeans import budget
from umlpsd_gpu.kmeans import distances as geometry
from umlpsd_gpu.kmeans.budget import SweepCost, judged_traces, standard_error
from umlpsd_gpu.kmeans.distances import PairGeometry, PointGeometry, geometry_of
from umlpsd_gpu.kmeans.membership import Members
from umlpsd_gpu.kmeans.metrics import metrics_of, silhouette_samples
from umlpsd_gpu.kmeans.sweep import sweep
from umlpsd_gpu.scale import Scale

METRICS = ("sqeuclidean", "euclidean")
KS = np.arange(2, 16)
# judged by a sample of 60 of 307 traces
TIGHT_S = 1e-6


@pytest.fixture
def pool():
    with ThreadPoolExecutor(2) as workers:
        yield workers


@pytest.fixture
def few_are_enough(monkeypatch):
    monkeypatch.setattr(budget, "LEAST_JUDGED", 60)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("shape", [(300, 4), (300, 200)], ids=["points", "pairs"])
def test_judged_silhouettes_are_the_exact_ones_of_the_sample(shape, metric, pool):
    """In clusters of all traces: not those of the sample clustered alone."""
    values = three_shapes(*shape, 0.4)[0]
    labels = random_labels(len(values), 4, 2)
    judged = judged_traces(len(values), 40, seed=3)
    chosen = geometry_of(values, pool, metric, judged)
    assert isinstance(chosen, PairGeometry if shape[1] == 200 else PointGeometry)
    found = metrics_of(chosen, labels, 4, metric)
    everything = metrics_of(geometry_of(values, pool, metric), labels, 4, metric)
    for epoch, row in enumerate(labels):
        samples = silhouette_samples(values, row, metric)[judged]
        assert found.silhouette[epoch] == pytest.approx(samples.mean(), rel=1e-9)
        assert found.below_percent[0, epoch] == pytest.approx(100 * np.mean(samples < 0))
        of_clusters = [samples[row[judged] == c].mean() for c in np.unique(row[judged])]
        assert found.smallest_cluster_silhouette[epoch] == pytest.approx(min(of_clusters))
        spread = samples.std(ddof=1) * np.sqrt((1 - 40 / 300) / 40)
        assert found.silhouette_stderr[epoch] == pytest.approx(spread, rel=1e-9)
    assert np.array_equal(found.ssd, everything.ssd)
    assert np.array_equal(found.calinski_harabasz, everything.calinski_harabasz)
    assert (everything.silhouette_stderr == 0).all()


@pytest.mark.parametrize("metric", METRICS)
def test_standard_error_covers_the_exact_mean(metric):
    """400 samples: 95 % of intervals hold the truth, known itself to 1.1 %; no bias."""
    values, labels = three_shapes(800, 10, 0.5)
    exact = silhouette_samples(values, labels, metric)
    estimates, errors = [], []
    for seed in range(400):
        sample = exact[judged_traces(800, 200, seed)]
        estimates.append(sample.mean())
        errors.append(standard_error(sample[None], 800)[0])
    deviations = (np.array(estimates) - exact.mean()) / np.array(errors)
    assert abs(np.mean(np.abs(deviations) < 1.96) - 0.95) < 0.035
    assert abs(deviations.mean()) < 0.15
    assert np.std(estimates) == pytest.approx(np.mean(errors), rel=0.12)


def test_the_sample_is_the_same_for_every_labelling_and_differs_by_seed():
    first, again, other = (judged_traces(500, 50, seed) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert np.unique(first).size == 50
    assert judged_traces(500, 500, 0) is None


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("kind", ["tall", "binned"])
def test_a_budget_that_suffices_changes_no_bit(kind, metric):
    plain, roomy = (
        sweep(ugly(kind), range(1, 5), n_epochs=5, silhouette_metric=metric, budget_s=budget_s)
        for budget_s in (None, 1e6)
    )
    for name, value in arrays(plain).items():
        assert value.tobytes() == arrays(roomy)[name].tobytes(), name
    assert plain.n_silhouettes == roomy.n_silhouettes == plain.n_traces


def test_a_tight_budget_samples_euclidean_silhouettes_only(few_are_enough, in_step):
    arguments = {"k_values": range(1, 6), "n_epochs": 8, "seed": 2}
    exact, sampled = (
        sweep(ugly("tall"), **arguments, silhouette_metric="euclidean", budget_s=budget_s)
        for budget_s in (None, TIGHT_S)
    )
    assert (exact.n_silhouettes, sampled.n_silhouettes) == (307, 60)
    for name in ("labels", "ssd", "calinski_harabasz", "n_iterations"):
        assert getattr(exact, name).tobytes() == getattr(sampled, name).tobytes(), name
    assert np.isnan(sampled.silhouette_stderr[0]).all()  # K = 1
    assert (exact.silhouette_stderr[1:] == 0).all()
    off = np.abs(sampled.silhouette - exact.silhouette)[1:]
    assert (sampled.silhouette_stderr[1:] > 0).all()
    assert (off > 0).any()
    assert (off < 5 * sampled.silhouette_stderr[1:]).all()
    squared = sweep(ugly("tall"), **arguments, budget_s=TIGHT_S)
    assert squared.n_silhouettes == 307


def test_bits_of_a_sampled_sweep_do_not_depend_on_threads(few_are_enough):
    one, two = (
        sweep(
            ugly("tall"),
            n_epochs=10,
            silhouette_metric="euclidean",
            budget_s=TIGHT_S,
            n_threads=n,
        )
        for n in (1, 2)
    )
    for name, value in arrays(one).items():
        assert value.tobytes() == arrays(two)[name].tobytes(), name


@pytest.mark.parametrize("n_judged", [None, 30])
def test_kept_distances_and_tiles_give_the_same_means(n_judged, pool, monkeypatch):
    values = three_shapes(150, 6, 0.3)[0]
    judged = None if n_judged is None else judged_traces(150, n_judged, 0)
    labels = random_labels(150, 3, 1)
    members = Members.of_all(labels, 3)
    kept = geometry_of(values, pool, "euclidean", judged)
    monkeypatch.setattr(geometry, "MAX_PAIR_BYTES", 0)
    tiled = geometry_of(values, pool, "euclidean", judged)
    distance = cdist(values, values if judged is None else values[judged])
    expected = [distance[labels[0] == c].mean(axis=0) for c in range(3)]
    for chosen in (kept, tiled):
        assert chosen.mean_distance(members) == pytest.approx(np.array(expected), rel=1e-9)


class TestPrediction:
    def test_grows_with_all_that_costs(self):
        base = SweepCost.of(4000, 100, KS, 100, "euclidean")
        assert SweepCost.of(8000, 100, KS, 100, "euclidean").kmeans_s == 2 * base.kmeans_s
        assert SweepCost.of(4000, 100, KS, 200, "euclidean").silhouette_s == 2 * base.silhouette_s
        assert SweepCost.of(4000, 200, KS, 100, "euclidean").kmeans_s > base.kmeans_s
        assert SweepCost.of(4000, 100, KS[:3], 100, "euclidean").kmeans_s < base.kmeans_s

    def test_more_budget_never_judges_fewer(self):
        cost = SweepCost.of(50_000, 100, KS, 100, "euclidean")
        budgets_s = cost.kmeans_s + np.array([-1e9, 0.0, 50.0, 200.0, 600.0, 1e9])
        judged = [cost.n_judged(50_000, budget_s) for budget_s in budgets_s]
        assert judged == sorted(judged)
        assert (judged[0], judged[-1]) == (budget.LEAST_JUDGED, 50_000)
        for n_judged, budget_s in list(zip(judged, budgets_s, strict=True))[2:-1]:
            spent_s = cost.kmeans_s + n_judged * cost.silhouette_s
            assert budget_s - cost.silhouette_s < spent_s <= budget_s + 1e-9

    def test_few_traces_are_all_judged(self):
        cost = SweepCost.of(900, 100, KS, 100, "euclidean")
        assert cost.n_judged(900, TIGHT_S) == 900

    @pytest.mark.parametrize("budget_s", [0, -1.0, np.nan])
    def test_a_budget_must_be_positive(self, budget_s):
        with pytest.raises(SettingsError, match=r"budget_s must be above 0"):
            sweep(ugly("tall"), [2], n_epochs=1, budget_s=budget_s)


class TestNotes:
    def notes(self, metric, budget_s):
        found = sweep(
            ugly("tall"),
            range(1, 4),
            n_epochs=4,
            silhouette_metric=metric,
            scale=Scale("bin", 80).name,
            budget_s=budget_s,
        )
        return found, budget_notes([found], {found.scale: 5}, budget_s)

    def test_say_sample_and_error(self, few_are_enough):
        found, (sampled, too_long) = self.notes("euclidean", TIGHT_S)
        assert "a random sample of 60 of 307 traces" in sampled
        assert f"standard error ≤ {np.nanmax(found.silhouette_stderr):.2g}" in sampled
        assert "K-means alone" in too_long
        assert "sweep.budget_s = 1e-06" in too_long

    def test_squared_silhouettes_are_exact_whatever_the_budget(self):
        (too_long,) = self.notes("sqeuclidean", TIGHT_S)[1]
        assert too_long.startswith("K-means alone")

    @pytest.mark.parametrize("budget_s", [None, 1e6])
    def test_nothing_to_say(self, budget_s):
        assert self.notes("euclidean", budget_s)[1] == []
