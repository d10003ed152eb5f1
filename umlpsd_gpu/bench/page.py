"""The benchmark as a Markdown page."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from umlpsd_gpu.bench.claim import PAPER, PAPER_SECONDS, SCALES, ClaimTable, Row
from umlpsd_gpu.bench.compare import Comparison, comparison_lines
from umlpsd_gpu.bench.contenders import BATCHED_CPU, N_OCTAVE_JUDGED, PROTOCOL
from umlpsd_gpu.bench.result import BenchResult, engine_gains, targets
from umlpsd_gpu.bench.scaling import AXES, limit_share
from umlpsd_gpu.bench.timing import format_duration, format_number
from umlpsd_gpu.bench.verdict import verdict

CLAIM_COLUMNS = (
    *("contender", "metric", "raw (s)", "WL6 (s)", "W80 (s)"),
    *("raw/W80", "WL6/W80", "epochs run", "agrees"),
)
NOT_QUOTED = "not quoted"


def markdown(
    result: BenchResult,
    figures: Sequence[tuple[str, str, str]] = (),
    comparison: Comparison | None = None,
) -> str:
    """Return the whole report.

    Parameters
    ----------
    result : BenchResult
    figures : sequence of (file, title, caption)
    comparison : Comparison, optional
        With an older benchmark.

    Returns
    -------
    str
    """
    sections = [
        *_head(result),
        *_claim_section(result),
        *_agreement_section(result.claim),
        *_roofline_section(result),
        *_scaling_section(result),
        *_stages_section(result),
    ]
    if comparison:
        lines = [f"- {line}" for line in comparison_lines(comparison)]
        sections += ["## Against the older benchmark", "\n".join(lines)]
    sections += [f"![{title}]({file})\n\n{caption}" for file, title, caption in figures]
    return "\n\n".join(sections) + "\n"


def _head(result: BenchResult) -> list[str]:
    machine = result.machine
    versions = ", ".join(f"{name} {number}" for name, number in machine["versions"].items())
    load = machine["load_at_start"]
    return [
        f"# Benchmark: {machine['processor']}, {machine['n_cores']} cores",
        f"`umlpsd bench{' --quick' if result.quick else ''}`, {machine['date']}, "
        f"{result.total_s:.0f} s, {machine['platform']}, {machine['memory_gb']} GB, GPU: "
        f"{machine['gpu']}. {versions}."
        + (f" Load of the machine at the start: {load:.1f}." if load is not None else ""),
        "This page is generated. After a warm-up, all works are run in turn, round after round; "
        "times are medians over rounds, and ratios are medians of the ratios within a round. "
        "scikit-learn's times are converted to 100 epochs from those run (column “epochs run”, "
        "all rounds: raw / WL6 / W80). scikit-learn uses one thread, which for 204 traces is as "
        "fast as several (benchmarks/README.md); ours uses all cores.",
    ]


def _claim_section(result: BenchResult) -> list[str]:
    claim = result.claim
    gains = [
        (f"{fast} than {slow}", *map(format_gain, times.values()))
        for slow, fast, times in engine_gains(claim)
    ]
    missing = [f"- {who}: {reason}" for who, reason in claim.missing.items()]
    return [
        "## The claim",
        f"{claim.n_traces} traces of {claim.n_frames:,} frames. Our sweep calculates all three "
        "metrics (and %Mscl, %EM) at once, so that there is no time for a single one. K 2…15 for "
        "SS and CH, 1…15 for SSD and for ours.",
        _table(CLAIM_COLUMNS, claim_cells(claim)),
        "\n".join(f"**{sentence}**" for sentence in verdict_sentences(result)),
        "Gains from engines for all three metrics, at the same smoothing (rows that disagree with "
        "the reference are not quoted):",
        _table(("times faster", *SCALES), gains),
        *(["Not run here:\n\n" + "\n".join(missing)] if missing else []),
    ]


def verdict_sentences(result: BenchResult) -> list[str]:
    """Return what the benchmark says about the paper's claim.

    Parameters
    ----------
    result : BenchResult

    Returns
    -------
    list of str
    """
    return verdict(result.claim, PROTOCOL, BATCHED_CPU)


def _agreement_section(claim: ClaimTable) -> list[str]:
    rows = [
        (who, scale, str(found), "; ".join(found.objections) or "agrees")
        for who, by_scale in claim.agreement.items()
        for scale, found in by_scale.items()
    ]
    return [
        "## Agreement",
        "Against scikit-learn's `KMeans(n_init=1, tol=0)`, 20 epochs of every K. Metrics: largest "
        "difference on equal labels (silhouette absolute, others relative). Inertia: mean excess "
        "over K ± standard error. ARI: ours run by run from the same starts; others with the "
        "reference's own runs, next to the least value that is accepted. Octave's k-means++ tries "
        "one candidate per step where scikit-learn's tries 2 + ln K, and its single starts end "
        "some percent higher. It is therefore compared with a reference that tries one, using the "
        f"epochs that were timed and {N_OCTAVE_JUDGED} more on the principal coordinates.",
        _table(("contender", "scale", "difference", ""), rows),
    ]


def _roofline_section(result: BenchResult) -> list[str]:
    ceilings = result.ceilings
    rows = []
    for scale, work in result.work.items():
        row = result.claim.row(BATCHED_CPU)
        seconds = row.seconds[scale].median if row else math.nan
        rows.append(
            (
                scale,
                f"{work.flops / 1e9:.2f} Gflop",
                f"{work.n_bytes / 1e6:.0f} MB",
                f"{work.cached_bytes / 1e9:.2f} GB",
                format_duration(work.floor_s(ceilings)),
                format_duration(seconds),
                f"{100 * result.limit_share(scale):.0f} %",
            )
        )
    return [
        "## How far from the limit",
        f"Measured ceilings, {result.machine['n_cores']} cores: "
        f"{ceilings.flops_per_s / 1e9:.0f} Gflop/s in float64 products, "
        f"{ceilings.bytes_per_s / 1e9:.1f} GB/s in copies (bytes read and written), "
        f"{ceilings.cached_bytes_per_s / 1e9:.0f} GB/s in reading what stays in the cache. The "
        "lower limit of a sweep (K 1…15 × 100 epochs) is the larger of two times, that of its "
        "counted products at the first rate and that of the bytes of its curves at the second, "
        "plus the time of the counted rows of pairs of traces that K-means sums at the third.",
        _table(
            ("scale", "products", "curves", "rows", "lower limit", "time", "limit / time"), rows
        ),
        "Required of `batched` on the CPU:",
        _table(("times faster than", "scale", "required", "measured", ""), _targets(result)),
    ]


def _targets(result: BenchResult) -> list[tuple[str, ...]]:
    return [
        (t.slow, t.scale, f"≥ {t.required:,.0f}×", format_gain(t.measured), str(t))
        for t in targets(result)
    ]


def _scaling_section(result: BenchResult) -> list[str]:
    parts = ["## Scaling"]
    for curve in result.curves:
        rows = [
            (
                f"{point.size:,}",
                format_duration(point.seconds.median),
                f"{point.peak_bytes / 1e6:,.0f} MB",
                format_duration(point.work.floor_s(result.ceilings)),
                f"{100 * limit_share(point, result.ceilings):.0f} %",
                str(point.epochs_run),
            )
            for point in curve.points
        ]
        parts += [
            f"**{AXES[curve.axis]}**: time ∝ size^{_signed(curve.time_exponent)}, memory ∝ "
            f"size^{_signed(curve.memory_exponent)} (upper half of the sizes).",
            _table(("size", "time", "memory", "lower limit", "limit / time", "epochs run"), rows),
        ]
    return parts


def _stages_section(result: BenchResult) -> list[str]:
    stages = result.stages
    total = sum(m.median for m in stages.seconds.values())
    rows = [
        (name, format_duration(m.median), f"{100 * m.median / total:.0f} %")
        for name, m in stages.seconds.items()
    ]
    extraction = stages.movie_bytes / stages.extraction.median / 1e9
    reading = stages.movie_bytes / stages.reading.median / 1e9
    return [
        "## A whole study",
        f"A simulated movie of {stages.movie_bytes / 1e6:.0f} MB, {stages.n_traces} traces of "
        f"{stages.n_frames:,} frames, all settings at their defaults: "
        f"{format_duration(stages.total.median)}.",
        _table(("stage", "time", "share"), rows),
        "Read: twice the plain reading of the bytes, as extraction reads them twice; preprocess: "
        "smoothing at all scales, timed apart and taken off the sweep.",
        f"Movie: extraction {extraction:.2f} GB/s, plain reading of the same bytes "
        f"{reading:.2f} GB/s; extraction takes {reading / extraction:.1f} times as long as reading "
        "once.",
    ]


def format_gain(value: float) -> str:
    """Return how many times faster something is, as text.

    Parameters
    ----------
    value : float
        May be NaN.

    Returns
    -------
    str
    """
    return f"{format_number(value)}×" if math.isfinite(value) else NOT_QUOTED


def _signed(value: float) -> str:
    return f"{value:.2f}".replace("-", "−")


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def claim_cells(claim: ClaimTable) -> list[tuple[str, ...]]:
    """Return the claim table as text, first the paper's rows; ratios only of rows that agree.

    Parameters
    ----------
    claim : ClaimTable

    Returns
    -------
    list of tuple of str
        One tuple per row, in the order of `CLAIM_COLUMNS`.
    """
    rows = []
    for metric, seconds in PAPER_SECONDS.items():
        ratios = (f"{s / seconds[-1]:.0f}×" for s in seconds[:-1])
        rows.append((PAPER, metric, *(f"{s:,.0f}" for s in seconds), *ratios, "100", "–"))
    return rows + [_claim_row(row, claim.agrees(row.who)) for row in claim.rows]


def _claim_row(row: Row, agrees: bool) -> tuple[str, ...]:
    ratios = [f"{row.saved_by_smoothing(s):.2g}×" for s in ("raw", "WL6")]
    return (
        row.who,
        row.metric,
        *(format_number(row.seconds[scale].median) for scale in SCALES),
        *(ratios if agrees else [NOT_QUOTED, NOT_QUOTED]),
        " / ".join(str(row.epochs_run[scale]) for scale in SCALES),
        "yes" if agrees else "**no**",
    )
