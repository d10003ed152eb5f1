"""A pool swept by Dask: the same bytes, whatever happens to workers, with little under way."""

import json
import threading
import time
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from tests.batch.launchers.test_dask_run import Listeners, client_of, is_child, is_dask, n_removed
from tests.support.batches import QUICK, make_archive, make_batch
from tests.support.slurm_cluster import SlurmCluster, why_not
from umlpsd_gpu.analyses.blinking.analysis import BLINKING
from umlpsd_gpu.batch.launchers import dask_cluster, dask_sweeps
from umlpsd_gpu.batch.launchers.dask_cluster import DaskOptions
from umlpsd_gpu.batch.launchers.dask_sweeps import (
    DaskSweeps,
    choose_device_on_worker,
    predict_worker_mb,
    sweep_on_worker,
)
from umlpsd_gpu.batch.launchers.slurm import QueueError, SlurmOptions
from umlpsd_gpu.batch.options import RunOptions
from umlpsd_gpu.batch.pool import ON_GPUS, find_finished_results, pool_batch
from umlpsd_gpu.batch.runner import run_batch
from umlpsd_gpu.cli.main import app
from umlpsd_gpu.clustering.jobs import RepresentationJob
from umlpsd_gpu.clustering.sweeps import options_of
from umlpsd_gpu.decision.plan import EvidenceNeeded
from umlpsd_gpu.errors import DeviceError, SettingsError, TracesError

pytest.importorskip("distributed", reason="Dask is not installed")

from distributed.chaos import KillWorker

# 16 traces: enough for surrogates and for samples of them
SETTINGS = QUICK.with_values(
    {
        "preprocess.scales": ["raw", "W5", "W10", "W20", "WL3"],
        "sweep.n_epochs": 5,
        "decision.n_surrogates": 2,
        "decision.n_resamples": 4,
    }
)
CURVES = np.random.default_rng(0).random((20, 6))
VERSION = dask_sweeps.version("umlpsd_gpu")


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    place = tmp_path_factory.mktemp("pool")
    make_archive(place / "archive", 4)
    make_batch(place / "archive", place / "out", SETTINGS)
    run_batch(place / "out", RunOptions(n_workers=2))
    return place / "out"


@pytest.fixture(scope="module")
def expected(out):
    """Digest and notes of the study that one machine makes, and what was told meanwhile."""
    told = []
    pool_batch(out, out / "pooled", progress=lambda *step: told.append(step))
    return result_of(out / "pooled"), told


def result_of(study):
    summary = json.loads((study / "summary.json").read_text())
    return summary["digest"], summary["notes"]


class KillSweepers(KillWorker):
    """Kills workers that begin a sweep, the first so many of them."""

    def __init__(self, marks, n_deaths):
        super().__init__()
        self.marks, self.n_deaths = str(marks), n_deaths

    async def setup(self, worker):
        self.worker = worker

    def transition(self, key, start, finish, **more):
        if finish != "executing" or not str(key).startswith("sweep_on_worker"):
            return
        for i in range(self.n_deaths):
            try:
                open(f"{self.marks}/{i}", "x").close()
            except FileExistsError:
                continue
            self.worker.loop.asyncio_loop.call_later(0, self.segfault)
            return


def job_of(curves, name, settings):
    """Return the job of a sweep without surrogates or samples."""
    k_max, engine = settings.sweep.k_max, settings.sweep.engine
    needed = EvidenceNeeded(range(1, 4))
    return RepresentationJob(curves, name, k_max, options_of(settings), engine, needed)


@dataclass(frozen=True)
class WaitingJob(RepresentationJob):
    """Waits for the file that stands in place of the engine; its sweeps are its name."""

    def start(self, n_threads=None):
        def wait():
            while not Path(self.engine).exists():
                time.sleep(0.02)
            return (self.name,)

        return wait


