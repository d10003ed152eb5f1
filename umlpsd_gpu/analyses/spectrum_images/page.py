"""The report of a study of a spectrum image: components, compositions, residual, data."""

from __future__ import annotations

from collections.abc import Iterator

from umlpsd_gpu.analyses.component_parts import HEADINGS, component_cells, convergence_row
from umlpsd_gpu.analyses.next_checks import or_nothing, rank_checks
from umlpsd_gpu.analyses.spectrum_images.result import SpectrumImageStudy
from umlpsd_gpu.plotting.page_parts import Fact, Page, Section, number
from umlpsd_gpu.plotting.si_units import si_text

CITATION = (
    "Unmixing of spectrum images as in B. R. Jany, A. Janas, F. Krok, Nano Lett. 17, 6520 (2017), "
    "doi 10.1021/acs.nanolett.7b01789; matrix correction XPP: J. L. Pouchou, F. Pichoir, in "
    "Electron Probe Quantitation (1991). Number of components, errors and tests: umlpsd_gpu."
)


def page_of(study: SpectrumImageStudy) -> Page:
    """Return the parts of the report.

    Parameters
    ----------
    study : SpectrumImageStudy

    Returns
    -------
    Page
    """
    return Page(
        kicker="Report on a spectrum image",
        headline=headline(study),
        reason=study.decision.reason,
        facts=tuple(_facts(study)),
        sections=tuple(_sections(study)),
        data=(_data(study),),
        citation=CITATION,
        checks=or_nothing(_checks(study), "pixels"),
    )


def headline(study: SpectrumImageStudy) -> str:
    """Return the result in a few words.

    Parameters
    ----------
    study : SpectrumImageStudy

    Returns
    -------
    str
    """
    if study.decision.k is None:
        return f"Number of components undecided; shown: {study.k}"
    plural = "s" if study.k > 1 else ""
    return f"{study.k} component{plural} in the spectrum image"


def _checks(study: SpectrumImageStudy) -> Iterator[str]:
    yield from rank_checks(study.decision)
    if study.missing:
        yield (
            f"Lines that no component explains, in the worst pixels: {', '.join(study.missing)}. "
            "Colour by z of the residual to see where."
        )


def _facts(study: SpectrumImageStudy) -> Iterator[Fact]:
    recorded = study.recorded
    yield Fact("Components", str(study.k))
    yield Fact("Probability", number(study.decision.probability, 2), "that this number is right")
    rows, columns = recorded.total_image.shape
    yield Fact("Pixels", f"{rows} × {columns}")
    yield Fact("Counts", f"{recorded.total_image.mean():,.0f}", "in a pixel")
    beam = recorded.conditions.beam_kev
    yield Fact("Beam", "unknown" if beam is None else f"{beam:g} keV")


def _sections(study: SpectrumImageStudy) -> Iterator[Section]:
    rows = [
        (
            str(n + 1),
            study.quantified[n].formula or "–",
            *component_cells(study.factors, study.uncertainty, n),
        )
        for n in range(study.k)
    ]
    yield Section.of_table(
        "Components",
        ("Component", "Atoms (%)", "Counts", *HEADINGS),
        rows,
        "Share of all counts, and its range among factorisations that fit as well: wide where no "
        "pixel and no line belongs to one component alone. Share in the purest 1 % of the pixels; "
        "median cosine with the matching component of other starts, and of random halves of the "
        "pixels (1: the same).",
    )
    compositions = list(_composition_rows(study))
    if compositions:
        yield Section.of_table(
            "Compositions",
            ("Component", "Element", "Line", "Atoms", "Mass", "Counts / error"),
            compositions,
            " ".join(_composition_notes(study)),
        )
    elif study.quantified:
        yield Section.of_table(
            "Compositions",
            ("Component", "Why there is none"),
            [(str(each.component), each.method) for each in study.quantified],
        )


def _composition_rows(study: SpectrumImageStudy) -> Iterator[tuple[object, ...]]:
    for each in study.quantified:
        for n, symbol in enumerate(each.elements):
            yield (
                str(each.component),
                symbol,
                each.lines[n],
                _percent(each.atomic_fractions[n], each.atomic_errors[n]),
                _percent(each.mass_fractions[n], each.mass_errors[n]),
                number(float(each.significance[n]), 0),
            )


def _composition_notes(study: SpectrumImageStudy) -> Iterator[str]:
    """Yield how compositions were calculated and what to know, each sentence once."""
    yield "Fractions ± standard errors of counting and model."
    seen: set[str] = set()
    for each in study.quantified:
        for text in (each.method, *each.notes) if each.elements else ():
            if text not in seen:
                seen.add(text)
                yield text
    for each in study.quantified:
        if not each.elements:
            yield f"Component {each.component}: {each.method}"


def _percent(value: float, error: float) -> str:
    return f"{100 * value:.1f} ± {100 * error:.1f} %"


def _data(study: SpectrumImageStudy) -> Section:
    recorded, factors = study.recorded, study.factors
    conditions, axis = recorded.conditions, recorded.axis
    size = recorded.pixel_size_m
    rows: list[tuple[str, str, str]] = [
        (
            "channels",
            f"{axis.n_channels} of {1e3 * axis.step_kev:.4g} eV from {axis.offset_kev:.4g} keV",
            "the file",
        ),
        ("pixel", "unknown" if size is None else si_text(size, "m", 4), "the file"),
    ]
    units = {
        "beam_kev": "keV",
        "take_off_deg": "°",
        "resolution_ev": "eV",
        "live_time_s": "s",
        "probe_current_na": "nA",
        "window": "",
    }
    for name, origin in conditions.origins.items():
        value = getattr(conditions, name)
        text = f"{value:g} {units[name]}" if isinstance(value, float | int) else str(value)
        rows.append((name.rpartition("_")[0].replace("_", " ") or name, text, origin))
    rows += [
        ("loss", factors.loss.replace("_", " "), "settings"),
        convergence_row(factors),
        ("worst pixel", f"z = {float(study.residuals.sample_z.max()):.1f}", "residual"),
        ("files", ", ".join(recorded.files) or "–", ""),
    ]
    return Section.of_table("Data", ("What", "Value", "From"), rows)
