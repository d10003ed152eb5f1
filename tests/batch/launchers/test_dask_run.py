"""Dask: the same studies, whatever happens to its workers, and nothing for others to talk to."""

import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time

import pytest

from tests.support.batches import (
    assert_all_visible_is_whole,
    assert_nothing_left_over,
    commits_of,
    ids_of,
    make_archive,
    make_batch,
    studies_of,
    write_movie,
)
from tests.support.slurm_cluster import SlurmCluster, why_not
from umlpsd_gpu.batch.folder import BatchFolder
from umlpsd_gpu.batch.launchers import dask_cluster
from umlpsd_gpu.batch.launchers.dask_cluster import DaskOptions, dask_client, refuse_open
from umlpsd_gpu.batch.launchers.dask_run import run_on_dask
from umlpsd_gpu.batch.launchers.slurm import QueueError, SlurmOptions
from umlpsd_gpu.batch.options import RunOptions
from umlpsd_gpu.batch.runner import run_batch
from umlpsd_gpu.errors import SettingsError

pytest.importorskip("distributed", reason="Dask is not installed")
psutil = pytest.importorskip("psutil", reason="psutil (part of Dask) is not installed")

from distributed.chaos import KillWorker  # noqa: E402

N_MOVIES = 4
HERE = ("127.0.0.1", "::1")


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    folder = make_archive(tmp_path_factory.mktemp("archive"), N_MOVIES)
    (folder / "broken.tif").write_bytes((folder / "movie_0.tif").read_bytes()[:3000])
    return folder


@pytest.fixture(scope="module")
def expected(archive, tmp_path_factory):
    """The files of all studies, made without Dask."""
    out = tmp_path_factory.mktemp("expected") / "out"
    make_batch(archive, out)
    assert run_batch(out, RunOptions(n_workers=2)).n_made == N_MOVIES
    return studies_of(out)


@pytest.fixture
def out(archive, tmp_path):
    make_batch(archive, tmp_path / "out")
    return tmp_path / "out"


class Listeners(threading.Thread):
    """Notes where processes of these sessions listen, and what answers off loopback."""

    def __init__(self, is_ours):
        super().__init__(daemon=True)
        self.is_ours = is_ours
        self.found, self.done = {}, threading.Event()

    def run(self):
        while not self.done.wait(0.2):
            for process in filter(self.is_ours, psutil.process_iter()):
                try:
                    sockets = process.net_connections("inet")
                except psutil.Error:
                    continue
                listening = {c.laddr for c in sockets if c.status == psutil.CONN_LISTEN}
                for place in listening - self.found.keys():
                    self.found[place] = "here" if place.ip in HERE else what_answers(place.port)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *problem):
        self.done.set()
        self.join()


