"""What a result consists of: tables, curves, images and places, with units, for other programs.

An analysis says what it has in these classes (`Analysis.contents`); formats and viewers know
nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np

from umlpsd_gpu.compute.arrays import Array

ImageKind = Literal["grey", "quantity", "labels"]


@dataclass(frozen=True, eq=False)
class Column:
    """Values of one quantity.

    Attributes
    ----------
    name : str
        As in traces.csv.
    values : ndarray or tuple of str
        A number or text for each row; of curves, shape (n_curves, n_points). NaN: not defined.
    unit : str
        ``""`` for pure numbers and text.
    description : str
    """

    name: str
    values: Array | tuple[str, ...]
    unit: str = ""
    description: str = ""

    @property
    def is_text(self) -> bool:
        """Whether the values are texts."""
        return isinstance(self.values, tuple)

    @property
    def heading(self) -> str:
        """Name with unit, for axes; str."""
        return f"{self.name} ({self.unit})" if self.unit else self.name


@dataclass(frozen=True, eq=False)
class Table:
    """One row for each item: emitter, pixel, curve, particle, cluster, ….

    Attributes
    ----------
    name : str
        In small letters, with underscores.
    columns : tuple of Column
        Of equal length.
    """

    name: str
    columns: tuple[Column, ...]

    @property
    def n_rows(self) -> int:
        """Number of rows; int."""
        return len(self.columns[0].values) if self.columns else 0

    def __getitem__(self, name: str) -> Column:
        """Return a column by its name."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)

    def __contains__(self, name: str) -> bool:
        """Return whether there is a column of that name."""
        return any(column.name == name for column in self.columns)


@dataclass(frozen=True, eq=False)
class Curves:
    """Curves on one axis, one for each of some items.

    Attributes
    ----------
    name : str
    x : Column
        The axis, shape (n_points,).
    values : tuple of Column
        One or several quantities on that axis, each of shape (n_curves, n_points).
    ids : tuple of str
        Name of each curve.
    table : str
        Name of the table whose rows they belong to; ``""`` if none.
    index : ndarray of int, shape (n_curves,)
        Their rows in that table, from 0.
    is_logarithmic : bool
        Whether both axes are best drawn so.
    model : callable, optional
        Takes the number of a curve, from 0; returns what was fitted to it, shape (n_points,), NaN
        where the fit does not apply.
    """

    name: str
    x: Column
    values: tuple[Column, ...]
    ids: tuple[str, ...]
    table: str = ""
    index: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.intp))
    is_logarithmic: bool = False
    model: Callable[[int], np.ndarray] | None = None

    @property
    def n_curves(self) -> int:
        """Number of curves; int."""
        return len(self.ids)


@dataclass(frozen=True, eq=False)
class Frame:
    """A grid of pixels that several images share.

    Attributes
    ----------
    name : str
        Of the movie or image.
    shape : (int, int)
        Rows and columns.
    pixel_size : (float, float), optional
        Height and width of a pixel, in ``unit``; None if unknown.
    unit : str
        ``"um"``, ``"nm"``, ``"m"`` or ``"1/nm"``; ``"px"`` without a size.
    origin : (float, float)
        Centre of the first pixel, in ``unit``.
    """

    name: str
    shape: tuple[int, int]
    pixel_size: tuple[float, float] | None = None
    unit: str = "px"
    origin: tuple[float, float] = (0.0, 0.0)

    @property
    def scale(self) -> tuple[float, float]:
        """Height and width of a pixel in `unit`, 1 where unknown; (float, float)."""
        return self.pixel_size or (1.0, 1.0)


