"""One row for each particle: where it is, how large, what shape, and whether it counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True)
class ParticleColumn:
    """A column of the table.

    Attributes
    ----------
    name : str
        In particles.csv and study.h5.
    unit : str
        ``"1"`` for a pure number.
    description : str
    """

    name: str
    unit: str
    description: str


NM = "nm"
# In the order of particles.csv
COLUMNS = (
    ParticleColumn("image", "1", "Number of the image, from 1"),
    ParticleColumn("label", "1", "Value of the particle in the label image"),
    ParticleColumn("row_px", "pixel", "Centroid"),
    ParticleColumn("column_px", "pixel", "Centroid"),
    ParticleColumn("weight", "1", "Particles that it stands for (Miles–Lantuéjoul)"),
    ParticleColumn("contrast", "counts", "Brightness of the particle minus background"),
    ParticleColumn("area_nm2", "nm²", "Area inside the sub-pixel outline"),
    ParticleColumn("area_sd_nm2", "nm²", "Its standard error"),
    ParticleColumn("equivalent_diameter_nm", NM, "Diameter of the circle of equal area"),
    ParticleColumn("equivalent_diameter_sd_nm", NM, "Its standard error"),
    ParticleColumn("feret_max_nm", NM, "Largest distance of parallel tangents (ISO 21363)"),
    ParticleColumn("feret_max_sd_nm", NM, "Its standard error"),
    ParticleColumn("feret_min_nm", NM, "Smallest distance of parallel tangents"),
    ParticleColumn("feret_min_sd_nm", NM, "Its standard error"),
    ParticleColumn("feret_ratio", "1", "Smallest over largest Feret diameter"),
    ParticleColumn("major_axis_nm", NM, "Of the ellipse of equal moments"),
    ParticleColumn("minor_axis_nm", NM, "Of the ellipse of equal moments"),
    ParticleColumn("aspect_ratio", "1", "Major over minor axis"),
    ParticleColumn("eccentricity", "1", "Of the ellipse of equal moments"),
    ParticleColumn("perimeter_polygon_nm", NM, "Length of the outline"),
    ParticleColumn("perimeter_crofton_nm", NM, "By Crofton's formula"),
    ParticleColumn("circularity", "1", "4π area / perimeter²"),
    ParticleColumn("convex_area_nm2", "nm²", "Area of the convex hull"),
    ParticleColumn("solidity", "1", "Area over convex area"),
    ParticleColumn("extent", "1", "Area over that of the bounding box"),
    ParticleColumn("d", "1", "Order of the symmetry of the super-ellipse"),
    ParticleColumn("p", "1", "Exponent of the super-ellipse"),
    ParticleColumn("p_low", "1", "Lower end of its 95 % interval"),
    ParticleColumn("p_high", "1", "Upper end; infinite where p is only bounded from below"),
    ParticleColumn("l_ratio", "1", "Ratio of the extreme radii"),
    ParticleColumn("l_low", "1", "Lower end of its 95 % interval"),
    ParticleColumn("l_high", "1", "Upper end of its 95 % interval"),
    ParticleColumn("radius_nm", NM, "Largest radius of the super-ellipse"),
    ParticleColumn("angle_deg", "degree", "Its rotation, from the columns to the rows"),
    ParticleColumn("runner_up_d", "1", "Second best d; 0 if none came near"),
    ParticleColumn("runner_up_delta_chi2", "1", "χ² by which it is worse"),
    ParticleColumn("chi2_per_px", "1", "1 where model and noise describe the pixels"),
    ParticleColumn("jaccard", "1", "Overlap of the fit and the particle over their union"),
    *(
        ParticleColumn(f"harmonic_{order}", "1", f"Size of harmonic {order} of the outline")
        for order in range(2, 9)
    ),
)
NAMES = tuple(column.name for column in COLUMNS)


@dataclass(frozen=True, eq=False)
class ParticleTable:
    """All particles that were found, also those that don't count.

    Attributes
    ----------
    values : mapping of str to ndarray, shape (n_particles,)
        The columns of `COLUMNS`; NaN where a particle has no such value.
    outcomes : tuple of str
        What the fit says: ``"super-ellipse"``, ``"circle"``, ``"irregular"``; empty without a fit.
    reasons : tuple of str
        Why a particle does not count; empty for those that do.
    """

    values: Mapping[str, np.ndarray]
    outcomes: tuple[str, ...]
    reasons: tuple[str, ...]

    def __len__(self) -> int:
        """Return the number of particles."""
        return len(self.reasons)

    def __getitem__(self, name: str) -> np.ndarray:
        """Return a column by its name."""
        return self.values[name]

    @property
    def is_counted(self) -> np.ndarray:
        """Which particles count; ndarray of bool, shape (n_particles,)."""
        return np.array([not reason for reason in self.reasons], dtype=bool)

    def with_reasons(self, reasons: Sequence[str]) -> ParticleTable:
        """Return the table with other reasons.

        Parameters
        ----------
        reasons : sequence of str

        Returns
        -------
        ParticleTable
        """
        return replace(self, reasons=tuple(reasons))


def join_tables(tables: Sequence[ParticleTable]) -> ParticleTable:
    """Return the rows of several tables below each other.

    Parameters
    ----------
    tables : sequence of ParticleTable

    Returns
    -------
    ParticleTable
    """
    return ParticleTable(
        {
            name: np.concatenate([np.empty(0), *(table.values[name] for table in tables)])
            for name in NAMES
        },
        tuple(outcome for table in tables for outcome in table.outcomes),
        tuple(reason for table in tables for reason in table.reasons),
    )
