"""The command ``umlpsd simulate``: movies, maps and images with known truth."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.markup import escape

from umlpsd_gpu.compute.progress import notebook_or_terminal_progress as progress

out = Console(highlight=False, soft_wrap=True)


Movie = Annotated[
    Path,
    typer.Argument(
        metavar="FILE",
        help="TIFF file to write (.tif or .ome.tif); for curves and X-ray spectra .npz.",
    ),
]
Scene = Annotated[
    Literal[
        "emitters", "assembly", "crystals", "curves", "micrograph", "particles", "spectrum-image"
    ],
    typer.Option(
        metavar="SCENE",
        help="What to simulate: emitters (isolated), assembly (touching domains), crystals "
        "(touching), curves (a map of current-voltage curves), micrograph (grains of different "
        "lattices), particles (nanocrystals of known outline), or spectrum-image (X-ray spectra "
        "of wires on a substrate).",
    ),
]
NGrains = Annotated[
    int | None,
    typer.Option(
        "--grains",
        help="Number of domains. Default: 3, of which 1 and 2 share a slow trend; curves 12; "
        "micrograph 3.",
    ),
]
NFrames = Annotated[
    int | None,
    typer.Option("--frames", help="Number of frames. Default: 10000; assembly 6000."),
]
Size = Annotated[
    str | None,
    typer.Option(
        metavar="ROWSxCOLS",
        help="Size in pixels. Default: 128x128; assembly 20x20; curves 60x120; micrograph "
        "1024x1024; particles 1024x1024; spectrum-image 64x64.",
    ),
]
DtS = Annotated[
    float | None,
    typer.Option("--dt-s", help="Frame interval in seconds. Default: 0.03; assembly 0.1."),
]
Classes = Annotated[
    str, typer.Option(help="Blinking classes, assigned in turn: PEB, TSB, PBB, MSB.")
]
NAggregates = Annotated[
    int, typer.Option("--aggregates", help="Number of aggregates, which are wider.")
]
DriftPx = Annotated[
    float, typer.Option("--drift-px", help="Lateral drift over the whole movie, in pixels.")
]
NPoints = Annotated[int, typer.Option("--points", help="Points of each curve.")]
ParticleKind = Annotated[
    str,
    typer.Option(
        "--kind",
        help="Particles: isolated, touching-convex, touching-concave, low-contrast, overlapping, "
        "pale-beside-dark or bright-on-dark.",
    ),
]
NParticles = Annotated[int, typer.Option("--particles", help="Number of particles.")]
HysteresisV = Annotated[
    float | None,
    typer.Option(
        "--hysteresis-v",
        help="Curves: shift of a backward sweep, in volts. Default: forward sweep only.",
    ),
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace an existing file.")]


def simulate(
    movie: Movie,
    scene: Scene = "emitters",
    n_emitters: Annotated[int, typer.Option("--emitters", help="Number of emitters.")] = 60,
    n_grains: NGrains = None,
    n_frames: NFrames = None,
    size: Size = None,
    dt_s: DtS = None,
    classes: Classes = "PEB,TSB,PBB",
    n_aggregates: NAggregates = 0,
    drift_px: DriftPx = 0.0,
    n_points: NPoints = 256,
    hysteresis_v: HysteresisV = None,
    kind: ParticleKind = "touching-convex",
    n_particles: NParticles = 200,
    seed: Annotated[int, typer.Option(help="Seed; each number gives another movie.")] = 0,
    overwrite: Overwrite = False,
) -> None:
    """Write a simulated movie, map or image, and a file with its known truth."""
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
            of_assembly={} if n_grains is None else {"n_grains": n_grains},
            of_curves={
                "n_points": n_points,
                "hysteresis_v": hysteresis_v,
                **({} if n_grains is None else {"n_grains": n_grains}),
            },
            of_micrograph={} if n_grains is None else {"n_grains": n_grains},
            of_particles={"kind": kind, "n_particles": n_particles},
            overwrite=overwrite,
            n_frames=n_frames,
            dt_s=dt_s,
            seed=seed,
        )
        report("simulate", 1, 1)
    what = {
        "curves": "Curves",
        "micrograph": "Micrograph",
        "particles": "Particles",
        "spectrum-image": "Spectrum image",
    }.get(scene, "Movie")
    out.print(f"{what}: {escape(str(path))}\nTruth: {escape(str(truth))}")
