"""The consensus: probabilities that sum to 1, known answers, weights that fit the evidence."""

import re
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.support.ensembles import three_shapes
from umlpsd_gpu.decision.consensus import (
    WEIGHTS,
    consensus,
    fitted_weights,
    null_profiles,
    probabilities,
    weighed_scales,
)
from umlpsd_gpu.decision.decide import RULES, decide
from umlpsd_gpu.decision.evidence import Evidence, _forms
from umlpsd_gpu.decision.profiles import MOST_K, profile_of
from umlpsd_gpu.errors import SettingsError
from umlpsd_gpu.kmeans.surrogates import gaussian_surrogates, principal_spread
from umlpsd_gpu.kmeans.sweep import sweep
from umlpsd_gpu.preprocessing.settings import PAPER_SCALES

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


def blobs(k, n_traces=90, n_samples=20, apart=6.0, seed=0):
    rng = np.random.default_rng(seed)
    centres = rng.normal(0, apart / np.sqrt(2 * n_samples), (k, n_samples))
    noise = rng.normal(0, 1 / np.sqrt(n_samples), (n_traces, n_samples))
    return centres[np.arange(n_traces) % k] + noise


def swept(values, scale="raw", n_epochs=30):
    return sweep(values, range(1, MOST_K + 1), n_epochs=n_epochs, scale=scale)


def with_surrogates(values):
    nulls = [swept(null, n_epochs=20) for null in gaussian_surrogates(values, range(2))]
    return [swept(values)], {"raw": nulls}


@pytest.mark.parametrize("k", [1, 2, 3, 4, 5, 6])
def test_blobs_are_counted(k):
    sweeps, nulls = with_surrogates(blobs(k))
    assert decide(sweeps, nulls).k_opt == k


@pytest.mark.parametrize("given", [True, False])
def test_probabilities_sum_to_one(given):
    sweeps, nulls = with_surrogates(three_shapes(60, 40, 0.2)[0])
    shares = consensus(sweeps, null_profiles(nulls if given else None))
    assert sum(shares.values()) == pytest.approx(1)
    assert list(shares) == list(range(1, MOST_K))
    decision = decide(sweeps, nulls if given else None)
    assert decision.k_opt == 3
    assert decision.confidence == max(shares.values())
    assert decision.rule == "consensus"
    assert decision.reason.startswith(
        f"K = 3 has probability {shares[3]:.2f} and K = {sorted(shares, key=shares.get)[-2]} "
    )
    assert ", from the evidence at raw. At raw: mean silhouette <SS> = 0." in decision.reason
    assert re.search(
        r"% misclassified, cluster margin \d+\.\d σ \(worst cluster \d+\.\d σ; one Gaussian cloud "
        r"cut in two gives 1\.3 σ\), agreement of epochs [01]\.\d\d \(adjusted Rand index\)\.$",
        decision.reason,
    )


def test_one_cloud_has_no_structure_and_the_reason_says_so():
    sweeps, nulls = with_surrogates(np.random.default_rng(0).normal(size=(120, 30)))
    decision = decide(sweeps, nulls)
    assert decision.k_opt == 1
    assert decision.reason.startswith("No cluster structure: K = 1 has probability")
    assert "from the evidence at raw. Best partition, K = " in decision.reason


def test_the_reason_lists_the_scales_that_were_weighed():
    values = blobs(3)
    some = [swept(values, name) for name in ("W20", "raw", "W10", "WL6")]
    assert "from the evidence at raw, W10 and WL6. At " in decide(some).reason
    many = [swept(values, f"feature set {i}") for i in range(9)]
    assert "from the evidence at 9 representations. At feature set" in decide(many).reason


def test_decisions_do_not_depend_on_the_order_of_traces():
    values = three_shapes(60, 40, 0.2)[0]
    shuffled = np.random.default_rng(1).permutation(values)
    first, second = (consensus([swept(v)], None) for v in (values, shuffled))
    # other traces start K-means, so that the epochs differ: the verdict must not
    assert max(first, key=first.get) == max(second, key=second.get) == 3


