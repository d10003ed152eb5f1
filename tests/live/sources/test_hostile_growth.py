"""Damaged files that grow: an Arrival or one sentence, and never another exception."""

import numpy as np
import pytest

from tests.support.growing_files import KINDS, Clock, append, finished_file
from tests.support.tiff_files import frames_of
from umlpsd_gpu.errors import MovieError
from umlpsd_gpu.live.sources.frame_folder import FrameFolder
from umlpsd_gpu.live.sources.growing_tiff import GrowingTiff
from umlpsd_gpu.movie.settings import MovieSettings

LIMITS = MovieSettings(dt_s=0.03, max_pixels=100_000, max_frames=1000)


def damage(blob, rng):
    """Return a file with some bytes changed, repeated or left out."""
    blob = bytearray(blob)
    for _ in range(rng.integers(1, 6)):
        at = int(rng.integers(0, len(blob)))
        kind = rng.integers(0, 4)
        if kind == 0:
            blob[at] = rng.integers(0, 256)
        elif kind == 1:
            blob[at : at + 4] = rng.choice([b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x08\0\0\0"])
        elif kind == 2:
            del blob[at : at + int(rng.integers(1, 30))]
        else:
            blob[at:at] = blob[at : at + int(rng.integers(1, 30))]
    return bytes(blob)


def refusal_or_numbers(source, path, blob, clock, rng):
    """Let a file grow in random steps; return a sentence, and the frames of each arrival."""
    n_frames = [0]
    try:
        follow(source, path, blob, clock, rng, n_frames)
    except MovieError as error:
        return str(error), n_frames
    return "", n_frames


def follow(source, path, blob, clock, rng, n_frames):
    at = 0
    while at < len(blob):
        end = at + int(rng.integers(1, 400))
        append(path, blob[at:end])
        at = end
        clock.pass_(rng.choice([0.01, 1.0]))
        movie = source.poll().movie
        if movie is not None:
            n_frames.append(movie.n_frames)
    for _ in range(2):
        clock.pass_(1)
        movie = source.poll().movie
        n_frames.append(movie.n_frames if movie is not None else 0)


@pytest.mark.parametrize("kind", KINDS)
def test_damaged_stacks(tmp_path, kind):
    rng = np.random.default_rng(len(kind))
    blob = finished_file(kind, tmp_path / "whole.tif", frames_of(8, 5, 6))
    for number in range(25):
        path, clock = tmp_path / f"{number}.tif", Clock()
        source = GrowingTiff(path, LIMITS, clock=clock)
        sentence, n_frames = refusal_or_numbers(source, path, damage(blob, rng), clock, rng)
        assert "\n" not in sentence
        assert n_frames == sorted(n_frames)


def test_damaged_files_in_a_folder(tmp_path):
    rng = np.random.default_rng(1)
    blob = finished_file("classic", tmp_path / "whole.tif", frames_of(1, 5, 6))
    for number in range(40):
        folder, clock = tmp_path / f"{number}", Clock()
        folder.mkdir()
        source = FrameFolder(folder, LIMITS, clock=clock)
        for frame in range(3):
            (folder / f"{frame}.tif").write_bytes(blob)
        last = folder / "3.tif"
        sentence, n_frames = refusal_or_numbers(source, last, damage(blob, rng), clock, rng)
        assert "\n" not in sentence
        assert max(n_frames) >= 2 or sentence
