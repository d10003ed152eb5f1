"""What can be clicked in the report of particles: each particle, its outline and its shape."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import find_objects
from skimage.measure import find_contours

from umlpsd_gpu.analyses.particles.particle_table import COLUMNS, ParticleTable
from umlpsd_gpu.analyses.particles.result import ParticleStudy
from umlpsd_gpu.analyses.saved_labels import saved_labellings
from umlpsd_gpu.explorer.parts import Column, Curves, Explorer, Labellings, Layer, Panel, Picture
from umlpsd_gpu.shapes.superellipse import SuperEllipse, radii

N_OUTLINE = 64
# column → the columns of its standard error, or of the ends of its interval
ERRORS = {
    "equivalent_diameter_nm": "equivalent_diameter_sd_nm",
    "area_nm2": "area_sd_nm2",
    "feret_max_nm": "feret_max_sd_nm",
    "feret_min_nm": "feret_min_sd_nm",
}
INTERVALS = {"p": ("p_low", "p_high"), "l_ratio": ("l_low", "l_high")}
SHOWN = (
    *ERRORS,
    *("aspect_ratio", "circularity", "solidity", "d", *INTERVALS, "contrast", "jaccard"),
)
TITLES = {"d": "Order d", "p": "Exponent p", "l_ratio": "Ratio L of the radii"}
HARMONICS = tuple(column.name for column in COLUMNS if column.name.startswith("harmonic_"))


def explore_particles(study: ParticleStudy) -> Explorer:
    """Return the micrographs, and sizes, shapes and outlines of all particles.

    Parameters
    ----------
    study : ParticleStudy

    Returns
    -------
    Explorer
    """
    table, clustering = study.table, study.clustering
    image = table["image"].astype(np.int64) - 1
    n = len(table)
    score = np.full(n, np.nan) if clustering is None else clustering.outliers.score
    is_outlier = np.zeros(n, dtype=bool) if clustering is None else clustering.outliers.is_outlier
    return Explorer(
        item="particle",
        ids=_names(study, image),
        x=table["column_px"],
        y=table["row_px"],
        x_label="column (px)",
        y_label="row (px)",
        picture_of=image,
        pictures=tuple(
            Picture(each.name, (Layer("Image", "grey level", each.grey),), each.nm_per_px, "nm")
            for each in study.images
        ),
        is_pixels=False,
        labels=study.classes.labels,
        columns=(*_columns(table), Column("Outlier score", "σ", score)),
        panels=_panels(study, image),
        labellings=_labellings(study),
        outliers=is_outlier,
        outlier_column="Outlier score",
        first=int(np.argmax(table.is_counted)) if n else 0,
        cluster_word="class",
    )


def _labellings(study: ParticleStudy) -> Labellings | None:
    clustering = study.clustering
    if clustering is None:
        return None
    return saved_labellings(
        clustering.sweeps,
        clustering.decision,
        study.classes.labels,
        ~np.isnan(clustering.outliers.score),
        "Representation",
    )


def _names(study: ParticleStudy, image: np.ndarray) -> tuple[str, ...]:
    """Return image and label of every particle, and why it does not count."""
    labels = study.table["label"].astype(int).tolist()
    return tuple(
        f"{study.images[number].name}: {label}" + (f" (not counted: {reason})" if reason else "")
        for number, label, reason in zip(image.tolist(), labels, study.table.reasons, strict=True)
    )


def _columns(table: ParticleTable) -> tuple[Column, ...]:
    described = {column.name: column for column in COLUMNS}
    columns = []
    for name in SHOWN:
        unit = described[name].unit.removesuffix("1")
        plain = name.removesuffix("_nm").removesuffix("_nm2").replace("_", " ").capitalize()
        title = TITLES.get(name, plain)
        if name in ERRORS:
            low, high = (table[name] + sign * table[ERRORS[name]] for sign in (-1, 1))
            columns.append(Column(title, unit, table[name], low, high, "standard error"))
        elif name in INTERVALS:
            low, high = (table[end] for end in INTERVALS[name])
            columns.append(Column(title, unit, table[name], low, high))
        else:
            columns.append(Column(title, unit, table[name]))
    return tuple(columns)


def _panels(study: ParticleStudy, image: np.ndarray) -> tuple[Panel, ...]:
    x, y = _outlines(study, image)
    fit_x, fit_y = _fitted_outlines(study.table)
    harmonics = np.stack([study.table[name] for name in HARMONICS], axis=1)
    orders = np.array([int(name.removeprefix("harmonic_")) for name in HARMONICS], dtype=float)
    return (
        Panel(
            "Outline",
            "x from the centre (nm)",
            "y from the centre (nm)",
            (Curves("particle", x, y), Curves("super-ellipse at the centroid", fit_x, fit_y)),
            is_outline=True,
        ),
        Panel(
            "Harmonics of the outline",
            "Order",
            "Size",
            (Curves("harmonics", orders, harmonics, kind="points"),),
        ),
    )


def _outlines(study: ParticleStudy, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return x and y of the outline of every particle in its label image, in nm."""
    table = study.table
    x, y = np.full((2, len(table), N_OUTLINE), np.nan)
    boxes = [find_objects(each.labels) for each in study.images]
    for at, (number, label) in enumerate(
        zip(image.tolist(), table["label"].astype(int).tolist(), strict=True)
    ):
        box = boxes[number][label - 1]
        if box is None:
            continue
        mask = np.pad(study.images[number].labels[box] == label, 1)
        contour = max(find_contours(mask.astype(float), 0.5), key=len)
        kept = contour[np.linspace(0, len(contour) - 1, N_OUTLINE).round().astype(int)]
        scale = study.images[number].nm_per_px
        y[at] = scale * (kept[:, 0] - 1 + box[0].start - table["row_px"][at])
        x[at] = scale * (kept[:, 1] - 1 + box[1].start - table["column_px"][at])
    return x, y


def _fitted_outlines(table: ParticleTable) -> tuple[np.ndarray, np.ndarray]:
    """Return x and y of the super-ellipse of every particle about its centroid, in nm."""
    angles = np.linspace(0, 2 * np.pi, N_OUTLINE)
    radius = np.full((len(table), N_OUTLINE), np.nan)
    names = ("radius_nm", "d", "p", "l_ratio", "angle_deg")
    values = np.stack([table[name] for name in names], axis=1)
    for at in np.flatnonzero(np.isfinite(values).all(axis=1)):
        size, d, p, l_ratio, angle_deg = values[at].tolist()
        shape = SuperEllipse(0.0, 0.0, size, int(d), p, l_ratio, -np.radians(angle_deg))
        radius[at] = radii(shape, angles)
    return radius * np.cos(angles), radius * np.sin(angles)
