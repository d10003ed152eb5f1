"""Simulated frames → a TIFF stack, block by block, whole or not there."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from umlpsd_gpu.errors import OutputError, OutputInUseError, SettingsError
from umlpsd_gpu.simulate.camera import emccd_counts
from umlpsd_gpu.traces.streaming import in_order

FRAMES_PER_BLOCK = 100  # one random stream each, so that neither threads nor memory change a bit
PIXELS_AT_ONCE = 2**21  # bounds the memory of large frames; part of what a seed means
_NOISE_STREAM = 101  # beside the class numbers of class_member_rng


class StackRecipe(Protocol):
    """What has to be known of a movie to write it."""

    @property
    def n_frames(self) -> int: ...
    @property
    def n_rows(self) -> int: ...
    @property
    def n_cols(self) -> int: ...
    @property
    def dt_s(self) -> float: ...
    @property
    def pixel_size_um(self) -> float: ...
    @property
    def offset_counts(self) -> float: ...
    @property
    def seed(self) -> int: ...


def free_path(path: str | Path, default_name: str, overwrite: bool) -> Path:
    """Return where a movie may be written.

    Parameters
    ----------
    path : str or Path
        A file ``….tif``, or a folder (no suffix), to which ``default_name`` is added.
    default_name : str
    overwrite : bool
        Whether a file that is there may be replaced.

    Raises
    ------
    SettingsError
        If the name is not that of a TIFF.
    OutputInUseError
        If the movie is there already.
    """
    path = Path(path)
    if not path.suffix:
        path = path / default_name
    if path.suffix.lower() not in (".tif", ".tiff"):
        raise SettingsError(f"a simulated movie is a TIFF: name it ….tif, not {path.name}")
    if path.exists() and not overwrite:
        raise OutputInUseError(f"{path} is there already; name another file, or add --overwrite")
    return path


def beside(path: Path, ending: str) -> Path:
    """Return the name of a file of truth: the movie's, less .tif or .ome.tif, and an ending."""
    stem = path.name.removesuffix(path.suffix).removesuffix(".ome")
    return path.with_name(f"{stem}_{ending}")


def write_stack(
    path: Path,
    recipe: StackRecipe,
    block_of: Callable[[int, int], np.ndarray],
    write_truth: Callable[[], None],
) -> None:
    """Write ``block_of(first, stop)`` of every block as uint16 TIFF, then the truth, then rename.

    Parameters
    ----------
    path : Path
        ``….ome.tif`` is written as OME-TIFF (BigTIFF), ``….tif`` as an ImageJ stack. Missing
        folders are made.
    recipe : StackRecipe
    block_of : callable
        Returns uint16 frames, C order; called from several threads.
    write_truth : callable

    Raises
    ------
    OutputError
        If the files can't be written.
    """
    partial = path.with_name(f".partial-{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _write_frames(partial, recipe, block_of)
        write_truth()
        partial.replace(path)
    except OSError as error:
        raise OutputError(f"the simulated movie {path} can't be written: {error}") from error
    finally:
        # where even the folder can't be there is nothing to remove
        with suppress(NotADirectoryError):
            partial.unlink(missing_ok=True)


def blocks_of(n_frames: int) -> list[tuple[int, int]]:
    """Return (first, stop) of the blocks of frames that have a random stream each."""
    return [
        (first, min(first + FRAMES_PER_BLOCK, n_frames))
        for first in range(0, n_frames, FRAMES_PER_BLOCK)
    ]


def noisy_block(
    recipe: StackRecipe, expected: Callable[[slice], np.ndarray], start: int, stop: int
) -> np.ndarray:
    """Return one block of frames as the camera counts them; (stop − start, n_pixels), uint16.

    Parameters
    ----------
    recipe : StackRecipe
    expected : callable
        Returns expected counts without the camera's offset, (n_frames, n_pixels), of a slice of
        frames; of few frames at a time where frames are large.
    start, stop : int
        A block of `blocks_of`.
    """
    rng = np.random.default_rng(
        np.random.SeedSequence(recipe.seed, spawn_key=(_NOISE_STREAM, start))
    )
    block = np.empty((stop - start, recipe.n_rows * recipe.n_cols), dtype="<u2")
    n_at_once = max(1, PIXELS_AT_ONCE // block.shape[1])
    for first in range(0, len(block), n_at_once):
        frames = slice(start + first, min(start + first + n_at_once, stop))
        counts = emccd_counts(rng, expected(frames)) + recipe.offset_counts
        block[first : first + n_at_once] = np.clip(np.rint(counts), 0, 65535)
    return block


def _write_frames(
    path: Path, recipe: StackRecipe, block_of: Callable[[int, int], np.ndarray]
) -> None:
    data_offset = _write_empty_tiff(path, recipe)
    with path.open("r+b") as file:
        file.seek(data_offset)
        for block in in_order(block_of, blocks_of(recipe.n_frames)):
            file.write(block.data)


def _write_empty_tiff(path: Path, recipe: StackRecipe) -> int:
    """Write header and metadata of a contiguous stack; return where its pixels begin."""
    import tifffile

    shape = (recipe.n_frames, recipe.n_rows, recipe.n_cols)
    pixels_per_um = 1 / recipe.pixel_size_um
    common: dict[str, Any] = {"shape": shape, "dtype": "<u2", "byteorder": "<"}
    if path.name.lower().endswith((".ome.tif", ".ome.tiff")):
        metadata: dict[str, Any] = {
            "axes": "TYX",
            "TimeIncrement": recipe.dt_s,
            "TimeIncrementUnit": "s",
            "PhysicalSizeX": recipe.pixel_size_um,
            "PhysicalSizeXUnit": "µm",
            "PhysicalSizeY": recipe.pixel_size_um,
            "PhysicalSizeYUnit": "µm",
        }
        tifffile.imwrite(path, ome=True, bigtiff=True, metadata=metadata, **common)
    else:
        metadata = {"axes": "TYX", "finterval": recipe.dt_s, "unit": "um"}
        resolution = (pixels_per_um, pixels_per_um)
        tifffile.imwrite(path, imagej=True, resolution=resolution, metadata=metadata, **common)
    with tifffile.TiffFile(path) as tif:
        data_offset = tif.series[0].dataoffset
    if data_offset is None:
        raise OSError("tifffile did not lay the frames out in one piece")
    return data_offset
