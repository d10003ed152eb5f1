"""A map of curves, as it was recorded: bias, current, lock-in channels, positions, units."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

FORWARD = "forward"
BACKWARD = "backward"


@dataclass(frozen=True)
class Origin:
    """A number or unit of a map, and where it is from.

    Attributes
    ----------
    value : str
        As ``"A"`` or ``"[bwd] Current"``.
    source : str
        As ``"header of the file"`` or ``"--current-unit"``.
    """

    value: str
    source: str


@dataclass(frozen=True, eq=False)
class CurveMap:
    """Curves over one bias axis, one of each kind for each pixel.

    Attributes
    ----------
    bias : ndarray, shape (n_points,), float64
        In volts, rising. A file whose sweep goes down is turned round.
    current : mapping of str to ndarray, shape (n_curves, n_points), float64
        In amperes, by sweep: ``"forward"`` (bias rises in time), ``"backward"`` (falls); one or
        both. NaN: not recorded.
    lock_in : mapping of str to ndarray, shape (n_curves, n_points), float64
        Lock-in channels by sweep, in the unit of the file; empty where there are none.
    shape : tuple of int or None
        Rows and columns of the grid, whose pixels are in rows (C order); None for single curves.
    positions : ndarray, shape (n_curves, 2), or None
        x and y in metres.
    height : ndarray, shape (n_curves,), or None
        Topography in metres.
    origins : mapping of str to Origin
        Where units, positions, channel and sweep direction are from; by name of the quantity.
    notes : tuple of str
        What the user should know, as an aborted grid.
    paths : tuple of Path
        Files that it was read from; empty for arrays.
    """

    bias: np.ndarray
    current: Mapping[str, np.ndarray]
    lock_in: Mapping[str, np.ndarray] = field(default_factory=dict)
    shape: tuple[int, int] | None = None
    positions: np.ndarray | None = None
    height: np.ndarray | None = None
    origins: Mapping[str, Origin] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    paths: tuple[Path, ...] = ()

    @property
    def n_curves(self) -> int:
        """Number of pixels; int."""
        return len(next(iter(self.current.values())))

    @property
    def n_points(self) -> int:
        """Number of bias values; int."""
        return self.bias.size

    @property
    def is_recorded(self) -> np.ndarray:
        """Pixels with all values of all sweeps; ndarray, shape (n_curves,), bool."""
        finite = [np.isfinite(values).all(axis=1) for values in self.current.values()]
        recorded: np.ndarray = np.logical_and.reduce(finite)
        return recorded
