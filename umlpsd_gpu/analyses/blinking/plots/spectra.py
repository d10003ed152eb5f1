"""Plots of power spectra and their exponents."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.lines import Line2D

from umlpsd_gpu.analyses.blinking.plots.new_axes import axes_or_new, draw_grid
from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.compute.backend import is_on_device
from umlpsd_gpu.compute.display import format_with_error
from umlpsd_gpu.errors import TracesError
from umlpsd_gpu.plotting.style import FLAGGED, cluster_colour, darkened
from umlpsd_gpu.spectrum.result import PowerLawFit, Spectrum

# More single spectra or points than this are a blot
MOST_LINES, MOST_POINTS = 200, 2000
# A box of fewer values would say more than they do
FEWEST_FOR_BOX = 5
DASHED: dict[str, Any] = {"linewidth": 1.4, "linestyle": (0, (4, 2)), "zorder": 4}


def plot_power_spectra(
    spectrum: Spectrum,
    labels: Array | None = None,
    fit: PowerLawFit | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Plot the mean power spectrum of every cluster, or of all traces, with its power law.

    Parameters
    ----------
    spectrum : Spectrum
    labels : ndarray, shape (n_traces,), int, optional
        Cluster of each trace, from 1; 0 is left out. Not given: all traces together, single
        spectra in grey.
    fit : PowerLawFit, optional
        Of the same traces: the mean exponents, and dashed the mean power law over the fitted range,
        its level matched to the mean spectrum.
    ax : matplotlib.axes.Axes, optional
        Default: those of a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        Both axes logarithmic; the bands are ± 1 standard error. Traces whose spectrum is NaN are
        left out.

    Raises
    ------
    TracesError
        If there is not one label or one fit per trace, or no trace has a spectrum.

    Examples
    --------
    >>> from umlpsd_gpu import fit_power_law, plot_power_spectra, power_spectrum
    >>> from umlpsd_gpu.simulate.traces import simulate_traces
    >>> traces = simulate_traces({"TSB": 4}, n_frames=1000).traces
    >>> spectrum = power_spectrum(traces)
    >>> axes = plot_power_spectra(spectrum, fit=fit_power_law(spectrum))
    >>> axes.get_xscale()
    'log'
    """
    psd = _on_host(spectrum.psd)
    groups = _groups(labels, np.asarray(np.isfinite(psd).all(axis=1)))
    _require_fit_of(fit, len(psd))
    with axes_or_new(ax, (6.0, 4.4)) as axes:
        axes.set_xscale("log")
        axes.set_yscale("log")
        if labels is None:
            _draw_single(axes, spectrum.freqs_hz, psd[groups[0]])
        for number, members in groups.items():
            colour = cluster_colour(max(1, number))
            mean, stderr = _mean_and_stderr(psd[members])
            label = _label(number, members, fit)
            axes.fill_between(
                *(spectrum.freqs_hz, mean - stderr, mean + stderr),
                where=(mean > stderr).tolist(),
                color=colour,
                alpha=0.25,
                linewidth=0,
            )
            axes.plot(spectrum.freqs_hz, mean, color=colour, linewidth=1.6, alpha=0.7, label=label)
            law = None if fit is None else mean_power_law(spectrum.freqs_hz, mean, fit, members)
            if law is not None:
                axes.plot(*law, color=darkened(colour, 0.75), **DASHED)
        # log_welch keeps its published factor, 1/4π of the one-sided density
        unit = "counts²/Hz ÷ 4π" if spectrum.method == "log_welch" else "counts²/Hz"
        axes.set_xlabel("Frequency (Hz)")
        axes.set_ylabel(f"Power spectral density ({unit})")
        draw_grid(axes)
        handles, _ = axes.get_legend_handles_labels()
        if fit is not None:
            handles.append(Line2D([], [], color="0.35", label="Mean power law", **DASHED))
        axes.legend(handles=handles, fontsize="small", frameon=False)
    return axes


def plot_exponents(fit: PowerLawFit, labels: Array | None = None, ax: Axes | None = None) -> Axes:
    """Plot the power-law exponents β of every cluster, or of all traces.

    Parameters
    ----------
    fit : PowerLawFit
    labels : ndarray, shape (n_traces,), int, optional
        Cluster of each trace, from 1; 0 is left out. Not given: all traces together.
    ax : matplotlib.axes.Axes, optional
        Default: those of a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        The box holds the middle half, its line is the median, the whiskers reach up to 1.5 box
        heights (no box below 5 traces); the diamond is ⟨β⟩. Traces without β are left out.

    Raises
    ------
    TracesError
        If there is not one label per trace, or no trace has an exponent.

    Examples
    --------
    >>> from umlpsd_gpu import fit_power_law, plot_exponents, power_spectrum
    >>> from umlpsd_gpu.simulate.traces import simulate_traces
    >>> traces = simulate_traces({"TSB": 6}, n_frames=1000).traces
    >>> axes = plot_exponents(fit_power_law(power_spectrum(traces)))
    >>> axes.get_ylabel()
    'Power-law exponent β'
    """
    groups = _groups(labels, np.isfinite(fit.beta))
    betas = {number: fit.beta[members] for number, members in groups.items()}
    rng = np.random.default_rng(0)
    with axes_or_new(ax, (2.6 + 0.8 * len(betas), 3.8)) as axes:
        for place, (number, beta) in enumerate(betas.items()):
            _draw_column(axes, place, beta, cluster_colour(max(1, number)), rng)
        names = [f"{number or 'all'}\nn = {beta.size}" for number, beta in betas.items()]
        axes.set_xticks(range(len(betas)), names)
        axes.set_xlim(-0.6, len(betas) - 0.4)
        axes.set_xlabel("Traces" if labels is None else "Cluster")
        axes.set_ylabel("Power-law exponent β")
        draw_grid(axes)
        axes.grid(False, axis="x")
    return axes


