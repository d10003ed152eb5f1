"""All jobs in three sets of launches give what they give one by one, and on the CPU."""

import numpy as np
import pytest

from tests.support.ensembles import noise
from tests.support.sweeps import assert_sweeps_alike
from umlpsd_gpu import cluster
from umlpsd_gpu.clustering import sweeps as sweeping
from umlpsd_gpu.clustering.representations import Representations
from umlpsd_gpu.clustering.sweeps import sweep_representations
from umlpsd_gpu.compute.context import Context
from umlpsd_gpu.errors import DeviceError, TracesError
from umlpsd_gpu.settings import AnalysisSettings

SETTINGS = AnalysisSettings().with_values(
    {"sweep.k_max": 5, "sweep.n_epochs": 3, "decision.n_surrogates": 2, "decision.n_resamples": 4}
)


def matrices(xp=np):
    """Three widths: more samples than traces, as many, and fewer."""
    rng = np.random.default_rng(0)
    kinds = np.repeat([0.0, 1.0, 2.0], 12)[:, None]
    widths = {"raw": 90, "W2": 36, "W9": 4}
    return {
        name: xp.asarray(np.sin(kinds * np.linspace(0, 3, n)) + 0.2 * rng.normal(size=(36, n)))
        for name, n in widths.items()
    }


def evidence(of_matrices, settings=SETTINGS):
    representations = Representations.of_matrices(of_matrices)
    return sweep_representations(representations, settings, Context())


def assert_alike(found, expected):
    for ours, theirs in zip(all_sweeps(found), all_sweeps(expected), strict=True):
        assert ours.scale == theirs.scale
        assert_sweeps_alike(ours, theirs)
    for ours, theirs in zip(found.replications, expected.replications, strict=True):
        assert ours.scale == theirs.scale
        assert ours.gap() == pytest.approx(theirs.gap())
        assert ours.reproducibility() == pytest.approx(theirs.reproducibility())


def all_sweeps(evidence):
    of_surrogates = (evidence.surrogates or {}).values()
    return [*evidence.sweeps, *(swept for each in of_surrogates for swept in each)]


@pytest.mark.parametrize("changes", [
    {},
    {"sweep.silhouette_metric": "euclidean"},
    {"decision.n_surrogates": 0},
    {"decision.n_resamples": 0},
])  # fmt: skip
def test_equals_the_cpu_and_jobs_one_by_one(cupy, monkeypatch, changes):
    settings = SETTINGS.with_values(changes)
    together = evidence(matrices(cupy), settings)
    assert_alike(together, evidence(matrices(), settings))
    monkeypatch.setattr(sweeping, "fits_one_block", lambda n_traces, k_max: False)
    assert_alike(together, evidence(matrices(cupy), settings))


def test_clusters_are_the_cpus(cupy):
    expected, found = cluster(matrices(), SETTINGS), cluster(matrices(cupy), SETTINGS)
    assert found.decision.k_opt == expected.decision.k_opt
    assert np.array_equal(found.labels, expected.labels)


def test_little_memory_runs_them_one_by_one(on_cpu, monkeypatch):
    expected = evidence(matrices(on_cpu))

    def refuse(makes):
        raise AssertionError("swept together")

    monkeypatch.setattr(sweeping, "run_together", refuse)
    with pytest.raises(AssertionError, match="swept together"):
        evidence(matrices(on_cpu))
    on_cpu.DEVICE.free_bytes = 200_000
    assert_alike(evidence(matrices(on_cpu)), expected)


def test_values_that_are_not_finite_are_refused(cupy):
    values = noise(24, 40)
    values[3, 5] = np.nan
    with pytest.raises(TracesError, match="1 of 24 curves hold NaN"):
        evidence({"raw": cupy.asarray(noise(24, 9)), "W2": cupy.asarray(values)})


def test_a_device_that_is_full_is_told(on_cpu):
    there = matrices(on_cpu)
    on_cpu.DEVICE.largest_allocation = 1000
    with pytest.raises(DeviceError, match="can't hold this"):
        cluster(there, SETTINGS)
