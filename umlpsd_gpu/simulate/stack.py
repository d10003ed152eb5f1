"""Simulated frames → a TIFF stack, written block by block and renamed when complete."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from umlpsd_gpu.errors import SettingsError
from umlpsd_gpu.simulate.camera import emccd_counts
from umlpsd_gpu.simulate.files import renamed_when_done, require_free
from umlpsd_gpu.traces.streaming import in_order

FRAMES_PER_BLOCK = (
    100  # with one random generator each, so that neither threads nor memory affect the result
)
PIXELS_AT_ONCE = 2**21  # limits the memory of large frames; the noise of a seed depends on it
_NOISE_STREAM = 101  # differs from the class numbers of class_member_rng


class StackRecipe(Protocol):
    """The parameters of a movie that its file depends on."""

    @property
    def n_frames(self) -> int:
        """Return the number of frames."""
        ...

    @property
    def n_rows(self) -> int:
        """Return the number of rows of a frame."""
        ...

    @property
    def n_cols(self) -> int:
        """Return the number of columns of a frame."""
        ...

    @property
    def dt_s(self) -> float:
        """Return the frame interval, s."""
        ...

    @property
    def pixel_size_um(self) -> float:
        """Return the object-plane pixel, µm."""
        ...

    @property
    def offset_counts(self) -> float:
        """Return the constant that the camera adds to every pixel."""
        ...

    @property
    def seed(self) -> int:
        """Return the seed of the noise."""
        ...


def free_path(path: str | Path, default_name: str, overwrite: bool) -> Path:
    """Return the path of a movie to write.

    Parameters
    ----------
    path : str or Path
        A file ``….tif``, or a folder (no suffix), to which ``default_name`` is added.
    default_name : str
    overwrite : bool
        Whether an existing file may be replaced.

    Returns
    -------
    Path

    Raises
    ------
    SettingsError
        If the name is not that of a TIFF.
    OutputInUseError
        If the movie exists and ``overwrite`` is False.
    """
    path = Path(path)
    if not path.suffix:
        path = path / default_name
    if path.suffix.lower() not in (".tif", ".tiff"):
        raise SettingsError(f"a simulated movie is a TIFF; call it ….tif instead of {path.name}")
    require_free(path, overwrite=overwrite)
    return path


def write_stack(
    path: Path,
    recipe: StackRecipe,
    block_of: Callable[[int, int], np.ndarray],
    write_truth: Callable[[], None],
) -> None:
    """Write all blocks of frames as uint16 TIFF, then the truth, and then rename the movie.

    Parameters
    ----------
    path : Path
        ``….ome.tif`` is written as OME-TIFF (BigTIFF), ``….tif`` as an ImageJ stack. Missing
        folders are created.
    recipe : StackRecipe
    block_of : callable
        ``block_of(first, stop)`` returns these frames as uint16, C order; called from several
        threads.
    write_truth : callable
        Called without arguments.

    Raises
    ------
    OutputError
        If the files can't be written.
    """
    with renamed_when_done(path) as partial:
        _write_frames(partial, recipe, block_of)
        write_truth()


def frame_blocks(n_frames: int) -> list[tuple[int, int]]:
    """Return the blocks of frames that have a separate random generator each.

    Parameters
    ----------
    n_frames : int

    Returns
    -------
    list of (first, stop)
    """
    return [
        (first, min(first + FRAMES_PER_BLOCK, n_frames))
        for first in range(0, n_frames, FRAMES_PER_BLOCK)
    ]


def draw_block(
    recipe: StackRecipe, expected: Callable[[slice], np.ndarray], start: int, stop: int
) -> np.ndarray:
    """Return one block of frames with the noise of the camera.

    Parameters
    ----------
    recipe : StackRecipe
    expected : callable
        Takes a slice of frames and returns their expected counts without the camera's offset,
        (n_frames, n_pixels). Large frames are requested a few at a time.
    start, stop : int
        A block of `frame_blocks`.

    Returns
    -------
    ndarray, shape (stop − start, n_pixels), uint16, counts
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
        for block in in_order(block_of, frame_blocks(recipe.n_frames)):
            file.write(block.data)


def _write_empty_tiff(path: Path, recipe: StackRecipe) -> int:
    """Write header and metadata of a contiguous stack; return the offset of its pixels."""
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
        raise OSError("tifffile did not store the frames contiguously")
    return data_offset
