"""Curves with a bias axis each → one common axis."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from umlpsd_gpu.analyses.curves.reading.errors import CurvesError
from umlpsd_gpu.analyses.curves.reading.recording import SAME_AXIS


def to_common_axis(
    axes: np.ndarray, currents: np.ndarray, place: Path
) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """Bring curves to one bias axis.

    Axes that differ by less than a twentieth of a step count as equal. Those that are shifted by
    up to one step are interpolated linearly in the range that all have.

    Parameters
    ----------
    axes, currents : ndarray, shape (n_curves, n_points)
        Bias in volts and currents.
    place : Path
        For messages.

    Returns
    -------
    bias : ndarray, shape (n_common,)
    currents : ndarray, shape (n_curves, n_common)
    notes : tuple of str

    Raises
    ------
    CurvesError
        If the axes differ by more than a step, or are not monotone where they must be
        interpolated.
    """
    if not np.isfinite(axes).all():
        raise CurvesError(place, "some biases are no numbers; give a bias for each point")
    first = axes[0]
    step = np.ptp(first) / max(first.size - 1, 1)
    deviation = float(np.abs(axes - first).max())
    if step == 0 or deviation <= SAME_AXIS * step:
        return first, currents, ()
    worst = int(np.abs(axes - first).max(axis=1).argmax())
    if deviation > step * (1 + SAME_AXIS):
        raise CurvesError(
            place,
            f"curve {worst + 1} has another bias axis ({axes[worst][0]:.4g} to "
            f"{axes[worst][-1]:.4g} V) than curve 1 ({first[0]:.4g} to {first[-1]:.4g} V); give "
            "curves over the same bias",
        )
    signs = np.sign(np.diff(axes, axis=1))
    if not (signs == signs[0, 0]).all() or signs[0, 0] == 0:
        raise CurvesError(
            place,
            "the curves have different bias axes that are not monotone; give all curves at the "
            "same biases",
        )
    direction = int(signs[0, 0])
    low, high = axes.min(axis=1).max(), axes.max(axis=1).min()
    bias = first[(first >= low) & (first <= high)]
    found = np.array(
        [
            np.interp(bias, axis[::direction], current[::direction])
            for axis, current in zip(axes, currents, strict=True)
        ]
    )
    note = (
        "The bias axes of the curves differ by up to "
        f"{deviation:.2g} V: the curves were interpolated linearly to the axis of the first."
    )
    return bias, found, (note,)
