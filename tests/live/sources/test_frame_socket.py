"""Frames sent over a socket are all kept, whatever the sender does."""

import errno
import json
import socket
import struct
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from tests.support.growing_files import poll_until, read_all
from tests.support.tiff_files import frames_of
from umlpsd_gpu.errors import OutputError, SettingsError
from umlpsd_gpu.live.microscope.frame_sender import FrameSender
from umlpsd_gpu.live.sources import frame_socket
from umlpsd_gpu.live.sources.frame_socket import FrameSocket
from umlpsd_gpu.live.sources.stream_header import StreamHeader
from umlpsd_gpu.movie.open import open_movie
from umlpsd_gpu.movie.settings import MovieSettings

HEADER = StreamHeader("my movie.tif", 5, 7, "uint16", 0.03, 0.1)


@pytest.fixture
def listening(tmp_path):
    source = FrameSocket("tcp://127.0.0.1:0", MovieSettings(), tmp_path / "out")
    yield source
    source.close()


def address_of(source):
    return f"tcp://127.0.0.1:{source.port}"


def connect(source):
    connection = socket.create_connection(("127.0.0.1", source.port), 10)
    connection.settimeout(10)
    return connection


def send(connection, data):
    connection.sendall(struct.pack("<Q", len(data)) + data)


def answer(connection):
    data = b""
    while len(data) < 8 or len(data) < 8 + struct.unpack("<Q", data[:8])[0]:
        new = connection.recv(65_536)
        if not new:
            raise ConnectionError(data)
        data += new
    return json.loads(data[8:])


def has(n_frames):
    return lambda arrival: arrival.movie is not None and arrival.movie.n_frames == n_frames


def test_frames_arrive_one_by_one_and_run_reads_the_spool(listening):
    frames = frames_of(20, 5, 7)
    arrival = listening.poll()
    assert (arrival.state, arrival.movie, listening.inputs()) == ("waiting", None, [])
    assert f"tcp://127.0.0.1:{listening.port}" in arrival.reason
    sender = FrameSender(address_of(listening), HEADER)
    for number, frame in enumerate(frames):
        sender.put(frame)
        if number:
            movie = poll_until(listening, has(number + 1)).movie
            np.testing.assert_array_equal(read_all(movie), frames[: number + 1])
    assert (movie.dt_s, movie.pixel_size_um) == (0.03, 0.1)
    sender.close()
    arrival = listening.poll()
    assert (arrival.state, arrival.movie.n_frames) == ("finished", 20)
    (name,) = listening.inputs()
    assert name.endswith("my_movie.tif")
    whole = open_movie(name)
    np.testing.assert_array_equal(read_all(whole), frames)
    assert (whole.verdict.status, whole.dt_s) == ("whole", 0.03)
    with pytest.raises(OutputError, match="the recording has ended"):
        FrameSender(address_of(listening), HEADER)


def test_a_sender_that_disconnects_inside_a_frame_goes_on_where_it_stopped(listening):
    frames = frames_of(9, 5, 7)
    connection = connect(listening)
    send(connection, HEADER.to_json())
    assert answer(connection) == {"n_frames": 0}
    for frame in frames[:4]:
        send(connection, frame.tobytes())
    connection.sendall(struct.pack("<Q", frames[0].nbytes) + frames[4].tobytes()[:11])
    connection.close()
    arrival = poll_until(listening, lambda found: "inside frame 4" in found.reason)
    assert (arrival.state, arrival.movie.n_frames) == ("recording", 4)
    sender = FrameSender(address_of(listening), HEADER)
    assert sender.n_known == 4
    for frame in frames[4:]:
        sender.put(frame)
    sender.close()
    np.testing.assert_array_equal(read_all(listening.poll().movie), frames)


def test_a_new_run_goes_on_with_the_spool(tmp_path):
    frames = frames_of(6, 5, 7)
    first = FrameSocket("tcp://127.0.0.1:0", MovieSettings(), tmp_path)
    sender = FrameSender(address_of(first), HEADER)
    for frame in frames[:3]:
        sender.put(frame)
    poll_until(first, has(3))
    first.close()
    again = FrameSocket("tcp://127.0.0.1:0", MovieSettings(), tmp_path)
    assert again.poll().movie.n_frames == 3
    sender = FrameSender(address_of(again), HEADER)
    assert sender.n_known == 3
    for frame in frames[3:]:
        sender.put(frame)
    sender.close()
    np.testing.assert_array_equal(read_all(again.poll().movie), frames)
    again.close()


