"""Split groups of touching particles where two shapes explain the pixels better than one."""

from __future__ import annotations

import heapq
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from umlpsd_gpu.images.segmentation.foreground import HALF, Foreground
from umlpsd_gpu.images.segmentation.outlines import (
    ORDERS,
    Grid,
    Outline,
    n_parameters,
    trace_outline,
)

# A candidate must be deeper than the pass to its neighbour by this share of its radius, and by as
# many pixels
LEAST_DEPTH, LEAST_DEPTH_PX = 0.06, 0.6
# Cores are above this share of the local contrast, so that narrow gaps part them
CORE_LEVEL = 0.7
# and below this share, so that overlaps part them too
LENS_LEVEL = 1.3
# Parts larger than this many circles of the particle size are no particles: they stay as they are
MOST_CIRCLES = 30.0
# Parts with less area than this share of a circle of the particle size join a neighbour
FRAGMENT_AREA = 0.1
MOST_PARTS = 4000
# Pixels around a group that its model has to explain, and the blur of the microscope
MARGIN_PX, BLUR_PX = 3, 0.8
# Slope of the coverage over the share of the contrast
STEEPNESS = 1.67
# Parts join where the BIC of one shape is lower by more than this: twice the logarithm of how much
# more often a neck parts two particles than arms of one, about 150
LEAST_GAIN = 10.0
# Added to the gain of joining a fragment
ALWAYS = 1e6
EIGHT = np.ones((3, 3), dtype=bool)


@dataclass
class _Part:
    """A candidate particle: its box in the image, and its outline."""

    box: tuple[slice, slice]
    n_px: int
    fitted: tuple[Outline, int] | None = None


def split_groups(
    found: Foreground, values: np.ndarray, size_px: float, most_parts: int = MOST_PARTS
) -> np.ndarray:
    """Tell touching particles apart.

    Parameters
    ----------
    found : Foreground
    values : ndarray of float32, shape (n_rows, n_columns)
        The flattened image.
    size_px : float
        Of the particles.
    most_parts : int
        Of proposed parts that are compared.

    Returns
    -------
    ndarray of int32, shape (n_rows, n_columns)
        From 1, without gaps; 0: background. More than ``most_parts`` parts are a texture: they are
        returned as they are, since comparing them would take minutes.
    """
    labels = propose(found, size_px)
    if labels.max() > most_parts:
        return labels
    return _Merger(labels, found, values, size_px).merge()


def propose(found: Foreground, size_px: float) -> np.ndarray:
    """Cut groups at every neck: rather too often than too seldom.

    Parameters
    ----------
    found : Foreground
    size_px : float
        Of the particles.

    Returns
    -------
    ndarray of int32, shape (n_rows, n_columns)
    """
    from skimage.segmentation import watershed

    share = found.smoothed / np.maximum(found.level, found.least)
    core = found.mask & (share > CORE_LEVEL) & (share < LENS_LEVEL)
    # what has no core is thin or faint: it stays whole
    groups, n_groups = ndimage.label(found.mask, EIGHT)
    has_core = np.zeros(n_groups + 1, dtype=bool)
    has_core[np.unique(groups[core])] = True
    core |= found.mask & ~has_core[groups]
    padded = np.pad(core, 1, mode="edge")
    depth = ndimage.distance_transform_edt(padded)[1:-1, 1:-1].astype(np.float32)
    depth = ndimage.gaussian_filter(depth, 0.02 * size_px)
    depth[~core] = 0
    is_peak = core & (depth == ndimage.maximum_filter(depth, 3))
    markers, _ = ndimage.label(is_peak, EIGHT)
    basins = watershed(-depth, markers, mask=found.mask, connectivity=1)
    return _join_shallow(np.asarray(basins, dtype=np.int32), depth)


def _join_shallow(basins: np.ndarray, depth: np.ndarray) -> np.ndarray:
    """Join neighbours whose pass is hardly lower than the lower of their peaks, highest first."""
    n = int(basins.max())
    peaks = np.zeros(n + 1)
    np.maximum.at(peaks, basins.ravel(), depth.ravel())
    pairs, passes = _passes(basins, depth)
    root = np.arange(n + 1)

    def find(number: int) -> int:
        while root[number] != number:
            root[number] = root[root[number]]
            number = int(root[number])
        return number

    for index in np.argsort(-passes, kind="stable"):
        first, second = (find(int(number)) for number in pairs[index])
        if first == second:
            continue
        low, high = sorted((first, second), key=lambda number: peaks[number])
        if peaks[low] - passes[index] < max(LEAST_DEPTH * peaks[low], LEAST_DEPTH_PX):
            root[low] = high
    numbers = np.array([find(number) for number in range(n + 1)])
    return _renumber(numbers[basins])


