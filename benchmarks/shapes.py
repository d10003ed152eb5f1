"""Errors, coverage and time of super-ellipses fitted to simulated particles.

    python benchmarks/shapes.py --out benchmarks/results/shapes.md

The images are made by counting points inside the shape; masks are cut from the noisy image, and
noise and point-spread function are estimated from it, as in an analysis.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import date
from itertools import pairwise
from pathlib import Path

import numpy as np
from scipy import ndimage
from scipy.special import erf

from umlpsd_gpu.shapes.pixel_fit import fit_shapes
from umlpsd_gpu.shapes.pixel_model import blur_table, nodes_per_quarter, render_model
from umlpsd_gpu.shapes.shape_fits import CIRCLE, IRREGULAR, ShapeFits
from umlpsd_gpu.shapes.superellipse import SuperEllipse, radii
from umlpsd_gpu.simulate.particle_shapes import SimulatedShapes, render_coverage, simulate_shapes

# Seeds below 1,000 were used while the fit was made
FIRST_SEED = 1000
PER_IMAGE = 300
P_BINS = 0.7, 1.0, 1.7, 2.3, 4.0, 7.0, 10.0, 15.0
PSF_PX = 0.8


@dataclass(frozen=True)
class Found:
    """Fits and truth of many particles, one row each."""

    d: np.ndarray
    p: np.ndarray
    l_ratio: np.ndarray
    size_px: np.ndarray
    found_d: np.ndarray
    found_p: np.ndarray
    found_l: np.ndarray
    held: np.ndarray  # (n, 3): whether the intervals of ln p, ln L and size hold the truth
    is_lower_bound: np.ndarray
    outcome: np.ndarray
    jaccard: np.ndarray  # with the true mask
    jaccard_of_mask: np.ndarray
    chi2_per_px: np.ndarray
    delta_chi2: np.ndarray
    psf_px: np.ndarray

    @property
    def is_right(self) -> np.ndarray:
        return self.d == self.found_d


def main() -> None:
    """Measure and write the report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shapes", type=int, default=2100)
    parser.add_argument("--others", type=int, default=600, help="shapes of each other test")
    parser.add_argument("--seed", type=int, default=FIRST_SEED)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    text = "\n".join(report(options)) + "\n"
    if options.out is None:
        print(text)
    else:
        options.out.write_text(text, encoding="utf-8")


def masks_of(made: SimulatedShapes) -> np.ndarray:
    """Return labels cut from the noisy image at the half level; those of the truth where empty."""
    recipe = made.recipe
    smooth = ndimage.gaussian_filter(made.image, 1.0)
    above = (smooth - recipe.background) / recipe.contrast > 0.5
    pieces, _ = ndimage.label(above)
    labels = np.zeros_like(made.labels)
    for number, box in enumerate(ndimage.find_objects(made.labels), start=1):
        if box is None:
            continue
        inside = pieces[box][made.labels[box] == number]
        counts = np.bincount(inside[inside > 0], minlength=1)
        if counts.size > 1:
            wide = tuple(slice(max(each.start - 3, 0), each.stop + 3) for each in box)
            labels[wide][pieces[wide] == counts.argmax()] = number
        else:
            labels[made.labels == number] = number
    return labels


