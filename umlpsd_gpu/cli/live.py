"""The command ``umlpsd live``: analyse a movie while it is recorded."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from umlpsd_gpu.analyses.blinking.settings import Settings
from umlpsd_gpu.cli.assignment import read_assignment
from umlpsd_gpu.cli.options import OUTPUT_PANEL, ChosenSettings, add_settings_options
from umlpsd_gpu.errors import SettingsError

if TYPE_CHECKING:
    from umlpsd_gpu.live.page.server import PageServer

LIVE_PANEL = "During the recording"

Source = Annotated[
    str,
    typer.Argument(
        metavar="SOURCE",
        help="What is being recorded: a TIFF file that grows, a folder to which frames are "
        "written, tcp://127.0.0.1:PORT, or a finished movie with --replay-speed.",
        show_default=False,
    ),
]
Out = Annotated[
    Path,
    typer.Option(
        "--out",
        help="Folder for live.jsonl, emitters.json and the final study. A run that was "
        "interrupted goes on in it.",
        show_default=False,
        rich_help_panel=OUTPUT_PANEL,
    ),
]
UpdateS = Annotated[
    float | None,
    typer.Option(
        metavar="SECONDS",
        help="Time between two updates. Default: 1.",
        show_default=False,
        rich_help_panel=LIVE_PANEL,
    ),
]
IdleS = Annotated[
    float | None,
    typer.Option(
        metavar="SECONDS",
        help="The recording has ended if no frame came for this time. Default: 120.",
        show_default=False,
        rich_help_panel=LIVE_PANEL,
    ),
]
NFrames = Annotated[
    int | None,
    typer.Option(
        min=2,
        metavar="NUMBER",
        help="The recording has ended with this number of frames.",
        show_default=False,
        rich_help_panel=LIVE_PANEL,
    ),
]
ReplaySpeed = Annotated[
    float | None,
    typer.Option(
        metavar="NUMBER",
        help="Replay a finished movie this many times as fast as it was recorded.",
        show_default=False,
        rich_help_panel=LIVE_PANEL,
    ),
]
Other = Annotated[
    list[str] | None,
    typer.Option(
        "--live",
        metavar="NAME=VALUE",
        help="Any other setting of the section live, for example enough_s=120; can be repeated.",
        rich_help_panel=LIVE_PANEL,
    ),
]
ShowPage = Annotated[
    bool,
    typer.Option(
        "--page/--no-page",
        help="Show the recording on a page in the browser.",
        rich_help_panel=LIVE_PANEL,
    ),
]
Port = Annotated[
    int | None,
    typer.Option(
        metavar="NUMBER",
        help="Port of the page. Default: a free one.",
        show_default=False,
        rich_help_panel=LIVE_PANEL,
    ),
]
Overwrite = Annotated[
    bool,
    typer.Option("--overwrite", help="Replace an existing study.", rich_help_panel=OUTPUT_PANEL),
]


@add_settings_options
def live(
    source: Source,
    out_dir: Out,
    settings: ChosenSettings,
    update_s: UpdateS = None,
    idle_s: IdleS = None,
    n_frames: NFrames = None,
    replay_speed: ReplaySpeed = None,
    other: Other = None,
    page: ShowPage = True,
    port: Port = None,
    overwrite: Overwrite = False,
) -> None:
    """Analyse a movie while it is recorded: clusters, K and β so far, and alarms.

    When the recording has ended, or at Ctrl-C, the finished movie is analysed as by umlpsd run.
    """
    from umlpsd_gpu.analyses.registry import get_analysis
    from umlpsd_gpu.cli.live_terminal import LiveLine
    from umlpsd_gpu.live.run import run_live
    from umlpsd_gpu.live.settings import LiveSettings
    from umlpsd_gpu.live.sources.open import open_source

    chosen = _blinking_settings(settings)
    followed = LiveSettings().with_values(
        {"update_s": update_s, "idle_s": idle_s, **_read_others(other or [])}
    )
    out, err = (Console(stderr=s, highlight=False, soft_wrap=True) for s in (False, True))
    opened = open_source(source, chosen, followed, out_dir, replay_speed)
    server = _start_page(out, port) if page else None
    try:
        with LiveLine(out, err) as line:
            study = run_live(
                opened,
                out_dir,
                chosen,
                followed,
                page=server,
                tell=line.show,
                warn=line.warn,
                progress=line.report,
                n_frames=n_frames,
                overwrite=overwrite,
            )
        for part in get_analysis("blinking").answer(study):
            out.print(part)
        out.print(f"Report: {escape(str((out_dir / 'study' / 'report.html').resolve()))}")
    finally:
        if server is not None:
            server.stop()


def _blinking_settings(settings: ChosenSettings) -> Settings:
    analysis, chosen = settings.resolve()
    if not isinstance(chosen, Settings):
        raise SettingsError(
            f"umlpsd live follows the analysis 'blinking', not '{analysis.name}'; leave out "
            "--analysis"
        )
    return chosen


def _start_page(out: Console, port: int | None) -> PageServer:
    from umlpsd_gpu.live.page.server import PageServer

    server = PageServer(port)
    out.print(f"Page: {escape(str(server.start()))}")
    return server


def _read_others(texts: list[str]) -> dict[str, Any]:
    return dict(read_assignment(text, "--live", "enough_s=120") for text in texts)
