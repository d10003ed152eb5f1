"""Arrays by name: which is the bias, which are the currents, and what else is known."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from umlpsd_gpu.analyses.curves.reading.units import unit_in_name

BIAS = re.compile(r"(bias|voltages?|v|u|v_?bias|bias_axis)(_[^\W\d_]+)?", re.IGNORECASE)
CURRENT = re.compile(
    r"(currents?|i|iv|curves|spectra)?_?(forward|backward|fwd|bwd|trace|retrace)?(_[^\W\d_]+)?",
    re.IGNORECASE,
)
LOCK_IN = re.compile(r"(lock_?in|li[xy]|didv)\w*", re.IGNORECASE)
NUMBERS = "iufc"  # kinds of NumPy
WAY_BACK = re.compile(r"backward|bwd|retrace", re.IGNORECASE)
WAY_THERE = re.compile(r"forward|fwd|trace", re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class NamedArray:
    """An array of a file.

    Attributes
    ----------
    name : str
        Path in the file.
    shape : tuple of int
    unit : str
        From its attributes or its name; empty if unknown.
    read : callable
        Returns the values.
    is_complex : bool
        Whether the values are complex numbers.
    """

    name: str
    shape: tuple[int, ...]
    unit: str
    read: Callable[[], np.ndarray]
    is_complex: bool = False

    @property
    def short(self) -> str:
        """Last part of the name; str."""
        return self.name.rpartition("/")[2].rpartition(".")[2]


@dataclass(frozen=True, eq=False)
class Contents:
    """What a file of arrays holds.

    Attributes
    ----------
    arrays : dict of str to NamedArray
        Numbers.
    texts : dict of str to str
        Texts, as ``current_unit``.
    """

    arrays: Mapping[str, NamedArray]
    texts: Mapping[str, str]

    def named(self, *names: str) -> NamedArray | None:
        """Return the first array with one of these names, with or without a unit.

        Parameters
        ----------
        *names : str
            Lower case.
        """
        for array in self.arrays.values():
            stem = array.short.lower()
            if stem in names or stem.rpartition("_")[0] in names:
                return array
        return None

    def unit_of(self, array: NamedArray, what: str) -> str:
        """Return the unit of an array; empty if the file doesn't say it.

        Parameters
        ----------
        array : NamedArray
        what : str
            As ``"current"``: a text ``current_unit`` of the file gives the unit, too.
        """
        texts = {name.lower(): text for name, text in self.texts.items()}
        for name in (f"{array.short.lower()}_unit", f"{what}_unit", f"unit_{what}"):
            if name in texts:
                return texts[name].strip()
        return array.unit


@contextmanager
def open_contents(path: Path) -> Any:
    """Open a file of arrays.

    Parameters
    ----------
    path : Path
        ``.npy``, ``.npz``, ``.h5``, ``.hdf5`` or ``.mat``.

    Yields
    ------
    Contents
    """
    suffix = path.suffix.lower()
    if suffix == ".npy":
        values = np.load(path, mmap_mode="r", allow_pickle=False)
        yield Contents({"array": _named("array", "", values)}, {})
    elif suffix == ".npz":
        with np.load(path, allow_pickle=False) as archive:
            yield _collect({name: archive[name] for name in archive.files})
    elif suffix == ".mat":
        from umlpsd_gpu.traces.array_files import open_matlab

        with open_matlab(path) as stored:
            yield _collect({name: np.squeeze(array.read()) for name, array in stored.items()})
    else:
        import h5py

        with h5py.File(path, "r") as file:
            yield _of_hdf5(file)


def _collect(values: Mapping[str, np.ndarray]) -> Contents:
    arrays, texts = {}, {}
    for name, value in values.items():
        if value.dtype.kind in "US" and value.size == 1:
            text = value.ravel()[0]
            texts[name] = text.decode() if isinstance(text, bytes) else str(text)
        elif value.dtype.kind in NUMBERS:
            arrays[name] = _named(name, "", value)
    return Contents(arrays, texts)


def _named(name: str, unit: str, value: Any) -> NamedArray:
    return NamedArray(
        name,
        value.shape,
        unit or unit_in_name(name),
        lambda: np.asarray(value[()], dtype=np.float64),
        value.dtype.kind == "c",
    )


def _of_hdf5(file: Any) -> Contents:
    import h5py

    arrays: dict[str, NamedArray] = {}
    texts: dict[str, str] = {}

    def collect(name: str, node: Any) -> None:
        if not isinstance(node, h5py.Dataset):
            return
        if node.dtype.kind in NUMBERS:
            unit = next((node.attrs[key] for key in ("unit", "units") if key in node.attrs), "")
            text = unit.decode() if isinstance(unit, bytes) else str(unit)
            arrays[name] = _named(name, text, node)
        elif node.shape == () and h5py.check_string_dtype(node.dtype) is not None:
            texts[name.rpartition("/")[2]] = node.asstr()[()]

    file.visititems(collect)
    texts |= {name: str(value) for name, value in file.attrs.items() if isinstance(value, str)}
    return Contents(arrays, texts)