def what_answers(port):
    """Say whether a stranger is turned away by TLS."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    address = socket.gethostbyname(socket.gethostname())
    try:
        with (
            socket.create_connection((address, port), timeout=5) as plain,
            context.wrap_socket(plain) as secure,
        ):
            return f"an answer: {secure.recv(1)}"
    except ssl.SSLError as error:
        return "certificate required" if "CERTIFICATE_REQUIRED" in str(error) else str(error)
    except ConnectionError:
        return "closed"


def is_child(process):
    try:
        return process.pid == os.getpid() or psutil.Process() in process.parents()
    except psutil.Error:
        return False


def is_dask(process):
    """Also where SLURM has started it."""
    try:
        return (
            is_child(process)
            or "distributed" in " ".join(process.cmdline())
            or any("distributed" in " ".join(p.cmdline()) for p in process.parents())
        )
    except psutil.Error:
        return False


class KillThree(KillWorker):
    """Kills the first three workers that start."""

    def __init__(self, marks):
        super().__init__(delay="3 s", mode="sys.exit")
        self.marks = marks

    async def setup(self, worker):
        for i in range(3):
            try:
                open(f"{self.marks}/{i}", "x").close()
            except FileExistsError:
                continue
            await super().setup(worker)
            return


def client_of(out, n_workers=2):
    return dask_client(BatchFolder.at(out), n_workers, DaskOptions())


def assert_complete(out, expected):
    assert assert_all_visible_is_whole(out) == N_MOVIES
    assert studies_of(out) == expected
    assert_nothing_left_over(out)


class TestStudies:
    def test_are_the_same_and_nobody_else_is_listened_to(self, out, expected):
        told = []
        with Listeners(is_child) as listeners:
            report = run_on_dask(
                out, None, RunOptions(n_workers=2), lambda event, entry, text: told.append(event)
            )
        assert (report.n_made, report.n_left, report.exit_code) == (N_MOVIES, 0, 1)
        assert sorted(told) == ["done"] * N_MOVIES + ["failed"]
        assert "broken.tif" in report.failed
        assert_complete(out, expected)
        assert len(listeners.found) > 3, "a scheduler, workers and nannies listen"
        assert set(listeners.found.values()) == {"here"}, listeners.found

    def test_are_not_made_again(self, out, expected, monkeypatch):
        (out.parent / "one").mkdir()
        write_movie(out.parent / "one" / "a.tif")
        done = out.parent / "done"
        make_batch(out.parent / "one", done)
        run_batch(done, RunOptions(n_workers=1))
        monkeypatch.setattr(
            "umlpsd_gpu.batch.launchers.dask_run.dask_client", None
        )  # none is needed
        report = run_on_dask(done)
        assert (report.n_made, len(report.done), report.exit_code) == (0, 1, 0)

    def test_are_complete_though_workers_are_killed(self, out, expected, tmp_path):
        marks = tmp_path / "marks"
        marks.mkdir()
        with client_of(out) as client:
            client.register_plugin(KillThree(str(marks)))
            report = run_on_dask(out, DaskOptions(client.scheduler.address), RunOptions())
            n_died = client.run_on_scheduler(n_removed)
        assert n_died >= 1, "no worker was killed"
        assert report.n_left == 0
        assert_complete(out, expected)
        # a study that was committed is not made again, however its worker ended
        assert max(commits_of(out).values()) == 1

    def test_a_signal_ends_the_run_in_time_and_the_next_goes_on(self, out, expected):
        command = [sys.executable, "-c", "from umlpsd_gpu.cli.main import main; main()"]
        process = subprocess.Popen(
            [*command, "batch", "run", str(out), "--dask", "--workers", "1"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert process.stdout.readline().startswith(("done: ", "failed: "))
        process.send_signal(signal.SIGTERM)
        start = time.monotonic()
        words = process.communicate(timeout=30)[0]
        assert time.monotonic() - start < 10
        assert process.returncode == 128 + signal.SIGTERM
        assert "left: run again to continue" in words
        run_batch(out, RunOptions(n_workers=2))
        assert_complete(out, expected)


def n_removed(dask_scheduler):
    return sum("remove-worker" in str(message) for _, message in dask_scheduler.get_events("all"))


class TestAddresses:
    @pytest.mark.parametrize(
        "address",
        [
            "tcp://10.0.0.7:8786",
            "10.0.0.7:8786",
            "ws://127.0.0.1:1",
            "tcp://0.0.0.0:1",
            "tcp://a:1",
        ],
    )
    def test_open_ones_are_refused(self, address):
        with pytest.raises(SettingsError, match="is neither tls:// nor tcp://"):
            DaskOptions(address)

    @pytest.mark.parametrize(
        "address",
        ["tls://10.0.0.7:8786", "127.0.0.1:8786", "tcp://[::1]:1", "tcp://localhost:1"],
    )
    def test_tls_and_this_machine_are_taken(self, address):
        refuse_open(address)

    def test_nobody_there_is_told_in_a_sentence(self, out, monkeypatch):
        monkeypatch.setattr(dask_cluster, "CONNECT_S", 1)
        with pytest.raises(QueueError, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:9"):
            run_on_dask(out, DaskOptions("tcp://127.0.0.1:9"))

    def test_workers_that_may_have_no_children_are_told(self, out, monkeypatch):
        monkeypatch.setitem(dask_cluster.CONFIG, "distributed.worker.daemon", True)
        with pytest.raises(QueueError, match="DASK_DISTRIBUTED__WORKER__DAEMON=False"):
            run_on_dask(out, None, RunOptions(n_workers=1))

    def test_a_cluster_without_workers_is_not_waited_for(self, out, monkeypatch):
        monkeypatch.setattr(dask_cluster, "PATIENCE_S", 1.0)
        with client_of(out, n_workers=0) as client, pytest.raises(QueueError, match="no worker"):
            run_on_dask(out, DaskOptions(client.scheduler.address))

    def test_without_dask_it_says_what_to_install(self, out, monkeypatch):
        monkeypatch.setitem(sys.modules, "distributed", None)
        with pytest.raises(QueueError, match=r"pip install 'umlpsd_gpu\[cluster\]'"):
            run_on_dask(out, DaskOptions())


@pytest.mark.skipif(bool(why_not()), reason=why_not() or "SLURM is there")
class TestWorkersBySlurm:
    def test_studies_are_the_same_and_all_talk_is_tls(self, out, expected, tmp_path, monkeypatch):
        pytest.importorskip("dask_jobqueue", reason="dask-jobqueue is not installed")
        pytest.importorskip("cryptography", reason="cryptography, for TLS, is not installed")
        with SlurmCluster(tmp_path / "slurm") as cluster:
            for name in ("PATH", "SLURM_CONF"):
                monkeypatch.setenv(name, cluster.environment[name])
            jobs = SlurmOptions(n_tasks=2, memory_mb=1000, time_min=10)
            with Listeners(is_dask) as listeners:
                report = run_on_dask(out, DaskOptions(slurm=jobs))
        assert report.n_left == 0
        assert_complete(out, expected)
        assert set(listeners.found.values()) <= {"here", "certificate required", "closed"}
        assert "certificate required" in listeners.found.values(), listeners.found
        keys = [path for path in (out / "dask").iterdir() if "jobqueue" in path.name]
        assert all(path.stat().st_size == 0 for path in keys), "keys are of no use any more"
        assert (out / "dask").stat().st_mode & 0o077 == 0
        assert len(ids_of(out)) == N_MOVIES + 1
