"""What readers of HDF5 files share: errors, plain values, and sizes that the file really has."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from umlpsd_gpu.analyses.spectrum_images.reading.errors import SpectrumImageError

# What h5py raises for files that are cut short, changed, or of another format
UNREADABLE = (OSError, RuntimeError, LookupError, ValueError, TypeError, MemoryError)
# A compressed dataset may stand for this many times its bytes on disk: deflate reaches 1032, and
# chunks that were never written take none
MOST_EXPANSION = 1100
SMALL_BYTES = 1 << 26


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """Open an HDF5 file; what h5py raises becomes one sentence.

    Parameters
    ----------
    path : Path

    Yields
    ------
    h5py.File

    Raises
    ------
    SpectrumImageError
        If it can't be read.
    """
    import h5py

    try:
        with h5py.File(path, "r") as file:
            yield file
    except SpectrumImageError:
        raise
    except UNREADABLE as error:
        raise SpectrumImageError(
            path, f"it can't be read as HDF5 file ({error}); copy or export it again"
        ) from error


def require_stored(dataset: Any, path: Path) -> None:
    """Check that a file holds a dataset that its header announces.

    Parameters
    ----------
    dataset : h5py.Dataset
    path : Path

    Raises
    ------
    SpectrumImageError
        If the dataset claims far more values than its bytes can hold: reading it would fill the
        memory with zeros.
    """
    n_bytes = math.prod(dataset.shape) * dataset.dtype.itemsize
    if n_bytes <= SMALL_BYTES:
        return
    if n_bytes > MOST_EXPANSION * max(1, dataset.id.get_storage_size()):
        raise SpectrumImageError(
            path,
            f"its dataset {dataset.name} announces {n_bytes / 1e6:.0f} MB, but only "
            f"{dataset.id.get_storage_size() / 1e6:.3f} MB are stored; export it again",
        )


def read_dataset(path: Path, name: str) -> np.ndarray:
    """Read one dataset of a file.

    Parameters
    ----------
    path : Path
    name : str

    Returns
    -------
    ndarray

    Raises
    ------
    SpectrumImageError
        If it can't be read.
    """
    with opened(path) as file:
        require_stored(file[name], path)
        values: np.ndarray = file[name][()]
    return values


def plain(value: Any) -> Any:
    """Return a scalar of an HDF5 attribute or dataset as a plain value.

    Parameters
    ----------
    value : object
        An array of one value is taken as that value.

    Returns
    -------
    object
        None if there is no value, or several.
    """
    array = np.asarray(value)
    if array.size != 1:
        return None
    single = array.ravel()[0]
    if isinstance(single, bytes):
        return single.decode("utf-8", "replace")
    return single.item() if isinstance(single, np.generic) else single


def number_of(value: Any) -> float | None:
    """Return a finite number, or None.

    Parameters
    ----------
    value : object
    """
    found = plain(value)
    is_number = isinstance(found, int | float) and not isinstance(found, bool)
    return float(found) if is_number and math.isfinite(found) else None
