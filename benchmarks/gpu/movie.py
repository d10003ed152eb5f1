"""A movie's file → traces, against reading its bytes and copying them up."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import tifffile

from gpu import ceilings, clock
from gpu.clock import Timing
from gpu.proof import LeftOut, Proof
from umlpsd_gpu.movie.limits import DEFAULT_LIMITS
from umlpsd_gpu.movie.movie import Movie
from umlpsd_gpu.movie.open import open_movie
from umlpsd_gpu.traces import gpu as device
from umlpsd_gpu.traces import images, photometry
from umlpsd_gpu.traces.gpu_frames import FramesOnDevice

SIDE, N_FRAMES, N_EMITTERS = 512, 4096, 300
N_DRAWN = 16
N_PIXELS = 100
BUFFER_BYTES = 16 << 20
REQUIRED_SHARE = 0.8
CLOSE = 1e-12
# MovieSettings and TracesSettings, which need pydantic, at their defaults
MOVIE_SETTINGS = SimpleNamespace(
    dt_s=0.05,
    pixel_size_um=None,
    channel=None,
    position=None,
    z=None,
    time_axis="time",
    join=False,
    missing_frames="refuse",
    limits=DEFAULT_LIMITS,
    memory_mb=256.0,
    allow_damaged=False,
)
TRACES_SETTINGS = SimpleNamespace(
    photometry="box", psf_sigma_px=1.3, box_radius_px=2, ring_inner_px=4.0, ring_outer_px=7.0
)


def run(proof: Proof) -> None:
    """Write a movie, check the traces of the device, then time the way from file to traces."""
    side, n_frames = proof.size(SIDE, 48), proof.size(N_FRAMES, 90)
    with tempfile.TemporaryDirectory(prefix="gpu_proof_") as folder:
        n_frames = _that_fit_on_disk(folder, n_frames, 2 * side**2)
        path = Path(folder) / "movie.tif"
        write_movie(path, n_frames, side)
        rows, cols = _positions(proof.size(N_EMITTERS, 4), side)
        if not _is_right(proof, path, rows, cols):
            proof.note("a value is wrong: no time counts")
            return
        _time(proof, path, rows, cols)


def write_movie(path: Path, n_frames: int, side: int) -> None:
    """Write camera noise as uint16; a few frames are drawn once and repeated."""
    drawn = np.random.default_rng(0).poisson(100, (N_DRAWN, side, side)).astype(np.uint16)
    frames = (drawn[frame % N_DRAWN] for frame in range(n_frames))
    tifffile.imwrite(
        path,
        frames,
        shape=(n_frames, side, side),
        dtype=np.uint16,
        bigtiff=True,
        photometric="minisblack",
    )


def _that_fit_on_disk(folder: str, n_frames: int, frame_bytes: int) -> int:
    n_fitting = int(0.5 * shutil.disk_usage(folder).free) // frame_bytes
    if n_fitting < 2:
        raise LeftOut(f"the temporary folder {folder} is full")
    return min(n_frames, n_fitting)


def _positions(n: int, side: int) -> tuple[np.ndarray, np.ndarray]:
    return np.random.default_rng(1).uniform(8, side - 9, (2, n))


def _on_device(
    path: Path, rows: np.ndarray, cols: np.ndarray
) -> tuple[images.MovieImages, np.ndarray, FramesOnDevice]:
    frames = FramesOnDevice(open_movie(path, MOVIE_SETTINGS))
    found = device.temporal_images(frames)
    return found, device.measure_emitters(frames, rows, cols, TRACES_SETTINGS), frames


def _is_right(proof: Proof, path: Path, rows: np.ndarray, cols: np.ndarray) -> bool:
    """Compare images, photometry and single pixels with the CPU's."""
    found, values, frames = _on_device(path, rows, cols)
    movie = frames.movie
    expected = images.temporal_images(movie)
    cpu_s, twin = clock.once(
        lambda: photometry.measure_emitters(movie, rows, cols, TRACES_SETTINGS)
    )
    same_images = np.array_equal(found.mean, expected.mean)
    same_images = same_images and np.array_equal(found.variance, expected.variance)
    # a trace is the difference of sums of this size
    largest = float(expected.mean.max()) * (2 * TRACES_SETTINGS.box_radius_px + 1) ** 2
    gap = float(np.abs(values - twin).max()) / largest
    same_pixels = _pixels_are_right(frames, movie)
    right = same_images and same_pixels and gap <= CLOSE
    measured = f"images {'' if same_images else 'NOT '}the same, traces {gap:.1e} apart"
    proof.judge("movie values", measured, right)
    if not same_pixels:
        proof.note("traces of single pixels are not the file's counts")
    proof.note(f"photometry on the CPU: {clock.text(cpu_s)}")
    return right