def test_a_second_sender_is_refused_and_the_first_goes_on(listening):
    frames = frames_of(4, 5, 7)
    sender = FrameSender(address_of(listening), HEADER)
    sender.put(frames[0])
    with pytest.raises(OutputError, match="another program is sending"):
        FrameSender(address_of(listening), HEADER)
    for frame in frames[1:]:
        sender.put(frame)
    sender.close()
    np.testing.assert_array_equal(read_all(listening.poll().movie), frames)


GOOD = json.loads(HEADER.to_json())
WRONG_HEADERS = {
    "no JSON": (b"hello", "no JSON"),
    "no object": (b"[1, 2]", "no JSON object"),
    "binary": (b"\xff\x00\x80", "no JSON"),
    "unknown field": (GOOD | {"colour": 1}, "unknown field 'colour'"),
    "one length": (GOOD | {"shape": [5]}, "shape"),
    "no rows": (GOOD | {"shape": [0, 7]}, "shape"),
    "too large": (GOOD | {"shape": [10**6, 10**6]}, "movie.max_pixels"),
    "true": (GOOD | {"shape": [True, 7]}, "shape"),
    "dtype": (GOOD | {"dtype": "complex64"}, "allowed are uint8"),
    "list as dtype": (GOOD | {"dtype": ["u2"]}, "allowed are uint8"),
    "interval of 0": (GOOD | {"dt_s": 0}, "dt_s = 0"),
    "infinite interval": (b'{"shape": [5, 7], "dtype": "uint16", "dt_s": Infinity}', "dt_s"),
    "unknown interval": (GOOD | {"dt_s": None}, "--dt-s"),
    "name": (GOOD | {"name": 7}, "name 7"),
}


@pytest.mark.parametrize(("header", "words"), WRONG_HEADERS.values(), ids=WRONG_HEADERS)
def test_a_wrong_header_is_refused_in_one_sentence(listening, header, words):
    with connect(listening) as connection:
        send(connection, header if isinstance(header, bytes) else json.dumps(header).encode())
        sentence = answer(connection)["error"]
    assert words in sentence
    assert sentence in poll_until(listening, lambda found: "refused" in found.reason).reason
    FrameSender(address_of(listening), HEADER).put(frames_of(1, 5, 7)[0])


@pytest.mark.parametrize("length", [0, 2**31, 2**63, 65_537])
def test_a_first_message_of_absurd_length_is_refused(listening, length):
    with connect(listening) as connection:
        connection.sendall(struct.pack("<Q", length) + b"{}")
        assert f"has {length} bytes" in answer(connection)["error"]


def test_a_frame_of_another_size_is_refused_and_the_others_stay(listening):
    frames = frames_of(3, 5, 7)
    with connect(listening) as connection:
        send(connection, HEADER.to_json())
        answer(connection)
        for frame in frames:
            send(connection, frame.tobytes())
        connection.sendall(struct.pack("<Q", 2**31) + b"x" * 1000)
        sentence = answer(connection)["error"]
    assert "2147483648 bytes was announced after frame 3; a frame has 70 bytes" in sentence
    np.testing.assert_array_equal(read_all(poll_until(listening, has(3)).movie), frames)
    assert FrameSender(address_of(listening), HEADER).n_known == 3


def test_another_header_on_reconnecting_is_refused(listening):
    sender = FrameSender(address_of(listening), HEADER)
    sender.put(frames_of(1, 5, 7)[0])
    sender._connection.close()
    poll_until(listening, lambda found: "disconnected" in found.reason)
    other = StreamHeader("my movie.tif", 5, 8, "uint16", 0.03, 0.1)
    with pytest.raises(OutputError, match="send the same header again"):
        FrameSender(address_of(listening), other)


def test_a_connection_without_a_header_is_refused(listening, monkeypatch):
    monkeypatch.setattr(frame_socket, "HEADER_LIMIT_S", 0.05)
    with connect(listening) as connection:
        assert "no header came" in answer(connection)["error"]


