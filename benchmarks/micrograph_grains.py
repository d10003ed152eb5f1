"""Grains of known lattices: pixels in the right grain, spacings and angles against their errors.

Part of benchmarks/micrographs.py. Nothing in the analysis was chosen with these figures.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.optimize import linear_sum_assignment

from umlpsd_gpu import Micrograph, MicrographStudy, run_micrograph
from umlpsd_gpu.analyses.micrographs.validation import find_regions
from umlpsd_gpu.simulate.micrographs import SimulatedMicrograph, simulate_micrograph

SIZE = 1024
# A spot this near to a line of the lattice is that of the line, in steps of the transform
SAME_SPOT = 1.5
NORMAL_975 = 1.96


def report_grains(seeds: range, signals: tuple[float, ...]) -> Iterator[str]:
    """Yield how well grains and their lattices are found, at the true number."""
    yield from ("", "## Pixels, spacings and angles", "")
    yield (
        f"{SIZE} × {SIZE} pixels, K 2…5 grains, {len(seeds)} seeds, analysed at the true number. "
        "Pixels near a border between grains, at most half a window from it, are counted as well."
    )
    yield ""
    yield (
        "| SNR | pixels right, mean (least) | … away from borders | lattice lines found | spots "
        "that are no line | spacings in the 95 % interval | angles in it | spacing, rms | "
        "angle, rms |"
    )
    yield "|---|---|---|---|---|---|---|---|---|"
    for signal in signals:
        yield _row(signal, [_compare(k, signal, seed) for seed in seeds for k in range(2, 6)])


def _row(signal: float, scenes: list[dict]) -> str:
    pixels, inner = (np.array([scene[name] for scene in scenes]) for name in ("all", "inner"))
    lines = [line for scene in scenes for line in scene["lines"]]
    deviations = np.array([line for line in lines if line is not None])
    spacing, spacing_error, angle, angle_error, length = deviations.T
    held = (np.abs(spacing) <= NORMAL_975 * spacing_error).mean()
    angles_held = (np.abs(angle) <= NORMAL_975 * angle_error).mean()
    n_false = sum(scene["false"] for scene in scenes)
    return (
        f"| {signal:g} | {100 * pixels.mean():.1f} % ({100 * pixels.min():.1f} %) | "
        f"{100 * inner.mean():.1f} % | {len(deviations)} of {len(lines)} | {n_false} | "
        f"{100 * held:.0f} % | {100 * angles_held:.0f} % | "
        f"{100 * np.sqrt(np.mean((spacing / length) ** 2)):.2f} % | "
        f"{np.sqrt(np.mean(angle**2)):.2f}° |"
    )


def _compare(k: int, signal: float, seed: int) -> dict:
    scene = simulate_micrograph(n_grains=k, size=SIZE, signal_to_noise=signal, seed=seed)
    study = run_micrograph(Micrograph(scene.image), k=k)
    regions = find_regions(study)
    table = np.zeros((k, k))
    np.add.at(table, (scene.grains.ravel(), regions.ravel()), 1)
    component_of = linear_sum_assignment(-table)[1]
    is_right = component_of[scene.grains] == regions
    lines = [
        _find(study, int(component_of[grain]), spacing, angle)
        for grain, lattice in enumerate(scene.lattices)
        for spacing, angle in zip(lattice.spacings_px, lattice.angles_deg, strict=True)
    ]
    n_found = sum(line is not None for line in lines)
    return {
        "all": is_right.mean(),
        "inner": is_right[_inner(scene, study.settings.micrograph.window // 2)].mean(),
        "lines": lines,
        "false": len(study.spots) - n_found,
    }


def _inner(scene: SimulatedMicrograph, distance: int) -> np.ndarray:
    from scipy.ndimage import maximum_filter, minimum_filter

    size = 2 * distance + 1
    return maximum_filter(scene.grains, size) == minimum_filter(scene.grains, size)


def _find(
    study: MicrographStudy, component: int, spacing: float, angle: float
) -> tuple[float, ...] | None:
    """Return deviations of spacing and angle of the nearest spot, each with its error."""
    window = study.settings.micrograph.window
    nearest, least = None, SAME_SPOT
    for spot in study.spots:
        if spot.component != component + 1:
            continue
        turn = (spot.angle_deg - angle + 90) % 180 - 90
        along = window / spot.spacing_px - window / spacing
        apart = float(np.hypot(along, window / spacing * np.radians(turn)))
        if apart < least:
            least = apart
            nearest = (
                spot.spacing_px - spacing,
                spot.spacing_error_px,
                turn,
                spot.angle_error_deg,
                spacing,
            )
    return nearest
