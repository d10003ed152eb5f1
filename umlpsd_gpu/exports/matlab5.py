"""MATLAB files of version 5, which MATLAB, Octave, SciPy and Origin read."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from umlpsd_gpu.errors import SettingsError
from umlpsd_gpu.exports.contents import Contents
from umlpsd_gpu.exports.matlab_tree import characters, matlab_tree

# lengths are 32-bit numbers, and MATLAB itself refuses variables from 2 GB on
LARGEST_BYTES = 2**31 - 1
HEADER_BYTES = 128


def write_matlab5(contents: Contents, path: Path) -> None:
    """Write a result as a MATLAB file of version 5, compressed.

    Parameters
    ----------
    contents : Contents
    path : Path

    Raises
    ------
    SettingsError
        If a variable has 2 GB or more.
    """
    from scipy.io import savemat

    tree = matlab_tree(contents)
    for name, value in tree.items():
        n_bytes = sum(array.nbytes for array in _arrays_in(value))
        if n_bytes > LARGEST_BYTES:
            raise SettingsError(
                f"the variable '{name}' has {n_bytes / 1e9:.3g} GB, and a MATLAB file of version 5 "
                "takes less than 2.15 GB for each; export to mat, which is version 7.3"
            )
    file = io.BytesIO()
    savemat(file, _storable(tree), long_field_names=True, do_compression=True, oned_as="column")
    bytes_ = file.getbuffer()
    # SciPy writes the time of day into the text of the header
    title = b"MATLAB 5.0 MAT-file, written by umlpsd_gpu"
    bytes_[: HEADER_BYTES - 12] = title.ljust(HEADER_BYTES - 12)
    path.write_bytes(bytes_)


def _storable(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _storable(part) for name, part in value.items()}
    if isinstance(value, tuple):
        # as in version 7.3, where Octave reads no cells of texts
        rows = characters(value)
        return np.array([row.tobytes().decode("utf-16-le", "replace") for row in rows])
    if isinstance(value, bool):
        return np.array([[value]])
    return value


def _arrays_in(value: Any) -> Iterator[np.ndarray]:
    if isinstance(value, dict):
        for part in value.values():
            yield from _arrays_in(part)
    elif isinstance(value, np.ndarray):
        yield value
