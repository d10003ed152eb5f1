"""Batches for tests: tiny archives, runs in processes of their own, and what must hold of them."""

import hashlib
import json
import os
import signal
import subprocess
import tempfile
import time
from contextlib import contextmanager
from dataclasses import replace
from multiprocessing import forkserver
from pathlib import Path

import numpy as np
import tifffile

from tests.support.studies import small_study
from umlpsd_gpu.analyses.blinking.result import Study
from umlpsd_gpu.analyses.blinking.settings import Settings
from umlpsd_gpu.batch.folder import BatchFolder
from umlpsd_gpu.batch.journal import read_events
from umlpsd_gpu.batch.manifest import init_batch, read_manifest
from umlpsd_gpu.batch.movie_state import DONE_FORMAT
from umlpsd_gpu.batch.options import RunOptions
from umlpsd_gpu.batch.runner import run_batch
from umlpsd_gpu.storage.json_files import read_json

DT_S = 0.03
QUICK = Settings().with_values(
    {
        "device": "cpu",
        "movie.dt_s": DT_S,
        "preprocess.scales": ["W10"],
        "sweep.k_max": 3,
        "sweep.n_epochs": 3,
        "decision.n_surrogates": 0,
        "decision.n_resamples": 0,
    }
)
_ALL_SCALES = small_study()
# of one scale: written in a third of the time
STUDY = replace(_ALL_SCALES, sweeps=(_ALL_SCALES.sweep_at(_ALL_SCALES.decision.scale),))


def write_movie(path, seed=0, n_frames=400, n_rows=32, n_cols=32, n_spots=4):
    """Write a movie of spots that blink at random; enough for a study, drawn in milliseconds."""
    rng = np.random.default_rng(seed)
    rows, cols = np.mgrid[:n_rows, :n_cols]
    frames = rng.poisson(20, (n_frames, n_rows, n_cols)).astype(float)
    for i in range(n_spots):
        row, col = 8 + 16 * (i // 2), 8 + 16 * (i % 2)
        spot = np.exp(-((rows - row) ** 2 + (cols - col) ** 2) / (2 * 1.3**2))
        is_on = np.cumsum(rng.random(n_frames) < 0.05) % 2
        frames += 150 * is_on[:, None, None] * spot
    path.parent.mkdir(parents=True, exist_ok=True)
    tifffile.imwrite(path, frames.astype(np.uint16), photometric="minisblack")
    return path


def make_archive(folder, n_movies=3, **shape):
    """Write an archive of so many movies."""
    for i in range(n_movies):
        write_movie(folder / f"movie_{i}.tif", seed=i, **shape)
    return folder


def make_batch(archive, out, settings=QUICK, figures=False, update=False):
    """Write a manifest."""
    return init_batch(str(archive), out, settings, figures=figures, update=update)


def pretend(job):
    """Stand for an analysis: save a study that was made before, at once."""
    STUDY.save(Path(job.work) / "study")
    return {"device": "cpu"}


@contextmanager
def folder_in_memory():
    """Yield a folder where fsync costs nothing, if the machine has such a place."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        yield Path(folder)


def endless(job):
    """Stand for an analysis that never ends; leave the number of its process in OUT/started."""
    started = Path(job.work).parents[1] / "started"
    own = started.with_name(f"started.{os.getpid()}")
    own.write_text(str(os.getpid()))
    # two workers write it, and one may be killed on the way: it must never be empty
    own.replace(started)
    time.sleep(100)


def forked(perform=pretend, n_workers=1, **options):
    """Return options of runs whose processes are forked off the test."""
    return RunOptions(n_workers=n_workers, start_method="fork", perform=perform, **options)


def in_child(work, tracer=None):
    """Start ``work()`` in a forked process; its exit code is what that returns.

    ``tracer`` is a strace command without ``-p``, which is attached before the work begins.
    """
    gate, opener = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(opener)
        code = 70
        try:
            os.setpgid(0, 0)
            forkserver._forkserver.__init__()  # the test's own is no child of this process
            os.read(gate, 1)
            code = work()
        finally:
            os._exit(code)
    os.close(gate)
    attached = None
    if tracer:
        attached = subprocess.Popen(
            [*tracer, "-p", str(pid)], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
        )
        assert "attached" in attached.stderr.readline()
    os.write(opener, b"x")
    os.close(opener)
    return pid, attached


def result_of(pid, attached=None, timeout_s=60.0):
    """Wait for a process of `in_child`; return its exit code, negative for a signal."""
    deadline = time.monotonic() + timeout_s
    while True:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            break
        if time.monotonic() > deadline:
            os.killpg(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            raise AssertionError(f"the run did not end within {timeout_s} s")
        time.sleep(0.005)
    if attached is not None:
        attached.stderr.close()
        attached.kill()
        attached.wait()
    return os.waitstatus_to_exitcode(status)


def run_in_child(out, options, tracer=None):
    """Run a batch in a process of its own; see `in_child`."""
    return in_child(lambda: run_batch(out, options).exit_code, tracer)


def studies_of(out):
    """Return the digest of every file of every study, by path; done.json is not of the study."""
    results = BatchFolder.at(out).results
    return {
        path.relative_to(results).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(results.glob("*/study/**/*"))
        if path.is_file()
    }


def assert_all_visible_is_whole(out):
    """Every result opens, fits its digest and says how it was made."""
    folder = BatchFolder.at(out)
    found = list(folder.results.iterdir()) if folder.results.is_dir() else []
    for result in found:
        Study.load(result / "study")
        assert read_json(result / "done.json", DONE_FORMAT) is not None
        assert set(os.listdir(result)) <= {"study", "done.json", "log.txt"}
    return len(found)


def assert_nothing_left_over(out):
    assert os.listdir(BatchFolder.at(out).work) == []


def commits_of(out):
    """Return how often each movie was committed, over all runners."""
    times = {}
    for event in read_events(BatchFolder.at(out)):
        if event["event"] == "committed":
            times[event["movie"]] = times.get(event["movie"], 0) + 1
    return times


def ids_of(out):
    return [entry.id for entry in read_manifest(out).movies]


def attempts_in(out, movie_id):
    state = BatchFolder.at(out).claims(movie_id)
    return [json.loads(path.read_text()) for path in sorted(state.glob("attempt.*.json"))]