@dataclass(frozen=True, eq=False)
class Image:
    """An image of one quantity.

    Attributes
    ----------
    name : str
    frame : Frame
    values : ndarray, shape (n_rows, n_cols)
        Floating-point with NaN outside, or labels: whole numbers, 0 outside.
    unit : str
    kind : {"grey", "quantity", "labels"}
        A picture; a quantity, drawn with a colour map; or cluster numbers.
    limits : (float, float), optional
        Range that is shown at first; by default that of the finite values.
    colours : str
        Name of matplotlib's colour map of a quantity.
    """

    name: str
    frame: Frame
    values: np.ndarray
    unit: str = ""
    kind: ImageKind = "quantity"
    limits: tuple[float, float] | None = None
    colours: str = "viridis"

    @property
    def heading(self) -> str:
        """Name with unit; str."""
        return f"{self.name} ({self.unit})" if self.unit else self.name

    @cached_property
    def shown_limits(self) -> tuple[float, float]:
        """Range that is shown at first, never empty; (float, float)."""
        if self.limits is not None:
            return self.limits
        finite = self.values[np.isfinite(self.values)]
        if not finite.size:
            return 0.0, 1.0
        low, high = float(finite.min()), float(finite.max())
        return (low, high) if high > low else (low, low + 1.0)


@dataclass(frozen=True, eq=False)
class Places:
    """Where the items of a table are in a frame.

    Attributes
    ----------
    name : str
        Word for the items, in the plural.
    frame : Frame
    table : str
        Name of the table.
    index : ndarray of int, shape (n_places,)
        Rows of that table.
    rows, cols : ndarray, shape (n_places,)
        Pixels from 0; whole numbers are centres of pixels.
    groups : ndarray of int, shape (n_places,)
        Cluster or class, from 1; 0: none.
    radius_px : float
        Half of the diameter with which a spot is drawn; 0.5 for single pixels.
    areas : ndarray of int, shape (n_rows, n_cols), optional
        Image of the items if they have an area: ``areas_of[n]`` in the pixels of place n.
    areas_of : ndarray of int, shape (n_places,), optional
    """

    name: str
    frame: Frame
    table: str
    index: np.ndarray
    rows: np.ndarray
    cols: np.ndarray
    groups: np.ndarray
    radius_px: float = 0.5
    areas: np.ndarray | None = None
    areas_of: np.ndarray | None = None

    def nearest(self, row: float, col: float) -> int | None:
        """Return the row of the table of the item at a place.

        Parameters
        ----------
        row, col : float
            Pixels from 0.

        Returns
        -------
        int or None
            None if the place belongs to no item: outside all areas, or further away than twice the
            radius of a spot.
        """
        if self.areas is not None and self.areas_of is not None:
            at = round(row), round(col)
            inside = all(0 <= i < n for i, n in zip(at, self.areas.shape, strict=True))
            found = np.flatnonzero(self.areas_of == self.areas[at]) if inside else np.empty(0, int)
            return int(self.index[found[0]]) if found.size else None
        if not self.index.size:
            return None
        distance = np.hypot(self.rows - row, self.cols - col)
        nearest = int(distance.argmin())
        reach = 2**0.5 * self.radius_px if self.radius_px == 0.5 else 2 * self.radius_px
        return int(self.index[nearest]) if distance[nearest] <= reach else None


@dataclass(frozen=True, eq=False)
class Contents:
    """Everything that a result has for other programs.

    Attributes
    ----------
    name : str
        Of the study.
    analysis : str
    facts : mapping of str to str, float, int or bool
        What applies to the whole result.
    tables : tuple of Table
    curves : tuple of Curves
    images : tuple of Image
    places : tuple of Places
    """

    name: str
    analysis: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    tables: tuple[Table, ...] = ()
    curves: tuple[Curves, ...] = ()
    images: tuple[Image, ...] = ()
    places: tuple[Places, ...] = ()

    @property
    def frames(self) -> tuple[Frame, ...]:
        """The frames of images and places, in their order; tuple of Frame."""
        found = [image.frame for image in self.images] + [part.frame for part in self.places]
        return tuple({id(frame): frame for frame in found}.values())

    def images_of(self, frame: Frame) -> Iterator[Image]:
        """Yield the images of a frame.

        Parameters
        ----------
        frame : Frame

        Yields
        ------
        Image
        """
        yield from (image for image in self.images if image.frame is frame)

    def table_of(self, name: str) -> Table | None:
        """Return a table by its name.

        Parameters
        ----------
        name : str

        Returns
        -------
        Table or None
        """
        return next((table for table in self.tables if table.name == name), None)
