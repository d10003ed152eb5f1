"""The figures of a validation: K and labels, accuracy by smoothing scale, β."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from umlpsd_gpu.plotting.style import (
    ACCENT,
    FLAGGED,
    PALETTE,
    DrawnFigure,
    house_style,
    render,
    thin_grid,
)
from umlpsd_gpu.scale import Scale
from umlpsd_gpu.validation.rates import Rate
from umlpsd_gpu.validation.result import ExponentTest, Recovery, Validation

RECOVERY_CAPTION = (
    "Left: how many ensembles each K was said in; the true K is blue. Right: where the traces of "
    "each class ended, at the K that was said: in the cluster matched with each class (one to one, "
    "so that most traces are right), or elsewhere, in a cluster of no class or in none. Shares of "
    "each class in %, with the number of traces over all ensembles."
)
SCALES_CAPTION = (
    "Share of traces in the cluster of their class at the true K, with 95 % intervals (Wilson; "
    "traces of an ensemble that go wrong together count for fewer). Filled: scales that were "
    "chosen, with the number of ensembles. W: mean of so many frames; WL: wavelet level; raw: none."
)
EXPONENTS_CAPTION = (
    "Left: mean β found in noise of known β less the truth; the thin bars are ± 1 standard "
    "deviation of single traces, the thick ones (mostly within the points) ± 2 standard errors of "
    "the mean. Right: share of the 95 % intervals that hold the truth, with 95 % intervals "
    "(Wilson); it should lie at the dashed line. Points of one β are drawn side by side, where "
    "most traces have a β."
)
GAP_BETWEEN_KINDS = 0.6
SIDE_STEP = 0.06
Drawn = dict[str, Any]


def draw_validation(validation: Validation) -> tuple[DrawnFigure, ...]:
    """Draw every figure of a validation; the same validation gives the same bytes.

    Parameters
    ----------
    validation : Validation

    Returns
    -------
    tuple of DrawnFigure
    """
    with house_style():
        return tuple(
            DrawnFigure(name, title, caption, *render(figure))
            for name, title, caption, figure in _plans(validation)
        )


def _plans(validation: Validation) -> Iterator[tuple[str, str, str, Figure]]:
    recovery = validation.recovery
    yield "recovery", "Clusters found", RECOVERY_CAPTION, draw_recovery(recovery)
    # one class is always in its one cluster
    if recovery.k_true > 1:
        title = f"Accuracy against smoothing scale, at K = {recovery.k_true}"
        yield "accuracy_by_scale", title, SCALES_CAPTION, draw_accuracy_by_scale(recovery)
    title = "Exponents found in noise of known β"
    yield "exponents", title, EXPONENTS_CAPTION, draw_exponents(validation)


def draw_recovery(recovery: Recovery) -> Figure:
    """Draw the distribution of K_opt, and the confusion of classes and clusters.

    Parameters
    ----------
    recovery : Recovery

    Returns
    -------
    Figure
    """
    height = max(2.8, 1.5 + 0.55 * len(recovery.classes))
    figure = Figure(figsize=(10, height), layout="constrained")
    said, confusion = figure.subplots(1, 2, width_ratios=[2, 3])
    _draw_said(said, recovery)
    _draw_confusion(confusion, recovery)
    return figure


def _draw_said(axes: Axes, recovery: Recovery) -> None:
    k_values = np.arange(1, max(*recovery.said, recovery.k_true, 4) + 2)
    numbers = [recovery.said.get(int(k), 0) for k in k_values]
    colours = [PALETTE[0] if k == recovery.k_true else FLAGGED for k in k_values]
    bars = axes.bar(k_values, numbers, color=colours, width=0.7)
    axes.bar_label(bars, [str(n) if n else "" for n in numbers], padding=2, fontsize=8)
    axes.set_title(f"K said in {recovery.n_ensembles} ensembles (true: {recovery.k_true})")
    axes.set_xlabel(r"$K_\mathrm{opt}$")
    axes.set_ylabel("Ensembles")
    axes.set_ylim(0, 1.12 * max(numbers))
    axes.set_xticks(k_values)
    axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))


def _draw_confusion(axes: Axes, recovery: Recovery) -> None:
    counts = recovery.confusion.sum(axis=0)
    shares = counts / counts.sum(axis=1, keepdims=True)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1.15, aspect="auto")
    for row, column in np.ndindex(*shares.shape):
        axes.text(
            column,
            row,
            f"{100 * shares[row, column]:.1f} %\n{counts[row, column]}",
            ha="center",
            va="center",
            fontsize=8.5,
            color="white" if shares[row, column] > 0.55 else "black",
        )
    matched = recovery.classes[: recovery.k_true]
    axes.set_xticks(range(len(matched) + 1), [*matched, "elsewhere"])
    axes.set_yticks(range(len(recovery.classes)), recovery.classes)
    axes.set_title("True class against matched cluster")
    axes.set_xlabel("Cluster matched with")
    axes.set_ylabel("True class")
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)


def draw_accuracy_by_scale(recovery: Recovery) -> Figure:
    """Draw the accuracy at the true K for every smoothing scale; chosen scales are filled.

    Parameters
    ----------
    recovery : Recovery

    Returns
    -------
    Figure
    """
    figure = Figure(figsize=(10, 3.4), layout="constrained")
    axes = figure.subplots()
    places = _places(recovery.scales)
    for place, (scale, n_chosen) in zip(places, recovery.times_chosen.items(), strict=True):
        rate = recovery.accuracy_at(scale)
        colour = ACCENT if n_chosen else "black"
        filled = {"markerfacecolor": colour if n_chosen else "white", "color": colour}
        _draw_rate(axes, place, rate, filled)
        if n_chosen:
            label = f"{n_chosen}×"
            axes.annotate(
                label,
                (place, 100 * rate.high),
                (0, 4),
                textcoords="offset points",
                ha="center",
                color=ACCENT,
                fontsize=8.5,
            )
    axes.set_xticks(places, recovery.scales)
    axes.margins(x=0.03, y=0.15)
    axes.set_xlabel("Smoothing scale")
    axes.set_ylabel("Traces in their class’s cluster")
    axes.yaxis.set_major_formatter(PercentFormatter(decimals=0, symbol=" %"))
    thin_grid(axes)
    return figure


def _places(scales: tuple[str, ...]) -> list[float]:
    """Return positions along the axis, with a gap between raw, bins and wavelets."""
    kinds = [Scale.parse(scale).kind for scale in scales]
    places = [0.0]
    for before, kind in pairwise(kinds):
        places.append(places[-1] + 1 + (GAP_BETWEEN_KINDS if kind != before else 0))
    return places


def draw_exponents(validation: Validation) -> Figure:
    """Draw bias and scatter of β, and the coverage of its intervals, against the true β.

    Parameters
    ----------
    validation : Validation

    Returns
    -------
    Figure
    """
    figure = Figure(figsize=(10, 3.9), layout="constrained")
    bias, coverage = figure.subplots(1, 2)
    series = _series(validation)
    for i, (label, tests) in enumerate(series.items()):
        step = SIDE_STEP * (i - (len(series) - 1) / 2)
        look: Drawn = {"color": (PALETTE[0], PALETTE[1], PALETTE[2])[i]}
        for test in filter(lambda test: test.tells, tests):
            _draw_bias(bias, test.beta + step, test, look)
            filled = look | {"markerfacecolor": look["color"]}
            _draw_rate(coverage, test.beta + step, test.coverage, filled)
        bias.plot([], [], "o", label=label, markersize=5, **look)
    bias.axhline(0, color="black", linewidth=0.8, zorder=1)
    coverage.axhline(95, color="black", linewidth=0.9, linestyle=(0, (4, 3)), zorder=1)
    for axes in (bias, coverage):
        axes.set_xlabel("True β")
        axes.set_xticks(sorted({test.beta for test in validation.exponents}))
        thin_grid(axes)
    bias.set_ylabel("β found − true β")
    coverage.set_ylabel("95 % intervals that hold the truth")
    coverage.yaxis.set_major_formatter(PercentFormatter(decimals=0, symbol=" %"))
    figure.legend(loc="outside lower center", ncols=len(series))
    return figure


def _series(validation: Validation) -> dict[str, list[ExponentTest]]:
    found: dict[str, list[ExponentTest]] = {}
    for test in validation.exponents:
        noise = "with shot noise" if test.shot_noise else "without shot noise"
        found.setdefault(f"{noise}, {test.model}", []).append(test)
    return found


def _draw_bias(axes: Axes, place: float, test: ExponentTest, look: Drawn) -> None:
    axes.errorbar(place, test.bias, test.scatter, fmt="o", markersize=5, elinewidth=0.8, **look)
    axes.errorbar(place, test.bias, 2 * test.bias_stderr, fmt="none", elinewidth=2.5, **look)


def _draw_rate(axes: Axes, place: float, rate: Rate, look: Drawn) -> None:
    if not rate.n_trials:
        return
    percent = 100 * rate.share
    ends = [[percent - 100 * rate.low], [100 * rate.high - percent]]
    axes.errorbar(place, percent, ends, fmt="o", markersize=5, elinewidth=1.1, **look)
