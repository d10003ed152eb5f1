"""Odd arguments of the verbs of a sweep and a decision: one sentence each, and no warning."""

import warnings

import numpy as np
import pytest

import umlpsd_gpu as um
from tests.support.movies import array_movie
from tests.support.studies import small_study
from umlpsd_gpu.errors import SettingsError, TracesError

NOISE = np.random.default_rng(0).normal(0, 0.1, (60, 3))
CURVES = np.repeat(np.eye(3), 20, axis=0) + NOISE
QUICK = {"k_values": range(1, 5), "n_epochs": 3}


@pytest.fixture(scope="module")
def swept():
    return um.sweep(CURVES, **QUICK)


@pytest.fixture(autouse=True)
def silence():
    """Turn every warning into an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (
            {"k_values": 3},
            r"k_values must be a list or range .*, got 3; write range\(1, 16\), or \[",
        ),
        ({"k_values": None}, "k_values must be a list or range"),
        ({"k_values": "34"}, "k_values must be a list or range"),
        ({"k_values": [2.5]}, "each of k_values must be a whole number, got 2.5"),
        ({"k_values": [True]}, "each of k_values must be a whole number, got True"),
        ({"k_values": [np.inf]}, "each of k_values must be a whole number, got inf"),
        ({"seed": 1.5}, "seed must be a whole number from 0 on, got 1.5"),
        ({"seed": -1}, "seed must be a whole number from 0 on, got -1"),
        ({"n_threads": -1}, "n_threads must be a whole number from 1 on, got -1"),
        ({"n_threads": 0}, "n_threads must be a whole number from 1 on, got 0"),
        ({"n_threads": 1.5}, "n_threads must be a whole number from 1 on, got 1.5"),
        ({"n_epochs": 2.5}, "n_epochs must be a whole number from 1 on, got 2.5"),
        ({"max_iter": "9"}, "max_iter must be a whole number from 1 on, got '9'"),
    ],
)
def test_options_of_a_sweep(options, says):
    with pytest.raises(SettingsError, match=says):
        um.sweep(CURVES, **(QUICK | options))


@pytest.mark.parametrize(
    ("values", "says"),
    [
        (CURVES + 1j, "needs real numbers, got values of type complex128"),
        (np.ma.masked_greater(CURVES, 1.2), "1 of 60 curves hold NaN"),
        (np.ma.array(CURVES + 1j), "complex128"),
        (CURVES.astype("M8[s]"), "datetime64"),
        ([["a", "b"], ["c", "d"]], "type <U1"),
        ([[1, 2], [3]], "curves of one length"),
        ([[1, 2j], [object(), 3]], "needs real numbers"),
        (None, r"got shape \(1,\)"),
    ],
)
def test_values_of_a_sweep(values, says):
    with pytest.raises(TracesError, match=says):
        um.sweep(values, [2], n_epochs=2)


@pytest.mark.parametrize("values", [np.ma.array(CURVES), CURVES.astype(object), CURVES.tolist()])
def test_other_containers_of_the_same_numbers(values, swept):
    found = um.sweep(values, **(QUICK | {"seed": 0.0, "k_values": [1.0, 2, np.int8(3), 4]}))
    assert np.array_equal(found.labels, swept.labels)


def test_arguments_of_a_decision(swept):
    fewer = um.sweep(CURVES[:50], **QUICK)
    up_to_3 = um.sweep(CURVES, scale="W80", **(QUICK | {"k_values": [1, 2, 3]}))
    drawn = um.replicate(CURVES, swept)
    for arguments, says in [
        ((swept,), r"sweeps must be a list, got one Sweep; write it in brackets: \[sweep\]"),
        (([swept, fewer],), "must be of the same traces, got numbers of traces: 60, 50"),
        (([swept, up_to_3],), "same numbers of clusters, got K = 1…4 at raw and K = 1…3 at W80"),
        (([3],), "sweeps must be a list of Sweep objects, got int in it"),
        ((None,), "sweeps must be a list of Sweep objects, got NoneType"),
        (([],), "at least one sweep"),
        (([swept], drawn), r"got one Replication; write it in brackets: \[replication\]"),
        (([fewer], [drawn]), "drew halves of 30 traces, more than half of the 50"),
        (([swept], [drawn], "paper", 3), "nulls must be a dict"),
        (([swept], [drawn], "paper", {"raw": swept}), r"nulls\['raw'\] must be a list"),
        (([swept], [drawn], "consensus", None, [[0, 99]]), "neighbours must be pairs"),
        (([swept], [drawn], "consensus", None, [0.5, 1]), "neighbours must be pairs"),
    ]:
        with pytest.raises(SettingsError, match=says):
            um.decide(*arguments)
    assert um.decide([swept], [drawn], neighbours=[[0, 1], [1, 2]]).k_opt >= 1


def test_results_can_be_kept_in_sets(swept):
    study = small_study()
    results = [study, study.traces, *study.sweeps, study.decision, study.outliers, study.spectrum]
    results += [study.fit, study.clusters, study.settings, um.replicate(CURVES, swept)]
    results += [array_movie(np.zeros((3, 4, 5)))]
    assert len({*results, *results}) == len(results)
    assert all(result == result for result in results)
    assert study != small_study()


def blinking(factor):
    rng = np.random.default_rng(0)
    counts = rng.poisson(50, (12, 600)) + 100 * (rng.random((12, 600)) > 0.5)
    return um.Traces.without_place(counts * factor, 0.05, "x")


@pytest.mark.parametrize("factor", [1e160, 1e300, 1e-160, 1e-300])
def test_values_whose_squares_cannot_be_held(factor):
    traces = blinking(factor)
    for method in ("log_welch", "welch", "periodogram"):
        with pytest.raises(TracesError, match=r"the largest value .* must be between 1e-70 and"):
            um.power_spectrum(traces, method=method)
    with pytest.raises(TracesError, match=r"give the traces in another unit"):
        um.run_study(traces, scales=["W10"], n_epochs=3, k_max=3)


@pytest.mark.parametrize("factor", [1e60, 1e-60])
def test_large_and_small_values_give_the_same_exponents(factor):
    plain, scaled = (um.fit_power_law(um.power_spectrum(blinking(f))) for f in (1, factor))
    assert scaled.beta == pytest.approx(plain.beta, rel=1e-9, abs=1e-9)
