"""NumPy, MATLAB and HDF5 files that are bombs, loops, or claim what they don't hold."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import scipy.io

from tests.support.hostile_files.case import HostileFile, from_bytes
from tests.support.hostile_files.movie_claims import deflated_zeros
from tests.support.hostile_files.seeds import SMALL
from tests.support.hostile_files.text_tables import VALUE

DAMAGED = "can't be read as"


def npy(header: str, data: bytes = b"", version: bytes = b"\1\0") -> bytes:
    """Return a .npy file with a header as given."""
    text = header.encode("latin-1").ljust(117) + b"\n"
    return b"\x93NUMPY" + version + struct.pack("<H", len(text)) + text + data


def _shape(shape: str, descr: str = "<f8", data: bytes = bytes(800)) -> bytes:
    return npy(f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}}}", data)


def _numpy(
    name: str, blob: bytes | Callable[[], bytes], suffix: str = ".npy", **verdict: object
) -> HostileFile:
    return HostileFile(name, "NumPy", from_bytes(f"t{suffix}", blob), **verdict)


def _npz(**members: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name.replace("_npy", ".npy"), content)
    return stream.getvalue()


def _pickle() -> bytes:
    stream = io.BytesIO()
    np.save(stream, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    return stream.getvalue()


class _Calls:
    """Would make a folder if it was unpickled."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (Path.mkdir, (Path("/dev/shm/unpickled"),))


def _element(kind: int, data: bytes, n_bytes: int | None = None) -> bytes:
    head = struct.pack("<II", kind, len(data) if n_bytes is None else n_bytes)
    return head + data + bytes(-len(data) % 8)


def _matrix(shape: tuple[int, ...], numbers: bytes, class_: int = 6) -> bytes:
    parts = _element(6, struct.pack("<II", class_, 0)) + _element(5, struct.pack("<2i", *shape))
    return _element(14, parts + _element(1, b"traces") + numbers)


def mat(*elements: bytes) -> bytes:
    """Return a MATLAB 5 file of elements."""
    return b"MATLAB 5.0".ljust(124) + b"\0\1IM" + b"".join(elements)


def _packed_bomb() -> bytes:
    """Return an element that unpacks to 300 MB."""
    size, head = 300 << 20, _matrix((1, 10), b"")[8:]
    inner = struct.pack("<II", 14, size + len(head)) + head
    packed = zlib.compressobj(1)
    blocks = [packed.compress(inner), *(packed.compress(bytes(1 << 20)) for _ in range(300))]
    data = b"".join([*blocks, packed.flush()])
    return struct.pack("<II", 15, len(data)) + data


def _nested(depth: int) -> bytes:
    """Return a cell in a cell in a cell …"""
    inner = b""
    for _ in range(depth):
        parts = _element(6, struct.pack("<II", 1, 0)) + _element(5, struct.pack("<2i", 1, 1))
        inner = _element(14, parts + _element(1, b"traces") + inner)
    return inner


def _matlab(name: str, blob: bytes | Callable[[], bytes], **verdict: object) -> HostileFile:
    return HostileFile(name, "MATLAB", from_bytes("t.mat", blob), **verdict)


def _saved() -> bytes:
    stream = io.BytesIO()
    scipy.io.savemat(stream, {"traces": SMALL.astype(float), "dt_s": 0.05})
    return stream.getvalue()


def _hdf5(
    name: str, fill: Callable[[h5py.File], None], libver: str = "earliest", **verdict: object
) -> HostileFile:
    def write(folder: Path) -> Path:
        with h5py.File(folder / "t.h5", "w", libver=libver) as file:
            fill(file)
        return folder / "t.h5"

    return HostileFile(name, "HDF5", write, **verdict)


def _loops(file: h5py.File) -> None:
    file["a/traces"] = SMALL
    file["a/loop"], file["a/up"], file["soft"] = file["a"], file["/"], h5py.SoftLink("/soft")
    file["dangling"] = h5py.SoftLink("/nowhere")