def _passes(basins: np.ndarray, depth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return neighbouring basins and the greatest depth at which they meet."""
    codes, heights = [], []
    n = int(basins.max()) + 1
    for first, second in (
        (np.s_[:, :-1], np.s_[:, 1:]),
        (np.s_[:-1], np.s_[1:]),
        (np.s_[:-1, :-1], np.s_[1:, 1:]),
        (np.s_[:-1, 1:], np.s_[1:, :-1]),
    ):
        one, other = basins[first], basins[second]
        meet = (one != other) & (one > 0) & (other > 0)
        low = np.minimum(one[meet], other[meet]).astype(np.int64)
        codes.append(low * n + np.maximum(one[meet], other[meet]))
        heights.append(np.minimum(depth[first][meet], depth[second][meet]))
    code, height = np.concatenate(codes), np.concatenate(heights)
    unique, places = np.unique(code, return_inverse=True)
    highest = np.zeros(unique.size)
    np.maximum.at(highest, places, height)
    return np.column_stack((unique // n, unique % n)), highest


def _renumber(labels: np.ndarray) -> np.ndarray:
    numbers, places = np.unique(labels, return_inverse=True)
    if numbers[0] != 0:
        places = places + 1
    return places.reshape(labels.shape).astype(np.int32)


class _Merger:
    """Joins neighbouring parts, best pair first, while one shape explains them better than two."""

    def __init__(
        self, labels: np.ndarray, found: Foreground, values: np.ndarray, size_px: float
    ) -> None:
        self.labels, self.values = labels, values
        share = found.smoothed / np.maximum(found.level, found.least)
        # steep, so that the noise of background and particles has no say
        self.coverage = np.clip(STEEPNESS * (share - HALF) + HALF, 0, 1)
        self.most_px = MOST_CIRCLES * np.pi / 4 * size_px**2
        self.weight = 1.0 / found.noise_area_px
        self.fragment_px = FRAGMENT_AREA * np.pi / 4 * size_px**2
        n_px = np.bincount(labels.ravel())
        boxes = ndimage.find_objects(labels)
        self.parts = {
            number: _Part(box, int(n_px[number])) for number, box in enumerate(boxes, start=1)
        }

    def merge(self) -> np.ndarray:
        """Return labels from 1, without gaps."""
        pairs, _ = _passes(self.labels, self.coverage)
        neighbours: dict[int, set[int]] = {number: set() for number in self.parts}
        queue: list[tuple[float, int, int]] = []
        latest: dict[tuple[int, int], float] = {}

        def test(one: int, other: int) -> None:
            pair = min(one, other), max(one, other)
            latest[pair] = self._compare(*pair)
            if latest[pair] > LEAST_GAIN:
                heapq.heappush(queue, (-latest[pair], *pair))

        for first, second in pairs.tolist():
            neighbours[first].add(second)
            neighbours[second].add(first)
            test(first, second)
        while queue:
            loss, kept, gone = heapq.heappop(queue)
            # older results stay in the queue
            if latest.get((kept, gone)) != -loss:
                continue
            self._join(kept, gone)
            around = (neighbours[kept] | neighbours.pop(gone)) - {kept, gone}
            for other in sorted(around):
                latest.pop((min(gone, other), max(gone, other)), None)
                neighbours[other].discard(gone)
                neighbours[other].add(kept)
                test(kept, other)
            neighbours[kept] = around
            del latest[kept, gone]
        return _renumber(self.labels)

    def _join(self, kept: int, gone: int) -> None:
        box = self.parts[gone].box
        self.labels[box][self.labels[box] == gone] = kept
        one, other = self.parts[kept], self.parts.pop(gone)
        self.parts[kept] = _Part(_union(one.box, other.box), one.n_px + other.n_px)

    def _compare(self, first: int, second: int) -> float:
        """Return by how much the BIC is lower with one shape."""
        one, other = self.parts[first], self.parts[second]
        if one.n_px + other.n_px > self.most_px:
            return -np.inf
        box, domain = self._surroundings(_union(one.box, other.box), (first, second))
        data, grid = self._pixels(box, domain)
        union = trace_outline(self.coverage[box] * domain, box[0].start, box[1].start)
        bic_one, _ = _best_order(data, grid, union, self.weight)
        fits = [self._fit(number, part) for number, part in ((first, one), (second, other))]
        pair = [grid.cover(outline, (order,))[0] for outline, order in fits]
        # a gap is paler than both, an overlap darker
        covers = np.stack([*pair, 4.0 * pair[0] * pair[1]])
        n_free = sum(n_parameters(order) for _, order in fits) + 3
        gain = _bic(data, covers, n_free, self.weight) - bic_one
        if min(one.n_px, other.n_px) < self.fragment_px:
            gain += ALWAYS
        return gain

    def _fit(self, number: int, part: _Part) -> tuple[Outline, int]:
        """Return the outline of a part and its highest harmonic."""
        if part.fitted is None:
            box, domain = self._surroundings(part.box, (number,))
            data, grid = self._pixels(box, domain)
            outline = trace_outline(self.coverage[box] * domain, box[0].start, box[1].start)
            part.fitted = outline, _best_order(data, grid, outline, self.weight)[1]
        return part.fitted

    def _surroundings(
        self, box: tuple[slice, slice], numbers: tuple[int, ...]
    ) -> tuple[tuple[slice, slice], np.ndarray]:
        """Return a wider box, and the pixels of parts with the background around them."""
        rows, columns = (
            slice(max(s.start - MARGIN_PX, 0), min(s.stop + MARGIN_PX, n))
            for s, n in zip(box, self.labels.shape, strict=True)
        )
        labels = self.labels[rows, columns]
        own = labels == numbers[0]
        for number in numbers[1:]:
            own |= labels == number
        side = 2 * MARGIN_PX + 1
        near = ndimage.maximum_filter(own.view(np.uint8), side).view(bool)
        return (rows, columns), near & (own | (labels == 0))

    def _pixels(self, box: tuple[slice, slice], domain: np.ndarray) -> tuple[np.ndarray, Grid]:
        rows, columns = np.nonzero(domain)
        data = self.values[box][rows, columns].astype(np.float64)
        return data, Grid(rows + box[0].start, columns + box[1].start, BLUR_PX)


def _best_order(data: np.ndarray, grid: Grid, outline: Outline, weight: float) -> tuple[float, int]:
    """Return the lowest BIC of an outline, and its highest harmonic."""
    covers = grid.cover(outline)
    squares = np.einsum("ij,ij->i", covers, covers)
    explained = np.square(covers @ data) / np.maximum(squares, 1e-12)
    n_free = np.array([n_parameters(order) + 1 for order in ORDERS])
    bics = _bic_of(float(data @ data) - explained, data.size, n_free, weight)
    best = int(np.argmin(bics))
    return float(bics[best]), ORDERS[best]


def _bic(data: np.ndarray, covers: np.ndarray, n_free: int, weight: float) -> float:
    """Return the BIC of covers with the levels that suit them best."""
    gram = covers @ covers.T
    gram[np.diag_indices_from(gram)] += 1e-9 * np.trace(gram) + 1e-12
    residual = data - np.linalg.solve(gram, covers @ data) @ covers
    return float(_bic_of(residual @ residual, data.size, np.array(n_free), weight))


def _bic_of(squares: np.ndarray, n: int, n_free: np.ndarray, weight: float) -> np.ndarray:
    """Return BICs; a weight below 1 says that the noise of neighbours is correlated."""
    n_independent = max(weight * n, 2.0)
    spread = np.maximum(squares / n, 1e-12)
    bics: np.ndarray = n_independent * np.log(spread) + n_free * np.log(n_independent)
    return bics


def _union(one: tuple[slice, slice], other: tuple[slice, slice]) -> tuple[slice, slice]:
    rows, columns = (
        slice(min(a.start, b.start), max(a.stop, b.stop)) for a, b in zip(one, other, strict=True)
    )
    return rows, columns
