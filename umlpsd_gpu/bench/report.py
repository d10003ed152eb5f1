"""The benchmark as Markdown with JSON and figures beside it, and as tables on the terminal."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from umlpsd_gpu.bench.claim import (
    PAPER,
    PAPER_SECONDS,
    SCALES,
    ClaimTable,
    Row,
    verdict,
)
from umlpsd_gpu.bench.compare import Comparison
from umlpsd_gpu.bench.contenders import BATCHED_CPU, PROTOCOL
from umlpsd_gpu.bench.machine import file_name
from umlpsd_gpu.bench.result import BenchResult, as_dict, engine_gains, targets
from umlpsd_gpu.bench.scaling import AXES, limit_share
from umlpsd_gpu.bench.timing import in_unit, three_digits
from umlpsd_gpu.errors import OutputError

CLAIM_COLUMNS = (
    *("who", "metric", "raw (s)", "WL6 (s)", "W80 (s)"),
    *("raw/W80", "WL6/W80", "epochs run", "agrees"),
)
TERMINAL_COLUMNS = ("raw", "WL6", "W80", "raw/W80", "WL6/W80")
NOT_QUOTED = "not quoted"


def claim_cells(claim: ClaimTable) -> list[tuple[str, ...]]:
    """Return the claim table as text, the paper's rows first; ratios only of rows that agree."""
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
        *(three_digits(row.seconds[scale].median) for scale in SCALES),
        *(ratios if agrees else [NOT_QUOTED, NOT_QUOTED]),
        " / ".join(str(row.epochs_run[scale]) for scale in SCALES),
        "yes" if agrees else "**no**",
    )


def terminal_lines(result: BenchResult) -> list[str]:
    """Return the claim, what engines save, and the verdict, for a terminal of 80 columns."""
    lines = ["Seconds for 14 K × 100 epochs", _columns("", TERMINAL_COLUMNS)]
    before = ""
    for who, metric, *numbers, epochs, agrees in claim_cells(result.claim):
        if who != before:
            run = "" if who == PAPER else f" ({epochs} epochs run)"
            lines.append(f"{who}{run}{', DISAGREES' if 'no' in agrees else ''}")
        lines.append(_columns(f"  {metric}", [n.replace(NOT_QUOTED, "–") for n in numbers]))
        before = who
    lines += ["", "Times faster, all three metrics", _columns("", SCALES)]
    for slow, fast, times in engine_gains(result.claim):
        lines.append(f"{_short(fast)} than {_short(slow)}")
        lines.append(_columns("", [_times(t) for t in times.values()]))
    return [*lines, "", *_sentences(result)]


def _columns(first: str, cells: Sequence[str]) -> str:
    return f"{first:<14}" + "".join(f"{cell:>12}" for cell in cells)


def _short(who: str) -> str:
    """Return the name without what comes after a comma."""
    return who.partition(",")[0]


def comparison_lines(comparison: Comparison) -> list[str]:
    """Return what got slower or faster, in sentences."""
    slower, faster = comparison.of("slower"), comparison.of("faster")
    lines = [
        *comparison.notes,
        f"Work that is not ours took {comparison.machine_factor:.2f} times as long as before; the "
        "factors below are apart from that.",
    ]
    for word, changes in (("slower", slower), ("faster", faster)):
        for change in changes:
            times = change.factor if word == "slower" else 1 / change.factor
            lines.append(
                f"{times:.2f} times {word}: {change.name} ({in_unit(change.before.median)} → "
                f"{in_unit(change.now.median)})"
            )
    n_same = len(comparison.of("as before"))
    if not slower:
        lines.append(f"Nothing got slower beyond noise; {n_same} measurements are as before.")
    else:
        lines.append(f"{len(slower)} slower, {len(faster)} faster, {n_same} as before.")
    return lines


def write_bench(
    result: BenchResult, folder: str | Path, comparison: Comparison | None = None
) -> Path:
    """Write ``<machine>.md``, ``.json`` and the figures, each whole or not at all.

    Files of the same machine's earlier benchmark are replaced; no others are touched.

    Returns
    -------
    Path
        The Markdown file.

    Raises
    ------
    OutputError
        If the folder can't be made or written.
    """
    from umlpsd_gpu.bench.figures import draw_bench

    figures = draw_bench(result)
    name = file_name(result.machine)
    target = Path(folder)
    data = json.dumps(as_dict(result), indent=1, ensure_ascii=False, allow_nan=False)
    files = {
        f"{name}_{figure.name}.{kind}": getattr(figure, kind)
        for figure in figures
        for kind in ("png", "svg")
    }
    files[f"{name}.json"] = (data + "\n").encode()
    captions = [(f"{name}_{f.name}.png", f.title, f.caption) for f in figures]
    files[f"{name}.md"] = markdown(result, captions, comparison).encode()
    try:
        target.mkdir(parents=True, exist_ok=True)
        for file, content in files.items():
            _replace(target / file, content)
    except OSError as error:
        raise OutputError(
            f"the benchmark can't be written to {folder}: {error.strerror or error}; give another "
            "folder"
        ) from error
    return target / f"{name}.md"


def check_writable(folder: str | Path) -> None:
    """Refuse a folder that can't be written, before the minutes of measuring.

    Raises
    ------
    OutputError
    """
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"{folder} can't be made ({error.strerror}); give another folder with --out"
        ) from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise OutputError(f"{folder} can't be written; give another folder with --out")


