"""On a GPU a worker process stays for the next movie, until it fails or is stopped."""

import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest

from tests.support.batches import (
    QUICK,
    STUDY,
    assert_nothing_left_over,
    attempts_in,
    folder_in_memory,
    forked,
    ids_of,
    make_archive,
    make_batch,
)
from umlpsd_gpu import Study
from umlpsd_gpu.batch.folder import BatchFolder
from umlpsd_gpu.batch.movie_state import DONE_FORMAT
from umlpsd_gpu.batch.options import RunOptions
from umlpsd_gpu.batch.runner import run_batch
from umlpsd_gpu.errors import DeviceError, MovieError
from umlpsd_gpu.storage.json_files import read_json


@pytest.fixture
def tmp_path():
    with folder_in_memory() as place:
        yield place


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    return make_archive(tmp_path_factory.mktemp("archive"), 6)


def on_gpu(job, before_saving=lambda job: None):
    """Stand for an analysis on a GPU; say which process did it, and what it holds."""
    assert job.device == "gpu"
    before_saving(job)
    STUDY.save(Path(job.work) / "study")
    return {"device": "gpu", "pid": os.getpid(), "gpu": os.environ.get("CUDA_VISIBLE_DEVICES")}


def on_cpu_in_one_process(job):
    STUDY.save(Path(job.work) / "study")
    return {"device": "cpu", "pid": os.getpid()}


def facts_of(out):
    results = [BatchFolder.at(out).result(i) / "done.json" for i in ids_of(out)]
    return [read_json(path, DONE_FORMAT) for path in results if path.exists()]


def is_last_but_two(job):
    return Path(job.movie).name == "movie_3.tif"


@pytest.mark.usefixtures("on_cpu")
class TestProcesses:
    def test_one_for_each_seat(self, archive, tmp_path):
        out = tmp_path / "out"
        make_batch(archive, out)
        report = run_batch(out, forked(on_gpu, n_workers=2, device="gpu"))
        found = facts_of(out)
        assert report.n_made == len(found) == 6
        assert len({facts["pid"] for facts in found}) == 2
        assert {facts["gpu"] for facts in found} == {"0"}
        assert all(has_ended(facts["pid"]) for facts in found)
        assert_nothing_left_over(out)

    def test_on_the_cpu_each_movie_has_its_own(self, archive, tmp_path):
        out = tmp_path / "out"
        make_batch(archive, out)
        run_batch(out, forked(on_cpu_in_one_process, n_workers=2, device="cpu"))
        assert len({facts["pid"] for facts in facts_of(out)}) == 6

    def test_a_movie_that_fails_costs_no_process(self, archive, tmp_path):
        def fail(job):
            if is_last_but_two(job):
                raise MovieError(job.movie, "it is empty")

        out = tmp_path / "out"
        make_batch(archive, out)
        report = run_batch(out, forked(lambda job: on_gpu(job, fail), device="gpu"))
        assert report.n_made == 5
        (attempts,) = filter(None, (attempts_in(out, i) for i in ids_of(out)))
        assert [attempt["kind"] for attempt in attempts] == ["failed"]
        assert len({facts["pid"] for facts in facts_of(out)}) == 1

    def test_a_killed_process_is_replaced(self, archive, tmp_path):
        def die(job):
            if is_last_but_two(job):
                os.kill(os.getpid(), signal.SIGKILL)

        out = tmp_path / "out"
        make_batch(archive, out)
        report = run_batch(out, forked(lambda job: on_gpu(job, die), device="gpu"))
        assert report.n_made == 5
        assert len({facts["pid"] for facts in facts_of(out)}) >= 2
        (attempts,) = filter(None, (attempts_in(out, i) for i in ids_of(out)))
        assert {attempt["kind"] for attempt in attempts} == {"crashed"}

    def test_an_overdue_movie_is_ended_and_the_others_done(self, archive, tmp_path):
        def hang(job):
            if is_last_but_two(job):
                time.sleep(100)

        out = tmp_path / "out"
        make_batch(archive, out)
        options = forked(lambda job: on_gpu(job, hang), device="gpu", limit_s=1.0)
        assert run_batch(out, options).n_made == 5
        (attempts,) = filter(None, (attempts_in(out, i) for i in ids_of(out)))
        assert "overdue" in {attempt["kind"] for attempt in attempts}

    def test_a_failing_device_stops_the_runner(self, archive, tmp_path):
        def lose(job):
            if is_last_but_two(job):
                raise DeviceError("an illegal memory access was encountered")

        out = tmp_path / "out"
        make_batch(archive, out)
        with pytest.raises(DeviceError, match="illegal memory access"):
            run_batch(out, forked(lambda job: on_gpu(job, lose), device="gpu"))
        assert_nothing_left_over(out)


@pytest.mark.usefixtures("on_cpu")
def test_real_studies_are_those_of_a_process_each(archive, tmp_path):
    """Nothing of one movie stays for the next: the studies are those of the CPU's processes."""
    kept, alone = tmp_path / "kept", tmp_path / "alone"
    for out, device in ((kept, "gpu"), (alone, "cpu")):
        make_batch(archive, out, QUICK)
        options = RunOptions(n_workers=1, start_method="fork", device=device)
        assert run_batch(out, options).n_made == 6
    for movie_id in ids_of(kept):
        one, other = (
            Study.load(BatchFolder.at(out).result(movie_id) / "study") for out in (kept, alone)
        )
        assert (one.device, other.device) == ("gpu", "cpu")
        assert np.array_equal(one.labels, other.labels)
        assert one.fit.beta == pytest.approx(other.fit.beta, rel=1e-6)


def has_ended(pid):
    for _ in range(100):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.02)
    return False