def mean_power_law(
    freqs_hz: Array, psd_mean: Array, fit: PowerLawFit, members: Array
) -> tuple[Array, Array] | None:
    """Return the power law of the mean exponent, its level matched to a mean spectrum.

    Parameters
    ----------
    freqs_hz, psd_mean : ndarray, shape (n_freqs,)
    fit : PowerLawFit
    members : ndarray, shape (n_traces,), bool

    Returns
    -------
    (freqs_hz, psd) or None
        ``1/(f^⟨β⟩ + knee^⟨β⟩) + floor`` over the fitted range, knee and floor the medians of the
        members; None where no member has an exponent.
    """
    members = members & np.isfinite(fit.beta)
    low_hz, high_hz = fit.f_range_hz
    used = (freqs_hz >= low_hz) & (freqs_hz <= high_hz) & (psd_mean > 0)
    if not members.any() or not used.any():
        return None
    beta = float(fit.beta[members].mean())
    floor = float(np.median(fit.floor[members] / fit.amplitude[members]))
    knee_hz = float(np.median(fit.knee_hz[members]))
    level_below = knee_hz**beta if knee_hz > 0 else 0.0

    def shape(f_hz: Array) -> Array:
        density: Array = 1 / (f_hz**beta + level_below) + floor
        return density

    level = np.exp(np.mean(np.log(psd_mean[used] / shape(freqs_hz[used]))))
    fitted_hz = np.geomspace(freqs_hz[used].min(), freqs_hz[used].max(), 200)
    return fitted_hz, level * shape(fitted_hz)


def _groups(labels: Array | None, usable: Array) -> dict[int, Array]:
    """Return which traces belong to each cluster; under 0 all, where there are no labels."""
    if not usable.any():
        raise TracesError("there is nothing to plot: all values are NaN")
    if labels is None:
        return {0: usable}
    numbers = np.asarray(labels)
    if numbers.shape != usable.shape:
        raise TracesError(
            f"labels must hold one number for each of the {usable.size} traces, got the shape "
            f"{numbers.shape}"
        )
    members = {int(c): (numbers == c) & usable for c in np.unique(numbers[numbers > 0])}
    return {number: which for number, which in members.items() if which.any()}


def _require_fit_of(fit: PowerLawFit | None, n_traces: int) -> None:
    if fit is not None and fit.beta.size != n_traces:
        raise TracesError(
            f"the fit is of {fit.beta.size} traces, the spectra are of {n_traces}; fit these "
            "spectra"
        )


def _on_host(array: Any) -> Array:
    values: Array = array.get() if is_on_device(array) else np.asarray(array)
    return values


def _mean_and_stderr(psd: Array) -> tuple[Array, Array]:
    mean: Array = psd.mean(axis=0)
    if len(psd) < 2:
        return mean, np.zeros_like(mean)
    stderr: Array = psd.std(axis=0, ddof=1) / np.sqrt(len(psd))
    return mean, stderr


def _label(number: int, members: Array, fit: PowerLawFit | None) -> str:
    name = f"Cluster {number}" if number else "Mean"
    if fit is None:
        return f"{name} (n = {np.count_nonzero(members)})"
    betas = fit.beta[members & np.isfinite(fit.beta)]
    if not betas.size:
        return f"{name}: no exponent"
    stderr = betas.std(ddof=1) / np.sqrt(betas.size) if betas.size > 1 else np.nan
    return f"{name}: ⟨β⟩ = {format_with_error(betas.mean(), stderr)} (n = {betas.size})"


def _draw_single(axes: Axes, freqs_hz: Array, psd: Array) -> None:
    shown = psd[np.linspace(0, len(psd) - 1, min(MOST_LINES, len(psd))).round().astype(int)]
    lines = [np.column_stack([freqs_hz, row])[row > 0] for row in shown]
    axes.add_collection(
        LineCollection(lines, colors=FLAGGED, linewidths=0.4, alpha=0.35, rasterized=True)
    )


def _draw_column(
    axes: Axes,
    place: int,
    beta: Array,
    colour: tuple[float, float, float],
    rng: np.random.Generator,
) -> None:
    shown = beta if beta.size <= MOST_POINTS else rng.choice(beta, MOST_POINTS, replace=False)
    across = place + rng.uniform(-0.28, 0.28, shown.size)
    axes.scatter(across, shown, s=9, color=colour, alpha=0.5, linewidths=0, rasterized=True)
    if beta.size >= FEWEST_FOR_BOX:
        line: dict[str, Any] = {"color": colour, "linewidth": 1.2}
        axes.boxplot(
            beta,
            positions=[place],
            widths=0.6,
            showfliers=False,
            manage_ticks=False,
            boxprops=line,
            whiskerprops=line,
            capprops=line,
            medianprops={"color": "black", "linewidth": 1.5},
        )
    axes.plot(place, beta.mean(), "D", color="white", markeredgecolor="black", ms=5, zorder=6)
