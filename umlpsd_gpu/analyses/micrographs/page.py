"""The report of a study of a micrograph: what is local, its components and spots, the data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from umlpsd_gpu.analyses.component_parts import HEADINGS, component_cells, convergence_row
from umlpsd_gpu.analyses.micrographs.result import MicrographStudy
from umlpsd_gpu.analyses.next_checks import or_nothing, rank_checks
from umlpsd_gpu.factorisation.surrogate_rank import show_p
from umlpsd_gpu.plotting.page_parts import Fact, Page, Section
from umlpsd_gpu.plotting.si_units import si_text

CITATION = (
    "The method of windows, Fourier transforms and NMF: B. R. Jany, A. Janas, F. Krok, Micron 130, "
    "102800 (2020), doi 10.1016/j.micron.2019.102800. Number of components, errors and tests: "
    "umlpsd_gpu."
)


def page_of(study: MicrographStudy) -> Page:
    """Return the parts of the report.

    Parameters
    ----------
    study : MicrographStudy

    Returns
    -------
    Page
    """
    return Page(
        kicker="Report on a micrograph",
        headline=headline(study),
        reason=study.decision.reason,
        facts=tuple(_facts(study)),
        sections=tuple(_sections(study)),
        data=(_data(study),),
        citation=CITATION,
        checks=or_nothing(rank_checks(study.decision), "windows"),
    )


def headline(study: MicrographStudy) -> str:
    """Return the result in a few words.

    Parameters
    ----------
    study : MicrographStudy

    Returns
    -------
    str
    """
    if study.decision.k is not None and study.decision.k > 1:
        return f"{study.decision.k} different local spectra in the image"
    return "Nothing local in the image"


def spot_rows(study: MicrographStudy) -> tuple[Sequence[str], list[Sequence[str]]]:
    """Return headings and rows of the table of spots.

    Parameters
    ----------
    study : MicrographStudy

    Returns
    -------
    headings : sequence of str
    rows : list of sequence of str
    """
    size = study.micrograph.pixel_size_m
    rows: list[Sequence[str]] = []
    for spot in study.spots:
        spacing = f"{spot.spacing_px:.3f} ± {spot.spacing_error_px:.3f} px"
        if size is not None:
            value, error = spot.spacing_px * size * 1e9, spot.spacing_error_px * size * 1e9
            spacing = f"{value:.4f} ± {error:.4f} nm"
        rows.append(
            (
                str(spot.component),
                spacing,
                f"{spot.angle_deg:.1f} ± {spot.angle_error_deg:.1f}°",
                f"{spot.contrast:.1f}",
            )
        )
    return ("Component", "Spacing", "Angle", "Contrast"), rows


def _facts(study: MicrographStudy) -> Iterator[Fact]:
    yield Fact("Local spectra", str(study.decision.k or "undecided"))
    yield Fact("p-value", show_p(study.p_value).removeprefix("= "), "if nothing were local")
    own = study.settings.micrograph
    rows, columns = study.grid
    yield Fact("Windows", f"{rows} × {columns}", f"of {own.window} px at steps of {own.step_px}")
    size = study.micrograph.pixel_size_m
    if size is not None:
        yield Fact("Window", si_text(own.window * size, "m", 4))
    yield Fact("Spots", str(len(study.spots)))


def _sections(study: MicrographStudy) -> Iterator[Section]:
    rows = [
        (
            str(n + 1),
            *component_cells(study.factors, study.uncertainty, n),
            str(sum(spot.component == n + 1 for spot in study.spots)),
        )
        for n in range(study.k)
    ]
    yield Section.of_table(
        "Components",
        ("Component", "Share", *HEADINGS, "Spots"),
        rows,
        "Share of the amplitude of all windows, and its range among factorisations that fit as "
        "well; share in the purest 1 % of the windows; median cosine with the matching component "
        "of other starts, and of random halves of the windows (1: the same).",
    )
    headings, spots = spot_rows(study)
    if spots:
        yield Section.of_table(
            "Lattice spacings",
            headings,
            spots,
            "One row for each pair of opposite spots. Angles are across the lattice lines, "
            "counterclockwise from the right. Errors are standard errors from the noise of the "
            "spectra; that of the pixel size is not in them. Contrast is the amplitude over its "
            "surroundings.",
        )
    if len(study.by_window) > 1:
        yield Section.of_table(
            "Other sizes of windows",
            ("Window", "Local spectra", "p-value"),
            [(f"{size} px", k, p) for size, (k, p) in study.by_window.items()],
            "Small windows find small regions; large ones tell similar lattices apart.",
        )


def _data(study: MicrographStudy) -> Section:
    micrograph = study.micrograph
    size = micrograph.pixel_size_m
    rows: list[tuple[str, str, str]] = [
        ("image", f"{micrograph.image.shape[0]} × {micrograph.image.shape[1]} pixels", "the file"),
        (
            "pixel",
            "unknown" if size is None else si_text(size, "m", 4),
            micrograph.pixel_size_origin,
        ),
    ]
    if micrograph.n_bar_rows:
        rows.append(("data bar", f"{micrograph.n_bar_rows} rows, cut off", "found"))
    factors = study.factors
    rows += [
        ("error of the fit", f"{factors.relative_error:.4f}", "norm of the residual / norm"),
        convergence_row(factors),
        ("file", micrograph.path.name, ""),
    ]
    return Section.of_table("Data", ("What", "Value", "From"), rows)
