"""Derive the table of X-ray lines, levels and attenuation from xraydb.

    pip install xraydb && python benchmarks/xray_table.py

xraydb (M. Newville, MIT licence; its notice is in umlpsd_gpu/xrays/tables/LICENSE.xraydb) holds the
tables of W. T. Elam, B. D. Ravel and J. R. Sieber, Radiat. Phys. Chem. 63, 121 (2002). Attenuation
is photoabsorption plus scattering, interpolated by their splines on a grid that is fine enough for
straight lines between its points in log-log scale (1e-4), with a point on each side of their nodes,
among which are the edges.
"""

from __future__ import annotations

import json
import sqlite3
import sys
from pathlib import Path

import numpy as np
import xraydb

N_ELEMENTS = 98
LEVELS = ("K", "L1", "L2", "L3", "M1", "M2", "M3", "M4", "M5")
GREEK = {"a": "α", "b": "β", "g": "γ", "l": "ℓ", "n": "η", "z": "ζ"}
# Elam's ratio of Kβ to Kα, 0.12 to 0.13, holds for filled 3p levels and is wrong for lighter atoms.
# Mg, Al, Si: fitted to the spectra of MgO, Al2O3 and SiO2 among the standards of glass K412;
# between Si and Ca, where Elam's is right to 6 %, it grows with the 3p electrons.
K_BETA_BY_ALPHA = {12: 0.010, 13: 0.019, 14: 0.029, 15: 0.045, 16: 0.063, 17: 0.083, 18: 0.105}
K_BETA_BY_ALPHA |= {19: 0.119}
GRID_KEV = np.geomspace(0.1, 120.0, 240)
TABLE = Path(__file__).parents[1] / "umlpsd_gpu" / "xrays" / "tables" / "xray_table.npz"


def select(query: str) -> list[tuple]:
    path = Path(xraydb.__file__).parent / "xraydb.sqlite"
    with sqlite3.connect(path) as connection:
        return connection.execute(query).fetchall()


def atomic_numbers() -> dict[str, int]:
    rows = select("select element, atomic_number from elements")
    return {symbol: z for symbol, z in rows if z <= N_ELEMENTS}


def elements() -> dict[str, np.ndarray]:
    rows = select(
        f"select element, molar_mass, density from elements where atomic_number <= {N_ELEMENTS} "
        "order by atomic_number"
    )
    symbols, masses, densities = zip(*rows, strict=True)
    return {
        "symbols": np.array(["", *symbols]),
        "atomic_masses": np.array([0.0, *masses]),
        "densities": np.array([0.0, *densities]),
    }


def levels(numbers: dict[str, int]) -> dict[str, np.ndarray]:
    tables = {
        name: np.zeros((N_ELEMENTS + 1, len(LEVELS)))
        for name in ("edges_kev", "fluorescence_yields", "jump_ratios")
    }
    tables["jump_ratios"][:] = 1.0
    query = "select element, iupac_symbol, absorption_edge, fluorescence_yield, jump_ratio"
    for symbol, level, edge, fluorescence_yield, jump in select(f"{query} from xray_levels"):
        if level in LEVELS and symbol in numbers:
            place = numbers[symbol], LEVELS.index(level)
            tables["edges_kev"][place] = edge / 1000
            tables["fluorescence_yields"][place] = fluorescence_yield
            tables["jump_ratios"][place] = jump
    return tables


def coster_kronig(numbers: dict[str, int]) -> dict[str, np.ndarray]:
    """Return the chance that a vacancy moves up from one level to another, by any way."""
    found = np.zeros((N_ELEMENTS + 1, len(LEVELS), len(LEVELS)))
    query = "select element, initial_level, final_level, total_transition_probability"
    for symbol, start, end, chance in select(f"{query} from Coster_Kronig"):
        if start in LEVELS and end in LEVELS and symbol in numbers:
            found[numbers[symbol], LEVELS.index(start), LEVELS.index(end)] = chance
    return {"coster_kronig": found}


def name_of(siegbahn: str) -> str:
    """Return 'Lβ2' for 'Lb2,15'."""
    return siegbahn[0] + GREEK[siegbahn[1]] + siegbahn[2:].split(",")[0]


def lines(numbers: dict[str, int]) -> dict[str, np.ndarray]:
    query = "select element, siegbahn_symbol, initial_level, emission_energy, intensity"
    rows = [row for row in select(f"{query} from xray_transitions") if row[0] in numbers]
    has_m_beta = {row[0] for row in rows if row[1] == "Mb"}
    found = []
    for symbol, name, level, energy, weight in rows:
        if level == "M4,5":  # one line of two levels
            level = "M4" if symbol in has_m_beta else "M5"
        if level in LEVELS and energy >= 40:
            found.append(
                (numbers[symbol], LEVELS.index(level), energy / 1000, weight, name_of(name))
            )
    found = corrected_k_beta(sorted(found))
    z, level, energy, weight, name = zip(*found, strict=True)
    return {
        "line_z": np.array(z, np.uint8),
        "line_levels": np.array(level, np.uint8),
        "line_energies_kev": np.array(energy),
        "line_weights": np.array(weight, np.float32),
        "line_names": np.array(name),
    }


def corrected_k_beta(rows: list[tuple]) -> list[tuple]:
    """Return the lines with the Kβ of light elements as measured; the weights of K sum to 1."""
    found = []
    for z, level, energy, weight, name in rows:
        if z in K_BETA_BY_ALPHA and level == 0:
            of_z = [row for row in rows if row[0] == z and row[1] == 0]
            beta = sum(row[3] for row in of_z if row[4].startswith("Kβ"))
            share = K_BETA_BY_ALPHA[z] / (1 + K_BETA_BY_ALPHA[z])
            weight *= share / beta if name.startswith("Kβ") else (1 - share) / (1 - beta)
        found.append((z, level, energy, weight, name))
    return found


def nodes_kev(symbol: str) -> np.ndarray:
    """Return the nodes of the spline; where it has two values, one on each side."""
    ((text,),) = select(f"select log_energy from photoabsorption where element='{symbol}'")
    nodes = np.exp(np.array(json.loads(text))) / 1000
    nodes = np.concatenate([nodes * (1 - 1e-7), nodes * (1 + 1e-7)])
    return nodes[(nodes > 0.1) & (nodes < 120)]


def attenuation(symbols: np.ndarray) -> dict[str, np.ndarray]:
    """Return the energies of all elements in a row, and where each begins."""
    energies, values, starts = [], [], [0, 0]
    for symbol in symbols[1:]:
        grid = np.unique(np.concatenate([GRID_KEV, nodes_kev(str(symbol))]))
        energies.append(grid)
        values.append(np.log(xraydb.mu_elam(str(symbol), grid * 1000, kind="total")))
        starts.append(starts[-1] + grid.size)
    return {
        "attenuation_log_kev": np.log(np.concatenate(energies)),
        "attenuation_log_cm2_g": np.concatenate(values).astype(np.float32),
        "attenuation_starts": np.array(starts, np.int32),
    }


def main() -> None:
    numbers = atomic_numbers()
    table = elements()
    table |= levels(numbers) | coster_kronig(numbers) | lines(numbers)
    table |= attenuation(table["symbols"])
    np.savez_compressed(TABLE, **table, source=np.array(f"xraydb {xraydb.__version__}"))
    print(f"{TABLE}: {TABLE.stat().st_size / 1e6:.2f} MB, {table['line_z'].size} lines")


if __name__ == "__main__":
    sys.exit(main())
