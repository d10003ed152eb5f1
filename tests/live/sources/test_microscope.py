"""A movie that is recorded once more, and followed meanwhile, is the same movie."""

import importlib.util
import sys
import threading
import time
import types
from pathlib import Path

import numpy as np
import pytest
import tifffile
from typer.testing import CliRunner

from tests.support.growing_files import Clock, poll_until, read_all
from tests.support.movies import array_movie
from tests.support.tiff_files import frames_of
from umlpsd_gpu.analyses.blinking.extract import extract
from umlpsd_gpu.analyses.blinking.settings import Settings
from umlpsd_gpu.cli.main import app
from umlpsd_gpu.errors import MovieError, OutputError, OutputInUseError, SettingsError
from umlpsd_gpu.live.microscope.play import Rhythm, play
from umlpsd_gpu.live.settings import LiveSettings
from umlpsd_gpu.live.sources.frame_folder import FrameFolder
from umlpsd_gpu.live.sources.frame_socket import FrameSocket
from umlpsd_gpu.live.sources.growing_tiff import GrowingTiff
from umlpsd_gpu.live.sources.open import open_source
from umlpsd_gpu.live.sources.replay import ReplaySource
from umlpsd_gpu.movie.open import open_movie
from umlpsd_gpu.simulate.movie import simulate_movie

FORMATS = ["classic", "bigtiff", "imagej", "micromanager"]
EXAMPLES = Path(__file__).parents[3] / "docs" / "examples"


@pytest.fixture(scope="module")
def movie(tmp_path_factory):
    """A movie of a few emitters, as its path."""
    path = tmp_path_factory.mktemp("movie") / "movie.tif"
    recipe = {"n_rows": 40, "n_cols": 44, "n_frames": 240, "n_emitters": 5}
    return str(simulate_movie(path, seed=3, **recipe).path)


def traces_of(name):
    return extract([open_movie(name)], Settings(), lambda *_: None)[0]


