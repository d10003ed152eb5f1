"""Frame interval and pixel size, each with its origin."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.movie.micromanager import number
from umlpsd_gpu.movie.notes import Notes
from umlpsd_gpu.movie.ome import OmeImage

# ImageJ copies the 72 dpi of a plain picture as unit=inch: no microscope counts in inches.
_IMAGEJ_MICROMETRES = {
    **dict.fromkeys(("micron", "microns", "um", "µm", "μm", "\\u00b5m"), 1.0),
    "nm": 1e-3,
    "mm": 1e3,
    "cm": 1e4,
}
_IMAGEJ_SECONDS = {"sec": 1.0, "s": 1.0, "ms": 1e-3, "msec": 1e-3, "min": 60.0, "h": 3600.0}
_IRREGULAR_STEP = 0.5
# A time above thirty thousand years is a corrupt number.
_LATEST_S = 1e12


class Interval(NamedTuple):
    """The frame interval in seconds, its origin in words, and the nominal interval."""

    dt_s: float | None
    origin: str
    nominal_s: float | None


def choose_interval(
    user_dt_s: float | None,
    measured: Iterable[tuple[str, Array]],
    nominal: Iterable[tuple[str, float | None]],
) -> Interval:
    """Choose the frame interval: the user's, else measured timestamps, else the nominal one.

    Parameters
    ----------
    user_dt_s : float or None
    measured : iterable of (str, ndarray)
        Name and timestamps of the frames in seconds, NaN where unknown.
    nominal : iterable of (str, float or None)
        Name and seconds; None, zero, negative and non-finite values are ignored.

    Returns
    -------
    Interval
    """
    announced = _take_first_valid(nominal)
    nominal_s = None if announced is None else announced[1]
    if user_dt_s is not None:
        return Interval(user_dt_s, "user", nominal_s)
    for name, timestamps_s in measured:
        step = measure_step(timestamps_s)
        if step is not None:
            return Interval(step[0], f"measured timestamps ({name}{step[1]})", nominal_s)
    if announced is not None:
        return Interval(announced[1], f"nominal ({announced[0]})", nominal_s)
    return Interval(None, "unknown", None)


def measure_step(timestamps_s: Array) -> tuple[float, str] | None:
    """Return the mean regular step of timestamps, and how many steps are irregular, in words.

    A step that is more than 50 % off the median (a gap, a doubled stamp) is left out and counted.
    The mean of the others is finer than their median, which whole milliseconds would round.

    Parameters
    ----------
    timestamps_s : ndarray, shape (n_frames,)
        In seconds; NaN where unknown.

    Returns
    -------
    (dt_s, words) or None
        None where no two consecutive frames have times, or time doesn't advance.
    """
    steps = np.diff(np.where(np.abs(timestamps_s) < _LATEST_S, timestamps_s, np.nan))
    steps = steps[np.isfinite(steps)]
    if len(steps) == 0:
        return None
    median = float(np.median(steps))
    if not median > 0:
        return None
    regular = np.abs(steps - median) <= _IRREGULAR_STEP * median
    n_irregular = len(steps) - int(np.count_nonzero(regular))
    words = (
        f"; {n_irregular} of {len(steps)} steps are more than 50 % off the median"
        if n_irregular
        else ""
    )
    return float(steps[regular].mean()), words


def list_nominal_intervals(notes: Notes, image: OmeImage | None) -> list[tuple[str, float | None]]:
    """Return every nominal interval in the metadata, the most trusted first.

    Parameters
    ----------
    notes : Notes
    image : OmeImage or None
    """
    interval_ms = number(notes.summary, "Interval_ms", "Interval-ms")
    frames_per_second = number(notes.imagej, "fps")
    imagej_unit = _IMAGEJ_SECONDS.get(str(notes.imagej.get("tunit", "sec")).lower())
    finterval = number(notes.imagej, "finterval")
    return [
        ("OME TimeIncrement", image.time_increment_s if image else None),
        ("Micro-Manager Interval_ms", None if interval_ms is None else interval_ms / 1e3),
        ("ImageJ finterval", finterval * imagej_unit if finterval and imagej_unit else None),
        ("ImageJ fps", 1 / frames_per_second if frames_per_second else None),
    ]


def pixel_size(
    user_um: float | None, notes: Notes, image: OmeImage | None
) -> tuple[float | None, str]:
    """Return the object-plane pixel size in µm and where it comes from.

    Resolution tags alone are not used: most programs fill in 72 dpi.

    Parameters
    ----------
    user_um : float or None
        Given by the user, in µm.
    notes : Notes
    image : OmeImage or None
    """
    if user_um is not None:
        return user_um, "user"
    found = _take_first_valid(
        [
            ("OME PhysicalSizeX", image.pixel_size_um if image else None),
            ("Micro-Manager PixelSizeUm", number(notes.micromanager, "PixelSizeUm")),
            ("Micro-Manager PixelSize_um", number(notes.summary, "PixelSize_um")),
            ("ImageJ XResolution", _read_imagej_pixel_um(notes.imagej, notes.pixels_per_unit)),
        ]
    )
    return (None, "unknown") if found is None else (found[1], found[0])


def _read_imagej_pixel_um(imagej: dict[str, Any], pixels_per_unit: float) -> float | None:
    unit_um = _IMAGEJ_MICROMETRES.get(str(imagej.get("unit", "")).lower())
    return unit_um / pixels_per_unit if unit_um and pixels_per_unit > 0 else None


def _take_first_valid(candidates: Iterable[tuple[str, float | None]]) -> tuple[str, float] | None:
    for name, value in candidates:
        if value is not None and math.isfinite(value) and value > 0:
            return name, value
    return None
