"""Figures of the networks for shapes: quantiles and errors, as Fig. 3 of the paper."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullFormatter, StrMethodFormatter

from umlpsd_gpu.plotting.style import PALETTE, house_style
from umlpsd_gpu.shapes.network import NAMES, load_network, predict_shapes

PARAMETERS = (
    ("p", "exponent p", np.geomspace(0.7, 15, 11)),
    ("d", "order d", np.arange(0.5, 8)),
    ("l_ratio", "elongation L", np.linspace(1, 5, 11)),
)
QUANTILES = np.linspace(0.005, 0.995, 199)


def draw_networks(frames: np.ndarray, truth: np.ndarray, path: Path) -> list[str]:
    """Draw both networks on frames that they were not trained on; return lines with figures.

    Parameters
    ----------
    frames : ndarray of float32, shape (n, side, side)
    truth : ndarray of float, shape (n, 3)
        p, d and L of each.
    path : Path
        Of the PNG.
    """
    with house_style():
        figure = Figure(figsize=(10, 6), layout="constrained")
        panels = figure.subplots(2, 3)
        lines = []
        for name, colour in zip(NAMES, PALETTE, strict=False):
            found = predict_shapes(frames, load_network(name))
            rms = []
            for column, (parameter, title, edges) in enumerate(PARAMETERS):
                estimate, true = getattr(found, parameter), truth[:, column]
                _draw_quantiles(panels[0, column], estimate, true, name, colour, title)
                _draw_errors(panels[1, column], estimate, true, edges, colour, title)
                rms.append(float(np.sqrt(np.mean(np.square(estimate - true)))))
            lines.append(f"{name}: p {rms[0]:.2f}, d {rms[1]:.2f}, L {rms[2]:.2f}")
        for axes in panels[1]:
            axes.set_ylim(bottom=0)
        panels[0, 0].set_yscale("log")
        for axes in panels[:, 0]:
            axes.set_xscale("log")
        panels[0, 0].set_ylim(0.5, 20)
        for axis in (panels[0, 0].xaxis, panels[0, 0].yaxis, panels[1, 0].xaxis):
            axis.set_major_locator(FixedLocator((0.5, 1, 2, 5, 10, 20)))
            axis.set_major_formatter(StrMethodFormatter("{x:g}"))
            axis.set_minor_formatter(NullFormatter())
        panels[0, 0].legend(loc="upper left")
        figure.savefig(path)
    return lines


def _draw_quantiles(
    axes: Axes, found: np.ndarray, true: np.ndarray, name: str, colour: str, title: str
) -> None:
    limits = float(true.min()), float(true.max())
    axes.plot(limits, limits, color="#999999", lw=0.8, zorder=0)
    quantiles = (np.quantile(each, QUANTILES, method="inverted_cdf") for each in (true, found))
    axes.plot(*quantiles, ".", ms=3, color=colour, label=name)
    axes.set_xlabel(f"{title}, quantiles of the truth")
    axes.set_ylabel("quantiles of the network")


def _draw_errors(
    axes: Axes, found: np.ndarray, true: np.ndarray, edges: np.ndarray, colour: str, title: str
) -> None:
    squares = np.square(found - true)
    n, _ = np.histogram(true, edges)
    sums, _ = np.histogram(true, edges, weights=squares)
    middles = 0.5 * (edges[1:] + edges[:-1])
    axes.plot(middles, np.sqrt(sums / np.maximum(n, 1)), "o-", ms=3, color=colour)
    axes.set_xlabel(f"{title}, truth")
    axes.set_ylabel("root mean square error")
