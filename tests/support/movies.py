"""Movies for tests: made from an array in memory, or from an uncompressed stack on disk."""

from pathlib import Path

import numpy as np
import tifffile

from umlpsd_gpu.movie.movie import Movie, Verdict


def array_movie(frames, dt_s=0.03, memory_mb=256.0, name="array.tif"):
    """Wrap frames (n_frames, n_rows, n_cols) as a movie; the array itself is read."""
    n_frames, n_rows, n_cols = frames.shape
    return Movie(
        path=Path(name),
        n_frames=n_frames,
        n_rows=n_rows,
        n_cols=n_cols,
        dtype=frames.dtype,
        dt_s=dt_s,
        dt_origin="test",
        dt_nominal_s=None,
        pixel_size_um=None,
        pixel_size_origin="unknown",
        verdict=Verdict("whole", n_frames, n_frames),
        memory_mb=memory_mb,
        read_frames=lambda start, stop: frames[start:stop],
    )


def stack_movie(path, dt_s=0.03, memory_mb=256.0):
    """Open an uncompressed contiguous TIFF stack."""
    return array_movie(tifffile.memmap(path, mode="r"), dt_s, memory_mb, Path(path).name)


def background_movie(n_frames=200, n_rows=64, n_cols=64, seed=0, level=20.0, dtype=np.uint16):
    """Return EM-CCD-like frames without any emitter."""
    rng = np.random.default_rng(seed)
    electrons = rng.poisson(level, (n_frames, n_rows, n_cols)).astype(np.float32)
    counts = rng.standard_gamma(electrons) + rng.normal(100, 5, electrons.shape)
    return np.clip(np.rint(counts), 0, 65535).astype(dtype)
