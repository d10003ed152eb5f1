"""The result of a benchmark, and the same as plain values for its JSON file."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from umlpsd_gpu.bench.agreement import Agreement
from umlpsd_gpu.bench.claim import PAPER_SECONDS, SCALES, ClaimTable
from umlpsd_gpu.bench.contenders import BATCHED_CPU, LOOP, PROTOCOL
from umlpsd_gpu.bench.paper_protocol import ALL
from umlpsd_gpu.bench.roofline import Ceilings, Work
from umlpsd_gpu.bench.scaling import Curve, limit_share
from umlpsd_gpu.bench.stages import Stages
from umlpsd_gpu.bench.timing import Measurement, format_duration
from umlpsd_gpu.bench.verdict import verdict

FORMAT, FORMAT_VERSION = "umlpsd bench", 1


@dataclass(frozen=True)
class BenchResult:
    """A complete benchmark of one machine.

    Attributes
    ----------
    machine : dict
        From `machine_facts`.
    quick : bool
    seed : int
    claim : ClaimTable
    ceilings : Ceilings
    work : dict of str to Work
        Of our sweep in the claim table, by scale.
    curves : tuple of Curve
    stages : Stages
    total_s : float
        Duration of the benchmark, s.
    """

    machine: dict[str, Any]
    quick: bool
    seed: int
    claim: ClaimTable
    ceilings: Ceilings
    work: dict[str, Work]
    curves: tuple[Curve, ...]
    stages: Stages
    total_s: float

    def limit_share(self, scale: str) -> float:
        """Return the share of the machine's limit that our sweep on the CPU reaches.

        Parameters
        ----------
        scale : str

        Returns
        -------
        float
            NaN if our sweep was not run.
        """
        row = self.claim.row(BATCHED_CPU)
        if row is None:
            return math.nan
        return self.work[scale].floor_s(self.ceilings) / row.seconds[scale].median


# required of our engine on the CPU, for 204 × 10,000: (slower contender, scale) → times faster
REQUIRED = {(LOOP, "raw"): 400.0, (LOOP, "W80"): 150.0, (PROTOCOL, "raw"): 1500.0}


@dataclass(frozen=True)
class Target:
    """A required speed-up of our engine on the CPU, and what was measured.

    Attributes
    ----------
    slow, scale : str
    required, measured : float
        Times faster; measured is NaN if a row is missing or disagrees.
    needed_s, floor_s : float
        Time that our sweep may take to reach the required ratio, and its lower limit, s.
    """

    slow: str
    scale: str
    required: float
    measured: float
    needed_s: float
    floor_s: float

    def __str__(self) -> str:
        """Return whether the target was reached, in words."""
        if self.measured >= self.required:
            return "reached"
        if math.isnan(self.measured):
            return "unknown"
        where = "below" if self.needed_s < self.floor_s else "above"
        return (
            f"missed: this needs {format_duration(self.needed_s)}, {where} the "
            f"{format_duration(self.floor_s)} that products and sums take at best on this machine"
        )


def targets(result: BenchResult) -> list[Target]:
    """Return the required speed-ups of our engine on the CPU, and what was measured.

    Parameters
    ----------
    result : BenchResult

    Returns
    -------
    list of Target
    """
    found = []
    for (slow, scale), required in REQUIRED.items():
        row = result.claim.quoted(slow)
        needed_s = row.seconds[scale].median / required if row else math.nan
        found.append(
            Target(
                slow,
                scale,
                required,
                result.claim.faster(slow, BATCHED_CPU, scale),
                needed_s,
                result.work[scale].floor_s(result.ceilings),
            )
        )
    return found


def engine_gains(claim: ClaimTable) -> list[tuple[str, str, dict[str, float]]]:
    """Return how many times faster one contender is than another.

    Parameters
    ----------
    claim : ClaimTable

    Returns
    -------
    list of (slow, fast, times)
        ``times`` is a dict by scale; NaN where a row is missing or disagrees.
    """
    pairs = [(PROTOCOL, LOOP)]
    pairs += [
        (slow, row.who)
        for row in claim.rows
        if row.metric == ALL and row.seconds["W80"].ours
        for slow in (LOOP, PROTOCOL)
    ]
    return [
        (slow, fast, {scale: claim.faster(slow, fast, scale) for scale in SCALES})
        for slow, fast in pairs
    ]


def measurements(result: BenchResult) -> dict[str, Measurement]:
    """Return every measurement by a name that is the same in all benchmarks.

    Parameters
    ----------
    result : BenchResult

    Returns
    -------
    dict of str to Measurement
    """
    found = {
        f"claim/{row.who}/{row.metric}/{scale}": measured
        for row in result.claim.rows
        for scale, measured in row.seconds.items()
    }
    found |= {
        f"scaling/{curve.axis}/{point.size}": point.seconds
        for curve in result.curves
        for point in curve.points
    }
    found |= {f"stages/{name}": m for name, m in result.stages.seconds.items() if m.ours}
    found |= {
        "stages/whole study": result.stages.total,
        "movie/extraction": result.stages.extraction,
        "movie/plain reading": result.stages.reading,
        "ceilings/product": result.ceilings.product,
        "ceilings/copy": result.ceilings.copy,
        "ceilings/read": result.ceilings.read,
    }
    return found


def as_dict(result: BenchResult) -> dict[str, Any]:
    """Return every number of a benchmark, with None in place of NaN.

    Parameters
    ----------
    result : BenchResult

    Returns
    -------
    dict
        As written to the JSON file.
    """
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "machine": result.machine,
        "quick": result.quick,
        "seed": result.seed,
        "total_s": round(result.total_s, 1),
        "measurements": {
            name: {"seconds": list(m.seconds), "median": m.median, "ours": m.ours}
            for name, m in measurements(result).items()
        },
        "claim": _claim(result),
        "roofline": _roofline(result),
        "scaling": [_curve(curve, result.ceilings) for curve in result.curves],
        "stages": _stages(result.stages),
    }


def _claim(result: BenchResult) -> dict[str, Any]:
    claim = result.claim
    return {
        "n_traces": claim.n_traces,
        "n_frames": claim.n_frames,
        "paper_seconds": {m: dict(zip(SCALES, s, strict=True)) for m, s in PAPER_SECONDS.items()},
        "rows": [
            {
                "who": row.who,
                "metric": row.metric,
                "seconds": {scale: m.median for scale, m in row.seconds.items()},
                "epochs_run": row.epochs_run,
                "raw_over_W80": row.saved_by_smoothing("raw"),
                "WL6_over_W80": row.saved_by_smoothing("WL6"),
                "agrees": claim.agrees(row.who),
            }
            for row in claim.rows
        ],
        "engine": [
            {"slow": slow, "fast": fast, "times": {s: _finite(t) for s, t in times.items()}}
            for slow, fast, times in engine_gains(claim)
        ],
        "agreement": {
            who: {scale: _agreement(found) for scale, found in by_scale.items()}
            for who, by_scale in claim.agreement.items()
        },
        "missing": claim.missing,
        "verdict": verdict(claim, PROTOCOL, BATCHED_CPU),
    }


def _agreement(found: Agreement) -> dict[str, Any]:
    return {
        "metric_difference": _finite(found.metric_difference),
        "inertia_excess_percent": _finite(found.inertia_excess_percent),
        "inertia_stderr_percent": _finite(found.inertia_stderr_percent),
        "adjusted_rand": _finite(found.rand),
        "adjusted_rand_expected": _finite(found.rand_expected),
        "objections": found.objections,
    }


def _roofline(result: BenchResult) -> dict[str, Any]:
    return {
        "flops_per_s": result.ceilings.flops_per_s,
        "bytes_per_s": result.ceilings.bytes_per_s,
        "cached_bytes_per_s": result.ceilings.cached_bytes_per_s,
        "sweep": {
            scale: {
                "flops": work.flops,
                "n_bytes": work.n_bytes,
                "cached_bytes": work.cached_bytes,
                "floor_s": work.floor_s(result.ceilings),
                "limit_share": _finite(result.limit_share(scale)),
            }
            for scale, work in result.work.items()
        },
    }


def _curve(curve: Curve, ceilings: Ceilings) -> dict[str, Any]:
    return {
        "axis": curve.axis,
        "time_exponent": curve.time_exponent,
        "memory_exponent": curve.memory_exponent,
        "points": [
            {
                "size": point.size,
                "seconds": point.seconds.median,
                "peak_bytes": point.peak_bytes,
                "flops": point.work.flops,
                "floor_s": point.work.floor_s(ceilings),
                "limit_share": limit_share(point, ceilings),
                "epochs_run": point.epochs_run,
            }
            for point in curve.points
        ],
    }


def _stages(stages: Stages) -> dict[str, Any]:
    return {
        "n_traces": stages.n_traces,
        "n_frames": stages.n_frames,
        "seconds": {name: m.median for name, m in stages.seconds.items()},
        "total_s": stages.total.median,
        "movie_bytes": stages.movie_bytes,
        "extraction_bytes_per_s": stages.movie_bytes / stages.extraction.median,
        "reading_bytes_per_s": stages.movie_bytes / stages.reading.median,
    }


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