@pytest.mark.parametrize("with_nulls", [True, False])
def test_weights_belong_to_the_evidence(with_nulls):
    weights = fitted_weights(with_nulls)
    assert np.isfinite(weights.weights).all()
    other = Evidence(np.array([2]), ("another",), np.zeros((1, 1)))
    with pytest.raises(ValueError, match="fitted for other evidence"):
        probabilities(other, weights)


def test_the_weights_are_in_the_package():
    assert WEIGHTS.is_file()


def test_forms_compare_with_other_k():
    forms = _forms(np.array([3.0, 1.0, 4.0, 1.0]))
    assert forms[" below the largest"].tolist() == [-1, -3, 0, -3]
    assert forms[" above the next"].tolist() == [2, -3, 3, 0]
    assert forms[" above the one before"].tolist() == [0, -2, 3, -3]
    assert forms[" above the largest after"].tolist() == [-1, -3, 3, 0]


def test_profiles_read_the_epoch_of_least_ssd():
    found = swept(three_shapes(40, 20, 0.4)[0])
    profile = profile_of(found)
    for k in (2, 5):
        epoch = found.best_epoch(k)
        assert profile.separation[k - 1] == found.separation[k - 1, epoch]
        assert profile.log_ssd[k - 1] == np.log(found.ssd[k - 1].min())


def test_surrogates_keep_the_spread_and_lose_the_clusters():
    values = blobs(3, n_traces=400, apart=12.0)
    (surrogate,) = gaussian_surrogates(values, [0])
    assert surrogate.shape == (400, 20)
    assert principal_spread(surrogate) == pytest.approx(principal_spread(values), rel=0.2)
    separation = [profile_of(swept(v)).separation[2] for v in (values, surrogate)]
    assert separation[0] > 4
    assert separation[1] < 2
    assert np.array_equal(surrogate, *gaussian_surrogates(values, [0]))


def test_the_scales_of_the_fit_are_weighed_where_they_are_there():
    paper = [*PAPER_SCALES]
    assert weighed_scales(paper) == ["raw", "W10", "W25", "W50", "W100", "W200", "WL6"]
    assert weighed_scales(["W10", "W20", "W25", "W100"]) == ["W10", "W25", "W100"]
    assert weighed_scales(["W10", "W20", "W40", "W80"]) == ["W10", "W20", "W40", "W80"]


def test_other_scales_change_no_probability():
    values = blobs(3)
    fitted = [swept(values + 0.01 * i, scale) for i, scale in enumerate(["raw", "W10", "WL6"])]
    other = swept(np.random.default_rng(0).normal(size=values.shape), "W40")
    assert consensus([*fitted, other], None) == consensus(fitted, None)


def test_unknown_rules_are_named():
    with pytest.raises(SettingsError, match="rule 'eye' is not known; choose from consensus"):
        decide([swept(blobs(2))], rule="eye")
    sweeps, nulls = with_surrogates(blobs(3, apart=12.0))
    for rule in RULES:
        decision = decide(sweeps, nulls, rule)
        assert (decision.rule, decision.k_opt) == (rule, 3)


def test_held_out_ensembles_are_decided_as_the_benchmark_says(monkeypatch):
    """The first small ones of odd number; benchmarks/decision/report.py has all."""
    monkeypatch.setattr(sys, "path", [str(BENCHMARKS), *sys.path])
    from decision.ensembles import ensemble
    from decision.gather import SCALES, _fits

    from umlpsd_gpu.preprocessing.smooth import preprocess_at
    from umlpsd_gpu.scale import Scale

    right = []
    for number in range(1, 80, 2):
        simulated = ensemble(number)
        traces = simulated.traces
        if traces.values.size > 400_000 or simulated.counts < 20:
            continue
        sweeps = [
            swept(preprocess_at(traces, scale).values, scale.name)
            for scale in map(Scale.parse, SCALES[1::2])
            if _fits(scale, traces.n_frames)
        ]
        right.append(decide(sweeps).k_opt == simulated.k_true)
    assert len(right) >= 8
    assert np.mean(right) >= 0.75
