"""The messages between a program that sends frames and the live run.

Every message is its length, eight bytes, little-endian, and as many bytes. The sender's first is
the header; the answer says how many frames are there already. Each further one is a frame; one of
length 0 is the end.
"""

from __future__ import annotations

import json
import re
import socket
import struct

from umlpsd_gpu.errors import SettingsError

LENGTH = struct.Struct("<Q")
LONGEST_TEXT = 65_536
_ADDRESS = re.compile(r"tcp://([^/:]+|\[[^\]]*\]):(\d{1,5})/?")
_LOOPBACK = ("127.0.0.1", "localhost")


def parse_address(name: str) -> tuple[str, int]:
    """Return host and port of an address such as ``tcp://127.0.0.1:5555``.

    Parameters
    ----------
    name : str

    Returns
    -------
    (host, port)

    Raises
    ------
    SettingsError
        If it is no address, or not of this computer.
    """
    found = _ADDRESS.fullmatch(name.strip())
    if found is None or int(found[2]) > 65_535:
        raise SettingsError(f"'{name}' is no address; give tcp://127.0.0.1:PORT, for example :5555")
    if found[1] not in _LOOPBACK:
        raise SettingsError(
            f"{name}: frames are taken from programs on this computer only; give "
            f"tcp://127.0.0.1:{found[2]}, and reach it from elsewhere through an SSH tunnel"
        )
    return "127.0.0.1", int(found[2])


def read_into(connection: socket.socket, space: memoryview) -> int:
    """Fill a space from a connection; return how many bytes came before it was closed.

    Parameters
    ----------
    connection : socket
    space : memoryview
    """
    n_read = 0
    while n_read < len(space):
        n_new = connection.recv_into(space[n_read:])
        if n_new == 0:
            break
        n_read += n_new
    return n_read


def read_text(connection: socket.socket) -> bytes:
    """Return one short message.

    Parameters
    ----------
    connection : socket

    Raises
    ------
    SettingsError
        If it is longer than a header may be, or ends early.
    """
    head = bytearray(LENGTH.size)
    if read_into(connection, memoryview(head)) < len(head):
        raise SettingsError("the connection ended before the header")
    (length,) = LENGTH.unpack(head)
    if not 0 < length <= LONGEST_TEXT:
        raise SettingsError(
            f"the first message has {length} bytes; it must be a header of at most {LONGEST_TEXT} "
            "bytes after its length (8 bytes, little-endian)"
        )
    text = bytearray(length)
    if read_into(connection, memoryview(text)) < length:
        raise SettingsError("the connection ended inside the header")
    return bytes(text)


def send_message(connection: socket.socket, data: bytes | memoryview) -> None:
    """Send one message.

    Parameters
    ----------
    connection : socket
    data : bytes-like
    """
    connection.sendall(LENGTH.pack(len(data)))
    connection.sendall(data)


def send_answer(connection: socket.socket, **values: int | str) -> None:
    """Send an answer to the sender.

    Parameters
    ----------
    connection : socket
    **values
        ``n_frames`` or ``error``.
    """
    send_message(connection, json.dumps(values).encode())
