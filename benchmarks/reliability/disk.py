"""Disks that are full or failing: by injected errors, and a real file system of 8 MB."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from benchmarks.reliability.kills import _prepared
from benchmarks.reliability.rows import Row, timed
from tests.batch.test_crash import strace
from tests.support.batches import (
    assert_all_visible_is_whole,
    assert_nothing_left_over,
    commits_of,
    forked,
    in_child,
    make_archive,
    result_of,
    studies_of,
)
from umlpsd_gpu.batch.runner import run_batch
from umlpsd_gpu.batch.worker import make_study

COMMAND = [sys.executable, "-c", "from umlpsd_gpu.cli.main import main; main()", "batch"]
QUICK = ["--scales", "W10", "--k-max", "3", "--epochs", "3", "--dt-s", "0.03", "--device", "cpu"]
REACH = {"write": 30, "fsync": 16, "rename,renameat2": 6, "mkdir,link": 7, "pwrite64": 40}


def injected(place: Path, n_points: int) -> list[Row]:
    """ENOSPC and EIO from write, pwrite64, fsync, rename, mkdir and link, real analyses."""
    fresh, expected = _prepared(place / "injected", forked(make_study), n_frames=400)
    rows = []
    for error in ("ENOSPC", "EIO"):
        points = [
            (calls, 1 + i * reach // max(1, n_points // 10))
            for calls, reach in REACH.items()
            for i in range(max(1, n_points // 10))
        ]
        n_stopped = 0
        with timed() as clock:
            for calls, k in points:
                n_stopped += _one_point(fresh, expected, f"{calls}:error={error}:when={k}")
        text = (
            f"{n_stopped} stopped the runner with exit 1, path and free bytes (the others struck "
            "where nothing was lost); no partial study, resumed to the same bytes"
        )
        rows.append(Row(f"{error} injected", len(points), text, clock.seconds))
    return rows


def full_file_system(place: Path) -> list[Row]:
    """Eight movies on a tmpfs of 8 MB, figures and all; then room is made."""
    archive = make_archive(place / "archive", 8)
    small = place / "small"
    small.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "none", small]).returncode:
        return [Row("A full tmpfs of 8 MB", 0, "not measured: mounting is not allowed here", 0)]
    try:
        with timed() as clock:
            _batch("init", archive, small / "out", *QUICK)
            full = _batch("run", small / "out", "--workers", "1")
            assert full.returncode == 1, full.stderr
            assert str(small / "out") in full.stderr, full.stderr
            assert "bytes are free" in full.stderr, full.stderr
            assert "Traceback" not in full.stderr + full.stdout
            n_done = assert_all_visible_is_whole(small / "out")
            assert_nothing_left_over(small / "out")
            subprocess.run(["mount", "-o", "remount,size=64m", small], check=True)
            resumed = _batch("run", small / "out", "--workers", "1")
            assert resumed.returncode == 0, resumed.stderr
            assert assert_all_visible_is_whole(small / "out") == 8
    finally:
        subprocess.run(["umount", small], check=True)
    text = (
        f"exit 1 after {n_done} of 8 studies, path and free bytes given, none partial; all 8 done "
        "after space was made"
    )
    return [Row("A full tmpfs of 8 MB, with figures", 1, text, clock.seconds)]


def _one_point(fresh: Path, expected: dict[str, str], injection: str) -> bool:
    out, message = fresh.with_name("refused"), fresh.with_name("message")
    message.write_text("")
    shutil.copytree(fresh, out)

    def run() -> int:
        report = run_batch(out, forked(make_study))
        message.write_text(report.trouble)
        return report.exit_code

    code = result_of(*in_child(run, strace(injection)))
    assert code in (0, 1), (injection, code)
    if message.read_text():
        assert str(out) in message.read_text(), injection
        assert "bytes are free" in message.read_text(), injection
    assert_all_visible_is_whole(out)
    assert run_batch(out, forked(make_study, retry=True)).exit_code == 0, injection
    assert studies_of(out) == expected, injection
    assert max(commits_of(out).values()) == 1, injection
    shutil.rmtree(out)
    return code == 1


def _batch(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [*COMMAND, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ})
