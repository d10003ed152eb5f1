"""live.jsonl, emitters.json and the lock of a live run."""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from tests.live.helpers import LIVE, QUICK
from tests.support.movies import array_movie
from umlpsd_gpu.errors import OutputError, OutputInUseError
from umlpsd_gpu.live.emitters import Emitters, Spots
from umlpsd_gpu.live.lock import FolderLock
from umlpsd_gpu.live.log import LiveLog
from umlpsd_gpu.live.snapshot import Alarm, Decided, Snapshot
from umlpsd_gpu.live.store import EmitterStore

needs_full_disk = pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")


def snapshot(number=1):
    past = Decided(90, 2, 0.8, (7, 3), (1.0, float("nan")), (0.1, 0.2))
    alarm = Alarm("drift", 12, "The sample has moved.")
    return Snapshot(
        number, "recording", "a.tif", 100, 110, 0.03, 0.21, history=(past,), alarms=(alarm,)
    )


def test_a_line_says_what_is_known(tmp_path):
    log = LiveLog(tmp_path)
    log.write(snapshot())
    log.write(Snapshot(2, "waiting", "", 0, 0, None, 0.0))
    first, second = map(json.loads, (tmp_path / "live.jsonl").read_text().splitlines())
    assert (first["k"], first["probability"], first["cluster_sizes"]) == (2, 0.8, [7, 3])
    assert (first["beta"], first["beta_stderr"]) == ([1.0, None], [0.1, 0.2])
    assert (first["n_frames"], first["n_arrived"], first["lag_s"]) == (100, 110, 0.21)
    assert first["alarms"] == [
        {"kind": "drift", "since_frame": 12, "text": "The sample has moved."}
    ]
    assert second["k"] is None
    assert second["beta"] == []
    assert set(first) == set(second)


@pytest.mark.parametrize("torn", ["", '{"half', "x" * 100_000])
def test_a_torn_last_line_is_removed(tmp_path, torn):
    path = tmp_path / "live.jsonl"
    path.write_text('{"a": 1}\n{"a": 2}\n' + torn)
    LiveLog(tmp_path).write(snapshot())
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line.get("a") for line in lines] == [1, 2, None]


@needs_full_disk
def test_a_full_disk_is_told_in_one_sentence(tmp_path):
    (tmp_path / "live.jsonl").symlink_to("/dev/full")
    log = LiveLog(tmp_path)
    with pytest.raises(OutputError, match=r"No space left on device.*the analysis goes on"):
        log.write(snapshot())


def test_a_line_that_has_no_space_leaves_no_half(tmp_path, monkeypatch):
    log = LiveLog(tmp_path)
    log.write(snapshot())
    before, write = log.path.read_bytes(), os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:10]))
    with pytest.raises(OutputError, match="no space for a whole line"):
        log.write(snapshot(2))
    assert log.path.read_bytes() == before
    monkeypatch.setattr(os, "write", write)
    log.write(snapshot(3))
    assert [json.loads(line)["update"] for line in log.path.read_text().splitlines()] == [1, 3]


def test_a_reader_gets_every_line_once(tmp_path):
    """As the example does: what has no end yet is read on later."""
    log, n_lines = LiveLog(tmp_path), 300

    def write():
        for number in range(1, n_lines + 1):
            log.write(snapshot(number))

    writer = threading.Thread(target=write)
    writer.start()
    updates, line = [], ""
    with open(log.path, encoding="ascii") as file:
        while len(updates) < n_lines:
            line += file.readline()
            if line.endswith("\n"):
                updates.append(json.loads(line)["update"])
                line = ""
    writer.join()
    assert updates == list(range(1, n_lines + 1))


def test_a_second_run_is_refused(tmp_path):
    refused = pytest.raises(OutputInUseError, match=f"process {os.getpid()} on .* writes to")
    with FolderLock(tmp_path), refused:
        FolderLock(tmp_path).__enter__()
    with FolderLock(tmp_path):
        pass


def test_the_lock_of_a_killed_run_is_free(tmp_path):
    script = (
        "import os, signal, sys; from pathlib import Path\n"
        "from umlpsd_gpu.live.lock import FolderLock\n"
        "FolderLock(Path(sys.argv[1])).__enter__(); os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False)
    assert "pid" in json.loads((tmp_path / "live.lock").read_text())
    with FolderLock(tmp_path):
        assert json.loads((tmp_path / "live.lock").read_text())["pid"] == os.getpid()


def store_for(folder, frames, settings=QUICK):
    return EmitterStore(Path(folder), array_movie(frames), settings, LIVE)


def emitters_with(*places):
    emitters = Emitters("array.tif", 5.0)
    if places:
        emitters.add(Spots(np.array(places, float), np.empty((0, 2))), 100)
    return emitters


def test_emitters_are_restored_for_the_same_movie_alone(tmp_path):
    frames = np.arange(32, dtype=np.uint16).reshape(2, 4, 4)
    store_for(tmp_path, frames).save(emitters_with((1, 2.5)))
    again = emitters_with()
    store_for(tmp_path, frames).load(again)
    assert again.ids == ("array.tif:0",)
    with pytest.raises(OutputInUseError, match="for another movie; give another folder"):
        store_for(tmp_path, frames + np.uint16(1)).load(emitters_with())
    other = QUICK.with_values({"traces.psf_sigma_px": 2.0})
    with pytest.raises(OutputInUseError, match="with other settings"):
        store_for(tmp_path, frames, other).load(emitters_with())


def test_emitters_that_can_not_be_written_leave_the_old_file(tmp_path, monkeypatch):
    frames = np.zeros((2, 4, 4), np.uint16)
    store = store_for(tmp_path, frames)
    store.save(emitters_with((1, 2.5)))
    before = (tmp_path / "emitters.json").read_bytes()

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match=r"No space left on device.*the analysis goes on"):
        store.save(emitters_with((3, 3)))
    monkeypatch.undo()
    assert (tmp_path / "emitters.json").read_bytes() == before
    assert os.listdir(tmp_path) == ["emitters.json"]
