"""Simulated X-ray spectrum images with known truth: wires of AuIn2 on InSb, and carbon."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.ndimage import gaussian_filter

from umlpsd_gpu.errors import SettingsError
from umlpsd_gpu.simulate.files import require_free, truth_paths, write_with_truth
from umlpsd_gpu.simulate.xray_spectra import draw_line_factors
from umlpsd_gpu.xrays.families import Family
from umlpsd_gpu.xrays.material import Material, ideal_density, material_by_atoms
from umlpsd_gpu.xrays.samples import BULK, Film, Sample
from umlpsd_gpu.xrays.spectrum import Conditions, EnergyAxis
from umlpsd_gpu.xrays.spectrum_model import expected_spectrum

# Atoms of each phase; the first is the substrate, the last a contamination that is everywhere
PHASES: Mapping[str, Mapping[str, float]] = {
    "InSb": {"In": 1, "Sb": 1},
    "AuIn2": {"Au": 1, "In": 2},
    "carbon": {"C": 1},
}
# Share of the wire's own spectrum over it, and largest share of carbon
WIRE_SHARE, CARBON_SHARE = 0.9, 0.3


@dataclass(frozen=True)
class SpectrumImageRecipe:
    """What to simulate.

    Attributes
    ----------
    n_rows, n_columns : int
    counts_per_pixel : float
        Mean number of counts of a pixel.
    n_wires : int
        Wires of AuIn2 on the substrate of InSb.
    wire_nm : float or None
        Thickness of the wires, which is that of films. None: more than electrons cross.
    n_channels : int
    step_kev : float
        Width of a channel.
    beam_kev, take_off_deg : float
    pixel_m : float
    model_errors : bool
        Whether the lines of each family differ from the calculated ones by factors that are drawn
        from the errors that quantification claims, as those of a real instrument do.
    seed : int
    """

    n_rows: int = 64
    n_columns: int = 64
    counts_per_pixel: float = 300.0
    n_wires: int = 6
    wire_nm: float | None = None
    n_channels: int = 700
    step_kev: float = 0.01
    beam_kev: float = 6.5
    take_off_deg: float = 35.0
    pixel_m: float = 2e-8
    model_errors: bool = False
    seed: int = 0


@dataclass(frozen=True)
class SimulatedSpectrumImage:
    """A spectrum image and its truth.

    Attributes
    ----------
    counts : ndarray of uint16, shape (n_rows, n_columns, n_channels)
    axis : EnergyAxis
    conditions : Conditions
    maps : ndarray, shape (3, n_rows, n_columns)
        Mean counts of each phase in each pixel.
    spectra : ndarray, shape (3, n_channels)
        Mean spectra of the phases; each sums to 1.
    materials : mapping of str to Material
        The phases: InSb, AuIn2, carbon.
    recipe : SpectrumImageRecipe
    """

    counts: np.ndarray
    axis: EnergyAxis
    conditions: Conditions
    maps: np.ndarray
    spectra: np.ndarray
    materials: Mapping[str, Material]
    recipe: SpectrumImageRecipe


def simulate_spectrum_image(**recipe: Any) -> SimulatedSpectrumImage:
    """Simulate a spectrum image of wires on a substrate, with Poisson noise.

    Parameters
    ----------
    **recipe
        Fields of `SpectrumImageRecipe`.

    Returns
    -------
    SimulatedSpectrumImage

    Raises
    ------
    SettingsError
        If a value is not allowed.
    """
    wanted = _checked(recipe)
    rng = np.random.default_rng([wanted.seed, wanted.n_rows, wanted.n_columns])
    axis = EnergyAxis(0.0, wanted.step_kev, wanted.n_channels)
    conditions = Conditions(beam_kev=wanted.beam_kev, take_off_deg=wanted.take_off_deg)
    materials = {name: material_by_atoms(dict(atoms)) for name, atoms in PHASES.items()}
    factors, samples = _draw_model_errors(wanted, materials), _samples(wanted, materials)
    spectra = np.array(
        [
            expected_spectrum(
                each,
                axis,
                conditions,
                n_counts=1.0,
                sample=samples.get(name, BULK),
                line_factors=factors,
            ).counts
            for name, each in materials.items()
        ]
    )
    maps = wanted.counts_per_pixel * _draw_shares(rng, wanted)
    counts = rng.poisson(np.tensordot(maps, spectra, axes=(0, 0))).astype(np.uint16)
    return SimulatedSpectrumImage(counts, axis, conditions, maps, spectra, materials, wanted)


def write_simulated_spectrum_image(
    path: str | Path, overwrite: bool = False, **recipe: Any
) -> tuple[Path, Path]:
    """Simulate a spectrum image and write it as .npz, with its truth as .csv and recipe as .json.

    Parameters
    ----------
    path : path
        A file ``….npz``.
    overwrite : bool
        Whether existing files may be replaced.
    **recipe
        Fields of `SpectrumImageRecipe`.

    Returns
    -------
    image, truth : Path

    Raises
    ------
    SettingsError
        If a value is not allowed, or the file is no .npz.
    OutputError
        If the files can't be written, or exist and ``overwrite`` is False.
    """
    path = Path(path)
    if path.suffix.lower() != ".npz":
        raise SettingsError(f"a spectrum image is written as .npz, got '{path.name}'")
    require_free(path, *truth_paths(path), overwrite=overwrite)
    made = simulate_spectrum_image(**recipe)
    return write_with_truth(
        path, lambda partial: _write_image(made, partial), _truth_rows(made), asdict(made.recipe)
    )


def _write_image(made: SimulatedSpectrumImage, path: Path) -> None:
    with path.open("wb") as file:
        np.savez_compressed(
            file,
            counts=made.counts,
            energy_kev=made.axis.energies_kev,
            beam_kev=made.recipe.beam_kev,
            take_off_deg=made.recipe.take_off_deg,
            pixel_size_m=made.recipe.pixel_m,
        )


def _checked(recipe: Mapping[str, Any]) -> SpectrumImageRecipe:
    wanted = SpectrumImageRecipe(**recipe)
    if min(wanted.n_rows, wanted.n_columns) < 8:
        raise SettingsError(
            f"a spectrum image has at least 8 × 8 pixels, got {wanted.n_rows} × {wanted.n_columns}"
        )
    if wanted.wire_nm is not None and not wanted.wire_nm > 0:
        raise SettingsError(f"wire_nm must be positive, got {wanted.wire_nm:g}")
    if wanted.counts_per_pixel <= 0:
        raise SettingsError(f"counts_per_pixel must be positive, got {wanted.counts_per_pixel:g}")
    return wanted


def _draw_model_errors(
    recipe: SpectrumImageRecipe, materials: Mapping[str, Material]
) -> Mapping[Family, float]:
    if not recipe.model_errors:
        return {}
    # a generator of its own: maps and noise are the same with and without
    rng = np.random.default_rng([recipe.seed, recipe.n_rows, recipe.n_columns, 1])
    return draw_line_factors((int(z) for each in materials.values() for z in each.z), rng)


def _samples(
    recipe: SpectrumImageRecipe, materials: Mapping[str, Material]
) -> Mapping[str, Sample]:
    """Return the phases that are no solids: wires of a thickness are films on the substrate."""
    if recipe.wire_nm is None:
        return {}
    density = ideal_density(materials["AuIn2"])
    return {"AuIn2": Film(density * recipe.wire_nm * 1e-7, materials["InSb"])}


def _draw_shares(rng: np.random.Generator, recipe: SpectrumImageRecipe) -> np.ndarray:
    """Return the share of each phase in each pixel; (3, n_rows, n_columns)."""
    shape = recipe.n_rows, recipe.n_columns
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    wires = np.zeros(shape)
    for _ in range(recipe.n_wires):
        angle, place = rng.uniform(0, np.pi), rng.uniform(0, 1, 2) * shape
        across = np.sin(angle) * (columns - place[1]) - np.cos(angle) * (rows - place[0])
        width = rng.uniform(1.0, 2.5)
        wires = np.maximum(wires, np.clip(width + 0.5 - np.abs(across), 0, 1))
    field = gaussian_filter(rng.standard_normal(shape), min(shape) / 6, mode="wrap")
    carbon = CARBON_SHARE * (field - field.min()) / np.ptp(field)
    of_wire = (1 - carbon) * WIRE_SHARE * wires
    return np.stack([1 - carbon - of_wire, of_wire, carbon])


def _truth_rows(made: SimulatedSpectrumImage) -> Iterator[Sequence[Any]]:
    """Yield the headings, and the elements of every phase."""
    yield "phase", "share", "element", "atomic_fraction"
    shares = made.maps.sum(axis=(1, 2)) / made.maps.sum()
    for (name, atoms), share in zip(PHASES.items(), shares, strict=True):
        total = sum(atoms.values())
        for symbol, n in atoms.items():
            yield name, float(share), symbol, n / total
