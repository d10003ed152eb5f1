"""What a reader must know before using a composition."""

from __future__ import annotations

from collections.abc import Sequence

from umlpsd_gpu.xrays.families import Family
from umlpsd_gpu.xrays.line_fit import LineFit
from umlpsd_gpu.xrays.matrix_correction import Correction
from umlpsd_gpu.xrays.samples import Bulk, Film, Foil
from umlpsd_gpu.xrays.spectrum import XraySpectrum
from umlpsd_gpu.xrays.xpp import depth_distribution, exponent

_SIGNIFICANT = 3.0
_POOR_FIT = 3.0
_SOFT_KEV = 1.0


def describe_method(correction: Correction, with_standards: bool) -> str:
    """Return one sentence that says how a composition was calculated.

    Parameters
    ----------
    correction : Correction
    with_standards : bool
    """
    how = "with standards" if with_standards else "without standards, scaled to 100 %"
    if isinstance(correction.sample, Foil):
        return f"Cliff–Lorimer for a thin foil, with calculated factors, {how}."
    where = "a film on a substrate" if isinstance(correction.sample, Film) else "a bulk sample"
    return (
        f"XPP φ(ρz) with secondary fluorescence for {where}, {how}."
        if not isinstance(correction.sample, Film)
        else f"XPP φ(ρz) for {where}, {how}."
    )


def take_notes(
    correction: Correction,
    fit: LineFit,
    spectrum: XraySpectrum,
    found: bool,
    with_standards: bool,
    coating: Sequence[str],
) -> tuple[str, ...]:
    """Return sentences about assumptions that the spectrum alone can't confirm.

    Parameters
    ----------
    correction : Correction
    fit : LineFit
    spectrum : XraySpectrum
    found : bool
        Whether the elements were found automatically.
    with_standards : bool
    coating : sequence of str
        Elements that are fitted only.
    """
    notes = []
    if isinstance(correction.sample, Bulk):
        notes.append(_bulk_note(correction))
    if spectrum.conditions.take_off_deg is None:
        notes.append("No take-off angle is stated; 35° was used.")
    if spectrum.conditions.window is None:
        notes.append("No detector window is stated; Moxtek AP3.3 was used.")
    if found:
        notes.append("The elements were found automatically; check them against the spectrum.")
    notes += _line_notes(correction, with_standards)
    notes += _coating_notes(fit, coating)
    if fit.reduced_chi2 > _POOR_FIT:
        notes.append(
            f"The spectrum is fitted {fit.reduced_chi2**0.5:.1f} times worse than counting "
            "statistics "
            "allow; counting errors are scaled up by this factor."
        )
    return tuple(notes)


def _bulk_note(correction: Correction) -> str:
    """Say how far electrons get, by the mean depth of the softest level that is used."""
    return (
        "The correction assumes a flat, homogeneous solid, larger than the volume that the "
        "electrons "
        f"reach (at {correction.beam_kev:g} kV about {_reach_um(correction):.1f} µm at a density "
        "of "
        "5 g/cm³); for smaller objects, give a film on a substrate."
    )


def _reach_um(correction: Correction) -> float:
    """Return three mean depths of ionisation of a level at a quarter of the beam, in µm."""
    import numpy as np

    from umlpsd_gpu.xrays.material import Material

    z = correction.z
    of = Material(z, np.full(z.size, 1 / z.size))
    edge = np.array([0.25 * correction.beam_kev])
    found = depth_distribution(
        of, edge, exponent(np.array([20]), np.array(["K"])), correction.beam_kev
    )
    return 3 * float(found.mean_depth[0]) / 5.0 * 1e4


def _line_notes(correction: Correction, with_standards: bool) -> list[str]:
    if with_standards:
        return []
    hard = [f.label for f in correction.families if f.shell != "K" and not _is_soft(f)]
    soft = [f.label for f in correction.families if _is_soft(f)]
    notes = []
    if hard:
        notes.append(
            f"{', '.join(hard)}: intensities of L and M lines without standards are known to 15 %, "
            "most of it common to a shell."
        )
    if soft:
        notes.append(
            f"{', '.join(soft)}: lines below 1 keV without standards are known to 40 %; use "
            "standards, "
            "or oxygen by stoichiometry."
        )
    return notes


def _is_soft(family: Family) -> bool:
    return family.main_line.energy_kev < _SOFT_KEV


def _coating_notes(fit: LineFit, coating: Sequence[str]) -> list[str]:
    seen = [
        family.symbol
        for family, counts, error in zip(fit.families, fit.counts, fit.errors, strict=True)
        if family.symbol in coating and counts > _SIGNIFICANT * error
    ]
    return [
        f"{symbol} is taken for a coating or contamination and not counted; "
        f"leave it out of 'coating' where the sample contains it."
        for symbol in dict.fromkeys(seen)
    ]