def markdown(
    result: BenchResult,
    figures: Sequence[tuple[str, str, str]] = (),
    comparison: Comparison | None = None,
) -> str:
    """Return the whole report; figures as (file, title, caption)."""
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
        "Generated, never typed. All times are medians of works run in turn, round after round, "
        "after a warm-up; scikit-learn's are scaled to 100 epochs from those run (column “epochs "
        "run”, all rounds: raw / WL6 / W80).",
    ]


def _claim_section(result: BenchResult) -> list[str]:
    claim = result.claim
    gains = [
        (f"{fast} than {slow}", *map(_times, times.values()))
        for slow, fast, times in engine_gains(claim)
    ]
    missing = [f"- {who}: {reason}" for who, reason in claim.missing.items()]
    return [
        "## The claim",
        f"{claim.n_traces} traces of {claim.n_frames:,} frames. A sweep of ours finds all three "
        "metrics (and %Mscl, %EM) at once: there is no time for one of them. K 2…15 for SS and CH, "
        "from 1 for SSD; ours 1…15.",
        _table(CLAIM_COLUMNS, claim_cells(claim)),
        "\n".join(f"**{sentence}**" for sentence in _sentences(result)),
        "What engines save, all three metrics, by the same smoothing (a row that disagrees with "
        "the reference is not quoted):",
        _table(("times faster", *SCALES), gains),
        *(["Not run here:\n\n" + "\n".join(missing)] if missing else []),
    ]


def _sentences(result: BenchResult) -> list[str]:
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
        "over K ± standard error. ARI: ours run for run from the same starts; others with the "
        "reference's own runs, beside the least they must reach. (Octave's k-means++ tries one "
        "candidate a step where scikit-learn tries several, so its single starts end higher.)",
        _table(("who", "scale", "difference", ""), rows),
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
                in_unit(work.floor_s(ceilings)),
                in_unit(seconds),
                f"{100 * result.limit_share(scale):.0f} %",
            )
        )
    return [
        "## How far from the limit",
        f"Measured ceilings, {result.machine['n_cores']} cores: "
        f"{ceilings.flops_per_s / 1e9:.0f} Gflop/s in float64 products, "
        f"{ceilings.bytes_per_s / 1e9:.1f} GB/s in copies (bytes read and written). The floor of a "
        "sweep (K 1…15 × 100 epochs) is its products, counted, at the first; the bytes that must "
        "move cost less.",
        _table(("scale", "products", "bytes", "floor", "time", "share of the limit"), rows),
        "Required of `batched` on the CPU:",
        _table(("times faster than", "scale", "required", "measured", ""), _targets(result)),
    ]


def _targets(result: BenchResult) -> list[tuple[str, ...]]:
    return [
        (t.slow, t.scale, f"≥ {t.required:,.0f}×", _times(t.measured), str(t))
        for t in targets(result)
    ]


def _scaling_section(result: BenchResult) -> list[str]:
    parts = ["## Scaling"]
    for curve in result.curves:
        rows = [
            (
                f"{point.size:,}",
                in_unit(point.seconds.median),
                f"{point.peak_bytes / 1e6:,.0f} MB",
                in_unit(point.work.floor_s(result.ceilings)),
                f"{100 * limit_share(point, result.ceilings):.0f} %",
                str(point.epochs_run),
            )
            for point in curve.points
        ]
        parts += [
            f"**{AXES[curve.axis]}**: time ∝ size^{_signed(curve.time_exponent)}, memory ∝ "
            f"size^{_signed(curve.memory_exponent)} (upper half of the sizes).",
            _table(("size", "time", "memory", "floor", "of the limit", "epochs run"), rows),
        ]
    return parts


def _stages_section(result: BenchResult) -> list[str]:
    stages = result.stages
    total = sum(m.median for m in stages.seconds.values())
    rows = [
        (name, in_unit(m.median), f"{100 * m.median / total:.0f} %")
        for name, m in stages.seconds.items()
    ]
    extraction = stages.movie_bytes / stages.extraction.median / 1e9
    reading = stages.movie_bytes / stages.reading.median / 1e9
    return [
        "## A whole study",
        f"A simulated movie of {stages.movie_bytes / 1e6:.0f} MB, {stages.n_traces} traces of "
        f"{stages.n_frames:,} frames, all settings at their defaults: "
        f"{in_unit(stages.total.median)}.",
        _table(("stage", "time", "share"), rows),
        "Read: twice the plain reading of the bytes, as extraction reads them twice; preprocess: "
        "smoothing at all scales, timed apart and taken off the sweep.",
        f"Movie: extraction {extraction:.2f} GB/s, plain reading of the same bytes "
        f"{reading:.2f} GB/s: {reading / extraction:.1f} times as long as reading once.",
    ]


def _times(value: float) -> str:
    return f"{three_digits(value)}×" if math.isfinite(value) else NOT_QUOTED


def _signed(value: float) -> str:
    return f"{value:.2f}".replace("-", "−")


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _replace(path: Path, content: bytes) -> None:
    temporary = path.with_name(f".{path.name}.partial")
    temporary.write_bytes(content)
    temporary.replace(path)
