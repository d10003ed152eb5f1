"""Frame interval and pixel size, each with its origin."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, NamedTuple

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.movie.intervals import Measured, measure_interval, measure_step
from umlpsd_gpu.movie.micromanager import number
from umlpsd_gpu.movie.notes import Notes
from umlpsd_gpu.movie.ome import OmeImage
from umlpsd_gpu.movie.units import micrometres_of, seconds_of

__all__ = [
    "choose_interval",
    "hint_at_interval",
    "list_nominal_intervals",
    "measure_step",
    "pixel_size",
]

# A nominal interval further off than this is told.
_DIFFERS, _USER_DIFFERS = 1.5, 2.0
# Irregular steps of more than this share are told.
_SHARE_TOLD = 0.05
# How the note about missing frames begins
BY_STAMPS = "By the time stamps"
_N_LISTED = 5


class Interval(NamedTuple):
    """The frame interval in seconds, its origin in words, and the nominal interval.

    ``notes`` are sentences for the user; ``hint`` is what the metadata say of an unknown interval.
    """

    dt_s: float | None
    origin: str
    nominal_s: float | None
    notes: tuple[str, ...] = ()
    hint: str = ""


def choose_interval(
    user_dt_s: float | None,
    measured: Iterable[tuple[str, Array]],
    nominal: Iterable[tuple[str, float | None]],
    frames: Array | None = None,
    hint: str = "",
) -> Interval:
    """Choose the frame interval: the user's, else measured timestamps, else the nominal one.

    Parameters
    ----------
    user_dt_s : float or None
    measured : iterable of (str, ndarray)
        Name and timestamps of the frames in seconds, NaN where unknown.
    nominal : iterable of (str, float or None)
        Name and seconds; None, zero, negative and non-finite values are ignored.
    frames : ndarray of int, optional
        Number of each frame, where some are known to be missing.
    hint : str
        What the metadata say besides, for the question about an unknown interval.

    Returns
    -------
    Interval
    """
    announced = _take_first_valid(nominal)
    nominal_s = None if announced is None else announced[1]
    name, found = _measure_first(measured, frames, user_dt_s or nominal_s)
    if user_dt_s is not None:
        notes = _note_user_interval(user_dt_s, found, announced)
        return Interval(user_dt_s, "user", nominal_s, notes + _note_drops(found))
    if found is not None and found.dt_s is None:
        late_s, dropped_s = found.readings_s
        hint = (
            f"the time stamps ({name}) have two readings: frames every {late_s:.6g} s that were "
            f"stamped late, or every {dropped_s:.6g} s with many missing"
        )
        return Interval(None, "unknown", nominal_s, hint=hint)
    if found is not None:
        notes = _note_nominal(found, name, announced) + _note_drops(found)
        origin = f"measured timestamps ({name}{found.steps.words})"
        return Interval(found.dt_s, origin, nominal_s, notes)
    if announced is not None:
        return Interval(announced[1], f"nominal ({announced[0]})", nominal_s)
    return Interval(None, "unknown", None, hint=hint)


def _measure_first(
    measured: Iterable[tuple[str, Array]], frames: Array | None, nominal_s: float | None
) -> tuple[str, Measured | None]:
    for name, timestamps_s in measured:
        found = measure_interval(timestamps_s, frames, nominal_s)
        if found is not None:
            return name, found
    return "", None


def _note_user_interval(
    user_dt_s: float, found: Measured | None, announced: tuple[str, float] | None
) -> tuple[str, ...]:
    if found is not None and found.dt_s is not None:
        dt_s, origin = found.dt_s, "the time stamps"
    elif announced is not None:
        dt_s, origin = announced[1], announced[0]
    else:
        return ()
    if not _is_off(user_dt_s, dt_s, _USER_DIFFERS):
        return ()
    return (
        f"The given frame interval of {user_dt_s:.6g} s is {_name_ratio(user_dt_s, dt_s)} that of "
        f"the metadata, {dt_s:.6g} s ({origin}); the given one is used.",
    )


def _note_nominal(
    found: Measured, name: str, announced: tuple[str, float] | None
) -> tuple[str, ...]:
    notes = []
    if announced is not None and found.dt_s and _is_off(found.dt_s, announced[1], _DIFFERS):
        notes.append(
            f"The measured frame interval of {found.dt_s:.6g} s ({name}) is "
            f"{_name_ratio(found.dt_s, announced[1])} the nominal {announced[1]:.6g} s "
            f"({announced[0]}); the measured one is used."
        )
    elif found.steps.share_irregular > _SHARE_TOLD and not found.n_dropped:
        notes.append(
            f"The time stamps ({name}) are irregular ({found.steps.share_irregular:.0%} of the "
            f"steps), but their delays don't add up: the frame interval of {found.dt_s:.6g} s is "
            "the slope of time against frame."
        )
    return tuple(notes)


def _note_drops(found: Measured | None) -> tuple[str, ...]:
    if found is None or not found.n_dropped:
        return ()
    after = found.dropped_after
    more = f" and {len(after) - _N_LISTED} more" if len(after) > _N_LISTED else ""
    where = ", ".join(map(str, after[:_N_LISTED]))
    frames = "frame is" if found.n_dropped == 1 else "frames are"
    return (
        f"{BY_STAMPS}, {found.n_dropped} {frames} missing in {len(after)} "
        f"{'gap' if len(after) == 1 else 'gaps'} (after frame {where}{more}, counted from 0); the "
        "power spectra assume that none are.",
    )


def _is_off(one: float, other: float, factor: float) -> bool:
    return max(one / other, other / one) > factor


def _name_ratio(one: float, other: float) -> str:
    return f"{one / other:.3g} times" if one > other else f"1/{other / one:.3g} of"


def list_nominal_intervals(notes: Notes, image: OmeImage | None) -> list[tuple[str, float | None]]:
    """Return every nominal interval in the metadata, the most trusted first.

    Parameters
    ----------
    notes : Notes
    image : OmeImage or None
    """
    interval_ms = number(notes.summary, "Interval_ms", "Interval-ms")
    finterval = number(notes.imagej, "finterval")
    imagej_unit = seconds_of(str(notes.imagej.get("tunit") or "sec"))
    return [
        ("OME TimeIncrement", image.time_increment_s if image else None),
        ("Micro-Manager Interval_ms", None if interval_ms is None else interval_ms / 1e3),
        ("ScanImage scanFramePeriod", notes.scanimage.frame_period_s),
        ("ImageJ finterval", finterval * imagej_unit if finterval and imagej_unit else None),
        ("Andor KineticCycleTime", notes.andor_cycle_s),
    ]


def hint_at_interval(notes: Notes, image: OmeImage | None) -> str:
    """Return what the metadata say about the interval but don't make certain; perhaps empty.

    Parameters
    ----------
    notes : Notes
    image : OmeImage or None
    """
    if image is not None and image.unknown:
        return f"{image.unknown} is not understood"
    unit = str(notes.imagej.get("tunit") or "sec")
    finterval = notes.imagej.get("finterval")
    if finterval and seconds_of(unit) is None:
        return f"ImageJ's finterval={finterval} in '{unit}' is not understood"
    fps = number(notes.imagej, "fps")
    if fps and fps > 0:
        return (
            f"ImageJ's fps={fps:g} may be the frame rate of the recording, an interval of "
            f"{1 / fps:.6g} s, or only the speed of playback"
        )
    return ""


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
    # ImageJ copies the 72 dpi of a plain picture as unit=inch: no microscope counts in inches.
    unit = str(imagej.get("unit", ""))
    unit_um = None if unit.casefold() in ("m", "meter") else micrometres_of(unit)
    return unit_um / pixels_per_unit if unit_um and pixels_per_unit > 0 else None


def _take_first_valid(candidates: Iterable[tuple[str, float | None]]) -> tuple[str, float] | None:
    for name, value in candidates:
        if value is not None and math.isfinite(value) and value > 0:
            return name, value
    return None
