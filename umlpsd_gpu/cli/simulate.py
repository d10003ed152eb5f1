"""The command ``umlpsd simulate``: movies with known truth."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.markup import escape

from umlpsd_gpu.compute.progress import notebook_or_terminal_progress as progress

out = Console(highlight=False, soft_wrap=True)


def simulate(
    movie: Annotated[
        Path, typer.Argument(metavar="MOVIE", help="TIFF file to write (.tif or .ome.tif).")
    ],
    scene: Annotated[
        Literal["emitters", "assembly", "crystals"],
        typer.Option(
            metavar="SCENE",
            help="What to simulate: emitters (isolated), assembly (touching domains), or crystals "
            "(touching).",
        ),
    ] = "emitters",
    n_emitters: Annotated[int, typer.Option("--emitters", help="Number of emitters.")] = 60,
    n_grains: Annotated[
        int,
        typer.Option(
            "--grains", help="Number of domains of an assembly; 1 and 2 share a slow trend."
        ),
    ] = 3,
    n_frames: Annotated[
        int | None,
        typer.Option("--frames", help="Number of frames. Default: 10000; assembly 6000."),
    ] = None,
    size: Annotated[
        str | None,
        typer.Option(
            metavar="ROWSxCOLS", help="Image size in pixels. Default: 128x128; assembly 20x20."
        ),
    ] = None,
    dt_s: Annotated[
        float | None,
        typer.Option("--dt-s", help="Frame interval in seconds. Default: 0.03; assembly 0.1."),
    ] = None,
    classes: Annotated[
        str, typer.Option(help="Blinking classes, assigned in turn: PEB, TSB, PBB, MSB.")
    ] = "PEB,TSB,PBB",
    n_aggregates: Annotated[
        int, typer.Option("--aggregates", help="Number of aggregates, which are wider.")
    ] = 0,
    drift_px: Annotated[
        float, typer.Option("--drift-px", help="Lateral drift over the whole movie, in pixels.")
    ] = 0.0,
    seed: Annotated[int, typer.Option(help="Seed; each number gives another movie.")] = 0,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace an existing file.")
    ] = False,
) -> None:
    """Write a simulated movie and a file with its known truth."""
    from umlpsd_gpu.simulate.by_name import write_scene

    with progress() as report:
        report("simulate", 0, 1)
        path, truth = write_scene(
            scene,
            movie,
            size,
            of_emitters={
                "n_emitters": n_emitters,
                "class_mix": tuple(name.strip().upper() for name in classes.split(",")),
                "n_aggregates": n_aggregates,
                "drift_px": drift_px,
            },
            of_assembly={"n_grains": n_grains},
            overwrite=overwrite,
            n_frames=n_frames,
            dt_s=dt_s,
            seed=seed,
        )
        report("simulate", 1, 1)
    out.print(f"Movie: {escape(str(path))}\nTruth: {escape(str(truth))}")
