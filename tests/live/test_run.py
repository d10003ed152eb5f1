"""A live run to its end: the final study is that of the finished movie, bit for bit."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from tests.live.helpers import LIVE, QUICK
from tests.support.live_sources import ScriptedSource
from umlpsd_gpu.analyses.saving import load_result
from umlpsd_gpu.errors import MovieError, OutputInUseError, UmlpsdError
from umlpsd_gpu.live.lock import FolderLock
from umlpsd_gpu.live.run import run_live

ROOT = Path(__file__).parents[2]
N = 700
KILLED = """
import sys, time
from pathlib import Path
from tests.live.helpers import LIVE, QUICK
from tests.support.live_sources import ScriptedSource
from umlpsd_gpu.live.run import run_live
from umlpsd_gpu.movie.open import open_movie
movie = open_movie(sys.argv[1])
live = LIVE.with_values({"update_s": 0.05})
run_live(ScriptedSource(movie, [*range(2, 500), *[500] * 10**6]), sys.argv[2], QUICK, live)
"""


@pytest.fixture(autouse=True)
def without_figures(monkeypatch):
    """Studies are written without figures, which other tests draw."""
    monkeypatch.setattr("umlpsd_gpu.report.write_report.draw_result", lambda *parts: ())


def lines_of(folder):
    return [json.loads(line) for line in (folder / "live.jsonl").read_text().splitlines()]


def digest_in(folder):
    return json.loads((folder / "study" / "summary.json").read_text())["digest"]


@pytest.mark.parametrize(
    "counts",
    [[*range(2, 350), N], [0, 0, 3, 300, 300, 300, 420, N], [N]],
    ids=["one by one", "bursts and pauses", "at once"],
)
def test_the_final_study_is_that_of_the_finished_movie(recorded, place, counts):
    movie, digest = recorded
    source, told = ScriptedSource(movie, counts), []
    study = run_live(source, place, QUICK, LIVE, tell=told.append)
    assert digest_in(place) == digest
    assert source.is_closed
    load_result(place / "study", type(study))  # intact
    assert [s.number for s in told] == list(range(1, len(told) + 1))
    assert [s.state for s in told[-2:]] == ["finishing", "finished"]
    lines = lines_of(place)
    assert len(lines) == len(told)
    assert (lines[-1]["n_frames"], lines[-1]["k"]) == (N, study.decision.k_opt)
    assert f"the study is in {place / 'study'}" in lines[-1]["message"]
    shown = told[-1]
    assert shown.traces.ids == shown.study.traces.ids
    assert shown.history[-1].n_frames == N


def test_a_killed_run_goes_on_with_the_same_names(recorded, place):
    movie, digest = recorded
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", KILLED, str(movie.path), str(place)]
    killed = subprocess.Popen(command, cwd=ROOT, env=environment)
    end = time.monotonic() + 60
    while time.monotonic() < end and killed.poll() is None:
        time.sleep(0.05)
        if (place / "live.jsonl").exists() and any(x["n_emitters"] for x in lines_of(place)):
            break
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    stored = json.loads((place / "emitters.json").read_text())
    before = lines_of(place)
    assert before[-1]["n_emitters"]
    with (place / "live.jsonl").open("a") as file:
        file.write('{"time": "20')  # as a crash of the machine may leave it
    told = []
    run_live(ScriptedSource(movie, [2, N]), place, QUICK, LIVE, tell=told.append)
    assert digest_in(place) == digest
    after = lines_of(place)
    assert after[: len(before)] == before
    followed = [s.traces.ids for s in told if s.traces is not None and s.state == "finishing"]
    known = tuple(name for group in stored["groups"] for name in group["ids"])
    assert followed[0][: len(known)] == known


def test_ctrl_c_analyses_what_is_there(recorded, place):
    movie, _ = recorded
    source = ScriptedSource(movie, [400] * 10**6)
    threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
    told = []
    run_live(source, place, QUICK, LIVE, tell=told.append)
    assert told[-1].message.startswith("stopped with Ctrl-C")
    assert (place / "study" / "study.h5").exists()


@pytest.fixture
def ctrl_c():
    """Ctrl-C raises KeyboardInterrupt, whatever a library has made of it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_a_second_ctrl_c_ends_at_once(recorded, place, monkeypatch, ctrl_c):
    movie, _ = recorded

    def ask_again(*parts, **more):
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(5)

    monkeypatch.setattr("umlpsd_gpu.live.run.run_and_write", ask_again)
    threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):
        run_live(ScriptedSource(movie, [400] * 10**6), place, QUICK, LIVE)
    assert not (place / "study").exists()
    with FolderLock(place):
        pass  # the folder is free again


def test_it_ends_with_a_number_of_frames_or_when_none_come(recorded, place):
    movie, _ = recorded
    told = []
    run_live(
        ScriptedSource(movie, [100, N, *[N] * 10**6]), place / "a", QUICK, LIVE, None,
        told.append, n_frames=N,
    )  # fmt: skip
    assert told[-1].message.startswith("700 frames are recorded")
    live = LIVE.with_values({"idle_s": 0.3})
    run_live(ScriptedSource(movie, [N] * 10**6), place / "b", QUICK, live, None, told.append)
    assert told[-1].message.startswith("no frame came for 0.3 s")


def test_a_folder_in_use_or_with_a_study_is_refused(recorded, place):
    movie, _ = recorded
    source = ScriptedSource(movie, [N])
    with FolderLock(place), pytest.raises(OutputInUseError, match="another live run"):
        run_live(source, place, QUICK, LIVE)
    assert source.is_closed
    assert source.n_polls == 0
    run_live(ScriptedSource(movie, [N]), place, QUICK, LIVE)
    with pytest.raises(OutputInUseError, match="already holds a study"):
        run_live(ScriptedSource(movie, [N]), place, QUICK, LIVE)
    run_live(ScriptedSource(movie, [N]), place, QUICK, LIVE, overwrite=True)


def test_a_lost_recording_has_no_study_but_its_lines(recorded, place):
    movie, _ = recorded
    source = ScriptedSource(movie, [300, 300], last_state="lost", reason="the file vanished")
    with pytest.raises(UmlpsdError, match="the file vanished"):
        run_live(source, place, QUICK, LIVE)
    assert not (place / "study").exists()
    last = lines_of(place)[-1]
    assert (last["state"], last["message"], last["n_frames"]) == (
        "failed",
        "the file vanished",
        300,
    )


def test_a_movie_that_can_not_be_opened_at_the_end_is_told(recorded, place):
    movie, _ = recorded
    source = ScriptedSource(movie, [300], names=[str(place / "gone.tif")])
    with pytest.raises(MovieError, match=r"gone\.tif"):
        run_live(source, place, QUICK, LIVE)
    assert lines_of(place)[-1]["state"] == "failed"


def test_a_recording_without_frames_is_told(recorded, place):
    movie, _ = recorded
    with pytest.raises(UmlpsdError, match="nothing to analyse"):
        run_live(ScriptedSource(replace(movie), [0, 0]), place, QUICK, LIVE)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")
def test_a_full_disk_is_said_once_and_stops_nothing(recorded, place):
    movie, digest = recorded
    (place / "live.jsonl").symlink_to("/dev/full")
    said = []
    run_live(ScriptedSource(movie, [100, 200, N]), place, QUICK, LIVE, warn=said.append)
    assert len(said) == 1
    assert "live.jsonl can't be written (No space left on device)" in said[0]
    assert digest_in(place) == digest
