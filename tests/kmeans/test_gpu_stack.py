"""Samples that are swept together on the device: the CPU's sweeps, however few fit at once."""

import numpy as np
import pytest

from tests.support.sweeps import assert_sweeps_alike
from umlpsd_gpu.kmeans import gpu_stack, halves
from umlpsd_gpu.kmeans.halves import replicate
from umlpsd_gpu.kmeans.options import SweepOptions
from umlpsd_gpu.kmeans.resamples import half_samples, sweep_samples
from umlpsd_gpu.kmeans.sweep import sweep


def three_kinds(n_traces, n_samples=12, seed=0):
    kinds = np.repeat(np.eye(3, n_samples), -(-n_traces // 3), axis=0)[:n_traces]
    return kinds + np.random.default_rng(seed).normal(0, 0.2, (n_traces, n_samples))


def assert_alike(found, expected):
    for ours, theirs in zip(found, expected, strict=True):
        assert_sweeps_alike(ours, theirs)


@pytest.mark.parametrize("metric", ["sqeuclidean", "euclidean"])
# pairs of all traces are fewer than those of the samples at 40, more at 400
@pytest.mark.parametrize(("n_traces", "n_halves"), [(40, 6), (400, 4)])
def test_equals_the_cpu(cupy, n_traces, n_halves, metric):
    values = three_kinds(n_traces)
    samples = half_samples(n_traces, 0, n_halves)[:, :60]
    options = SweepOptions(3, 2, metric)
    expected = sweep_samples(values, samples, range(1, 6), options, scale="raw")
    found = sweep_samples(cupy.asarray(values), samples, range(1, 6), options, scale="raw")
    assert_alike(found, expected)


def test_each_sample_is_swept_as_if_alone(cupy):
    values = cupy.asarray(three_kinds(50))
    samples = half_samples(50, 0, 4)
    options = SweepOptions(1, 3)
    found = sweep_samples(values, samples, range(1, 5), options, scale="raw")
    alone = [sweep(values[cupy.asarray(s)], range(1, 5), n_epochs=3, seed=1) for s in samples]
    assert_alike(found, alone)


def test_bits_do_not_depend_on_the_memory_left(on_cpu, monkeypatch):
    values = on_cpu.asarray(three_kinds(60))
    samples, options = half_samples(60, 0, 6), SweepOptions(0, 2)
    whole = sweep_samples(values, samples, range(1, 5), options, scale="raw")
    blocks = []
    real = gpu_stack.measure

    def counted(stack, *arguments):
        blocks.append(len(stack.sqdist))
        return real(stack, *arguments)

    monkeypatch.setattr(gpu_stack, "measure", counted)
    on_cpu.DEVICE.free_bytes = 200_000
    few = sweep_samples(values, samples, range(1, 5), options, scale="raw")
    assert sum(blocks) == 6
    assert len(blocks) > 1
    for one, other in zip(whole, few, strict=True):
        assert one.labels.tobytes() == other.labels.tobytes()
        assert one.silhouette.tobytes() == other.silhouette.tobytes()


@pytest.mark.parametrize("n_samples", [12, 300])
def test_halves_are_compared_as_on_the_cpu(cupy, monkeypatch, n_samples):
    values = three_kinds(90, n_samples)
    of_all = sweep(values, range(1, 6), n_epochs=4)
    expected = replicate(values, of_all, 6)
    for most in (halves.STACK_BYTES, 1):  # all halves at once, and one after another
        monkeypatch.setattr(halves, "STACK_BYTES", most)
        found = replicate(cupy.asarray(values), of_all, 6)
        assert np.array_equal(found.border_of_halves, expected.border_of_halves)
        assert np.array_equal(found.core_of_all, expected.core_of_all)
        assert found.jaccard == pytest.approx(expected.jaccard, nan_ok=True)
        assert found.gap() == pytest.approx(expected.gap())
