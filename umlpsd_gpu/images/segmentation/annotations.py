"""Annotations that were burnt into an image: scale bars, letters, banners."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

# Values closer to the extreme than this share of the range belong to it: JPEG changes flat areas
EXTREME_SHARE = 0.02
# An extreme that no annotation needs more of: at least this share of the range from the median
LEAST_CONTRAST = 0.2
# Beside letters and bars, this share of the extreme will do: small letters are smoothed
BESIDE_SHARE = 0.6
# Text is at most this far from its bar, in pixels
TEXT_PX = 24
# Smallest part of an annotation, smallest and largest of its neighbours such as dots, in pixels
LEAST_AREA_PX, LEAST_DOT_PX, MOST_LETTER_PX = 12, 4, 1000
# Letters are at most twice this far from each other; the smallest text or bar, in pixels
APART_PX, LEAST_TEXT_PX = 5, 40
# Drawn edges are sharp: at 2 and 3 pixels outside at most this share of the pixels is still
# close to the extreme: above the second share of its distance from the median
MOST_SHOULDER, SHOULDER = 0.35, 0.65
# Letters and lines are thin: the largest inscribed radius over the height of the box, or its width
THIN_SHARE = 0.16
# Bars and banners fill their boxes
FULL_SHARE = 0.95
# Length of a bar over its thickness, and its least length as a share of the width of the image
BAR_ASPECT, BAR_SHARE = 3.0, 0.02
# Annotations are grown by this, for what smoothing and JPEG leave around them
GROWN_PX = 2
EIGHT = np.ones((3, 3), dtype=bool)


@dataclass(frozen=True)
class ScaleBar:
    """A horizontal bar of known place.

    Attributes
    ----------
    row, column : int
        Of its upper left corner.
    length_px : float
        Sub-pixel where its ends are smoothed.
    thickness_px : int
    """

    row: int
    column: int
    length_px: float
    thickness_px: int


@dataclass(frozen=True)
class Annotations:
    """What was burnt into an image.

    Attributes
    ----------
    mask : ndarray of bool, shape (n_rows, n_columns)
        Annotated pixels and their surroundings.
    scale_bar : ScaleBar or None
    """

    mask: np.ndarray
    scale_bar: ScaleBar | None


def find_annotations(image: np.ndarray) -> Annotations:
    """Find scale bars, letters and banners: flat areas of an extreme value with sharp edges.

    Parameters
    ----------
    image : ndarray, shape (n_rows, n_columns)
        Without NaN.

    Returns
    -------
    Annotations
    """
    values = np.asarray(image, dtype=np.float32)
    low, high, median = float(values.min()), float(values.max()), float(np.median(values))
    mask = np.zeros(values.shape, dtype=bool)
    bar: ScaleBar | None = None
    for extreme in (high, low):
        if abs(extreme - median) < LEAST_CONTRAST * (high - low):
            continue
        nearness = (values - median) / (extreme - median)
        tolerance = EXTREME_SHARE * (high - low) / abs(extreme - median)
        drawn = _drawn(nearness, nearness >= 1 - tolerance)
        mask |= drawn
        found = _longest_bar(nearness, drawn)
        if found is not None and (bar is None or found.length_px > bar.length_px):
            bar = found
    if mask.any():
        mask = ndimage.binary_dilation(mask, EIGHT, iterations=GROWN_PX)
    return Annotations(mask, bar)


def find_scale_bar(image: np.ndarray) -> ScaleBar | None:
    """Find the burnt-in scale bar: its length gives the pixel size once its text is known.

    Parameters
    ----------
    image : ndarray, shape (n_rows, n_columns)
        Without NaN.

    Returns
    -------
    ScaleBar or None
        The longest one.
    """
    return find_annotations(image).scale_bar


def _drawn(nearness: np.ndarray, is_extreme: np.ndarray) -> np.ndarray:
    """Return the extreme pixels that belong to annotations."""
    labels, n_labels = ndimage.label(is_extreme, EIGHT)
    sizes = np.bincount(labels.ravel(), minlength=n_labels + 1)
    is_drawn = np.zeros(n_labels + 1, dtype=bool)
    boxes = ndimage.find_objects(labels)
    reach = np.zeros(labels.shape, dtype=bool)
    fills = np.zeros(labels.shape, dtype=bool)
    for number in np.flatnonzero(sizes >= LEAST_AREA_PX):
        if number == 0:
            continue
        box = boxes[number - 1]
        part = labels[box] == number
        is_full, is_thin = _form(part)
        if (is_full or is_thin) and _is_sharp(nearness, labels, int(number), box):
            is_drawn[number] = True
            fills[box] |= ndimage.binary_fill_holes(part) if is_full else part
            # text stands beside its first letter found, and above or below its bar
            reach[_around(box, TEXT_PX if is_full else part.shape[0])] = True
    # dots, and letters of which no pixel is at the extreme
    beside, n_beside = ndimage.label(nearness >= BESIDE_SHARE, EIGHT)
    n_px = np.bincount(beside.ravel(), minlength=n_beside + 1)
    near = np.unique(beside[reach])
    near = near[(n_px[near] >= LEAST_DOT_PX) & (n_px[near] < MOST_LETTER_PX) & (near > 0)]
    is_near = np.zeros(n_beside + 1, dtype=bool)
    is_near[near] = True
    # a letter over a bright particle is connected to it
    is_near &= np.bincount(beside[reach], minlength=n_beside + 1) >= 0.5 * n_px
    return _without_specks(is_drawn[labels] | is_near[beside] | fills)


def _around(box: tuple[slice, slice], distance: int) -> tuple[slice, slice]:
    rows, columns = (slice(max(s.start - distance, 0), s.stop + distance) for s in box)
    return rows, columns


def _without_specks(drawn: np.ndarray) -> np.ndarray:
    """Drop what is small and alone: saturated noise."""
    groups, _ = ndimage.label(ndimage.maximum_filter(drawn.view(np.uint8), 2 * APART_PX + 1), EIGHT)
    is_large = np.bincount(groups[drawn], minlength=int(groups.max()) + 1) >= LEAST_TEXT_PX
    is_large[0] = False
    kept: np.ndarray = drawn & is_large[groups]
    return kept


def _form(part: np.ndarray) -> tuple[bool, bool]:
    """Return whether a part fills its box as bars do, and whether it is thin as letters are."""
    height, width = part.shape
    filled = ndimage.binary_fill_holes(part)
    is_full = filled.mean() >= FULL_SHARE and max(height, width) >= BAR_ASPECT * min(height, width)
    radius = float(ndimage.distance_transform_edt(np.pad(part, 1)).max())
    is_thin = radius <= max(THIN_SHARE * max(height, width), 1.5) and max(height, width) >= 5
    return bool(is_full), bool(is_thin)


def _is_sharp(
    nearness: np.ndarray, labels: np.ndarray, number: int, box: tuple[slice, slice]
) -> bool:
    wide = tuple(slice(max(s.start - 4, 0), s.stop + 4) for s in box)
    own = labels[wide] == number
    inner = ndimage.binary_dilation(own, EIGHT)
    ring = ndimage.binary_dilation(inner, EIGHT, iterations=2) & ~inner
    ring &= labels[wide] == 0
    if not ring.any():
        return False
    return bool((nearness[wide][ring] > SHOULDER).mean() <= MOST_SHOULDER)


def _longest_bar(nearness: np.ndarray, drawn: np.ndarray) -> ScaleBar | None:
    """Return the longest drawn part that is a horizontal bar, perhaps with ticks at its ends."""
    labels, _ = ndimage.label(drawn, EIGHT)
    best: ScaleBar | None = None
    for number, box in enumerate(ndimage.find_objects(labels), start=1):
        part = labels[box] == number
        height, width = part.shape
        is_row_full = part.mean(axis=1) >= FULL_SHARE
        thickness = int(np.count_nonzero(is_row_full))
        is_long = width >= max(BAR_ASPECT * height, BAR_SHARE * drawn.shape[1], 10)
        # a bar that is as wide as the image is a frame or a banner
        if not thickness or not is_long or width > 0.9 * drawn.shape[1]:
            continue
        row = box[0].start + int(np.flatnonzero(is_row_full)[thickness // 2])
        length = width + _partial(nearness, row, box[1].start - 1)
        length += _partial(nearness, row, box[1].stop)
        if best is None or length > best.length_px:
            best = ScaleBar(box[0].start, box[1].start, length, thickness)
    return best


def _partial(nearness: np.ndarray, row: int, column: int) -> float:
    """Return how much of the pixel beyond the end of a bar it covers."""
    if not 0 <= column < nearness.shape[1]:
        return 0.0
    share = float(nearness[row, column])
    # below this it is the noise of the image
    return share if share > 0.5 else 0.0
