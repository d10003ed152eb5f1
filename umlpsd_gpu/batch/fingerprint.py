"""Digests that identify an input: of samples spread over its files, or of every byte."""

from __future__ import annotations

import hashlib
import json
import os
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path
from typing import Literal

ContentKind = Literal["sampled", "full"]

# Reading a movie of 4 GB takes seconds, an archive of thousands hours; 62 samples take
# milliseconds. An incomplete copy, another movie of the same name and an edited header all change
# them [I]
EDGE_BYTES, SAMPLE_BYTES, N_SAMPLES = 1 << 16, 1 << 12, 62
# File systems keep times to 2 s at worst, and other machines may round them [I]
SAME_TIME_S = 2.0


def fingerprint(files: Sequence[Path], kind: ContentKind = "sampled") -> str:
    """Compute the digest of an input's content.

    Parameters
    ----------
    files : sequence of Path
        In order. Their sizes count, and if there are several also their names (these may give the
        order in time), but not their folder.
    kind : {"sampled", "full"}
        ``sampled``: sizes, the first and last 64 KiB, and 62 pieces of 4 KiB between them. A
        change between the samples that keeps the size is not noticed; compare
        `read_last_write_time` too.

    Returns
    -------
    str
        SHA-256 in hexadecimal digits; empty if the files can't be read.
    """
    try:
        sizes = [os.stat(file).st_size for file in files]
        sha = hashlib.sha256(kind.encode())
        names = [os.fsencode(f.name).hex() for f in files] if len(files) > 1 else []
        sha.update(json.dumps([names, sizes]).encode())
        for file, first, n_bytes in _choose_pieces(files, sizes, kind):
            _add(sha, file, first, n_bytes)
    except OSError:
        return ""
    return sha.hexdigest()


def read_last_write_time(files: Sequence[Path]) -> float:
    """Return when any of the files was last written to.

    Parameters
    ----------
    files : sequence of Path

    Returns
    -------
    float
        Seconds since 1970; 0.0: unknown.
    """
    try:
        return max(os.stat(file).st_mtime for file in files)
    except OSError:
        return 0.0


def is_same_time(first: float, second: float) -> bool:
    """Return whether two times of a last change are equal within what file systems keep.

    Parameters
    ----------
    first, second : float
        Seconds since 1970.

    Returns
    -------
    bool
    """
    return abs(first - second) <= SAME_TIME_S


def _choose_pieces(
    files: Sequence[Path], sizes: list[int], kind: ContentKind
) -> list[tuple[Path, int, int]]:
    """Return file, first byte and length of each piece that is read."""
    if kind == "full":
        return [(file, 0, size) for file, size in zip(files, sizes, strict=True)]
    ends = list(accumulate(sizes))
    total = ends[-1]
    edge = (files[-1], max(0, sizes[-1] - EDGE_BYTES), EDGE_BYTES)
    pieces = [(files[0], 0, EDGE_BYTES), edge]
    for i in range(1, N_SAMPLES + 1):
        offset = total * i // (N_SAMPLES + 1)
        at = min(bisect_right(ends, offset), len(files) - 1)
        pieces.append((files[at], offset - (ends[at] - sizes[at]), SAMPLE_BYTES))
    return pieces


def _add(sha: hashlib._Hash, path: Path, first: int, n_bytes: int) -> None:
    with path.open("rb", buffering=0) as file:
        file.seek(first)
        while n_bytes > 0:
            read = file.read(min(n_bytes, 1 << 20))
            if not read:
                return
            sha.update(read)
            n_bytes -= len(read)
