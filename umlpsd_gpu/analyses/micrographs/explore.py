"""What can be clicked in the report of a micrograph: windows and their spectra."""

from __future__ import annotations

import numpy as np

from umlpsd_gpu.analyses.micrographs.result import MicrographStudy
from umlpsd_gpu.explorer.parts import Column, Curves, Explorer, Layer, Panel, Picture


def explore_micrograph(study: MicrographStudy) -> Explorer:
    """Return the micrograph, and the local spectra of every window.

    Parameters
    ----------
    study : MicrographStudy

    Returns
    -------
    Explorer
        Windows are placed at their centres. The spectrum of a window is the sum of its components,
        averaged over all directions.
    """
    settings, micrograph = study.settings.micrograph, study.micrograph
    first = (settings.window - 1) / 2
    rows, cols = np.indices(study.grid).reshape(2, -1) * settings.step_px + first
    weights = study.factors.maps
    total = weights.sum(axis=1)
    shares = np.divide(
        weights, total[:, None], out=np.full(weights.shape, np.nan), where=total[:, None] > 0
    )
    size_um = None if micrograph.pixel_size_m is None else 1e6 * micrograph.pixel_size_m
    layer = Layer("Image", "counts", micrograph.image)
    return Explorer(
        item="window",
        ids=(),
        x=cols,
        y=rows,
        x_label="column (px)",
        y_label="row (px)",
        picture_of=np.zeros(len(weights), dtype=np.int64),
        pictures=(Picture(micrograph.path.name or "image", (layer,), size_um),),
        is_pixels=False,
        labels=np.where(total > 0, 1 + weights.argmax(axis=1), 0),
        columns=(
            *(
                Column(f"Share of spectrum {k + 1}", "%", 100 * shares[:, k])
                for k in range(study.k)
            ),
            Column("Sum of amplitudes", "counts", total),
        ),
        panels=(_panel(study, weights),),
        labellings=None,
        outliers=np.zeros(len(weights), dtype=bool),
        first=int(shares[:, 0].argmax()) if total.any() else 0,
        cluster_word="spectrum",
    )


def _panel(study: MicrographStudy, weights: np.ndarray) -> Panel:
    frequencies, profiles = radial_profiles(study.spectra)
    unit = "1/px" if study.micrograph.pixel_size_m is None else "1/nm"
    step = study.frequency_step * (1 if study.micrograph.pixel_size_m is None else 1e-9)
    whole = Curves("sum", step * frequencies, weights, parts=profiles)
    single = tuple(
        Curves(
            f"spectrum {k + 1}", step * frequencies, weights[:, k, None], parts=profiles[k, None]
        )
        for k in range(study.k)
    )
    return Panel(
        "Local spectra of the window, mean over all directions",
        f"Spatial frequency ({unit})",
        "Amplitude (counts)",
        (whole, *single) if study.k > 1 else (whole,),
    )


def radial_profiles(spectra: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the means of centred spectra over rings of one step of frequency.

    Parameters
    ----------
    spectra : ndarray, shape (k, window, window)
        Frequency zero is at ``window // 2``.

    Returns
    -------
    frequencies : ndarray, shape (window // 2,)
        From 1, in steps of the transform.
    profiles : ndarray, shape (k, window // 2)
    """
    window = spectra.shape[1]
    distance = np.hypot(*(np.indices((window, window)) - window // 2))
    ring = np.rint(distance).astype(np.int64).ravel()
    n = np.bincount(ring, minlength=window // 2 + 1)[1 : window // 2 + 1]
    sums = [
        np.bincount(ring, weights=spectrum.ravel(), minlength=window // 2 + 1)
        for spectrum in spectra
    ]
    return np.arange(1.0, window // 2 + 1), np.stack(sums)[:, 1 : window // 2 + 1] / n
