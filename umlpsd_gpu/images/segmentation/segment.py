"""Find the particles of an image, and say of each that is left out why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy import ndimage

from umlpsd_gpu.errors import TracesError
from umlpsd_gpu.images.segmentation.annotations import Annotations, ScaleBar, find_annotations
from umlpsd_gpu.images.segmentation.background import (
    Flattened,
    Polarity,
    flatten,
    flatten_around,
    reduce_mean,
)
from umlpsd_gpu.images.segmentation.edges import edge_weights, touches_edge
from umlpsd_gpu.images.segmentation.foreground import Foreground, find_foreground, has_steps
from umlpsd_gpu.images.segmentation.overlaps import find_overlapping
from umlpsd_gpu.images.segmentation.paper import segment_as_published
from umlpsd_gpu.images.segmentation.particle_size import estimate_size, size_of_blobs
from umlpsd_gpu.images.segmentation.refinement import contrasts_of, refine_outlines
from umlpsd_gpu.images.segmentation.rejoining import rejoin
from umlpsd_gpu.images.segmentation.settings import SegmentationSettings
from umlpsd_gpu.images.segmentation.splitting import MOST_PARTS, propose, split_groups

CUT, OVERLAPPING, ANNOTATED, FRAGMENT = (
    "cut by the edge of the image",
    "overlaps another particle",
    "touches an annotation",
    "is a fragment beside another particle",
)
# Particles at least this wide are first sought in an image of half the size
WIDE_PX = 16.0
# Pixels around particles whose light is not that of the background
HALO_PX = 3
SMALLEST_SIDE = 32
# Parts that are compared where the size is only that of blobs: more are the texture of the support
MOST_ON_SUPPORT = 1000
EIGHT = np.ones((3, 3), dtype=bool)


@dataclass(frozen=True, eq=False)
class Segmentation:
    """The particles of an image.

    Attributes
    ----------
    labels : ndarray of int32, shape (n_rows, n_columns)
        From 1, without gaps; 0: background and annotations.
    reasons : tuple of str
        Of each label, why it is left out of the statistics; empty if it is not.
    weights : ndarray of float64, shape (n_labels,)
        Miles-Lantuéjoul weights; NaN for particles that are left out.
    size_px : float
        Typical diameter that scales all constants.
    polarity : {"dark", "bright"}
        Whether particles are darker or brighter than the background.
    background : ndarray of float32, shape (n_rows, n_columns)
        In units of the image.
    noise : float
        Standard deviation of the background, in units of the image.
    is_annotated : ndarray of bool, shape (n_rows, n_columns)
        Letters, bars and their surroundings.
    scale_bar : ScaleBar or None
    notes : tuple of str
        What the user should know, one sentence each.
    """

    labels: np.ndarray
    reasons: tuple[str, ...]
    weights: np.ndarray
    size_px: float
    polarity: Polarity
    background: np.ndarray
    noise: float
    is_annotated: np.ndarray
    scale_bar: ScaleBar | None
    notes: tuple[str, ...]


def segment_particles(
    image: np.ndarray, settings: SegmentationSettings | None = None
) -> Segmentation:
    """Find the particles of an image.

    Parameters
    ----------
    image : ndarray, shape (n_rows, n_columns)
        Any unit; particles may be darker or brighter than the background. Without NaN.
    settings : SegmentationSettings, optional

    Returns
    -------
    Segmentation

    Raises
    ------
    TracesError
        If it is no image, is smaller than 32 × 32 pixels or constant, or has values that are NaN or
        infinite.

    Examples
    --------
    >>> from umlpsd_gpu.simulate.particles import simulate_particles
    >>> scene = simulate_particles("isolated", n_particles=9, n_rows=256, n_columns=256)
    >>> found = segment_particles(scene.image)
    >>> len(found.reasons) == len(scene.shapes), found.polarity
    (True, 'dark')
    """
    settings = settings or SegmentationSettings()
    values = _checked(image)
    notes: list[str] = []
    if settings.keep_annotations:
        annotations = Annotations(np.zeros(values.shape, dtype=bool), None)
    else:
        annotations = find_annotations(values)
    wanted = None if settings.polarity == "auto" else settings.polarity
    is_annotated = annotations.mask
    flat = flatten(values, is_annotated, settings.size_px, wanted)
    size_px = settings.size_px
    if size_px is None:
        flat = flatten(values, is_annotated, estimate_size(flat.values), flat.polarity)
        size_px = estimate_size(flat.values)
    if settings.method == "paper":
        labels = _renumber(segment_as_published(values, flat.polarity == "bright"))
        nothing = np.zeros(int(labels.max()) + 1, dtype=bool)
        found = _Found(flat, labels, nothing, nothing, (), False)
    else:
        is_given = settings.size_px is not None
        found = _find(values, flat, is_annotated, size_px, MOST_PARTS, is_given)
        if found.is_background and not is_given:
            size_px = size_of_blobs(values, flat.polarity)
            flat = flatten(values, is_annotated, size_px, flat.polarity)
            found = _find(values, flat, is_annotated, size_px, MOST_ON_SUPPORT, False)
            notes.append(_size_note(size_px, found.is_background))
    flat, labels, is_overlapping, is_fragment = found[:4]
    notes.extend(found.notes)
    if annotations.scale_bar is not None:
        notes.append(f"A scale bar of {annotations.scale_bar.length_px:.1f} pixels was found.")
    reasons = _reasons(labels, is_annotated, is_overlapping, is_fragment)
    weights = edge_weights(labels)
    weights[[bool(reason) for reason in reasons]] = np.nan
    return Segmentation(
        labels=labels,
        reasons=reasons,
        weights=weights,
        size_px=float(size_px),
        polarity=flat.polarity,
        background=flat.background,
        noise=flat.noise,
        is_annotated=is_annotated,
        scale_bar=annotations.scale_bar,
        notes=tuple(notes),
    )


def _checked(image: np.ndarray) -> np.ndarray:
    values = np.asarray(image)
    if values.ndim != 2 or min(values.shape) < SMALLEST_SIDE:
        raise TracesError(
            f"particles are sought in one image of at least {SMALLEST_SIDE} × {SMALLEST_SIDE} "
            f"pixels, got an array of shape {values.shape}; give a single grey image"
        )
    values = values.astype(np.float32)
    if not np.isfinite(values).all():
        raise TracesError(
            f"{int(np.count_nonzero(~np.isfinite(values))):,} pixels are NaN or infinite; crop the "
            "image to a rectangle without them"
        )
    if values.min() == values.max():
        raise TracesError("all pixels have the same value; there are no particles to find")
    return values


class _Found(NamedTuple):
    """Particles for one size: `is_background` where most of what stands out has no sharp edge."""

    flat: Flattened
    labels: np.ndarray
    is_overlapping: np.ndarray
    is_fragment: np.ndarray
    notes: tuple[str, ...]
    is_background: bool


def _find(
    values: np.ndarray,
    flat: Flattened,
    is_annotated: np.ndarray,
    size_px: float,
    most_parts: int,
    is_size_given: bool,
) -> _Found:
    """Find particles of a size that was given or estimated."""
    covered = _rough_particles(flat, is_annotated, size_px)
    halo = ndimage.maximum_filter((covered | is_annotated).view(np.uint8), 2 * HALO_PX + 1)
    flat = flatten_around(values, flat, halo.view(bool), size_px)
    foreground = find_foreground(flat, is_annotated, size_px)
    labels = split_groups(foreground, flat.values, size_px, most_parts)
    n_parts = int(labels.max())
    # who gives a size has seen what is there
    if n_parts > most_parts and not is_size_given:
        nothing = np.zeros(1, dtype=bool)
        return _Found(
            flat, np.zeros_like(labels), nothing, nothing, (_texture_note(n_parts, size_px),), False
        )
    labels = refine_outlines(labels, foreground, is_annotated)
    labels, is_fragment = rejoin(labels, foreground.smoothed, flat.noise, size_px)
    contrasts = contrasts_of(labels, foreground.smoothed)
    is_overlapping = find_overlapping(labels, foreground.smoothed, contrasts)
    is_kept = has_steps(labels, flat.values, contrasts[labels].astype(np.float32))
    n_px = np.bincount(labels.ravel(), minlength=is_kept.size)
    n_px[0] = 0
    is_gentle = ~is_kept & (n_px > 0)
    notes = []
    if is_gentle.any():
        notes.append(_gentle_note(int(np.count_nonzero(is_gentle))))
    if n_parts > most_parts:
        notes.append(_crowd_note(n_parts, size_px))
    is_present = is_kept & (n_px > 0)
    is_present[0] = True
    return _Found(
        flat,
        _renumber(np.where(is_kept[labels], labels, 0)),
        is_overlapping[is_present],
        is_fragment[is_present],
        tuple(notes),
        bool(n_px[is_gentle].sum() > n_px[is_kept].sum()),
    )


def _gentle_note(n: int) -> str:
    areas = "1 area without a sharp edge was" if n == 1 else f"{n} areas without a sharp edge were"
    return f"{areas} taken as unevenness of the background."


def _texture_note(n_parts: int, size_px: float) -> str:
    return (
        f"{n_parts:,} areas stand out, which is the texture of a support for particles of "
        f"{size_px:.0f} pixels: none was taken; give the diameter of the particles (--diameter-px)."
    )


def _crowd_note(n_parts: int, size_px: float) -> str:
    return (
        f"{n_parts:,} areas stand out for particles of {size_px:.0f} pixels, which may be the "
        "texture of a support: they were not compared, and touching particles are not told apart "
        "reliably."
    )


def _size_note(size_px: float, is_background: bool) -> str:
    doubt = ", at which most areas have no sharp edge either" if is_background else ""
    return (
        "Most of what stood out has no sharp edge, as a support has none, so that the size of the "
        f"particles is that of blobs: {size_px:.0f} pixels{doubt}. It can't be trusted: give the "
        "diameter of the particles (--diameter-px)."
    )


def _rough_particles(flat: Flattened, is_annotated: np.ndarray, size_px: float) -> np.ndarray:
    """Return pixels of particles that end in a step, so that the background can follow the rest."""
    step = 2 if size_px >= WIDE_PX else 1
    small = Flattened(
        reduce_mean(flat.values, step), flat.background, flat.polarity, flat.noise / step
    )
    annotated = reduce_mean(is_annotated.astype(np.float32), step) > 0
    found: Foreground = find_foreground(small, annotated, size_px / step)
    parts = propose(found, size_px / step)
    is_particle = has_steps(parts, small.values, found.level)[parts]
    n_rows, n_columns = flat.values.shape
    wide: np.ndarray = is_particle.repeat(step, axis=0).repeat(step, axis=1)
    return wide[:n_rows, :n_columns]


def _renumber(labels: np.ndarray) -> np.ndarray:
    n_px = np.bincount(labels.ravel())
    n_px[0] = 0
    numbers = np.zeros(n_px.size, dtype=np.int32)
    numbers[n_px > 0] = np.arange(1, np.count_nonzero(n_px) + 1)
    renumbered: np.ndarray = numbers[labels]
    return renumbered


def _reasons(
    labels: np.ndarray,
    is_annotated: np.ndarray,
    is_overlapping: np.ndarray,
    is_fragment: np.ndarray,
) -> tuple[str, ...]:
    is_cut = touches_edge(labels)
    beside = np.zeros(is_cut.size, dtype=bool)
    if is_annotated.any():
        beside[np.unique(labels[ndimage.binary_dilation(is_annotated, EIGHT, iterations=2)])] = True
    named = (
        (is_cut, CUT),
        (beside, ANNOTATED),
        (is_overlapping, OVERLAPPING),
        (is_fragment, FRAGMENT),
    )
    return tuple(
        "; ".join(reason for flags, reason in named if flags[number])
        for number in range(1, is_cut.size)
    )
