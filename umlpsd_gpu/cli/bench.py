"""The command ``umlpsd bench``: speed-up over the paper's method and other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from umlpsd_gpu.compute.progress import notebook_or_terminal_progress as progress
from umlpsd_gpu.errors import SettingsError

out = Console(highlight=False, soft_wrap=True)


def bench(
    quick: Annotated[
        bool, typer.Option("--quick", help="Fewer repetitions and sizes: three minutes on 2 cores.")
    ] = False,
    out_dir: Annotated[
        Path, typer.Option("--out", help="Folder for <machine>.md, .json and the figures.")
    ] = Path("umlpsd_bench"),
    compare_with: Annotated[
        Path | None,
        typer.Option("--compare", help="JSON file of an older benchmark to compare with."),
    ] = None,
    seed: Annotated[
        int, typer.Option(help="Seed of the simulated traces and the K-means starts.")
    ] = 0,
) -> None:
    """Measure the speed on this machine.

    Compared are the speed-up that the paper reports (20 to 30 times), other programs for K-means,
    and the limit of the hardware.
    """
    from umlpsd_gpu.bench.compare import compare, comparison_lines, read_bench
    from umlpsd_gpu.bench.report import (
        check_writable,
        terminal_lines,
        write_bench,
    )
    from umlpsd_gpu.bench.run import FULL, QUICK
    from umlpsd_gpu.bench.run import bench as measured

    if seed < 0:
        raise SettingsError(f"--seed must be 0 or above, got {seed}")
    older = read_bench(compare_with) if compare_with else None
    check_writable(out_dir)
    with progress() as report:
        result = measured(QUICK if quick else FULL, seed, report)
    comparison = compare(older, result) if older else None
    page = write_bench(result, out_dir, comparison)
    for line in terminal_lines(result) + (comparison_lines(comparison) if comparison else []):
        out.print(escape(line))
    out.print(f"Page: {escape(str(page))}")
