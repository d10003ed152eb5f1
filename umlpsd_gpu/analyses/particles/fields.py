"""The content of study.h5 of an analysis of particles: one table to write, read and document it.

In ``images/*/…`` the star is the number of the image, from 1.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from umlpsd_gpu.analyses.particles.particle_table import COLUMNS, NAMES, ParticleTable
from umlpsd_gpu.analyses.particles.result import AnalysedImage, ParticleClasses
from umlpsd_gpu.analyses.particles.stability import MethodStability
from umlpsd_gpu.clustering.fields import CLUSTERING_FIELDS, clustering_from, clustering_groups
from umlpsd_gpu.storage.field import Field, FieldTable

PIXELS, N = "n_rows, n_columns", "n_particles"

FIELDS = (
    Field("images/names", "n_images", "", "Names of the files", "texts"),
    Field("images/*/grey", PIXELS, "1", "The image for looking at, 0 to 255", compressed=True),
    Field("images/*/labels", PIXELS, "1", "Number of the particle; 0: background", compressed=True),
    Field("images/*/nm_per_px", "", "nm", "Side of a pixel", "number"),
    Field("images/*/scale_origin", "", "", "Where it is from", "text"),
    Field("images/*/polarity", "", "", "Particles are dark or bright", "text"),
    Field("images/*/psf_px", "", "pixel", "Standard deviation of the blur; NaN if unknown"),
    Field("images/*/notes", "n_notes", "", "Notes of reader and segmentation", "texts"),
    *(Field(f"particles/{c.name}", N, c.unit, c.description) for c in COLUMNS),
    Field("particles/outcome", N, "", "super-ellipse, circle or irregular", "texts"),
    Field("particles/reason", N, "", "Why a particle does not count; empty: it does", "texts"),
    Field("classes/labels", N, "1", "Class from 1; 0: none"),
    Field("classes/ari", "", "1", "Adjusted Rand index of two halves; NaN for one class"),
    Field("classes/methods", "n_methods", "", "Methods that were compared", "texts"),
    Field("classes/method_ari", "n_methods", "1", "Adjusted Rand index of two halves"),
    Field("classes/method_agreement", "n_methods", "1", "Adjusted Rand index with the classes"),
    Field("classes/cophenetic_correlation", "", "1", "Of the single-linkage tree"),
    Field("classes/accuracy", "", "1", "Of a classifier that learns the classes"),
    Field("classes/accuracy_shuffled", "", "1", "The same for clusters of shuffled columns"),
    Field("classes/parameters", "", "", "Of that classifier, as JSON", "text"),
    Field("classes/classifier", "", "", "File whose classifier gave the classes", "text"),
    *CLUSTERING_FIELDS,
)


def _groups(study: Any) -> dict[str, Mapping[str, Any]]:
    table: ParticleTable = study.table
    classes: ParticleClasses = study.classes
    methods = classes.methods
    return {
        "images": {"names": tuple(image.name for image in study.images)},
        **{f"images/{n}": vars(image) for n, image in enumerate(study.images, start=1)},
        "particles": {**table.values, "outcome": table.outcomes, "reason": table.reasons},
        "classes": vars(classes)
        | {
            "methods": tuple(each.method for each in methods),
            "method_ari": np.array([each.ari for each in methods]),
            "method_agreement": np.array([each.agreement for each in methods]),
            "parameters": json.dumps(dict(classes.parameters)),
        },
        **({} if study.clustering is None else clustering_groups(study.clustering)),
    }


def _attributes(
    values: Callable[[str], dict[str, Any]], top_groups: frozenset[str]
) -> dict[str, Any]:
    particles, classes = values("particles"), values("classes")
    columns = zip(
        classes["methods"],
        classes.pop("method_ari").tolist(),
        classes.pop("method_agreement").tolist(),
        strict=True,
    )
    plain = ("ari", "cophenetic_correlation", "accuracy", "accuracy_shuffled")
    return {
        "images": tuple(
            _image_from(name, values(f"images/{number}"))
            for number, name in enumerate(values("images")["names"], start=1)
        ),
        "table": ParticleTable(
            {name: particles[name] for name in NAMES}, particles["outcome"], particles["reason"]
        ),
        "classes": ParticleClasses(
            **classes
            | {name: float(classes[name]) for name in plain}
            | {"methods": tuple(MethodStability(*row) for row in columns)}
            | {"parameters": json.loads(classes["parameters"])}
        ),
        "clustering": clustering_from(values) if "decision" in top_groups else None,
    }


def _image_from(name: str, stored: dict[str, Any]) -> AnalysedImage:
    return AnalysedImage(name=name, **stored | {"psf_px": float(stored["psf_px"])})


TABLE = FieldTable(FIELDS, _groups, _attributes)
