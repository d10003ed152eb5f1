"""What a fixed small study does may not grow unnoticed: counts, not clocks.

Where a number here is too small, the code does more than it did: find out why; if it must, write
the new number down and say in the commit what it buys. Where it is too large, write the smaller.
"""

import json
import subprocess
import sys
from collections import Counter

import numpy as np
import pytest

from tests.support.counted_study import N_FRAMES, N_ROWS, fixed_settings
from umlpsd_gpu import run_study
from umlpsd_gpu.compute.gpu_check import why_gpu_fails
from umlpsd_gpu.simulate.traces import simulate_traces

MOVIE_BYTES = 2 * N_FRAMES * N_ROWS * N_ROWS

# extraction reads the movie twice: once for the images, once for the traces
# eight transforms tell whether the sample moved, one for each segment of the movie; spots that may
# be two emitters have two more products each; one transform searches spectral lines
# three clusters are cut in two, as are Gaussian clouds that their gaps are compared with
# spectra are transformed in stretches that stay in the cache, with a product for each
ON_CPU = {"transforms": 575, "decompositions": 6, "bytes_read": 2 * MOVIE_BYTES}
# rows of pairs that compiled K-means sums; without compiled code there are products instead
COMPILED = {**ON_CPU, "products": 1277, "product_flops": 48_667_220, "rows": 56_231}
IN_STEP = {**ON_CPU, "products": 1633, "product_flops": 66_369_820}
# launches by kernel; arrays that go up; arrays that come down, three for each set of sweeps
ON_DEVICE = {
    "bin_minmax": 4,
    "dwt_approximation": 2,
    "pairwise_sqeuclidean": 5,
    "kmeans_restart": 3,
    "kmeans_update": 4,
    "row_dots": 4,
    "silhouette": 4,
    "trace_centres": 1,
    "log_welch": 1,
    "power_law_fit": 1,
    "uploads": 39,
    "downloads": 29,
}
# numbers may shrink so far before they must be written anew
LEAST_SHARE = 0.9


def objections(found, written):
    """Say what grew, what shrank, and what is new or gone."""
    told = [
        f"{name}: {found[name]} of what is not written down"
        for name in found
        if name not in written
    ]
    for name, number in written.items():
        if found.get(name, 0) > number:
            told.append(f"{name} grew from {number} to {found[name]}")
        if found.get(name, 0) < LEAST_SHARE * number:
            told.append(f"{name} shrank from {number} to {found.get(name, 0)}: write that down")
    return told


@pytest.mark.parametrize(
    ("written", "way"), [(COMPILED, "compiled"), (IN_STEP, "in-step")], ids=["compiled", "in step"]
)
def test_a_study_on_the_cpu_does_no_more_than_written_down(written, way, tmp_path, request):
    if way == "compiled":
        request.getfixturevalue("compiled_kernel")
    ended = subprocess.run(
        [sys.executable, "-m", "tests.support.counted_study", str(tmp_path), way],
        capture_output=True,
        text=True,
        check=True,
    )
    assert not objections(json.loads(ended.stdout), written)


def test_a_study_on_the_device_launches_no_more_than_written_down(on_cpu, monkeypatch):
    assert why_gpu_fails() is None  # computes a few numbers, once per process
    found = Counter()
    launch, upload, download = on_cpu.raw.RawKernel.__call__, on_cpu.asarray, on_cpu.asnumpy

    def counted_launch(kernel, *args, **kwargs):
        found[kernel._name] += 1
        return launch(kernel, *args, **kwargs)

    def counted_upload(value, dtype=None):
        found["uploads"] += isinstance(value, np.ndarray)
        return upload(value, dtype)

    def counted_download(value):
        found["downloads"] += isinstance(value, on_cpu.ndarray)
        return download(value)

    monkeypatch.setattr(on_cpu.raw.RawKernel, "__call__", counted_launch)
    monkeypatch.setattr(on_cpu, "asarray", counted_upload)
    monkeypatch.setattr(on_cpu, "asnumpy", counted_download)
    traces = simulate_traces({"PEB": 12, "PBB": 12}, n_frames=1000, seed=4).traces
    run_study(traces, fixed_settings().with_values({"device": "gpu"}))
    assert not objections(found, ON_DEVICE)


@pytest.mark.parametrize(
    ("found", "told"),
    [
        ({"products": 11}, "products grew from 10 to 11"),
        ({"products": 8}, "products shrank from 10 to 8"),
        ({}, "products shrank from 10 to 0"),
        ({"products": 10, "sorts": 1}, "sorts: 1 of what is not written down"),
    ],
)
def test_what_changed_is_told(found, told):
    (sentence,) = objections(found, {"products": 10})
    assert sentence.startswith(told)


def test_the_operator_and_functions_are_counted():
    """One labelling into 3 clusters of 7 traces is one product of 3 × 7 and 7 × 7."""
    script = """
import numpy as np
from tests.support import counted_study
counted_study.install()
from umlpsd_gpu.kmeans.distances import PairGeometry
from umlpsd_gpu.kmeans.membership import Members
counted_study.FOUND.clear()
geometry = PairGeometry(np.ones((7, 7)) - np.eye(7))
geometry.sqdist_to_centroids(Members.of_all(np.array([[0, 0, 1, 1, 2, 2, 2]]), 3))
np.einsum("ij,ij->i", np.ones((3, 4)), np.ones((3, 4)))
print(dict(counted_study.FOUND))
"""
    ended = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert ended.stdout.strip() == str({"products": 2, "product_flops": 2 * 3 * 7 * 7})