class TestStudy:
    def test_is_the_same_and_nobody_else_is_listened_to(self, out, expected, tmp_path):
        told, pooled = [], tmp_path / "pooled"
        with Listeners(is_child) as listeners:
            pool_batch(
                out,
                pooled,
                progress=lambda *step: told.append(step),
                cluster=DaskOptions(),
                n_workers=2,
            )
        assert (result_of(pooled), told) == expected
        assert {step for step, _, _ in told} >= {"sweep"}
        assert len(listeners.found) > 3, "a scheduler, workers and nannies listen"
        assert set(listeners.found.values()) == {"here"}, listeners.found

    def test_by_the_command_line_is_the_same(self, out, expected, client, tmp_path):
        pooled, there = tmp_path / "pooled", client.scheduler.address
        command = ["batch", "pool", str(out), "--out", str(pooled), "--dask-address", there]
        assert CliRunner().invoke(app, command).exit_code == 0
        assert result_of(pooled) == expected[0]

    def test_says_so_where_its_sweeps_ran_on_gpus(self, out, expected, tmp_path, monkeypatch):
        class OnGpus:
            device = "gpu"

            def __call__(self, make):
                return (make_one().start(1)() for make_one in make)

        monkeypatch.setattr(dask_sweeps, "dask_sweeps", lambda *given: nullcontext(OnGpus()))
        on_gpus = SETTINGS.with_values({"device": "gpu"})
        study = pool_batch(out, tmp_path / "pooled", on_gpus, cluster=DaskOptions())
        (digest, notes), _ = expected
        assert study.notes == (*notes, ON_GPUS)
        assert result_of(tmp_path / "pooled") == (digest, [*notes, ON_GPUS])

    def test_is_the_same_though_workers_are_killed(self, out, expected, tmp_path):
        (tmp_path / "marks").mkdir()
        with client_of(out) as client:
            client.register_plugin(KillSweepers(tmp_path / "marks", 2))
            there = DaskOptions(client.scheduler.address)
            pool_batch(out, tmp_path / "pooled", cluster=there)
            assert client.run_on_scheduler(n_removed) >= 2, "no worker was killed"
        assert result_of(tmp_path / "pooled") == expected[0]

    def test_a_sweep_that_ends_three_workers_is_given_up(self, out, tmp_path):
        marks = tmp_path / "marks"
        marks.mkdir()
        with dask_sweeps.dask_sweeps(out, (16, 0.05), SETTINGS, DaskOptions(), 1) as sweeps:
            sweeps.client.register_plugin(KillSweepers(marks, 99))
            with pytest.raises(QueueError, match="3 Dask workers died one after") as told:
                list(sweeps([partial(job_of, CURVES, "raw", SETTINGS)]))
        assert told.value.exit_code == 3
        # a restarted worker whose name is not free yet ends before it sweeps anything
        assert 1 <= len(list(marks.iterdir())) <= 3


@pytest.fixture(scope="module")
def client(out):
    with client_of(out, n_workers=2) as client:
        client.wait_for_workers(2)
        yield client


class TestJobs:
    def test_come_back_in_order_and_no_more_are_made_than_workers_and_one(self, client, tmp_path):
        made, made_at_most = [], []
        first, rest = tmp_path / "first", tmp_path / "rest"

        def make(number):
            made.append(number)
            parts = vars(job_of(CURVES, f"W{number}", SETTINGS))
            return WaitingJob(**{**parts, "engine": str(rest if number else first)})

        def open_gates():
            time.sleep(2)
            made_at_most.append(len(made))
            rest.touch()
            time.sleep(1)
            first.touch()

        opener = threading.Thread(target=open_gates)
        opener.start()
        found = list(DaskSweeps(client, SETTINGS)([partial(make, i) for i in range(8)]))
        opener.join()
        assert made_at_most == [3], "two workers and one"
        assert found == [(f"W{i}",) for i in range(8)]
        assert made == list(range(8))

    def test_errors_of_a_sweep_are_told_as_they_are_here(self, client):
        job = job_of(np.full((4, 3), np.nan), "raw", SETTINGS)
        with pytest.raises(TracesError, match="4 of 4 curves hold NaN"):
            list(DaskSweeps(client, SETTINGS)([lambda: job]))

    def test_a_worker_without_the_gpu_asked_for_is_told(self, client):
        on_gpu = SETTINGS.with_values({"device": "gpu"})
        job = job_of(CURVES, "raw", on_gpu)
        with pytest.raises(DeviceError, match="'gpu' was asked for"):
            list(DaskSweeps(client, on_gpu)([lambda: job]))
        with pytest.raises(DeviceError, match="'gpu' was asked for"):
            list(DaskSweeps(client, on_gpu, device="gpu")([lambda: job]))

    def test_a_worker_of_another_version_is_refused(self):
        job = job_of(CURVES, "raw", SETTINGS)
        for refused in (
            lambda: choose_device_on_worker(SETTINGS, "0.0.9"),
            lambda: sweep_on_worker(job, "cpu", 1, "0.0.9"),
        ):
            with pytest.raises(QueueError, match=r"where 0\.0\.9 pools, .* install the same"):
                refused()

    def test_a_worker_with_a_gpu_sweeps_on_it_and_answers_from_the_host(self, on_cpu, monkeypatch):
        anywhere = SETTINGS.with_values({"device": "auto"})
        job = job_of(CURVES, "W5", anywhere)
        assert choose_device_on_worker(anywhere, VERSION) == "gpu"
        uploads, upload = [], on_cpu.ndarray.set
        monkeypatch.setattr(
            on_cpu.ndarray,
            "set",
            lambda array, host: uploads.append(array.shape) or upload(array, host),
        )
        found = sweep_on_worker(job, "gpu", None, VERSION).sweep
        expected = sweep_on_worker(job, "cpu", 1, VERSION).sweep
        assert CURVES.shape in uploads
        assert isinstance(found.labels, np.ndarray)
        np.testing.assert_array_equal(found.labels, expected.labels)