def _external_link(file: h5py.File) -> None:
    file["traces"] = h5py.ExternalLink("/etc/passwd", "/x")
    file["other"] = h5py.ExternalLink("t.h5", "/other")


def _external_numbers(file: h5py.File) -> None:
    file.create_dataset("traces", (4, 30), "u1", external=[("/etc/passwd", 0, 120)])


def _view(file: h5py.File) -> None:
    layout = h5py.VirtualLayout((4, 30), "f8")
    layout[:] = h5py.VirtualSource("gone.h5", "x", (4, 30))
    file.create_virtual_dataset("traces", layout)


def _packed(file: h5py.File) -> None:
    one = file.create_dataset("traces", (2, 10**8), "u1", chunks=(1, 10**8), compression="gzip")
    one.id.write_direct_chunk((0, 0), zlib.compress(bytes(10**8), 9))
    one.id.write_direct_chunk((1, 0), zlib.compress(bytes(10**8), 9))


def _huge_chunk(file: h5py.File) -> None:
    shape, most = (4, 30), (None, None)
    stored = file.create_dataset(
        "traces", shape, "u1", chunks=(20_000, 20_000), maxshape=most, compression="gzip"
    )
    stored.id.write_direct_chunk((0, 0), deflated_zeros(400 << 20))


def _overlapping(folder: Path) -> Path:
    """Write records in which a field of 8 bytes says that it has the exponent of a longer one."""
    fields = np.rec.fromarrays([*SMALL.astype("f8")], names=["a", "b", "c", "d"])
    with h5py.File(folder / "t.h5", "w") as file:
        file["locs"] = fields
    blob = bytearray((folder / "t.h5").read_bytes())
    # the properties of the first field: bits, exponent from 52 with 11 bits, mantissa, bias
    ieee = struct.pack("<HHBBBBI", 0, 64, 52, 11, 0, 52, 1023)
    at = blob.index(ieee)
    blob[at : at + len(ieee)] = struct.pack("<HHBBBBI", 0, 64, 48, 15, 0, 48, 16383)
    return from_bytes("t.h5", bytes(blob))(folder)


def _nested_groups(file: h5py.File) -> None:
    group = file
    for _ in range(3000):
        group = group.create_group("g")


