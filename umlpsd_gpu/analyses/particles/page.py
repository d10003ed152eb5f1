"""The report of a study of particles: sizes, classes and how far they can be trusted, the data."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from umlpsd_gpu.analyses.decision_parts import decision_section
from umlpsd_gpu.analyses.next_checks import decision_checks, or_nothing
from umlpsd_gpu.analyses.particles.result import MAIN_LENGTH, ParticleStudy
from umlpsd_gpu.analyses.particles.stability import LEAST_ARI
from umlpsd_gpu.analyses.particles.tables import class_sentence, size_rows
from umlpsd_gpu.plotting.page_parts import Fact, Page, Section, number
from umlpsd_gpu.plotting.si_units import si_text

CITATION = (
    "Shapes as super-ellipses, published segmentation, features and network: E. L. Williamson et "
    "al., Nanoscale (2022), doi 10.1039/D2NR04292D. Fits, errors, stability of classes: umlpsd_gpu."
)


def page_of(study: ParticleStudy) -> Page:
    """Return the parts of the report.

    Parameters
    ----------
    study : ParticleStudy

    Returns
    -------
    Page
    """
    return Page(
        kicker="Report on particles",
        headline=headline(study),
        reason=class_sentence(study),
        facts=tuple(_facts(study)),
        sections=tuple(_sections(study)),
        data=(_data(study),),
        citation=CITATION,
        checks=or_nothing(_checks(study), "particles"),
    )


def headline(study: ParticleStudy) -> str:
    """Return the result in a few words.

    Parameters
    ----------
    study : ParticleStudy

    Returns
    -------
    str
    """
    main, k = study.sizes[0, MAIN_LENGTH], study.classes.k
    classes = f"{k} classes" if k > 1 else "no classes"
    mean, sd = main.values["mean"], main.values["sd"]
    return f"{main.n:,} particles of {mean:.3g} ± {sd:.2g} nm, {classes}"


def _checks(study: ParticleStudy) -> Iterator[str]:
    if study.clustering is not None:
        yield from decision_checks(study.clustering.decision)
    n_left, n = int((~study.table.is_counted).sum()), len(study.table)
    if n_left > n / 2:
        yield f"{n_left} of {n} particles don't count: click the grey ones to see why."


def _facts(study: ParticleStudy) -> Iterator[Fact]:
    main = study.sizes[0, MAIN_LENGTH]
    n = len(study.table)
    yield Fact("Particles", f"{main.n:,}", f"of {n:,} found" if n > main.n else "")
    low, high = main.intervals["mean"]
    yield Fact("Mean diameter", f"{main.values['mean']:.3g} nm", f"{low:.3g} … {high:.3g} nm")
    yield Fact("σ/d̄", f"{100 * main.values['relative_sd']:.1f} %")
    yield Fact("Classes", str(study.classes.k) if study.classes.k > 1 else "none")
    yield Fact("Images", str(len(study.images)))


def _sections(study: ParticleStudy) -> Iterator[Section]:
    main = study.sizes[0, MAIN_LENGTH]
    yield Section.of_table(
        "Sizes",
        (
            "Class",
            "Length (nm)",
            "N",
            "Mean (95 %)",
            "SD",
            "SD/mean",
            "D10",
            "D50",
            "D90",
            "Distribution",
        ),
        list(size_rows(study)),
        "Particles that touch the edge are left out, and each counted one stands for as many as "
        f"its Miles–Lantuéjoul weight. Intervals from resampling {main.resampled}. Feret "
        "diameters by ISO 21363. Distribution by the corrected Akaike criterion; σ_g is the "
        "geometric standard deviation.",
    )
    if study.classes.k > 1:
        yield Section.of_table(
            "Shapes of the classes",
            ("Class", "N", "Share", "Diameter", "Aspect ratio", "Solidity", "d", "p", "L"),
            list(_class_rows(study)),
            "Medians; d is the most frequent order of symmetry.",
        )
    if study.classes.methods or np.isfinite(study.classes.ari):
        yield _stability(study)
    if study.clustering is not None:
        yield decision_section(study.clustering.decision, "particles", study.clustering.tests)


def _class_rows(study: ParticleStudy) -> Iterator[tuple[str, ...]]:
    table, labels = study.table, study.classes.labels
    n_counted = np.count_nonzero(table.is_counted)
    for k in range(1, study.classes.k + 1):
        own = labels == k
        orders = table["d"][own]
        orders = np.round(orders[np.isfinite(orders)]).astype(int)
        order = str(np.bincount(np.maximum(orders, 0)).argmax()) if orders.size else "–"
        medians = (
            np.nanmedian(table[name][own]) if own.any() else float("nan")
            for name in (MAIN_LENGTH, "aspect_ratio", "solidity")
        )
        n = int(own.sum())
        yield (
            str(k),
            f"{n:,}",
            f"{100 * n / n_counted:.0f} %",
            *(number(float(value), 3) for value in medians),
            order,
            number(float(np.nanmedian(table["p"][own])), 2),
            number(float(np.nanmedian(table["l_ratio"][own])), 3),
        )


def _stability(study: ParticleStudy) -> Section:
    classes = study.classes
    rows = [
        (each.method, number(each.ari, 2), number(each.agreement, 2)) for each in classes.methods
    ] or [("K-means", number(classes.ari, 2), "–")]
    published = ""
    if np.isfinite(classes.accuracy):
        published = (
            f" As published, a support vector machine predicts {100 * classes.accuracy:.1f} % of "
            f"the labels, but of clusters in shuffled columns, which are none, "
            f"{100 * classes.accuracy_shuffled:.1f} %: this accuracy says nothing of the classes. "
            f"Nor does the cophenetic correlation ({classes.cophenetic_correlation:.3f}), which is "
            "that of a tree without clusters."
        )
    return Section.of_table(
        "Are these classes?",
        ("Method", "Halves agree (ARI)", "Agrees with the classes (ARI)"),
        rows,
        f"Adjusted Rand index: 1 for the same classes, 0 by chance; classes are reported from "
        f"{LEAST_ARI} on." + published,
    )


def _data(study: ParticleStudy) -> Section:
    rows: list[tuple[str, str, str]] = []
    for image in study.images[:20]:
        blur = "" if np.isnan(image.psf_px) else f", blur {image.psf_px:.2f} px"
        size = " × ".join(map(str, image.grey.shape))
        rows.append(
            (
                image.name,
                f"{size} pixels of {si_text(image.nm_per_px * 1e-9, 'm', 4)}, "
                f"{image.polarity} particles{blur}",
                image.scale_origin,
            )
        )
    if len(study.images) > 20:
        rows.append(("…", f"{len(study.images) - 20} more", ""))
    return Section.of_table("Images", ("File", "Image", "Scale from"), rows)