class TestClusters:
    def test_that_were_not_asked_for_have_no_workers(self, out):
        found = CliRunner().invoke(app, ["batch", "pool", str(out), "--workers", "2"])
        assert isinstance(found.exception, SettingsError)
        assert "--workers 2 needs --dask" in str(found.exception)

    def test_without_workers_are_not_waited_for(self, out, monkeypatch):
        monkeypatch.setattr(dask_cluster, "PATIENCE_S", 1.0)
        job = job_of(CURVES, "raw", SETTINGS)
        with (
            client_of(out, n_workers=0) as client,
            pytest.raises(QueueError, match="has had no worker for 1 s"),
        ):
            list(DaskSweeps(client, SETTINGS)([lambda: job]))

    def test_on_one_machine_do_not_share_a_gpu(self, out, on_cpu):
        anywhere = SETTINGS.with_values({"device": "auto"})
        with (
            pytest.raises(SettingsError, match="2 Dask workers on this machine would share"),
            dask_sweeps.dask_sweeps(out, (16, 0.05), anywhere, DaskOptions(), 2),
        ):
            pass

    def test_by_slurm_are_asked_for_the_memory_of_the_ensemble(self, out, monkeypatch):
        asked = []
        monkeypatch.setattr(
            dask_sweeps, "dask_client", lambda *given: asked.append(given[2]) or client_of(out, 0)
        )
        for given_mb in (None, 123.0):
            jobs = DaskOptions(slurm=SlurmOptions(n_tasks=2, memory_mb=given_mb))
            with dask_sweeps.dask_sweeps(out, (3000, 240.0), SETTINGS, jobs):
                pass
        assert [c.slurm.memory_mb for c in asked] == [
            predict_worker_mb((3000, 240.0), SETTINGS),
            123.0,
        ]

    def test_memory_grows_with_the_curves(self):
        little, more = (
            predict_worker_mb((1000, 8.0), SETTINGS),
            predict_worker_mb((1000, 72.0), SETTINGS),
        )
        assert more - little == pytest.approx(5 * 64)

    def test_curves_that_are_left_out_take_no_memory(self, out):
        parts = find_finished_results(out)
        n_traces, mb = BLINKING.pooled_size(parts, SETTINGS)
        assert mb == pytest.approx(8e-6 * n_traces * 400)
        little = SETTINGS.with_values({"traces.memory_mb": mb / 2})
        assert BLINKING.pooled_size(parts, little) == (n_traces, mb / 2)


@pytest.mark.skipif(bool(why_not()), reason=why_not() or "SLURM is there")
def test_workers_by_slurm_give_the_same_and_all_talk_is_tls(out, expected, tmp_path, monkeypatch):
    pytest.importorskip("dask_jobqueue", reason="dask-jobqueue is not installed")
    pytest.importorskip("cryptography", reason="cryptography, for TLS, is not installed")
    with SlurmCluster(tmp_path / "slurm") as slurm:
        for name in ("PATH", "SLURM_CONF"):
            monkeypatch.setenv(name, slurm.environment[name])
        jobs = DaskOptions(slurm=SlurmOptions(n_tasks=2, time_min=10))
        with Listeners(is_dask) as listeners:
            pool_batch(out, tmp_path / "pooled", cluster=jobs)
    assert result_of(tmp_path / "pooled") == expected[0]
    assert set(listeners.found.values()) <= {"here", "certificate required", "closed"}
    assert "certificate required" in listeners.found.values(), listeners.found