def test_a_fast_sender_waits_and_nothing_is_lost(listening, monkeypatch):
    frames = np.random.default_rng(0).integers(0, 60_000, (60, 256, 256)).astype("u2")
    gate = threading.Event()
    append = frame_socket.Spool.append

    def slow(spool, frame):
        gate.wait(10)
        append(spool, frame)

    monkeypatch.setattr(frame_socket.Spool, "append", slow)
    header = StreamHeader("big", 256, 256, "uint16", 0.03, None)
    sender = FrameSender(address_of(listening), header)
    sent = []

    def send_all():
        for number, frame in enumerate(frames):
            sender.put(frame)
            sent.append(number)
        sender.close()

    thread = threading.Thread(target=send_all)
    thread.start()
    thread.join(0.3)
    assert len(sent) < len(frames)  # 7.9 MB don't fit the buffers of a connection
    gate.set()
    thread.join(20)
    arrival = poll_until(listening, lambda found: found.state == "finished")
    np.testing.assert_array_equal(read_all(arrival.movie), frames)


@pytest.mark.parametrize(
    "address",
    ["tcp://0.0.0.0:5555", "tcp://192.168.1.5:5555", "tcp://example.org:1", "tcp://[::]:5"],
)
def test_other_addresses_are_refused(tmp_path, address):
    with pytest.raises(SettingsError, match="on this computer only"):
        FrameSocket(address, MovieSettings(), tmp_path)


@pytest.mark.parametrize(
    "address", ["tcp://127.0.0.1", "udp://127.0.0.1:5", "tcp://127.0.0.1:99999"]
)
def test_what_is_no_address_is_refused(tmp_path, address):
    with pytest.raises(SettingsError, match="is no address"):
        FrameSocket(address, MovieSettings(), tmp_path)


def test_a_full_disk_is_told_to_both_and_the_frames_before_stay(listening, monkeypatch):
    frames, write = frames_of(8, 5, 7), frame_socket.Spool._write

    def fill(spool, data, at):
        if at + len(data) > 1500:
            raise OSError(errno.ENOSPC, "No space left on device")
        write(spool, data, at)

    monkeypatch.setattr(frame_socket.Spool, "_write", fill)
    sender = FrameSender(address_of(listening), HEADER)
    with pytest.raises(OutputError, match="No space left on device"):
        send_all(sender, frames)
    arrival = poll_until(listening, lambda found: found.state == "lost")
    assert "No space left on device" in arrival.reason
    assert 2 < arrival.movie.n_frames < 8
    np.testing.assert_array_equal(read_all(arrival.movie), frames[: arrival.movie.n_frames])
    assert open_movie(listening.inputs()[0]).n_frames == arrival.movie.n_frames


def send_all(sender, frames):
    for frame in frames:
        sender.put(frame)
    sender.close()


SERVE = """
import sys, time
from pathlib import Path
from umlpsd_gpu.live.sources.frame_socket import FrameSocket
from umlpsd_gpu.movie.settings import MovieSettings
source = FrameSocket("tcp://127.0.0.1:0", MovieSettings(), Path(sys.argv[1]))
print(source.port, flush=True)
while source.poll().state != "finished":
    time.sleep(0.001)
"""


def wait_for_frames(path, n_frames, frame_bytes):
    deadline = time.monotonic() + 20
    while not path.exists() or path.stat().st_size < n_frames * frame_bytes:
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_frames_survive_a_killed_run(tmp_path):
    """The run is killed while it is sent frames; the sender goes on with the next run."""
    frames = np.random.default_rng(0).integers(0, 60_000, (900, 32, 32)).astype("u2")
    header = StreamHeader("killed", 32, 32, "uint16", 0.03, None)
    command = [sys.executable, "-c", SERVE, str(tmp_path)]
    spool = tmp_path / "killed.tif"
    for n_before in (150, 400, None):
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            try:
                port = int(process.stdout.readline())
                sender = FrameSender(f"tcp://127.0.0.1:{port}", header)
                if n_before is None:
                    assert sender.n_known > 0
                    send_all(sender, frames[sender.n_known :])
                    process.wait(20)
                    continue
                for frame in frames[sender.n_known : n_before]:
                    sender.put(frame)
                wait_for_frames(spool, n_before // 2, frames[0].nbytes)
                process.kill()
                with pytest.raises(OutputError, match="go on where they stopped"):
                    send_all(sender, frames[n_before:])
            finally:
                process.kill()
    movie = open_movie(spool)
    np.testing.assert_array_equal(read_all(movie), frames)


def test_a_port_in_use_is_told(listening, tmp_path):
    with pytest.raises(SettingsError, match="give another one"):
        FrameSocket(address_of(listening), MovieSettings(), tmp_path)


def test_no_live_run_is_told(tmp_path):
    source = FrameSocket("tcp://127.0.0.1:0", MovieSettings(), tmp_path)
    source.close()
    with pytest.raises(OutputError, match="start umlpsd live"):
        FrameSender(address_of(source), HEADER)
