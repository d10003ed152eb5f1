"""The command ``umlpsd replay``: play a finished movie as a microscope would record it."""

from __future__ import annotations

import time
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.markup import escape

from umlpsd_gpu.compute.progress import notebook_or_terminal_progress as progress

out = Console(highlight=False, soft_wrap=True)

Source = Annotated[str, typer.Argument(metavar="MOVIE", help="Finished TIFF movie.")]
Dest = Annotated[
    str,
    typer.Argument(
        metavar="DEST",
        help="Where it is recorded: a TIFF file (.tif), a folder for one file of each frame, or "
        "tcp://127.0.0.1:PORT of umlpsd live.",
    ),
]
Speed = Annotated[
    float,
    typer.Option(min=0, help="How many times faster than it was recorded; 0: as fast as possible."),
]
Format = Annotated[
    Literal["classic", "bigtiff", "imagej", "micromanager"],
    typer.Option(
        "--format",
        metavar="WORD",
        help="How a TIFF file grows: classic or bigtiff (page by page), imagej (one description "
        "for all frames), or micromanager (reserved space, time stamps).",
    ),
]
Burst = Annotated[
    int, typer.Option(min=1, help="Frames that are written together, when the last is due.")
]
PauseAfter = Annotated[
    int | None, typer.Option(min=0, help="Frames before a pause.", show_default=False)
]
PauseS = Annotated[
    float, typer.Option(metavar="SECONDS", min=0, help="Length of this pause, in seconds.")
]
DtS = Annotated[
    float | None,
    typer.Option(
        "--dt-s",
        metavar="SECONDS",
        help="Frame interval in seconds. Default: that of the metadata.",
        show_default=False,
    ),
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace existing files.")]


def replay(
    movie: Source,
    dest: Dest,
    speed: Speed = 1.0,
    file_format: Format = "classic",
    burst: Burst = 1,
    pause_after: PauseAfter = None,
    pause_s: PauseS = 0.0,
    dt_s: DtS = None,
    overwrite: Overwrite = False,
) -> None:
    """Play a finished movie as a microscope would record it, to try umlpsd live."""
    from umlpsd_gpu.live.microscope.play import Rhythm, play
    from umlpsd_gpu.movie.open import open_movie

    opened = open_movie(movie, dt_s=dt_s)
    rhythm = Rhythm(speed, burst, pause_after, pause_s)
    start_s = time.monotonic()
    with progress() as report:
        n_frames = play(
            opened,
            dest,
            rhythm,
            file_format,
            overwrite,
            lambda done, total: report("replay", done, total),
        )
    took_s = time.monotonic() - start_s
    out.print(f"Played {n_frames} frames in {took_s:.1f} s to {escape(dest)}")