def _cut_hdf5(folder: Path) -> Path:
    with h5py.File(folder / "t.h5", "w") as file:
        file["traces"] = SMALL
    blob = (folder / "t.h5").read_bytes()
    return from_bytes("t.h5", blob[: len(blob) // 2])(folder)


CASES = [
    _numpy(
        "a shape beyond the file", _shape("(1000000, 1000000)"), refused="the file has only 800"
    ),
    _numpy("a negative shape", _shape("(-5, 10)"), refused="holds -5 × 10 numbers"),
    _numpy("a shape beyond any number", _shape("(4611686018427387904, 8)"), refused="only 800"),
    _numpy("a shape that is no number", _shape("('a', 3)"), refused="shape is not valid"),
    _numpy("records of 2 GB each", _shape("(1, 3)", "V2000000000"), refused="the file has only"),
    _numpy("objects of Python", _pickle(), refused="contains Python objects"),
    _numpy("text as numbers", _shape("(10, 2)", "<U10"), refused="text"),
    _numpy("a header that calls a function", npy("__import__('os').abort()"), refused=DAMAGED),
    _numpy("a header of 60,000 brackets", npy("[" * 60_000), refused=DAMAGED),
    _numpy("an unknown version", _shape("(2, 50)").replace(b"Y\1\0", b"Y\7\0"), refused=DAMAGED),
    _numpy("no numbers", _shape("(0, 100)"), refused="is needed"),
    _numpy(
        "only NaN", _shape("(2, 50)", "<f8", np.full(100, np.nan).tobytes()), opens=(2, 50, 0.05)
    ),
    _numpy("an archive of a text", _npz(a=b"hello"), ".npz", refused="is needed"),
    _numpy("an archive of nothing", _npz(), ".npz", refused="is needed"),
    _numpy(
        "an archive in which a shape lies", _npz(a_npy=_shape("(9, 9)")), ".npz", opens=(9, 9, 0.05)
    ),
    _numpy(
        "an archive in which a shape is huge",
        _npz(a_npy=_shape("(1000000, 100000)")),
        ".npz",
        refused=DAMAGED,
    ),
    _numpy(
        "an archive of 400 MB of zeros",
        lambda: _npz(a_npy=_shape("(2, 26214400)", "<f8", bytes(400 << 20))),
        ".npz",
        refused="unpacks to 419.4 MB",
    ),
    _matlab("cut in the header", _saved()[:100], refused=DAMAGED),
    _matlab("cut in the numbers", _saved()[:400], refused="more than there are"),
    _matlab(
        "a matrix of 10¹⁸ numbers",
        mat(_matrix((2**30, 2**30), _element(9, bytes(80)))),
        refused="10 numbers for 1073741824 × 1073741824",
    ),
    _matlab(
        "negative dimensions",
        mat(_matrix((-4, -30), _element(9, bytes(960)))),
        refused="dimensions",
    ),
    _matlab("10⁹ cells", mat(_matrix((2**15, 2**15), b"", 1)), refused="entries"),
    _matlab("a cell in a cell, 5,000 deep", mat(_nested(5000)), refused="nested more than 30 deep"),
    _matlab(
        "numbers of an unknown type",
        mat(_matrix((4, 30), _element(99, bytes(960)))),
        refused="no numbers",
    ),
    _matlab(
        "an element of 4 GB", mat(_element(14, bytes(8), 2**32 - 1)), refused="4294967295 bytes"
    ),
    _matlab(
        "a packed element of 300 MB", lambda: mat(_packed_bomb()), refused="unpacks to 314.6 MB"
    ),
    _matlab("a packed element that is none", mat(_element(15, b"\0" * 64)), refused=DAMAGED),
    _matlab(
        "version 4 of 10⁹ × 10⁹",
        struct.pack("<5i", 0, 10**9, 10**9, 0, 2) + b"a\0" + bytes(80),
        refused=DAMAGED,
    ),
    _matlab(
        "version 4 of a VAX",
        struct.pack("<5i", 2000, 2, 5, 0, 2) + b"a\0" + bytes(80),
        refused=DAMAGED,
    ),
    _hdf5("groups that hold themselves", _loops, opens=VALUE),
    _hdf5("links to other files", _external_link, refused="it contains none|is needed"),
    _hdf5("numbers in /etc/passwd", _external_numbers, refused="in other files"),
    _hdf5("a view of a file that is gone", _view, refused="in other files"),
    _hdf5("chunks of 100 MB from 100 kB", _packed, refused="unpacks to 200 MB"),
    _hdf5("a chunk of 400 MB for 120 numbers", _huge_chunk, refused="unpacks to 400 MB"),
    _hdf5(
        "10¹⁵ numbers that aren't there",
        lambda f: f.create_dataset("traces", (10**6, 10**9), "f4", chunks=(1, 1000)),
        refused="unpacks to 4e",
    ),
    _hdf5(
        "numbers without a shape",
        lambda f: f.create_dataset("traces", data=h5py.Empty("f8")),
        refused="is needed",
    ),
    _hdf5(
        "an interval of text",
        lambda f: f.update({"traces": SMALL, "dt_s": "soon"}),
        refused="dt_s must be",
    ),
    _hdf5(
        "a negative interval",
        lambda f: f.update({"traces": SMALL, "dt_s": -1.0}),
        refused="dt_s must be",
    ),
    _hdf5(
        "a study of text",
        lambda f: f.update({"traces/values": "a", "traces/dt_s": 1.0}),
        refused="study",
    ),
    _hdf5("3,000 groups in one another", _nested_groups, refused="100 deep"),
    _hdf5("3,000 groups, newest format", _nested_groups, "latest", refused="100 deep"),
    HostileFile("records whose fields overlap", "HDF5", _overlapping, refused="overlap"),
    HostileFile("half an HDF5 file", "HDF5", _cut_hdf5, refused="truncated file"),
]
