"""Axes to draw on: the caller's, or new ones in the package's style."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from matplotlib.axes import Axes

from umlpsd_gpu.plotting.style import STYLE, house_style

SIZE_IN = (6.0, 3.8)


@contextmanager
def axes_or_new(ax: Axes | None, size_in: tuple[float, float] = SIZE_IN) -> Iterator[Axes]:
    """Yield the axes that were given, or those of a new figure in the package's style.

    matplotlib's settings are the caller's again when the drawing is done.

    Parameters
    ----------
    ax : Axes, optional
    size_in : tuple of float
        Width and height of a new figure, in inches.
    """
    if ax is not None:
        yield ax
        return
    import matplotlib.pyplot as plt

    # before the style: the first figure may load a backend, whose settings must stay
    figure = plt.figure(figsize=size_in, layout="constrained")
    with house_style():
        new = figure.add_subplot()
        yield new
        # ticks are made when the figure is drawn, by the settings of that moment
        for axis, name in ((new.xaxis, "x"), (new.yaxis, "y")):
            axis.set_tick_params(labelsize=STYLE[f"{name}tick.labelsize"], which="both", width=0.7)


def draw_grid(axes: Axes) -> None:
    """Draw thin lines behind the data.

    Parameters
    ----------
    axes : Axes
    """
    axes.grid(True, which="major", color=STYLE["grid.color"], linewidth=STYLE["grid.linewidth"])
    axes.set_axisbelow(True)
