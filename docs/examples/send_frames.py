"""Send frames to `umlpsd live tcp://127.0.0.1:5555 --out study` from any Python program."""

import json
import socket
import struct


def send_frames(frames, port=5555, name="recording", dt_s=0.03, pixel_size_um=None):
    """Send two-dimensional NumPy arrays that are all alike, each as soon as it is there."""
    frames = iter(frames)
    first = next(frames)
    header = {"name": name, "shape": first.shape, "dtype": first.dtype.name}
    header |= {"dt_s": dt_s, "pixel_size_um": pixel_size_um}
    with socket.create_connection(("127.0.0.1", port)) as connection:
        stream = connection.makefile("rwb")
        n_known = ask(stream, json.dumps(header).encode())
        for number, frame in enumerate(frame for part in ([first], frames) for frame in part):
            if number >= n_known:  # after a broken connection, the first ones are there already
                data = frame.astype(frame.dtype.newbyteorder("<")).tobytes()
                stream.write(struct.pack("<Q", len(data)) + data)
                stream.flush()
        return ask(stream, b"")


def ask(stream, data):
    """Send a message and return the number of frames in the answer."""
    stream.write(struct.pack("<Q", len(data)) + data)
    stream.flush()
    (length,) = struct.unpack("<Q", stream.read(8))
    answer = json.loads(stream.read(length))
    if "error" in answer:
        raise RuntimeError(answer["error"])
    return answer["n_frames"]