def measure(n_shapes: int, seed: int, taken_psf_px: float | None = None, **recipe: object) -> Found:
    """Simulate and fit particles, an image for every 300; None: the PSF is estimated."""
    parts = []
    for first in range(0, n_shapes, PER_IMAGE):
        n = min(PER_IMAGE, n_shapes - first)
        made = simulate_shapes(n_shapes=n, seed=seed + first // PER_IMAGE, **recipe)
        fits = fit_shapes(made.image, masks_of(made), taken_psf_px)
        parts.append(compare(made, fits))
        print(f"{recipe} {first + n}: d {parts[-1].is_right.mean():.3f}", file=sys.stderr)
    names = [each.name for each in fields(Found)]
    return Found(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def compare(made: SimulatedShapes, fits: ShapeFits) -> Found:
    """Put fits and truth next to each other."""
    shapes = [made.shapes[label - 1] for label in fits.labels]
    d, p, l_ratio, size = (
        np.array([getattr(shape, name) for shape in shapes])
        for name in ("d", "p", "l_ratio", "size_px")
    )
    intervals = (
        (fits.ln_p_interval, np.log(p)),
        (fits.ln_l_interval, np.log(l_ratio)),
        (fits.size_px_interval, size),
    )
    held = [(ends[:, 0] <= true) & (true <= ends[:, 1]) for ends, true in intervals]
    overlap = [overlap_of(shape, fits.shape(number)) for number, shape in enumerate(shapes)]
    return Found(
        *(d, p, l_ratio, size, fits.d, fits.p, fits.l_ratio, np.stack(held, axis=1)),
        *(fits.p_is_lower_bound, fits.outcome, np.array(overlap), fits.jaccard),
        *(fits.chi2_per_px, fits.runner_up_delta_chi2, np.full(len(d), fits.psf_px)),
    )


def overlap_of(one: SuperEllipse, other: SuperEllipse) -> float:
    """Return the Jaccard index of two shapes, by points four to a pixel."""
    reach = 1.5 * radii(one, np.linspace(0, 2 * np.pi, 721)).max() + 1
    steps = np.arange(-reach, reach, 0.5)
    y, x = one.row + steps[:, None], one.column + steps

    def inside(shape: SuperEllipse) -> np.ndarray:
        rows, columns = y - shape.row, x - shape.column
        return np.hypot(rows, columns) <= radii(shape, np.arctan2(rows, columns))

    a, b = inside(one), inside(other)
    return float(np.count_nonzero(a & b) / max(np.count_nonzero(a | b), 1))


def irregular_share(seed: int, n: int = 100) -> float:
    """Return the share of shapes outside the family that are called irregular: L, U and pairs."""
    rng = np.random.default_rng(seed)
    side, n_across = 70, 10
    cover = np.zeros((side * -(-n // n_across), side * n_across))
    y, x = np.mgrid[:side, :side] - side / 2 + 0.5
    for number in range(n):
        turn, width, length = rng.uniform(0, 2 * np.pi), rng.uniform(6, 10), rng.uniform(16, 22)
        u, v = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
        if number % 3 == 0:
            shape = (np.abs(u) < length) & (np.abs(v) < length)
            shape &= ~((u > width - length) & (v > width - length))
        elif number % 3 == 1:
            shape = (np.abs(u) < length) & (np.abs(v) < length)
            shape &= ~((u > width - length) & (np.abs(v) < length - width))
        else:
            shape = np.hypot(u - length / 2, v) < 0.55 * length
            shape |= np.hypot(u + length / 2, v - 3) < 0.7 * length
        top, left = side * (number // n_across), side * (number % n_across)
        cover[top : top + side, left : left + side] = shape
    image = 1500 - 600 * ndimage.gaussian_filter(cover, PSF_PX)
    image += 600 / 7 * rng.standard_normal(image.shape)
    labels, _ = ndimage.label(cover > 0.5)
    return float(np.mean(fit_shapes(image, labels, PSF_PX).outcome == IRREGULAR))


def measure_time(seed: int, n_repeats: int = 7) -> list[tuple[float, float, float, float]]:
    """Return seconds and processor seconds for 300 particles, PSF known and then estimated."""
    made = simulate_shapes(n_shapes=PER_IMAGE, seed=seed)
    labels = masks_of(made)
    fit_shapes(made.image, labels, PSF_PX)  # fills the dictionary
    found = []
    for _ in range(n_repeats):
        clocks = [(time.perf_counter(), time.process_time())]
        for psf_px in (PSF_PX, None):
            fit_shapes(made.image, labels, psf_px)
            clocks.append((time.perf_counter(), time.process_time()))
        (known, known_cpu), (estimated, estimated_cpu) = np.diff(clocks, axis=0)
        found.append((known, known_cpu, estimated, estimated_cpu))
    return found


def headline(found: Found) -> tuple[float, float, float, float]:
    """Return the share of right d, the median errors of p and L where it is, and the overlap."""
    right = found.is_right
    return (
        float(np.mean(right)),
        float(np.median(np.abs(found.found_p / found.p - 1)[right])),
        float(np.median(np.abs(found.found_l / found.l_ratio - 1)[right])),
        float(np.mean(found.jaccard)),
    )


def report(options: argparse.Namespace) -> Iterator[str]:
    """Yield the lines of the report."""
    seed, n = options.seed, options.shapes
    found = measure(n, seed)
    share, p_error, l_error, jaccard = headline(found)
    yield "# Super-ellipses fitted to pixels"
    yield ""
    yield (
        f"{date.today()}, {platform.machine()}, {os.cpu_count()} cores; made by "
        f"`python benchmarks/shapes.py --shapes {n} --others {options.others} --seed {seed}`. "
        f"{n:,} simulated shapes, {PER_IMAGE} to an image: d 1…6, p log-uniform 0.7…15, L 1…3, any "
        "rotation, twice the largest radius 20…50 px, contrast to noise 7 (half of it Poisson "
        "noise), PSF 0.8 px. Masks are cut from the noisy images; noise and PSF are estimated from "
        "them. Seeds below 1,000 were used while the fit was made, others never."
    )
    yield ""
    yield "| what | found | required |"
    yield "|---|---|---|"
    yield f"| right d | {share:.4f} | ≥ 0.98 |"
    yield f"| p, median relative error where d is right | {p_error:.4f} | ≤ 0.03 |"
    yield f"| L, median relative error where d is right | {l_error:.4f} | ≤ 0.02 |"
    yield f"| Jaccard index with the true shape, mean | {jaccard:.4f} | ≥ 0.97 |"
    yield f"| Jaccard index with the given mask, mean | {found.jaccard_of_mask.mean():.4f} | |"
    yield f"| χ² per pixel, mean | {found.chi2_per_px.mean():.4f} | 1 |"
    psf = np.unique(found.psf_px)
    yield f"| PSF, smallest and largest estimate | {psf.min():.3f}, {psf.max():.3f} px | 0.8 px |"
    yield f"| called circle or irregular | {np.mean(found.outcome == CIRCLE):.4f}, " + (
        f"{np.mean(found.outcome == IRREGULAR):.4f} | |"
    )
    wrong = found.delta_chi2[~found.is_right]
    doubt = np.mean(wrong < 10) if wrong.size else np.nan
    warned = np.mean(found.delta_chi2[found.is_right] < 10)
    yield f"| wrong d whose runner-up is within Δχ² 10, of all wrong ones | {doubt:.2f} | |"
    yield f"| right d whose runner-up is within Δχ² 10 | {warned:.4f} | |"
    yield ""
    yield from intervals_by_p(found)
    yield ""
    yield from other_conditions(options)
    yield ""
    yield from biases_of_models()
    yield ""
    yield from kinds_and_times(seed)


def intervals_by_p(found: Found) -> Iterator[str]:
    """Yield the table of the bins of p."""
    yield (
        "Share of 95 % intervals that hold the truth, required 0.92…0.98, where d is right and the "
        "particle isn't called a circle; in brackets its standard error."
    )
    yield ""
    yield "| p | shapes | p, median relative error | ln p | ln L | size | only a lower bound |"
    yield "|---|---|---|---|---|---|---|"
    for low, high in pairwise(P_BINS):
        use = found.is_right & (found.p >= low) & (found.p < high) & (found.outcome != CIRCLE)
        held, m = found.held[use].mean(axis=0), int(use.sum())
        error = np.median(np.abs(found.found_p / found.p - 1)[use])
        cells = " | ".join(f"{h:.3f} ({np.sqrt(h * (1 - h) / m):.3f})" for h in held)
        bound = found.is_lower_bound[use].mean()
        yield f"| {low}…{high} | {m} | {error:.4f} | {cells} | {bound:.3f} |"


def other_conditions(options: argparse.Namespace) -> Iterator[str]:
    """Yield the table of other images and of wrong PSFs."""
    n, seed = options.others, options.seed + 500
    small = {"diameter_px_range": (10.0, 20.0), "contrast_to_noise": 5.0}
    cases = (
        ("contrast to noise 7, as above", None, {}),
        ("contrast to noise 3", None, {"contrast_to_noise": 3.0}),
        ("contrast to noise 20", None, {"contrast_to_noise": 20.0}),
        ("10…20 px, contrast to noise 5", None, small),
        ("PSF of 1.5 px", None, {"psf_px": 1.5}),
        ("PSF taken as 0.5 px instead of 0.8", 0.5, {}),
        ("PSF taken as 1.2 px instead of 0.8", 1.2, {}),
    )
    yield f"Other images, {n} shapes each:"
    yield ""
    yield (
        "| images | right d | p error | L error | Jaccard | ln p held | p of 7…15, median found "
        "over true | PSF | χ² per pixel |"
    )
    yield "|---|---|---|---|---|---|---|---|---|"
    for name, psf_px, recipe in cases:
        found = measure(n, seed, psf_px, **recipe)
        share, p_error, l_error, jaccard = headline(found)
        use = found.is_right & (found.outcome != CIRCLE)
        sharp = use & (found.p > 7)
        ratio = np.median(found.found_p[sharp] / found.p[sharp])
        yield (
            f"| {name} | {share:.3f} | {p_error:.3f} | {l_error:.3f} | {jaccard:.3f} | "
            f"{found.held[use, 0].mean():.3f} | {ratio:.3f} | {np.median(found.psf_px):.2f} | "
            f"{found.chi2_per_px.mean():.3f} |"
        )


def biases_of_models() -> Iterator[str]:
    """Yield how far two models of pixels are from counted ones, and what that does to ln p."""
    yield (
        "Models of a pixel without noise, against 24 × 24 points counted in each: largest error of "
        "the covered share, and the error of ln p that follows; last, the standard deviation of "
        "ln p at contrast to noise 7. “Distance” is the error function of (R(θ) − r) · cos(tilt) "
        "for the PSF and the pixel; “outline” is the integral along the outline that is used."
    )
    yield ""
    yield "| d, p, L, size in px | distance: share | ln p | outline: share | ln p | sd of ln p |"
    yield "|---|---|---|---|---|---|"
    for d, p, l_ratio, size in (
        (2, 2.0, 1.5, 18.0),
        (2, 12.0, 1.5, 16.0),
        (4, 10.0, 2.0, 20.0),
        (6, 14.0, 1.3, 24.0),
        (3, 0.75, 1.2, 20.0),
        (6, 0.7, 1.0, 18.0),
    ):
        shape = SuperEllipse(30.3, 29.8, size, d, p, l_ratio, 0.37)
        counted = render_coverage(shape, (60, 60), PSF_PX, oversampling=24)
        own = np.array([30.3, 29.8, np.log(size), np.log(p), np.log(l_ratio), 0.37])
        nodes = int(nodes_per_quarter(own[None], np.array([d]), PSF_PX)[0])
        cover, slopes = render_model(own, d, nodes, (60, 60), blur_table(PSF_PX))
        jacobian = slopes.reshape(6, -1)
        inverse = np.linalg.pinv(jacobian @ jacobian.T, rcond=1e-10)
        cells = []
        for model in (distance_model(shape), cover):
            error = model - counted
            shift = -(inverse @ jacobian @ error.ravel())[3]
            cells += [f"{np.abs(error).max():.4f}", f"{shift:+.4f}"]
        sd = np.sqrt(inverse[3, 3]) / 7
        yield f"| {d}, {p:g}, {l_ratio:g}, {size:g} | {' | '.join(cells)} | {sd:.4f} |"


def distance_model(shape: SuperEllipse) -> np.ndarray:
    """Return covered shares from the distance to the outline along rays, corrected for its tilt."""
    y, x = np.mgrid[:60, :60]
    angle = np.arctan2(y - shape.row, x - shape.column)
    radius, step = radii(shape, angle), 1e-5
    slope = (radii(shape, angle + step) - radii(shape, angle - step)) / (2 * step) / radius
    distance = (radius - np.hypot(y - shape.row, x - shape.column)) / np.hypot(1, slope)
    return 0.5 * (1 + erf(distance / np.sqrt(2 * (PSF_PX**2 + 1 / 12))))


def kinds_and_times(seed: int) -> Iterator[str]:
    """Yield what circles and irregular shapes are called, and the times."""
    circles = measure(200, seed + 700, p_range=(2.0, 2.0), l_range=(1.0, 1.0))
    share = np.mean(circles.outcome == CIRCLE)
    error, irregular = np.abs(circles.found_p - 2).max(), irregular_share(seed + 800)
    plain = {"p_range": (4.0, 10.0), "l_range": (1.0, 1.0), "d_range": (2, 2)}
    squares = measure(200, seed + 720, **plain)
    ellipses = measure(200, seed + 740, p_range=(2.0, 2.0), l_range=(1.2, 2.0), d_range=(2, 2))
    yield (
        "Curves that another d describes nearly as well: 200 squares with round corners (d = 2, "
        f"L = 1, p 4…10), {np.mean(squares.is_right):.1%} with the right d, median relative error "
        f"of p {headline(squares)[1]:.3f}; 200 ellipses (d = 2, p = 2, L 1.2…2), "
        f"{np.mean(ellipses.is_right):.1%} with the right d."
    )
    yield ""
    yield (
        f"200 circles: {share:.1%} are called circle (largest |p − 2| {error:.2f}). 100 shapes "
        f"outside the family (L, U, two merged discs): {irregular:.0%} are called "
        "irregular."
    )
    times = np.array(measure_time(seed + 900))
    (known, known_cpu, estimated, estimated_cpu), quickest = (
        np.median(times, axis=0),
        times.min(axis=0),
    )
    yield ""
    yield (
        "300 particles in one image of 1,260 × 1,190 pixels, two threads, PSF known: "
        f"{known:.2f} s (quickest {quickest[0]:.2f} s; processor time {known_cpu:.2f} s); required "
        f"2 s on 2 cores. With the PSF estimated: {estimated:.2f} s (quickest {quickest[2]:.2f} s; "
        f"processor time {estimated_cpu:.2f} s). 42,650 particles: "
        f"{known_cpu / 300 * 42650 / 60:.1f} minutes of processor time. Medians of {len(times)}; "
        f"other programs were running, and the load of the machine was {os.getloadavg()[0]:.1f}."
    )


if __name__ == "__main__":
    main()
