"""Standards from .msa files: what each is made of is in its title or its name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from umlpsd_gpu.errors import SettingsError, UmlpsdError
from umlpsd_gpu.xrays.composition import Standard
from umlpsd_gpu.xrays.elements import symbol_of
from umlpsd_gpu.xrays.material import material_by_atoms, parse_formula
from umlpsd_gpu.xrays.msa import read_msa

FORMULA = re.compile(r"^((?:[A-Z][a-z]?[0-9.]*)+)")


def read_standard_files(names: Sequence[str]) -> dict[str, Standard]:
    """Read standards.

    Parameters
    ----------
    names : sequence of str
        Files whose names begin with the formula of the standard: ``SiO2 std.msa``. Each is the
        standard of its elements that no file before is one of, but of oxygen only if it is alone.

    Returns
    -------
    dict of str to Standard
        By element.

    Raises
    ------
    SettingsError
        If a name doesn't begin with a formula, or there is no such file.
    UmlpsdError
        If a file is no spectrum.
    """
    found: dict[str, Standard] = {}
    for name in names:
        path = Path(name)
        if not path.exists():
            raise SettingsError(f"there is no file {path}; check the names of the standards")
        atoms = _formula_of(path)
        material = material_by_atoms(atoms)
        fractions = {
            symbol_of(int(z)): float(share)
            for z, share in zip(material.z, material.mass_fractions, strict=True)
        }
        standard = Standard(read_msa(path), fractions)
        for symbol in atoms:
            found.setdefault(symbol, standard)
    return found


def _formula_of(path: Path) -> dict[str, float]:
    matched = FORMULA.match(path.stem)
    try:
        return parse_formula(matched[1] if matched else "")
    except UmlpsdError:
        raise SettingsError(
            f"the name of the standard {path.name} must begin with its formula, as in "
            "'SiO2 std.msa'"
        ) from None