def _pixels_are_right(frames: FramesOnDevice, movie: Movie) -> bool:
    rng = np.random.default_rng(2)
    rows, cols = (rng.integers(0, n, N_PIXELS) for n in (movie.n_rows, movie.n_cols))
    n_compared = min(movie.n_frames, 200)
    found = device.take_pixels(frames, rows, cols)[:, :n_compared]
    return bool(np.array_equal(found, movie.read_frames(0, n_compared)[:, rows, cols].T))


def _time(proof: Proof, path: Path, rows: np.ndarray, cols: np.ndarray) -> None:
    n_bytes = open_movie(path, MOVIE_SETTINGS).n_frames * path_frame_bytes(path)
    plain = clock.on_host(proof, lambda: _read_plainly(path))
    whole = clock.on_host(proof, lambda: _on_device(path, rows, cols))
    rate, reading = n_bytes / whole.seconds, n_bytes / plain.seconds
    pcie = ceilings.of(proof, "pinned up")
    share = rate / min(reading, pcie)
    size = f"{n_bytes / 1e9:.3g} GB, {len(rows)} emitters"
    proof.judge(
        "movie rate", f"{100 * share:.0f} %: {rate / 1e9:.3g} GB/s", share >= REQUIRED_SHARE
    )
    rates = [
        _rate_row(f"open, images, photometry of {size}", whole, n_bytes),
        _rate_row("the file's bytes into one buffer of 16 MiB, one thread", plain, n_bytes),
        ("pinned memory to the device", "", f"{pcie / 1e9:.3g}"),
        *_stages(proof, path, rows, cols, n_bytes),
    ]
    proof.table("Movie → traces, warm file cache", ("what", "time", "GB/s"), rates)


def _stages(
    proof: Proof, path: Path, rows: np.ndarray, cols: np.ndarray, n_bytes: int
) -> list[tuple[str, str, str]]:
    opening = clock.on_host(proof, lambda: open_movie(path, MOVIE_SETTINGS))
    movie = open_movie(path, MOVIE_SETTINGS)
    reading = clock.on_host(proof, lambda: device.temporal_images(FramesOnDevice(movie)))
    frames = FramesOnDevice(movie)
    device.temporal_images(frames)
    kept = clock.on_host(
        proof, lambda: device.measure_emitters(frames, rows, cols, TRACES_SETTINGS)
    )
    again = clock.on_host(proof, lambda: device.temporal_images(frames))
    return [
        ("opening", str(opening), ""),
        _rate_row("images: reading, copying, adding", reading, n_bytes),
        _rate_row("photometry of frames kept on the device", kept, n_bytes),
        _rate_row("images of frames kept on the device", again, n_bytes),
    ]


def path_frame_bytes(path: Path) -> int:
    """Return the bytes of one frame's pixels."""
    movie = open_movie(path, MOVIE_SETTINGS)
    return movie.n_rows * movie.n_cols * movie.dtype.itemsize


def _rate_row(what: str, timing: Timing, n_bytes: int) -> tuple[str, str, str]:
    return what, str(timing), f"{n_bytes / timing.seconds / 1e9:.3g}"


def _read_plainly(path: Path) -> Any:
    buffer = bytearray(BUFFER_BYTES)
    with open(path, "rb", buffering=0) as file:
        while file.readinto(buffer):
            pass
