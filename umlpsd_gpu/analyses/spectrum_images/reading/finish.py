"""From a recording to a spectrum image: settings, checks of the counts, crops and bins."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from umlpsd_gpu.analyses.spectrum_images.reading.errors import SpectrumImageError
from umlpsd_gpu.analyses.spectrum_images.reading.recording import Recording
from umlpsd_gpu.analyses.spectrum_images.settings import SpectrumImageSettings
from umlpsd_gpu.analyses.spectrum_images.spectrum_image import SpectrumImage
from umlpsd_gpu.xrays.spectrum import Conditions, EnergyAxis

FEWEST_PIXELS, FEWEST_CHANNELS = 4, 8
GIVEN = {
    "beam_kev": "beam_kev",
    "take_off_deg": "take_off_deg",
    "resolution_ev": "resolution_ev",
    "detector_window": "window",
}


def energy_axis_of(recording: Recording, settings: SpectrumImageSettings) -> EnergyAxis:
    """Return the energies of the channels as the settings or the file say.

    Parameters
    ----------
    recording : Recording
    settings : SpectrumImageSettings

    Returns
    -------
    EnergyAxis
        Of all channels of the file.

    Raises
    ------
    SpectrumImageError
        If neither says it, or the array can't be a spectrum image.
    """
    require_spectra(recording)
    offset = _first_known(settings.energy_offset_kev, recording.offset_kev)
    step = _first_known(settings.energy_step_kev, recording.step_kev)
    if offset is None or step is None:
        missing = [
            text
            for value, text in (
                (offset, "the energy of the first channel (--energy-offset-kev)"),
                (step, "the width of a channel (--energy-step-kev)"),
            )
            if value is None
        ]
        raise SpectrumImageError(
            recording.path, f"it doesn't say {' and '.join(missing)}; give what is missing, in keV"
        )
    return EnergyAxis(offset, step, recording.shape[2])


def require_spectra(recording: Recording) -> None:
    """Check that the sizes are those of a spectrum image.

    Parameters
    ----------
    recording : Recording

    Raises
    ------
    SpectrumImageError
        If it is an RGB image or has too few pixels or channels.
    """
    rows, cols, channels = recording.shape
    if channels in (3, 4) and rows * cols >= FEWEST_PIXELS:
        raise SpectrumImageError(
            recording.path,
            f"{rows} × {cols} × {channels} values are a colour image, not spectra; give counts of "
            "shape (rows, columns, channels)",
        )
    if channels < FEWEST_CHANNELS or rows * cols < FEWEST_PIXELS:
        raise SpectrumImageError(
            recording.path,
            f"{rows} × {cols} pixels with {channels} channels are too few for unmixing; give at "
            f"least {FEWEST_PIXELS} pixels with {FEWEST_CHANNELS} channels",
        )


def conditions_with(recording: Recording, settings: SpectrumImageSettings) -> Conditions:
    """Return the conditions of the measurement; settings replace what the file says.

    Parameters
    ----------
    recording : Recording
    settings : SpectrumImageSettings

    Returns
    -------
    Conditions
    """
    given = {
        name: getattr(settings, setting)
        for setting, name in GIVEN.items()
        if getattr(settings, setting) is not None
    }
    origins = {**recording.conditions.origins, **dict.fromkeys(given, "setting")}
    return replace(recording.conditions, **given, origins=origins)


def finish(recording: Recording, settings: SpectrumImageSettings) -> SpectrumImage:
    """Read the counts and apply all settings.

    Parameters
    ----------
    recording : Recording
    settings : SpectrumImageSettings

    Returns
    -------
    SpectrumImage

    Raises
    ------
    SpectrumImageError
        If energies are unknown, counts are negative, NaN or all zero, or nothing is left.
    """
    axis = energy_axis_of(recording, settings)
    counts = recording.load()
    _check_counts(counts, recording)
    counts, axis = _crop(counts, axis, recording, settings)
    counts, axis = _rebin_energy(counts, axis, recording, settings.rebin_energy)
    n = settings.bin_pixels
    counts = _bin_pixels(counts, recording, n)
    if not counts.any():
        raise SpectrumImageError(
            recording.path, "all its counts are zero; give a file or energies with counts"
        )
    size = _first_known(settings.pixel_size_m, recording.pixel_size_m)
    return SpectrumImage(
        counts=counts,
        axis=axis,
        conditions=conditions_with(recording, settings),
        pixel_size_m=None if size is None else n * size,
        paths=recording.paths,
        metadata=recording.metadata,
        notes=(*recording.notes, *_notes(counts)),
    )


def _check_counts(counts: np.ndarray, recording: Recording) -> None:
    if counts.dtype.kind not in "iuf":
        raise SpectrumImageError(
            recording.path, f"its values are of type {counts.dtype}; counts are real numbers"
        )
    if counts.dtype.kind == "f" and not np.isfinite(counts).all():
        n_bad = int(np.count_nonzero(~np.isfinite(counts)))
        raise SpectrumImageError(
            recording.path,
            f"{n_bad:,} of its {counts.size:,} counts are NaN or infinite; replace them, or cut "
            "the pixels out",
        )
    if counts.dtype.kind != "u" and counts.min() < 0:
        n_bad = int(np.count_nonzero(counts < 0))
        raise SpectrumImageError(
            recording.path,
            f"{n_bad:,} of its {counts.size:,} counts are negative (least: {counts.min():g}); give "
            "counts as recorded, without the background subtracted",
        )


def _crop(
    counts: np.ndarray, axis: EnergyAxis, recording: Recording, settings: SpectrumImageSettings
) -> tuple[np.ndarray, EnergyAxis]:
    energies = axis.energies_kev
    low = -np.inf if settings.from_kev is None else settings.from_kev
    high = np.inf if settings.to_kev is None else settings.to_kev
    kept = np.flatnonzero((energies >= low) & (energies <= high))
    if kept.size < FEWEST_CHANNELS:
        raise SpectrumImageError(
            recording.path,
            f"only {kept.size} of its channels, which cover {energies[0]:.3g} to "
            f"{energies[-1]:.3g} keV, are between from_kev and to_kev; choose a wider range",
        )
    first, last = int(kept[0]), int(kept[-1])
    cut = EnergyAxis(float(energies[first]), axis.step_kev, last - first + 1)
    return counts[:, :, first : last + 1], cut


def _rebin_energy(
    counts: np.ndarray, axis: EnergyAxis, recording: Recording, n: int
) -> tuple[np.ndarray, EnergyAxis]:
    if n == 1:
        return counts, axis
    n_kept = counts.shape[2] // n
    if n_kept < FEWEST_CHANNELS:
        raise SpectrumImageError(
            recording.path,
            f"{counts.shape[2]} channels added by {n} leave {n_kept}; choose a smaller "
            "rebin_energy",
        )
    shape = (*counts.shape[:2], n_kept, n)
    summed = counts[:, :, : n_kept * n].reshape(shape).sum(axis=3, dtype=_sum_type(counts))
    centre = axis.offset_kev + 0.5 * (n - 1) * axis.step_kev
    return summed, EnergyAxis(centre, n * axis.step_kev, n_kept)


def _bin_pixels(counts: np.ndarray, recording: Recording, n: int) -> np.ndarray:
    if n == 1:
        return counts
    rows, cols = counts.shape[0] // n, counts.shape[1] // n
    if rows * cols < FEWEST_PIXELS:
        raise SpectrumImageError(
            recording.path,
            f"{counts.shape[0]} × {counts.shape[1]} pixels added by {n} × {n} leave {rows} × "
            f"{cols}; choose a smaller bin_pixels",
        )
    blocks = counts[: rows * n, : cols * n].reshape(rows, n, cols, n, -1)
    binned: np.ndarray = blocks.sum(axis=(1, 3), dtype=_sum_type(counts))
    return binned


def _sum_type(counts: np.ndarray) -> type:
    return np.uint32 if counts.dtype.kind in "iu" else np.float64


def _notes(counts: np.ndarray) -> list[str]:
    n_empty = int(np.count_nonzero(~counts.any(axis=2)))
    if not n_empty:
        return []
    n_pixels = counts.shape[0] * counts.shape[1]
    return [f"{n_empty:,} of {n_pixels:,} pixels have no counts; they are kept, and zero in maps."]


def _first_known(*values: float | None) -> float | None:
    return next((value for value in values if value is not None), None)
