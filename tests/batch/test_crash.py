"""Killed or refused by the disk at any system call: nothing half done is visible, all resumes."""

import os
import shutil
import signal
import subprocess

import pytest

from tests.support.batches import (
    assert_all_visible_is_whole,
    assert_nothing_left_over,
    commits_of,
    folder_in_memory,
    forked,
    ids_of,
    in_child,
    make_archive,
    make_batch,
    result_of,
    run_in_child,
    studies_of,
)
from umlpsd_gpu.batch.runner import run_batch
from umlpsd_gpu.batch.status import read_status


def why_no_strace():
    if shutil.which("strace") is None:
        return "strace is not installed (Debian package strace)"
    probe = subprocess.run(["strace", "-f", "-o", "/dev/null", "true"], capture_output=True)
    return "" if probe.returncode == 0 else f"strace can't trace here: {probe.stderr.decode()}"


pytestmark = pytest.mark.skipif(bool(why_no_strace()), reason=why_no_strace() or "strace is there")

# System call, and which of its calls are hit; counted for each process by itself
KILLS = [
    *[("write", k) for k in (1, 2, 3, 4, 6, 8, 10, 13, 16, 20)],
    *[("pwrite64,write", k) for k in (25, 40, 80, 160)],
    *[("fsync", k) for k in range(1, 12)],
    *[("rename,renameat2", k) for k in range(1, 7)],
    *[("openat", k) for k in (2, 9, 17, 30, 60)],
    *[("unlink,unlinkat,rmdir", k) for k in (1, 2, 3, 5)],
    *[("mkdir,link", k) for k in range(1, 7)],
    *[("truncate", k) for k in (1, 2)],
]
TROUBLE = [
    *[("ENOSPC", "write", k) for k in (2, 5, 9, 15, 22)],
    *[("ENOSPC", "mkdir", k) for k in (1, 2)],
    *[("ENOSPC", "link", k) for k in (1, 3)],
    *[("EIO", "fsync", k) for k in (1, 2, 4, 7)],
    *[("EIO", "rename,renameat2", k) for k in (1, 2, 3)],
    *[("EIO", "write", k) for k in (3, 12)],
]


@pytest.fixture(scope="module")
def place():
    with folder_in_memory() as folder:
        yield folder


@pytest.fixture(scope="module")
def prepared(place):
    """A batch of three movies before its first run, and what an uninterrupted run makes of it."""
    make_batch(make_archive(place / "archive", 3, n_frames=4), place / "fresh")
    shutil.copytree(place / "fresh", place / "whole")
    assert run_batch(place / "whole", forked()).exit_code == 0
    return place / "fresh", studies_of(place / "whole")


@pytest.fixture
def out(prepared, place):
    out = place / "out"
    shutil.copytree(prepared[0], out)
    yield out
    shutil.rmtree(out)


def strace(injected):
    calls = injected.split(":")[0]
    return ["strace", "-f", "-o", "/dev/null", "-e", f"trace={calls}", "-e", f"inject={injected}"]


def test_there_are_enough_points():
    assert len(KILLS) >= 40


@pytest.mark.parametrize(("calls", "k"), KILLS)
def test_killed_at_a_system_call(out, prepared, calls, k):
    tracer = strace(f"{calls}:signal=KILL:when={k}")
    code = result_of(*run_in_child(out, forked(), tracer))
    assert code in (0, 1, -signal.SIGKILL)
    n_visible = assert_all_visible_is_whole(out)
    assert read_status(out).counts["done"] == n_visible
    # a call that only workers make so often has killed each of their attempts
    resumed = run_batch(out, forked(retry=True))
    assert resumed.exit_code == 0
    assert resumed.n_made == 3 - n_visible
    assert studies_of(out) == prepared[1]
    assert max(commits_of(out).values()) == 1


def test_the_points_hit(out):
    """Most of the points do kill: a list of calls that are never made would prove nothing."""
    codes = []
    for calls, k in (("fsync", 3), ("rename,renameat2", 2), ("mkdir,link", 2), ("write", 6)):
        code = result_of(*run_in_child(out, forked(), strace(f"{calls}:signal=KILL:when={k}")))
        codes.append(code)
    assert codes.count(-signal.SIGKILL) >= 3


@pytest.mark.parametrize(("error", "calls", "k"), TROUBLE)
def test_a_disk_that_refuses(out, prepared, error, calls, k, capfd):
    told = out.with_name("told")

    def run():
        report = run_batch(out, forked())
        told.write_text(report.trouble)
        return report.exit_code

    code = result_of(*in_child(run, strace(f"{calls}:error={error}:when={k}")))
    assert code in (0, 1)
    assert "Traceback" not in capfd.readouterr().err
    if code == 1 and told.read_text():
        assert str(out) in told.read_text()
        assert "bytes are free" in told.read_text()
    assert_all_visible_is_whole(out)
    resumed = run_batch(out, forked())
    assert resumed.exit_code == 0
    assert studies_of(out) == prepared[1]
    assert_nothing_left_over(out)
    assert max(commits_of(out).values()) == 1


def test_a_full_disk_is_told_with_path_and_bytes(out, prepared):
    """Every write of a worker's study is refused."""

    def full(job):
        from umlpsd_gpu.errors import OutputError

        try:
            raise OSError(28, os.strerror(28))
        except OSError as error:
            raise OutputError(f"the study can't be written to {job.work}/study: full") from error

    report = run_batch(out, forked(full))
    assert report.exit_code == 1
    assert str(out) in report.trouble
    assert "bytes are free" in report.trouble
    assert report.n_left == 3
    assert not report.failed
    assert_nothing_left_over(out)
    assert run_batch(out, forked()).n_made == 3
    assert studies_of(out) == prepared[1]


def test_kill_of_the_whole_group_again_and_again(out, prepared):
    """Eight kills at growing distances from the start, then an undisturbed run."""
    import time

    for i in range(8):
        pid, _ = run_in_child(out, forked(n_workers=2))
        time.sleep(0.02 * (i + 1))
        os.killpg(pid, signal.SIGKILL)
        result_of(pid)
        assert_all_visible_is_whole(out)
    assert run_batch(out, forked()).exit_code == 0
    assert studies_of(out) == prepared[1]
    assert commits_of(out).keys() <= set(ids_of(out))
