"""``umlpsd live`` as a user meets it; its sources and its page are replaced by plain ones."""

import importlib.util
import io
import json
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest
from rich.console import Console
from typer.testing import CliRunner

from tests.support.live_sources import ScriptedSource
from umlpsd_gpu.analyses.blinking.workflow import run_study
from umlpsd_gpu.analyses.saving import digest_of_result
from umlpsd_gpu.cli.live_terminal import LiveLine, describe
from umlpsd_gpu.cli.main import app
from umlpsd_gpu.errors import SettingsError
from umlpsd_gpu.live.snapshot import Alarm, Decided, Snapshot
from umlpsd_gpu.movie.open import open_movie
from umlpsd_gpu.simulate.movie import simulate_movie

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "stop_when_enough.py"
QUICK = ["--scales", "raw,W20", "--epochs", "5", "--k-max", "4", "--device", "cpu"]
PAST = Decided(90, 2, 0.8, (7, 3), (1.0, 0.4), (0.1, float("nan")))
SNAPSHOT = Snapshot(
    3, "recording", "a.tif", 3000, 3010, 0.03, 0.2, history=(PAST,),
    alarms=(Alarm("drift", 7, "The sample has moved."),), hint="enough data: yes",
)  # fmt: skip


@pytest.fixture
def opened(monkeypatch):
    """Replace sources and page; return what they were given."""
    given, sources, server = [], ModuleType("open"), ModuleType("server")

    def open_source(name, settings, live, folder, replay_speed=None):
        given.append((name, settings, live, folder, replay_speed))
        movie = open_movie(name, settings.movie)
        return ScriptedSource(movie, [100, 400, movie.n_frames], [name])

    class PageServer:
        def __init__(self, port):
            given.append(port)

        def start(self):
            return "http://127.0.0.1:1/"

        def publish(self, snapshot):
            given.append(snapshot)

        def stop(self):
            given.append("stopped")

    sources.open_source, server.PageServer = open_source, PageServer
    monkeypatch.setitem(sys.modules, "umlpsd_gpu.live.sources.open", sources)
    monkeypatch.setitem(sys.modules, "umlpsd_gpu.live.page.server", server)
    monkeypatch.setattr("umlpsd_gpu.report.write_report.draw_result", lambda *parts: ())
    return given


def test_a_recording_from_the_command_line(opened, place):
    path = simulate_movie(
        place / "movie.tif", n_emitters=10, n_rows=64, n_cols=64, n_frames=500, seed=2
    ).path
    out = place / "live"
    words = ["live", str(path), "--out", str(out), *QUICK, "--update-s", "0.1", "--port", "9000"]
    done = CliRunner().invoke(app, [*words, "--live", "first_frames=100", "--replay-speed", "2"])
    assert done.exit_code == 0, done.output
    (name, settings, live, folder, speed), port = opened[:2]
    assert (port, name, folder, speed) == (9000, str(path), out, 2.0)
    assert (live.update_s, live.first_frames, settings.sweep.k_max) == (0.1, 100, 4)
    assert opened[-2].state == "finished"
    assert opened[-1] == "stopped"
    assert "Page: http://127.0.0.1:1/" in done.output
    assert "analysing the finished movie | 500 frames (15.0 s)" in done.output
    assert "Report: " in done.output
    digest = json.loads((out / "study" / "summary.json").read_text())["digest"]
    assert digest == digest_of_result(run_study(open_movie(path), settings))


def test_wrong_use_is_told(opened, place):
    run = CliRunner().invoke
    out = ["--out", str(place / "x"), "--no-page"]
    wrong = run(app, ["live", "a.tif", *out, "--live", "first_frame=100"])
    assert isinstance(wrong.exception, SettingsError)
    wrong = run(app, ["live", "a.tif", *out, "--analysis", "curves"])
    assert "umlpsd live follows the analysis 'blinking', not 'curves'" in str(wrong.exception)
    wrong = run(app, ["live", "a.tif", *out, "--live", "first_frames"])
    assert "--live needs NAME=VALUE, for example enough_s=120" in str(wrong.exception)
    assert not opened


def test_a_snapshot_in_words():
    assert describe(SNAPSHOT) == (
        "recording | 3,000 frames (90.0 s) | 10 frames wait | 0.2 s behind | "
        "K = 2 (80 %): 7 with β = 1.00 ± 0.10, 3 with β = 0.40 ± ? | The sample has moved. | "
        "enough data: yes"
    )
    assert describe(Snapshot(1, "waiting", "", 0, 0, None, 0.0)) == "waiting for the first frames"


@pytest.mark.parametrize("is_terminal", [True, False])
def test_a_terminal_renews_one_line(is_terminal):
    out, err = io.StringIO(), io.StringIO()
    consoles = [
        Console(file=file, force_terminal=is_terminal, width=60, soft_wrap=not is_terminal)
        for file in (out, err)
    ]
    with LiveLine(*consoles) as line:
        line.show(SNAPSHOT)
        line.warn("the disk is full")
        line.show(replace(SNAPSHOT, state="finishing"))
        line.report("sweep", 3, 3)
    text = out.getvalue()
    assert ("\x1b[2K" in text) == is_terminal  # a line is erased before it is renewed
    assert "the disk is full" in (text if is_terminal else err.getvalue())
    assert "sweep: 3/3" in (text if is_terminal else err.getvalue())


def test_the_example_waits_until_the_data_are_enough(place, capsys):
    spec = importlib.util.spec_from_file_location("stop_when_enough", EXAMPLE)
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)
    path = place / "live.jsonl"
    quiet = {"alarms": [], "hint": "", "state": "recording", "n_frames": 1}
    alarm = {"kind": "focus", "since_frame": 4, "text": "Out of focus."}
    enough = quiet | {"hint": "enough data: yes", "alarms": [alarm], "n_frames": 2}
    path.write_text("".join(json.dumps(line) + "\n" for line in (quiet, enough)))
    assert example.wait_until_enough(path)["n_frames"] == 2
    assert "alarm (focus): Out of focus." in capsys.readouterr().out
    path.write_text(json.dumps(quiet | {"state": "finished"}) + "\n")
    assert example.wait_until_enough(path) is None
