"""What an analysis says about its result so that a reader can click through it.

An `Explorer` holds arrays only. How they are thinned for a page is in
`umlpsd_gpu.explorer.packing`; how they are shown belongs to the report.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

CurveKind = Literal["line", "points", "band"]


@dataclass(frozen=True, eq=False)
class Layer:
    """One image that items lie on.

    Attributes
    ----------
    name, unit : str
        As ``"mean image"``, ``"counts"``.
    values : ndarray, shape (n_rows, n_cols)
        NaN where nothing was measured.
    """

    name: str
    unit: str
    values: np.ndarray


@dataclass(frozen=True, eq=False)
class Picture:
    """The images of one movie, map or micrograph; all have the same shape.

    Attributes
    ----------
    name : str
        Usually a file name.
    layers : tuple of Layer
        May be empty: then only items are drawn.
    pixel_size : float or None
        Length of a pixel in ``length_unit``; None if unknown.
    length_unit : str
    """

    name: str
    layers: tuple[Layer, ...]
    pixel_size: float | None = None
    length_unit: str = "µm"


@dataclass(frozen=True, eq=False)
class Column:
    """One value of every item, as β.

    Attributes
    ----------
    name, unit : str
    values : ndarray, shape (n_items,)
        NaN where not defined.
    low, high : ndarray, shape (n_items,), or None
        Ends of the interval of the values.
    interval : str
        What the interval is, as ``"95 %"``; ``"standard error"``: its ends are one standard error
        away, and the value is shown as value ± error.
    """

    name: str
    unit: str
    values: np.ndarray
    low: np.ndarray | None = None
    high: np.ndarray | None = None
    interval: str = "95 %"


@dataclass(frozen=True, eq=False)
class Curves:
    """One curve of every item, on a common axis or each on its own.

    Attributes
    ----------
    name : str
        In the legend.
    x : ndarray, shape (n_samples,) or (n_rows, n_samples)
        In rising order if it is common to all.
    y : ndarray, shape (n_rows, n_samples)
        NaN leaves a gap.
    kind : {"line", "points", "band"}
    top : ndarray, shape (n_rows, n_samples), or None
        Upper end of a band, of which ``y`` is the lower one.
    rows : ndarray, shape (n_items,), int, or None
        Row of each item; −1 for an item without a curve. None: item i has row i.
    parts : ndarray, shape (n_parts, n_samples), or None
        If given, curves are sums of these parts: ``y`` has the shape (n_rows, n_parts) and holds
        how much of each. Many curves of many samples then need little space.
    """

    name: str
    x: np.ndarray
    y: np.ndarray
    kind: CurveKind = "line"
    top: np.ndarray | None = None
    rows: np.ndarray | None = None
    parts: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class Panel:
    """A plot of curves of the chosen item.

    Attributes
    ----------
    title, x_label, y_label : str
        Labels with their units.
    curves : tuple of Curves
    is_log : bool
        Whether both axes are logarithmic; values that are not positive are then left out.
    is_outline : bool
        Whether x and y are places in the picture, with equal scales and y downward.
    """

    title: str
    x_label: str
    y_label: str
    curves: tuple[Curves, ...]
    is_log: bool = False
    is_outline: bool = False


@dataclass(frozen=True, eq=False)
class Metric:
    """The quality of every saved labelling.

    Attributes
    ----------
    name, unit : str
    values : ndarray, shape (n_views, n_k)
        NaN where not defined.
    """

    name: str
    unit: str
    values: np.ndarray


@dataclass(frozen=True, eq=False)
class Labellings:
    """The saved labels at every view (smoothing scale, representation) and number of clusters.

    Attributes
    ----------
    view_word : str
        What the views are, as ``"Smoothing scale"``.
    views : tuple of str
    k_values : ndarray, shape (n_k,), int
    labels : ndarray, shape (n_views, n_k, n_items), uint8
        From 1; 0: not clustered.
    view, k : int
        Positions of the decision in ``views`` and ``k_values``.
    metrics : tuple of Metric
    """

    view_word: str
    views: tuple[str, ...]
    k_values: np.ndarray
    labels: np.ndarray
    view: int
    k: int
    metrics: tuple[Metric, ...]


@dataclass(frozen=True, eq=False)
class Explorer:
    """All that a reader can click in one result.

    Attributes
    ----------
    item : str
        Word for one item, as ``"emitter"``.
    ids : tuple of str, length n_items or 0
        Unique names; empty: items have numbers only.
    x, y : ndarray, shape (n_items,)
        Column and row in the picture, in pixels, the centre of the first pixel being 0; without
        pictures any two values, as β and silhouette. NaN: the item is not drawn.
    x_label, y_label : str
    picture_of : ndarray, shape (n_items,), int
        Position in ``pictures``; 0 without pictures.
    pictures : tuple of Picture
    is_pixels : bool
        Whether each item is one pixel of its picture.
    labels : ndarray, shape (n_items,), int
        Final clusters, from 1; 0: none.
    columns : tuple of Column
        The first one has the histogram at the beginning.
    panels : tuple of Panel
    labellings : Labellings or None
        None where no other labels are saved.
    outliers : ndarray, shape (n_items,), bool
        Items to look at.
    outlier_column : str
        The column by which they are sorted, largest first; empty: in their order.
    first : int
        The item that is shown at the beginning.
    cluster_word : str
        What labels are, as ``"cluster"``, ``"class"``, ``"component"``.
    """

    item: str
    ids: tuple[str, ...]
    x: np.ndarray
    y: np.ndarray
    x_label: str
    y_label: str
    picture_of: np.ndarray
    pictures: tuple[Picture, ...]
    is_pixels: bool
    labels: np.ndarray
    columns: tuple[Column, ...]
    panels: tuple[Panel, ...]
    labellings: Labellings | None
    outliers: np.ndarray
    outlier_column: str = ""
    first: int = 0
    cluster_word: str = "cluster"

    @property
    def n_items(self) -> int:
        """Return the number of items."""
        return len(self.x)
