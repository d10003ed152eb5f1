"""Jobs of a clustering: what is done elsewhere gives the study that is made here, bit for bit."""

import pickle

import numpy as np
import pytest

from tests.analyses.blinking.test_same_bits import SETTINGS
from tests.analyses.blinking.test_same_bits import arrays as saved_arrays
from tests.support.ensembles import noise
from umlpsd_gpu import run_study
from umlpsd_gpu.clustering.jobs import RepresentationJob
from umlpsd_gpu.clustering.sweeps import options_of
from umlpsd_gpu.decision.plan import EvidenceNeeded
from umlpsd_gpu.simulate.traces import simulate_traces

N_SCALES = len(SETTINGS.preprocess.scales)


@pytest.fixture(scope="module")
def traces():
    return simulate_traces({"PEB": 14, "PBB": 12}, n_frames=1200, seed=2).traces


class SentAway:
    """Runs jobs as if on another machine, and last the first of them."""

    def __init__(self):
        self.jobs = []

    def __call__(self, make):
        packed = [pickle.dumps(make_one().on_host()) for make_one in make]
        self.jobs.append([pickle.loads(job) for job in packed])
        done = {i: self.jobs[-1][i].start(1)() for i in reversed(range(len(make)))}
        return (done[i] for i in range(len(make)))


def test_sweeps_from_elsewhere_change_no_byte_of_the_study(traces, tmp_path):
    away = SentAway()
    steps, steps_away = [], []
    here = run_study(traces, SETTINGS, lambda *step: steps.append(step))
    there = run_study(traces, SETTINGS, lambda *step: steps_away.append(step), away)
    # one job a scale yields its sweep, its surrogates and what its halves say
    (jobs,) = away.jobs
    assert [job.name for job in jobs] == list(SETTINGS.preprocess.scales)
    assert all(job.needed.n_surrogates == SETTINGS.decision.n_surrogates for job in jobs)
    assert any(job.needed.samples is not None for job in jobs)
    assert steps == steps_away
    saved = saved_arrays(here.save(tmp_path / "here"))
    saved_away = saved_arrays(there.save(tmp_path / "there"))
    assert saved.keys() == saved_away.keys()
    assert not [name for name in saved if saved[name] != saved_away[name]]
    assert here.notes == there.notes


def test_what_goes_out_is_the_smoothed_curves_alone(traces):
    away = SentAway()
    run_study(traces, SETTINGS.with_values({"preprocess.scales": ["W20"]}), run_sweeps=away)
    ((job,),) = away.jobs
    n_bytes = len(pickle.dumps(job))
    assert job.curves.shape == (26, 60)
    assert n_bytes < job.curves.nbytes + 100_000
    assert n_bytes < traces.values.nbytes / 2


def test_where_sweeps_are_elsewhere_this_machine_needs_no_gpu(traces):
    few = SETTINGS.with_values({"device": "gpu", "preprocess.scales": ["W20"]})
    assert run_study(traces, few, run_sweeps=SentAway()).device == "cpu"


@pytest.mark.parametrize(
    ("n_surrogates", "samples"), [(0, None), (2, None), (1, np.arange(24).reshape(2, 12))]
)
def test_curves_go_to_the_device_and_back(cupy, n_surrogates, samples):
    needed = EvidenceNeeded(range(1, 6), n_surrogates, samples)
    curves = noise(24, 40)
    job = RepresentationJob(curves, "W9", 5, options_of(SETTINGS), "auto", needed)
    placed = job.on_device()
    assert isinstance(placed.curves, cupy.ndarray)
    np.testing.assert_array_equal(placed.on_host().curves, curves)
    on_device, on_host = placed.start()(), job.start()()
    assert len(on_host.surrogates) == n_surrogates
    if samples is None:
        assert on_host.replication is on_device.replication is None
    else:
        assert on_device.replication.gap() == pytest.approx(on_host.replication.gap())
        assert on_device.replication.strength() == pytest.approx(on_host.replication.strength())
    for ours, theirs in zip(all_of(on_device), all_of(on_host), strict=True):
        assert isinstance(ours.labels, np.ndarray)
        np.testing.assert_array_equal(ours.labels, theirs.labels)
        np.testing.assert_array_equal(ours.k_values, theirs.k_values)
        assert ours.scale == theirs.scale == "W9"


def all_of(swept):
    return [swept.sweep, *swept.surrogates]
