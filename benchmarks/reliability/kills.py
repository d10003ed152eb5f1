"""Runners and workers killed at hundreds of system calls, and whole groups at random moments."""

from __future__ import annotations

import os
import random
import shutil
import signal
import time
from pathlib import Path

from benchmarks.reliability.rows import Row, timed
from tests.batch.test_crash import strace
from tests.support.batches import (
    assert_all_visible_is_whole,
    commits_of,
    forked,
    make_archive,
    make_batch,
    result_of,
    run_in_child,
    studies_of,
)
from umlpsd_gpu.batch import preload  # noqa: F401 - forked processes need not import it again
from umlpsd_gpu.batch.runner import run_batch
from umlpsd_gpu.batch.status import read_status
from umlpsd_gpu.batch.worker import make_study

# How often a process of a batch of three movies makes each call at most; its share of the points
CALLS = {
    "write": (40, 0.25),
    "pwrite64,write": (120, 0.1),
    "fsync": (20, 0.2),
    "rename,renameat2": (7, 0.1),
    "openat": (90, 0.15),
    "unlink,unlinkat,rmdir": (12, 0.1),
    "mkdir,link": (8, 0.1),
}


def kill_points(place: Path, n_points: int) -> list[Row]:
    """Kill at a number of points: a third with real analyses, the rest with empty ones."""
    rows = []
    for name, perform, share in (("pretended", None, 2 / 3), ("real", make_study, 1 / 3)):
        options = forked(perform) if perform else forked()
        fresh, expected = _prepared(place / name, options, n_frames=400 if perform else 4)
        points = _points(round(n_points * share))
        n_hit = 0
        with timed() as clock:
            for calls, k in points:
                n_hit += _one_point(fresh, expected, options, calls, k)
        rows.append(
            Row(
                f"Kill points, {name} analyses of 3 movies",
                len(points),
                f"{n_hit} hit a process; after each, every visible study opened and fitted its "
                "digest, and the resumed run gave the bytes of an uninterrupted one",
                clock.seconds,
            )
        )
    return rows


def random_group_kills(place: Path, n_kills: int) -> list[Row]:
    """Kill the whole process group (-9) at random moments, in batches of ten movies."""
    rng = random.Random(0)
    fresh, expected = _prepared(place / "groups", forked(make_study), n_movies=10, n_frames=400)
    out = fresh.with_name("killed")
    n_done = n_batches = 0
    with timed() as clock:
        while n_done < n_kills:
            shutil.copytree(fresh, out)
            n_batches += 1
            for _ in range(5):
                pid, _ = run_in_child(out, forked(make_study, n_workers=2))
                time.sleep(rng.uniform(0.02, 1.5))
                os.killpg(pid, signal.SIGKILL)
                result_of(pid)
                n_done += 1
                assert_all_visible_is_whole(out)
            assert run_batch(out, forked(make_study, n_workers=2)).exit_code == 0
            assert studies_of(out) == expected
            assert max(commits_of(out).values()) == 1
            shutil.rmtree(out)
    text = f"over {n_batches} batches of 10 movies, 2 workers; all resumed to the same bytes"
    return [Row("kill -9 of the process group at random moments", n_done, text, clock.seconds)]


def _points(n: int) -> list[tuple[str, int]]:
    """Return points spread evenly over each call's reach; repeated where it has fewer calls."""
    points = []
    for calls, (reach, share) in CALLS.items():
        count = max(1, round(n * share))
        points += [(calls, 1 + i * reach // count) for i in range(count)]
    return points


def _one_point(fresh: Path, expected: dict[str, str], options, calls: str, k: int) -> bool:
    out = fresh.with_name("killed")
    shutil.copytree(fresh, out)
    code = result_of(*run_in_child(out, options, strace(f"{calls}:signal=KILL:when={k}")))
    n_visible = assert_all_visible_is_whole(out)
    assert read_status(out).counts["done"] == n_visible
    n_crashes = len(list(out.glob("state/*/attempt.*.json")))
    retried = forked(options.perform, retry=True)
    resumed = run_batch(out, retried)
    assert resumed.exit_code == 0, (calls, k)
    assert studies_of(out) == expected, (calls, k)
    assert max(commits_of(out).values()) == 1, (calls, k)
    shutil.rmtree(out)
    return code == -signal.SIGKILL or n_crashes > 0


def _prepared(place: Path, options, n_movies: int = 3, **shape: int) -> tuple[Path, dict[str, str]]:
    make_batch(make_archive(place / "archive", n_movies, **shape), place / "fresh")
    shutil.copytree(place / "fresh", place / "whole")
    assert run_batch(place / "whole", options).exit_code == 0
    return place / "fresh", studies_of(place / "whole")
