"""Digests of movies: of samples spread over the files, or of every byte."""

from __future__ import annotations

import hashlib
import json
import os
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path
from typing import Literal

Kind = Literal["sampled", "full"]

# Reading a movie of 4 GB takes seconds, an archive of thousands hours, 62 samples milliseconds.
# Copying that stopped early, another movie under the name, an edited header all change them [I]
EDGE_BYTES, SAMPLE_BYTES, N_SAMPLES = 1 << 16, 1 << 12, 62
# File systems keep times to 2 s at worst, and other machines may round them [I]
SAME_TIME_S = 2.0


def fingerprint(files: Sequence[Path], kind: Kind = "sampled") -> str:
    """Return the SHA-256 of a movie's content; an empty text where it can't be read.

    Parameters
    ----------
    files : sequence of Path
        In order. Their sizes count, and the names of several (they may tell the place in time), but
        not where they lie.
    kind : {"sampled", "full"}
        ``sampled``: sizes, the first and last 64 KiB, and 62 stretches of 4 KiB between them. A
        change between the samples that leaves the size as it was is not noticed: `last_written`
        tells of it.
    """
    try:
        sizes = [os.stat(file).st_size for file in files]
        sha = hashlib.sha256(kind.encode())
        names = [os.fsencode(f.name).hex() for f in files] if len(files) > 1 else []
        sha.update(json.dumps([names, sizes]).encode())
        for file, first, n_bytes in _stretches(files, sizes, kind):
            _add(sha, file, first, n_bytes)
    except OSError:
        return ""
    return sha.hexdigest()


def last_written(files: Sequence[Path]) -> float:
    """Return when any of the files was last written to, in seconds since 1970; 0.0: unknown."""
    try:
        return max(os.stat(file).st_mtime for file in files)
    except OSError:
        return 0.0


def is_same_time(first: float, second: float) -> bool:
    """Say whether two times of a file's last change are one."""
    return abs(first - second) <= SAME_TIME_S


def _stretches(files: Sequence[Path], sizes: list[int], kind: Kind) -> list[tuple[Path, int, int]]:
    """Return file, first byte and length of what is looked at."""
    if kind == "full":
        return [(file, 0, size) for file, size in zip(files, sizes, strict=True)]
    ends = list(accumulate(sizes))
    total = ends[-1]
    edge = (files[-1], max(0, sizes[-1] - EDGE_BYTES), EDGE_BYTES)
    stretches = [(files[0], 0, EDGE_BYTES), edge]
    for i in range(1, N_SAMPLES + 1):
        place = total * i // (N_SAMPLES + 1)
        at = min(bisect_right(ends, place), len(files) - 1)
        stretches.append((files[at], place - (ends[at] - sizes[at]), SAMPLE_BYTES))
    return stretches


def _add(sha: hashlib._Hash, path: Path, first: int, n_bytes: int) -> None:
    with path.open("rb", buffering=0) as file:
        file.seek(first)
        while n_bytes > 0:
            read = file.read(min(n_bytes, 1 << 20))
            if not read:
                return
            sha.update(read)
            n_bytes -= len(read)