@pytest.mark.parametrize("dest", [*FORMATS, "folder", "socket"])
def test_what_is_followed_and_what_is_recorded_is_the_movie(tmp_path, movie, dest):
    whole = open_movie(movie)
    frames = read_all(whole)
    live = LiveSettings(update_s=0.2)
    place = {"folder": "frames", "socket": "tcp://127.0.0.1:0"}.get(dest, "recorded.tif")
    name = place if dest == "socket" else str(tmp_path / place)
    source = open_source(name, Settings(), live, tmp_path / "out")
    if dest == "socket":
        name = f"tcp://127.0.0.1:{source.port}"
    assert source.poll().state == "waiting"
    file_format = dest if dest in FORMATS else "classic"
    thread = threading.Thread(target=play, args=(whole, name, Rhythm(200, 7), file_format))
    thread.start()
    arrivals = []
    end_s = time.monotonic() + 20
    while not arrivals or arrivals[-1].movie is None or arrivals[-1].movie.n_frames < len(frames):
        arrivals.append(source.poll())
        assert time.monotonic() < end_s, arrivals[-1]
        time.sleep(0.002)
    thread.join()
    for arrival in arrivals[:: max(1, len(arrivals) // 20)]:
        if arrival.movie:
            np.testing.assert_array_equal(read_all(arrival.movie), frames[: arrival.movie.n_frames])
    assert {arrival.state for arrival in arrivals} <= {"waiting", "recording", "finished"}
    assert arrivals[-1].movie.dt_s == pytest.approx(whole.dt_s, rel=1e-12)
    assert arrivals[-1].movie.pixel_size_um == pytest.approx(whole.pixel_size_um, rel=1e-9)
    (recorded,) = source.inputs()
    source.close()
    again, before = traces_of(recorded), traces_of(movie)
    np.testing.assert_array_equal(again.values, before.values)
    assert again.dt_s == pytest.approx(before.dt_s, rel=1e-12)


def test_frames_are_due_by_speed_burst_and_pause():
    rhythm = Rhythm(speed=2, burst=1)
    assert [rhythm.due_s(frame, 0.1, 10) for frame in (0, 1, 9)] == pytest.approx([0.05, 0.1, 0.5])
    rhythm = Rhythm(1, burst=4, pause_after=8, pause_s=3)
    due = [rhythm.due_s(frame, 0.1, 10) for frame in range(10)]
    assert due == pytest.approx([0.4] * 4 + [0.8] * 4 + [4.0] * 2)
    assert not Rhythm(0).is_paced
    assert Rhythm(float("inf"), pause_after=1, pause_s=2).due_s(5, 0.1, 10) == 2


def test_a_replay_gives_the_frames_that_are_due():
    frames, clock = frames_of(50), Clock()
    source = ReplaySource(array_movie(frames, dt_s=0.1), 2.0, clock=clock)
    assert source.poll().state == "waiting"
    for n_due in range(2, 50):
        clock.now_s = n_due * 0.05
        arrival = source.poll()
        assert (arrival.state, arrival.movie.n_frames) == ("recording", n_due)
    np.testing.assert_array_equal(read_all(arrival.movie), frames[:49])
    clock.pass_(10)
    assert (source.poll().state, source.poll().movie.n_frames) == ("finished", 50)
    assert source.inputs() == ["array.tif"]


@pytest.mark.parametrize("speed", [0, float("inf")])
def test_a_replay_may_give_everything_at_once(speed):
    arrival = ReplaySource(array_movie(frames_of(5)), speed).poll()
    assert (arrival.state, arrival.movie.n_frames) == ("finished", 5)


def test_a_replay_needs_the_interval():
    with pytest.raises(MovieError, match="--dt-s"):
        ReplaySource(array_movie(frames_of(5), dt_s=None), 1)


def test_sources_are_chosen_by_their_names(tmp_path, movie):
    def opened(name, speed=None, **settings):
        chosen = Settings().with_values(settings)
        return open_source(name, chosen, LiveSettings(), tmp_path / "out", speed)

    assert isinstance(opened(str(tmp_path / "new.tif")), GrowingTiff)
    assert isinstance(opened(movie), GrowingTiff)
    assert isinstance(opened(movie, 1.0), ReplaySource)
    assert opened(movie, 1.0).inputs() == [movie]
    for name in (tmp_path, tmp_path / "later", tmp_path / "a_*.tif"):
        assert isinstance(opened(str(name)), FrameFolder)
    source = opened("tcp://127.0.0.1:0")
    assert isinstance(source, FrameSocket)
    source.close()
    with pytest.raises(SettingsError, match="on this computer only"):
        opened("tcp://microscope.example.org:5555")
    with pytest.raises(SettingsError, match="replay speed is -1"):
        opened(movie, -1.0)
    with pytest.raises(SettingsError, match="join"):
        opened(movie, **{"movie.join": True})


def test_existing_files_are_not_replaced_unless_asked(tmp_path, movie):
    whole = open_movie(movie)
    dest = tmp_path / "recorded.tif"
    dest.write_bytes(b"mine")
    with pytest.raises(OutputInUseError, match="--overwrite"):
        play(whole, str(dest), Rhythm(0))
    assert dest.read_bytes() == b"mine"
    assert play(whole, str(dest), Rhythm(0), overwrite=True) == 240
    folder = tmp_path / "frames"
    folder.mkdir()
    (folder / "notes.txt").touch()
    with pytest.raises(OutputInUseError, match=r"notes\.txt, which is no frame"):
        play(whole, str(folder), Rhythm(0), overwrite=True)


def test_other_types_of_pixels_are_refused(tmp_path):
    with pytest.raises(SettingsError, match="float16"):
        play(array_movie(frames_of(3, dtype="f2")), str(tmp_path / "a.tif"))


def test_the_command_plays_a_movie(tmp_path, movie):
    dest = tmp_path / "out.tif"
    options = ["--speed", "100", "--burst", "20", "--format", "imagej"]
    options += ["--pause-after", "100", "--pause-s", "0.05"]
    done = CliRunner().invoke(app, ["replay", movie, str(dest), *options])
    assert done.exit_code == 0, done.output
    assert "Played 240 frames" in done.output
    np.testing.assert_array_equal(read_all(open_movie(dest)), read_all(open_movie(movie)))
    assert tifffile.imread(dest).shape == (240, 40, 44)  # as others read it


def example(name, monkeypatch):
    """Import an example of the documentation."""
    monkeypatch.syspath_prepend(str(EXAMPLES))
    for known in ("send_frames", "micromanager_live"):
        monkeypatch.delitem(sys.modules, known, raising=False)
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_sender_in_the_documentation(tmp_path, monkeypatch):
    frames = frames_of(12, 5, 7)
    source = open_source("tcp://127.0.0.1:0", Settings(), LiveSettings(), tmp_path)
    send_frames = example("send_frames", monkeypatch).send_frames
    assert send_frames(iter(frames), source.port, "dots", 0.05, 0.2) == 12
    arrival = poll_until(source, lambda found: found.state == "finished")
    np.testing.assert_array_equal(read_all(arrival.movie), frames)
    assert (arrival.movie.dt_s, arrival.movie.pixel_size_um) == (0.05, 0.2)
    with pytest.raises(RuntimeError, match="the recording has ended"):
        send_frames(frames, source.port)
    source.close()
    page = (EXAMPLES.parent / "live_sources.md").read_text("utf-8")
    assert (EXAMPLES / "send_frames.py").read_text("utf-8").strip() in page


def test_the_example_of_micro_manager(tmp_path, monkeypatch):
    frames = frames_of(12, 5, 7)

    waiting = []

    def start(n_frames, interval_ms, stops):
        waiting.extend(
            types.SimpleNamespace(pix=frame.ravel(), tags={"Height": 5, "Width": 7})
            for frame in frames[:n_frames]
        )

    core = types.SimpleNamespace(  # what the example calls of Micro-Manager's core
        start_sequence_acquisition=start,
        get_remaining_image_count=lambda: len(waiting),
        is_sequence_running=lambda: False,
        pop_next_tagged_image=lambda: waiting.pop(0),
        get_camera_device=lambda: "Camera",
        get_exposure=lambda: 30.0,
        has_property=lambda device, name: name == "ActualInterval-ms",
        get_property=lambda device, name: "33.5",
        get_pixel_size_um=lambda: 0.0,
    )
    pycromanager = types.SimpleNamespace(Core=lambda: core)
    monkeypatch.setitem(sys.modules, "pycromanager", pycromanager)
    source = open_source("tcp://127.0.0.1:0", Settings(), LiveSettings(), tmp_path)
    example("micromanager_live", monkeypatch).main(10, source.port)
    arrival = poll_until(source, lambda found: found.state == "finished")
    np.testing.assert_array_equal(read_all(arrival.movie), frames[:10])
    assert (arrival.movie.dt_s, arrival.movie.pixel_size_um) == (pytest.approx(0.0335), None)
    source.close()


def test_a_broken_connection_is_told(tmp_path):
    source = open_source("tcp://127.0.0.1:0", Settings(), LiveSettings(), tmp_path)
    big = array_movie(np.zeros((200, 400, 400), "u2"))
    threading.Timer(0.2, source.close).start()
    with pytest.raises(OutputError, match="tcp:"):
        play(big, f"tcp://127.0.0.1:{source.port}", Rhythm(1))
