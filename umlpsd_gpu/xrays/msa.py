"""Single X-ray spectra in the EMSA/MAS text format (.msa, .emsa; ISO 22029)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from umlpsd_gpu.xrays.errors import XraySpectrumError
from umlpsd_gpu.xrays.spectrum import Conditions, EnergyAxis, XraySpectrum

_HEADER_LINE = re.compile(r"#(#?\w[^:]*?)\s*:(.*)")
_LARGEST_FILE = 64 * 2**20  # a spectrum of 4,096 channels has 40 kB
_LARGEST_N_CHANNELS = 2**20


def read_msa(path: str | Path) -> XraySpectrum:
    """Read a spectrum in the EMSA/MAS text format, with the conditions that its header states.

    Parameters
    ----------
    path : str or Path
        A .msa or .emsa file with counts alone (``DATATYPE Y``) or energies and counts (``XY``).

    Returns
    -------
    XraySpectrum
        Conditions that the header does not state are None.

    Raises
    ------
    XraySpectrumError
        If the file has no energy axis or no counts, or can't be understood.
    """
    path = Path(path)
    header, numbers = _read_lines(path)
    if numbers.size == 0:
        raise XraySpectrumError(f"{path} has no counts after its line #SPECTRUM; export it again.")
    if not np.all(np.isfinite(numbers)):
        raise XraySpectrumError(f"{path} has counts that are no finite numbers; export it again.")
    axis = _read_axis(path, header, numbers)
    counts = numbers[1::2] if _is_xy(header) else numbers[: axis.n_channels]
    return XraySpectrum(counts, axis, _read_conditions(header), header.get("TITLE", path.stem))


def _read_lines(path: Path) -> tuple[dict[str, str], NDArray[np.float64]]:
    if path.stat().st_size > _LARGEST_FILE:
        raise XraySpectrumError(f"{path} has more than 64 MB, which no single spectrum has.")
    header: dict[str, str] = {}
    numbers: list[float] = []
    for line in path.read_text(encoding="latin-1").splitlines():
        if found := _HEADER_LINE.match(line.strip()):
            header.setdefault(found[1].strip("# ").split("-")[0].strip().upper(), found[2].strip())
        elif line.strip() and not line.startswith("#"):
            numbers.extend(_numbers_of(path, line))
    if not header.get("FORMAT", "").upper().startswith("EMSA"):
        raise XraySpectrumError(
            f"{path} does not begin with '#FORMAT : EMSA/MAS'; export the spectrum as .msa."
        )
    return header, np.asarray(numbers, np.float64)


def _numbers_of(path: Path, line: str) -> list[float]:
    try:
        return [float(word) for word in line.replace(",", " ").split()]
    except ValueError as error:
        raise XraySpectrumError(
            f"{path} has the line {line.strip()[:40]!r} among its counts; only numbers are allowed."
        ) from error


def _is_xy(header: Mapping[str, str]) -> bool:
    return header.get("DATATYPE", "Y").upper() == "XY"


def _read_axis(path: Path, header: Mapping[str, str], numbers: NDArray[np.float64]) -> EnergyAxis:
    per_kev = 1.0 if "KEV" in header.get("XUNITS", "eV").upper() else 1000.0
    if _is_xy(header):
        energies = numbers[::2] / per_kev
        if numbers.size % 2 or energies.size < 2:
            raise XraySpectrumError(f"{path} should have pairs of energy and counts; export again.")
        step, offset = float(energies[-1] - energies[0]) / (energies.size - 1), float(energies[0])
        n_channels = energies.size
    else:
        found_step = _number(header, "XPERCHAN")
        step = (found_step or 0.0) / per_kev
        offset = (_number(header, "OFFSET") or 0.0) / per_kev
        stated = _number(header, "NPOINTS") or numbers.size
        n_channels = int(min(stated, numbers.size, _LARGEST_N_CHANNELS))
        if n_channels < stated:
            raise XraySpectrumError(
                f"{path} states {stated:.0f} channels and has {numbers.size}; export it again."
            )
    if not step > 0:
        raise XraySpectrumError(
            f"{path} states no width of a channel; add a line #XPERCHAN with a number above 0."
        )
    return EnergyAxis(offset, step, n_channels)


def _number(header: Mapping[str, str], key: str) -> float | None:
    """Return the number of a line of the header, None without one."""
    found = re.match(r"[-+]?\d*\.?\d+(?:[eE][-+]?\d+)?", header.get(key, ""))
    return float(found[0]) if found and np.isfinite(float(found[0])) else None


def _read_conditions(header: Mapping[str, str]) -> Conditions:
    values = {
        "beam_kev": _number(header, "BEAMKV"),
        "take_off_deg": _number(header, "ELEVANGLE"),
        "resolution_ev": _number(header, "RESOLUTION"),
        "live_time_s": _number(header, "LIVETIME"),
        "probe_current_na": _number(header, "PROBECUR"),
    }
    window = header.get("EDSDET")
    origins = {name: "file" for name, value in values.items() if value is not None}
    if window:
        origins["window"] = "file"
    return Conditions(**values, window=window, origins=origins)
